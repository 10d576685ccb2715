//! Answers taken into the next topology, as far as they are the newest about what they are about.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::base::clock::signed;
use crate::source::{About, Answer, Content, Groups, Maps, Whole};
use crate::topology::{TablesBuilder, Times};

use super::answered::Answered;
use super::known::Known;
use super::order::{Order, Question};
use super::publisher::Publisher;
use super::single_flight::FetchRequest;
use super::update::{Asked, Update};

/// Takes in what the sources of one handle answer.
pub struct Apply {
    publisher: Arc<Publisher>,
    answered: Arc<Answered>,
    tables: Order,
    groups: Order,
}

/// The moment of a question.
pub struct Moment<'s> {
    /// How often the cache had been reset by then.
    resets: u64,
    question: Question<'s>,
}

impl Apply {
    pub fn new(publisher: Arc<Publisher>, answered: Arc<Answered>) -> Self {
        Self { publisher, answered, tables: Order::default(), groups: Order::default() }
    }

    fn known(&self) -> &Known {
        &self.publisher.known
    }

    /// A question about tables is asked now.
    pub fn asks_tables(&self) -> Moment<'_> {
        Moment { resets: self.answered.resets(), question: self.tables.ask() }
    }

    /// A question about groups is asked now.
    pub fn asks_groups(&self) -> Moment<'_> {
        Moment { resets: self.answered.resets(), question: self.groups.ask() }
    }

    /// Takes in what a source said of everything, after so many resets. What comes in counts by what
    /// the source knew, not by when it was asked: fetches may overlap.
    pub fn whole(
        &self,
        update: &mut Update<'_>,
        whole: Whole,
        request: &FetchRequest,
        resets: u64,
    ) {
        let Whole { version, maps, groups } = whole;
        // Under the publisher's lock: what is taken in is the newest, or nothing is.
        let is_newest = version >= self.answered.version();
        let of_maps = Moment { resets, question: self.tables.ask() };
        self.take_maps(update, maps, &request.tables, &of_maps, is_newest);
        let of_groups = Moment { resets, question: self.groups.ask() };
        self.take_groups(update, groups, &request.groups, &of_groups, is_newest);
        if is_newest {
            self.answered.set_version(version);
        }
    }

    /// Takes in an answer to a question for maps. Of the tables that are `wanted` by their names those
    /// do not exist that an answer about everything leaves unknown.
    pub fn maps(
        &self,
        update: &mut Update<'_>,
        answer: Answer<Maps>,
        wanted: &BTreeSet<String>,
        of: &Moment<'_>,
    ) {
        self.take_maps(update, answer, wanted, of, true);
    }

    /// As `maps`, for groups.
    pub fn groups(
        &self,
        update: &mut Update<'_>,
        answer: Answer<Groups>,
        wanted: &BTreeSet<String>,
        of: &Moment<'_>,
    ) {
        self.take_groups(update, answer, wanted, of, true);
    }

    fn take_maps(
        &self,
        update: &mut Update<'_>,
        answer: Answer<Maps>,
        wanted: &BTreeSet<String>,
        of: &Moment<'_>,
        is_newest: bool,
    ) {
        let until = self.answered.good_until(self.answered.intervals.until(&answer), of.resets);
        let Answer { asked_at, content, .. } = answer;
        update.confirmed_at(signed(asked_at));
        match content {
            _ if !is_newest => {}
            Content::Unchanged { confirmed } => {
                let times = Times { expires: until, confirmed };
                update.view().tables.iter().for_each(|(_, entry)| entry.confirm(times));
                self.known().absent_tables.confirm_all(times);
            }
            Content::Rows { about, rows: Maps { tables, held }, rejected } => {
                let is_of_all = about == About::Everything;
                let Some(names) = still_good(&of.question, about) else { return };
                if let Some(held) = held {
                    update.remember_only(&held);
                }
                update.tables(&names.asked(), tables, &rejected, until);
                if !is_of_all {
                    return;
                }
            }
        }
        let is_unknown = |name: &&String| !self.known().has_table(update.view(), name);
        let unknown: BTreeSet<String> = wanted.iter().filter(is_unknown).cloned().collect();
        if !unknown.is_empty() {
            update.tables(&Asked::Names(&unknown), TablesBuilder::default(), &[], until);
        }
    }

    fn take_groups(
        &self,
        update: &mut Update<'_>,
        answer: Answer<Groups>,
        wanted: &BTreeSet<String>,
        of: &Moment<'_>,
        is_newest: bool,
    ) {
        let until = self.answered.good_until(self.answered.intervals.until(&answer), of.resets);
        let Answer { asked_at, content, .. } = answer;
        update.confirmed_at(signed(asked_at));
        match content {
            _ if !is_newest => {}
            Content::Unchanged { confirmed } => {
                let times = Times { expires: until, confirmed };
                let groups = update.view().groups().filter_map(|(_, _, entry)| entry);
                groups.for_each(|entry| entry.confirm(times));
                self.known().absent_groups.confirm_all(times);
            }
            Content::Rows { about, rows: Groups { servers, reasons }, rejected } => {
                let is_of_all = about == About::Everything;
                let Some(names) = still_good(&of.question, about) else { return };
                update.reasons(reasons);
                update.groups(&names.asked(), servers, &rejected, until);
                if !is_of_all {
                    return;
                }
            }
        }
        let is_unknown = |name: &&String| !self.known().has_group(update.view(), name);
        let unknown: BTreeSet<String> = wanted.iter().filter(is_unknown).cloned().collect();
        if !unknown.is_empty() {
            update.groups(&Asked::Names(&unknown), Vec::new(), &[], until);
        }
    }
}

/// What of an answer is to be taken in.
enum Good {
    All,
    Names(BTreeSet<String>),
    AllBut(BTreeSet<String>),
}

impl Good {
    fn asked(&self) -> Asked<'_> {
        match self {
            Self::All => Asked::Everything,
            Self::Names(names) => Asked::Names(names),
            Self::AllBut(names) => Asked::AllBut(names),
        }
    }
}

/// What of an answer is newer than what came in meanwhile; nothing if nothing is.
fn still_good(question: &Question<'_>, about: About) -> Option<Good> {
    Some(match (question.answered(about.clone()), about) {
        (Some(About::Everything), _) => return None,
        (Some(About::Names(newer)), About::Everything) => Good::AllBut(newer),
        (Some(About::Names(newer)), About::Names(names)) => {
            Good::Names(names.difference(&newer).cloned().collect())
        }
        (None, About::Everything) => Good::All,
        (None, About::Names(names)) => Good::Names(names),
    })
}
