//! Options that all commands have: whom to ask, and as whom.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use mysqlfabric::config::TlsMode;
use mysqlfabric::topology::ReadPreference;

#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Source and login")]
pub struct Connection {
    /// Where the topology comes from: cluster://, mysql://, file:, fabric://, fabric+mysql:// or
    /// fabric+store://, as docs/SOURCES.md has them
    #[arg(short = 'U', long, global = true, value_name = "URL")]
    pub url: Option<String>,

    /// The file of the configuration
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// How long the command waits for others at most, in seconds [default: 10]
    #[arg(short, long, global = true, value_name = "SECONDS", allow_negative_numbers = true)]
    pub timeout: Option<f64>,

    /// The zone to read in, as a service there would
    #[arg(long, global = true, value_name = "NAME")]
    pub zone: Option<String>,

    /// Who serves reads, as a service with this preference would be told [default: secondary]
    #[arg(long, global = true, value_name = "WHOM")]
    pub read_preference: Option<Preference>,

    /// The user of MySQL servers
    #[arg(short, long, global = true, value_name = "NAME")]
    pub user: Option<String>,

    /// The file whose first line is that user's password
    #[arg(long, global = true, value_name = "FILE")]
    pub password_file: Option<PathBuf>,

    /// Ask for that user's password at the terminal
    #[arg(short = 'p', long, global = true, conflicts_with = "password_file")]
    pub ask_password: bool,

    /// How much TLS there must be with MySQL servers [default: verify_identity with --ca, else preferred]
    #[arg(long, global = true, value_name = "MODE")]
    pub tls: Option<TlsName>,

    /// The PEM file of the authority for MySQL servers, or of several. The certificates that MySQL makes
    /// itself have no names: they take --tls verify_ca, too
    #[arg(long, global = true, value_name = "FILE")]
    pub ca: Option<PathBuf>,

    /// The PEM file of the own certificate for MySQL servers
    #[arg(long, global = true, value_name = "FILE")]
    pub cert: Option<PathBuf>,

    /// The PEM file of its key
    // Commands have keys of another kind.
    #[arg(id = "tls_key", long = "key", global = true, value_name = "FILE")]
    pub key: Option<PathBuf>,

    /// Send the password in full over TLS that nobody verified, to servers that the URL or its file names
    #[arg(long, global = true)]
    pub password_unverified: bool,

    /// The user of Fabric nodes
    #[arg(long, global = true, value_name = "NAME")]
    pub fabric_user: Option<String>,

    /// The file whose first line is that user's password
    #[arg(long, global = true, value_name = "FILE")]
    pub fabric_password_file: Option<PathBuf>,

    /// Ask for that user's password at the terminal
    #[arg(long, global = true, conflicts_with = "fabric_password_file")]
    pub ask_fabric_password: bool,

    /// The PEM file of the authority for Fabric nodes
    #[arg(long, global = true, value_name = "FILE")]
    pub fabric_ca: Option<PathBuf>,

    /// The PEM file of the own certificate for Fabric nodes
    #[arg(long, global = true, value_name = "FILE")]
    pub fabric_cert: Option<PathBuf>,

    /// The PEM file of its key
    #[arg(long, global = true, value_name = "FILE")]
    pub fabric_key: Option<PathBuf>,
}

/// The modes of MySQL's own clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum TlsName {
    Disabled,
    Preferred,
    Required,
    VerifyCa,
    VerifyIdentity,
}

impl From<TlsName> for TlsMode {
    fn from(name: TlsName) -> Self {
        match name {
            TlsName::Disabled => Self::Disabled,
            TlsName::Preferred => Self::Preferred,
            TlsName::Required => Self::Required,
            TlsName::VerifyCa => Self::VerifyCa,
            TlsName::VerifyIdentity => Self::VerifyIdentity,
        }
    }
}

/// The read preferences of the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Preference {
    Secondary,
    SecondaryOnly,
    Primary,
    Nearest,
}

impl From<Preference> for ReadPreference {
    fn from(preference: Preference) -> Self {
        match preference {
            Preference::Secondary => Self::Secondary,
            Preference::SecondaryOnly => Self::SecondaryOnly,
            Preference::Primary => Self::Primary,
            Preference::Nearest => Self::Nearest,
        }
    }
}
