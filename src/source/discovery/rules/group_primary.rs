//! The primary of a group: whom a majority of its members names, if that server says so itself.

use super::super::opinion::{Member, MemberState};
use super::memory::Memory;
use super::newest_view::NewestView;
use super::options::Options;
use super::reason::NoPrimary;
use super::report::{Report, is_online};
use super::round::Round;
use super::search::Search;

pub(super) enum Primary<'a> {
    Is(&'a str),
    None(NoPrimary),
    /// Who is awaited may change it; if nobody is, there is none for this reason.
    Undecided(String),
}

/// Who takes the writes, if `voices`, which are a majority, say so.
pub(super) fn primary_of<'a>(
    newest: &NewestView<'a>,
    voices: &[Report<'a>],
    search: &Search<'_>,
    round: &Round<'a>,
    memory: &mut Memory,
    options: &Options,
) -> Primary<'a> {
    let of_newest = || voices.iter().filter(|report| report.id == newest.id);
    if of_newest().any(|report| !report.view.single_primary) {
        return match options.multi_primary {
            true => choose(newest, voices, search, round, memory),
            false => Primary::None(NoPrimary::lasting(MULTI_PRIMARY.to_owned())),
        };
    }
    let votes = |uuid: Option<&str>| {
        let named = voices.iter().map(|report| named_by(report).map(|named| named.uuid.as_str()));
        named.filter(|named| *named == uuid).count()
    };
    // A primary that is elected is known to one member of the newest view at least.
    let mut named = of_newest().filter_map(named_by);
    match named.find(|named| newest.is_majority(votes(Some(&named.uuid)))) {
        Some(named) => own_word(named, newest, search, round),
        None if newest.is_majority(votes(None)) => {
            Primary::None(NoPrimary::now("its members have not elected another one yet".to_owned()))
        }
        None => Primary::Undecided("its members do not agree yet who it is".to_owned()),
    }
}

const MULTI_PRIMARY: &str = "all its members take writes (multi-primary mode), and no option says that \
                             one of them is to be used";

/// Whom a member takes for the primary, if it takes part.
fn named_by<'a>(report: &Report<'a>) -> Option<&'a Member> {
    let is_primary = |member: &&Member| member.is_primary && member.state == MemberState::Online;
    report.view.members.iter().find(is_primary)
}

/// What the server that the others name says of itself.
fn own_word<'a>(
    named: &'a Member,
    newest: &NewestView<'a>,
    search: &Search<'_>,
    round: &Round<'a>,
) -> Primary<'a> {
    let node = (search.node_of)(named);
    let Some(opinion) = round.opinion_of(&named.uuid) else {
        let why = format!("its primary {node} does not answer: {}", round.why_missing(&node));
        let may_answer = round.awaits(&named.uuid, &node) || !round.unasked([&node]).is_empty();
        return match may_answer {
            true => Primary::Undecided(why),
            false => Primary::None(NoPrimary::now(why)),
        };
    };
    let is_primary = newest.report_of(&named.uuid).is_some_and(|report| {
        let takes_part = |own: &Member| own.is_primary && own.state == MemberState::Online;
        report.sees_majority() && report.own().is_some_and(takes_part)
    });
    let yet = format!("{node} is elected and does not take writes yet");
    match (is_primary, opinion.is_writable()) {
        (true, true) => Primary::Is(&named.uuid),
        // For a moment after an election, and for as long as somebody has set it.
        (_, false) => {
            Primary::None(NoPrimary::now(format!("{yet}: {} there", opinion.refuses_by())))
        }
        (false, true) => Primary::None(NoPrimary::now(yet)),
    }
}

/// One of several primaries: the one that was chosen while it lasts, else the first by its uuid, so
/// that all handles choose the same.
fn choose<'a>(
    newest: &NewestView<'a>,
    voices: &[Report<'a>],
    search: &Search<'_>,
    round: &Round<'a>,
    memory: &mut Memory,
) -> Primary<'a> {
    let mut candidates: Vec<&'a Member> = newest.members.iter().collect();
    candidates.retain(|member| is_online(member, voices) && (search.may_be_chosen)(&member.uuid));
    candidates.sort_by_key(|member| (Some(&member.uuid) != memory.choice.as_ref(), &member.uuid));
    let mut why = None;
    for member in candidates {
        match own_word(member, newest, search, round) {
            Primary::None(NoPrimary { why: of_this, .. }) => why = why.or(Some(of_this)),
            undecided @ Primary::Undecided(_) => return undecided,
            Primary::Is(uuid) => {
                memory.choice = Some(uuid.to_owned());
                return Primary::Is(uuid);
            }
        }
    }
    let why = why.map_or_else(String::new, |why| format!(": {why}"));
    Primary::None(NoPrimary::now(format!("none of its members takes writes{why}")))
}
