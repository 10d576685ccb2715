//! What a member says of its group, in the statement that asks it who it is, too.

use std::time::Instant;

use crate::mysql::ResultSet;
use crate::mysql::result_set::Row;
use crate::source::discovery::opinion::{GroupView, Member, MemberState, ViewId};

use super::flavour::Flavour;
use super::lag::Lag;
use super::rows::{is_on, node, number, some_text, text};
use super::variables::{GROUP_NAME, SINGLE_PRIMARY, Variables};

/// What it takes, for the GRANT that is missing.
pub(crate) const TABLES: [&str; 2] = [
    "performance_schema.replication_group_members",
    "performance_schema.replication_group_member_stats",
];

/// Since when members have roles, and say how much they have not applied.
const ROLES: (u32, u32, u32) = (8, 0, 2);

/// Whether who is primary is to be asked apart.
pub fn has_no_roles(flavour: Flavour) -> bool {
    !flavour.is_from(ROLES)
}

/// Before members had roles: the uuid of the primary, empty where all of them are.
pub(crate) const PRIMARY_MEMBER: &str =
    "SHOW GLOBAL STATUS WHERE variable_name = 'group_replication_primary_member'";

/// The variables, and a row for each member; one row without a member where there is none.
pub fn statement(flavour: Flavour, variables: &Variables) -> String {
    let more = match has_no_roles(flavour) {
        true => "NULL, s.view_id, NULL, NULL",
        false => {
            "m.member_role, s.view_id, s.count_transactions_remote_in_applier_queue, \
             s.count_transactions_remote_applied"
        }
    };
    let [members, stats] = TABLES;
    format!(
        "{}, m.member_id, m.member_host, m.member_port, m.member_state, {more} \
         FROM (SELECT 1 AS one) AS o \
         LEFT JOIN {members} AS m ON m.channel_name = 'group_replication_applier' \
         LEFT JOIN {stats} AS s ON s.member_id = @@server_uuid AND s.channel_name = m.channel_name",
        variables.select()
    )
}

/// The group in an answer to [`statement`]; nothing where the server was never in one.
pub fn read(set: &ResultSet, variables: &Variables, lag: &mut Lag) -> Option<GroupView> {
    let first = set.rows().next()?;
    let at = variables.len();
    let group_name = some_text(first, variables.column(GROUP_NAME)?)?;
    let single_primary = variables.column(SINGLE_PRIMARY).and_then(|at| is_on(first, at));
    Some(GroupView {
        group_name,
        single_primary: single_primary.unwrap_or(true),
        view_id: some_text(first, at + 5).and_then(|text| ViewId::parse(&text)),
        // A server that is in no view may name itself without its address, or nobody.
        members: set.rows().filter_map(|row| member(row, at)).collect(),
        lag: match (number(first, at + 6), number(first, at + 7)) {
            (Some(waiting), Some(applied)) => lag.seen(Instant::now(), waiting, applied),
            _ => None,
        },
    })
}

fn member(row: Row<'_>, at: usize) -> Option<Member> {
    Some(Member {
        uuid: some_text(row, at)?,
        node: node(row, at + 1, at + 2),
        state: state(&text(row, at + 3)),
        is_primary: text(row, at + 4).eq_ignore_ascii_case("PRIMARY"),
    })
}

fn state(name: &str) -> MemberState {
    match name.to_ascii_uppercase().as_str() {
        "ONLINE" => MemberState::Online,
        "RECOVERING" => MemberState::Recovering,
        "OFFLINE" => MemberState::Offline,
        "ERROR" => MemberState::Error,
        "UNREACHABLE" => MemberState::Unreachable,
        _ => MemberState::Other,
    }
}

/// Gives members the roles that they do not have by themselves, by the answer to [`PRIMARY_MEMBER`].
pub fn set_roles(view: &mut GroupView, set: Option<&ResultSet>) {
    let primary = set.and_then(|set| set.rows().next()).and_then(|row| some_text(row, 1));
    for member in &mut view.members {
        member.is_primary = match &primary {
            Some(uuid) => member.uuid == *uuid,
            None => !view.single_primary && member.state == MemberState::Online,
        };
    }
}
