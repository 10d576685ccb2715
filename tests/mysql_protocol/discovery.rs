//! Discovery of a group whose members do as a test tells them: hang, lie, refuse, or answer nonsense.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use mysqlfabric::base::error::{Code, Error};
use mysqlfabric::config::{Config, Credentials};
use mysqlfabric::observe::log::{Level, Log};
use mysqlfabric::router::Router;
use mysqlfabric::topology::Wanted;
use zeroize::Zeroizing;

use crate::forked::{alone, in_a_child, status_of};
use crate::member::{Answer, Door, Member};

/// What all members of a group say of it, but for one who has something of its own to say.
struct Group {
    view: String,
    primary: usize,
    /// By member: what it answers to a question instead.
    instead: Vec<Option<Answer>>,
}

struct Farm {
    members: Vec<Member>,
    group: Arc<Mutex<Group>>,
}

impl Farm {
    /// A group of three: the first one is its primary.
    fn start() -> Self {
        let listeners: Vec<TcpListener> =
            (0..3).map(|_| TcpListener::bind(("127.0.0.1", 0)).expect("a port")).collect();
        let ports: Vec<u16> =
            listeners.iter().map(|listener| listener.local_addr().expect("it").port()).collect();
        let group = Group { view: "17:3".into(), primary: 0, instead: vec![None; 3] };
        let group = Arc::new(Mutex::new(group));
        let members = listeners.into_iter().enumerate().map(|(number, listener)| {
            let (group, ports) = (Arc::clone(&group), ports.clone());
            Member::on(listener, move |statement| answer(&group, &ports, number, statement))
        });
        Self { members: members.collect(), group }
    }

    fn set(&self, change: impl FnOnce(&mut Group)) {
        change(&mut self.group.lock().expect("the group"));
    }

    fn instead(&self, member: usize, answer: Answer) {
        self.set(|group| group.instead[member] = Some(answer));
    }

    fn port(&self, member: usize) -> u16 {
        self.members[member].port
    }

    fn config(&self) -> Config {
        let ports = self.members.iter().map(|member| member.port);
        config(&ports.collect::<Vec<_>>())
    }
}

fn answer(group: &Mutex<Group>, ports: &[u16], number: usize, statement: &str) -> Answer {
    if statement.starts_with("SET ") {
        return Answer::Ok;
    }
    let group = group.lock().expect("the group");
    if let Some(answer) = &group.instead[number] {
        return answer.clone();
    }
    let text = |text: &str| Some(text.to_owned());
    let rows = ports.iter().enumerate().map(|(other, port)| {
        let read_only = if number == group.primary { "0" } else { "1" };
        let role = if other == group.primary { "PRIMARY" } else { "SECONDARY" };
        vec![
            text(&format!("uuid-{number}")),
            text("1"),
            text(read_only),
            text(read_only),
            text("0"),
            text("the-group"),
            text("1"),
            text(&format!("uuid-{other}")),
            text("127.0.0.1"),
            text(&port.to_string()),
            text("ONLINE"),
            text(role),
            text(&group.view),
            text("0"),
            text("10"),
        ]
    });
    Answer::Rows(rows.collect())
}

fn config(ports: &[u16]) -> Config {
    let hosts: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    let mut config = Config {
        connect_attempts: 1,
        background_refresh: false,
        ttl_min: Duration::from_millis(1),
        ttl_max: Duration::from_millis(1),
        ..Config::default()
    };
    let password = Zeroizing::new("secret".to_owned());
    config.mysql.credentials = Some(Credentials { user: "app".into(), password });
    let url = format!("cluster://app@{}?group=g&kind=group_replication", hosts.join(","));
    config.set_source(&url).expect("a URL");
    config.check().expect("it fits");
    config
}

fn primary(router: &Router) -> Result<u16, Error> {
    router.group_server("g", Wanted::Primary, |_, server| Ok(server.port))
}

/// Has all of it asked anew.
fn asked_anew(router: &Router) -> Result<u16, Error> {
    thread::sleep(Duration::from_millis(5));
    primary(router)
}

#[test]
fn connections_are_kept() {
    let farm = Farm::start();
    let router = Router::new(farm.config());
    for _ in 0..20 {
        assert_eq!(asked_anew(&router).expect("a primary"), farm.port(0));
    }
    for member in &farm.members {
        assert_eq!(member.connections(), 1);
        let statements = member.statements();
        let (settings, questions): (Vec<_>, Vec<_>) =
            statements.iter().partition(|statement| statement.starts_with("SET "));
        assert_eq!(settings.len(), 2, "{settings:?}");
        assert!(settings.iter().any(|statement| statement.contains("'EVENTUAL'")));
        assert!((15..=40).contains(&questions.len()), "one for a round: {}", questions.len());
    }
}

#[test]
fn all_members_are_found_by_one() {
    let farm = Farm::start();
    let router = Router::new(config(&[farm.port(2)]));
    assert_eq!(primary(&router).expect("a primary"), farm.port(0));
    let up = router.metrics().nodes_up;
    assert!(up >= 2, "{up}");
}

#[test]
fn who_does_not_answer_is_known_with_the_reason_and_since_when() {
    let farm = Farm::start();
    let nobody = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let away = nobody.local_addr().expect("it").port();
    drop(nobody);
    let router = Router::new(config(&[farm.port(0), away]));
    let silence = |port| {
        assert_eq!(asked_anew(&router).expect("a primary"), farm.port(0));
        let known = router.known_nodes();
        let known = known.into_iter().find(|known| known.node.port == port);
        let known = known.filter(|known| known.is_source && known.group.as_deref() == Some("g"));
        known.and_then(|known| known.silence)
    };
    let says = |port, text: &str| silence(port).is_some_and(|(_, why)| why.contains(text));
    let eventually = |what: &str, is_so: &dyn Fn() -> bool| {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        }
    };
    eventually("nobody is there", &|| says(away, "cannot be asked"));
    eventually("all others are", &|| router.metrics().nodes_up == 3 && silence(away).is_some());
    assert_eq!(router.metrics().nodes_known, 4);
    let before = silence(away).expect("it is away").0;
    thread::sleep(Duration::from_millis(20));
    eventually("it lasts", &|| silence(away).is_some_and(|(since, _)| since >= before + 20));
    farm.instead(2, Answer::Hang);
    eventually("one hangs", &|| says(farm.port(2), "does not answer within 1000 ms"));
    farm.set(|group| group.instead[2] = None);
    eventually("it is back", &|| {
        let known = router.metrics().nodes_up == 3;
        silence(farm.port(2)).is_none() && known
    });
}

#[test]
fn one_that_hangs_delays_nothing_and_is_asked_over_one_connection() {
    let farm = Farm::start();
    farm.instead(2, Answer::Hang);
    let router = Router::new(farm.config());
    let begun = Instant::now();
    let mut rounds = 0;
    while begun.elapsed() < Duration::from_millis(900) {
        assert_eq!(asked_anew(&router).expect("a primary"), farm.port(0));
        rounds += 1;
    }
    // Each of them would take a second if it were waited for.
    assert!(rounds >= 3, "{rounds}");
    assert_eq!(farm.members[2].connections(), 1);
}

#[test]
fn a_primary_that_hangs_is_no_primary_and_the_next_one_is_seen_meanwhile() {
    let farm = Farm::start();
    farm.instead(0, Answer::Hang);
    let router = Router::new(farm.config());
    let refusal = primary(&router).expect_err("who knows");
    assert_eq!(refusal.code, Code::NoServer, "{refusal}");
    farm.set(|group| (group.view, group.primary) = ("17:4".into(), 1));
    // Nobody has to wait until the first one counts as silent.
    let begun = Instant::now();
    while primary(&router).ok() != Some(farm.port(1)) {
        assert!(begun.elapsed() < Duration::from_secs(20), "never seen");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_group_elects_while_a_member_hangs() {
    let farm = Farm::start();
    let router = Router::new(farm.config());
    assert_eq!(primary(&router).expect("a primary"), farm.port(0));
    farm.instead(0, Answer::Hang);
    let group = Arc::clone(&farm.group);
    let electing = thread::spawn(move || {
        thread::sleep(Duration::from_millis(300));
        let mut group = group.lock().expect("the group");
        (group.view, group.primary) = ("17:4".into(), 2);
    });
    let begun = Instant::now();
    while primary(&router).ok() != Some(farm.port(2)) {
        assert!(begun.elapsed() < Duration::from_secs(20), "never seen");
        thread::sleep(Duration::from_millis(5));
    }
    electing.join().expect("the election");
}

#[test]
fn one_who_lies_alone_changes_nothing() {
    let farm = Farm::start();
    let router = Router::new(farm.config());
    assert_eq!(primary(&router).expect("a primary"), farm.port(0));
    let text = |text: &str| Some(text.to_owned());
    let own = farm.port(2).to_string();
    // A newer view, of a group that is only itself, of which it is the primary and takes writes.
    let row: Vec<Option<String>> = [
        "uuid-2",
        "1",
        "0",
        "0",
        "0",
        "the-group",
        "1",
        "uuid-2",
        "127.0.0.1",
        &own,
        "ONLINE",
        "PRIMARY",
        "17:9999",
        "0",
        "0",
    ]
    .into_iter()
    .map(text)
    .collect();
    for (number, answer) in [
        Answer::Rows(vec![row]),
        Answer::Rows(vec![vec![None; 15]; 3]),
        Answer::Rows(vec![vec![text("-1"); 15]; 3]),
        Answer::Rows(vec![vec![text("x")]]),
        Answer::Rows(Vec::new()),
        Answer::Ok,
        Answer::Garbage,
        Answer::Close,
        Answer::Error(1064, "You have an error".into()),
        Answer::Error(1193, "Unknown system variable 'read_only'".into()),
        Answer::Many(1_000_000),
    ]
    .into_iter()
    .enumerate()
    {
        farm.instead(2, answer);
        for _ in 0..3 {
            let found = asked_anew(&router);
            // A group of its own with a newer view may leave the others without a word, and gets none.
            let is_first = found.as_ref().is_ok_and(|port| *port == farm.port(0));
            assert!(is_first || found.is_err(), "{number}: {found:?}");
        }
    }
    farm.set(|group| group.instead[2] = None);
    assert_eq!(asked_anew(&router).expect("a primary"), farm.port(0));
}

/// What a group of one server says.
fn refusal(answer: Answer) -> (Error, Duration) {
    let member = Member::start(move |statement| match statement.starts_with("SET ") {
        true => Answer::Ok,
        false => answer.clone(),
    });
    let begun = Instant::now();
    let refusal = primary(&Router::new(config(&[member.port]))).expect_err("no group");
    (refusal, begun.elapsed())
}

#[test]
fn what_is_no_answer_is_a_status_in_time() {
    for (answer, code, said) in [
        (Answer::Many(1_000_000), Code::ReplyTooLarge, "answers more than"),
        (Answer::Garbage, Code::Protocol, "check that the address is a MySQL server's"),
        (Answer::Ok, Code::Protocol, "without a row"),
        (Answer::Rows(vec![vec![None; 15]]), Code::Protocol, "which server it is"),
        (Answer::Hang, Code::Timeout, "does not answer"),
        (Answer::Drip, Code::Timeout, "does not answer"),
        (Answer::Close, Code::Unreachable, "closes the connection"),
    ] {
        let (error, took) = refusal(answer);
        assert_eq!(error.code, code, "{error}");
        assert!(error.message.contains(said), "{error}");
        assert!(took < Duration::from_secs(15), "{took:?}: {error}");
    }
}

#[test]
fn what_is_no_server_is_said() {
    for (door, code) in
        [(Door::Http, Code::Protocol), (Door::Silent, Code::Timeout), (Door::Locked, Code::Auth)]
    {
        let member = Member::start(|_| Answer::Ok);
        member.set_door(door);
        let error = primary(&Router::new(config(&[member.port]))).expect_err("no group");
        assert_eq!(error.code, code, "{error}");
    }
}

#[test]
fn a_refused_password_is_not_tried_at_every_round() {
    let farm = Farm::start();
    farm.members[1].set_door(Door::Locked);
    let lines = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&lines);
    let log = Log::new(Level::Info, move |_, line| told.lock().expect("it").push(line.to_owned()));
    let router = Router::new(Config { log, ..farm.config() });
    for _ in 0..20 {
        assert_eq!(asked_anew(&router).expect("two of three"), farm.port(0));
        router.reset_cache(None);
    }
    assert_eq!(farm.members[1].connections(), 1);
    let lines = lines.lock().expect("lines");
    let of_member = format!("127.0.0.1:{} does not let user \"app\" in", farm.port(1));
    assert_eq!(lines.iter().filter(|line| line.contains(&of_member)).count(), 1, "{lines:?}");
}

#[test]
fn a_server_that_comes_back_is_seen() {
    let farm = Farm::start();
    let router = Router::new(farm.config());
    assert_eq!(primary(&router).expect("a primary"), farm.port(0));
    // As a server does that is started anew: what was open breaks.
    farm.instead(0, Answer::Close);
    assert!(asked_anew(&router).is_err(), "its own word is missing");
    farm.set(|group| group.instead[0] = None);
    let begun = Instant::now();
    while asked_anew(&router).ok() != Some(farm.port(0)) {
        assert!(begun.elapsed() < Duration::from_secs(20), "never seen");
    }
}

/// A login takes several ways back and forth, and rounds begin seldom.
#[test]
fn servers_that_come_back_over_a_slow_link_are_seen() {
    let farm = Farm::start();
    let router = Router::new(farm.config());
    assert_eq!(primary(&router).expect("a primary"), farm.port(0));
    for (number, member) in farm.members.iter().enumerate() {
        member.set_delay(Duration::from_millis(30));
        farm.instead(number, Answer::Close);
    }
    let seldom = Duration::from_millis(1500);
    for _ in 0..3 {
        thread::sleep(seldom);
        _ = primary(&router);
    }
    farm.set(|group| (group.instead, group.primary) = (vec![None; 3], 1));
    let begun = Instant::now();
    while primary(&router).ok() != Some(farm.port(1)) {
        assert!(begun.elapsed() < Duration::from_secs(20), "never seen");
        thread::sleep(seldom);
    }
}

#[test]
fn a_handle_that_is_freed_waits_for_no_round() {
    // One that hangs takes a second of every round.
    let took = (0..5).map(|_| {
        let member = Member::start(|statement| match statement.starts_with("SET ") {
            true => Answer::Ok,
            false => Answer::Hang,
        });
        let router = Arc::new(Router::new(config(&[member.port])));
        let asking = Arc::clone(&router);
        let waits = thread::spawn(move || primary(&asking));
        let begun = Instant::now();
        while member.statements().len() < 3 {
            assert!(begun.elapsed() < Duration::from_secs(20), "never asked");
            thread::sleep(Duration::from_millis(1));
        }
        let closed = Instant::now();
        router.close();
        assert!(waits.join().expect("no panic").is_err());
        closed.elapsed()
    });
    let quickest = took.min().expect("five");
    assert!(quickest < Duration::from_millis(700), "{quickest:?}");
}

#[test]
fn a_child_has_connections_of_its_own() {
    alone("discovery::a_child_has_connections_of_its_own", || {
        let farm = Farm::start();
        let router = Router::new(farm.config());
        assert_eq!(primary(&router).expect("a primary"), farm.port(0));
        // The child's clients are served by threads of its parent.
        let before = farm.members[0].by_connection()[0];
        let child = in_a_child(|| asked_anew(&router).is_ok_and(|port| port == farm.port(0)));
        assert_eq!(status_of(child), 0);
        let counts = farm.members[0].by_connection();
        assert_eq!((counts[0], counts.len()), (before, 2), "not a word over its parent's");
        assert!(counts[1] > 0);
        assert_eq!(asked_anew(&router).expect("a primary"), farm.port(0));
        assert!(farm.members[0].by_connection()[0] > before, "which its parent uses on");
    });
}

/// By a handle that tries three times, with a pause between that no test waits out.
fn refused(config: Config, group: &str) -> (Error, Duration) {
    let mut config = config;
    (config.connect_attempts, config.connect_delay) = (3, Duration::from_secs(100));
    config.lookup_timeout = Duration::from_secs(60);
    let router = Router::new(config);
    let begun = Instant::now();
    let outcome = router.group_server(group, Wanted::Primary, |_, server| Ok(server.port));
    (outcome.expect_err("no group"), begun.elapsed())
}

#[test]
fn a_refused_password_is_said_at_once() {
    let farm = Farm::start();
    farm.members.iter().for_each(|member| member.set_door(Door::Locked));
    let (error, took) = refused(farm.config(), "g");
    assert_eq!(error.code, Code::Auth, "{error}");
    assert!(took < Duration::from_secs(30), "{took:?}");
    // One that is not there says nothing of the password.
    farm.instead(0, Answer::Close);
    farm.members[0].set_door(Door::Open);
    let (error, took) = refused(farm.config(), "g");
    assert_eq!(error.code, Code::Auth, "{error}");
    assert!(took < Duration::from_secs(30), "{took:?}");
}

#[test]
fn who_says_nothing_beside_a_refused_password_is_waited_for_once() {
    let farm = Farm::start();
    let doors = [Door::Locked, Door::Locked, Door::Silent];
    farm.members.iter().zip(doors).for_each(|(member, door)| member.set_door(door));
    let router = Router::new(farm.config());
    let took = (0..10).map(|_| {
        let begun = Instant::now();
        let error = asked_anew(&router).expect_err("no group");
        assert_eq!(error.code, Code::Auth, "{error}");
        begun.elapsed()
    });
    // Each of them would take a second if it were waited for.
    let quickest = took.min().expect("ten");
    assert!(quickest < Duration::from_millis(900), "{quickest:?}");
}

#[test]
fn a_group_without_primary_says_who_lets_nobody_in() {
    let farm = Farm::start();
    farm.members[0].set_door(Door::Locked);
    let error = primary(&Router::new(farm.config())).expect_err("its primary is not heard");
    assert_eq!(error.code, Code::NoServer, "{error}");
    let said = format!("127.0.0.1:{} does not let user \"app\" in", farm.port(0));
    assert_eq!(error.message.matches(&said).count(), 1, "{error}");
}

#[test]
fn a_group_is_called_what_it_was_asked_for_as() {
    let farm = Farm::start();
    let unnamed = |url: &str| {
        let mut config = farm.config();
        config.source = None;
        config.set_source(url).expect("a URL");
        config
    };
    let port = farm.port(0);
    // There is no name but the one that the service asks for.
    let router =
        Router::new(unnamed(&format!("cluster://app@127.0.0.1:{port}?kind=group_replication")));
    let of = |group: &str| router.group_server(group, Wanted::Primary, |_, s| Ok(s.port));
    assert_eq!(of("default").expect("the group"), port);
    let error = of("orders").expect_err("another name");
    assert_eq!(error.code, Code::UnknownGroup);
    for words in ["'orders'", "are group 'default'", "?group="] {
        assert!(error.message.contains(words), "no {words} in {error}");
    }
    farm.members.iter().for_each(|member| member.set_door(Door::Locked));
    let (error, _) = refused(
        unnamed(&format!("cluster://app@127.0.0.1:{port}?kind=group_replication")),
        "orders",
    );
    assert!(error.message.contains("are in group 'orders': "), "{error}");
    let (error, _) = refused(
        unnamed(&format!("cluster://app@127.0.0.1:{port}?kind=group_replication&group=g")),
        "orders",
    );
    assert!(
        error.message.contains("group 'g', the only one there is, and not 'orders'"),
        "{error}"
    );
}
