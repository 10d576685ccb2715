//! A Fabric node with a farm of any size, whose replies are ready before they are asked for.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use flate2::Compression;
use flate2::write::GzEncoder;
use mysqlfabric::source::fabric::rows::{FromRow, SHARD_COLUMNS};
use mysqlfabric::topology::ServerRow;

/// How large a farm is. The shards of a table are spread over the groups.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub tables: usize,
    pub shards_each: usize,
    pub groups: usize,
}

impl Size {
    pub fn shards(self) -> usize {
        self.tables * self.shards_each
    }
}

/// What is different about another look at a farm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    Nothing,
    /// One shard is in another group.
    Shard,
    /// One group has another primary.
    Primary,
    /// Every tenth shard is not listed.
    Fewer,
}

struct Replies {
    shards: Vec<u8>,
    servers: Vec<u8>,
    zipped: bool,
}

/// The node, until it is dropped.
pub struct Node {
    pub port: u16,
    replies: Arc<Mutex<Arc<Replies>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Node {
    pub fn start(size: Size, zipped: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let replies = Arc::new(Mutex::new(Arc::new(Replies::new(size, Change::Nothing, zipped))));
        let over = Arc::new(AtomicBool::new(false));
        let (known, ends) = (replies.clone(), over.clone());
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                let replies = known.lock().expect("unpoisoned").clone();
                // A client that closes early is its own matter.
                let _ = stream.and_then(|stream| answer(stream, &replies));
            }
        });
        Self { port, replies, over, thread: Some(thread) }
    }

    /// Answers from now on as after a change.
    pub fn change(&self, size: Size, change: Change, zipped: bool) {
        *self.replies.lock().expect("unpoisoned") = Arc::new(Replies::new(size, change, zipped));
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn answer(mut stream: TcpStream, replies: &Replies) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    while !request.windows(13).any(|bytes| bytes == b"</methodCall>") {
        match stream.read(&mut piece)? {
            0 => return Ok(()),
            count => request.extend_from_slice(&piece[..count]),
        }
    }
    let asks = |method: &[u8]| request.windows(method.len()).any(|bytes| bytes == method);
    let nodes;
    let (body, zipped) = if asks(b"dump.sharding_information") {
        (&replies.shards, replies.zipped)
    } else if asks(b"dump.servers") {
        (&replies.servers, replies.zipped)
    } else {
        let port = stream.local_addr()?.port();
        let row = format!("<string>127.0.0.1</string>|<int>{port}</int>");
        nodes = document(&["host", "port"], std::iter::once(row)).into_bytes();
        (&nodes, false)
    };
    let encoding = if zipped { "Content-Encoding: gzip\r\n" } else { "" };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.0 200 OK\r\nContent-type: text/xml\r\n{encoding}Content-length: {length}\r\n\r\n"
    )?;
    stream.write_all(body)
}

impl Replies {
    fn new(size: Size, change: Change, zipped: bool) -> Self {
        let pack = |text: String| match zipped {
            false => text.into_bytes(),
            true => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
                encoder.write_all(text.as_bytes()).expect("in memory");
                encoder.finish().expect("in memory")
            }
        };
        Self { shards: pack(shards(size, change)), servers: pack(servers(size, change)), zipped }
    }
}

fn shards(size: Size, change: Change) -> String {
    let listed = (0..size.shards()).filter(|at| change != Change::Fewer || at % 10 != 9);
    let rows = listed.map(|at| {
        let (table, shard) = (at / size.shards_each, at % size.shards_each);
        let moved = usize::from(change == Change::Shard && at == 0);
        let group = (at + moved) % size.groups;
        format!(
            "<string>shop</string>|<string>table_{table:05}</string>|<string>id</string>|\
             <string>{}</string>|<int>{at}</int>|<string>RANGE</string>|\
             <string>group-{group:05}</string>|<string>group-00000</string>",
            shard * 1000
        )
    });
    document(SHARD_COLUMNS, rows)
}

fn servers(size: Size, change: Change) -> String {
    let rows = (0..size.groups * 3).map(|at| {
        let (group, server) = (at / 3, at % 3);
        let first = usize::from(change == Change::Primary && group == 0);
        let (mode, status) = if server == first { (3, 3) } else { (1, 2) };
        format!(
            "<string>{group:08}-0000-0000-0000-{server:012}</string>|\
             <string>group-{group:05}</string>|<string>db-{at:05}.example.com</string>|\
             <int>3306</int>|<int>{mode}</int>|<int>{status}</int>|<double>1.0</double>"
        )
    });
    document(ServerRow::COLUMNS, rows)
}

/// As Python's marshaller writes it; the cells of a row have '|' between them.
fn document(columns: &[&str], rows: impl Iterator<Item = String>) -> String {
    let mut out = String::from(
        "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><array><data>\n\
         <value><int>1</int></value>\n\
         <value><string>5ca1ab1e-a007-feed-f00d-cab3fe13249e</string></value>\n\
         <value><int>1</int></value>\n<value><string></string></value>\n<value><array><data>\n\
         <value><struct>\n<member>\n<name>info</name>\n<value><struct>\n<member>\n\
         <name>names</name>\n<value><array><data>\n",
    );
    for column in columns {
        let _ = writeln!(out, "<value><string>{column}</string></value>");
    }
    out.push_str(
        "</data></array></value>\n</member>\n</struct></value>\n</member>\n<member>\n\
         <name>rows</name>\n<value><array><data>\n",
    );
    for row in rows {
        out.push_str("<value><array><data>\n");
        for cell in row.split('|') {
            let _ = writeln!(out, "<value>{cell}</value>");
        }
        out.push_str("</data></array></value>\n");
    }
    out.push_str(
        "</data></array></value>\n</member>\n</struct></value>\n</data></array></value>\n\
         </data></array></value>\n</param>\n</params>\n</methodResponse>\n",
    );
    out
}
