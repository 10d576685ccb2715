//! Fabric's own server, MySQL-RPC, as it was recorded: whole sessions, played again.

use std::fs;
use std::path::PathBuf;

use mysqlfabric::mysql::{Account, Failure, ResultSet, Session};
use serde_json::Value;

use crate::script::{LONG, Server, connect, query};

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "data", "mysql_rpc", name].iter().collect()
}

/// A recorded session: what the server said first, and each statement with the bytes of its answer.
struct Recording {
    greeting: Vec<u8>,
    /// The hash in the answer to it, and the server's answer to that.
    proof: Vec<u8>,
    login: Vec<u8>,
    statements: Vec<(Vec<u8>, Vec<u8>)>,
    told: Vec<Value>,
}

/// Takes a packet off the front, with its header.
fn packet<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let [low, middle, high, ..] = **bytes else { return None };
    let length = usize::from(low) | usize::from(middle) << 8 | usize::from(high) << 16;
    let (packet, rest) = bytes.split_at_checked(length + 4)?;
    *bytes = rest;
    Some(packet)
}

/// Takes all packets of one answer off the front.
fn answer<'a>(bytes: &mut &'a [u8]) -> &'a [u8] {
    let whole = *bytes;
    let is_end = |packet: &[u8]| packet[4] == 0xFE && packet.len() < 13;
    loop {
        let first = packet(bytes).expect("an answer");
        if matches!(first[4], 0 | 0xFF) {
            break;
        }
        let mut ends = 0;
        let more = loop {
            let next = packet(bytes).expect("the rest of it");
            ends += usize::from(is_end(next));
            if ends == 2 {
                break next[7] & 8 != 0;
            }
        };
        if !more {
            break;
        }
    }
    &whole[..whole.len() - bytes.len()]
}

fn recording(name: &str) -> Recording {
    let request = fs::read(path(&format!("{name}.req"))).unwrap();
    let reply = fs::read(path(&format!("{name}.res"))).unwrap();
    let told = fs::read_to_string(path(&format!("{name}.json"))).unwrap();
    let (mut request, mut reply) = (request.as_slice(), reply.as_slice());
    let greeting = packet(&mut reply).unwrap().to_vec();
    let response = packet(&mut request).unwrap();
    let user_end = 4 + 32 + response[36..].iter().position(|byte| *byte == 0).unwrap() + 1;
    let length = usize::from(response[user_end]);
    let proof = response[user_end + 1..][..length].to_vec();
    let login = packet(&mut reply).unwrap_or_default().to_vec();
    let mut statements = Vec::new();
    while let Some(command) = packet(&mut request) {
        if !reply.is_empty() {
            statements.push((command[4..].to_vec(), answer(&mut reply).to_vec()));
        }
    }
    let told = serde_json::from_str(&told).unwrap();
    Recording { greeting, proof, login, statements, told }
}

impl Recording {
    /// Plays it: each statement is answered as it was then.
    fn play(&self, user: &str, same_password: bool) -> Server {
        let Self { greeting, proof, login, statements, .. } = self;
        let (greeting, proof, login) = (greeting.clone(), proof.clone(), login.clone());
        let (statements, user) = (statements.clone(), user.to_owned());
        Server::play(move |peer| {
            peer.raw(&greeting);
            let response = peer.receive().expect("a response");
            let after = [&[0; 23][..], user.as_bytes(), &[0]].concat();
            let at =
                response.windows(after.len()).position(|part| part == after).expect("the user");
            let expected = [&[proof.len() as u8][..], &proof].concat();
            let answered = &response[at + after.len()..];
            assert_eq!(answered.len(), expected.len(), "no plugin, no schema");
            assert!(!same_password || answered == expected);
            peer.raw(&login);
            // That was all of it: the server closed the connection.
            if login.is_empty() {
                return;
            }
            while let Some(command) = peer.receive().filter(|command| command[0] == 3) {
                let known = statements.iter().find(|(recorded, _)| *recorded == command);
                peer.raw(&known.expect("a statement that was recorded").1);
            }
        })
    }
}

/// What the client of the recording understood, as texts.
fn cell(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Object(decimal) => decimal["decimal"].as_str().map(str::to_owned),
        number => Some(number.to_string()),
    }
}

fn cells(set: &ResultSet) -> Vec<Vec<Option<String>>> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let columns = 0..set.columns().len();
    set.rows().map(|row| columns.clone().map(|at| row.get(at).map(text)).collect()).collect()
}

fn is_as_told(session: &mut Session, told: &Value) {
    let Some(statement) = told["stmt"].as_str().filter(|statement| *statement != "COM_PING") else {
        return;
    };
    let answer = query(session, statement);
    if let Some(error) = told["error"].as_array() {
        let Err(Failure::Server(found)) = &answer else { panic!("{statement}: {answer:?}") };
        assert_eq!(u64::from(found.errno), error[0].as_u64().unwrap());
        assert_eq!(found.sqlstate, error[1].as_str().unwrap());
        assert_eq!(found.message, error[2].as_str().unwrap());
        return;
    }
    let sets = answer.unwrap_or_else(|failure| panic!("{statement}: {failure:?}"));
    let results = told["results"].as_array().unwrap();
    let with_rows: Vec<_> = results.iter().filter(|set| set["ok"].is_null()).collect();
    assert_eq!(sets.len(), with_rows.len(), "{statement}");
    for (set, told) in sets.iter().zip(with_rows) {
        let names =
            told["columns"].as_array().unwrap().iter().map(|column| column[0].as_str().unwrap());
        assert_eq!(set.columns(), names.collect::<Vec<_>>());
        let rows = told["rows"].as_array().unwrap().iter();
        let rows: Vec<Vec<_>> =
            rows.map(|row| row.as_array().unwrap().iter().map(cell).collect()).collect();
        assert_eq!(cells(set), rows, "{statement}");
    }
}

#[test]
fn every_answer_is_read_as_it_was() {
    let mut seen = 0;
    for name in [
        "mysql_errors",
        "mysql_fabric_nodes",
        "mysql_json",
        "mysql_other_dumps",
        "mysql_servers",
        "mysql_sharding_information",
        "mysql_unicode",
        "mysql_with_db",
    ] {
        let recording = recording(name);
        let server = recording.play("admin", true);
        let mut session = connect(&server.target, &Account::new("admin", "secret"), LONG).unwrap();
        assert!(session.version().ends_with("-fabric"));
        for told in recording.told.iter().filter(|told| told["exception"].is_null()) {
            is_as_told(&mut session, told);
            seen += 1;
        }
        drop(session);
        server.end();
    }
    assert!(seen > 50, "{seen}");
}

/// Fabric's own lengths of such texts are too short, so its clients could not read the row either;
/// what is written as JSON can be read (above).
#[test]
fn texts_with_other_letters_come_garbled() {
    let recording = recording("mysql_sharding_information");
    let garbled: Vec<_> =
        recording.told.iter().filter(|told| !told["exception"].is_null()).collect();
    assert!(!garbled.is_empty());
    for told in garbled {
        let server = recording.play("admin", true);
        let mut session = connect(&server.target, &Account::new("admin", "secret"), LONG).unwrap();
        let answer = query(&mut session, told["stmt"].as_str().unwrap());
        assert!(matches!(answer, Err(Failure::Protocol(_))), "{answer:?}");
        drop(session);
        server.end();
    }
}

#[test]
fn who_is_not_let_in_is_told_so() {
    for (name, user, password) in
        [("mysql_wrong_password", "admin", "wrong"), ("mysql_unknown_user", "nobody", "secret")]
    {
        let recording = recording(name);
        let told = &recording.told[0]["connect_error"];
        // Which wrong password it was then, nobody wrote down.
        let server = recording.play(user, false);
        let failure = connect(&server.target, &Account::new(user, password), LONG).err().unwrap();
        let Failure::Refused(error) = &failure else { panic!("{failure:?}") };
        assert_eq!(u64::from(error.errno), told[0].as_u64().unwrap());
        assert_eq!(error.message, told[2].as_str().unwrap());
        assert!(failure.is_auth_failure());
        server.end();
    }
}

#[test]
fn an_empty_password_is_answered_by_silence() {
    let recording = recording("mysql_empty_password");
    assert!(recording.proof.is_empty() && recording.login.is_empty());
    let server = recording.play("admin", true);
    let failure = connect(&server.target, &Account::new("admin", ""), LONG).err().unwrap();
    assert!(matches!(failure, Failure::Unreachable(_)), "{failure:?}");
    server.end();
}
