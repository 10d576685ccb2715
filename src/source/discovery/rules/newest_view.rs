//! Which view of a group counts: the newest one that was ever seen, of the group as it was
//! bootstrapped last. An older one is never gone back to, whoever reports it.

use super::super::opinion::{Member, Opinion, ViewId};
use super::memory::{Memory, SeenView};
use super::report::{Report, reports};
use super::round::Round;
use super::split::is_split;

/// The newest view, and what its members say.
pub(super) struct NewestView<'a> {
    pub id: ViewId,
    pub members: &'a [Member],
    /// Of this view, or of an older one where a member is late.
    pub reports: Vec<Report<'a>>,
}

impl<'a> NewestView<'a> {
    pub fn is_majority(&self, count: usize) -> bool {
        count * 2 > self.members.len()
    }

    pub fn report_of(&self, uuid: &str) -> Option<&Report<'a>> {
        self.reports.iter().find(|report| report.uuid == uuid)
    }
}

pub(super) enum Newest<'a> {
    View(NewestView<'a>),
    /// Who is awaited may tell.
    Undecided,
    /// There is none that counts, and why.
    None(String),
}

/// The newest view of the group of this name; without a name, of the group that is followed.
pub(super) fn newest_view<'a>(
    round: &Round<'a>,
    name: Option<&str>,
    memory: &mut Memory,
) -> Newest<'a> {
    let mut reports: Vec<Report<'a>> = reports(round).collect();
    reports.retain(|report| name.is_none_or(|name| report.view.group_name == name));
    let known = memory.view_of(name);
    let most_have_left = |seen: &SeenView| {
        let says_so = |uuid: &&String| round.opinion_of(uuid).is_some_and(Opinion::tells_of_groups);
        seen.members.iter().filter(says_so).count() * 2 > seen.members.len()
    };
    let still_counts = |seen: &SeenView| memory.still_counts(seen.seen_at);
    if let Some(why) = keep_one_group(&mut reports, known.as_ref(), most_have_left, still_counts) {
        return match round.is_awaited() {
            true => Newest::Undecided,
            false => Newest::None(why.to_owned()),
        };
    }
    let Some(newest) = reports.iter().max_by_key(|report| report.id).copied() else {
        return Newest::None(NOBODY.to_owned());
    };
    if is_split(&newest, &reports, round, memory) {
        return match round.is_awaited() {
            true => Newest::Undecided,
            false => Newest::None(SPLIT.to_owned()),
        };
    }
    let is_known = known.is_some_and(|(name, seen)| newest.is_of(&name, seen.id.bootstrap));
    // Who is not in a group that is new to us may be in the one before, or in another one. And as many as
    // are in a view may have one of their own.
    let members = newest.view.members.as_slice();
    let others = round.others_awaited(members);
    if others >= if is_known { members.len() } else { 1 } {
        return Newest::Undecided;
    }
    let uuids = members.iter().map(|member| member.uuid.clone()).collect();
    memory.saw_view(&newest.view.group_name, newest.id, uuids, name.is_none());
    reports.retain(|report| newest.member(report.uuid).is_some());
    Newest::View(NewestView { id: newest.id, members, reports })
}

const NOBODY: &str = "none of its servers that answer is in a group";

const OLDER: &str = "only an older view of the group is reported than is known already; if the group \
                     was made anew under an older clock, reset the cache";

const SEVERAL: &str = "its servers are in several groups, or in one that was bootstrapped twice, so \
                       that rows could go to either; stop all but one";

const SPLIT: &str = "some of its servers are in a newer view without most of the others, of whom one is \
                     still in a view of its own, or was when it last answered, so that rows could go to \
                     either; stop all but one";

const APART: &str = "none of the members of its last view is in this one, and most of them do not answer: they \
                     may go on without it";

/// Whether the newest of these views has anybody who was in the one that is known.
fn goes_on(reports: &[Report<'_>], seen: &SeenView) -> bool {
    let newest = reports.iter().max_by_key(|report| report.id);
    newest.is_none_or(|newest| seen.members.iter().any(|uuid| newest.member(uuid).is_some()))
}

const GONE: &str = "most members of its group do not answer, and who answers is in another one, or in one \
                    that was bootstrapped anew; if that one is to be used, reset the cache";

/// Leaves the reports of one group as it was bootstrapped once: of the known one as long as anybody is
/// in it, and of a newer one after that, if most members of the known one say themselves that they are
/// in it no more. Otherwise it says why not.
fn keep_one_group(
    reports: &mut Vec<Report<'_>>,
    known: Option<&(String, SeenView)>,
    most_have_left: impl Fn(&SeenView) -> bool,
    still_counts: impl Fn(&SeenView) -> bool,
) -> Option<&'static str> {
    if let Some((name, seen)) = known {
        let id = seen.id;
        if reports.iter().any(|report| report.is_of(name, id.bootstrap)) {
            reports.retain(|report| report.is_of(name, id.bootstrap));
            let is_older = reports.iter().all(|report| report.id < id);
            return match is_older {
                true => Some(OLDER),
                // They go on from another view than is known: both of some same one before it.
                false => {
                    let is_apart = !goes_on(reports, seen) && !most_have_left(seen);
                    (is_apart && still_counts(seen)).then_some(APART)
                }
            };
        }
        if !reports.is_empty() {
            let is_older = |report: &Report<'_>| report.view.group_name == *name && report.id < id;
            reports.retain(|report| !is_older(report));
            if reports.is_empty() {
                return Some(OLDER);
            }
            if !most_have_left(seen) {
                return Some(GONE);
            }
        }
    }
    let first = *reports.first()?;
    let is_one =
        reports.iter().all(|report| report.is_of(&first.view.group_name, first.id.bootstrap));
    (!is_one).then_some(SEVERAL)
}
