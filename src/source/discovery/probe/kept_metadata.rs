//! The metadata of an InnoDB Cluster, kept for some rounds: its views cost a server ten times what its word
//! on its group does.
//!
//! Who takes writes is never read from it: the group says that. What is, such as who is hidden, changes when
//! an administrator says so. A ReplicaSet and a ClusterSet are asked each time, since who their primary is
//! stands nowhere else.

use std::time::{Duration, Instant};

use crate::source::discovery::opinion::{GroupView, Metadata, Opinion};

/// How old it may be.
const KEPT_FOR: Duration = Duration::from_secs(2);

/// What a server said last of its metadata, and of itself and its group then.
#[derive(Default)]
pub struct KeptMetadata(Option<Kept>);

struct Kept {
    read_at: Instant,
    is_writable: bool,
    group: GroupView,
    metadata: Metadata,
}

impl KeptMetadata {
    /// The metadata of a server that says the same of itself and its group as when it was read.
    pub fn of(&self, opinion: &Opinion) -> Option<Metadata> {
        let kept = self.0.as_ref().filter(|kept| kept.read_at.elapsed() < KEPT_FOR)?;
        let is_same = opinion.is_member()
            && kept.is_writable == opinion.is_writable()
            && opinion.group.as_ref().map(without_lag).as_ref() == Some(&kept.group);
        is_same.then(|| kept.metadata.clone())
    }

    /// Keeps what was just read, if it may be used again.
    pub fn keep(&mut self, opinion: &Opinion) {
        self.0 = match (&opinion.group, &opinion.metadata) {
            (Some(group), Some(metadata)) if may_be_kept(metadata) => Some(Kept {
                read_at: Instant::now(),
                is_writable: opinion.is_writable(),
                group: without_lag(group),
                metadata: metadata.clone(),
            }),
            _ => None,
        };
    }
}

fn may_be_kept(metadata: &Metadata) -> bool {
    metadata.cluster_set.is_none()
        && metadata.own.as_ref().is_some_and(|cluster| !cluster.is_replica_set)
}

fn without_lag(view: &GroupView) -> GroupView {
    GroupView { lag: None, ..view.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Node;
    use crate::source::discovery::opinion::{Cluster, ClusterSet, Member, MemberState, ViewId};

    fn opinion() -> Opinion {
        let member = Member {
            uuid: "a".into(),
            node: Node { host: "a".into(), port: 3306 },
            state: MemberState::Online,
            is_primary: true,
        };
        let group = GroupView {
            group_name: "g".into(),
            view_id: Some(ViewId { bootstrap: 1, changes: 1 }),
            members: vec![member],
            ..GroupView::default()
        };
        let metadata = Metadata { own: Some(Cluster::default()), ..Metadata::default() };
        let (uuid, group, metadata) = ("a".into(), Some(group), Some(metadata));
        Opinion { uuid, group, metadata, ..Opinion::default() }
    }

    fn kept(of: &Opinion) -> KeptMetadata {
        let mut kept = KeptMetadata::default();
        kept.keep(of);
        kept
    }

    #[test]
    fn it_is_used_while_the_server_says_the_same() {
        let first = opinion();
        let kept = kept(&first);
        let again = |change: fn(&mut Opinion)| {
            let mut asked = Opinion { metadata: None, ..opinion() };
            change(&mut asked);
            kept.of(&asked)
        };
        assert_eq!(again(|_| ()), first.metadata);
        let lags = |asked: &mut Opinion| {
            asked.group.as_mut().expect("a group").lag = Some(Duration::from_secs(1));
        };
        assert_eq!(again(lags), first.metadata, "who lags is in the same group");
        let changes: [fn(&mut Opinion); 4] = [
            |asked| asked.read_only = true,
            |asked| asked.group = None,
            |asked| {
                let group = asked.group.as_mut().expect("a group");
                group.view_id = Some(ViewId { bootstrap: 1, changes: 2 });
            },
            |asked| {
                let group = asked.group.as_mut().expect("a group");
                group.members[0].state = MemberState::Offline;
            },
        ];
        changes.into_iter().for_each(|change| assert_eq!(again(change), None));
    }

    #[test]
    fn what_says_who_is_primary_is_not_kept() {
        let may_be = |change: fn(&mut Metadata)| {
            let mut said = opinion();
            said.metadata.iter_mut().for_each(change);
            kept(&said).of(&said).is_some()
        };
        assert!(may_be(|_| ()));
        assert!(!may_be(|metadata| metadata.cluster_set = Some(ClusterSet::default())));
        assert!(!may_be(|metadata| {
            let clusters = metadata.own.iter_mut();
            clusters.for_each(|cluster| cluster.is_replica_set = true);
        }));
        assert!(!may_be(|metadata| metadata.own = None), "while it is upgraded, too");
    }

    #[test]
    fn it_grows_old() {
        let said = opinion();
        let mut kept = kept(&said);
        let old = Instant::now().checked_sub(KEPT_FOR).expect("a moment");
        kept.0.iter_mut().for_each(|kept| kept.read_at = old);
        assert_eq!(kept.of(&said), None);
        kept.keep(&said);
        assert_eq!(kept.of(&said), said.metadata);
    }
}
