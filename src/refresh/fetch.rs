//! One fetch: the questions a request takes, and their answers taken into the topology.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use crate::base::clock::signed;
use crate::base::error::{Code, Error, Result};
use crate::source::{
    About, Answer, Ask, Content, GroupAnswers, MapAnswers, Maps, RetryPolicy, Wanted, Whole,
    WholeSource,
};
use crate::topology::{ServerRow, TablesBuilder, Times, Topology};

use super::intervals::Due;
use super::order::{Order, Question};
use super::single_flight::FetchRequest;
use super::update::{Asked, Update};
use super::{ProcessState, Refresher};

/// The moment of a question.
struct Moment<'s> {
    /// How often the cache had been reset by then.
    resets: u64,
    question: Question<'s>,
}

impl Refresher {
    /// Sees that there is somebody to ask if nobody did yet, then asks for the tables, then for the
    /// groups named and those the tables need: one question of each kind, and one new topology.
    pub(super) fn fetch(
        &self,
        process: &ProcessState,
        request: &FetchRequest,
        due: Due,
        retry: RetryPolicy,
    ) -> Result<()> {
        let asking = self.asking(process);
        let ask = &asking.ask(retry);
        let (begun, resets) = (self.clock.now(), self.resets.load(Ordering::Relaxed));
        if !self.is_seeded() {
            self.connect(ask)?;
        }
        if let Some(source) = self.sources.whole() {
            return self.fetch_whole(process, source, request, ask);
        }
        let of_maps = self.moment(&process.tables_order);
        let asks_maps = due.maps && (request.everything || !request.tables.is_empty());
        let maps = match asks_maps {
            true => self.ask_for_maps(request, ask),
            false => Ok(MapAnswers::default()),
        };
        let maps = match maps {
            Err(error) if !self.sources.are_one() => {
                MapAnswers { failure: Some(error), ..MapAnswers::default() }
            }
            maps => maps?,
        };
        let is_whole = request.everything && due == Due::ALL;
        let is_whole = is_whole && maps.answers.iter().any(is_about_everything);
        let wanted = wanted_groups(request, due, &maps, &self.topology.load());
        let of_groups = self.moment(&process.groups_order);
        let asks_groups = wanted.everything || !wanted.groups.is_empty();
        let groups = match asks_groups {
            true => self.ask_for_groups(&wanted, ask),
            false => Ok(GroupAnswers::default()),
        };
        // Tables are taken in even if their groups could not be had: a new shard map without
        // its new group fails lookups there, the old one would send them astray.
        let (groups, outcome) = match groups {
            Ok(groups) => {
                let failure = maps.failure.or(groups.failure);
                (groups.answers, failure.map_or(Ok(()), Err))
            }
            Err(error) => (Vec::new(), Err(error)),
        };
        self.take_in(retry, |update| {
            for answer in maps.answers {
                self.take_in_maps(update, answer, &of_maps);
            }
            for answer in groups {
                self.take_in_groups(update, answer, &of_groups);
            }
        })?;
        self.ask_for_missing(process, retry);
        if outcome.is_ok() && is_whole {
            self.whole.store(true, Ordering::Relaxed);
            if resets == self.resets.load(Ordering::Relaxed) {
                self.whole_confirmed.store(signed(begun), Ordering::Relaxed);
                self.knows_all.store(true, Ordering::Relaxed);
            }
        }
        if outcome.is_ok() {
            self.sources.iter().for_each(|source| source.maintain(ask));
        }
        outcome
    }

    /// As `fetch`, from a source that answers both questions of one moment. What comes in counts by
    /// what the source knew, not by when it was asked: fetches may overlap.
    fn fetch_whole(
        &self,
        process: &ProcessState,
        source: &dyn WholeSource,
        request: &FetchRequest,
        ask: &Ask<'_>,
    ) -> Result<()> {
        let resets = self.resets.load(Ordering::Relaxed);
        let FetchRequest { everything, tables: names, .. } = request;
        let wanted = Wanted { everything: *everything, names, known: &Vec::new };
        let Whole { version, maps, groups } =
            source.whole(self.version.load(Ordering::Relaxed), &wanted, ask)?;
        self.take_in(ask.retry, |update| {
            // Under the publisher's lock: what is taken in is the newest, or nothing is.
            let moment = |order| Moment { resets, question: Order::ask(order) };
            let (of_maps, of_groups) =
                (moment(&process.tables_order), moment(&process.groups_order));
            let (times, now) = ((maps.interval, groups.interval), maps.asked_at);
            if version >= self.version.load(Ordering::Relaxed) {
                self.take_in_maps(update, maps, &of_maps);
                self.take_in_groups(update, groups, &of_groups);
                self.version.store(version, Ordering::Relaxed);
            }
            let until = self.answered(&self.intervals.maps, times.0, now);
            let until = self.good_until(until, &of_maps);
            let unknown = |name: &&String| !self.knows_table(update.view(), name);
            let names: BTreeSet<String> = request.tables.iter().filter(unknown).cloned().collect();
            if !names.is_empty() {
                update.confirmed_at(signed(now));
                update.tables(&Asked::Names(&names), TablesBuilder::default(), &[], until);
            }
            let until = self.answered(&self.intervals.groups, times.1, now);
            let until = self.good_until(until, &of_groups);
            let unknown = |name: &&String| !self.knows_group(update.view(), name);
            let names: BTreeSet<String> = request.groups.iter().filter(unknown).cloned().collect();
            if !names.is_empty() {
                update.confirmed_at(signed(now));
                update.groups(&Asked::Names(&names), Vec::new(), &[], until);
            }
        })?;
        self.ask_for_missing(process, ask.retry);
        self.sources.iter().for_each(|source| source.maintain(ask));
        Ok(())
    }

    /// Publishes what `take` makes of an answer.
    ///
    /// # Errors
    /// It took longer than the caller has, or than who frees the handle waits. A part of it may be
    /// in use, so it is to be had anew.
    fn take_in(&self, retry: RetryPolicy, take: impl FnOnce(&mut Update<'_>)) -> Result<()> {
        let stops = || self.is_stopping() || retry.is_over_here() || self.is_left(retry.caller);
        if self.publisher.publish_until(&stops, take) {
            return Ok(());
        }
        self.version.store(0, Ordering::Relaxed);
        self.sources.iter().for_each(|source| source.reset());
        let message =
            "the answer is larger than what could be taken in within the time of the call";
        Err(Error::new(Code::Timeout, message))
    }

    fn connect(&self, ask: &Ask<'_>) -> Result<()> {
        for source in self.sources.iter() {
            if let Some(interval) = source.connect(ask)? {
                self.say_interval(interval);
            }
        }
        self.seeded.store(1, Ordering::Release);
        Ok(())
    }

    fn ask_for_maps(&self, request: &FetchRequest, ask: &Ask<'_>) -> Result<MapAnswers> {
        let known = || {
            let topology = self.topology.load();
            let names = topology.tables.iter();
            names.map(|(name, _)| String::from_utf8_lossy(name).into_owned()).collect()
        };
        let FetchRequest { everything, tables: names, .. } = request;
        self.sources.maps.maps(&Wanted { everything: *everything, names, known: &known }, ask)
    }

    fn ask_for_groups(&self, request: &FetchRequest, ask: &Ask<'_>) -> Result<GroupAnswers> {
        let known = || {
            let topology = self.topology.load();
            topology.groups().map(|(_, name, _)| name.to_owned()).collect()
        };
        let FetchRequest { everything, groups: names, .. } = request;
        self.sources.groups.groups(&Wanted { everything: *everything, names, known: &known }, ask)
    }

    fn moment<'s>(&self, order: &'s Order) -> Moment<'s> {
        Moment { resets: self.resets.load(Ordering::Relaxed), question: order.ask() }
    }

    /// Until when an answer is good. What was asked for before the service had the cache reset is no
    /// answer to it.
    fn good_until(&self, until: u64, of: &Moment<'_>) -> u64 {
        if of.resets == self.resets.load(Ordering::Relaxed) { until } else { 0 }
    }

    fn take_in_maps(&self, update: &mut Update<'_>, answer: Answer<Maps>, of: &Moment<'_>) {
        let Answer { asked_at, interval, content } = answer;
        let until = self.answered(&self.intervals.maps, interval, asked_at);
        let until = self.good_until(until, of);
        match content {
            Content::Unchanged { confirmed } => {
                let times = Times { expires: until, confirmed };
                update.view().tables.iter().for_each(|(_, entry)| entry.confirm(times));
                self.absent_tables.confirm_all(times);
            }
            Content::Rows { about, rows: Maps { tables, held }, rejected } => {
                let Some(names) = still_good(&of.question, about) else { return };
                if let Some(held) = held {
                    update.remember_only(&held);
                }
                update.confirmed_at(signed(asked_at));
                update.tables(&names.asked(), tables, &rejected, until);
            }
        }
    }

    fn take_in_groups(
        &self,
        update: &mut Update<'_>,
        answer: Answer<Vec<ServerRow>>,
        of: &Moment<'_>,
    ) {
        let Answer { asked_at, interval, content } = answer;
        let until = self.answered(&self.intervals.groups, interval, asked_at);
        let until = self.good_until(until, of);
        match content {
            Content::Unchanged { confirmed } => {
                let times = Times { expires: until, confirmed };
                let groups = update.view().groups().filter_map(|(_, _, entry)| entry);
                groups.for_each(|entry| entry.confirm(times));
                self.absent_groups.confirm_all(times);
            }
            Content::Rows { about, rows, rejected } => {
                let Some(names) = still_good(&of.question, about) else { return };
                update.confirmed_at(signed(asked_at));
                update.groups(&names.asked(), rows, &rejected, until);
            }
        }
    }
}

fn is_about_everything(answer: &Answer<Maps>) -> bool {
    matches!(answer.content, Content::Rows { about: About::Everything, .. })
}

/// The groups named, if they are due, and those of the tables just fetched that nobody has asked for
/// yet.
fn wanted_groups(
    request: &FetchRequest,
    due: Due,
    maps: &MapAnswers,
    topology: &Topology,
) -> FetchRequest {
    let mut wanted = match due.groups {
        true => FetchRequest { tables: BTreeSet::new(), ..request.clone() },
        false => FetchRequest::default(),
    };
    let unknown = |name: &str| {
        let number = topology.group_number(name.as_bytes());
        number.and_then(|id| topology.group(id)).is_none()
    };
    for answer in &maps.answers {
        let Content::Rows { rows: Maps { tables, .. }, .. } = &answer.content else { continue };
        let all = request.everything.then(|| tables.names());
        let named = all.is_none().then(|| request.tables.iter().map(String::as_str));
        let names = all.into_iter().flatten().chain(named.into_iter().flatten());
        for name in names.flat_map(|table| tables.groups_of(table)) {
            if !wanted.everything && unknown(name) && !wanted.groups.contains(name) {
                wanted.groups.insert(name.to_owned());
            }
        }
    }
    wanted
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
