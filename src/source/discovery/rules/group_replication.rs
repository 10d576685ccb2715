//! Who takes writes and reads in a group of MySQL Group Replication.

use crate::config::Node;

use super::super::opinion::{Member, MemberState, Opinion};
use super::super::spec::GroupSpec;
use super::super::verdict::{Judgement, Placed, Role, Verdict};
use super::memory::Memory;
use super::newest_view::{Newest, NewestView, Report, is_present, newest_view};
use super::options::Options;
use super::round::Round;

/// What is to be done with a group.
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
    /// The one that takes the writes; or why nobody does, and whether that will not last.
    pub primary: Result<&'a str, NoPrimary>,
    /// Those that may be read, the primary among them.
    pub readable: Vec<&'a str>,
}

pub(super) struct NoPrimary {
    pub why: String,
    pub soon: bool,
}

impl NoPrimary {
    fn now(why: String) -> Self {
        Self { why, soon: true }
    }
}

/// A group without metadata: everything is as its members say.
pub(super) fn judge(
    spec: &GroupSpec,
    round: &Round<'_>,
    memory: &mut Memory,
    options: &Options,
) -> Judgement {
    let node_of = |member: &Member| Some(member.node.clone());
    match find(round, None, &node_of, &spec.seeds, memory, options) {
        Found::Undecided { ask } => Judgement::Undecided { ask },
        Found::Nobody { why } => nobody(round, memory, why),
        Found::Group(group) => {
            let servers = group.readable.iter().filter_map(|uuid| {
                let member = group.members.iter().find(|member| member.uuid == *uuid)?;
                let is_primary = group.primary.as_ref().is_ok_and(|primary| primary == uuid);
                Some(Placed {
                    uuid: member.uuid.clone(),
                    node: round.address(uuid, &member.node),
                    role: if is_primary { Role::Primary } else { Role::Secondary },
                    weight: None,
                })
            });
            let servers = servers.collect();
            let members = group.members.iter();
            memory.members =
                members.map(|member| round.address(&member.uuid, &member.node)).collect();
            let (reason, ask_again_soon) = match group.primary {
                Ok(_) => (None, false),
                Err(NoPrimary { why, soon }) => (Some(why.into()), soon),
            };
            Judgement::Decided(Verdict {
                name: None,
                servers,
                reason,
                ask_again_soon,
                members: memory.members.clone(),
                warnings: Vec::new(),
            })
        }
    }
}

/// Nobody who answers is in the group: where nobody answers at all, nothing new is known.
pub(super) fn nobody(round: &Round<'_>, memory: &Memory, why: String) -> Judgement {
    match round.opinions().next() {
        None => Judgement::Keep { why: round.complaints() },
        Some(_) => Judgement::Decided(Verdict {
            reason: Some(why.into()),
            ask_again_soon: true,
            members: memory.members.clone(),
            ..Verdict::default()
        }),
    }
}

/// The group of this name, or the one that is followed, by what all say who are in it.
///
/// `node_of` is the address at which clients reach a member, `None` for one that gets nothing.
pub(super) fn find<'a>(
    round: &Round<'a>,
    name: Option<&str>,
    node_of: &dyn Fn(&Member) -> Option<Node>,
    seeds: &[Node],
    memory: &mut Memory,
    options: &Options,
) -> Found<'a> {
    let undecided = |otherwise: Found<'a>| {
        let ask = round.unasked(seeds);
        match round.is_awaited() || !ask.is_empty() {
            true => Found::Undecided { ask },
            false => otherwise,
        }
    };
    let newest = match newest_view(round, name, memory) {
        Newest::View(newest) => newest,
        Newest::Undecided => return Found::Undecided { ask: Vec::new() },
        Newest::None(why) => return undecided(Found::Nobody { why }),
    };
    let nodes: Vec<(&str, Node)> = newest
        .members
        .iter()
        .filter_map(|member| Some((member.uuid.as_str(), node_of(member)?)))
        .collect();
    let named: Vec<(&str, &Node)> = nodes.iter().map(|(uuid, node)| (*uuid, node)).collect();
    let ask = round.unasked_servers(&named, memory);
    let voices: Vec<&Report<'a>> =
        newest.reports.iter().filter(|report| report.has_majority()).collect();
    let has_majority = voices.len() * 2 > newest.members.len();
    let wait = round.is_awaited() || !ask.is_empty();
    let primary = match has_majority {
        true => primary_of(&newest, &voices, round, &named, memory, options),
        // Those who are awaited may make a majority.
        false if wait => return Found::Undecided { ask },
        false => {
            let ask = round.unasked(seeds);
            if !ask.is_empty() {
                return Found::Undecided { ask };
            }
            Primary::None(NoPrimary::now(no_majority(&newest, &voices)))
        }
    };
    let primary = match primary {
        Primary::Undecided if wait => return Found::Undecided { ask },
        Primary::Undecided => {
            Err(NoPrimary::now("its members do not agree yet who is the primary".to_owned()))
        }
        Primary::Is(uuid) => Ok(uuid),
        Primary::None(why) => Err(why),
    };
    let sees_majority = !voices.is_empty();
    let readable = newest.members.iter().filter(|member| match sees_majority {
        true => is_online(member, &voices) && may_be_read(member, round, &newest, options),
        false => options.reads_without_majority && may_be_read(member, round, &newest, options),
    });
    let readable = readable.map(|member| member.uuid.as_str()).collect();
    Found::Group(Group { members: newest.members, primary, readable })
}

enum Primary<'a> {
    Is(&'a str),
    None(NoPrimary),
    Undecided,
}

/// Who takes the writes by what a majority of the members says, and by its own word.
fn primary_of<'a>(
    newest: &NewestView<'a>,
    voices: &[&Report<'a>],
    round: &Round<'a>,
    named: &[(&str, &Node)],
    memory: &mut Memory,
    options: &Options,
) -> Primary<'a> {
    let is_majority = |count: usize| count * 2 > newest.members.len();
    let of_newest = || voices.iter().filter(|report| report.id == newest.id);
    if of_newest().any(|report| !report.view.single_primary) {
        return match options.multi_primary {
            true => choose(newest, voices, round, named, memory),
            false => Primary::None(NoPrimary {
                why:
                    "all members of the group take writes (multi-primary mode), and which of them \
                      is used is not said by an option"
                        .to_owned(),
                soon: false,
            }),
        };
    }
    let online_primary = |report: &Report<'a>| {
        let mut members = report.view.members.iter();
        members.find(|member| member.is_primary && member.state == MemberState::Online)
    };
    let votes = |uuid: Option<&str>| {
        let voted = |report: &&&Report<'a>| {
            online_primary(report).map(|member| member.uuid.as_str()) == uuid
        };
        voices.iter().filter(voted).count()
    };
    let Some(candidate) = of_newest()
        .filter_map(|report| online_primary(report))
        .find(|member| is_majority(votes(Some(&member.uuid))))
    else {
        return match is_majority(votes(None)) {
            true => Primary::None(NoPrimary::now(
                "its members have not elected a new primary yet".to_owned(),
            )),
            false => Primary::Undecided,
        };
    };
    own_word(&candidate.uuid, newest, round, named)
}

/// What the server that others take for the primary says of itself.
fn own_word<'a>(
    uuid: &'a str,
    newest: &NewestView<'a>,
    round: &Round<'a>,
    named: &[(&str, &Node)],
) -> Primary<'a> {
    let node = named.iter().find(|(server, _)| *server == uuid).map(|(_, node)| *node);
    let Some(opinion) = round.opinion_of(uuid) else {
        let Some(node) = node else {
            return Primary::None(NoPrimary {
                why: format!("its primary {uuid} is no server of the metadata"),
                soon: false,
            });
        };
        if round.awaits(uuid, node) || !round.unasked([node]).is_empty() {
            return Primary::Undecided;
        }
        let why = round.why_missing(node);
        return Primary::None(NoPrimary::now(format!(
            "its primary {node} does not say that it takes writes ({why})"
        )));
    };
    match takes_writes(opinion, newest) {
        true => Primary::Is(uuid),
        false => Primary::None(NoPrimary::now(format!("its primary {uuid} is still read-only"))),
    }
}

/// Whether a member takes writes by its own word.
fn takes_writes(opinion: &Opinion, newest: &NewestView<'_>) -> bool {
    let own = newest.reports.iter().find(|report| report.uuid == opinion.uuid);
    own.is_some_and(|report| {
        let own = report.view.members.iter().find(|member| member.uuid == opinion.uuid);
        report.has_majority()
            && own.is_some_and(|own| own.is_primary && own.state == MemberState::Online)
    }) && opinion.is_writable()
}

/// One of several primaries: the one that was chosen while it lasts, else the first by its uuid, so
/// that all handles choose the same.
fn choose<'a>(
    newest: &NewestView<'a>,
    voices: &[&Report<'a>],
    round: &Round<'a>,
    named: &[(&str, &Node)],
    memory: &mut Memory,
) -> Primary<'a> {
    let chosen = memory.choice.clone();
    let mut candidates: Vec<&Member> = newest
        .members
        .iter()
        .filter(|member| is_online(member, voices))
        .filter(|member| named.iter().any(|(uuid, _)| *uuid == member.uuid))
        .collect();
    candidates.sort_by_key(|member| (Some(&member.uuid) != chosen.as_ref(), &member.uuid));
    for member in candidates {
        match own_word(&member.uuid, newest, round, named) {
            Primary::None(_) => (),
            Primary::Undecided => return Primary::Undecided,
            Primary::Is(uuid) => {
                memory.choice = Some(uuid.to_owned());
                return Primary::Is(uuid);
            }
        }
    }
    Primary::None(NoPrimary::now("none of its members takes writes".to_owned()))
}

/// Whether those who see a majority take this member for one that is up to date.
fn is_online(member: &Member, voices: &[&Report<'_>]) -> bool {
    let online = voices.iter().filter(|report| {
        let mut members = report.view.members.iter();
        members.any(|other| other.uuid == member.uuid && other.state == MemberState::Online)
    });
    online.count() * 2 > voices.len()
}

/// Whether a member may be read by its own word; while that is awaited, by its last one.
fn may_be_read(
    member: &Member,
    round: &Round<'_>,
    newest: &NewestView<'_>,
    options: &Options,
) -> bool {
    let Some(opinion) = round.opinion_of(&member.uuid) else {
        return round.answered_last(&member.uuid);
    };
    let Some(report) = newest.reports.iter().find(|report| report.uuid == member.uuid) else {
        return false;
    };
    let own = report.view.members.iter().find(|own| own.uuid == member.uuid);
    let is_online = own.is_some_and(|own| own.state == MemberState::Online);
    let is_near = options.max_lag.is_none_or(|limit| {
        own.is_some_and(|own| own.is_primary) || report.view.lag.is_some_and(|lag| lag <= limit)
    });
    is_online && is_near && !opinion.offline_mode
}

fn no_majority(newest: &NewestView<'_>, voices: &[&Report<'_>]) -> String {
    let all = newest.members.len();
    match voices.is_empty() {
        true => {
            let present = newest.reports.iter().map(|report| {
                report.view.members.iter().filter(|member| is_present(member.state)).count()
            });
            let present = present.max().unwrap_or(0);
            format!("it has no majority: {present} of its {all} members take part")
        }
        false => format!("no majority of its {all} members answers: {} do", voices.len()),
    }
}
