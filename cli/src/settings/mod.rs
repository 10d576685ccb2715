//! What the command is told, from the command line, the environment and a file, and the library's
//! configuration of it.

mod layer;
mod password;

use std::time::Duration;

use mysqlfabric::config::{Config, Credentials, Identity, SourceUrl, TlsFiles, check_zone};
use mysqlfabric::observe::log::{Level, Log};

use crate::args::{Cli, TlsName};
use crate::c_names::translated;
use crate::exit::{Exit, Failure, Result};
use crate::output::{note, warn};

use self::layer::{Layer, Login};

/// The longest time that is taken: a year.
const MOST_SECONDS: f64 = 31_536_000.0;

const NO_URL: &str = "nobody says where the topology comes from; give --url, such as \
                      --url cluster://user@db1.example.com, or set MYSQLFABRIC_URL, or write url = \
                      \"...\" in ~/.config/mysqlfabric/config.toml";

/// The options in force.
pub struct Settings {
    pub timeout: Duration,
    layer: Layer,
    verbose: u8,
    quiet: bool,
}

impl Settings {
    /// Puts the command line over the environment, and both over the file.
    pub fn of(cli: &Cli) -> Result<Self> {
        let told = Layer::of_arguments(&cli.connection).over(Layer::of_environment()?);
        let file = layer::file(cli.connection.config.as_deref())?;
        let layer = told.over(file.unwrap_or_default());
        let timeout = seconds(layer.timeout.unwrap_or(10.0), "timeout")?;
        Ok(Self { timeout, layer, verbose: cli.verbose, quiet: cli.quiet })
    }

    /// The URL of the source.
    pub fn url(&self) -> Result<&str> {
        self.layer.url.as_deref().ok_or_else(|| Failure::usage(NO_URL))
    }

    /// The library's configuration for the source of the settings.
    pub fn config(&self) -> Result<Config> {
        self.config_of(self.url()?)
    }

    /// The library's configuration for a source. Asks for passwords where they are to be asked for.
    pub fn config_of(&self, url: &str) -> Result<Config> {
        let mut config = Config {
            // One round over the nodes, within the time that the command has.
            connect_attempts: 1,
            connect_timeout: self.timeout.min(Duration::from_secs(5)),
            request_timeout: self.timeout,
            lookup_timeout: self.timeout,
            // A person waits, and for one answer.
            max_reply_bytes: 1 << 30,
            log: self.log(),
            ..Config::default()
        };
        config.set_source(url)?;
        let is_fabric =
            matches!(config.source, Some(SourceUrl::Fabric { .. } | SourceUrl::FabricMysql { .. }));
        let in_url = config.source.as_ref().and_then(SourceUrl::user).map(str::to_owned);
        let of_url = |asked: bool| in_url.clone().filter(|_| asked);
        config.mysql.credentials =
            credentials(&self.layer.mysql, of_url(!is_fabric), "MySQL servers")?;
        if is_fabric {
            config.credentials = credentials(&self.layer.fabric, of_url(true), "Fabric nodes")?;
        }
        let mysql = &self.layer.mysql;
        config.mysql.tls_mode = mysql.tls.map(Into::into);
        config.mysql.ca.clone_from(&mysql.ca);
        config.mysql.identity = identity(mysql, "MySQL servers")?;
        config.mysql.full_password_unverified = mysql.password_unverified.unwrap_or(false);
        let fabric = &self.layer.fabric;
        let identity = identity(fabric, "Fabric nodes")?;
        config.tls = fabric.ca.clone().map(|ca| TlsFiles { ca, identity });
        if let Some(zone) = &self.layer.zone {
            check_zone(zone)?;
            config.zone = Some(zone.as_str().into());
        }
        config.read_preference = self.layer.read_preference.map(Into::into).unwrap_or_default();
        config.check()?;
        self.check_files(is_fabric)?;
        Ok(config)
    }

    /// Whether the files of TLS can be read: the library finds out when it connects, and takes it for a
    /// failure of TLS.
    fn check_files(&self, is_fabric: bool) -> Result<()> {
        let of = if is_fabric { &self.layer.fabric } else { &self.layer.mysql };
        if of.tls == Some(TlsName::Disabled) {
            return Ok(());
        }
        for path in [&of.ca, &of.cert, &of.key].into_iter().flatten() {
            mysqlfabric::store::read::open(path).map_err(|error| {
                let message = format!("the TLS file '{}' cannot be read: {error}", path.display());
                Failure::new(Exit::File, message)
            })?;
        }
        Ok(())
    }

    /// What the library says, on standard error. Failures of the command are told at its end.
    fn log(&self) -> Log {
        let most = match (self.quiet, self.verbose) {
            (true, _) => return Log::default(),
            (_, 0) => Level::Warning,
            (_, 1) => Level::Info,
            _ => Level::Debug,
        };
        let is_told = self.verbose > 0;
        Log::new(most, move |level, message| match level {
            Level::Error if !is_told => {}
            Level::Warning => warn(&translated(message)),
            _ => note(&translated(message)),
        })
    }
}

/// A time that an option gives in seconds.
pub fn seconds(seconds: f64, option: &str) -> Result<Duration> {
    if (0.001..=MOST_SECONDS).contains(&seconds) {
        return Ok(Duration::from_secs_f64(seconds));
    }
    Err(Failure::usage(format!("{option} {seconds}: give seconds from 0.001 to {MOST_SECONDS}")))
}

fn credentials(login: &Login, in_url: Option<String>, of: &str) -> Result<Option<Credentials>> {
    let Some(user) = login.user.clone().or(in_url) else { return Ok(None) };
    let password = password::of(login.password.as_ref(), &user, of)?;
    Ok(Some(Credentials { user, password }))
}

fn identity(login: &Login, of: &str) -> Result<Option<Identity>> {
    match (&login.cert, &login.key) {
        (Some(cert), Some(key)) => Ok(Some(Identity { key: key.clone(), cert: cert.clone() })),
        (None, None) => Ok(None),
        _ => Err(Failure::usage(format!(
            "a certificate for {of} needs its key, and a key its certificate; give both"
        ))),
    }
}
