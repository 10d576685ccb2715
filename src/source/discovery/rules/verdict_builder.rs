//! A verdict in the making.

use crate::config::Node;

use super::super::opinion::Tags;
use super::super::verdict::{Judgement, Placed, Role, Verdict};
use super::memory::Memory;
use super::reason::NoPrimary;
use super::round::Round;

#[derive(Default)]
pub(super) struct VerdictBuilder {
    verdict: Verdict,
}

impl VerdictBuilder {
    pub fn named(name: &str) -> Self {
        let name = Some(name.to_owned()).filter(|name| !name.is_empty());
        Self { verdict: Verdict { name, ..Verdict::default() } }
    }

    pub fn warn(&mut self, warning: String) {
        self.verdict.warnings.push(warning);
    }

    /// To be asked in the next round: a server that others name by this address. One that answers at
    /// another address is asked at both, until it is known not to answer at this one.
    pub fn member(&mut self, round: &Round<'_>, memory: &Memory, uuid: &str, named: &Node) {
        let node = round.address(uuid, named);
        self.node(&node);
        if node == *named {
            return;
        }
        match memory.is_elsewhere(uuid, named) {
            true => self.warn(format!(
                "server {uuid} does not answer at {named}, as others name it, and is used at {node}: have \
                 it named (report_host, the endpoint in the metadata) as clients reach it"
            )),
            false => self.node(named),
        }
    }

    /// To be asked in the next round.
    pub fn node(&mut self, node: &Node) {
        if !self.verdict.members.contains(node) {
            self.verdict.members.push(node.clone());
        }
    }

    /// May serve.
    pub fn server(&mut self, round: &Round<'_>, uuid: &str, named: &Node, role: Role, tags: &Tags) {
        let (node, is_heard) = (round.address(uuid, named), round.opinion_of(uuid).is_some());
        let (uuid, Tags { weight, zone }) = (uuid.to_owned(), tags.clone());
        self.verdict.servers.push(Placed { uuid, node, role, weight, zone, is_heard });
    }

    /// `no_primary` if none was placed.
    pub fn decide(mut self, no_primary: Option<NoPrimary>) -> Judgement {
        if let Some(NoPrimary { why, soon }) = no_primary {
            self.verdict.reason = Some(why.into());
            self.verdict.ask_again_soon = soon;
        }
        Judgement::Decided(self.verdict)
    }
}

/// Nobody who answers is in the group; where nobody answers at all, nothing new is known.
pub(super) fn nobody(round: &Round<'_>, why: String) -> Judgement {
    match round.opinions().next() {
        None => Judgement::Keep { why: round.complaints() },
        Some(_) => VerdictBuilder::default().decide(Some(NoPrimary::now(with_grants(round, why)))),
    }
}

/// What could not be asked may be why nobody is found in the group.
fn with_grants(round: &Round<'_>, why: String) -> String {
    let missing = round.opinions().flat_map(|opinion| &opinion.not_granted);
    missing.fold(why, |said, missing| match said.contains(missing.as_str()) {
        true => said,
        false => format!("{said}; {missing}"),
    })
}
