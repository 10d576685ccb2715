//! The rules, row by row, on replies as real servers give them.

mod auto;
mod cluster_set;
mod group_replication;
mod innodb_cluster;
mod random;
mod replica_set;
mod replication;

use std::time::Duration;

use crate::config::Node;

use super::super::opinion::{
    Channel, Cluster, GroupView, Instance, Member, MemberState, Metadata, Opinion, Outcome, Reply,
    Tags, ViewId,
};
use super::super::spec::{GroupSpec, Kind};
use super::super::verdict::{Judgement, Role, Verdict};
use super::{Memory, Options, judge};

/// The servers of these tests have numbers.
fn node(server: u16) -> Node {
    Node { host: "db".into(), port: 3300 + server }
}

fn uuid(server: u16) -> String {
    format!("uuid-{server}")
}

fn spec(kind: Kind, seeds: &[u16]) -> GroupSpec {
    let seeds = seeds.iter().map(|server| node(*server)).collect();
    GroupSpec::new(kind, seeds)
}

fn pending(server: u16) -> Reply {
    Reply { node: node(server), outcome: Outcome::Pending }
}

fn silent(server: u16) -> Reply {
    Reply { node: node(server), outcome: Outcome::Silent("no answer in time".into()) }
}

fn says(server: u16, opinion: Opinion) -> Reply {
    Reply { node: node(server), outcome: Outcome::Opinion(Box::new(opinion)) }
}

/// A server with nothing around it.
fn server(number: u16, is_writable: bool) -> Opinion {
    Opinion {
        uuid: uuid(number),
        version: "9.7.4".into(),
        read_only: !is_writable,
        super_read_only: Some(!is_writable),
        ..Opinion::default()
    }
}

/// A group as one of its members sees it: `members` of a view, some of which are not online, and one
/// of which is the primary.
#[derive(Clone)]
struct View {
    name: &'static str,
    bootstrap: u64,
    changes: u64,
    members: Vec<(u16, MemberState)>,
    primary: Option<u16>,
    single_primary: bool,
    /// Who takes writes by its own word.
    writable: Vec<u16>,
}

fn view(changes: u64, members: &[u16], primary: u16) -> View {
    View {
        name: "group",
        bootstrap: 100,
        changes,
        members: members.iter().map(|member| (*member, MemberState::Online)).collect(),
        primary: Some(primary),
        single_primary: true,
        writable: vec![primary],
    }
}

impl View {
    fn with(mut self, server: u16, state: MemberState) -> Self {
        for member in &mut self.members {
            if member.0 == server {
                member.1 = state;
            }
        }
        self
    }

    /// What a member says that sees the group like this.
    fn by(&self, number: u16) -> Opinion {
        let members = self.members.iter().map(|(member, state)| Member {
            uuid: uuid(*member),
            node: node(*member),
            state: *state,
            is_primary: !self.single_primary || self.primary == Some(*member),
        });
        Opinion {
            group: Some(GroupView {
                group_name: self.name.into(),
                single_primary: self.single_primary,
                view_id: Some(ViewId { bootstrap: self.bootstrap, changes: self.changes }),
                members: members.collect(),
                lag: Some(Duration::ZERO),
            }),
            ..server(number, self.writable.contains(&number))
        }
    }

    fn reply(&self, number: u16) -> Reply {
        says(number, self.by(number))
    }

    fn replies(&self, numbers: &[u16]) -> Vec<Reply> {
        numbers.iter().map(|number| self.reply(*number)).collect()
    }
}

/// The replies of several kinds of servers in one round.
fn all<const N: usize>(parts: [Vec<Reply>; N]) -> Vec<Reply> {
    parts.into_iter().flatten().collect()
}

/// A replica of another server.
fn replica(number: u16, source: u16) -> Opinion {
    let channel = Channel {
        source: node(source),
        source_uuid: uuid(source),
        receives: true,
        applies: true,
        lag: Some(Duration::ZERO),
    };
    Opinion { channels: vec![channel], ..server(number, false) }
}

fn instance(number: u16) -> Instance {
    Instance {
        uuid: uuid(number),
        node: node(number),
        is_primary: false,
        is_read_replica: false,
        is_hidden: false,
        tags: Tags::default(),
    }
}

/// An InnoDB Cluster with these servers in its metadata.
fn cluster(members: &[u16]) -> Cluster {
    Cluster {
        cluster_id: "cluster".into(),
        name: "farm".into(),
        group_name: Some("group".into()),
        instances: members.iter().map(|member| instance(*member)).collect(),
        ..Cluster::default()
    }
}

/// A server with a copy of this metadata.
fn with(opinion: Opinion, cluster: &Cluster) -> Opinion {
    let own = Some(cluster.clone());
    let metadata = Metadata { version: (2, 2, 0), own, cluster_set: None };
    Opinion { metadata: Some(metadata), ..opinion }
}

/// One group, round after round.
#[derive(Clone)]
struct Rounds {
    spec: GroupSpec,
    options: Options,
    memory: Memory,
}

impl Rounds {
    fn new(kind: Kind, seeds: &[u16]) -> Self {
        Self { spec: spec(kind, seeds), options: Options::default(), memory: Memory::default() }
    }

    fn judge(&mut self, replies: &[Reply]) -> Judgement {
        judge(&self.spec, replies, &mut self.memory, &self.options)
    }

    /// The verdict, which there must be.
    #[track_caller]
    fn decide(&mut self, replies: &[Reply]) -> Found {
        match self.judge(replies) {
            Judgement::Decided(verdict) => Found::of(verdict),
            other => panic!("decided nothing: {other:?}"),
        }
    }

    /// Nothing new is known, for a reason with these words in it.
    #[track_caller]
    fn keeps(&mut self, replies: &[Reply], words: &str) {
        match self.judge(replies) {
            Judgement::Keep { why } => assert!(why.contains(words), "{why}"),
            other => panic!("keeps not what is known: {other:?}"),
        }
    }

    #[track_caller]
    fn waits(&mut self, replies: &[Reply]) {
        assert_eq!(self.asks(replies), [0_u16; 0], "asks for more");
    }

    /// The servers that are to be asked as well.
    #[track_caller]
    fn asks(&mut self, replies: &[Reply]) -> Vec<u16> {
        match self.judge(replies) {
            Judgement::Undecided { ask } => ask.iter().map(|node| node.port - 3300).collect(),
            other => panic!("does not wait: {other:?}"),
        }
    }
}

/// A verdict in numbers.
#[derive(Debug)]
struct Found {
    primary: Option<u16>,
    secondaries: Vec<u16>,
    verdict: Verdict,
}

impl Found {
    fn of(verdict: Verdict) -> Self {
        let of = |role: Role| {
            let servers = verdict.servers.iter().filter(move |server| server.role == role);
            let mut servers: Vec<u16> = servers
                .map(|server| {
                    assert_eq!(
                        server.uuid,
                        uuid(server.node.port - 3300),
                        "address of another one"
                    );
                    server.node.port - 3300
                })
                .collect();
            servers.sort_unstable();
            servers
        };
        let (primaries, secondaries) = (of(Role::Primary), of(Role::Secondary));
        assert!(primaries.len() <= 1, "{verdict:?}");
        assert_eq!(
            primaries.is_empty(),
            verdict.reason.is_some(),
            "a reason says why: {verdict:?}"
        );
        Self { primary: primaries.first().copied(), secondaries, verdict }
    }

    #[track_caller]
    fn is(&self, primary: impl Into<Option<u16>>, secondaries: &[u16]) {
        let found = (self.primary, self.secondaries.as_slice());
        assert_eq!(found, (primary.into(), secondaries), "{:?}", self.verdict);
    }

    /// Where its servers stand.
    fn zones(&self) -> Vec<Option<&str>> {
        self.verdict.servers.iter().map(|server| server.zone.as_deref()).collect()
    }

    /// Nobody takes writes, for a reason with these words in it.
    #[track_caller]
    fn has_no_primary(&self, words: &str) {
        assert_eq!(self.primary, None);
        let reason = self.verdict.reason.as_deref().unwrap_or_default();
        assert!(reason.contains(words), "{reason}");
    }
}
