//! What the members of a group say of it.

use super::super::opinion::{GroupView, Member, MemberState, ViewId};
use super::round::Round;

/// What a server says that is in a group by its own word.
#[derive(Clone, Copy)]
pub(super) struct Report<'a> {
    pub uuid: &'a str,
    pub id: ViewId,
    pub view: &'a GroupView,
}

impl<'a> Report<'a> {
    pub fn of(uuid: &'a str, view: &'a GroupView) -> Option<Self> {
        let own = view.members.iter().find(|member| member.uuid == uuid)?;
        is_present(own.state).then_some(Self { uuid, id: view.view_id?, view })
    }

    pub fn member(&self, uuid: &str) -> Option<&'a Member> {
        self.view.members.iter().find(|member| member.uuid == uuid)
    }

    /// What it says of itself.
    pub fn own(&self) -> Option<&'a Member> {
        self.member(self.uuid)
    }

    /// How many members take part, as it sees them.
    pub fn present(&self) -> usize {
        self.view.members.iter().filter(|member| is_present(member.state)).count()
    }

    pub fn sees_majority(&self) -> bool {
        self.present() * 2 > self.view.members.len()
    }

    /// Whether both are in the group as it was bootstrapped once.
    pub fn is_of(&self, name: &str, bootstrap: u64) -> bool {
        self.view.group_name == name && self.id.bootstrap == bootstrap
    }
}

fn is_present(state: MemberState) -> bool {
    matches!(state, MemberState::Online | MemberState::Recovering)
}

/// What those say who are in a group.
pub(super) fn reports<'r, 'a>(
    round: &'r Round<'a>,
) -> impl Iterator<Item = Report<'a>> + use<'r, 'a> {
    round.opinions().filter_map(|opinion| Report::of(&opinion.uuid, opinion.group.as_ref()?))
}

/// Whether most of these take a member for one that is up to date.
pub(super) fn is_online(member: &Member, voices: &[Report<'_>]) -> bool {
    let says = |report: &&Report<'_>| {
        report.member(&member.uuid).is_some_and(|member| member.state == MemberState::Online)
    };
    voices.iter().filter(says).count() * 2 > voices.len()
}
