//! Members that are in a view of their own beside the newest one, so that rows could go to either.
//!
//! A member that leaves is for two seconds still in the view before, too, and so may be one that was frozen:
//! most of the members of their view are in the newest one then. Where they are not, some were forced to go
//! on alone (`group_replication_force_members`) while others went on as well.

use super::super::opinion::Opinion;
use super::memory::Memory;
use super::report::Report;
use super::round::Round;

/// Whether the newest view has a rival, as far as is heard now, or was heard of members that have fallen
/// silent since. `reports` are of one group as it was bootstrapped once.
pub(super) fn is_split(
    newest: &Report<'_>,
    reports: &[Report<'_>],
    round: &Round<'_>,
    memory: &mut Memory,
) -> bool {
    let apart: Vec<&Report<'_>> =
        reports.iter().filter(|report| is_apart(newest, report)).collect();
    let is_over = |uuid: &str| {
        newest.member(uuid).is_some()
            || round.opinion_of(uuid).is_some_and(Opinion::tells_of_groups)
    };
    let apart = apart.iter().map(|report| report.uuid);
    memory.goes_apart(&newest.view.group_name, apart, is_over)
}

/// Whether a member goes on in another view than the newest one, which does not have at least half of the
/// members of that.
fn is_apart(newest: &Report<'_>, report: &Report<'_>) -> bool {
    let theirs = &report.view.members;
    let common = theirs.iter().filter(|member| newest.member(&member.uuid).is_some()).count();
    newest.member(report.uuid).is_none() && report.sees_majority() && common * 2 < theirs.len()
}
