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
        let Whole { version, maps, groups, elsewhere } = whole;
        // Under the publisher's lock: what is taken in is the newest, or nothing is.
        let is_newest = version >= self.answered.version();
        let of_maps = Moment { resets, question: self.tables.ask() };
        self.take_maps(update, maps, &request.tables, &of_maps, is_newest);
        let of_groups = Moment { resets, question: self.groups.ask() };
        self.take_groups(update, groups, &elsewhere, &request.groups, &of_groups, is_newest);
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
        self.take_groups(update, answer, &BTreeSet::new(), wanted, of, true);
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
        // A table that was not taken in yet is none that is not listed.
        if update.has_stopped() {
            return;
        }
        let is_unknown = |name: &&String| !self.known().has_table(update.view(), name);
        let unknown: BTreeSet<String> = wanted.iter().filter(is_unknown).cloned().collect();
        if !unknown.is_empty() {
            update.tables(&Asked::Names(&unknown), TablesBuilder::default(), &[], until);
        }
    }

    /// An answer of no group that another source tells of, which are those of `elsewhere`.
    fn take_groups(
        &self,
        update: &mut Update<'_>,
        answer: Answer<Groups>,
        elsewhere: &BTreeSet<String>,
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
                let groups =
                    update.view().groups().filter(|(_, name, _)| !elsewhere.contains(*name));
                groups.filter_map(|(_, _, entry)| entry).for_each(|entry| entry.confirm(times));
                self.known().absent_groups.confirm_all(times);
            }
            Content::Rows { about, rows: Groups { servers, reasons, heard }, rejected } => {
                let is_of_all = about == About::Everything;
                let about = match elsewhere.is_empty() {
                    false if is_of_all => About::EverythingBut(elsewhere.clone()),
                    _ => about,
                };
                let Some(names) = still_good(&of.question, about) else { return };
                update.reasons(reasons);
                update.heard(heard);
                update.groups(&names.asked(), servers, &rejected, until);
                if !is_of_all {
                    return;
                }
            }
        }
        if update.has_stopped() {
            return;
        }
        let is_unknown = |name: &&String| {
            !elsewhere.contains(*name) && !self.known().has_group(update.view(), name)
        };
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
    let newer = question.answered(about.clone());
    Some(match (newer, about) {
        (About::Everything, _) => return None,
        (About::Names(newer), About::Everything) if newer.is_empty() => Good::All,
        (About::Names(newer), About::Everything) => Good::AllBut(newer),
        (About::Names(newer), About::EverythingBut(but)) => {
            Good::AllBut(but.union(&newer).cloned().collect())
        }
        (About::Names(newer), About::Names(names)) => {
            Good::Names(names.difference(&newer).cloned().collect())
        }
        (About::EverythingBut(older), About::Everything) => Good::Names(older),
        (About::EverythingBut(older), About::EverythingBut(but)) => {
            Good::Names(older.difference(&but).cloned().collect())
        }
        (About::EverythingBut(older), About::Names(names)) => {
            Good::Names(names.intersection(&older).cloned().collect())
        }
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::refresh::testing::{primary, publisher, shards};

    fn apply() -> Apply {
        let answered = Answered::new(Duration::ZERO, Duration::MAX);
        Apply::new(Arc::new(publisher()), Arc::new(answered))
    }

    fn answer<R>(asked_at: u64, content: Content<R>) -> Answer<R> {
        Answer { asked_at, interval: Duration::from_millis(100), content }
    }

    /// An answer about a group, whose primary is this one.
    fn servers(about: &str, uuid: &str) -> Content<Groups> {
        let (about, rows) =
            (About::Names([about.into()].into()), vec![primary(about, uuid)].into());
        Content::Rows { about, rows, rejected: Vec::new() }
    }

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    impl Apply {
        /// The UUID of a group's primary, and until when it is good.
        fn primary(&self, group: &str) -> Option<(String, u64)> {
            let topology = self.known().topology.load_full();
            let entry = topology.group(topology.group_number(group.as_bytes())?)?;
            let primary = entry.value.named_primary().map(|server| server.uuid.clone());
            Some((primary.unwrap_or_default(), entry.expires()))
        }

        fn take(&self, asked_at: u64, content: Content<Groups>, wanted: &[&str], of: &Moment<'_>) {
            self.publisher.publish(|update| {
                self.groups(update, answer(asked_at, content), &names(wanted), of);
            });
        }
    }

    #[test]
    fn the_answer_to_the_newest_question_counts() {
        let apply = apply();
        let (slow, quick) = (apply.asks_groups(), apply.asks_groups());
        apply.take(7, servers("g", "new"), &["g"], &quick);
        apply.take(6, servers("g", "old"), &["g"], &slow);
        assert_eq!(apply.primary("g"), Some(("new".into(), 107)));
    }

    #[test]
    fn what_was_asked_for_before_a_reset_is_asked_for_again() {
        let apply = apply();
        let before = apply.asks_groups();
        apply.answered.reset();
        apply.take(7, servers("g", "new"), &["g"], &before);
        assert_eq!(apply.primary("g"), Some(("new".into(), 0)));
    }

    #[test]
    fn no_news_confirms_what_is_known_and_leaves_no_name_unknown() {
        let apply = apply();
        let unchanged = Content::Unchanged { confirmed: 5 };
        apply.take(7, unchanged, &["g", "h"], &apply.asks_groups());
        assert_eq!(apply.primary("g"), Some(("p".into(), 107)));
        assert_eq!(apply.primary("h"), None);
        let absent = apply.known().absent_groups.get(b"h").expect("an answer");
        assert_eq!((absent.expires(), absent.confirmed()), (107, 7));
        apply.publisher.publish(|update| {
            let unchanged = answer(8, Content::Unchanged { confirmed: 5 });
            apply.maps(update, unchanged, &names(&["db.t", "db.u"]), &apply.asks_tables());
        });
        assert!(apply.known().absent_tables.get(b"db.u").is_some());
        assert!(apply.known().absent_tables.get(b"db.t").is_none());
    }

    #[test]
    fn an_answer_about_names_says_nothing_of_others() {
        let apply = apply();
        apply.take(7, servers("h", "q"), &["g", "h", "i"], &apply.asks_groups());
        assert_eq!(apply.primary("g"), Some(("p".into(), 1_000)), "as it was");
        assert_eq!(apply.primary("h"), Some(("q".into(), 107)));
        assert!(apply.known().absent_groups.get(b"i").is_none());
    }

    #[test]
    fn what_was_cut_short_says_of_no_name_that_it_is_not_listed() {
        let answered = Answered::new(Duration::ZERO, Duration::MAX);
        let publisher = Publisher::new(Arc::default(), Default::default(), true);
        let apply = Apply::new(Arc::new(publisher), Arc::new(answered));
        let is_whole = apply.publisher.publish_until(&|| true, |update| {
            let rows = Maps::from(shards(&["1"]));
            let maps = Content::Rows { about: About::Everything, rows, rejected: Vec::new() };
            apply.maps(update, answer(7, maps), &names(&["db.t"]), &apply.asks_tables());
            let rows = vec![primary("g", "p")].into();
            let groups = Content::Rows { about: About::Everything, rows, rejected: Vec::new() };
            apply.groups(update, answer(7, groups), &names(&["g"]), &apply.asks_groups());
        });
        assert!(!is_whole, "there was no time");
        assert!(apply.known().absent_tables.get(b"db.t").is_none(), "it is listed");
        assert!(apply.known().absent_groups.get(b"g").is_none(), "it is listed");
    }

    #[test]
    fn of_whole_answers_the_highest_version_counts() {
        let apply = apply();
        let take = |version, uuid: &str| {
            let rows = Maps::from(shards(&["1"]));
            let maps = Content::Rows { about: About::Everything, rows, rejected: Vec::new() };
            let rows = vec![primary("g", uuid)].into();
            let groups = Content::Rows { about: About::Everything, rows, rejected: Vec::new() };
            let (maps, groups) = (answer(7, maps), answer(7, groups));
            let whole = Whole { version, maps, groups, elsewhere: BTreeSet::new() };
            let request = FetchRequest::table("db.u");
            apply.publisher.publish(|update| apply.whole(update, whole, &request, 0));
        };
        take(2, "newer");
        take(1, "older");
        assert_eq!(apply.primary("g"), Some(("newer".into(), 107)));
        assert_eq!(apply.answered.version(), 2);
        assert!(apply.known().absent_tables.get(b"db.u").is_some(), "neither lists it");
        take(2, "again");
        assert_eq!(apply.primary("g"), Some(("again".into(), 107)));
    }
}
