//! A group without metadata: everything is as its members say.

use crate::config::Node;

use super::super::opinion::{Member, Tags};
use super::super::spec::GroupSpec;
use super::super::verdict::{Judgement, Role};
use super::group::{Found, find};
use super::memory::Memory;
use super::options::Options;
use super::round::Round;
use super::search::Search;
use super::verdict_builder::{VerdictBuilder, nobody};

pub(super) fn judge(
    spec: &GroupSpec,
    round: &Round<'_>,
    memory: &mut Memory,
    options: &Options,
) -> Judgement {
    let search = Search {
        name: None,
        node_of: &|member: &Member| member.node.clone(),
        may_be_chosen: &|_| true,
        others: &spec.seeds,
    };
    let group = match find(&search, round, memory, options) {
        Found::Group(group) => group,
        Found::Undecided { ask } => return Judgement::Undecided { ask },
        Found::Nobody { why } => return nobody(round, why),
    };
    let mut verdict = VerdictBuilder::default();
    for member in group.members {
        verdict.member(round, memory, &member.uuid, &member.node);
        let uuid = member.uuid.as_str();
        let role = match group.primary.as_ref() {
            Ok(primary) if *primary == uuid => Role::Primary,
            _ if group.readable.contains(&uuid) => Role::Secondary,
            _ => continue,
        };
        verdict.server(round, uuid, &member.node, role, &Tags::default());
    }
    // Others of the group may go on without these, and would not be heard of.
    let nodes = group.members.iter().map(|member| round.address(&member.uuid, &member.node));
    memory.has_members(nodes).iter().for_each(|node| verdict.node(node));
    let is_member = |seed: &&Node| {
        let last = memory.opinion_at(seed);
        last.is_some_and(|last| group.members.iter().any(|member| member.uuid == last.uuid))
    };
    spec.seeds.iter().filter(|seed| !is_member(seed)).for_each(|seed| verdict.node(seed));
    verdict.decide(group.primary.err())
}
