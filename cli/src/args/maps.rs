//! The options of the commands that read, write and plan shard maps.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Args)]
pub struct Dump {
    /// The file; it is replaced as a whole
    pub file: PathBuf,
}

#[derive(Debug, Args)]
pub struct Check {
    /// The topology file; without it the farm of the source is looked at
    pub file: Option<PathBuf>,

    /// End with status 1 for doubts, too, and not for errors alone
    #[arg(long)]
    pub strict: bool,
}

#[derive(Debug, Args)]
pub struct Import {
    /// The topology file
    #[arg(required_unless_present = "from")]
    pub file: Option<PathBuf>,

    /// A source in the place of a file, such as fabric://admin@node: what it says now
    #[arg(long, value_name = "URL", conflicts_with = "file")]
    pub from: Option<String>,

    /// Say what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Replace the map that is there
    #[arg(long)]
    pub replace: bool,

    /// With --replace: also where a shard that is READ_ONLY or DISABLED there is let go, as during a move
    #[arg(long)]
    pub release_held: bool,
}

#[derive(Debug, Args)]
pub struct Export {
    /// The file, which is replaced as a whole; without it, or as `-`, standard output
    pub file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Plan {
    /// Even bounds on the ring of MD5 digests
    Hash(PlanHash),
    /// Bounds of integers, texts or dates: even ones, or by keys that were sampled
    Range(PlanRange),
}

#[derive(Debug, Args)]
pub struct PlanCommon {
    /// The table, `schema.table` [default: app.t, but for --into]
    #[arg(long, value_name = "SCHEMA.TABLE")]
    pub table: Option<String>,

    /// The column of the key [default: that of the old plan, else id]
    #[arg(long, value_name = "COLUMN")]
    pub column: Option<String>,

    /// The groups that share the shards, with commas between
    #[arg(long, required = true, value_delimiter = ',')]
    pub groups: Vec<String>,

    /// The number of shards
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub shards: u32,

    /// The global group; the first of the groups unless given
    #[arg(long, value_name = "GROUP")]
    pub global: Option<String>,

    /// The plan that there is: a topology file with the table. Shards go where few keys move
    #[arg(long, value_name = "FILE")]
    pub old: Option<PathBuf>,

    /// The plan that there is: the table as the source has it now
    #[arg(long, conflicts_with = "old")]
    pub current: bool,

    /// Print the table's part of a topology file
    #[arg(long, conflicts_with = "json")]
    pub file: bool,

    /// Print SQL that makes the table's rows in the tables of sql/mysqlfabric.sql
    #[arg(long, conflicts_with_all = ["json", "file"])]
    pub sql: bool,

    /// Write the table into this topology file, all else of which stays as it is; the table that it has is
    /// the old plan. Where there is no file one is made, whose groups have no servers yet
    #[arg(long, value_name = "FILE", requires = "table", conflicts_with_all = ["old", "current", "file", "sql"])]
    pub into: Option<PathBuf>,
}

impl PlanCommon {
    pub fn table(&self) -> &str {
        self.table.as_deref().unwrap_or("app.t")
    }
}

#[derive(Debug, Args)]
pub struct PlanHash {
    #[command(flatten)]
    pub common: PlanCommon,
}

#[derive(Debug, Args)]
pub struct PlanRange {
    #[command(flatten)]
    pub common: PlanCommon,

    /// What the bounds are
    #[arg(long = "type", default_value = "RANGE", value_name = "TYPE")]
    pub kind: RangeType,

    /// The file of keys that were sampled, one a line, `-` for standard input: each shard gets as many
    #[arg(long, value_name = "FILE", conflicts_with = "high")]
    pub keys: Option<PathBuf>,

    /// The least key: the first bound. Unless given, with sampled keys the least that the type has
    #[arg(long, allow_negative_numbers = true)]
    pub low: Option<String>,

    /// The key behind the last one: bounds are even from --low to it. Keys from it on are the last
    /// shard's, too
    #[arg(long, allow_negative_numbers = true, requires = "low")]
    pub high: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RangeType {
    #[value(name = "RANGE")]
    Range,
    #[value(name = "RANGE_INTEGER")]
    Integer,
    #[value(name = "RANGE_STRING")]
    String,
    #[value(name = "RANGE_DATETIME")]
    Datetime,
}
