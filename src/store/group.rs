//! A group of a topology file: its servers are listed, or it is said how they are discovered.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::config::{DEFAULT_SERVER_PORT, DiscoveryKind, GroupSpec, Node};
use crate::topology;

use super::fields::{self, Named};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "GroupMembers")]
pub struct Group {
    pub id: String,
    /// As that of a table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<u64>,
    pub servers: Vec<Server>,
    /// How its servers are discovered, if they are not listed. The library writes what they were last.
    #[serde(skip_serializing)]
    pub discover: Option<GroupSpec>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Server {
    #[serde(deserialize_with = "fields::name")]
    pub uuid: String,
    #[serde(deserialize_with = "fields::name")]
    pub host: String,
    #[serde(deserialize_with = "fields::port")]
    pub port: u16,
    #[serde(
        serialize_with = "fields::Mode::serialize",
        deserialize_with = "fields::Mode::deserialize"
    )]
    pub mode: i32,
    #[serde(
        serialize_with = "fields::Status::serialize",
        deserialize_with = "fields::Status::deserialize"
    )]
    pub status: i32,
    #[serde(deserialize_with = "fields::weight")]
    pub weight: f64,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "fields::some_zone"
    )]
    pub zone: Option<String>,
}

impl From<topology::Server> for Server {
    fn from(server: topology::Server) -> Self {
        let topology::Server { uuid, host, port, mode, status, weight, zone } = server;
        Self { uuid, host, port, mode, status, weight, zone }
    }
}

impl From<Server> for topology::Server {
    fn from(server: Server) -> Self {
        let Server { uuid, host, port, mode, status, weight, zone } = server;
        Self { uuid, host, port, mode, status, weight, zone }
    }
}

/// The members of a group as they are in the file.
#[derive(Deserialize)]
struct GroupMembers {
    #[serde(deserialize_with = "fields::name")]
    id: String,
    #[serde(default, deserialize_with = "fields::seconds")]
    confirmed_at: Option<u64>,
    #[serde(default, deserialize_with = "present")]
    servers: Option<Vec<Server>>,
    #[serde(default, deserialize_with = "kind")]
    discover: Option<DiscoveryKind>,
    #[serde(default, deserialize_with = "present")]
    seeds: Option<Vec<Address>>,
    #[serde(default, deserialize_with = "present")]
    weights: Option<ByAddress<f64>>,
    #[serde(default, deserialize_with = "present")]
    zones: Option<ByAddress<String>>,
}

impl TryFrom<GroupMembers> for Group {
    type Error = String;

    fn try_from(members: GroupMembers) -> Result<Self, String> {
        let GroupMembers { id, confirmed_at, servers, discover, seeds, weights, zones } = members;
        let Some(kind) = discover else {
            let odd = [
                ("seeds", seeds.is_some()),
                ("weights", weights.is_some()),
                ("zones", zones.is_some()),
            ];
            if let Some((member, _)) = odd.iter().find(|(_, is_there)| *is_there) {
                return Err(format!(
                    "group '{id}' has {member}, which a group has that is discovered; add discover, \
                     such as \"auto\", or take {member} out"
                ));
            }
            let servers = servers.ok_or_else(|| {
                format!(
                    "missing field `servers` of group '{id}'; list them, or say by discover and \
                     seeds who is asked for them"
                )
            })?;
            return Ok(Self { id, confirmed_at, servers, discover: None });
        };
        if servers.is_some() {
            return Err(format!(
                "group '{id}' lists servers, and is to be discovered; take one of the two out"
            ));
        }
        let seeds: Vec<Node> = seeds.into_iter().flatten().map(|seed| seed.0).collect();
        if seeds.is_empty() {
            return Err(format!(
                "group '{id}' is to be discovered, and nobody is named to ask; add seeds, such as \
                 [\"db1.example.com:3306\"]"
            ));
        }
        let weights = weights.map(|weights| weights.0).unwrap_or_default();
        let zones = zones.map(|zones| zones.0).unwrap_or_default();
        let discover = Some(GroupSpec { kind, seeds, weights, zones });
        Ok(Self { id, confirmed_at, servers: Vec::new(), discover })
    }
}

/// A member that is there has a value.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

fn kind<'de, D: Deserializer<'de>>(from: D) -> Result<Option<DiscoveryKind>, D::Error> {
    const WHAT: &str =
        "auto, group_replication, innodb_cluster, replicaset, clusterset or replication";
    fields::parsed(from, WHAT, DiscoveryKind::from_name).map(Some)
}

/// `host:port`; the port is that of MySQL unless given.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Address(Node);

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let node = |text: &str| Node::parse(text, DEFAULT_SERVER_PORT).ok().map(Self);
        fields::parsed(from, "an address such as db1.example.com:3306 or [::1]:3306", node)
    }
}

/// What may be said of a server by its address.
trait OfServer: Sized {
    /// What messages call it.
    const WHAT: &str;
    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error>;
}

impl OfServer for f64 {
    const WHAT: &str = "weight";
    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        fields::weight(from)
    }
}

impl OfServer for String {
    const WHAT: &str = "zone";
    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        fields::zone(from)
    }
}

struct Value<T>(T);

impl<'de, T: OfServer> Deserialize<'de> for Value<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        T::read(from).map(Self)
    }
}

/// By address; each once.
struct ByAddress<T>(BTreeMap<Node, T>);

impl<'de, T: OfServer> Deserialize<'de> for ByAddress<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Self(BTreeMap::new()))
    }
}

impl<'de, T: OfServer> Visitor<'de> for ByAddress<T> {
    type Value = Self;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "an object of {}s by address", T::WHAT)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self, A::Error> {
        while let Some((Address(node), Value(value))) = map.next_entry()? {
            if self.0.contains_key(&node) {
                let what = T::WHAT;
                return Err(A::Error::custom(format!("{node} has two {what}s; take one out")));
            }
            self.0.insert(node, value);
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::Document;
    use super::super::parse::{Author, parse};
    use super::*;

    fn read(version: u64, group: &str) -> Result<Document, String> {
        let file = format!(
            r#"{{"format": "libmysqlfabric topology", "version": {version}, "tables": [],
            "groups": [{{"id": "g", {group}}}]}}"#
        );
        parse(file.as_bytes(), Author::Anybody)
    }

    fn node(host: &str, port: u16) -> Node {
        Node { host: host.into(), port }
    }

    #[test]
    fn a_group_says_how_it_is_discovered() {
        let group = r#""discover": "replicaset", "seeds": ["a:1", "b", "[::1]:2", "[::2]"],
            "weights": {"a:1": 2, "c": 0.5}, "zones": {"[::1]:2": "west", "b": "east"}"#;
        let document = read(2, group).expect("a file");
        let spec = document.groups[0].discover.as_ref().expect("a specification");
        assert_eq!(spec.kind, DiscoveryKind::ReplicaSet);
        assert_eq!(spec.seeds, [node("a", 1), node("b", 3306), node("::1", 2), node("::2", 3306)]);
        assert_eq!(spec.weights, BTreeMap::from([(node("a", 1), 2.0), (node("c", 3306), 0.5)]));
        let zones = [(node("::1", 2), "west".to_owned()), (node("b", 3306), "east".to_owned())];
        assert_eq!(spec.zones, BTreeMap::from(zones));
        assert!(document.groups[0].servers.is_empty());
        for kind in DiscoveryKind::ALL {
            let group = format!(r#""discover": "{}", "seeds": ["a"]"#, kind.name());
            let document = read(2, &group).expect("a file");
            assert_eq!(document.groups[0].discover.as_ref().map(|spec| spec.kind), Some(kind));
        }
        assert_eq!(read(2, r#""servers": []"#).expect("listed").groups[0].discover, None);
    }

    #[test]
    fn a_listed_server_may_say_its_zone_in_either_version() {
        let group = |zone| {
            format!(
                r#""servers": [{{"uuid": "u", "host": "h", "port": 1, "mode": 3, "status": 3,
                "weight": 1{zone}}}]"#
            )
        };
        for version in [1, 2] {
            for (text, zone) in [(r#", "zone": "Z\u00fcrich""#, Some("Z\u{fc}rich")), ("", None)] {
                let document = read(version, &group(text)).expect("a file");
                assert_eq!(document.groups[0].servers[0].zone.as_deref(), zone);
            }
        }
        for (zone, part) in [
            (r#", "zone": """#, "groups[0].servers[0].zone"),
            (r#", "zone": null"#, "null"),
            (r#", "zone": 7"#, "1 to 64 bytes"),
            (r#", "zone": "a\tb""#, "control characters"),
            (r#", "zones": "a""#, "zone is one"),
            (&format!(r#", "zone": "{}""#, "x".repeat(65)), "1 to 64 bytes"),
        ] {
            let why = read(2, &group(zone)).expect_err(zone);
            assert!(why.contains(part), "{zone}: {why}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_place_and_the_remedy() {
        const SEEDS: &str = r#""seeds": ["a"]"#;
        for (group, parts) in [
            (
                r#""discover": "magic", "seeds": ["a"]"#,
                ["groups[0].discover", "\"magic\"", "replicaset"],
            ),
            (r#""discover": 1, "seeds": ["a"]"#, ["groups[0].discover", "1", "auto"]),
            (r#""discover": null, "seeds": ["a"]"#, ["groups[0].discover", "null", "auto"]),
            (r#""discover": "auto""#, ["groups[0]", "'g'", "add seeds"]),
            (r#""discover": "auto", "seeds": []"#, ["groups[0]", "nobody", "add seeds"]),
            (r#""discover": "auto", "seeds": "a""#, ["groups[0].seeds", "\"a\"", "sequence"]),
            (
                r#""discover": "auto", "seeds": ["a", "a:x"]"#,
                ["seeds[1]", "a:x", "db1.example.com:3306"],
            ),
            (r#""discover": "auto", "seeds": ["a:0"]"#, ["seeds[0]", "a:0", "address"]),
            (r#""discover": "auto", "seeds": ["::1"]"#, ["seeds[0]", "::1", "[::1]:3306"]),
            (r#""discover": "auto", "seeds": [""]"#, ["seeds[0]", "\"\"", "address"]),
            (r#""discover": "auto", "seeds": [7]"#, ["seeds[0]", "7", "address"]),
            (
                r#""discover": "auto", "seeds": ["a"], "servers": []"#,
                ["groups[0]", "'g'", "take one"],
            ),
            (
                r#""discover": "auto", "seeds": ["a"], "weights": {"a": 0}"#,
                ["weights", "0", "greater"],
            ),
            (
                r#""discover": "auto", "seeds": ["a"], "weights": {"a b": 1}"#,
                ["weights", "a b", "address"],
            ),
            (
                r#""discover": "auto", "seeds": ["a"], "weights": {"a": 1, "a:3306": 2}"#,
                ["weights", "a:3306", "two"],
            ),
            (
                r#""discover": "auto", "seeds": ["a"], "weights": [1]"#,
                ["weights", "sequence", "by address"],
            ),
            (
                r#""discovers": "auto", "seeds": ["a"]"#,
                ["groups[0].discovers", "no such member", "discover is one"],
            ),
            (SEEDS, ["groups[0]", "has seeds", "add discover"]),
            (r#""servers": [], "weights": {}"#, ["groups[0]", "has weights", "add discover"]),
            (r#""servers": [], "zones": {}"#, ["groups[0]", "has zones", "add discover"]),
            (
                r#""discover": "auto", "seeds": ["a"], "zones": {"a": ""}"#,
                ["zones", "\"\"", "1 to 64 bytes"],
            ),
            (
                r#""discover": "auto", "seeds": ["a"], "zones": {"a": "x", "a:3306": "x"}"#,
                ["zones", "a:3306", "two zones"],
            ),
            (
                r#""discover": "auto", "seeds": ["a"], "zones": ["x"]"#,
                ["zones", "sequence", "zones by address"],
            ),
            (r#""servers": null"#, ["groups[0].servers", "null", "sequence"]),
            (
                r#""servers": [{"weigth": 1}]"#,
                ["servers[0].weigth", "no such member", "weight is one"],
            ),
            (r#""confirmed_at": 7"#, ["groups[0]", "servers", "discover and seeds"]),
        ] {
            let why = read(2, group).expect_err(group);
            assert!(parts.iter().all(|part| why.contains(part)), "{group}: {why}");
        }
        let why = read(1, r#""discover": "auto", "seeds": ["a"]"#).expect_err("of version 1");
        assert!(why.contains("'g'") && why.contains("\"version\": 2"), "{why}");
    }
}
