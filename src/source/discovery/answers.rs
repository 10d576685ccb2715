//! Verdicts as the rest of the library takes answers: rows of servers, reasons, failures.

use std::collections::BTreeMap;

use crate::base::error::{Code, Error};
use crate::base::text::excerpt;
use crate::source::Groups;
use crate::source::retry::more_specific;
use crate::topology::{Mode, Server, ServerRow, Status};

use super::round::{AskedGroup, End};
use super::verdict::{Placed, Role, Verdict};

/// The servers of a group by its name, and why it has no primary.
pub fn rows(name: &str, verdict: &Verdict, group: &AskedGroup) -> Groups {
    let row = |placed: &Placed| {
        let (mode, status) = match placed.role {
            Role::Primary => (Mode::ReadWrite, Status::Primary),
            Role::Secondary => (Mode::ReadOnly, Status::Secondary),
        };
        ServerRow {
            group: name.to_owned(),
            server: Server {
                uuid: placed.uuid.clone(),
                host: placed.node.host.clone(),
                port: placed.node.port,
                mode: mode as i32,
                status: status as i32,
                weight: placed.weight.unwrap_or(1.0),
                zone: placed.zone.clone(),
            },
        }
    };
    let servers = verdict.servers.iter().map(row).collect();
    // Who tells nothing of the group may be why there is no primary: it may not be asked, or lets nobody
    // in. What else those may not be asked who tell of it is not.
    let reasons = verdict.reason.iter().map(|reason| {
        let others = group.untold().chain(group.refusals());
        (name.to_owned(), excerpt(&joined(reason, others), MOST_TEXT).into())
    });
    let heard = verdict.servers.iter().filter(|placed| placed.is_heard);
    Groups {
        servers,
        reasons: reasons.collect::<BTreeMap<_, _>>(),
        heard: heard.map(|placed| placed.uuid.clone()).collect(),
    }
}

/// How much of what servers said goes into a message.
const MOST_TEXT: usize = 800;

/// Sentences in one, each once.
fn joined<'t>(first: &str, others: impl Iterator<Item = &'t str>) -> String {
    others.fold(first.to_owned(), |said, other| match said.contains(other) {
        true => said,
        false => format!("{said}; {other}"),
    })
}

/// Why a group is not decided, by what each of its servers said. `shown` is the group in the message.
pub fn failure(shown: &str, group: &AskedGroup) -> Error {
    let complaints = group.complaints();
    let said: Vec<&str> = complaints.iter().map(|(_, why)| *why).collect();
    let why = match &group.end {
        // What those say who say anything.
        Some(End::Keep(why)) if group.is_answered() => {
            joined(why, group.not_granted().into_iter().chain(group.refusals()))
        }
        _ if said.is_empty() => "its servers have not said enough in time".to_owned(),
        _ => said.join("; "),
    };
    let of_code = |(code, _): &(Code, &str)| Error::new(*code, String::new());
    let code = complaints.iter().map(of_code).reduce(more_specific).map(|error| error.code);
    // Who answers, and says nothing of use, is there.
    let code = match (group.is_answered(), group.not_granted().is_empty()) {
        (true, true) => Code::Protocol,
        (true, false) => Code::Forbidden,
        (false, _) => code.unwrap_or(Code::Timeout),
    };
    let message =
        format!("nobody tells which servers are in {shown}: {}", excerpt(&why, MOST_TEXT));
    Error::new(code, message)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::{DiscoveryKind, Node};
    use crate::source::discovery::opinion::{GroupView, Opinion, Outcome};
    use crate::source::discovery::rules::Memory;
    use crate::source::discovery::spec::GroupSpec;

    const METADATA: &str = "GRANT SELECT ON the metadata";

    fn reason(outcomes: [Outcome; 2]) -> String {
        let seeds = [1, 2].map(|port| Node { host: "db".into(), port }).to_vec();
        let spec = GroupSpec {
            kind: DiscoveryKind::Auto,
            seeds,
            weights: BTreeMap::new(),
            zones: BTreeMap::new(),
        };
        let asked = AskedGroup::of_replies("g", spec, Memory::default(), outcomes);
        let verdict = Verdict { reason: Some("no majority".into()), ..Verdict::default() };
        rows("g", &verdict, &asked).reasons.remove("g").expect("a reason").to_string()
    }

    /// As one says who may not be asked for its metadata, or not for its group either.
    fn says(group: Option<GroupView>, missing: &str) -> Outcome {
        let not_granted = vec![missing.to_owned()];
        Outcome::Opinion(Box::new(Opinion { group, not_granted, ..Opinion::default() }))
    }

    #[test]
    fn a_reason_has_what_keeps_members_from_telling_and_no_other_grant() {
        let refused =
            || Outcome::Refused { why: "db:2 has too many connections".into(), auth: false };
        let member = || says(Some(GroupView::default()), METADATA);
        assert_eq!(
            reason([member(), refused()]),
            "no majority; db:2 has too many connections",
            "who tells of the group tells all that it takes"
        );
        assert_eq!(reason([member(), Outcome::Silent("down".into())]), "no majority");
        let group = "GRANT SELECT ON its members";
        assert_eq!(reason([member(), says(None, group)]), format!("no majority; {group}"));
    }
}
