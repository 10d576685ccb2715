//! Servers that answer, and get nothing until somebody does something about it: what the log says of them.

use super::super::opinion::{MemberState, Opinion};
use super::super::verdict::Verdict;
use super::round::Round;

/// A line for each server that is in its group or was, and is left out for a reason that lasts.
pub(super) fn warnings(verdict: &Verdict, round: &Round<'_>) -> Vec<String> {
    let is_placed = |uuid: &str| verdict.servers.iter().any(|placed| placed.uuid == uuid);
    let left_out = round.opinions().filter(|opinion| !is_placed(&opinion.uuid));
    let line = |opinion: &Opinion| {
        let node = round.nodes_of(&opinion.uuid).next()?;
        Some(format!("{node} gets nothing: {}", reason(opinion)?))
    };
    left_out.filter_map(line).collect()
}

fn reason(opinion: &Opinion) -> Option<&'static str> {
    let group = opinion.group.as_ref();
    let own = group.and_then(|view| view.members.iter().find(|own| own.uuid == opinion.uuid));
    match own.map(|own| own.state) {
        Some(MemberState::Error) if opinion.offline_mode => Some(
            "it was expelled from its group or failed in it (state ERROR), and is in offline mode: have it \
             join again (START GROUP_REPLICATION, cluster.rejoinInstance() of MySQL Shell) and SET GLOBAL \
             offline_mode = OFF there",
        ),
        Some(MemberState::Error) => Some(
            "it was expelled from its group or failed in it (state ERROR): have it join again (START \
             GROUP_REPLICATION, cluster.rejoinInstance() of MySQL Shell)",
        ),
        _ if opinion.offline_mode => Some(
            "it is in offline mode, which MySQL leaves on where a member was expelled from its group, also \
             once it is back: SET GLOBAL offline_mode = OFF there",
        ),
        _ => None,
    }
}
