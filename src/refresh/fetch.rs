//! One fetch: the questions a request takes, and their answers taken into the topology.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::base::error::{Code, Error, Result};
use crate::observe::log::Log;
use crate::source::{
    About, Answer, Ask, Content, GroupAnswers, MapAnswers, Maps, RetryPolicy, Sources, Wanted,
    WholeSource,
};
use crate::topology::{HeldKey, Topology};

use super::answered::Answered;
use super::apply::Apply;
use super::asker::Asking;
use super::health::missing_shards::MissingShards;
use super::intervals::Due;
use super::known::Known;
use super::publisher::Publisher;
use super::single_flight::FetchRequest;
use super::update::Update;

/// Asks the sources of one handle, and publishes what they say.
pub struct Fetch {
    sources: Arc<Sources>,
    asking: Arc<Asking>,
    publisher: Arc<Publisher>,
    answered: Arc<Answered>,
    apply: Apply,
    missing_shards: MissingShards,
    log: Log,
}

impl Fetch {
    pub fn new(
        sources: Arc<Sources>,
        asking: Arc<Asking>,
        publisher: Arc<Publisher>,
        answered: Arc<Answered>,
        log: Log,
    ) -> Self {
        let apply = Apply::new(Arc::clone(&publisher), Arc::clone(&answered));
        let missing_shards = MissingShards::default();
        Self { sources, asking, publisher, answered, apply, missing_shards, log }
    }

    fn known(&self) -> &Known {
        &self.publisher.known
    }

    /// Sees that there is somebody to ask if nobody did yet, then asks for the tables, then for the
    /// groups named and those the tables need: one question of each kind, and one new topology.
    pub fn fetch(&self, request: &FetchRequest, due: Due, retry: RetryPolicy) -> Result<()> {
        let ask = &self.asking.ask(retry);
        let (begun, resets) = (ask.asker.now(), self.answered.resets());
        if !self.answered.is_connected() {
            self.connect(ask)?;
        }
        if let Some(source) = self.sources.whole() {
            return self.fetch_whole(source, request, ask);
        }
        let of_maps = self.apply.asks_tables();
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
        let wanted = wanted_groups(request, due, &maps, &self.known().topology.load());
        let of_groups = self.apply.asks_groups();
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
        self.publish(retry, |update| {
            for answer in maps.answers {
                self.apply.maps(update, answer, &request.tables, &of_maps);
            }
            for answer in groups {
                self.apply.groups(update, answer, &wanted.groups, &of_groups);
            }
        })?;
        self.ask_for_missing(retry);
        if outcome.is_ok() && is_whole {
            self.answered.listed_all(begun, resets);
        }
        if outcome.is_ok() {
            self.sources.iter().for_each(|source| source.maintain(ask));
        }
        outcome
    }

    /// As `fetch`, from a source that answers both questions of one moment.
    fn fetch_whole(
        &self,
        source: &dyn WholeSource,
        request: &FetchRequest,
        ask: &Ask<'_>,
    ) -> Result<()> {
        let resets = self.answered.resets();
        let FetchRequest { everything, tables: names, .. } = request;
        let wanted = Wanted { everything: *everything, names, known: &Vec::new };
        let whole = source.whole(self.answered.version(), &wanted, ask)?;
        self.publish(ask.retry, |update| self.apply.whole(update, whole, request, resets))?;
        self.ask_for_missing(ask.retry);
        self.sources.iter().for_each(|source| source.maintain(ask));
        Ok(())
    }

    /// Publishes what `take` makes of an answer.
    ///
    /// # Errors
    /// It took longer than the caller has, or than who frees the handle waits. A part of it may be
    /// in use, so it is to be had anew.
    fn publish(&self, retry: RetryPolicy, take: impl FnOnce(&mut Update<'_>)) -> Result<()> {
        if self.publisher.publish_until(&|| self.asking.stops(retry), take) {
            return Ok(());
        }
        self.answered.set_version(0);
        self.sources.iter().for_each(|source| source.reset());
        let message =
            "the answer is larger than what could be taken in within the time of the call";
        Err(Error::new(Code::Timeout, message))
    }

    fn connect(&self, ask: &Ask<'_>) -> Result<()> {
        for source in self.sources.iter() {
            if let Some(interval) = source.connect(ask)? {
                self.answered.intervals.say(interval);
            }
        }
        self.answered.set_connected(true);
        Ok(())
    }

    fn ask_for_maps(&self, request: &FetchRequest, ask: &Ask<'_>) -> Result<MapAnswers> {
        let FetchRequest { everything, tables: names, .. } = request;
        let known = &|| self.known().tables();
        self.sources.maps.maps(&Wanted { everything: *everything, names, known }, ask)
    }

    fn ask_for_groups(&self, request: &FetchRequest, ask: &Ask<'_>) -> Result<GroupAnswers> {
        let FetchRequest { everything, groups: names, .. } = request;
        let known = &|| self.known().groups();
        self.sources.groups.groups(&Wanted { everything: *everything, names, known }, ask)
    }

    /// Asks a source that can tell where the keys of the missing shards are, and takes in what it
    /// says.
    fn ask_for_missing(&self, retry: RetryPolicy) {
        let Ok(locator) = self.sources.maps.locator() else { return };
        let ask = self.asking.ask(retry.once());
        let locate = |table: &str, key: &HeldKey| locator.locate(table, key, &ask);
        self.missing_shards.ask(&self.publisher, &self.log, ask.asker.now(), locate);
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
