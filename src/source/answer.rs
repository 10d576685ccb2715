//! What a source is asked for, and what it answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::base::clock::signed;
use crate::base::error::Error;
use crate::topology::{RejectedRow, ServerRow, ShardMap, TablesBuilder};

/// What is to be had of a source: tables by their full names, or groups.
pub struct Wanted<'a> {
    /// All there are, whatever is named.
    pub everything: bool,
    pub names: &'a BTreeSet<String>,
    /// The names that the handle knows already, for a source that has to ask for them one by one.
    pub known: &'a dyn Fn() -> Vec<String>,
    /// Whether a name is to be asked for now, since somebody has said that its last answer is over. A
    /// source whose names have intervals of their own asks for these and for those whose time has come.
    pub is_stale: &'a dyn Fn(&str) -> bool,
}

impl Wanted<'_> {
    /// What an answer is about that says all that is wanted.
    pub fn about(&self) -> About {
        match self.everything {
            true => About::Everything,
            false => About::Names(self.names.clone()),
        }
    }
}

/// What an answer is about: names, or everything. A name that an answer is about and has no rows of
/// does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    Everything,
    /// All but these names, of which somebody else tells.
    EverythingBut(BTreeSet<String>),
    Names(BTreeSet<String>),
}

/// What a source said of all that was wanted, or of a part of it: what no answer is about stays as it
/// was. Each answer has its own interval, and the shortest says when the handle asks again.
pub struct Answers<R> {
    pub answers: Vec<Answer<R>>,
    /// Why there is no answer about some of it.
    pub failure: Option<Error>,
}

pub type MapAnswers = Answers<Maps>;
pub type GroupAnswers = Answers<Groups>;

impl<R> Default for Answers<R> {
    fn default() -> Self {
        Self { answers: Vec::new(), failure: None }
    }
}

impl<R> From<Answer<R>> for Answers<R> {
    fn from(answer: Answer<R>) -> Self {
        Self { answers: vec![answer], failure: None }
    }
}

/// One answer.
pub struct Answer<R> {
    /// When the question went out, on the handle's clock: what it says may be as old.
    pub asked_at: u64,
    /// After how long to ask again; zero if the source names no time.
    pub interval: Duration,
    pub content: Content<R>,
}

impl<R> Answer<R> {
    /// When everything was seen to be as it says, on the handle's clock; nothing of an answer about
    /// names.
    pub fn lists_all_at(&self) -> Option<i64> {
        match &self.content {
            Content::Rows { about, .. } => {
                (*about == About::Everything).then(|| signed(self.asked_at))
            }
            Content::Unchanged { confirmed } => Some(*confirmed),
        }
    }
}

pub enum Content<R> {
    Rows {
        about: About,
        rows: R,
        /// Rows that nobody can use.
        rejected: Vec<RejectedRow>,
    },
    /// What was answered last, about everything, serves on. It was last seen to be so at this time
    /// on the handle's clock, which lies before the question where the source cannot be looked at.
    Unchanged { confirmed: i64 },
}

/// The shards of tables.
#[derive(Debug, Default)]
pub struct Maps {
    pub tables: TablesBuilder,
    /// Bounds, by table, that the source itself says are held: these and no others are remembered
    /// then. Nothing if the handle is to see by itself which shards are listed no more.
    pub held: Option<Vec<(String, ShardMap)>>,
}

/// The servers of groups.
#[derive(Debug, Default)]
pub struct Groups {
    pub servers: Vec<ServerRow>,
    /// By group, why it has no primary, as it stands in the message of a lookup: "no majority of its
    /// members is online". Of a group that has one nothing counts.
    pub reasons: BTreeMap<String, Arc<str>>,
    /// The servers, by UUID, that have answered the source after the question. Of one that a service
    /// could not reach before, that is worth another try at once. One that is listed as the primary has
    /// said itself that it takes writes.
    pub heard: BTreeSet<String>,
}

impl From<Vec<ServerRow>> for Groups {
    fn from(servers: Vec<ServerRow>) -> Self {
        Self { servers, ..Self::default() }
    }
}

impl From<TablesBuilder> for Maps {
    fn from(tables: TablesBuilder) -> Self {
        Self { tables, held: None }
    }
}
