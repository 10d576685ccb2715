//! The seam of sources: a handle whose shard maps come from one source and whose servers come from
//! another one, each in its own interval, does all that a handle of Fabric's does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, Weak};
use std::time::{Duration, Instant};

use mysqlfabric::base::error::{Code, Error, Result};
use mysqlfabric::config::{Config, Node};
use mysqlfabric::observe::events::{Delivery, Kind, Listener};
use mysqlfabric::observe::log::{Level, Log};
use mysqlfabric::router::batch::{Batch, CHUNK, Keys, Outcome, Session, Slot};
use mysqlfabric::router::{Router, Scope};
use mysqlfabric::source::{
    About, Answer, Ask, AskAgain, Content, GroupAnswers, GroupSource, Groups, MapAnswers,
    MapSource, NodeState, Silence, Source, Sources, Wanted, Whole, WholeSource,
};
use mysqlfabric::thread_cache::ThreadCache;
use mysqlfabric::topology::{Key, Server, ServerRow, ShardRow, TablesBuilder, Wanted as Purpose};

const SOON: Duration = Duration::from_secs(30);

/// How long the answers of either source are good.
const MAPS_INTERVAL: Duration = Duration::from_millis(1_500);
const GROUPS_INTERVAL: Duration = Duration::from_millis(60);

/// What both sources know, which the test changes under them.
#[derive(Default)]
struct Farm {
    /// The group of each lower bound of table `db.t`.
    shards: BTreeMap<i64, &'static str>,
    /// The ports of each group, the primary's first.
    groups: BTreeMap<&'static str, Vec<u16>>,
    /// Groups whose primary is being replaced.
    headless: Vec<&'static str>,
    maps_fail: bool,
    maps_connect_fails: bool,
    groups_fail: bool,
    /// Groups that no question about is answered.
    unreachable: Vec<&'static str>,
    /// Whether the source of groups has no news, whatever is wanted.
    groups_unchanged: bool,
}

impl Farm {
    /// The servers of a group, as a source lists them.
    fn servers(&self, group: &str) -> Vec<ServerRow> {
        let is_headless = self.headless.contains(&group);
        let server = |(at, port): (usize, &u16)| {
            let (mode, status) = if at == 0 && !is_headless { (3, 3) } else { (1, 2) };
            let (uuid, host) = (format!("uuid-{port}"), "127.0.0.1".into());
            let server = Server { uuid, host, port: *port, mode, status, weight: 1.0, zone: None };
            ServerRow { group: group.to_owned(), server }
        };
        self.groups.get(group).into_iter().flatten().enumerate().map(server).collect()
    }

    fn fail(&mut self, fail: bool) {
        (self.maps_fail, self.groups_fail) = (fail, fail);
    }
}

#[derive(Default)]
struct Shared {
    farm: Mutex<Farm>,
    /// Whoever holds it keeps questions for maps waiting.
    gate: Mutex<()>,
    /// As `gate`, of questions for group "three".
    three: Mutex<()>,
    maps_asked: AtomicUsize,
    groups_asked: AtomicUsize,
}

impl Shared {
    fn farm(&self) -> MutexGuard<'_, Farm> {
        self.farm.lock().expect("unpoisoned")
    }
}

fn down(who: &str) -> Error {
    Error::new(Code::Unreachable, format!("the source of {who} is down"))
}

/// Knows the shards, and nothing of servers.
struct Shards(Arc<Shared>);

impl Source for Shards {
    fn name(&self) -> String {
        "the list of shards".into()
    }

    fn unsupported(&self) -> Error {
        Error::new(Code::NotSeeded, "a list of shards takes no orders")
    }

    fn connect(&self, _: &Ask<'_>) -> Result<Option<Duration>> {
        if self.0.farm().maps_connect_fails { Err(down("maps")) } else { Ok(None) }
    }
}

impl MapSource for Shards {
    fn maps(&self, wanted: &Wanted<'_>, ask: &Ask<'_>) -> Result<MapAnswers> {
        let asked_at = ask.asker.now();
        self.0.maps_asked.fetch_add(1, Ordering::Relaxed);
        let _open = self.0.gate.lock().expect("unpoisoned");
        let farm = self.0.farm();
        if farm.maps_fail {
            return Err(down("maps"));
        }
        let mut tables = TablesBuilder::of((!wanted.everything).then(|| wanted.names.clone()));
        for (at, (bound, group)) in farm.shards.iter().enumerate() {
            tables.push(&ShardRow {
                schema: "db".into(),
                table: "t".into(),
                column: "id".into(),
                lower_bound: bound.to_string().into(),
                shard_id: at as i64 + 1,
                type_name: "RANGE".into(),
                group: (*group).into(),
                global_group: "global".into(),
                read_only: false,
            });
        }
        ask.asker.source_answered();
        let (about, rows) = (wanted.about(), tables.into());
        let content = Content::Rows { about, rows, rejected: Vec::new() };
        Ok(Answer { asked_at, interval: MAPS_INTERVAL, content }.into())
    }
}

/// Knows the servers, and nothing of shards.
struct Servers(Arc<Shared>);

impl Source for Servers {
    fn name(&self) -> String {
        "the list of servers".into()
    }

    fn unsupported(&self) -> Error {
        Error::new(Code::NotSeeded, "a list of servers takes no orders")
    }

    fn identity(&self) -> String {
        "the list of servers".into()
    }

    fn nodes(&self) -> Vec<NodeState> {
        let node = Node { host: "list".into(), port: 1 };
        let member = Node { host: "member".into(), port: 2 };
        let silence = Some(Silence { since: 0, why: "refused".into() });
        let group = Some("one".into());
        vec![
            NodeState { node, is_source: true, group: None, silence: None },
            NodeState { node: member, is_source: false, group, silence },
        ]
    }
}

impl GroupSource for Servers {
    fn groups(&self, wanted: &Wanted<'_>, ask: &Ask<'_>) -> Result<GroupAnswers> {
        let asked_at = ask.asker.now();
        self.0.groups_asked.fetch_add(1, Ordering::Relaxed);
        let _open =
            wanted.names.contains("three").then(|| self.0.three.lock().expect("unpoisoned"));
        let farm = self.0.farm();
        if farm.groups_fail || farm.unreachable.iter().any(|name| wanted.names.contains(*name)) {
            return Err(down("groups"));
        }
        if farm.groups_unchanged {
            let content = Content::Unchanged { confirmed: asked_at as i64 };
            return Ok(Answer { asked_at, interval: GROUPS_INTERVAL, content }.into());
        }
        let wants = |group: &str| wanted.everything || wanted.names.contains(group);
        let groups = farm.groups.keys().filter(|group| wants(group));
        let rows = groups.flat_map(|group| farm.servers(group)).collect::<Vec<_>>().into();
        ask.asker.source_answered();
        let content = Content::Rows { about: wanted.about(), rows, rejected: Vec::new() };
        Ok(Answer { asked_at, interval: GROUPS_INTERVAL, content }.into())
    }
}

/// Finds out about each group by itself, in an interval of its own: shorter while it has no primary,
/// and it says why that is so.
struct Discovery {
    shared: Arc<Shared>,
    /// When each group is due, and how often it was asked for.
    groups: Arc<Mutex<BTreeMap<String, (u64, usize)>>>,
    handle: Arc<OnceLock<Weak<dyn AskAgain>>>,
    /// Whether it has heard the servers themselves.
    hears: bool,
}

const WITH_PRIMARY: Duration = Duration::from_secs(600);
const WITHOUT: Duration = Duration::from_millis(30);
const NO_MAJORITY: &str = "no majority of its members is online";

impl Source for Discovery {
    fn unsupported(&self) -> Error {
        Error::new(Code::NotSeeded, "members take no orders")
    }

    fn attach(&self, handle: Weak<dyn AskAgain>) {
        assert!(self.handle.set(handle).is_ok(), "once");
    }
}

impl GroupSource for Discovery {
    fn groups(&self, wanted: &Wanted<'_>, ask: &Ask<'_>) -> Result<GroupAnswers> {
        let (now, farm) = (ask.asker.now(), self.shared.farm());
        let mut groups = self.groups.lock().expect("unpoisoned");
        let names = match wanted.everything {
            true => farm.groups.keys().map(|name| (*name).to_owned()).collect(),
            false => wanted.names.clone(),
        };
        let mut found = GroupAnswers::default();
        for name in names {
            let (due, asked) = groups.entry(name.clone()).or_default();
            if *due > now && !(wanted.is_stale)(&name) {
                continue;
            }
            let is_headless = farm.headless.contains(&&*name);
            // A question of the millisecond of a report may be from before it.
            let interval = if is_headless || self.hears { WITHOUT } else { WITH_PRIMARY };
            (*due, *asked) = (now + interval.as_millis() as u64, *asked + 1);
            let reasons = is_headless.then(|| (name.clone(), NO_MAJORITY.into()));
            let servers = farm.servers(&name);
            let heard = servers.iter().filter(|_| self.hears).map(|row| row.server.uuid.clone());
            let heard = heard.collect();
            let rows = Groups { servers, reasons: reasons.into_iter().collect(), heard };
            let about = About::Names([name].into());
            let content = Content::Rows { about, rows, rejected: Vec::new() };
            found.answers.push(Answer { asked_at: now, interval, content });
        }
        ask.asker.source_answered();
        Ok(found)
    }
}

fn farm() -> Arc<Shared> {
    let shared = Arc::<Shared>::default();
    *shared.farm() = Farm {
        shards: [(1, "one"), (1_000, "two")].into(),
        groups: [("one", vec![11, 12]), ("two", vec![21, 22]), ("global", vec![91])].into(),
        ..Farm::default()
    };
    shared
}

fn router(shared: &Arc<Shared>, config: Config) -> Router {
    let (maps, groups) = (Shards(Arc::clone(shared)), Servers(Arc::clone(shared)));
    Router::with_sources(Config { log: Log::default(), ..config }, Sources::two(maps, groups))
}

fn listening(shared: &Arc<Shared>, config: Config) -> (Router, Receiver<Delivery>) {
    let (heard, events) = mpsc::channel();
    let heard = Mutex::new(heard);
    let listener = Listener::new(move |delivery: &Delivery| {
        // The test may have heard enough.
        let _ = heard.lock().expect("unpoisoned").send(delivery.clone());
    });
    (router(shared, Config { events: listener, ..config }), events)
}

/// The next event of this kind.
fn hear(events: &Receiver<Delivery>, kind: Kind) -> Delivery {
    loop {
        let heard = events.recv_timeout(SOON).expect("an event");
        if heard.event.kind == kind {
            return heard;
        }
    }
}

fn port(router: &Router, key: i64, purpose: Purpose) -> Result<u16> {
    let key = Some(Key::Integer(key));
    router.shard_server(&[b"db.t"], key, Scope::Local, purpose, |_, server| Ok(server.port))
}

fn primary(router: &Router, key: i64) -> Result<u16> {
    port(router, key, Purpose::Primary)
}

fn code<T: std::fmt::Debug>(outcome: Result<T>) -> Code {
    outcome.expect_err("a refusal").code
}

fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < SOON, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn lookups_go_by_the_maps_of_one_and_the_servers_of_the_other() {
    let shared = farm();
    let router = router(&shared, Config::default());
    assert_eq!(router.ttl(), None);
    assert_eq!(primary(&router, 7).expect("a server"), 11);
    assert_eq!(primary(&router, 1_000).expect("a server"), 21);
    assert_eq!(port(&router, 7, Purpose::Reader).expect("a server"), 12);
    let global =
        router.shard_server(&[b"db.t"], None, Scope::Global, Purpose::Primary, |_, s| Ok(s.port));
    assert_eq!(global.expect("a server"), 91);
    assert_eq!(code(primary(&router, 0)), Code::KeyOutOfRange);
    let unknown = router.table("db.unknown", |_, _| Ok(()));
    assert_eq!(code(unknown), Code::UnknownTable);
    assert_eq!(
        code(router.group_server("nowhere", Purpose::Primary, |_, _| Ok(()))),
        Code::UnknownGroup
    );
    assert_eq!(router.ttl(), Some(GROUPS_INTERVAL.as_millis() as u64), "the shorter one");
    assert_eq!(router.identity(), "the list of servers");
    let numbers = router.metrics();
    assert_eq!(
        (numbers.nodes_known, numbers.nodes_up),
        (1, 1),
        "a member is no node of the source"
    );
    assert_eq!(router.fabric_nodes().expect("nodes").len(), 1);
    let [of_source, member] = router.known_nodes().try_into().expect("both are asked");
    assert!(of_source.is_source && of_source.silence.is_none());
    assert_eq!((member.node.port, member.group.as_deref()), (2, Some("one")));
    let (silent_for, why) = member.silence.expect("it does not answer");
    assert!(silent_for > 0 && why == "refused");

    // What they cannot do says so.
    let refused = router.execute("manage", "ping", &[]).expect_err("a refusal");
    assert_eq!(
        (refused.code, &*refused.message),
        (Code::NotSeeded, "a list of shards takes no orders")
    );
    let node = Node { host: "h".into(), port: 1 };
    assert_eq!(code(router.seed(Some(node))), Code::NotSeeded);
    router.seed(None).expect("the whole farm");
}

/// What a service reads of its farm names the sources, where it names any, and no other.
#[test]
fn messages_name_the_sources_that_are_asked() {
    let messages = Arc::<Mutex<Vec<String>>>::default();
    let written = Arc::clone(&messages);
    let log = Log::new(Level::Debug, move |_, message| {
        written.lock().expect("unpoisoned").push(message.to_owned());
    });
    let shared = Arc::<Shared>::default();
    let (maps, groups) = (Shards(Arc::clone(&shared)), Servers(Arc::clone(&shared)));
    let config =
        Config { log, background_refresh: false, connect_attempts: 1, ..Config::default() };
    let router = Router::with_sources(config, Sources::two(maps, groups));
    let group = |name| router.group_server(name, Purpose::Primary, |_, s| Ok(s.port));
    router.seed(None).expect("an empty farm");
    let empty = primary(&router, 7).expect_err("no table").message;
    assert!(empty.contains("is listed by the list of shards and the list of servers:"), "{empty}");

    *shared.farm() = std::mem::take(&mut *farm().farm());
    router.seed(None).expect("seeded");
    let mut refusals = vec![
        group("nowhere").expect_err("no group"),
        router.table("db.unknown", |_, _| Ok(())).expect_err("no table"),
    ];
    router.report_result("uuid-21", 1290);
    refusals.push(primary(&router, 1_000).expect_err("writes are held"));
    shared.farm().shards.remove(&1_000);
    shared.farm().groups.insert("one", Vec::new());
    router.seed(None).expect("one shard less");
    refusals.push(primary(&router, 7).expect_err("no server"));
    refusals.push(primary(&router, 1_000).expect_err("the shard is not listed any more"));
    shared.farm().fail(true);
    router.reset_cache(None);
    let _ = primary(&router, 7);
    let written = messages.lock().expect("unpoisoned").clone();
    let gone = "the list of shards and the list of servers gave no new topology";
    assert!(written.iter().any(|message| message.contains(gone)), "{written:?}");
    assert!(
        written.iter().any(|message| message.contains("is not listed any more")),
        "{written:?}"
    );
    for message in refusals.iter().map(|error| &error.message).chain(&written).chain([&empty]) {
        assert!(!message.contains("Fabric"), "{message}");
    }
}

#[test]
fn each_question_is_asked_in_its_own_interval() {
    let shared = farm();
    let router = router(&shared, Config { refresh_share_percent: 100, ..Config::default() });
    router.seed(None).expect("seeded");
    let begun = Instant::now();
    let before = shared.maps_asked.load(Ordering::Relaxed);
    eventually("servers are asked for time and again", || {
        shared.groups_asked.load(Ordering::Relaxed) > 30
    });
    let asked = shared.maps_asked.load(Ordering::Relaxed) - before;
    // Not before the refresh that is the last one within the interval.
    let least = MAPS_INTERVAL - 2 * GROUPS_INTERVAL;
    let most = 1 + begun.elapsed().as_millis() / least.as_millis();
    assert!(asked as u128 <= most, "{asked} in {:?}", begun.elapsed());
    eventually("maps are asked for, too", || shared.maps_asked.load(Ordering::Relaxed) > before);

    // A shard moves, and that is found out without any lookup.
    shared.farm().shards.insert(5_000, "one");
    eventually("the new map", || primary(&router, 5_000).is_ok_and(|port| port == 11));
}

/// No source has said by then how soon to ask again.
#[test]
fn a_source_that_is_down_at_first_is_asked_in_its_interval_later() {
    let shared = farm();
    shared.farm().fail(true);
    let router = router(&shared, Config { connect_attempts: 1, ..Config::default() });
    assert_eq!(code(primary(&router, 7)), Code::Unreachable);
    shared.farm().fail(false);
    eventually("the sources are up", || primary(&router, 7).is_ok());
    let before = primary(&router, 7).expect("known");
    let group = shared.farm().shards.range(..=7).next_back().map(|(_, group)| *group);
    let group = group.expect("a shard");
    shared.farm().groups.get_mut(group).expect("its servers").rotate_left(1);
    eventually("the new primary", || primary(&router, 7).is_ok_and(|now| now != before));
}

#[test]
fn events_tell_of_both() {
    let shared = farm();
    let (router, events) = listening(&shared, Config::default());
    router.seed(None).expect("seeded");
    hear(&events, Kind::Ready);
    hear(&events, Kind::TopologyChanged);
    shared.farm().groups.insert("one", vec![12, 11]);
    let changed = hear(&events, Kind::PrimaryChanged).event;
    assert_eq!((&*changed.group, &*changed.server), ("one", "uuid-12"));
    let generation = router.generation();
    shared.farm().shards.insert(2_000, "one");
    assert!(hear(&events, Kind::TopologyChanged).event.generation > generation);

    // One of the two that is down is no reason not to go by the other.
    shared.farm().maps_fail = true;
    hear(&events, Kind::FabricLost);
    shared.farm().groups.insert("one", vec![11, 12]);
    let changed = hear(&events, Kind::PrimaryChanged).event;
    assert_eq!((&*changed.group, &*changed.server), ("one", "uuid-11"));
    assert_eq!(primary(&router, 2_000).expect("from what is known"), 11);
    shared.farm().maps_fail = false;
    hear(&events, Kind::FabricBack);

    // What services tell of their servers, as with any source.
    router.report_result("uuid-12", 2003);
    assert_eq!(&*hear(&events, Kind::ServerQuarantined).event.server, "uuid-12");
    assert_eq!(port(&router, 7, Purpose::Reader).expect("who is left"), 11);
    router.report_result("uuid-21", 1290);
    assert_eq!(&*hear(&events, Kind::WritesHeld).event.group, "two");
    assert_eq!(code(primary(&router, 1_500)), Code::WriteHeld);
}

#[test]
fn waits_end_with_the_news_of_either() {
    let shared = farm();
    let router = router(&shared, Config::default());
    router.seed(None).expect("seeded");
    let wait = |key| {
        let key = Some(Key::Integer(key));
        router.shard_server_wait(&[b"db.t"], key, Scope::Local, Purpose::Primary, SOON, |_, s| {
            Ok(s.port)
        })
    };
    shared.farm().headless.push("one");
    router.reset_cache(None);
    assert_eq!(code(primary(&router, 7)), Code::NoServer);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| wait(7));
        std::thread::sleep(Duration::from_millis(50));
        shared.farm().headless.clear();
        assert_eq!(waiting.join().expect("no panic").expect("the new primary"), 11);
    });
    let removed = shared.farm().shards.remove(&1_000);
    assert_eq!(removed, Some("two"));
    eventually("its keys are held", || {
        primary(&router, 1_000).is_err_and(|error| error.code == Code::ShardUnavailable)
    });
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| wait(1_000));
        std::thread::sleep(Duration::from_millis(50));
        shared.farm().shards.insert(1_000, "two");
        assert_eq!(waiting.join().expect("no panic").expect("the shard is back"), 21);
    });
}

/// The port of each key's primary, or the status that the key failed for, and the outcome.
fn ports(router: &Router, keys: &[i64]) -> Result<(Vec<std::result::Result<u16, i32>>, Outcome)> {
    let keys: Vec<_> = keys.iter().map(|key| Key::Integer(*key)).collect();
    let tables: [&[u8]; 1] = [b"db.t"];
    let batch =
        Batch { tables: &tables, scope: Scope::Local, wanted: Purpose::Primary, fits: |_| Ok(()) };
    let mut ports = Vec::new();
    let mut slots = [Slot::EMPTY; CHUNK];
    let pass = |session: &mut Session<'_, '_>| {
        session.resolve(Keys::Any(&keys), &[], &mut slots);
        ports = session.met().1.map(|chosen| chosen.server().expect("a server").port).collect();
    };
    let outcome =
        ThreadCache::with(|cache| router.servers_of_keys(cache, &batch, keys.len(), pass))?;
    let slots = slots.iter().take(keys.len());
    Ok((slots.map(|slot| slot.index().map(|index| ports[index as usize])).collect(), outcome))
}

#[test]
fn many_keys_are_answered_together() {
    let shared = farm();
    let router = router(&shared, Config::default());
    let (found, outcome) = ports(&router, &[7, 0, 1_000, 8]).expect("answers");
    assert_eq!((outcome.servers, outcome.failed), (2, 1));
    assert_eq!(found, [Ok(11), Err(Code::KeyOutOfRange as i32), Ok(21), Ok(11)]);
    assert_eq!(shared.maps_asked.load(Ordering::Relaxed), 1, "one question for all of them");
}

fn asked_by_callers_alone() -> Config {
    Config { background_refresh: false, connect_attempts: 1, ..Config::default() }
}

#[test]
fn a_group_that_cannot_be_had_refuses_its_keys_and_no_others() {
    let shared = farm();
    let router = router(&shared, asked_by_callers_alone());
    shared.farm().unreachable.push("two");
    let (found, outcome) = ports(&router, &[1_000, 7, 0]).expect("answers");
    let unreachable = Err(Code::Unreachable as i32);
    assert_eq!(
        found,
        [unreachable, Err(Code::Unreachable as i32), Err(Code::KeyOutOfRange as i32)]
    );
    // The question about all groups of the table failed; now those that are wanted are known.
    assert_eq!(primary(&router, 7).expect("a server"), 11);
    let (found, outcome_of_both) = ports(&router, &[1_000, 7, 8]).expect("answers");
    assert_eq!(found, [unreachable, Ok(11), Ok(11)]);
    assert_eq!((outcome.failed, outcome_of_both.failed), (3, 1));
    let (first, why) = outcome_of_both.first.expect("a reason");
    assert_eq!((first, why), (0, primary(&router, 1_000).expect_err("alone it fails, too")));
    shared.farm().unreachable.clear();
    assert_eq!(ports(&router, &[1_000, 7]).expect("answers").0, [Ok(21), Ok(11)]);

    // Without the table there is no key to answer.
    shared.farm().fail(true);
    router.reset_cache(None);
    assert_eq!(ports(&router, &[1_000, 7]).expect("what is known").0, [Ok(21), Ok(11)]);
}

#[test]
fn a_new_group_that_is_no_news_is_asked_for_once() {
    let shared = farm();
    let router = router(&shared, asked_by_callers_alone());
    router.seed(None).expect("seeded");
    router.reset_cache(Some("one"));
    shared.farm().groups_unchanged = true;
    let before = shared.groups_asked.load(Ordering::Relaxed);
    let new = || router.group_server("new", Purpose::Primary, |_, server| Ok(server.port));
    assert_eq!(code(new()), Code::UnknownGroup);
    assert_eq!(shared.groups_asked.load(Ordering::Relaxed), before + 1);
    // So is one that a new shard map names.
    shared.farm().shards.insert(5_000, "newer");
    router.reset_cache(None);
    let before = shared.groups_asked.load(Ordering::Relaxed);
    assert_eq!(code(primary(&router, 5_000)), Code::NoServer);
    assert!(shared.groups_asked.load(Ordering::Relaxed) <= before + 2);

    let mut known = shared.farm();
    known.groups_unchanged = false;
    known.groups.insert("new", vec![31]);
    known.groups.insert("newer", vec![41]);
    drop(known);
    eventually("the new group", || new().is_ok_and(|port| port == 31));
    eventually("the newer group", || primary(&router, 5_000).is_ok_and(|port| port == 41));
}

#[test]
fn a_name_that_is_not_listed_is_asked_for_again_after_a_reset() {
    let shared = farm();
    let router = router(&shared, asked_by_callers_alone());
    let table = || router.table("db.unknown", |_, _| Ok(()));
    let group = || router.group_server("nowhere", Purpose::Primary, |_, _| Ok(()));
    assert_eq!(primary(&router, 7).expect("a server"), 11);
    assert_eq!((code(table()), code(group())), (Code::UnknownTable, Code::UnknownGroup));
    shared.farm().fail(true);
    router.reset_cache(None);
    for _ in 0..2 {
        assert_eq!((code(table()), code(group())), (Code::Unreachable, Code::Unreachable));
        assert_eq!(primary(&router, 7).expect("the old answer"), 11);
    }
    shared.farm().fail(false);
    eventually("they are asked", || {
        (code(table()), code(group())) == (Code::UnknownTable, Code::UnknownGroup)
    });
}

#[test]
fn a_snapshot_file_serves_while_both_are_down() {
    let path = std::env::temp_dir().join(format!("seam-{}.json", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let config = || Config {
        snapshot_file: Some(path.clone()),
        connect_attempts: 1,
        background_refresh: false,
        ..Config::default()
    };
    let shared = farm();
    let first = router(&shared, config());
    assert_eq!(primary(&first, 7).expect("a server"), 11);
    drop(first);
    let (router, events) = listening(&shared, config());
    shared.farm().fail(true);
    assert_eq!(primary(&router, 7).expect("from the file"), 11);
    hear(&events, Kind::Ready);
    shared.farm().groups.insert("one", vec![12, 11]);
    shared.farm().fail(false);
    router.reset_cache(None);
    assert_eq!(primary(&router, 7).expect("from the sources"), 12);
    drop(router);
    std::fs::remove_file(&path).expect("it was written");
}

#[test]
fn a_source_of_groups_alone_serves_lookups_by_group() {
    let shared = farm();
    let config = Config { log: Log::default(), ..Config::default() };
    let router = Router::with_sources(config, Sources::groups_only(Servers(Arc::clone(&shared))));
    let group = |name: &str| router.group_server(name, Purpose::Primary, |_, s| Ok(s.port));
    let says_why = |error: Error| {
        assert_eq!(error.code, Code::UnknownTable);
        assert!(error.message.contains("table 'db.t'"), "{error}");
        assert!(error.message.contains("has groups and no shard maps"), "{error}");
    };
    // Whether the source was asked yet or not, and whether it answers or not.
    shared.farm().fail(true);
    says_why(primary(&router, 7).expect_err("no table"));
    assert_eq!(code(group("one")), Code::Unreachable);
    shared.farm().fail(false);
    eventually("the source is asked", || group("one").is_ok_and(|port| port == 11));
    says_why(primary(&router, 7).expect_err("no table"));
    says_why(ports(&router, &[7]).expect_err("no table"));
    says_why(router.table("db.t", |_, _| Ok(())).expect_err("no table"));
    says_why(router.open(&["db.t"]).map(drop).expect_err("no table"));
    says_why(router.prefetch(&["db.t"]).expect_err("no table"));
    assert_eq!(code(router.table("db", |_, _| Ok(()))), Code::TableName, "that is said first");

    router.seed(None).expect("all groups");
    assert_eq!(group("two").expect("a server"), 21);
    assert_eq!(code(group("three")), Code::UnknownGroup);
    assert_eq!(router.ttl(), Some(GROUPS_INTERVAL.as_millis() as u64));
    let before = shared.groups_asked.load(Ordering::Relaxed);
    eventually("the groups are kept fresh", || {
        shared.groups_asked.load(Ordering::Relaxed) > before + 5
    });
    shared.farm().groups.insert("two", vec![22, 21]);
    eventually("the new primary", || group("two").is_ok_and(|port| port == 22));
    assert_eq!(shared.maps_asked.load(Ordering::Relaxed), 0);
}

#[test]
fn a_source_of_maps_that_is_down_slows_no_question_for_groups() {
    let shared = farm();
    let (router, events) = listening(
        &shared,
        Config { refresh_share_percent: 100, connect_attempts: 1, ..Config::default() },
    );
    router.seed(None).expect("seeded");
    shared.farm().maps_fail = true;
    hear(&events, Kind::FabricLost);
    let asked = || {
        let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
        (count(&shared.maps_asked), count(&shared.groups_asked))
    };
    let before = asked();
    eventually("groups are asked for in their interval", || asked().1 >= before.1 + 60);
    let (maps, groups) = (asked().0 - before.0, asked().1 - before.1);
    assert!(maps < groups / 2, "maps {maps} times, groups {groups} times");
    assert!(
        events.try_iter().all(|heard| heard.event.kind != Kind::FabricBack),
        "maps are missing"
    );
    shared.farm().maps_fail = false;
    hear(&events, Kind::FabricBack);
}

#[test]
fn a_source_of_maps_that_hangs_keeps_no_question_for_groups_waiting() {
    let shared = farm();
    let router = router(&shared, Config { refresh_share_percent: 100, ..Config::default() });
    router.seed(None).expect("seeded");
    let gate = shared.gate.lock().expect("unpoisoned");
    let before = shared.maps_asked.load(Ordering::Relaxed);
    eventually("maps are asked for", || shared.maps_asked.load(Ordering::Relaxed) > before);
    shared.farm().groups.insert("one", vec![12, 11]);
    let is_new = |port: u16| port == 12;
    eventually("the new primary", || primary(&router, 7).is_ok_and(is_new));
    let asked = shared.groups_asked.load(Ordering::Relaxed);
    eventually("groups are asked for on", || {
        shared.groups_asked.load(Ordering::Relaxed) > asked + 5
    });
    assert_eq!(shared.maps_asked.load(Ordering::Relaxed), before + 1, "it still hangs");
    drop(gate);
}

#[test]
fn a_source_of_groups_that_hangs_keeps_no_new_map_waiting() {
    let shared = farm();
    let router = router(&shared, Config { refresh_share_percent: 100, ..Config::default() });
    router.seed(None).expect("seeded");
    let gate = shared.three.lock().expect("unpoisoned");
    shared.farm().shards = [(1, "one"), (1_000, "one"), (2_000, "three")].into();
    let begun = Instant::now();
    while primary(&router, 1_000).expect("a server") != 11 {
        if begun.elapsed() > Duration::from_secs(10) {
            drop(gate);
            panic!("keys that have moved go where they were while a group hangs");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(gate);
}

type Lines = Arc<Mutex<Vec<(Level, String)>>>;

/// A handle that asks for its callers alone, and what it logs.
fn logging(shared: &Arc<Shared>, config: Config) -> (Router, Lines) {
    let lines = Lines::default();
    let kept = Arc::clone(&lines);
    let log = Log::new(Level::Debug, move |level, line| {
        kept.lock().expect("unpoisoned").push((level, line.to_owned()));
    });
    let (maps, groups) = (Shards(Arc::clone(shared)), Servers(Arc::clone(shared)));
    let config = Config { log, background_refresh: false, ..config };
    (Router::with_sources(config, Sources::two(maps, groups)), lines)
}

/// How many lines of a level there are with a text, and forgets them all.
fn take_lines(lines: &Lines, of: Level, text: &str) -> usize {
    let taken = std::mem::take(&mut *lines.lock().expect("unpoisoned"));
    taken.iter().filter(|(level, line)| *level == of && line.contains(text)).count()
}

#[test]
fn the_end_of_a_callers_own_time_is_no_error() {
    let shared = farm();
    let (router, lines) = logging(&shared, Config::default());
    let gate = shared.gate.lock().expect("unpoisoned");
    let wait = |most| {
        let (key, wanted) = (Some(Key::Integer(7)), Purpose::Primary);
        router.shard_server_wait(&[b"db.t"], key, Scope::Local, wanted, most, |_, _| Ok(()))
    };
    for _ in 0..4 {
        assert_eq!(code(wait(Duration::from_millis(20))), Code::Timeout);
    }
    assert_eq!(lines.lock().expect("unpoisoned").iter().filter(|l| l.0 == Level::Error).count(), 0);
    assert_eq!(take_lines(&lines, Level::Debug, "20 ms of the call's deadline"), 4);
    let waiting = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| wait(SOON));
        while !waiting.is_finished() {
            router.interrupt();
            std::thread::sleep(Duration::from_millis(1));
        }
        waiting.join().expect("no panic")
    });
    assert_eq!(code(waiting), Code::Interrupted);
    assert_eq!(take_lines(&lines, Level::Error, ""), 0);
    drop(gate);
}

#[test]
fn of_all_who_wait_for_one_fetch_the_first_logs_its_failure() {
    const CALLERS: usize = 100;
    let shared = farm();
    for (most, fails, said) in [(200, false, "within the 200 ms"), (30_000, true, "is down")] {
        let config = Config { lookup_timeout: Duration::from_millis(most), ..Config::default() };
        let (router, lines) = logging(&shared, Config { connect_attempts: 1, ..config });
        let gate = shared.gate.lock().expect("unpoisoned");
        let asked = || shared.maps_asked.load(Ordering::Relaxed);
        let before = asked();
        std::thread::scope(|scope| {
            let callers: Vec<_> =
                (0..CALLERS).map(|_| scope.spawn(|| primary(&router, 7))).collect();
            if fails {
                eventually("somebody waits", || asked() > before);
                shared.farm().maps_fail = true;
                drop(gate);
            }
            for caller in callers {
                let expected = if fails { Code::Unreachable } else { Code::Timeout };
                assert_eq!(code(caller.join().expect("no panic")), expected);
            }
        });
        // One of each fetch, and one of those who gathered for the next.
        let (errors, fetches) = (take_lines(&lines, Level::Error, said), asked() - before);
        assert!((1..=fetches + 1).contains(&errors), "{errors} of {fetches} fetches");
    }
}

#[test]
fn a_source_that_cannot_be_connected_to_stops_no_other() {
    let shared = farm();
    shared.farm().maps_connect_fails = true;
    let router = router(&shared, Config { connect_attempts: 1, ..Config::default() });
    let group = || router.group_server("one", Purpose::Primary, |_, s| Ok(s.port));
    assert_eq!(group().expect("a server"), 11);
    assert_eq!(code(primary(&router, 7)), Code::Unreachable);
    let before = shared.groups_asked.load(Ordering::Relaxed);
    eventually("groups are kept fresh", || {
        shared.groups_asked.load(Ordering::Relaxed) > before + 5
    });
    assert_eq!(router.fabric_nodes().expect("those of the other").len(), 1);
    shared.farm().maps_connect_fails = false;
    eventually("the maps, too", || primary(&router, 7).is_ok_and(|port| port == 11));
}

#[test]
fn each_group_has_an_interval_of_its_own_and_a_reason_for_what_it_lacks() {
    let shared = farm();
    let (groups, handle) = (Arc::default(), Arc::default());
    let discovery = Discovery {
        shared: Arc::clone(&shared),
        groups: Arc::clone(&groups),
        handle: Arc::clone(&handle),
        hears: false,
    };
    let config = Config { log: Log::default(), refresh_share_percent: 100, ..Config::default() };
    let sources = Sources::two(Shards(Arc::clone(&shared)), discovery);
    let router = Router::with_sources(config, sources);
    let asked = |group: &str| groups.lock().expect("unpoisoned")[group].1;
    router.seed(None).expect("seeded");
    assert_eq!(primary(&router, 7).expect("a server"), 11);

    shared.farm().headless.push("one");
    let handle = handle.get().expect("it was attached").upgrade().expect("it lives");
    handle.group_is_stale("one");
    let why = || primary(&router, 7).err().map(|error| error.message).unwrap_or_default();
    eventually("the reason", || {
        why().contains(&format!("at the moment: {NO_MAJORITY}; try again"))
    });
    eventually("it is asked for time and again", || asked("one") > 20);
    assert_eq!((asked("two"), asked("global")), (1, 1), "not so the others");
    // What services saw of a server changes no reason.
    router.report_result("uuid-12", 2003);
    eventually("the report is in", || router.metrics().servers_quarantined == 1);
    assert!(why().contains(NO_MAJORITY), "{}", why());
    // A group without servers is there all the same.
    let listed = || router.group_servers("one", true, |_, servers| Ok(servers.len()));
    assert_eq!(listed().expect("those that are read"), 2);
    shared.farm().groups.insert("one", Vec::new());
    eventually("it has no servers", || listed().is_err());
    let refused = listed().expect_err("none");
    assert_eq!(refused.code, Code::NoServer, "{refused}");
    assert!(refused.message.contains(NO_MAJORITY), "{refused}");
    shared.farm().groups.insert("one", vec![11, 12]);
    shared.farm().headless.clear();
    eventually("the primary is back", || primary(&router, 7).is_ok_and(|port| port == 11));

    let before = asked("two");
    shared.farm().groups.insert("two", vec![22, 21]);
    handle.group_is_stale("two");
    eventually("the new primary", || primary(&router, 1_000).is_ok_and(|port| port == 22));
    assert_eq!(asked("two"), before + 1);
    router.report_result("uuid-22", 1290);
    eventually("a report has its group asked for", || asked("two") > before + 1);
}

/// One session that is read-only is no matter of all others.
#[test]
fn a_hold_ends_once_the_primary_says_later_that_it_takes_writes() {
    let long = Duration::from_secs(600);
    for hears in [true, false] {
        let shared = farm();
        let (heard, events) = mpsc::channel();
        let heard = Mutex::new(heard);
        let events_to = Listener::new(move |delivery: &Delivery| {
            // The test may have heard enough.
            let _ = heard.lock().expect("unpoisoned").send(delivery.clone());
        });
        let (groups, handle) = (Arc::default(), Arc::default());
        let discovery = Discovery { shared: Arc::clone(&shared), groups, handle, hears };
        let config = Config {
            log: Log::default(),
            write_hold: long,
            refresh_share_percent: 100,
            events: events_to,
            ..Config::default()
        };
        let sources = Sources::two(Shards(Arc::clone(&shared)), discovery);
        let router = Router::with_sources(config, sources);
        router.seed(None).expect("seeded");
        let wait = |most| {
            router.group_server_wait("two", Purpose::Primary, most, |_, server| Ok(server.port))
        };
        for _ in 0..3 {
            router.report_result("uuid-21", 1290);
            let held = hear(&events, Kind::WritesHeld).event;
            assert_eq!((&*held.group, &*held.server), ("two", "uuid-21"));
            if !hears {
                // Whoever only lists it says nothing of what it takes.
                let asked = Duration::from_millis(300);
                assert_eq!(code(wait(asked)), Code::WriteHeld);
                break;
            }
            assert_eq!(wait(SOON).expect("it takes writes"), 21);
            let over = hear(&events, Kind::WritesReleased).event;
            assert_eq!((&*over.group, &*over.server), ("two", "uuid-21"));
        }
    }
}

/// Lists some groups with their shards at one moment, and only names the others.
struct Directory {
    shared: Arc<Shared>,
    elsewhere: Arc<Mutex<BTreeSet<String>>>,
    /// As it was when it was asked last.
    named: Arc<Mutex<BTreeSet<String>>>,
    /// What it answered last, and its version.
    last: Mutex<(String, u64)>,
}

impl Source for Directory {
    fn unsupported(&self) -> Error {
        Error::new(Code::NotSeeded, "a directory takes no orders")
    }
}

impl WholeSource for Directory {
    fn whole(&self, version: u64, wanted: &Wanted<'_>, ask: &Ask<'_>) -> Result<Whole> {
        let asked_at = ask.asker.now();
        let everything = Wanted { everything: true, ..*wanted };
        let maps = Shards(Arc::clone(&self.shared)).maps(&everything, ask)?.answers.remove(0);
        let elsewhere = self.elsewhere.lock().expect("unpoisoned").clone();
        self.named.lock().expect("unpoisoned").clone_from(&elsewhere);
        let farm = self.shared.farm();
        let names = farm.groups.keys().filter(|name| !elsewhere.contains(**name));
        let rows: Vec<_> = names.flat_map(|name| farm.servers(name)).collect();
        let mut last = self.last.lock().expect("unpoisoned");
        let seen = format!("{rows:?} {:?} {elsewhere:?}", farm.shards);
        if last.0 != seen {
            *last = (seen, last.1 + 1);
        }
        let content = match version == last.1 {
            true => Content::Unchanged { confirmed: asked_at as i64 },
            false => {
                Content::Rows { about: About::Everything, rows: rows.into(), rejected: Vec::new() }
            }
        };
        let groups = Answer { asked_at, interval: MAPS_INTERVAL, content };
        Ok(Whole { version: last.1, maps, groups, elsewhere })
    }
}

impl MapSource for Directory {
    fn maps(&self, wanted: &Wanted<'_>, ask: &Ask<'_>) -> Result<MapAnswers> {
        Ok(self.whole(0, wanted, ask)?.maps.into())
    }

    fn lists_every_shard(&self) -> bool {
        true
    }
}

/// Asks each group that the directory only names, of which some may be out of reach.
struct Members {
    shared: Arc<Shared>,
    named: Arc<Mutex<BTreeSet<String>>>,
}

impl Source for Members {
    fn unsupported(&self) -> Error {
        Error::new(Code::NotSeeded, "members take no orders")
    }
}

impl GroupSource for Members {
    fn groups(&self, wanted: &Wanted<'_>, ask: &Ask<'_>) -> Result<GroupAnswers> {
        let asked_at = ask.asker.now();
        self.shared.groups_asked.fetch_add(1, Ordering::Relaxed);
        let (farm, mut found) = (self.shared.farm(), GroupAnswers::default());
        for name in self.named.lock().expect("unpoisoned").iter() {
            if !wanted.everything && !wanted.names.contains(name) {
                continue;
            }
            if farm.unreachable.contains(&&**name) {
                found.failure = Some(down(name));
                continue;
            }
            let (about, rows) = (About::Names([name.clone()].into()), farm.servers(name).into());
            let content = Content::Rows { about, rows, rejected: Vec::new() };
            found.answers.push(Answer { asked_at, interval: GROUPS_INTERVAL, content });
        }
        Ok(found)
    }

    fn tells_of(&self, group: &str) -> bool {
        self.named.lock().expect("unpoisoned").contains(group)
    }
}

/// A handle whose directory only names groups "two" and "three".
fn with_directory(config: Config) -> (Arc<Shared>, Arc<Mutex<BTreeSet<String>>>, Router) {
    let shared = farm();
    shared.farm().groups.insert("three", vec![31]);
    let elsewhere = Arc::new(Mutex::new(BTreeSet::from(["two".to_owned(), "three".to_owned()])));
    let named = Arc::<Mutex<BTreeSet<String>>>::default();
    let members = Members { shared: Arc::clone(&shared), named: Arc::clone(&named) };
    let directory = Directory {
        shared: Arc::clone(&shared),
        elsewhere: Arc::clone(&elsewhere),
        named,
        last: Mutex::default(),
    };
    let sources = Sources::directory(directory, members);
    let config = Config { log: Log::default(), refresh_share_percent: 100, ..config };
    (shared, elsewhere, Router::with_sources(config, sources))
}

fn group_primary(router: &Router, group: &str) -> Result<u16> {
    router.group_server(group, Purpose::Primary, |_, server| Ok(server.port))
}

#[test]
fn a_directory_leaves_groups_to_those_who_ask_their_members() {
    for background_refresh in [true, false] {
        let (shared, elsewhere, router) =
            with_directory(Config { background_refresh, ..Config::default() });
        assert_eq!(primary(&router, 7).expect("a listed group"), 11);
        assert_eq!(primary(&router, 1_000).expect("a group that is asked"), 21);
        assert_eq!(group_primary(&router, "three").expect("no shard is there"), 31);
        assert_eq!(code(group_primary(&router, "four")), Code::UnknownGroup);
        shared.farm().groups.insert("two", vec![22, 21]);
        shared.farm().groups.insert("one", vec![12, 11]);
        eventually("both have new primaries", || {
            primary(&router, 7).ok() == Some(12) && primary(&router, 1_000).ok() == Some(22)
        });
        // A group changes hands, one way and back, and is there all the time.
        elsewhere.lock().expect("unpoisoned").insert("one".into());
        shared.farm().groups.insert("one", vec![11, 12]);
        eventually("a group that was listed", || primary(&router, 7).expect("its servers") == 11);
        elsewhere.lock().expect("unpoisoned").remove("one");
        shared.farm().groups.insert("one", vec![12, 11]);
        eventually("it is listed again", || primary(&router, 7).expect("its servers") == 12);
        // One that nobody names any more is none.
        elsewhere.lock().expect("unpoisoned").remove("three");
        shared.farm().groups.remove("three");
        eventually("a group that is gone", || {
            group_primary(&router, "three")
                .is_err_and(|e| matches!(e.code, Code::UnknownGroup | Code::NoServer))
        });
    }
}

#[test]
fn a_directory_that_hangs_or_fails_keeps_nobody_from_the_members() {
    let (shared, _, router) = with_directory(Config::default());
    assert_eq!(primary(&router, 1_000).expect("a group that is asked"), 21);
    shared.farm().maps_fail = true;
    shared.farm().groups.insert("two", vec![22, 21]);
    eventually("it fails", || primary(&router, 1_000).ok() == Some(22));
    let _closed = shared.gate.lock().expect("unpoisoned");
    shared.farm().groups.insert("two", vec![21, 22]);
    eventually("it hangs", || primary(&router, 1_000).ok() == Some(21));
}

#[test]
fn a_group_out_of_reach_slows_no_question_about_the_others() {
    let (shared, _, router) = with_directory(Config::default());
    router.seed(None).expect("seeded");
    shared.farm().unreachable.push("three");
    std::thread::sleep(4 * GROUPS_INTERVAL);
    let before = shared.groups_asked.load(Ordering::Relaxed);
    // With the pauses of a source that fails it would take minutes.
    eventually("groups are asked for as before", || {
        shared.groups_asked.load(Ordering::Relaxed) >= before + 40
    });
    assert_eq!(group_primary(&router, "three").expect("as it was"), 31);
}
