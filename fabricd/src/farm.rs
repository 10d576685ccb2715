//! The farm a node administers: groups of servers, and shard mappings.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize};

use crate::value::Value;

pub const FAULTY: i64 = 0;
pub const SPARE: i64 = 1;
pub const SECONDARY: i64 = 2;
pub const PRIMARY: i64 = 3;

pub const STATUS_NAMES: [&str; 4] = ["FAULTY", "SPARE", "SECONDARY", "PRIMARY"];
pub const MODE_NAMES: [&str; 4] = ["OFFLINE", "READ_ONLY", "WRITE_ONLY", "READ_WRITE"];

/// Everything a node answers from.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Farm {
    /// 2 for MySQL Fabric 1.5 and later, 1 for 1.4.
    #[serde(default = "two")]
    pub generation: u8,
    #[serde(default = "version")]
    pub version: String,
    #[serde(default = "one")]
    pub ttl: i64,
    #[serde(default = "fabric_uuid")]
    pub fabric_uuid: String,
    /// Address of the backing store; only error texts show it.
    #[serde(default = "store")]
    pub store: String,
    #[serde(default)]
    pub users: Vec<User>,
    #[serde(default)]
    pub nodes: Vec<Node>,
    #[serde(default)]
    pub groups: Vec<Group>,
    #[serde(default)]
    pub mappings: Vec<Mapping>,
    /// Rows and columns beyond what the farm itself gives, for the malformed dumps of tests.
    #[serde(default)]
    pub extras: Vec<Extra>,
    /// Tables whose rows this node cannot read, as those of a real one with two dots in their name:
    /// every dump of shards that touches one is an error.
    #[serde(default)]
    pub broken_tables: Vec<String>,
    /// Highest shard id ever given out: ids are not used twice.
    #[serde(skip)]
    pub last_shard_id: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    pub user: String,
    pub password: String,
    #[serde(default = "superadmin")]
    pub roles: Vec<String>,
    /// `xmlrpc` or `mysql`: a real node has users of each of its own. None: of both.
    #[serde(default)]
    pub protocol: Option<String>,
}

impl User {
    /// Whether this is the user of that name on that port.
    pub fn is(&self, protocol: &str, name: &str) -> bool {
        self.user == name && self.speaks(protocol)
    }

    pub fn speaks(&self, protocol: &str) -> bool {
        self.protocol.as_deref().is_none_or(|own| own == protocol)
    }
}

/// A Fabric node as `dump.fabric_nodes` shows it. Port 0 stands for the port listened on.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    pub host: String,
    #[serde(default, deserialize_with = "port_or_self")]
    pub port: i64,
    /// Port of MySQL-RPC; the one after `port` if not given.
    #[serde(default)]
    pub mysql_port: Option<i64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    pub id: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub failure_detector: bool,
    #[serde(default)]
    pub servers: Vec<Server>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    pub uuid: String,
    pub host: String,
    pub port: i64,
    #[serde(default = "one", deserialize_with = "mode_field")]
    pub mode: i64,
    #[serde(default = "secondary", deserialize_with = "status_field")]
    pub status: i64,
    #[serde(default = "weight")]
    pub weight: f64,
}

impl Server {
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Whether a client means this server; it may say the UUID or the address.
    pub fn is(&self, id: &str) -> bool {
        self.uuid == id || self.address() == id
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    pub id: i64,
    #[serde(rename = "type")]
    pub type_name: String,
    pub global_group: String,
    #[serde(default)]
    pub tables: Vec<Table>,
    #[serde(default)]
    pub shards: Vec<Shard>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    pub schema: String,
    pub table: String,
    pub column: String,
}

impl Table {
    pub fn name(&self) -> String {
        format!("{}.{}", self.schema, self.table)
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    pub id: i64,
    pub lower_bound: String,
    pub group: String,
    #[serde(default)]
    pub state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum State {
    #[default]
    Enabled,
    Disabled,
}

/// An addition to a dump: see `fabricd.raw_row`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Extra {
    /// `servers`, `sharding_information`, ... : the command without `dump.`
    pub table: String,
    /// An array is one more row. An object adds a column (`column`, `value`) to every row, or
    /// gives the column names (`names`) anew.
    pub json: serde_json::Value,
    /// A row that only comes in dumps of several tables or of all.
    #[serde(default)]
    pub jointly: bool,
}

impl Farm {
    pub fn from_json(text: &str) -> Result<Farm, String> {
        let mut farm: Farm = serde_json::from_str(text).map_err(|e| e.to_string())?;
        farm.last_shard_id = farm.shards().map(|s| s.id).max().unwrap_or(0);
        Ok(farm)
    }

    pub fn from_file(path: impl AsRef<Path>) -> Result<Farm, String> {
        let path = path.as_ref();
        let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        Farm::from_json(&text).map_err(|e| format!("{}: {e}", path.display()))
    }

    /// A farm with nothing in it, not even users.
    pub fn empty() -> Farm {
        Farm {
            generation: two(),
            version: version(),
            ttl: one(),
            fabric_uuid: fabric_uuid(),
            store: store(),
            users: Vec::new(),
            nodes: Vec::new(),
            groups: Vec::new(),
            mappings: Vec::new(),
            extras: Vec::new(),
            broken_tables: Vec::new(),
            last_shard_id: 0,
        }
    }

    /// The farm of the captures, generation 2; user `admin` with password `secret`.
    pub fn sample() -> Farm {
        Farm::shipped(include_str!("../data/farm.json"))
    }

    /// The farm of the captures, generation 1.
    pub fn sample_generation_1() -> Farm {
        Farm::shipped(include_str!("../data/farm-gen1.json"))
    }

    fn shipped(text: &str) -> Farm {
        Farm::from_json(text).unwrap_or_else(|e| panic!("a farm shipped with fabricd: {e}"))
    }

    pub fn shards(&self) -> impl Iterator<Item = &Shard> {
        self.mappings.iter().flat_map(|m| &m.shards)
    }

    pub fn group(&self, id: &str) -> Option<&Group> {
        self.groups.iter().find(|g| g.id == id)
    }

    /// Finds a server by UUID or `host:port`.
    pub fn server(&self, id: &str) -> Option<&Server> {
        self.groups.iter().flat_map(|g| &g.servers).find(|s| s.is(id))
    }

    /// The mapping a table `schema.table` is sharded by.
    pub fn mapping_of(&self, table: &str) -> Option<&Mapping> {
        self.mappings.iter().find(|m| m.tables.iter().any(|t| t.name() == table))
    }
}

/// The number of a status or mode given as number or as name, in any case.
pub fn number_of(names: &[&str; 4], value: &Value) -> Option<i64> {
    let index = match value {
        Value::Int(i) => usize::try_from(*i).ok()?,
        Value::Str(s) => match s.parse() {
            Ok(i) => i,
            Err(_) => names.iter().position(|n| n.eq_ignore_ascii_case(s))?,
        },
        _ => return None,
    };
    (index < names.len()).then_some(index as i64)
}

/// The name of a status or mode; a number out of range stays a number.
pub fn name_of(names: &[&str; 4], number: i64) -> String {
    let name = usize::try_from(number).ok().and_then(|i| names.get(i));
    name.map_or_else(|| number.to_string(), |n| (*n).to_owned())
}

fn named<'de, D: Deserializer<'de>>(d: D, names: &[&str; 4]) -> Result<i64, D::Error> {
    let json = serde_json::Value::deserialize(d)?;
    // A number is taken as it is: tests want servers with an impossible status.
    match json.as_i64().or_else(|| number_of(names, &Value::from(&json))) {
        Some(number) => Ok(number),
        None => Err(serde::de::Error::custom(format!("{json} is none of {names:?}"))),
    }
}

fn status_field<'de, D: Deserializer<'de>>(d: D) -> Result<i64, D::Error> {
    named(d, &STATUS_NAMES)
}

fn mode_field<'de, D: Deserializer<'de>>(d: D) -> Result<i64, D::Error> {
    named(d, &MODE_NAMES)
}

fn port_or_self<'de, D: Deserializer<'de>>(d: D) -> Result<i64, D::Error> {
    let json = serde_json::Value::deserialize(d)?;
    match json.as_i64() {
        Some(port) => Ok(port),
        None if json == "self" => Ok(0),
        None => Err(serde::de::Error::custom(format!("{json} is neither a port nor \"self\""))),
    }
}

fn one() -> i64 {
    1
}

fn two() -> u8 {
    2
}

fn secondary() -> i64 {
    SECONDARY
}

fn weight() -> f64 {
    1.0
}

fn version() -> String {
    "1.5.6".to_owned()
}

fn superadmin() -> Vec<String> {
    vec!["superadmin".to_owned()]
}

fn store() -> String {
    "127.0.0.1:3306".to_owned()
}

fn fabric_uuid() -> String {
    "5ca1ab1e-a007-feed-f00d-cab3fe13249e".to_owned()
}
