//! Every session of MySQL-RPC recorded from a real node, played to fabricd: each answer must be the
//! same, byte for byte, but for what is random.

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use common::recorded;
use fabricd::{Farm, Fault, FaultKind, Mapping, Node, Options, Server, Shard, State, Table};
use sha1::{Digest, Sha1};

fn start(farm: Farm) -> Server {
    let options = Options { mysql: Some("127.0.0.1:0".to_owned()), ..Options::new(farm) };
    Server::start(options).unwrap()
}

/// A packet: its number, and what is in it.
type Packet = (u8, Vec<u8>);

fn packets(mut bytes: &[u8]) -> Vec<Packet> {
    let mut packets = Vec::new();
    while let [a, b, c, number, rest @ ..] = bytes {
        let length = usize::from(*a) | usize::from(*b) << 8 | usize::from(*c) << 16;
        packets.push((*number, rest[..length.min(rest.len())].to_vec()));
        bytes = rest.get(length..).unwrap_or_default();
    }
    packets
}

fn wrapped((number, body): &Packet) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_le_bytes();
    [&length[..3], &[*number], body].concat()
}

struct Client {
    stream: TcpStream,
    greeting: Packet,
    scramble: Vec<u8>,
}

impl Client {
    fn connect(server: &Server) -> Client {
        let stream = TcpStream::connect(("127.0.0.1", server.mysql_port().unwrap())).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut client = Client { stream, greeting: (0, Vec::new()), scramble: Vec::new() };
        client.greeting = client.packet().expect("a greeting");
        client.scramble = scramble(&client.greeting.1);
        client
    }

    fn packet(&mut self) -> Option<Packet> {
        let mut head = [0; 4];
        self.stream.read_exact(&mut head).ok()?;
        let length = u32::from_le_bytes([head[0], head[1], head[2], 0]) as usize;
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).ok()?;
        Some((head[3], body))
    }

    fn send(&mut self, packet: &Packet) {
        self.stream.write_all(&wrapped(packet)).unwrap();
    }

    /// The recorded login, with this connection's scramble.
    fn login(&mut self, recorded: &Packet, password: &str) {
        let (number, mut body) = recorded.clone();
        let name = 32 + body[32..].iter().position(|byte| *byte == 0).unwrap();
        if body[name + 1] == 20 {
            let once = Sha1::digest(password);
            let mixed = Sha1::digest([&self.scramble, Sha1::digest(once).as_slice()].concat());
            for (at, (a, b)) in once.iter().zip(mixed).enumerate() {
                body[name + 2 + at] = a ^ b;
            }
        }
        self.send(&(number, body));
    }

    /// Everything until the node closes.
    fn rest(mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).unwrap();
        rest
    }
}

fn scramble(greeting: &[u8]) -> Vec<u8> {
    let at = 1 + greeting[1..].iter().position(|byte| *byte == 0).unwrap() + 1 + 4;
    [&greeting[at..at + 8], &greeting[at + 8 + 19..at + 8 + 19 + 12]].concat()
}

/// Without the connection's number and the scramble.
fn plain(greeting: &[u8]) -> Vec<u8> {
    let mut bytes = greeting.to_vec();
    let at = 1 + bytes[1..].iter().position(|byte| *byte == 0).unwrap() + 1;
    bytes[at..at + 12].fill(0);
    bytes[at + 12 + 19..at + 12 + 19 + 12].fill(0);
    bytes
}

/// The recorded answers, one a command: the first packet of each has the number 1. Whatever comes
/// before is the greeting and the answer to the login.
fn answers(recorded: &[Packet]) -> Vec<Vec<Packet>> {
    let mut answers: Vec<Vec<Packet>> = Vec::new();
    for packet in recorded.iter().skip(2) {
        if packet.0 == 1 {
            answers.push(Vec::new());
        }
        answers.last_mut().expect("an answer begins with 1").push(packet.clone());
    }
    answers
}

/// Not compared, nor what comes after them: by then the farm had other shards than the sample.
const OTHER_SHARDS: [&str; 2] = ["CALL dump.shard_index()", "CALL dump.sharding_information(0,'')"];

/// Mappings that were there when this was recorded, besides those of the sample.
const LATER: [(i64, &str, &str); 12] = [
    (8, "RANGE", "big.t.id"),
    (9, "RANGE_INTEGER", "big.ti.id"),
    (10, "RANGE", "trunc.t.id"),
    (11, "RANGE", "zero.t.id"),
    (12, "RANGE_STRING", "crm.emptylow.name"),
    (13, "RANGE_DATETIME", "log.ev_compact.ts"),
    (14, "RANGE_DATETIME", "log.ev_desc.ts"),
    (15, "RANGE_STRING", "crm.longlow.name"),
    (16, "HASH", "hash1.t.id"),
    (17, "RANGE_STRING", "crm.nonascii.name"),
    (18, "RANGE_DATETIME", "log.ev_time.ts"),
    (19, "RANGE", "num.t.id"),
];

fn farm() -> Farm {
    let older = Farm::sample_generation_1();
    let mut farm = Farm { groups: older.groups, ..Farm::sample() };
    farm.set_shard_state(18, State::Disabled).unwrap();
    for (id, type_name, name) in LATER {
        let [schema, table, column] = name.split('.').collect::<Vec<_>>()[..] else {
            unreachable!()
        };
        let table = Table { schema: schema.into(), table: table.into(), column: column.into() };
        let bounds = [
            (49, "A", "shard1"),
            (50, "\u{c9}", "shard2"),
            (51, "\u{65e5}", "shard3"),
            (52, "\u{1f600}", "shard4"),
        ];
        let shards = bounds.iter().filter(|_| id == 17).map(|(id, bound, group)| Shard {
            id: *id,
            lower_bound: (*bound).to_owned(),
            group: (*group).to_owned(),
            state: State::Enabled,
        });
        farm.mappings.push(Mapping {
            id,
            type_name: type_name.to_owned(),
            global_group: "global".to_owned(),
            tables: vec![table],
            shards: shards.collect(),
        });
    }
    farm.nodes = vec![Node { host: "127.0.0.1".into(), port: 32274, mysql_port: Some(32275) }];
    farm
}

#[test]
fn every_recorded_session() {
    let (mut played, mut failures) = (0, Vec::new());
    let mut cases: Vec<String> = fs::read_dir(recorded("mysql_rpc"))
        .unwrap()
        .filter_map(|entry| {
            entry
                .unwrap()
                .file_name()
                .into_string()
                .unwrap()
                .strip_suffix(".req")
                .map(str::to_owned)
        })
        .collect();
    cases.sort();
    assert_eq!(cases.len(), 11, "{cases:?}");
    for case in cases {
        let file =
            |ending| packets(&fs::read(recorded(&format!("mysql_rpc/{case}.{ending}"))).unwrap());
        let (requests, replies) = (file("req"), file("res"));
        let server = start(farm());
        let mut client = Client::connect(&server);
        assert_eq!(plain(&client.greeting.1), plain(&replies[0].1), "{case}: the greeting");
        let (login, commands) = requests.split_first().unwrap();
        let password = if case == "mysql_wrong_password" { "wrong" } else { "secret" };
        client.login(login, password);
        let Some(welcome) = replies.get(1) else {
            assert!(client.rest().is_empty(), "{case}: closed without a word");
            continue;
        };
        assert_eq!(client.packet().as_ref(), Some(welcome), "{case}: the answer to the login");
        if welcome.1[0] == 0xff {
            assert!(client.rest().is_empty(), "{case}: closed");
            continue;
        }
        let answers = answers(&replies);
        for (command, answer) in commands.iter().zip(&answers) {
            let text = String::from_utf8_lossy(&command.1).into_owned();
            if OTHER_SHARDS.iter().any(|command| text.ends_with(command)) {
                break;
            }
            client.send(command);
            let got: Vec<Packet> = answer.iter().map_while(|_| client.packet()).collect();
            if got != *answer {
                let show = |packets: &[Packet]| {
                    let show =
                        |packet: &Packet| String::from_utf8_lossy(&wrapped(packet)).into_owned();
                    packets.iter().map(show).collect::<Vec<_>>().join("|")
                };
                failures.push(format!(
                    "{case}: {text}\n  want {:?}\n  got  {:?}",
                    show(answer),
                    show(&got)
                ));
                break;
            }
            played += 1;
        }
    }
    assert!(failures.is_empty(), "{} differ\n{}", failures.len(), failures.join("\n"));
    assert_eq!(played, 189);
}

const LOGIN: [u8; 32] = {
    let mut head = [0; 32];
    // LONG_PASSWORD, PROTOCOL_41, SECURE_CONNECTION and MULTI_RESULTS; UTF-8.
    (head[0], head[1], head[2], head[8]) = (0x01, 0x82, 0x02, 33);
    head
};

impl Client {
    fn let_in(server: &Server, user: &str, password: &str) -> Client {
        let mut client = Client::connect(server);
        let body = [&LOGIN, user.as_bytes(), &[0, 20], &[0; 20]].concat();
        client.login(&(1, body), password);
        assert_eq!(client.packet(), Some((2, vec![0; 7])), "{user} is let in");
        client
    }

    fn query(&mut self, text: &str) {
        self.send(&(0, [&[3], text.as_bytes()].concat()));
    }

    fn answer_of(&mut self, text: &str) -> String {
        self.query(text);
        let (_, body) = self.packet().expect("an answer");
        String::from_utf8_lossy(&body).into_owned()
    }
}

/// As many shards as break a connection whose answers are rows of text.
fn wide() -> Farm {
    let mut farm = farm();
    for id in 1000..1300 {
        let shard = Shard {
            id,
            lower_bound: id.to_string(),
            group: "shard1".into(),
            state: State::Enabled,
        };
        farm.mappings[0].shards.push(shard);
    }
    farm
}

#[test]
fn the_numbers_of_packets_do_not_go_round() {
    let server = start(wide());
    let mut client = Client::let_in(&server, "admin", "secret");
    client.query("CALL dump.sharding_information(0,'employees.salaries')");
    let packets = packets(&client.rest());
    assert_eq!(packets.last().map(|packet| packet.0), Some(255));

    let mut client = Client::let_in(&server, "admin", "secret");
    client.answer_of("SET format = json");
    client.query("CALL dump.sharding_information(0,'employees.salaries')");
    let answer: Vec<Packet> = (0..5).map(|_| client.packet().expect("a packet")).collect();
    let text = String::from_utf8_lossy(&answer[3].1).into_owned();
    assert_eq!(text.matches("\"shard_id\"").count(), 303);
    client.answer_of("CALL dump.fabric_nodes()");
}

#[test]
fn users_are_those_of_the_protocol() {
    let mut farm = farm();
    for user in &mut farm.users {
        user.protocol = Some(if user.user == "conn" { "mysql" } else { "xmlrpc" }.to_owned());
    }
    let server = start(farm);
    let mut client = Client::let_in(&server, "conn", "connpw");
    let said = client.answer_of("CALL group.lookup_groups()");
    assert!(said.contains("#42000[Fabric]"), "{said}");
    client.answer_of("CALL dump.servers()");

    let mut client = Client::connect(&server);
    client.login(&(1, [&LOGIN, b"admin".as_slice(), &[0, 20], &[0; 20]].concat()), "secret");
    let (_, said) = client.packet().expect("an answer");
    assert!(String::from_utf8_lossy(&said).contains("Access denied for user 'admin'"));
}

#[test]
fn faults_hit_here_too() {
    let server = start(farm());
    let fault = |kind| server.set_fault(Fault::once(kind).on("dump.servers"));
    let mut client = Client::let_in(&server, "admin", "secret");
    fault(FaultKind::Fault("a word".into()));
    let said = client.answer_of("CALL dump.servers()");
    assert!(said.contains("#22000[Fabric] a word"), "{said}");
    fault(FaultKind::Close);
    client.query("CALL dump.servers()");
    assert!(client.rest().is_empty());
    fault(FaultKind::CloseMidReply);
    let mut client = Client::let_in(&server, "admin", "secret");
    client.query("CALL dump.servers()");
    let half = client.rest();
    assert!(half.len() > 100 && half[half.len() - 5..] != [0xfe, 0, 0, 0, 0]);
    assert_eq!(server.faults_applied(), 3);
    assert_eq!(server.requests().iter().filter(|r| r.path == "mysql").count(), 3);
}
