//! The replies of one round, by server: who said what, at which address, and who may still say
//! something.

use std::sync::Arc;

use crate::config::Node;

use super::super::opinion::{Member, Opinion, Outcome, Reply};
use super::memory::Memory;

/// What came back so far. A server that hangs is not waited for again until it has answered: one that
/// is pending, and did not answer the last time it was asked, counts as silent.
pub(super) struct Round<'a> {
    asked: Vec<Asked<'a>>,
}

struct Asked<'a> {
    node: &'a Node,
    answer: Answer<'a>,
}

enum Answer<'a> {
    Heard(&'a Opinion),
    /// Still pending; what was answered there the last time, without metadata.
    Awaited(Option<Arc<Opinion>>),
    /// No answer, and why.
    Missing(&'a str),
}

impl<'a> Round<'a> {
    pub fn new(replies: &'a [Reply], memory: &Memory) -> Self {
        let asked = replies.iter().map(|Reply { node, outcome }| {
            let answer = match outcome {
                Outcome::Pending if memory.answers(node) == Some(false) => {
                    Answer::Missing("it does not answer")
                }
                Outcome::Pending => Answer::Awaited(memory.opinion_at(node).cloned()),
                Outcome::Opinion(opinion) => Answer::Heard(opinion),
                Outcome::Silent(why) | Outcome::Refused { why, .. } | Outcome::Unusable { why } => {
                    Answer::Missing(why)
                }
            };
            Asked { node, answer }
        });
        Self { asked: asked.collect() }
    }

    /// What each server said, once for a server that was asked at several addresses.
    pub fn opinions(&self) -> impl Iterator<Item = &'a Opinion> {
        self.heard().enumerate().filter_map(|(i, (_, opinion))| {
            let first = self.heard().position(|(_, other)| other.uuid == opinion.uuid);
            (first == Some(i)).then_some(opinion)
        })
    }

    fn heard(&self) -> impl Iterator<Item = (&'a Node, &'a Opinion)> {
        self.asked.iter().filter_map(|asked| match asked.answer {
            Answer::Heard(opinion) => Some((asked.node, opinion)),
            Answer::Awaited(_) | Answer::Missing(_) => None,
        })
    }

    pub fn opinion_of(&self, uuid: &str) -> Option<&'a Opinion> {
        self.heard().map(|(_, opinion)| opinion).find(|opinion| opinion.uuid == uuid)
    }

    /// Whether anybody may still say something.
    pub fn is_awaited(&self) -> bool {
        self.asked.iter().any(|asked| matches!(asked.answer, Answer::Awaited(_)))
    }

    /// Whether everybody who was asked has answered.
    pub fn is_complete(&self) -> bool {
        self.asked.iter().all(|asked| matches!(asked.answer, Answer::Heard(_)))
    }

    /// Whether all that were asked are one server, under several addresses perhaps.
    pub fn is_one_server(&self) -> bool {
        self.is_complete() && self.opinions().count() == 1
    }

    /// Where this server answered.
    pub fn nodes_of<'u>(&'u self, uuid: &'u str) -> impl Iterator<Item = &'a Node> + use<'u, 'a> {
        self.heard().filter(move |(_, opinion)| opinion.uuid == uuid).map(|(node, _)| node)
    }

    /// How many may still say something who are none of these.
    pub fn others_awaited(&self, members: &[Member]) -> usize {
        let is_other = |asked: &&Asked<'_>| match &asked.answer {
            Answer::Awaited(last) => !members.iter().any(|member| match last {
                Some(opinion) => member.uuid == opinion.uuid,
                None => member.node == *asked.node,
            }),
            Answer::Heard(_) | Answer::Missing(_) => false,
        };
        self.asked.iter().filter(is_other).count()
    }

    /// Whether this server may still say something.
    pub fn awaits(&self, uuid: &str, node: &Node) -> bool {
        self.opinion_of(uuid).is_none()
            && self.asked.iter().any(|asked| match &asked.answer {
                Answer::Awaited(Some(last)) => last.uuid == uuid,
                Answer::Awaited(None) => asked.node == node,
                Answer::Heard(_) | Answer::Missing(_) => false,
            })
    }

    /// What this server says, or said the last time while it is awaited, without metadata.
    pub fn last_opinion_of(&self, uuid: &str) -> Option<&Opinion> {
        self.opinion_of(uuid).or_else(|| {
            self.asked.iter().find_map(|asked| match &asked.answer {
                Answer::Awaited(last) => last.as_deref().filter(|last| last.uuid == uuid),
                Answer::Heard(_) | Answer::Missing(_) => None,
            })
        })
    }

    /// Why this server says nothing.
    pub fn why_missing(&self, node: &Node) -> &'a str {
        let missing = self.asked.iter().find_map(|asked| match asked.answer {
            Answer::Missing(why) if asked.node == node => Some(why),
            _ => None,
        });
        missing.unwrap_or("it does not answer")
    }

    /// Why nobody says anything, address by address.
    pub fn complaints(&self) -> String {
        let missing = self.asked.iter().filter_map(|asked| match asked.answer {
            Answer::Missing(why) => Some(format!("{}: {why}", asked.node)),
            Answer::Heard(_) | Answer::Awaited(_) => None,
        });
        missing.collect::<Vec<_>>().join("; ")
    }

    /// Those that have not been asked in this round.
    pub fn unasked<'n>(&self, nodes: impl IntoIterator<Item = &'n Node>) -> Vec<Node> {
        let mut unasked: Vec<Node> = Vec::new();
        for node in nodes {
            if !self.asked.iter().any(|asked| asked.node == node) && !unasked.contains(node) {
                unasked.push(node.clone());
            }
        }
        unasked
    }

    /// The addresses that others name of these servers, where they have not been asked at: but for
    /// those that answer elsewhere, and did not answer there.
    pub fn unasked_servers<'n>(
        &self,
        servers: impl Iterator<Item = (&'n str, Node)>,
        memory: &Memory,
    ) -> Vec<Node> {
        let nodes: Vec<Node> = servers
            .filter(|(uuid, node)| {
                self.opinion_of(uuid).is_none() || memory.answers(node) != Some(false)
            })
            .map(|(_, node)| node)
            .collect();
        self.unasked(&nodes)
    }

    /// What is found, unless somebody is awaited, or can be asked besides, who may know better.
    pub fn or_ask<F>(
        &self,
        others: &[Node],
        found: F,
        undecided: impl FnOnce(Vec<Node>) -> F,
    ) -> F {
        let ask = self.unasked(others);
        match self.is_awaited() || !ask.is_empty() {
            true => undecided(ask),
            false => found,
        }
    }

    /// Where this server is reached: at the address that others name, unless it is known to answer
    /// at another one only.
    pub fn address(&self, uuid: &str, named: &Node) -> Node {
        let is_at = |asked: &&Asked<'a>| match &asked.answer {
            Answer::Heard(opinion) => opinion.uuid == uuid,
            Answer::Awaited(last) => last.as_ref().is_some_and(|last| last.uuid == uuid),
            Answer::Missing(_) => false,
        };
        let named_answers = self.asked.iter().find(|asked| asked.node == named && is_at(asked));
        let answers = named_answers.or_else(|| self.asked.iter().find(is_at));
        answers.map_or(named, |asked| asked.node).clone()
    }
}
