//! The options of the commands that look at a farm.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Whether a command says its answer again and again.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Repeat {
    /// Say it again every so many seconds, until Ctrl-C
    #[arg(short, long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2", allow_negative_numbers = true)]
    pub watch: Option<f64>,

    /// With --watch: end after so many times
    #[arg(long, value_name = "N", requires = "watch", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
}

/// What a server is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    Write,
    Read,
}

/// What is said of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// host:port
    Address,
    Host,
    Port,
    Uuid,
    Group,
}

#[derive(Debug, Args)]
pub struct Route {
    /// The table, `schema.table`; several with commas between, which then must lie in one group
    #[arg(required_unless_present = "group", value_name = "TABLE")]
    pub tables: Option<String>,

    /// The keys, as texts or decimal integers; `-` for one a line from standard input
    #[arg(value_name = "KEY", allow_negative_numbers = true)]
    pub keys: Vec<String>,

    /// A group in the place of a table and keys
    #[arg(short, long, conflicts_with_all = ["tables", "global"])]
    pub group: Option<String>,

    /// The tables' global group, where what all shards share is written
    #[arg(long, conflicts_with = "keys")]
    pub global: bool,

    /// What the server is wanted for
    #[arg(short, long, default_value = "write")]
    pub role: Role,

    /// Wait for a server, and for a table that is not known yet, as long as --timeout says
    #[arg(long)]
    pub wait: bool,

    /// Say this alone, a line for each key: for scripts
    #[arg(long, value_name = "WHAT", conflicts_with = "json")]
    pub print: Option<Format>,
}

#[derive(Debug, Args)]
pub struct Explain {
    /// The table, `schema.table`
    #[arg(required_unless_present = "group", value_name = "TABLE")]
    pub table: Option<String>,

    /// The key, as text or decimal integer
    #[arg(required_unless_present = "group", value_name = "KEY", allow_negative_numbers = true)]
    pub key: Option<String>,

    /// A group in the place of a table and a key
    #[arg(short, long, conflicts_with = "table")]
    pub group: Option<String>,

    /// What the server is wanted for
    #[arg(short, long, default_value = "write")]
    pub role: Role,
}

#[derive(Debug, Args)]
pub struct Status {
    #[command(flatten)]
    pub repeat: Repeat,

    /// In the text format that Prometheus reads
    #[arg(long, conflicts_with_all = ["json", "watch"])]
    pub prometheus: bool,

    /// End with status 1 if something is wrong
    #[arg(long)]
    pub strict: bool,
}

#[derive(Debug, Args)]
pub struct Shards {
    /// The table, `schema.table`
    pub table: String,

    #[command(flatten)]
    pub repeat: Repeat,
}

#[derive(Debug, Args)]
pub struct Groups {
    /// Of this group alone
    pub group: Option<String>,

    #[command(flatten)]
    pub repeat: Repeat,
}

#[derive(Debug, Args)]
pub struct Servers {
    /// Of this group alone
    pub group: Option<String>,

    #[command(flatten)]
    pub repeat: Repeat,
}

#[derive(Debug, Args)]
pub struct Watch {
    /// End after so many events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,

    /// End after so many seconds
    #[arg(long = "for", value_name = "SECONDS", allow_negative_numbers = true)]
    pub lasting: Option<f64>,
}

#[derive(Debug, Args)]
pub struct Ping {
    #[command(flatten)]
    pub repeat: Repeat,
}

#[derive(Debug, Args)]
pub struct Bench {
    /// The table, `schema.table`
    pub table: String,

    /// The file of the keys to look up, one a line, `-` for standard input; without it random integers
    /// for HASH, the lower bounds for other types
    #[arg(long, value_name = "FILE")]
    pub keys: Option<PathBuf>,

    /// How many threads look up
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: u16,

    /// For how many seconds
    #[arg(
        long = "for",
        default_value_t = 2.0,
        value_name = "SECONDS",
        allow_negative_numbers = true
    )]
    pub lasting: f64,

    /// What servers are looked up for
    #[arg(short, long, default_value = "write")]
    pub role: Role,
}
