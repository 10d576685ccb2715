//! Which view of a group counts: the newest one that was ever seen, of the group as it was
//! bootstrapped last. An older one is never gone back to, whoever reports it.

use super::super::opinion::{GroupView, Member, MemberState, ViewId};
use super::memory::Memory;
use super::round::Round;

/// A member of the group by its own word, and what it says.
#[derive(Clone, Copy)]
pub(super) struct Report<'a> {
    pub uuid: &'a str,
    pub id: ViewId,
    pub view: &'a GroupView,
}

impl Report<'_> {
    /// Whether most of the members that this one sees take part.
    pub fn has_majority(&self) -> bool {
        let present = self.view.members.iter().filter(|member| is_present(member.state)).count();
        present * 2 > self.view.members.len()
    }
}

pub(super) fn is_present(state: MemberState) -> bool {
    matches!(state, MemberState::Online | MemberState::Recovering)
}

/// The newest view, and what those say who are in the group.
pub(super) struct NewestView<'a> {
    pub id: ViewId,
    pub members: &'a [Member],
    /// Those of the members, of this view or an older one.
    pub reports: Vec<Report<'a>>,
}

pub(super) enum Newest<'a> {
    View(NewestView<'a>),
    /// Who is awaited may tell.
    Undecided,
    /// There is none that counts, and why.
    None(String),
}

/// The newest view of the group of this name; without a name, of the group that was followed so far.
///
/// A group that was bootstrapped anew counts once nobody is left who is in the one before.
pub(super) fn newest_view<'a>(
    round: &Round<'a>,
    name: Option<&str>,
    memory: &mut Memory,
) -> Newest<'a> {
    let reports: Vec<Report<'a>> = round
        .opinions()
        .filter_map(|opinion| report(opinion.uuid.as_str(), opinion.group.as_ref()?))
        .filter(|report| name.is_none_or(|name| report.view.group_name == name))
        .collect();
    let known = memory.view_of(name);
    let of = |name: &str, bootstrap: u64| {
        let mut reports = reports.clone();
        reports.retain(|report| report.view.group_name == name && report.id.bootstrap == bootstrap);
        reports
    };
    let mut reports_of_known = Vec::new();
    if let Some((name, id)) = &known {
        reports_of_known = of(name, id.bootstrap);
    }
    if reports_of_known.is_empty() && known.is_some() && round.is_awaited() {
        return Newest::Undecided;
    }
    let chosen = match reports_of_known.is_empty() {
        false => reports_of_known,
        true => {
            let is_old = |report: &&Report<'_>| {
                known.as_ref().is_some_and(|(name, id)| {
                    report.view.group_name == *name && report.id.bootstrap < id.bootstrap
                })
            };
            let Some(first) = reports.iter().find(|report| !is_old(report)) else {
                return Newest::None(match reports.is_empty() {
                    true => "none of the servers that answer is in a group".to_owned(),
                    false => OLDER.to_owned(),
                });
            };
            let chosen = of(&first.view.group_name, first.id.bootstrap);
            let rest = reports.iter().filter(|report| !is_old(report)).count();
            if rest > chosen.len() {
                return match round.is_awaited() {
                    true => Newest::Undecided,
                    false => Newest::None(TWO_GROUPS.to_owned()),
                };
            }
            chosen
        }
    };
    let Some(newest) = chosen.iter().max_by_key(|report| report.id) else {
        return Newest::None("none of the servers that answer is in a group".to_owned());
    };
    let members = newest.view.members.as_slice();
    let named: Vec<_> = members.iter().map(|member| (member.uuid.as_str(), &member.node)).collect();
    // Of a group that is not known yet, those who are not in it may be in another one.
    if known.is_none() && round.awaits_others(&named) {
        return Newest::Undecided;
    }
    if known.is_some_and(|(name, id)| newest.view.group_name == name && newest.id < id) {
        return match round.is_awaited() {
            true => Newest::Undecided,
            false => Newest::None(OLDER.to_owned()),
        };
    }
    memory.saw_view(&newest.view.group_name, newest.id, name.is_none());
    let id = newest.id;
    let mut reports = chosen.clone();
    reports.retain(|report| members.iter().any(|member| member.uuid == report.uuid));
    Newest::View(NewestView { id, members, reports })
}

const OLDER: &str = "only an older view of the group is reported than the one that is known; \
                     a group that was bootstrapped with an older clock is taken after a reset of the cache";

const TWO_GROUPS: &str = "the servers are in different groups, or the group was bootstrapped twice: \
                          end all but one of them";

/// What a server says that is in the group by its own word.
fn report<'a>(uuid: &'a str, view: &'a GroupView) -> Option<Report<'a>> {
    let own = view.members.iter().find(|member| member.uuid == uuid)?;
    is_present(own.state).then_some(Report { uuid, id: view.view_id?, view })
}
