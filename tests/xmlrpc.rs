//! Properties of the XML-RPC codec: what is written is read back, and no input makes it panic.

use mysqlfabric::base::error::Code;
use mysqlfabric::source::fabric::xmlrpc::event::Event;
use mysqlfabric::source::fabric::xmlrpc::reader::Reader;
use mysqlfabric::source::fabric::xmlrpc::{Response, Value, read_response, writer};
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    let legal = |c: &char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..);
    let special = prop::sample::select(vec!['&', '<', '>', '"', '\'', ']', '\r', '\n', ' ', 'é']);
    let any = prop_oneof![any::<char>().prop_filter("no XML character", legal), special];
    prop::collection::vec(any, 0..24).prop_map(String::from_iter)
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(Value::Int),
        any::<bool>().prop_map(Value::Bool),
        any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(Value::Double),
        text().prop_map(Value::Text),
        "[0-9]{8}T[0-9]{2}:[0-9]{2}:[0-9]{2}".prop_map(Value::DateTime),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::Bytes),
        Just(Value::Nil),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
            prop::collection::vec((text(), inner), 0..8).prop_map(Value::Struct),
        ]
    })
}

fn reply(value: &Value) -> String {
    let mut out = String::from("<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n");
    writer::value(&mut out, value).unwrap();
    out.push_str("\n</param>\n</params>\n</methodResponse>\n");
    out
}

/// Pulls to the end or to an error; more events than bytes would mean it loops.
fn drain(bytes: &[u8]) -> usize {
    let mut reader = Reader::new(bytes);
    for count in 0..=bytes.len() + 1 {
        match reader.next_event() {
            Ok(Event::End) | Err(_) => return count,
            Ok(_) => {}
        }
    }
    panic!("more events than bytes");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn written_values_are_read_back(value in value()) {
        let document = reply(&value);
        prop_assert_eq!(read_response(document.as_bytes()), Ok(Response::Value(value)));
    }

    #[test]
    fn a_cut_reply_is_an_error(value in value(), cut in 0.0..1.0f64) {
        let document = reply(&value);
        let whole = document.trim_end().len();
        let at = (whole as f64 * cut) as usize;
        let error = read_response(&document.as_bytes()[..at]).unwrap_err();
        prop_assert_eq!(error.code, Code::Protocol);
    }

    #[test]
    fn a_changed_reply_never_panics_or_loops(
        value in value(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        inserts in prop::collection::vec(
            (any::<prop::sample::Index>(), prop::sample::select(PIECES.to_vec())), 0..4),
    ) {
        let mut bytes = reply(&value).into_bytes();
        for (index, byte) in changes {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        for (index, piece) in inserts {
            let at = index.index(bytes.len());
            bytes.splice(at..at, piece.bytes());
        }
        drain(&bytes);
        if let Err(error) = read_response(bytes.as_slice()) {
            prop_assert_eq!(error.code, Code::Protocol);
        }
    }

    #[test]
    fn noise_never_panics_or_loops(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        drain(&bytes);
    }
}

const PIECES: [&str; 18] = [
    "<value>",
    "</value>",
    "<array><data>",
    "</data></array>",
    "<struct>",
    "<nil/>",
    "<",
    ">",
    "&",
    "&amp;",
    "&#x110000;",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?x",
    "<!DOCTYPE x [",
    "\u{FEFF}",
];

/// A dump is read as it arrives, and its end is missed when it comes to that.
#[test]
fn rows_come_one_by_one() {
    struct Endless {
        part: Vec<u8>,
        at: usize,
        left: usize,
    }
    impl std::io::Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            if self.at == self.part.len() {
                if self.left == 0 {
                    return Ok(0);
                }
                self.left -= 1;
                self.at = 0;
            }
            let count = buffer.len().min(self.part.len() - self.at);
            buffer[..count].copy_from_slice(&self.part[self.at..self.at + count]);
            self.at += count;
            Ok(count)
        }
    }
    let head = b"<methodResponse><params><param><value><array><data>".to_vec();
    let row = b"<value><array><data>\n<value><string>employees</string></value>\n\
        <value><int>10021</int></value>\n</data></array></value>\n"
        .to_vec();
    let rows = 100_000;
    let input = std::io::Read::chain(&head[..], Endless { at: row.len(), part: row, left: rows });
    let mut reader = Reader::new(std::io::BufReader::new(input));
    let mut seen = 0;
    let error = loop {
        match reader.next_event() {
            Ok(Event::ArrayEnd) => seen += 1,
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert_eq!(seen, rows);
    assert!(error.message.contains("it ends where"), "{error}");
}
