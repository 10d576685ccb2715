//! What holds from round to round: what must never go back, and who answered the last time.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::Node;

use super::super::opinion::{Cluster, ClusterSet, Opinion, Outcome, Reply, ViewId};
use super::super::spec::Kind;

/// What is known of a group from earlier rounds. `Memory::default()` is that of a group nobody asked
/// for yet; to start from it again forgets which views are old.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    /// The newest view that was ever seen of each group, by its name: of one group only, but for the
    /// clusters of a ClusterSet.
    views: BTreeMap<String, SeenView>,
    /// By group: the members, by UUID, that were last heard in a view of their own beside the newest one,
    /// and when that was. See [`super::split`].
    apart: BTreeMap<String, BTreeMap<String, u64>>,
    /// The addresses of members of the group, and when they were last in its newest view.
    members_at: BTreeMap<Node, u64>,
    /// Whether the last verdict has a primary.
    pub(super) has_primary: bool,
    /// When the round began, in milliseconds.
    now: u64,
    /// What kind of group it turned out to be.
    pub(super) kind: Option<Kind>,
    /// The last metadata that could be read: of an InnoDB Cluster, and with the newest view that was
    /// ever seen, of a ReplicaSet and a ClusterSet.
    pub(super) cluster: Option<Arc<Cluster>>,
    pub(super) replica_set: Option<Arc<Cluster>>,
    pub(super) cluster_set: Option<Arc<ClusterSet>>,
    /// Of plain replication: the primary that a replica confirmed last.
    pub(super) confirmed: Option<String>,
    /// Of a group with several primaries: the one that was chosen.
    pub(super) choice: Option<String>,
    /// Whom the last verdict named as members.
    pub(super) members: Vec<Node>,
    by_node: BTreeMap<Node, Last>,
}

/// A view, and who was in it.
#[derive(Debug, Clone)]
pub(super) struct SeenView {
    pub id: ViewId,
    /// By UUID.
    pub members: Vec<String>,
    /// When it was last reported.
    pub seen_at: u64,
}

/// What came of asking an address the last time.
#[derive(Debug, Clone, Default)]
struct Last {
    /// What was answered there the last time that something was, without metadata.
    opinion: Option<Arc<Opinion>>,
    answers: bool,
}

/// So many addresses are remembered; servers of a farm that come and go under new ones must not have
/// the memory grow.
const MOST_ADDRESSES: usize = 1024;

/// How long what members said last counts against those who go on without them, in milliseconds. They may
/// be gone for good.
const COUNTS_FOR: u64 = 10_000;

/// How long a server is asked on that has left its group, in milliseconds.
const ASKED_FOR: u64 = 60_000;

impl Memory {
    /// A round begins, at so many milliseconds on some clock.
    pub fn begin_round(&mut self, now: u64) {
        self.now = now;
    }

    /// These are in the newest view; and those who were a short while ago, who may go on without it.
    pub(super) fn has_members(&mut self, members: impl Iterator<Item = Node>) -> Vec<Node> {
        let now = self.now;
        self.members_at.extend(members.map(|node| (node, now)));
        self.members_at.retain(|_, at| now.saturating_sub(*at) <= ASKED_FOR);
        self.members_at.keys().cloned().collect()
    }

    /// Whether the group had a primary when it was judged last.
    pub fn had_primary(&self) -> bool {
        self.has_primary
    }

    /// Whether what was last heard then still counts.
    pub(super) fn still_counts(&self, heard_at: u64) -> bool {
        self.now.saturating_sub(heard_at) <= COUNTS_FOR
    }

    /// Members of a group that are heard in a view of their own, and whether any is or was a short while
    /// ago. Those that `is_over` says of are it no more.
    pub(super) fn goes_apart<'a>(
        &mut self,
        group: &str,
        heard: impl Iterator<Item = &'a str>,
        is_over: impl Fn(&str) -> bool,
    ) -> bool {
        let (now, mut apart) = (self.now, self.apart.remove(group).unwrap_or_default());
        apart.retain(|uuid, heard_at| self.still_counts(*heard_at) && !is_over(uuid));
        apart.extend(heard.map(|uuid| (uuid.to_owned(), now)));
        let is_any = !apart.is_empty();
        if is_any {
            self.apart.insert(group.to_owned(), apart);
        }
        is_any
    }

    /// Notes what the replies say of their addresses: of this round, or such as came too late for the
    /// one before.
    pub fn note(&mut self, replies: &[Reply]) {
        let by_node = &mut self.by_node;
        if by_node.len() > MOST_ADDRESSES {
            by_node.retain(|node, _| replies.iter().any(|reply| reply.node == *node));
        }
        for reply in replies {
            match &reply.outcome {
                Outcome::Pending => (),
                Outcome::Opinion(opinion) => {
                    let opinion = Opinion { metadata: None, ..Opinion::clone(opinion) };
                    let last = Last { opinion: Some(Arc::new(opinion)), answers: true };
                    by_node.insert(reply.node.clone(), last);
                }
                Outcome::Silent(_) | Outcome::Refused { .. } | Outcome::Unusable { .. } => {
                    by_node.entry(reply.node.clone()).or_default().answers = false;
                }
            }
        }
    }

    /// The newest view that was seen of the group of this name; without a name, of the one that is
    /// followed.
    pub(super) fn view_of(&self, name: Option<&str>) -> Option<(String, SeenView)> {
        match name {
            Some(name) => self.views.get_key_value(name),
            None => self.views.first_key_value(),
        }
        .map(|(name, seen)| (name.clone(), seen.clone()))
    }

    /// This is the newest view. `is_only`: whatever other groups were followed are not any more.
    pub(super) fn saw_view(&mut self, name: &str, id: ViewId, members: Vec<String>, is_only: bool) {
        let seen = SeenView { id, members, seen_at: self.now };
        if is_only {
            self.views.retain(|other, _| other == name);
            self.apart.retain(|other, _| other == name);
        }
        self.views.insert(name.to_owned(), seen);
    }

    /// What was answered there the last time that something was, without metadata.
    pub(super) fn opinion_at(&self, node: &Node) -> Option<&Arc<Opinion>> {
        self.by_node.get(node)?.opinion.as_ref()
    }

    /// Whether the last time that this address was asked brought an answer; `None` if it never was.
    pub(super) fn answers(&self, node: &Node) -> Option<bool> {
        self.by_node.get(node).map(|last| last.answers)
    }

    /// Whether this server is not reached at this address, which was tried.
    pub(super) fn is_elsewhere(&self, uuid: &str, node: &Node) -> bool {
        self.by_node.get(node).is_some_and(|last| {
            !last.answers || last.opinion.as_ref().is_some_and(|other| other.uuid != uuid)
        })
    }
}
