//! The `fabricd` program.

use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs, thread};

use fabricd::{Certs, Farm, Options, Server, Tls, User};

const USAGE: &str =
    "usage: fabricd [--farm FILE] [--listen ADDR:PORT] [--mysql ADDR:PORT] [--control ADDR:PORT]
    [--user U --password P] [--no-auth] [--realm R] [--check-nonce] [--generation 1|2]
    [--version V] [--ttl S] [--threads N] [--nonce-purge S] [--failover-delay MS] [--store-down]
    [--tls-cert F --tls-key F [--tls-client-ca F] [--tls-close-notify]]
    [--make-certs DIR] [--port-file FILE] [--exit-with-parent]";

#[derive(Default)]
struct Arguments {
    farm: Option<String>,
    user: Option<String>,
    password: Option<String>,
    generation: Option<u8>,
    version: Option<String>,
    ttl: Option<i64>,
    tls_cert: Option<String>,
    tls_key: Option<String>,
    tls_client_ca: Option<String>,
    tls_close_notify: bool,
    make_certs: Option<String>,
    port_file: Option<String>,
    exit_with_parent: bool,
    help: bool,
}

fn number<T: std::str::FromStr>(flag: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{flag}: ({text}) is not a number"))
}

fn parse() -> Result<(Arguments, Options), String> {
    let mut given = Arguments::default();
    let mut options = Options::default();
    let mut args = env::args().skip(1);
    while let Some(flag) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{flag} wants a value"));
        match flag.as_str() {
            "--farm" => given.farm = Some(value()?),
            "--listen" => options.listen = value()?,
            "--mysql" => options.mysql = Some(value()?),
            "--control" => options.control = Some(value()?),
            "--user" => given.user = Some(value()?),
            "--password" => given.password = Some(value()?),
            "--no-auth" => options.auth = false,
            "--realm" => options.realm = value()?,
            "--check-nonce" => options.check_nonce = true,
            "--generation" => given.generation = Some(number(&flag, &value()?)?),
            "--version" => given.version = Some(value()?),
            "--ttl" => given.ttl = Some(number(&flag, &value()?)?),
            "--threads" => options.threads = number(&flag, &value()?)?,
            "--nonce-purge" => {
                options.nonce_purge = Duration::from_secs(number(&flag, &value()?)?);
            }
            "--failover-delay" => {
                options.failover_delay = Duration::from_millis(number(&flag, &value()?)?);
            }
            "--store-down" => options.store_down = true,
            "--tls-cert" => given.tls_cert = Some(value()?),
            "--tls-key" => given.tls_key = Some(value()?),
            "--tls-client-ca" => given.tls_client_ca = Some(value()?),
            "--tls-close-notify" => given.tls_close_notify = true,
            "--make-certs" => given.make_certs = Some(value()?),
            "--port-file" => given.port_file = Some(value()?),
            "--exit-with-parent" => given.exit_with_parent = true,
            "--help" | "-h" => given.help = true,
            _ => return Err(format!("unknown option {flag}\n{USAGE}")),
        }
    }
    Ok((given, options))
}

fn read(path: &str) -> Result<String, String> {
    fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))
}

fn farm(given: &Arguments) -> Result<Farm, String> {
    let mut farm = match (&given.farm, given.generation) {
        (Some(path), _) => Farm::from_file(path)?,
        (None, Some(1)) => Farm::sample_generation_1(),
        (None, _) => Farm::sample(),
    };
    farm.generation = given.generation.unwrap_or(farm.generation);
    farm.ttl = given.ttl.unwrap_or(farm.ttl);
    if let Some(version) = &given.version {
        farm.version.clone_from(version);
    }
    if let (Some(user), Some(password)) = (&given.user, &given.password) {
        farm.users.retain(|u| u.user != *user);
        let (user, password) = (user.clone(), password.clone());
        farm.users.push(User {
            user,
            password,
            roles: vec!["superadmin".to_owned()],
            protocol: None,
        });
    }
    Ok(farm)
}

fn tls(given: &Arguments) -> Result<Option<Tls>, String> {
    let (Some(cert), Some(key)) = (&given.tls_cert, &given.tls_key) else {
        return Ok(None);
    };
    let require_client_ca = given.tls_client_ca.as_deref().map(read).transpose()?;
    let (cert_pem, key_pem) = (read(cert)?, read(key)?);
    Ok(Some(Tls { cert_pem, key_pem, require_client_ca, close_notify: given.tls_close_notify }))
}

fn run() -> Result<(), String> {
    let (given, mut options) = parse()?;
    if given.help {
        println!("{USAGE}");
        return Ok(());
    }
    if let Some(dir) = &given.make_certs {
        Certs::generate()?.write_to(dir)?;
        // Making certificates is a job of its own unless a node is asked for as well.
        if given.tls_cert.is_none() && given.farm.is_none() {
            return Ok(());
        }
    }
    options.farm = farm(&given)?;
    options.tls = tls(&given)?;
    let mut server = Server::start(options).map_err(|e| e.to_string())?;
    let control = server.control_port().unwrap_or(0);
    let mysql = server.mysql_port().map(|port| format!(" mysql={port}")).unwrap_or_default();
    let ready = format!("ready port={} control={control}{mysql}\n", server.port());
    if let Some(path) = &given.port_file {
        // Under another name first: whoever sees the file sees all of it.
        let draft = format!("{path}.new");
        fs::write(&draft, &ready)
            .and_then(|()| fs::rename(&draft, path))
            .map_err(|e| e.to_string())?;
    }
    let mut out = io::stdout();
    out.write_all(ready.as_bytes()).and_then(|()| out.flush()).map_err(|e| e.to_string())?;
    if given.exit_with_parent {
        let stop = server.stopper();
        thread::spawn(move || {
            let _ = io::stdin().read_to_end(&mut Vec::new());
            stop();
        });
    }
    server.wait();
    server.stop();
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fabricd: {error}");
            ExitCode::from(2)
        }
    }
}
