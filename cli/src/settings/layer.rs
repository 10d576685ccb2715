//! One place that options come from: the command line, the environment, or a file.

use std::env;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::args::{Connection, Preference, TlsName};
use crate::exit::{Exit, Failure, Result};
use crate::input::small;

use super::password::{PasswordFrom, warn_of_readers};

/// The members of a file.
const NAMES: [&str; 13] = [
    "url",
    "timeout",
    "zone",
    "read_preference",
    "mysql",
    "fabric",
    "user",
    "password_file",
    "tls",
    "ca",
    "cert",
    "key",
    "password_unverified",
];

/// What one place says. A file has the same names.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    pub url: Option<String>,
    pub timeout: Option<f64>,
    pub zone: Option<String>,
    pub read_preference: Option<Preference>,
    #[serde(default)]
    pub mysql: Login,
    #[serde(default)]
    pub fabric: Login,
}

/// How to log in to servers of one kind.
#[derive(Debug, Default, Deserialize)]
#[serde(try_from = "LoginMembers")]
pub struct Login {
    pub user: Option<String>,
    pub password: Option<PasswordFrom>,
    pub tls: Option<TlsName>,
    pub ca: Option<PathBuf>,
    pub cert: Option<PathBuf>,
    pub key: Option<PathBuf>,
    pub password_unverified: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoginMembers {
    user: Option<String>,
    #[serde(default, deserialize_with = "secret")]
    password: Option<String>,
    password_file: Option<PathBuf>,
    tls: Option<TlsName>,
    ca: Option<PathBuf>,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    password_unverified: Option<bool>,
}

impl TryFrom<LoginMembers> for Login {
    type Error = &'static str;

    fn try_from(of: LoginMembers) -> std::result::Result<Self, &'static str> {
        let password = match (of.password, of.password_file) {
            (Some(_), Some(_)) => return Err("password and password_file: take one of them out"),
            (Some(text), None) => Some(PasswordFrom::Text(text.into())),
            (None, file) => file.map(PasswordFrom::File),
        };
        let LoginMembers { user, tls, ca, cert, key, password_unverified, .. } = of;
        Ok(Self { user, password, tls, ca, cert, key, password_unverified })
    }
}

impl Layer {
    pub fn of_arguments(of: &Connection) -> Self {
        let password = |asked: bool, file: &Option<PathBuf>| match asked {
            true => Some(PasswordFrom::Prompt),
            false => file.clone().map(PasswordFrom::File),
        };
        Self {
            url: of.url.clone(),
            timeout: of.timeout,
            zone: of.zone.clone(),
            read_preference: of.read_preference,
            mysql: Login {
                user: of.user.clone(),
                password: password(of.ask_password, &of.password_file),
                tls: of.tls,
                ca: of.ca.clone(),
                cert: of.cert.clone(),
                key: of.key.clone(),
                password_unverified: of.password_unverified.then_some(true),
            },
            fabric: Login {
                user: of.fabric_user.clone(),
                password: password(of.ask_fabric_password, &of.fabric_password_file),
                ca: of.fabric_ca.clone(),
                cert: of.fabric_cert.clone(),
                key: of.fabric_key.clone(),
                ..Login::default()
            },
        }
    }

    pub fn of_environment() -> Result<Self> {
        let timeout = variable("TIMEOUT")?.map(|text| {
            text.parse().map_err(|_| {
                Failure::usage(format!("MYSQLFABRIC_TIMEOUT '{text}' is no number of seconds"))
            })
        });
        Ok(Self {
            url: variable("URL")?,
            timeout: timeout.transpose()?,
            zone: variable("ZONE")?,
            read_preference: named("READ_PREFERENCE")?,
            mysql: Login {
                tls: named("TLS")?,
                password_unverified: variable("PASSWORD_UNVERIFIED")?
                    .map(|text| switch("MYSQLFABRIC_PASSWORD_UNVERIFIED", &text))
                    .transpose()?,
                ..login("")?
            },
            fabric: login("FABRIC_")?,
        })
    }

    /// This layer, with what it does not say taken from one below.
    pub fn over(self, below: Self) -> Self {
        Self {
            url: self.url.or(below.url),
            timeout: self.timeout.or(below.timeout),
            zone: self.zone.or(below.zone),
            read_preference: self.read_preference.or(below.read_preference),
            mysql: self.mysql.over(below.mysql),
            fabric: self.fabric.over(below.fabric),
        }
    }
}

impl Login {
    fn over(self, below: Self) -> Self {
        Self {
            user: self.user.or(below.user),
            password: self.password.or(below.password),
            tls: self.tls.or(below.tls),
            ca: self.ca.or(below.ca),
            cert: self.cert.or(below.cert),
            key: self.key.or(below.key),
            password_unverified: self.password_unverified.or(below.password_unverified),
        }
    }
}

/// The file of the configuration: the one that is named, which must be there, or the usual one.
pub fn file(named: Option<&Path>) -> Result<Option<Layer>> {
    let named = match named {
        Some(path) => Some(path.to_owned()),
        None => variable("CONFIG")?.map(PathBuf::from),
    };
    let Some(path) = named.clone().or_else(usual) else { return Ok(None) };
    let shown = path.display();
    let text = match small(&path) {
        Ok(text) => text,
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(None);
        }
        Err(error) => {
            return Err(Failure::new(Exit::File, format!("'{shown}' cannot be read: {error}")));
        }
    };
    let layer: Layer = toml::from_str(&text)
        .map_err(|error| Failure::usage(format!("'{shown}': {}", place_of(&text, &error))))?;
    let has_password = |login: &Login| matches!(login.password, Some(PasswordFrom::Text(_)));
    if has_password(&layer.mysql) || has_password(&layer.fabric) {
        warn_of_readers(&path);
    }
    Ok(Some(layer))
}

/// A password: a message of what else it is would show it.
fn secret<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<Option<String>, D::Error> {
    match toml::Value::deserialize(from)? {
        toml::Value::String(text) => Ok(Some(text)),
        _ => Err(D::Error::custom("password: a text in quotes is wanted")),
    }
}

/// Where and why a file is refused, without its lines: one of them may be a password.
fn place_of(text: &str, error: &toml::de::Error) -> String {
    let why = error.message();
    let Some(before) = error.span().and_then(|span| text.get(..span.start)) else {
        return why.to_owned();
    };
    let (lines, last) = before
        .rsplit_once('\n')
        .map_or((0, before), |(above, last)| (above.matches('\n').count() + 1, last));
    let line = text.lines().nth(lines).unwrap_or_default();
    let name = line.split('=').next().unwrap_or_default().trim();
    let name = if NAMES.contains(&name) { format!("{name}: ") } else { String::new() };
    format!("line {}, column {}: {name}{why}", lines + 1, last.chars().count() + 1)
}

fn usual() -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")))?;
    Some(base.join("mysqlfabric/config.toml"))
}

/// A variable of the environment, by what is behind `MYSQLFABRIC_`. An empty one is as if it were not there:
/// that is how a script takes one back.
fn variable(name: &str) -> Result<Option<String>> {
    Ok(variable_as_it_is(name)?.filter(|value| !value.is_empty()))
}

fn variable_as_it_is(name: &str) -> Result<Option<String>> {
    let name = format!("MYSQLFABRIC_{name}");
    match env::var(&name) {
        Ok(value) => Ok(Some(value)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => {
            Err(Failure::usage(format!("the variable {name} is not UTF-8")))
        }
    }
}

fn login(kind: &str) -> Result<Login> {
    let path = |name: &str| -> Result<Option<PathBuf>> {
        Ok(variable(&format!("{kind}{name}"))?.map(PathBuf::from))
    };
    // A password may be empty.
    let password = match variable_as_it_is(&format!("{kind}PASSWORD"))? {
        Some(text) => Some(PasswordFrom::Text(text.into())),
        None => path("PASSWORD_FILE")?.map(PasswordFrom::File),
    };
    Ok(Login {
        user: variable(&format!("{kind}USER"))?,
        password,
        ca: path("CA")?,
        cert: path("CERT")?,
        key: path("KEY")?,
        ..Login::default()
    })
}

/// A variable whose values have names.
fn named<T: ValueEnum>(name: &str) -> Result<Option<T>> {
    let Some(text) = variable(name)? else { return Ok(None) };
    let value = T::from_str(&text, true).map_err(|_| {
        let names = T::value_variants().iter().filter_map(T::to_possible_value);
        let names: Vec<String> = names.map(|value| value.get_name().to_owned()).collect();
        Failure::usage(format!("MYSQLFABRIC_{name} '{text}' is none of {}", names.join(", ")))
    });
    value.map(Some)
}

fn switch(name: &str, text: &str) -> Result<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" => Ok(true),
        "0" | "false" | "no" => Ok(false),
        _ => Err(Failure::usage(format!("{name} '{text}' is neither 1 nor 0"))),
    }
}
