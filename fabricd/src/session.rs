//! One connection: one request, one answer, close.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::digest::{self, Policy, Verdict};
use crate::farm::User;
use crate::fault::{FaultKind, Oversized};
use crate::http::{self, Head};
use crate::state::{RequestLog, Shared};
use crate::{commands, envelope, xml_read, xml_write};

/// What the client gets.
struct Reply {
    status: u16,
    bytes: Vec<u8>,
}

impl Reply {
    fn new(status: u16, bytes: Vec<u8>) -> Reply {
        Reply { status, bytes }
    }

    /// Closed without a byte.
    fn nothing() -> Reply {
        Reply::new(0, Vec::new())
    }
}

/// How a request ends.
enum End {
    Reply(Reply),
    Hang,
    Oversized(Oversized),
}

impl From<Reply> for End {
    fn from(reply: Reply) -> Self {
        End::Reply(reply)
    }
}

/// Serves a connection. `control`: no authentication, no faults, no log.
pub fn serve<S: Read + Write>(shared: &Shared, stream: &mut S, control: bool) -> io::Result<()> {
    if !control && shared.hangs_up() {
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    let Some(mut head) = Head::read(stream)? else {
        return Ok(());
    };
    let mut log = RequestLog {
        method: String::new(),
        path: head.path.clone(),
        authorized: false,
        credentials: head.header("authorization").is_some(),
        accept_encoding: head.header("accept-encoding").map(str::to_owned),
        user_agent: head.header("user-agent").map(str::to_owned),
        bytes_in: head.length + head.rest.len(),
        status: 0,
    };
    if let Some(name) = http::method_name(&String::from_utf8_lossy(&head.rest)) {
        log.method = name.to_owned();
    }
    let end = if control {
        answer_control(shared, stream, &mut head, &mut log)?
    } else {
        answer(shared, stream, &mut head, &mut log)?
    };
    log.status = match &end {
        End::Reply(reply) => reply.status,
        End::Oversized(_) => 200,
        End::Hang => 0,
    };
    let shutdown = control && log.method == "fabricd.shutdown";
    if !control {
        // Before the answer goes out: whoever has the answer finds the request logged.
        shared.log().push(log);
    }
    match end {
        End::Reply(reply) => stream.write_all(&reply.bytes)?,
        End::Hang => {
            // Until the client gives up, or the node is stopped.
            while stream.read(&mut [0; 1024])? > 0 {}
        }
        End::Oversized(how) => oversized(shared, stream, how)?,
    }
    stream.flush()?;
    if shutdown {
        shared.begin_stop();
    }
    Ok(())
}

fn answer<S: Read>(
    shared: &Shared,
    stream: &mut S,
    head: &mut Head,
    log: &mut RequestLog,
) -> io::Result<End> {
    if let Some(kind) = shared.take_fault(None)
        && let Some(end) = early_fault(shared, kind)
    {
        return Ok(end);
    }
    if head.verb != "POST" {
        return Ok(Reply::new(501, http::unsupported(&head.verb)).into());
    }
    let user = match authorize(shared, head) {
        Ok(user) => user,
        Err(reply) => return Ok(reply.into()),
    };
    log.authorized = true;
    if head.path != "/" && head.path != "/RPC2" {
        return Ok(Reply::new(404, http::not_found()).into());
    }
    let Some(body) = head.body(stream)? else {
        return Ok(Reply::new(500, http::empty(500, "Internal Server Error")).into());
    };
    log.bytes_in = head.length + body.len();
    if let Some(coding) = head.header("content-encoding").filter(|c| *c != "identity") {
        let reason = format!("encoding '{coding}' not supported");
        return Ok(Reply::new(501, http::empty(501, &reason)).into());
    }
    let body = String::from_utf8_lossy(&body);
    let name = http::method_name(&body);
    log.method = name.unwrap_or_default().to_owned();
    if let Some(user) = user
        && let Err(reply) = permit(&user, name)
    {
        return Ok(reply.into());
    }
    let fault = shared.take_fault(Some(name.unwrap_or_default()));
    let (mut text, mut cut) = (None, false);
    match fault {
        Some(FaultKind::Error(error)) => text = Some(Err(error)),
        Some(FaultKind::Fault(fault)) => text = Some(Ok(xml_write::fault(1, &fault))),
        Some(FaultKind::CloseMidReply) => cut = true,
        Some(kind) => {
            if let Some(end) = early_fault(shared, kind) {
                return Ok(end);
            }
        }
        None => {}
    }
    let xml = match text {
        Some(Ok(xml)) => xml,
        Some(Err(error)) => failed(shared, &body, error),
        None => call(shared, &body, false),
    };
    let mut bytes = http::xml(&xml, head.takes_gzip());
    if cut {
        bytes.truncate(bytes.len() / 2);
    }
    Ok(Reply::new(200, bytes).into())
}

fn answer_control<S: Read>(
    shared: &Shared,
    stream: &mut S,
    head: &mut Head,
    log: &mut RequestLog,
) -> io::Result<End> {
    let body = head.body(stream)?.unwrap_or_default();
    let body = String::from_utf8_lossy(&body);
    log.method = http::method_name(&body).unwrap_or_default().to_owned();
    let xml = call(shared, &body, true);
    Ok(Reply::new(200, http::xml(&xml, head.takes_gzip())).into())
}

/// Faults that need no answer to spoil. A delay gives None: the request goes on.
fn early_fault(shared: &Shared, kind: FaultKind) -> Option<End> {
    Some(match kind {
        FaultKind::Delay(time) => {
            shared.sleep(time);
            return None;
        }
        FaultKind::Hang => End::Hang,
        FaultKind::Oversized(how) => End::Oversized(how),
        FaultKind::Garbage => Reply::new(200, http::html_page()).into(),
        FaultKind::GarbageXml => {
            let xml = "<?xml version='1.0'?>\n<html><p>no <b>XML-RPC</p> here\n";
            Reply::new(200, http::xml(xml, false)).into()
        }
        FaultKind::Unterminated400 => bad_request().into(),
        FaultKind::Status(401) => challenge(shared).into(),
        FaultKind::Status(status) => {
            Reply::new(status, http::empty(status, http::reason(status))).into()
        }
        FaultKind::Close => Reply::nothing().into(),
        // These are for a connection, or for an authorized request and its answer.
        FaultKind::None
        | FaultKind::HangUp
        | FaultKind::CloseMidReply
        | FaultKind::Fault(_)
        | FaultKind::Error(_) => {
            return None;
        }
    })
}

fn challenge(shared: &Shared) -> Reply {
    let nonce = shared.nonces().issue();
    Reply::new(401, http::challenge(&shared.realm, &nonce, &shared.opaque))
}

/// Ends within the header, without a blank line, like a real node's.
fn bad_request() -> Reply {
    Reply::new(400, http::start(400, "Bad Request").into_bytes())
}

/// The user, or None with authentication off.
fn authorize(shared: &Shared, head: &Head) -> Result<Option<User>, Reply> {
    if !shared.auth {
        return Ok(None);
    }
    let mut users = shared.farm().users.clone();
    users.retain(|user| user.speaks("xmlrpc"));
    let header = head.header("authorization");
    // Users are in the backing store: without it nobody is authorized.
    if shared.store_down() && header.is_some() {
        return Err(Reply::nothing());
    }
    let policy = Policy { realm: &shared.realm, check_nonce: shared.check_nonce() };
    let verdict = digest::check(header, &users, &mut shared.nonces(), &policy);
    match verdict {
        Verdict::Allowed(name) => Ok(users.into_iter().find(|u| u.user == name)),
        Verdict::Challenge => Err(challenge(shared)),
        Verdict::Bad => Err(bad_request()),
        Verdict::Drop => Err(Reply::nothing()),
    }
}

/// Whether the user's roles allow the method.
fn permit(user: &User, name: Option<&str>) -> Result<(), Reply> {
    let Some(name) = name else {
        return Err(Reply::new(400, http::empty(400, "Bad Request")));
    };
    // Connectors probe with this name; it is the only one without a group that gets through.
    if name == "_some_nonexisting_method" {
        return Ok(());
    }
    if !name.contains('.') {
        // A real node forgets the status line here.
        return Err(Reply::new(0, b"Content-length: 0\r\n\r\n".to_vec()));
    }
    if may(user, name) {
        return Ok(());
    }
    let reason = format!("Not allowed to execute 'core.{name}'");
    Err(Reply::new(403, http::empty(403, &reason)))
}

/// Whether a role of the user's allows a method, on whichever port it is called.
pub fn may(user: &User, method: &str) -> bool {
    let group = method.split('.').next().unwrap_or_default();
    user.roles.iter().any(|role| match role.as_str() {
        "superadmin" => true,
        "connector" => matches!(group, "dump" | "threat"),
        _ => false,
    })
}

fn generation(shared: &Shared, control: bool) -> u8 {
    if control { 2 } else { shared.farm().generation }
}

fn call(shared: &Shared, body: &str, control: bool) -> String {
    match xml_read::call(body) {
        Ok(call) => {
            let outcome = commands::run(shared, &call.method, &call.params, control);
            let generation = generation(shared, control);
            envelope::wrap(&shared.farm(), generation, &call.method, outcome)
        }
        Err(text) => xml_write::fault(1, &text),
    }
}

fn failed(shared: &Shared, body: &str, error: String) -> String {
    let method = http::method_name(body).unwrap_or_default();
    let outcome = Err(commands::Failure::Command(error));
    // Before the guard of the call below is taken: the lock is not reentrant.
    let generation = generation(shared, false);
    envelope::wrap(&shared.farm(), generation, method, outcome)
}

/// Writes until the client has had enough.
fn oversized(shared: &Shared, stream: &mut impl Write, how: Oversized) -> io::Result<()> {
    let head = http::start(200, "OK") + "Content-type: text/xml\r\n";
    let extra = match how {
        Oversized::Endless => "\r\n",
        Oversized::Length => "Content-length: 10000000000\r\n\r\n",
        Oversized::Gzip => "Content-Encoding: gzip\r\n\r\n",
    };
    stream.write_all((head + extra).as_bytes())?;
    let start = b"<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n\
                  <value><array><data>\n";
    // One cell over and over, so that the answer stays well-formed as long as it lasts.
    let cell = "<value><string>shard</string></value>\n".repeat(1 << 11);
    if how == Oversized::Gzip {
        let mut packer = GzEncoder::new(stream, Compression::best());
        packer.write_all(start)?;
        while !shared.stopping() {
            packer.write_all(cell.as_bytes())?;
        }
        return Ok(());
    }
    stream.write_all(start)?;
    while !shared.stopping() {
        stream.write_all(cell.as_bytes())?;
    }
    Ok(())
}
