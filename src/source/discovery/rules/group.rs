//! A group of MySQL Group Replication: who takes its writes and reads, by what a majority says.

use crate::config::Node;

use super::super::opinion::{Member, MemberState};
use super::group_primary::{Primary, primary_of};
use super::memory::Memory;
use super::newest_view::{Newest, NewestView, newest_view};
use super::options::Options;
use super::reason::NoPrimary;
use super::report::{Report, is_online};
use super::round::Round;
use super::search::Search;

pub(super) enum Found<'a> {
    Group(Group<'a>),
    /// Wait for who is awaited, and ask these.
    Undecided {
        ask: Vec<Node>,
    },
    /// Nobody who answers is in the group.
    Nobody {
        why: String,
    },
}

/// A group as its newest view has it.
pub(super) struct Group<'a> {
    pub members: &'a [Member],
    /// The one that takes the writes, or why there is none.
    pub primary: Result<&'a str, NoPrimary>,
    /// Those that may be read, the primary among them.
    pub readable: Vec<&'a str>,
    /// Whether some member sees most of them take part.
    pub has_majority: bool,
}

pub(super) fn find<'a>(
    search: &Search<'_>,
    round: &Round<'a>,
    memory: &mut Memory,
    options: &Options,
) -> Found<'a> {
    let newest = match newest_view(round, search.name, memory) {
        Newest::View(newest) => newest,
        Newest::Undecided => return Found::Undecided { ask: Vec::new() },
        Newest::None(why) => {
            return round
                .or_ask(search.others, Found::Nobody { why }, |ask| Found::Undecided { ask });
        }
    };
    let servers = newest.members.iter();
    let servers = servers.map(|member| (member.uuid.as_str(), (search.node_of)(member)));
    let ask = round.unasked_servers(servers, memory);
    // Those who see no majority may be alone on their side.
    let voices: Vec<Report<'a>> =
        newest.reports.iter().filter(|report| report.sees_majority()).copied().collect();
    let is_heard = newest.is_majority(voices.len());
    let primary = match is_heard {
        true => primary_of(&newest, &voices, search, round, memory, options),
        false => Primary::Undecided(no_majority(&newest, &voices)),
    };
    let primary = match primary {
        Primary::Is(uuid) => Ok(uuid),
        Primary::None(why) => Err(why),
        Primary::Undecided(_) if round.is_awaited() || !ask.is_empty() => {
            return Found::Undecided { ask };
        }
        Primary::Undecided(why) => {
            let ask = round.unasked(search.others);
            if !ask.is_empty() && !is_heard {
                return Found::Undecided { ask };
            }
            Err(NoPrimary::now(why))
        }
    };
    let has_majority = !voices.is_empty();
    let readable = newest.members.iter().filter(|member| {
        let is_listed = match has_majority {
            true => is_online(member, &voices),
            false => options.reads_without_majority,
        };
        is_listed && may_be_read(member, round, &newest, options)
    });
    let readable = readable.map(|member| member.uuid.as_str()).collect();
    Found::Group(Group { members: newest.members, primary, readable, has_majority })
}

/// Whether a member may be read by its own word; while that is awaited, by its last one.
fn may_be_read(
    member: &Member,
    round: &Round<'_>,
    newest: &NewestView<'_>,
    options: &Options,
) -> bool {
    let Some(opinion) = round.last_opinion_of(&member.uuid) else { return false };
    let is_awaited = round.opinion_of(&member.uuid).is_none();
    let last = opinion.group.as_ref().and_then(|view| Report::of(&opinion.uuid, view));
    // What it says now counts if it is in the newest view.
    let report = newest.report_of(&member.uuid).copied().or(last.filter(|_| is_awaited));
    let Some(report) = report else { return false };
    let is_online = report.own().is_some_and(|own| own.state == MemberState::Online);
    let is_near = report.own().is_some_and(|own| own.is_primary)
        || options.max_lag.is_none_or(|limit| report.view.lag.is_some_and(|lag| lag <= limit));
    is_online && is_near && !opinion.offline_mode
}

fn no_majority(newest: &NewestView<'_>, voices: &[Report<'_>]) -> String {
    let all = newest.members.len();
    match voices.len() {
        0 => {
            let present = newest.reports.iter().map(Report::present).max().unwrap_or(0);
            format!("it has lost its majority: {present} of its {all} members take part")
        }
        few => format!("no majority of its {all} members answers, only {few}"),
    }
}
