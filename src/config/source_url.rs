//! The URL of a source: which kind it is, whom it is asked of, and for which user.
//!
//! `scheme://[user@]host[:port][,host[:port]...]`, or `file:/path`. Hosts are a list, which URLs in
//! general are not; hence no URL parser of others.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

use crate::base::error::Result;

use super::cluster_url::Cluster;
use super::node::Node;
use super::url_parts::{
    Authority, DEFAULT_SERVER_PORT, argument_error, authority, decoded, names_of,
};

/// The port a Fabric node listens on unless told otherwise.
pub const DEFAULT_PORT: u16 = 32274;

/// The port a Fabric node listens on for the MySQL protocol unless told otherwise.
pub(crate) const DEFAULT_MYSQL_PORT: u16 = 32275;

/// Where a handle's topology comes from, as a URL says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceUrl {
    /// Fabric nodes.
    Fabric { user: Option<String>, nodes: Vec<Node> },
    /// Fabric nodes, asked over the MySQL protocol.
    FabricMysql { user: Option<String>, nodes: Vec<Node> },
    /// The database in which Fabric keeps its state, asked in SQL.
    FabricStore(Database),
    /// The servers of one group, asked themselves.
    Cluster(Cluster),
    /// Tables of the service's own, in a database.
    Mysql(Database),
    /// A topology file.
    File { path: PathBuf },
}

/// A database on MySQL servers of which each has all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    pub user: Option<String>,
    pub servers: Vec<Node>,
    pub name: String,
    /// The Unix socket of the server, which is on this machine then.
    pub socket: Option<PathBuf>,
}

/// The forms there are, for messages.
const FORMS: &str = "fabric://[user@]host[:port][,host[:port]...], fabric+mysql:// with the same, \
                     fabric+store://[user@]host[:port][,...]/database, \
                     cluster://[user@]host[:port][,...][?group=name], \
                     mysql://[user@]host[:port][,...][/database], and file:/path";

/// The database of a shard map unless told otherwise: the one that `sql/mysqlfabric.sql` makes.
const DEFAULT_DATABASE: &str = "mysqlfabric";

impl SourceUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// `Code::Argument`, with what is wrong in it. A password in it is in no message.
    pub fn parse(url: &str) -> Result<Self> {
        let (scheme, rest) = url.split_once(':').ok_or_else(|| {
            argument_error(format!(
                "'{}' is no URL of a source; the forms are {FORMS}",
                names_of(url)
            ))
        })?;
        match scheme.to_ascii_lowercase().as_str() {
            "fabric" => {
                let Authority { user, nodes, behind } = authority(scheme, rest, DEFAULT_PORT)?;
                nothing(scheme, behind)?;
                Ok(Self::Fabric { user, nodes })
            }
            "fabric+mysql" => {
                let Authority { user, nodes, behind } =
                    authority(scheme, rest, DEFAULT_MYSQL_PORT)?;
                nothing(scheme, behind)?;
                Ok(Self::FabricMysql { user, nodes })
            }
            "fabric+store" => Ok(Self::FabricStore(database(scheme, rest, None)?)),
            "mysql" => Ok(Self::Mysql(database(scheme, rest, Some(DEFAULT_DATABASE))?)),
            "cluster" => Ok(Self::Cluster(Cluster::parse(scheme, rest)?)),
            "file" => Ok(Self::File { path: path(rest)? }),
            _ => Err(argument_error(format!(
                "'{}' is no kind of source; the forms are {FORMS}",
                names_of(scheme)
            ))),
        }
    }

    /// The port of a node that is named without one.
    pub fn default_port(&self) -> u16 {
        match self {
            Self::FabricMysql { .. } => DEFAULT_MYSQL_PORT,
            _ => DEFAULT_PORT,
        }
    }

    /// The user it names.
    pub fn user(&self) -> Option<&str> {
        match self {
            Self::Fabric { user, .. } | Self::FabricMysql { user, .. } => user.as_deref(),
            Self::FabricStore(database) | Self::Mysql(database) => database.user.as_deref(),
            Self::Cluster(cluster) => cluster.user.as_deref(),
            Self::File { .. } => None,
        }
    }
}

/// Whom it asks for what, without the user and how to ask. There is no password in it.
impl Display for SourceUrl {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let hosts =
            |nodes: &[Node]| nodes.iter().map(Node::to_string).collect::<Vec<_>>().join(",");
        let database = |database: &Database| {
            let socket = database.socket.as_ref().map(|path| format!("?socket={}", path.display()));
            let Database { servers, name, .. } = database;
            format!("{}/{name}{}", hosts(servers), socket.unwrap_or_default())
        };
        match self {
            Self::Fabric { nodes, .. } => write!(f, "fabric://{}", hosts(nodes)),
            Self::FabricMysql { nodes, .. } => write!(f, "fabric+mysql://{}", hosts(nodes)),
            Self::FabricStore(store) => write!(f, "fabric+store://{}", database(store)),
            Self::Mysql(tables) => write!(f, "mysql://{}", database(tables)),
            Self::Cluster(cluster) => {
                let group = cluster.group.as_ref().map(|group| format!("?group={group}"));
                write!(f, "cluster://{}{}", hosts(&cluster.servers), group.unwrap_or_default())
            }
            Self::File { path } => write!(f, "file:{}", path.display()),
        }
    }
}

/// Nothing is behind the hosts but perhaps a '/'.
fn nothing(scheme: &str, behind: &str) -> Result<()> {
    if matches!(behind, "" | "/") {
        return Ok(());
    }
    let odd = names_of(behind);
    Err(argument_error(format!(
        "'{odd}' has no meaning behind the hosts of {scheme}://; leave it out"
    )))
}

/// Reads `//[user@]hosts/database[?socket=path]`. Without a database it is `default`, if there is one.
fn database(scheme: &str, rest: &str, default: Option<&str>) -> Result<Database> {
    let Authority { user, nodes: servers, behind } = authority(scheme, rest, DEFAULT_SERVER_PORT)?;
    let (path, query) = match behind.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (behind, None),
    };
    let name = match (path.strip_prefix('/').unwrap_or_default(), default) {
        ("", Some(default)) => default.to_owned(),
        (name, _) => decoded(name, "database")?,
    };
    let is_odd = path.contains([';', '&', '=']) || name.contains(['/', '#', '`']);
    if name.is_empty() || is_odd || name.chars().count() > 64 {
        return Err(argument_error(format!(
            "{scheme}:// ends with the name of a database, as in {scheme}://host/fabric, and '{}' is \
             none",
            names_of(path)
        )));
    }
    let socket = match query.map(|query| query.split_once('=')) {
        None => None,
        Some(Some(("socket", path))) if path.starts_with('/') && !path.contains(['&', '#']) => {
            Some(PathBuf::from(decoded(path, "path of the socket")?))
        }
        Some(_) => {
            let query = names_of(query.unwrap_or_default());
            return Err(argument_error(format!(
                "'?{query}' has no meaning behind {scheme}://; only ?socket=/path has"
            )));
        }
    };
    if let (Some(_), [server, ..]) = (&socket, servers.as_slice())
        && (servers.len() > 1 || server.host != "localhost")
    {
        return Err(argument_error(format!(
            "a socket is the way to the server of this machine; write {scheme}://localhost/{name} \
             before ?socket="
        )));
    }
    Ok(Database { user, servers, name, socket })
}

/// Reads `/path`, `///path` or `//localhost/path`.
fn path(rest: &str) -> Result<PathBuf> {
    let path = match rest.strip_prefix("//") {
        Some(behind) => behind.strip_prefix("localhost").unwrap_or(behind),
        None => rest,
    };
    if !path.starts_with('/') {
        return Err(argument_error(format!(
            "'file:{}' names no file of this machine; write file:/path with the whole path",
            names_of(rest)
        )));
    }
    if let Some(odd) = path.find(['?', '#']).and_then(|at| path.get(at..)) {
        let odd = names_of(odd);
        return Err(argument_error(format!(
            "'{odd}' has no meaning behind the path of file:; where it is a part of the name, write \
             %3F for '?' and %23 for '#'"
        )));
    }
    decoded(path, "path").map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::Code;

    fn fabric(user: Option<&str>, nodes: &[(&str, u16)]) -> SourceUrl {
        let nodes = nodes.iter().map(|(host, port)| Node { host: (*host).into(), port: *port });
        SourceUrl::Fabric { user: user.map(Into::into), nodes: nodes.collect() }
    }

    #[test]
    fn hosts_are_a_list() {
        for (url, expected) in [
            ("fabric://a", fabric(None, &[("a", 32274)])),
            ("FABRIC://a.example/", fabric(None, &[("a.example", 32274)])),
            ("fabric://u@a:1,b", fabric(Some("u"), &[("a", 1), ("b", 32274)])),
            (
                "fabric://[::1]:5,[fe80::1],127.0.0.1:65535",
                fabric(None, &[("::1", 5), ("fe80::1", 32274), ("127.0.0.1", 65535)]),
            ),
            (
                "fabric+mysql://u@a,b:1",
                SourceUrl::FabricMysql {
                    user: Some("u".into()),
                    nodes: vec![
                        Node { host: "a".into(), port: 32275 },
                        Node { host: "b".into(), port: 1 },
                    ],
                },
            ),
            ("fabric://a%40b%2Fc%25@h", fabric(Some("a@b/c%"), &[("h", 32274)])),
        ] {
            assert_eq!(SourceUrl::parse(url).unwrap(), expected, "{url}");
        }
    }

    #[test]
    fn databases_have_names() {
        let database = |user: Option<&str>, servers: &[(&str, u16)], socket: Option<&str>| {
            let servers =
                servers.iter().map(|(host, port)| Node { host: (*host).into(), port: *port });
            SourceUrl::FabricStore(Database {
                user: user.map(Into::into),
                servers: servers.collect(),
                name: "fabric".into(),
                socket: socket.map(Into::into),
            })
        };
        for (url, expected) in [
            ("fabric+store://a/fabric", database(None, &[("a", 3306)], None)),
            (
                "fabric+store://u@a:1,b/fab%72ic",
                database(Some("u"), &[("a", 1), ("b", 3306)], None),
            ),
            (
                "fabric+store://localhost/fabric?socket=/run/a%40b",
                database(None, &[("localhost", 3306)], Some("/run/a@b")),
            ),
        ] {
            assert_eq!(SourceUrl::parse(url).unwrap(), expected, "{url}");
        }
    }

    #[test]
    fn shard_maps_have_a_database_of_their_own() {
        for (url, name, servers) in [
            ("mysql://a", "mysqlfabric", vec![("a", 3306)]),
            ("mysql://u@a:1,b/", "mysqlfabric", vec![("a", 1), ("b", 3306)]),
            ("mysql://u@a/maps", "maps", vec![("a", 3306)]),
            ("mysql://localhost?socket=/run/s", "mysqlfabric", vec![("localhost", 3306)]),
        ] {
            let SourceUrl::Mysql(database) = SourceUrl::parse(url).unwrap() else {
                panic!("{url}")
            };
            let nodes =
                servers.iter().map(|(host, port)| Node { host: (*host).into(), port: *port });
            assert_eq!(
                (database.name.as_str(), database.servers),
                (name, nodes.collect()),
                "{url}"
            );
        }
        let error = SourceUrl::parse("mysql://a/b/c").unwrap_err();
        assert!(error.message.contains("the name of a database"), "{error}");
    }

    #[test]
    fn files_have_whole_paths() {
        for (url, path) in [
            ("file:/a/b.json", "/a/b.json"),
            ("file:///a/b.json", "/a/b.json"),
            ("file://localhost/a", "/a"),
            ("file:/a%20b%3F%23", "/a b?#"),
            ("file:/a@b:c", "/a@b:c"),
        ] {
            assert_eq!(
                SourceUrl::parse(url).unwrap(),
                SourceUrl::File { path: path.into() },
                "{url}"
            );
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (url, said) in [
            ("", "is no URL"),
            ("farm.example:32274", "'farm.example' is no kind of source"),
            ("https://a", "'https' is no kind of source"),
            ("fabric:a", "goes on with '//'"),
            ("fabric:/a", "goes on with '//'"),
            ("fabric://", "give a name or an address"),
            ("fabric://a,,b", "'' is no host"),
            ("fabric://a,", "'' is no host"),
            ("fabric://a:", "no number from 1 to 65535"),
            ("fabric://a:0", "no number from 1 to 65535"),
            ("fabric://a:+1", "no number from 1 to 65535"),
            ("fabric://a:65536", "no number from 1 to 65535"),
            ("fabric://::1", "in brackets"),
            ("fabric://[::1", "has no ']'"),
            ("fabric://[::1]5", "behind the ']'"),
            ("fabric://[a]:5", "IPv6"),
            ("fabric://a b", "'a b' is no host"),
            ("fabric://a\nb", "is no host"),
            ("fabric://a/b@c", "%40"),
            ("fabric+store://a", "the name of a database"),
            ("fabric+store://a/", "the name of a database"),
            ("fabric+store://a/b/c", "the name of a database"),
            ("fabric+store://a/b?c=d", "only ?socket=/path"),
            ("fabric+store://a/b?socket=c", "only ?socket=/path"),
            ("fabric+store://a/b?socket=/c", "localhost/b"),
            ("fabric+store://localhost,a/b?socket=/c", "localhost/b"),
            ("fabric+store:///b", "is no host"),
            ("fabric://a/b", "'/b' has no meaning"),
            ("fabric://a?x=y", "'?x=...' has no meaning"),
            ("fabric://a#x", "'#x' has no meaning"),
            ("fabric://@a", "the user before '@' is empty"),
            ("fabric://%ff@a", "not UTF-8"),
            ("fabric://a%00@a", "without NUL"),
            ("file:", "the whole path"),
            ("file:a.json", "the whole path"),
            ("file://other/a", "the whole path"),
            ("file:/a?b", "%3F"),
        ] {
            let error = SourceUrl::parse(url).unwrap_err();
            assert_eq!(error.code, Code::Argument, "{url}");
            assert!(error.message.contains(said), "{url}: {error}");
        }
    }

    #[test]
    fn a_password_is_in_no_message() {
        for url in [
            "fabric://u:hunter2@a",
            "fabric://u:hunter2@a,b:c:d",
            "fabric://u:hunter2@",
            "fabric://u:12/hunter2@a",
            "fabric+store://u:12/hunter2@a",
            "fabric+store://u:hunter2@a/b",
            "fabric://u:hunter2",
            "fabric:/u:hunter2@a",
            "fabric://u:hunt@er2@a:0",
            "mysql://u:hunter2@a/b",
            "u:hunter2@a",
            "//u:hunter2@a",
            "file://u:hunter2@a/b",
            "file:u:hunter2@a",
            "fabric://u%3ahunter2@a",
            "fabric+mysql://u%3Ahunter2@a",
            "fabric+store://u%3ahunter2@a/b",
            "mysql://u%3Ahunter2@a",
            "cluster://u%3ahunter2@a",
            "cluster://u%3ahunter2%40a",
            "cluster://u:hunter2%40a",
            "fabric://a?password=hunter2",
            "fabric://a/?user=u&password=hunter2",
            "fabric+mysql://a#password=hunter2",
            "fabric+store://a/b?password=hunter2",
            "fabric+store://a/b;password=hunter2",
            "mysql://a?password=hunter2",
            "mysql://a/b?user=u&password=hunter2",
            "mysql://a/password=hunter2",
            "mysql://localhost?socket=/s&password=hunter2",
            "cluster://a?password=hunter2",
            "cluster://a/password=hunter2",
            "cluster://a?password=hunter2&group=g",
            "cluster://a?group=g;password=hunter2",
            "cluster://a?kind=password=hunter2",
            "cluster://localhost?socket=/s#password=hunter2",
            "file:/a?password=hunter2",
            "file:a?password=hunter2",
            "mysql?password=hunter2",
        ] {
            let error = SourceUrl::parse(url).unwrap_err();
            assert!(!error.message.contains("hunt") && !error.message.contains("er2"), "{error}");
        }
    }
}
