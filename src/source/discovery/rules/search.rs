//! Which group is looked for, and where.

use crate::config::Node;

use super::super::opinion::Member;

pub(super) struct Search<'s> {
    /// Without a name it is the one that is followed.
    pub name: Option<&'s str>,
    /// The address at which clients reach a member.
    pub node_of: &'s dyn Fn(&Member) -> Node,
    /// Whether a member may take the writes of a group in which all could.
    pub may_be_chosen: &'s dyn Fn(&str) -> bool,
    /// Whom to ask besides when those who answer do not suffice.
    pub others: &'s [Node],
}
