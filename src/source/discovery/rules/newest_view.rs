//! Which view of a group counts: the newest one that was ever seen, of the group as it was
//! bootstrapped last. An older one is never gone back to, whoever reports it.

use super::super::opinion::{Member, ViewId};
use super::memory::Memory;
use super::report::{Report, reports};
use super::round::Round;

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
    let most_have_left = || round.most_answer(&memory.members);
    if let Some(why) = keep_one_group(&mut reports, known.as_ref(), most_have_left) {
        return match round.is_awaited() {
            true => Newest::Undecided,
            false => Newest::None(why.to_owned()),
        };
    }
    let Some(newest) = reports.iter().max_by_key(|report| report.id).copied() else {
        return Newest::None(NOBODY.to_owned());
    };
    if is_split(&newest, &reports) {
        return match round.is_awaited() {
            true => Newest::Undecided,
            false => Newest::None(SPLIT.to_owned()),
        };
    }
    let is_known = known.is_some_and(|(name, id)| newest.is_of(&name, id.bootstrap));
    // Who is not in a group that is new to us may be in the one before, or in another one. And as many as
    // are in a view may have one of their own.
    let members = newest.view.members.as_slice();
    let others = round.others_awaited(members);
    if others >= if is_known { members.len() } else { 1 } {
        return Newest::Undecided;
    }
    memory.saw_view(&newest.view.group_name, newest.id, name.is_none());
    reports.retain(|report| newest.member(report.uuid).is_some());
    Newest::View(NewestView { id: newest.id, members, reports })
}

const NOBODY: &str = "none of its servers that answer is in a group";

const OLDER: &str = "only an older view of the group is reported than is known already; if the group \
                     was made anew under an older clock, reset the cache";

const SEVERAL: &str = "its servers are in several groups, or in one that was bootstrapped twice, so \
                       that rows could go to either; stop all but one";

const SPLIT: &str = "one of its servers is in a newer view without most of the others, who are still \
                     in one of their own, so that rows could go to either; stop all but one";

/// Whether a view that is not the newest still has most of its members, none of whom is in the newest:
/// no member that leaves makes that so, but one who is forced to go on alone.
fn is_split(newest: &Report<'_>, reports: &[Report<'_>]) -> bool {
    let is_out =
        |report: &&Report<'_>| newest.member(report.uuid).is_none() && report.sees_majority();
    reports.iter().filter(is_out).any(|one| {
        let same = reports.iter().filter(is_out).filter(|other| other.id == one.id).count();
        same * 2 > one.view.members.len()
    })
}

const GONE: &str = "most members of its group do not answer, and who answers is in another one, or in one \
                    that was bootstrapped anew; if that one is to be used, reset the cache";

/// Leaves the reports of one group as it was bootstrapped once: of the known one as long as anybody is
/// in it, and of a newer one after that, if most members of the known one say themselves that they are
/// in it no more. Otherwise it says why not.
fn keep_one_group(
    reports: &mut Vec<Report<'_>>,
    known: Option<&(String, ViewId)>,
    most_have_left: impl Fn() -> bool,
) -> Option<&'static str> {
    if let Some((name, id)) = known {
        if reports.iter().any(|report| report.is_of(name, id.bootstrap)) {
            reports.retain(|report| report.is_of(name, id.bootstrap));
            let is_older = reports.iter().all(|report| report.id < *id);
            return is_older.then_some(OLDER);
        }
        if !reports.is_empty() {
            let is_older = |report: &Report<'_>| report.view.group_name == *name && report.id < *id;
            reports.retain(|report| !is_older(report));
            if reports.is_empty() {
                return Some(OLDER);
            }
            if !most_have_left() {
                return Some(GONE);
            }
        }
    }
    let first = *reports.first()?;
    let is_one =
        reports.iter().all(|report| report.is_of(&first.view.group_name, first.id.bootstrap));
    (!is_one).then_some(SEVERAL)
}
