//! The command line.

mod connection;
mod inspect;
mod maps;

use clap::{Parser, Subcommand};

pub use self::connection::{Connection, Preference, TlsName};
pub use self::inspect::{
    Bench, Explain, Format, Groups, Ping, Repeat, Role, Route, Servers, Shards, Status, Watch,
};
pub use self::maps::{
    Check, Dump, Export, Import, Plan, PlanCommon, PlanHash, PlanRange, RangeType,
};

/// The text below the options of `--help`.
const AFTER: &str = "\
Where an option comes from, the first that says it:
  1. the command line
  2. the environment: MYSQLFABRIC_URL, _TIMEOUT, _ZONE, _READ_PREFERENCE, _CONFIG; for MySQL servers
     _USER, _PASSWORD, _PASSWORD_FILE, _TLS, _CA, _CERT, _KEY, _PASSWORD_UNVERIFIED; for Fabric nodes
     _FABRIC_USER, _FABRIC_PASSWORD, _FABRIC_PASSWORD_FILE, _FABRIC_CA, _FABRIC_CERT, _FABRIC_KEY
  3. the file of --config or MYSQLFABRIC_CONFIG, else $XDG_CONFIG_HOME/mysqlfabric/config.toml, else
     ~/.config/mysqlfabric/config.toml
  4. a user in the URL; a password that is asked for at the terminal

A password is never an argument: other users of the machine see those.

Exit status: 0 done; 1 check, ping, status --strict: something is not as it should be; 2 usage or
configuration; 3 nobody answers in time; 4 login or TLS; 5 an answer is of no use; 6 a file; 7 unknown
table or group; 8 no server serves this now; 9 the key has no shard; 10 refused; 70 internal.";

/// Which MySQL server holds a table and key, and what state a farm is in.
#[derive(Debug, Parser)]
#[command(name = "mysqlfabric", version, after_help = AFTER, max_term_width = 100)]
#[command(disable_help_subcommand = true, subcommand_required = true)]
pub struct Cli {
    #[command(flatten)]
    pub connection: Connection,

    /// For programs: one JSON document a line, on standard output and for errors on standard error
    #[arg(long, global = true)]
    pub json: bool,

    /// What the library has to say, on standard error; twice for more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// No warnings on standard error
    #[arg(short, long, global = true)]
    pub quiet: bool,

    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Which server holds a table and key, for reading or writing
    Route(Route),
    /// How a server is found: the key as it is read, its digest, the shard, the group, the server and why
    Explain(Explain),
    /// The state of the farm, and what is wrong with it
    Status(Status),
    /// The sharded tables
    Tables(Repeat),
    /// The shards of a table: bounds, groups, shares
    Shards(Shards),
    /// The groups: primaries, servers, shards
    Groups(Groups),
    /// The servers: roles, weights, zones
    Servers(Servers),
    /// Events as they come: primaries that change, servers that are lost, topologies
    Watch(Watch),
    /// Asks every node of the source and every server of the farm, all at once, and measures
    Ping(Ping),
    /// Writes what the library knows of the farm to a file that handles can start from
    Dump(Dump),
    /// Errors and doubts of a topology file, or of the farm
    Check(Check),
    /// Puts a shard map into MySQL tables, in one transaction
    Import(Import),
    /// Writes a shard map as a topology file for people
    Export(Export),
    /// Plans shards: bounds, the share of keys each gets, and which keys move
    #[command(subcommand)]
    Plan(Plan),
    /// Lookups a second through the library
    Bench(Bench),
    /// Writes the man pages and the completions of shells into a directory
    #[command(hide = true)]
    Manual { directory: std::path::PathBuf },
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[test]
    fn its_version_is_the_library_s() {
        let library = include_str!("../../../Cargo.toml");
        let version = concat!("\nversion = \"", env!("CARGO_PKG_VERSION"), "\"\n");
        assert!(library.contains(version));
    }

    #[test]
    fn no_two_options_share_a_name() {
        Cli::command().debug_assert();
        for args in [
            &["explain", "s.t", "5", "--key", "/k"][..],
            &["route", "s.t", "5", "--key", "/k"],
            &["check", "f", "--config", "/c"],
            &["bench", "s.t", "--keys", "k"],
            &["plan", "range", "--groups", "a", "--shards", "1", "--user", "u"],
            &["watch", "--count", "1"],
        ] {
            let cli = Cli::try_parse_from([&["mysqlfabric"], args].concat());
            assert!(cli.is_ok(), "{args:?}: {cli:?}");
        }
    }
}
