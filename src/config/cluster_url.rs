//! The URL of a cluster whose servers say themselves who they are:
//! `cluster://[user@]host[:port][,host[:port]...][?group=name][&kind=...][&socket=/path]`.

use std::path::PathBuf;

use crate::base::error::Result;

use super::group_spec::DiscoveryKind;
use super::node::Node;
use super::url_parts::{
    Authority, DEFAULT_SERVER_PORT, argument_error, authority, decoded, names_of,
};

/// One group, whatever it is, and whom to ask about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    pub user: Option<String>,
    pub servers: Vec<Node>,
    /// The Unix socket of the server, which is on this machine then.
    pub socket: Option<PathBuf>,
    /// What the group is called; else as its metadata calls it.
    pub group: Option<String>,
    pub kind: DiscoveryKind,
}

/// More characters than this are in no name of a group.
const MAX_GROUP: usize = 64;

impl Cluster {
    /// Reads what is behind `cluster:`.
    ///
    /// # Errors
    /// `Code::Argument`, with what is wrong in it.
    pub fn parse(scheme: &str, rest: &str) -> Result<Self> {
        let Authority { user, nodes: servers, behind } =
            authority(scheme, rest, DEFAULT_SERVER_PORT)?;
        let (path, query) = behind.split_once('?').unwrap_or((behind, ""));
        if !matches!(path, "" | "/") {
            return Err(argument_error(format!(
                "'{}' has no meaning behind the hosts of {scheme}://; ?group=, &kind= and &socket= have",
                names_of(path)
            )));
        }
        let mut cluster =
            Self { user, servers, socket: None, group: None, kind: DiscoveryKind::Auto };
        let (mut has_kind, parts) = (false, query.split('&').filter(|_| !query.is_empty()));
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let is_twice = match name {
                "group" => cluster.group.replace(group(value)?).is_some(),
                "kind" => {
                    cluster.kind = kind(value)?;
                    std::mem::replace(&mut has_kind, true)
                }
                "socket" => cluster.socket.replace(cluster.socket_of(scheme, value)?).is_some(),
                _ => {
                    return Err(argument_error(format!(
                        "'{}' has no meaning behind {scheme}://; ?group=, &kind= and &socket= have",
                        names_of(part)
                    )));
                }
            };
            if is_twice {
                let name = names_of(name);
                return Err(argument_error(format!("{name}= is there twice; leave one out")));
            }
        }
        Ok(cluster)
    }

    fn socket_of(&self, scheme: &str, value: &str) -> Result<PathBuf> {
        let is_local = matches!(self.servers.as_slice(), [server] if server.host == "localhost");
        match value.starts_with('/') && !value.contains('#') && is_local {
            true => decoded(value, "path of the socket").map(PathBuf::from),
            false => Err(argument_error(format!(
                "a socket is the way to the server of this machine; write \
                 {scheme}://localhost?socket=/path"
            ))),
        }
    }
}

fn group(value: &str) -> Result<String> {
    let name = decoded(value, "name of the group")?;
    let is_odd = value.contains([';', '=', '?', '#']);
    match name.is_empty() || is_odd || name.contains('#') || name.chars().count() > MAX_GROUP {
        true => Err(argument_error(format!(
            "'{}' behind group= is no name of a group; give one of 1 to {MAX_GROUP} characters, with %XX for \
             what is special in URLs",
            names_of(value)
        ))),
        false => Ok(name),
    }
}

fn kind(value: &str) -> Result<DiscoveryKind> {
    DiscoveryKind::from_name(value).ok_or_else(|| {
        let names = DiscoveryKind::ALL.map(DiscoveryKind::name).join(", ");
        argument_error(format!(
            "'{}' behind kind= is none; there are {names}, and without one it is auto",
            names_of(value)
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SourceUrl;

    fn parse(url: &str) -> Cluster {
        match SourceUrl::parse(url) {
            Ok(SourceUrl::Cluster(cluster)) => cluster,
            other => panic!("{url}: {other:?}"),
        }
    }

    #[test]
    fn a_cluster_is_hosts_and_what_it_is_called() {
        let node = |host: &str, port| Node { host: host.into(), port };
        let plain = Cluster {
            user: None,
            servers: vec![node("a", 3306)],
            socket: None,
            group: None,
            kind: DiscoveryKind::Auto,
        };
        assert_eq!(parse("cluster://a"), plain);
        assert_eq!(parse("CLUSTER://a/?"), plain);
        let whole = parse("cluster://u@a:1,[::1]?kind=replicaset&group=g%20h");
        assert_eq!(whole.user.as_deref(), Some("u"));
        assert_eq!(whole.servers, [node("a", 1), node("::1", 3306)]);
        assert_eq!(whole.group.as_deref(), Some("g h"));
        assert_eq!(whole.kind, DiscoveryKind::ReplicaSet);
        let local = parse("cluster://localhost/?socket=/run/s%20t");
        assert_eq!(local.socket.as_deref(), Some("/run/s t".as_ref()));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (url, said) in [
            ("cluster:a", "goes on with '//'"),
            ("cluster://", "give a name or an address"),
            ("cluster://a/b", "'/b' has no meaning"),
            ("cluster://a?b=c", "'b=...' has no meaning"),
            ("cluster://a?group", "no name of a group"),
            ("cluster://a?group=", "no name of a group"),
            ("cluster://a?group=b&group=c", "twice"),
            ("cluster://a?kind=auto&kind=auto", "twice"),
            ("cluster://a?kind=galera", "there are auto, group_replication"),
            ("cluster://a?socket=/s", "cluster://localhost?socket=/path"),
            ("cluster://localhost?socket=s", "cluster://localhost?socket=/path"),
            ("cluster://localhost,a?socket=/s", "cluster://localhost?socket=/path"),
            ("cluster://u:p@a", "password"),
        ] {
            let error = SourceUrl::parse(url).unwrap_err();
            assert!(error.message.contains(said), "{url}: {error}");
        }
    }
}
