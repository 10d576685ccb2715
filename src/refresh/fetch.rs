//! One fetch: the questions a request takes, and their answers taken into the topology.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::base::error::{Code, Error, Result};
use crate::observe::log::Log;
use crate::source::{
    Answer, Ask, Content, GroupAnswers, MapAnswers, Maps, RetryPolicy, Sources, Wanted, WholeSource,
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

/// What became of the questions of a fetch; nothing of one that was not asked.
#[derive(Debug, Clone, Default)]
pub struct Fetched {
    pub maps: Option<Result<()>>,
    pub groups: Option<Result<()>>,
    /// Whether `groups` failed for some of them alone, whom a source asks each by itself: the others
    /// are as fresh as they can be.
    pub groups_in_part: bool,
}

impl Fetched {
    /// Of questions that stand and fall together.
    pub fn both(outcome: Result<()>) -> Self {
        Self { maps: Some(outcome.clone()), groups: Some(outcome), groups_in_part: false }
    }

    fn is_good(&self) -> bool {
        [&self.maps, &self.groups].into_iter().flatten().all(Result::is_ok)
    }

    /// Why a question failed, if any did.
    pub fn outcome(self) -> Result<()> {
        self.maps.unwrap_or(Ok(())).and(self.groups.unwrap_or(Ok(())))
    }
}

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
    pub fn fetch(&self, request: &FetchRequest, due: Due, retry: RetryPolicy) -> Fetched {
        let ask = &self.asking.ask(retry);
        match self.sources.whole() {
            Some(source) if self.sources.are_one() => {
                Fetched::both(self.fetch_whole(source, request, ask))
            }
            Some(source) => self.fetch_directory(source, request, due, ask),
            None if self.sources.are_one() => match self.fetch_apart(request, due, ask) {
                Ok(fetched) if fetched.groups_in_part => fetched,
                Ok(fetched) => Fetched::both(fetched.outcome()),
                Err(error) => Fetched::both(Err(error)),
            },
            None => match self.fetch_apart(request, due, ask) {
                Ok(fetched) => fetched,
                Err(error) => Fetched::both(Err(error)),
            },
        }
    }

    /// As `fetch`, question by question. What fails is an outcome as a rule: of two sources one that
    /// is down is no reason not to go by the other.
    fn fetch_apart(&self, request: &FetchRequest, due: Due, ask: &Ask<'_>) -> Result<Fetched> {
        let resets = self.answered.resets();
        let are_one = self.sources.are_one();
        let of_maps = self.apply.asks_tables();
        let asks_maps = due.maps && (request.everything || !request.tables.is_empty());
        let mut maps = match asks_maps || are_one || request.is_empty() {
            true => self.connect_maps(ask),
            false => Ok(()),
        }
        .and_then(|()| match asks_maps {
            true => self.ask_for_maps(request, ask),
            false => Ok(MapAnswers::default()),
        });
        if are_one && maps.is_err() {
            return maps.map(|_| Fetched::default());
        }
        let mut found =
            maps.as_mut().map(|maps| std::mem::take(&mut maps.answers)).unwrap_or_default();
        let wanted = wanted_groups(request, due, &found, &self.known().topology.load());
        // Tables are taken in even if their groups cannot be had: a new shard map without
        // its new group fails lookups there, the old one would send them astray.
        let lists_tables = found.iter().find_map(Answer::lists_all_at);
        self.answered.intervals.maps.answered(&found);
        let take_maps = |update: &mut Update<'_>, found: Vec<Answer<Maps>>| {
            for answer in found {
                self.apply.maps(update, answer, &request.tables, &of_maps);
            }
        };
        if !are_one && !found.is_empty() {
            // The other source may hang.
            let found = std::mem::take(&mut found);
            self.publish(ask.retry, |update| take_maps(update, found))?;
        }
        let of_groups = self.apply.asks_groups();
        let asks_groups = wanted.everything || !wanted.groups.is_empty();
        let mut groups = match asks_groups || request.is_empty() {
            true => self.connect_groups(ask),
            false => Ok(()),
        }
        .and_then(|()| match asks_groups {
            true => self.ask_for_groups(&wanted, ask),
            false => Ok(GroupAnswers::default()),
        });
        let servers =
            groups.as_mut().map(|groups| std::mem::take(&mut groups.answers)).unwrap_or_default();
        let has_answers = !servers.is_empty();
        let lists_groups = servers.iter().find_map(Answer::lists_all_at);
        self.answered.intervals.groups.answered(&servers);
        self.publish(ask.retry, |update| {
            take_maps(update, found);
            for answer in servers {
                self.apply.groups(update, answer, &wanted.groups, &of_groups);
            }
        })?;
        self.ask_for_missing(ask.retry);
        let asks_each = !are_one || !self.sources.maps.has_maps();
        let has_failed = matches!(&groups, Ok(GroupAnswers { failure: Some(_), .. }));
        let groups_in_part = asks_each && has_answers && has_failed;
        let maps = maps.and_then(|maps| maps.failure.map_or(Ok(()), Err));
        let groups = groups.and_then(|groups| groups.failure.map_or(Ok(()), Err));
        // Of one source that fails for one question nothing is known of the other names, either.
        let is_good =
            |own: &Result<()>, other: &Result<()>| own.is_ok() && (!are_one || other.is_ok());
        if let Some(at) = lists_tables.filter(|_| request.everything && is_good(&maps, &groups)) {
            self.answered.listed_tables(at, resets);
        }
        if let Some(at) = lists_groups.filter(|_| request.everything && is_good(&groups, &maps)) {
            self.answered.listed_groups(at, resets);
        }
        // Who wanted only to know of nodes is content with those of one source.
        if request.is_empty() && self.answered.connected.any() {
            return Ok(Fetched::both(Ok(())));
        }
        let fetched = Fetched {
            maps: (asks_maps || maps.is_err()).then_some(maps),
            groups: (asks_groups || groups.is_err()).then_some(groups),
            groups_in_part,
        };
        if fetched.is_good() {
            if request.everything && due == Due::ALL && lists_tables.is_some() {
                self.answered.asked_for_all();
            }
            self.sources.iter().for_each(|source| source.maintain(ask));
        }
        Ok(fetched)
    }

    /// As `fetch`, from a source that answers both questions of one moment, and from one that tells of
    /// groups which the first only names. Either may hang or fail without the other.
    fn fetch_directory(
        &self,
        source: &dyn WholeSource,
        request: &FetchRequest,
        due: Due,
        ask: &Ask<'_>,
    ) -> Fetched {
        let told_apart = |name: &String| self.sources.groups.tells_of(name);
        let needs_directory = request.everything
            || !request.tables.is_empty()
            || request.is_empty()
            || !request.groups.iter().all(told_apart);
        // In its own time it is asked whatever is known of it: it may name other groups.
        let maps = (due.maps && (needs_directory || !due.groups))
            .then(|| self.fetch_whole(source, request, ask));
        let mut wanted = FetchRequest::default();
        if due.groups {
            wanted.everything = request.everything;
            wanted.groups.extend(request.groups.iter().filter(|name| told_apart(name)).cloned());
        }
        let is_new = !wanted.everything && {
            let topology = self.known().topology.load();
            let new = topology.groups().filter(|(_, _, entry)| entry.is_none());
            let new = new.map(|(_, name, _)| name.to_owned()).filter(|name| told_apart(name));
            let before = wanted.groups.len();
            wanted.groups.extend(new);
            wanted.groups.len() > before
        };
        let asks_groups = wanted.everything || !wanted.groups.is_empty();
        let mut groups_in_part = false;
        let groups = asks_groups.then(|| {
            let failure = self.fetch_groups(&wanted, &mut groups_in_part, ask)?;
            failure.map_or(Ok(()), Err)
        });
        if is_new && !due.groups {
            // From now on in their own time, of which nothing was known.
            self.publisher.worker.request_groups();
        }
        Fetched { maps, groups, groups_in_part }
    }

    /// Asks the source that tells of groups alone, and gives why some could not be had.
    fn fetch_groups(
        &self,
        wanted: &FetchRequest,
        in_part: &mut bool,
        ask: &Ask<'_>,
    ) -> Result<Option<Error>> {
        let of_groups = self.apply.asks_groups();
        self.connect_groups(ask)?;
        let GroupAnswers { answers, failure } = self.ask_for_groups(wanted, ask)?;
        *in_part = failure.is_some() && !answers.is_empty();
        self.answered.intervals.groups.answered(&answers);
        self.publish(ask.retry, |update| {
            for answer in answers {
                self.apply.groups(update, answer, &wanted.groups, &of_groups);
            }
        })?;
        Ok(failure)
    }

    /// As `fetch`, from a source that answers both questions of one moment.
    fn fetch_whole(
        &self,
        source: &dyn WholeSource,
        request: &FetchRequest,
        ask: &Ask<'_>,
    ) -> Result<()> {
        let resets = self.answered.resets();
        self.connect_maps(ask)?;
        let FetchRequest { everything, tables: names, .. } = request;
        let is_stale = &|name: &str| self.known().is_stale_table(name);
        let wanted = Wanted { everything: *everything, names, known: &Vec::new, is_stale };
        let whole = source.whole(self.answered.version(), &wanted, ask)?;
        self.answered.intervals.maps.answered(std::slice::from_ref(&whole.maps));
        if self.sources.are_one() {
            self.answered.intervals.groups.answered(std::slice::from_ref(&whole.groups));
        }
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
        self.sources.iter().for_each(|source| source.was_not_taken_in());
        let message =
            "the answer is larger than what could be taken in within the time of the call";
        Err(Error::new(Code::Timeout, message))
    }

    /// Sees that the source of maps, which may be that of groups, too, has somebody to ask.
    fn connect_maps(&self, ask: &Ask<'_>) -> Result<()> {
        let Answered { intervals, connected, .. } = &*self.answered;
        if connected.maps() {
            return Ok(());
        }
        if self.sources.are_one() {
            for source in self.sources.iter() {
                source.connect(ask)?.into_iter().for_each(|interval| intervals.say(interval));
            }
            connected.set(true);
            return Ok(());
        }
        let interval = self.sources.maps.connect(ask)?;
        interval.into_iter().for_each(|interval| intervals.maps.say(interval));
        connected.set_maps();
        Ok(())
    }

    /// As `connect_maps`, of groups that have a source of their own.
    fn connect_groups(&self, ask: &Ask<'_>) -> Result<()> {
        let Answered { intervals, connected, .. } = &*self.answered;
        if !connected.groups() {
            let interval = self.sources.groups.connect(ask)?;
            interval.into_iter().for_each(|interval| intervals.groups.say(interval));
            connected.set_groups();
        }
        Ok(())
    }

    fn ask_for_maps(&self, request: &FetchRequest, ask: &Ask<'_>) -> Result<MapAnswers> {
        let FetchRequest { everything, tables: names, .. } = request;
        let known = &|| self.known().tables();
        let is_stale = &|name: &str| self.known().is_stale_table(name);
        self.sources.maps.maps(&Wanted { everything: *everything, names, known, is_stale }, ask)
    }

    fn ask_for_groups(&self, request: &FetchRequest, ask: &Ask<'_>) -> Result<GroupAnswers> {
        let FetchRequest { everything, groups: names, .. } = request;
        let known = &|| self.known().groups();
        let is_stale = &|name: &str| self.known().is_stale_group(name);
        let wanted = Wanted { everything: *everything, names, known, is_stale };
        self.sources.groups.groups(&wanted, ask)
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

/// The groups named, if they are due, and those of the tables just fetched that nobody has asked for
/// yet.
fn wanted_groups(
    request: &FetchRequest,
    due: Due,
    found: &[Answer<Maps>],
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
    for answer in found {
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::base::error::Error;
    use crate::refresh::bound::Interrupts;
    use crate::refresh::testing::{primary, shards};
    use crate::source::{Content, GroupSource, MapSource, Source};

    /// Knows one table in one group, and has no news of the group if it is to say so.
    #[derive(Default)]
    struct Fake {
        is_down: AtomicBool,
        has_no_news: AtomicBool,
    }

    impl Fake {
        fn answer<R>(&self, wanted: &Wanted<'_>, rows: R) -> Result<Answer<R>> {
            if self.is_down.load(Ordering::Relaxed) {
                return Err(Error::new(Code::Unreachable, "down"));
            }
            let about = wanted.about();
            let content = match self.has_no_news.load(Ordering::Relaxed) {
                true => Content::Unchanged { confirmed: 3 },
                false => Content::Rows { about, rows, rejected: Vec::new() },
            };
            Ok(Answer { asked_at: 7, interval: Duration::from_millis(100), content })
        }
    }

    impl Source for Fake {
        fn unsupported(&self) -> Error {
            Error::new(Code::NotSeeded, "a fake")
        }
    }

    impl MapSource for Fake {
        fn maps(&self, wanted: &Wanted<'_>, _: &Ask<'_>) -> Result<MapAnswers> {
            Ok(self.answer(wanted, shards(&["1"]).into())?.into())
        }
    }

    impl GroupSource for Fake {
        fn groups(&self, wanted: &Wanted<'_>, _: &Ask<'_>) -> Result<GroupAnswers> {
            Ok(self.answer(wanted, vec![primary("g", "p")].into())?.into())
        }
    }

    fn fetch(sources: Sources) -> Fetch {
        let publisher = Publisher::new(Arc::default(), Default::default(), true);
        let publisher = Arc::new(publisher);
        let answered = Arc::new(Answered::new(Duration::ZERO, Duration::MAX));
        let asking = Arc::new(Asking::new(
            Arc::clone(&publisher),
            Arc::clone(&answered),
            Arc::<Interrupts>::default(),
            Arc::default(),
            Arc::default(),
        ));
        Fetch::new(Arc::new(sources), asking, publisher, answered, Log::default())
    }

    fn down() -> Fake {
        Fake { is_down: AtomicBool::new(true), ..Fake::default() }
    }

    /// Whether each question was answered; nothing if it was not asked.
    fn outcomes(fetched: &Fetched) -> (Option<bool>, Option<bool>) {
        let is_ok = |outcome: &Option<Result<()>>| outcome.as_ref().map(Result::is_ok);
        (is_ok(&fetched.maps), is_ok(&fetched.groups))
    }

    #[test]
    fn a_table_is_fetched_with_the_groups_that_it_needs() {
        let fetch = fetch(Sources::two(Fake::default(), Fake::default()));
        let fetched = fetch.fetch(&FetchRequest::table("db.t"), Due::ALL, RetryPolicy::ONCE);
        assert_eq!(outcomes(&fetched), (Some(true), Some(true)));
        assert_eq!(fetch.known().fetched().groups.len(), 1);
        assert!(!fetch.answered.knows_all());
        let group = fetch.fetch(&FetchRequest::group("g"), Due::ALL, RetryPolicy::ONCE);
        assert_eq!(outcomes(&group), (None, Some(true)), "no table was wanted");
    }

    #[test]
    fn of_two_sources_each_answers_for_itself() {
        for (maps, groups) in [(down(), Fake::default()), (Fake::default(), down())] {
            let ups = [&maps, &groups].map(|fake| !fake.is_down.load(Ordering::Relaxed));
            let fetch = fetch(Sources::two(maps, groups));
            let all = FetchRequest::everything();
            let fetched = fetch.fetch(&all, Due::ALL, RetryPolicy::ONCE);
            assert_eq!(outcomes(&fetched), (Some(ups[0]), Some(ups[1])));
            assert!(fetched.outcome().is_err());
            assert_eq!((fetch.known().tables().len(), fetch.known().fetched().groups.len()), {
                (usize::from(ups[0]), usize::from(ups[1]))
            });
            assert!(!fetch.answered.knows_all() && !fetch.answered.is_whole());
            let due = Due { maps: ups[0], groups: ups[1] };
            assert!(fetch.fetch(&all, due, RetryPolicy::ONCE).maps.is_none_or(|maps| maps.is_ok()));
        }
    }

    #[test]
    fn both_questions_about_everything_make_a_farm_known_whole() {
        let fetch = fetch(Sources::one(Fake::default()));
        let all = FetchRequest::everything();
        let of_maps = Due { maps: true, groups: false };
        assert_eq!(fetch.fetch(&all, of_maps, RetryPolicy::ONCE).outcome(), Ok(()));
        assert!(!fetch.answered.knows_all(), "the groups are not known");
        assert_eq!(fetch.fetch(&all, Due::ALL, RetryPolicy::ONCE).outcome(), Ok(()));
        assert_eq!(fetch.answered.whole_confirmed(), 7);
        assert!(fetch.answered.is_whole() && fetch.answered.connected.groups());
    }

    #[test]
    fn no_news_confirm_the_farm_as_of_when_it_was_looked_at() {
        let fake = Fake { has_no_news: AtomicBool::new(true), ..Fake::default() };
        let fetch = fetch(Sources::two(Fake::default(), fake));
        let all = FetchRequest::everything();
        assert_eq!(fetch.fetch(&all, Due::ALL, RetryPolicy::ONCE).outcome(), Ok(()));
        assert_eq!(fetch.answered.whole_confirmed(), 3);
        // The group that the table needs is no news, and so it has no server.
        let group = FetchRequest::group("g");
        assert!(!fetch.known().covers(&group));
        assert_eq!(fetch.fetch(&group, Due::ALL, RetryPolicy::ONCE).outcome(), Ok(()));
        assert!(fetch.known().covers(&group));
    }
}
