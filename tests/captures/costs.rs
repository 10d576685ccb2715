//! Replies made to cost much: whatever is in them, four times the size costs some four times the
//! time, and all of them together little.

use crate::canned::{Act, Canned, Commands, client, config, ok};
use crate::dumps::{SERVERS, SHARDS, array, dump, response, row, two};
use mysqlfabric::base::error::Code;
use mysqlfabric::config::Config;
use mysqlfabric::router::Router;

/// CPU time of this thread in milliseconds.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e6
}

fn rows(size: usize, row: impl Fn(usize) -> String) -> String {
    let mut all = String::new();
    for at in 0.. {
        if all.len() >= size {
            break;
        }
        all += &row(at);
    }
    all
}

fn times(size: usize, piece: &str) -> String {
    piece.repeat(size / piece.len())
}

/// Documents by the size they are to have.
type Made = (&'static str, fn(usize) -> String);

const DOCUMENTS: &[Made] = &[
    ("blanks first", |n| times(n, " ") + "<methodResponse>"),
    ("line ends first", |n| times(n, "\r\n")),
    ("blanks between tags", |n| format!("<methodResponse>{}<params>", times(n, " \n"))),
    ("blanks at the end", |n| response("") + &times(n, " ")),
    ("a long comment", |n| format!("<!--{}--><methodResponse>", times(n, "- "))),
    ("a comment without end", |n| format!("<!--{}", times(n, "- "))),
    ("many comments", |n| format!("{}<methodResponse>", times(n, "<!---->"))),
    ("comments in a text", |n| response(&times(n, "a<!-- -->"))),
    ("instructions", |n| response(&times(n, "<?a b?>"))),
    ("an instruction without end", |n| format!("<?xml {}", times(n, "? "))),
    ("character data", |n| response(&times(n, "<![CDATA[]]]]>"))),
    ("character data without end", |n| format!("<methodResponse><![CDATA[{}", times(n, "]"))),
    ("a document type", |n| format!("<methodResponse/><!DOCTYPE a [{}", times(n, "<!a>[]"))),
    ("entities", |n| response(&times(n, "&amp;"))),
    ("references", |n| response(&times(n, "&#x41;"))),
    ("a reference without end", |n| response(&format!("&{}", times(n, "a")))),
    ("line ends", |n| response(&times(n, "\r\n\r"))),
    ("attributes", |n| {
        let attributes: String = (0..n / 8).map(|at| format!(" a{at}=''")).collect();
        format!("<methodResponse{attributes}>")
    }),
    ("a long attribute", |n| format!("<methodResponse a='{}'>", times(n, ">"))),
    ("an attribute without end", |n| format!("<methodResponse a='{}", times(n, ">"))),
    ("a long tag", |n| format!("<methodResponse><{}>", times(n, "a"))),
    ("a tag without end", |n| format!("<methodResponse {}", times(n, "a "))),
    ("empty values", |n| response(&array(&times(n, "<value/>")))),
    ("empty arrays", |n| response(&array(&times(n, "<value><array><data/></array></value>")))),
    ("deep arrays", |n| {
        let deep = "<value><array><data>".repeat(60) + &"</data></array></value>".repeat(60);
        response(&array(&times(n, &deep)))
    }),
    ("small structs", |n| {
        let one = "<value><struct><member><name>a</name><value/></member></struct></value>";
        response(&array(&times(n, one)))
    }),
    ("a large struct", |n| {
        let member = |at| format!("<member><name>{at}</name><value/></member>");
        response(&format!("<struct>{}</struct>", rows(n, member)))
    }),
    ("a struct of structs", |n| {
        let member = |at| {
            format!(
                "<member><name>{at}</name><value><struct><member><name>{at}</name><value/></member>\
                 </struct></value></member>"
            )
        };
        response(&format!("<struct>{}</struct>", rows(n, member)))
    }),
    ("columns that are many", |n| {
        let one = |at: usize| {
            let member = |at| format!("<member><name>{at}</name><value/></member>");
            let members: String = (0..8).map(|column| member((at * 7 + column) % 300)).collect();
            format!("<value><struct>{members}</struct></value>")
        };
        response(&array(&rows(n, one)))
    }),
    ("base64", |n| response(&format!("<base64>{}</base64>", times(n, "QUJD")))),
    ("bad base64", |n| response(&format!("<base64>{}*</base64>", times(n, "QU JD")))),
    ("a long integer", |n| response(&format!("<int>{}</int>", times(n, "0")))),
    ("a long double", |n| response(&format!("<double>1.{}1</double>", times(n, "0")))),
    ("a long date", |n| {
        response(&format!("<dateTime.iso8601>{}</dateTime.iso8601>", times(n, "2")))
    }),
    ("an error", |n| {
        let error = times(n, "\n\u{e9}");
        response(&array(&format!(
            "<value><int>1</int></value><value>u</value><value><int>1</int></value>\
             <value>{error}</value><value>{}</value>",
            array("")
        )))
    }),
    ("a fault", |n| {
        let text = times(n, "\u{1f41f}\n");
        format!(
            "<methodResponse><fault><value><struct><member><name>faultCode</name><value><int>1</int>\
             </value></member><member><name>faultString</name><value>{text}</value></member></struct>\
             </value></fault></methodResponse>"
        )
    }),
    ("a traceback", |n| {
        let text = format!("Traceback{}", times(n, "\n x"));
        response(&array(&format!(
            "<value><boolean>0</boolean></value><value>{text}</value><value/>"
        )))
    }),
    ("result sets", |n| two(&times(n, "<value><struct></struct></value>"))),
    ("rows again and again", |n| {
        let other = |at| format!("<member><name>{at}</name><value/></member>");
        let again = "<member><name>rows</name><value><array><data/></array></value></member>";
        let members = rows(n / 2, other) + &times(n / 2, again);
        two(&format!("<value><struct>{members}</struct></value>"))
    }),
    ("names of columns", |n| dump(times(n / 16, "a ").trim_end(), "")),
    ("rows that are none", |n| dump(SHARDS, &times(n, "<value/>"))),
    ("rows without cells", |n| dump(SHARDS, &times(n, &row(&[])))),
    ("rows of many cells", |n| dump(SHARDS, &times(n, &row(&["a"; 17])))),
    ("wide rows", |n| dump(SHARDS, &row(&vec!["a"; n / 34]))),
    ("rows with a reference at the end", |n| {
        dump(SHARDS, &times(n, &row(&["a", "b", "c", "1", "2", "RANGE", "g", "g&amp;"])))
    }),
    ("rows without a number", |n| {
        dump(SHARDS, &times(n, &row(&["a", "b", "c", "1", "x", "RANGE", "g", "g"])))
    }),
    ("rows of tables that are many", |n| {
        let one = |at| row(&["db", &format!("t{at}"), "c", "x", "x", "RANGE", "g", "g"]);
        dump(SHARDS, &rows(n, one))
    }),
    ("older rows that are wide", |n| {
        response(&array(&format!(
            "<value><int>0</int></value><value><int>0</int></value><value><int>1</int></value>\
             <value>{}</value>",
            array(&row(&vec!["a"; n / 34]))
        )))
    }),
];

/// Farms by the size their largest dump is to have: shards, and servers.
type Farm = (&'static str, fn(usize) -> (String, String), usize);

fn shard(table: &str, bound: &str, id: usize, type_name: &str, group: &str) -> String {
    row(&["db", table, "c", bound, &id.to_string(), type_name, group, "global"])
}

fn shards(rows: &str) -> (String, String) {
    (dump(SHARDS, rows), dump(SERVERS, ""))
}

fn servers(rows: &str) -> (String, String) {
    (dump(SHARDS, ""), dump(SERVERS, rows))
}

const FARMS: &[Farm] = &[
    (
        "one table",
        |n| shards(&rows(n, |at| shard("t", &format!("'{at}"), at, "RANGE_STRING", "g"))),
        0,
    ),
    (
        "bounds backwards",
        |n| shards(&rows(n, |at| shard("t", &(1_000_000 - at).to_string(), at, "RANGE", "g"))),
        0,
    ),
    (
        "bounds far apart",
        |n| {
            let bound = |at: usize| (1i64 << (at % 62)) + at as i64;
            shards(&rows(n, |at| shard("t", &bound(at).to_string(), at, "RANGE", "g")))
        },
        0,
    ),
    (
        "digests close together",
        |n| shards(&rows(n, |at| shard("t", &format!("{at:032x}"), at, "HASH", "g"))),
        0,
    ),
    ("one bound", |n| shards(&rows(n, |at| shard("t", "1", at, "RANGE", "g"))), 0),
    (
        "one bound in other words",
        |n| {
            shards(&rows(n, |at| {
                shard("t", &format!("{:0width$}", 1, width = at % 300), at, "RANGE", "g")
            }))
        },
        0,
    ),
    (
        "long bounds",
        |n| {
            let bound = |at| format!("{}{at}", "x".repeat(300));
            shards(&rows(n, |at| shard("t", &bound(at), at, "RANGE_STRING", "g")))
        },
        0,
    ),
    (
        "days",
        |n| {
            let day = |at: usize| format!("{}-01-01", 1000 + at % 9000);
            shards(&rows(n, |at| shard("t", &day(at), at, "RANGE_DATETIME", "g")))
        },
        0,
    ),
    ("a table each", |n| shards(&rows(n, |at| shard(&format!("t{at}"), "1", at, "RANGE", "g"))), 0),
    (
        "a table and a group each",
        |n| shards(&rows(n, |at| shard(&format!("t{at}"), "1", at, "RANGE", &format!("g{at}")))),
        0,
    ),
    (
        "tables in turn",
        |n| {
            let group = |at: usize| format!("g{}", at / 100);
            let one = |at: usize| {
                shard(&format!("t{}", at % 100), &at.to_string(), at, "RANGE", &group(at))
            };
            shards(&rows(n, one))
        },
        0,
    ),
    (
        "types that are many",
        |n| shards(&rows(n, |at| shard("t", "1", at, &format!("T{at}"), "g"))),
        0,
    ),
    (
        "tables with dots",
        |n| shards(&rows(n, |at| shard(&format!("t.{at}"), "1", at, "RANGE", "g"))),
        0,
    ),
    ("one table with dots", |n| shards(&rows(n, |at| shard("t.t", "1", at, "RANGE", "g"))), 0),
    ("names that are empty", |n| shards(&rows(n, |at| shard("", "1", at, "RANGE", "g"))), 0),
    (
        "one group",
        |n| servers(&rows(n, |at| row(&[&format!("u{at}"), "g", "h", "1", "1", "2", "1"]))),
        0,
    ),
    (
        "one group of weights",
        |n| {
            let weight = |at: usize| (at % 50 + 1).to_string();
            servers(&rows(n, |at| row(&[&format!("u{at}"), "g", "h", "1", "1", "2", &weight(at)])))
        },
        0,
    ),
    (
        "one group of primaries",
        |n| servers(&rows(n, |at| row(&[&format!("u{at}"), "g", "h", "1", "3", "3", "1"]))),
        0,
    ),
    ("one server", |n| servers(&rows(n, |_| row(&["u", "g", "h", "1", "1", "2", "1"]))), 0),
    (
        "one uuid",
        |n| servers(&rows(n, |at| row(&["u", "g", &format!("h{at}"), "1", "1", "2", "1"]))),
        0,
    ),
    (
        "groups that are many",
        |n| servers(&rows(n, |at| row(&["u", &format!("g{at}"), "h", "1", "3", "3", "1"]))),
        0,
    ),
    (
        "servers that are none",
        |n| servers(&rows(n, |at| row(&[&format!("u{at}"), "g", "h", "0", "1", "2", "1"]))),
        0,
    ),
    ("nodes", |_| servers(""), 1),
    ("nodes that mean here", |_| servers(""), 2),
];

fn nodes(kind: usize, size: usize) -> String {
    let one = |at: usize| match kind {
        1 => row(&[&format!("10.{}.{}.{}", at >> 16, at >> 8 & 255, at & 255), "1"]),
        _ => row(&["0.0.0.0", "1"]),
    };
    dump("host port", &rows(if kind == 0 { 0 } else { size }, one))
}

/// The time to read a document twice: as a dump, and as what any command answers.
fn document(make: fn(usize) -> String, size: usize) -> f64 {
    let reply = ok(&make(size));
    let server = Canned::new(vec![Act::Send(reply.clone()), Act::Send(reply)]);
    let client = client(config());
    let begun = cpu();
    let _ = client.sharding_information(&server.node, "");
    let _ = client.execute(&server.node, "some", "command", &[]);
    cpu() - begun
}

/// The time to load a farm twice.
fn farm((_, make, kind): Farm, size: usize) -> f64 {
    let (shards, servers) = make(size);
    let round = [nodes(kind, size), shards, servers].map(|body| Act::Send(ok(&body)));
    let server = Canned::new([round.clone(), round].concat());
    let config = Config {
        nodes: vec![server.node.clone()],
        background_refresh: false,
        connect_attempts: 1,
        ..config()
    };
    let router = Router::new(config);
    let begun = cpu();
    // A farm with rows that might be any table's is read all the same, and refused.
    for node in [None, Some(server.node.clone())] {
        let outcome = router.seed(node);
        let read = outcome.as_ref().map_or_else(|error| error.code == Code::Protocol, |()| true);
        assert!(read, "{outcome:?}");
    }
    cpu() - begun
}

#[test]
fn four_times_the_size_costs_four_times_the_time() {
    let (small, large) = (100_000, 400_000);
    let mut all = Vec::new();
    for (name, make) in DOCUMENTS {
        all.push((*name, document(*make, small), document(*make, large)));
    }
    for one in FARMS {
        // Names and servers are quick: it takes more of them to see what they cost.
        all.push((one.0, farm(*one, 6 * small), farm(*one, 6 * large)));
    }
    let total: f64 = all.iter().map(|(_, small, large)| small + large).sum();
    let longest = all.iter().max_by(|a, b| a.2.total_cmp(&b.2)).unwrap();
    let count = all.len();
    println!(
        "CPU of the hostile replies: {count} of each size, {total:.0} ms; longest {longest:?}"
    );
    if std::env::var_os("COSTS").is_some() {
        all.iter().for_each(|(name, small, large)| println!("{name:40} {small:9.1} {large:9.1}"));
    }
    // A step that looks at all before each piece costs sixteen times as much.
    let steep: Vec<_> =
        all.iter().filter(|(_, s, l)| *l > 50.0 && *l > 10.0 * s.max(5.0)).collect();
    assert!(steep.is_empty(), "milliseconds of CPU at {small} and {large} bytes: {steep:?}");
}
