//! Every request recorded from a real node, sent to fabricd: the answers must be the same,
//! byte for byte, but for what names a moment or is random.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;

use common::{exchange, recorded};
use fabricd::{Farm, FarmServer, Group, Mapping, Node, Options, Server, Shard, State, Table};

/// Not replayed, and why.
const EXCEPTIONS: [(&str, &str); 6] = [
    ("gen1_group_lookup_servers_unknown", NO_ANSWER),
    ("gen1_lookup_below", NO_ANSWER),
    ("gen1_lookup_disabled", NO_ANSWER),
    ("gen1_lookup_unknown", NO_ANSWER),
    ("gen1_report_error_unknown", NO_ANSWER),
    ("gen1_report_failure_unknown", NO_ANSWER),
];
const NO_ANSWER: &str = "only the request was recorded";

/// These use one nonce, in this order.
const SEQUENCE: [&str; 4] = [
    "auth_nonce_reuse_nc1",
    "auth_nonce_reuse_nc2",
    "auth_nonce_replay_nc2_again",
    "auth_nonce_skip_nc5",
];

/// Answers of procedures: full of identifiers and times.
const PROCEDURES: [&str; 8] = [
    "proc_result_async",
    "proc_result_sync",
    "report_error_one",
    "report_failure_already_faulty",
    "report_failure_async",
    "report_failure_long_reporter",
    "report_failure_primary",
    "report_failure_secondary",
];

fn read(case: &str, ending: &str) -> Option<Vec<u8>> {
    fs::read(recorded(&format!("captures/{case}.{ending}"))).ok()
}

fn cases() -> Vec<String> {
    let mut cases: Vec<String> = fs::read_dir(recorded("captures"))
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            name.strip_suffix(".req").map(str::to_owned)
        })
        .collect();
    cases.sort();
    cases
}

fn on_port(mut farm: Farm, port: i64) -> Farm {
    farm.nodes = vec![Node { host: "127.0.0.1".to_owned(), port, mysql_port: None }];
    farm
}

/// The servers of the later recordings; they were made again in between.
fn later() -> Farm {
    Farm { generation: 2, ..Farm::sample_generation_1() }
}

fn with_group(mut farm: Farm, id: &str, uuids: [&str; 3]) -> Farm {
    let servers = uuids.iter().enumerate().map(|(i, uuid)| FarmServer {
        uuid: (*uuid).to_owned(),
        host: "127.0.0.1".to_owned(),
        port: 33661 + i as i64,
        mode: if i == 0 { 3 } else { 1 },
        status: if i == 0 { fabricd::PRIMARY } else { fabricd::SECONDARY },
        weight: 1.0,
    });
    farm.groups.push(Group {
        id: id.to_owned(),
        description: String::new(),
        failure_detector: false,
        servers: servers.collect(),
    });
    farm
}

/// A farm whose dump the recorded answer is.
fn from_dump(case: &str) -> Farm {
    let (_, body) = split(&read(case, "res").unwrap());
    let text = String::from_utf8(body).unwrap();
    let mut cells: Vec<&str> = text
        .lines()
        .filter_map(|l| {
            let cell = l.strip_prefix("<value><string>").or(l.strip_prefix("<value><int>"))?;
            cell.split('<').next()
        })
        .collect();
    // Envelope (version, UUID, TTL, error) and column names.
    cells.drain(..4 + 8);
    let mut farm = Farm::sample();
    let first = &cells[..8];
    let mapping = Mapping {
        id: 100,
        type_name: first[5].to_owned(),
        global_group: first[7].to_owned(),
        tables: vec![Table {
            schema: first[0].to_owned(),
            table: first[1].to_owned(),
            column: first[2].to_owned(),
        }],
        shards: cells
            .chunks(8)
            .map(|row| Shard {
                id: row[4].parse().unwrap(),
                lower_bound: row[3].to_owned(),
                group: row[6].to_owned(),
                state: State::Enabled,
            })
            .collect(),
    };
    farm.mappings.push(mapping);
    farm
}

/// How the node was set up when this was recorded.
fn setup(case: &str) -> Options {
    let early = on_port(Farm::sample(), 32274);
    let mut options = Options::new(match case {
        "gl_unicode" => {
            let mut farm = early;
            farm.groups[0].description = "plain".to_owned();
            farm
        }
        "weight_0_1" => {
            let mut farm = later();
            farm.set_weight("31e352f0-e708-11f1-b00a-02fc00000001", 0.1).unwrap();
            farm
        }
        "report_failure_already_faulty" => {
            let mut farm = later();
            farm.set_status("3206d04b-e708-11f1-b00a-02fc00000001", fabricd::FAULTY).unwrap();
            farm
        }
        "report_failure_primary" => {
            with_group(later(), "ha2", ["467147a2-e70e-11f1-b032-02fc00000001", "second", "third"])
        }
        "tls_fabric_nodes" => on_port(early, 32294),
        "store_down_dump_servers_32274" => later(),
        _ if case.starts_with("store_down_") => on_port(later(), 32284),
        _ if case.starts_with("gen1_") => on_port(Farm::sample_generation_1(), 32304),
        _ if case.starts_with("big_") => from_dump(case),
        _ if case.starts_with("role_") || case.starts_with("report_") => later(),
        _ => early,
    });
    options.store_down = case.starts_with("store_down_");
    options.auth = !(options.store_down && case.ends_with("_32284"));
    options
}

/// Header block and body, the body unpacked.
fn split(reply: &[u8]) -> (String, Vec<u8>) {
    let at = reply.windows(4).position(|w| w == b"\r\n\r\n").map_or(reply.len(), |at| at + 4);
    let head = String::from_utf8(reply[..at].to_vec()).unwrap();
    let body = reply[at..].to_vec();
    if !head.contains("Content-Encoding: gzip\r\n") {
        return (head, body);
    }
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&*body).read_to_end(&mut unpacked).unwrap();
    (head, unpacked)
}

/// Replaces what stands between `start` and `end`, everywhere.
fn blank(text: &str, start: &str, end: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(start) {
        let (_, after) = after.split_once(end).expect("an end for every start");
        out += before;
        out += start;
        out.push('*');
        out += end;
        rest = after;
    }
    out + rest
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

/// Makes two answers comparable, and checks the length the header promises.
fn normal(case: &str, reply: &[u8]) -> (String, String) {
    let (head, body) = split(reply);
    let packed = head.contains("Content-Encoding: gzip\r\n");
    if let Some((_, length)) = head.split_once("Content-length: ") {
        let length: usize = length.split('\r').next().unwrap().parse().unwrap();
        let header = reply.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
        assert_eq!(length, reply.len() - header, "{case}: Content-length");
    }
    let mut head = blank(&head, "Date: ", "\r\n");
    head = blank(&head, "nonce=\"", "\"");
    head = blank(&head, "opaque=\"", "\"");
    let mut body = String::from_utf8(body).unwrap();
    if packed || PROCEDURES.contains(&case) {
        head = blank(&head, "Content-length: ", "\r\n");
    }
    if PROCEDURES.contains(&case) {
        body = blank(&body, "<value><double>", "</double>");
        body = blank(&body, "Event object at 0x", "&gt;");
        // The UUID of the procedure is the first cell; the one before it is the node's.
        let cells: Vec<String> = body
            .split("<value><string>")
            .filter_map(|rest| rest.split('<').next())
            .filter(|cell| is_uuid(cell))
            .map(str::to_owned)
            .collect();
        body = body.replace(&cells[1], "*");
    }
    (head, body)
}

/// An error saying where two answers part.
fn compare(case: &str, server: &Server) -> Result<(), String> {
    let want = read(case, "res").ok_or("no answer was recorded")?;
    let got = exchange(server.port(), &read(case, "req").unwrap());
    if normal(case, &want) == normal(case, &got) {
        return Ok(());
    }
    let show = |reply: &[u8]| {
        let (head, body) = split(reply);
        format!("{head}{}", String::from_utf8_lossy(&body))
    };
    let (want, got) = (show(&want), show(&got));
    let differing = want.lines().zip(got.lines()).filter(|(a, b)| a != b).take(6);
    let lines: Vec<String> = differing.map(|(a, b)| format!("  want {a}\n  got  {b}")).collect();
    Err(format!("{case}: {} / {} bytes\n{}", want.len(), got.len(), lines.join("\n")))
}

#[test]
fn every_recorded_answer() {
    let mut failures = Vec::new();
    let mut replayed: BTreeMap<String, usize> = BTreeMap::new();
    let mut skipped = 0;
    for case in cases() {
        if SEQUENCE.contains(&&*case) {
            continue;
        }
        if EXCEPTIONS.iter().any(|(name, _)| *name == case) {
            assert!(read(&case, "res").is_none(), "{case} has an answer after all");
            skipped += 1;
            continue;
        }
        let server = Server::start(setup(&case)).unwrap();
        failures.extend(compare(&case, &server).err());
        let family = case.split('_').next().unwrap().to_owned();
        *replayed.entry(family).or_default() += 1;
    }
    let server = Server::start(setup(SEQUENCE[0])).unwrap();
    for case in SEQUENCE {
        failures.extend(compare(case, &server).err());
        *replayed.entry("auth".to_owned()).or_default() += 1;
    }
    let total: usize = replayed.values().sum();
    println!("{total} answers replayed, {skipped} exceptions: {replayed:?}");
    assert!(failures.is_empty(), "{} differ\n{}", failures.len(), failures.join("\n"));
    assert_eq!((total, skipped), (203, EXCEPTIONS.len()));
}
