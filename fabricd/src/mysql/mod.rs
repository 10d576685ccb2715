//! MySQL-RPC: the same commands over the MySQL protocol, on a port of its own.

mod answer;
mod call;
mod packet;

use std::io::{self, Read};
use std::net::TcpStream;
use std::time::Duration;

use sha1::{Digest, Sha1};

use crate::clock;
use crate::commands::{self, Failure, ResultSet};
use crate::farm::User;
use crate::fault::FaultKind;
use crate::session::may;
use crate::state::{RequestLog, Shared};

use self::call::Call;
use self::packet::{Answer, Refusal, TooMany, read, send};

/// How long a connection may be idle.
const IDLE: Duration = Duration::from_secs(300);

/// The texts of PROTOCOL_41 and MULTI_RESULTS, without which a client is not let in.
const NEEDED: u32 = 0x200 | 0x2_0000;

/// What the node can, which is not TLS, and not another way to log in than by the native password.
const CAPABILITIES: [u8; 4] = [0x05, 0x86, 0x02, 0x00];

const COM_QUIT: u8 = 1;
const COM_QUERY: u8 = 3;
const COM_PING: u8 = 14;

/// Serves a connection from the handshake to its end.
pub fn serve(shared: &Shared, stream: &mut TcpStream) -> io::Result<()> {
    // A node of generation 1 has no such port.
    if shared.hangs_up() || shared.farm().generation == 1 {
        return Ok(());
    }
    stream.set_read_timeout(Some(IDLE))?;
    let (greeting, scramble) = greeting(shared);
    send(stream, &greeting)?;
    let Some(login) = read(stream)? else { return Ok(()) };
    let user = match let_in(shared, &login, &scramble) {
        Ok(user) => user,
        Err(None) => return Ok(()),
        Err(Some(refusal)) => {
            let mut answer = Answer::new(2);
            answer.error(&refusal).map_err(|TooMany| io::ErrorKind::Other)?;
            return send(stream, answer.bytes());
        }
    };
    let mut answer = Answer::new(2);
    answer.ok("").map_err(|TooMany| io::ErrorKind::Other)?;
    send(stream, answer.bytes())?;
    let mut session = Session { shared, user, json: false };
    while let Some(command) = read(stream)? {
        if !session.command(stream, &command)? {
            break;
        }
    }
    Ok(())
}

/// The first packet, and the bytes in it that the password is mixed with.
fn greeting(shared: &Shared) -> (Vec<u8>, [u8; 20]) {
    let mut scramble = [0; 20];
    for piece in scramble.chunks_mut(8) {
        let random = clock::random().to_le_bytes();
        piece.copy_from_slice(&random[..piece.len()]);
    }
    let (first, second) = scramble.split_at(8);
    let version = format!("{}-fabric", shared.farm().version);
    let id = u32::try_from(shared.connections()).unwrap_or(0).to_le_bytes();
    let body = [
        &[10],
        version.as_bytes(),
        &[0],
        &id,
        first,
        &[0, CAPABILITIES[0], CAPABILITIES[1], 33, 0, 0, CAPABILITIES[2], CAPABILITIES[3], 0],
        &[0; 10],
        second,
        &[0],
    ]
    .concat();
    let mut answer = Answer::new(0);
    // One packet is not too many.
    let _ = answer.packet(&body);
    (answer.bytes().to_vec(), scramble)
}

/// The user that logs in, or None with authentication off. The error is what is answered before the
/// connection is closed, if anything.
fn let_in(
    shared: &Shared,
    login: &[u8],
    scramble: &[u8; 20],
) -> Result<Option<User>, Option<Refusal>> {
    let [a, b, c, d, rest @ ..] = login else { return Err(None) };
    if u32::from_le_bytes([*a, *b, *c, *d]) & NEEDED != NEEDED {
        return Err(Some(Refusal::new(1002, "HY000", "Client is too old")));
    }
    // The largest packet, the character set, and room.
    let rest = rest.get(28..).unwrap_or_default();
    let end = rest.iter().position(|byte| *byte == 0).ok_or(None)?;
    let (name, rest) = rest.split_at(end);
    let name = String::from_utf8_lossy(name).into_owned();
    let response = match rest {
        [0, length, rest @ ..] => rest.get(..usize::from(*length)).ok_or(None)?,
        _ => return Err(None),
    };
    if !shared.auth {
        return Ok(None);
    }
    // Users are in the backing store; and a real node stumbles over an empty password.
    if shared.store_down() || response.is_empty() {
        return Err(None);
    }
    let user = shared.farm().users.iter().find(|user| user.is("mysql", &name)).cloned();
    match user.filter(|user| response == scrambled(&user.password, scramble)) {
        Some(user) => Ok(Some(user)),
        None => {
            let text = format!("Access denied for user '{name}'");
            Err(Some(Refusal::new(1044, "42000", text)))
        }
    }
}

/// What mysql_native_password sends for a password.
fn scrambled(password: &str, scramble: &[u8; 20]) -> Vec<u8> {
    let once = Sha1::digest(password.as_bytes());
    let mixed = Sha1::new().chain_update(scramble).chain_update(Sha1::digest(once)).finalize();
    once.iter().zip(mixed.iter()).map(|(a, b)| a ^ b).collect()
}

struct Session<'a> {
    shared: &'a Shared,
    user: Option<User>,
    /// Whether answers are JSON.
    json: bool,
}

impl Session<'_> {
    /// Runs a command. False if the connection is over.
    fn command(&mut self, stream: &mut TcpStream, command: &[u8]) -> io::Result<bool> {
        let mut answer = Answer::new(1);
        let written = match command {
            [COM_QUIT, ..] => return Ok(false),
            [COM_PING, ..] => answer.ok("MySQL Fabric"),
            [COM_QUERY, text @ ..] => {
                let text = String::from_utf8_lossy(text).into_owned();
                match self.query(stream, &text, &mut answer)? {
                    Some(written) => written,
                    None => return Ok(false),
                }
            }
            [_, ..] => answer.ok(""),
            [] => return Ok(false),
        };
        send(stream, answer.bytes())?;
        Ok(written.is_ok())
    }

    /// None if the connection is over without an answer.
    fn query(
        &mut self,
        stream: &mut TcpStream,
        text: &str,
        answer: &mut Answer,
    ) -> io::Result<Option<Result<(), TooMany>>> {
        let text = text.trim_start();
        let starts = |word: &str| {
            text.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word))
        };
        if starts("CALL") {
            return self.call(stream, &text[4..], answer);
        }
        let format = text
            .split_once('=')
            .filter(|(set, _)| set.split_whitespace().map(str::to_lowercase).eq(["set", "format"]));
        Ok(Some(match format {
            Some((_, format)) => match format.trim().trim_matches(['\'', '"']) {
                "json" => {
                    self.json = true;
                    answer.ok("")
                }
                other => {
                    let text = format!("Format '{other}' is not supported");
                    // And then OK, as if nothing had been.
                    let refusal = Refusal::new(1228, "42000", text);
                    answer.error(&refusal).and_then(|()| answer.ok(""))
                }
            },
            // Whatever else it is.
            None => answer.ok(""),
        }))
    }

    fn call(
        &mut self,
        stream: &mut TcpStream,
        text: &str,
        answer: &mut Answer,
    ) -> io::Result<Option<Result<(), TooMany>>> {
        let call = match Call::parse(text) {
            Ok(call) => call,
            Err(refusal) => return Ok(Some(answer.error(&refusal))),
        };
        self.shared.log().push(RequestLog {
            method: call.method.clone(),
            path: "mysql".to_owned(),
            authorized: true,
            credentials: self.user.is_some(),
            accept_encoding: None,
            user_agent: None,
            bytes_in: text.len(),
            status: 200,
        });
        let early = self.shared.take_fault(None);
        let fault = early.or_else(|| self.shared.take_fault(Some(&call.method)));
        let (mut failed, mut is_cut) = (None, false);
        match fault {
            None | Some(FaultKind::None | FaultKind::HangUp) => {}
            Some(FaultKind::Delay(time)) => self.shared.sleep(time),
            Some(FaultKind::Hang) => {
                while stream.read(&mut [0; 1024])? > 0 {}
                return Ok(None);
            }
            Some(FaultKind::Close) => return Ok(None),
            Some(FaultKind::CloseMidReply) => is_cut = true,
            Some(FaultKind::Error(text)) => failed = Some(text),
            Some(FaultKind::Fault(text)) => {
                return Ok(Some(answer.error(&Refusal::new(1108, "22000", text))));
            }
            Some(FaultKind::Oversized(_)) => {
                self.endless(stream)?;
                return Ok(None);
            }
            Some(
                FaultKind::Garbage
                | FaultKind::GarbageXml
                | FaultKind::Unterminated400
                | FaultKind::Status(_),
            ) => {
                send(stream, b"HTTP/1.0 400 Bad Request\r\n\r\n<html>no <b>MySQL</b> here</html>")?;
                return Ok(None);
            }
        }
        let written = self.answer(&call, failed, answer);
        if is_cut {
            send(stream, &answer.bytes()[..answer.bytes().len() / 2])?;
            return Ok(None);
        }
        Ok(Some(written))
    }

    fn answer(
        &self,
        call: &Call,
        failed: Option<String>,
        answer: &mut Answer,
    ) -> Result<(), TooMany> {
        let Call { method, args, unknown } = call;
        if let Some(user) = &self.user
            && !may(user, method)
        {
            let text = format!("No permission to execute '{method}'");
            return answer.error(&Refusal::new(1370, "42000", text));
        }
        let outcome = match (failed, unknown) {
            (Some(text), _) => Err(Failure::Command(text)),
            (None, Some(name)) => {
                let text = format!("execute() got an unexpected keyword argument '{name}'");
                Err(Failure::Type(text))
            }
            (None, None) => commands::run(self.shared, method, args, false),
        };
        let (error, sets) = match outcome {
            Ok(commands::Answer::Sets(sets)) => (None, sets),
            Ok(commands::Answer::Plain(value)) => {
                (None, vec![ResultSet::new(&["value"], vec![vec![value]])])
            }
            Err(Failure::Command(text) | Failure::Type(text)) => (Some(text), Vec::new()),
            Err(Failure::Unknown) => {
                return answer.error(&Refusal::new(1106, "HY000", "Unknown Fabric command"));
            }
        };
        let mut all = vec![answer::head(&self.shared.farm(), error.as_deref())];
        all.extend(sets);
        let table = method.replace('.', "_");
        match self.json {
            true => answer::json(answer, &table, &all),
            false => answer::text(answer, &table, &all),
        }
    }

    /// Rows without end, until the client has had enough.
    fn endless(&self, stream: &mut TcpStream) -> io::Result<()> {
        let mut begin = Answer::new(1);
        let set = ResultSet::new(&["fabric_uuid"], Vec::new());
        answer::text(&mut begin, "dump", &[set]).map_err(|TooMany| io::ErrorKind::Other)?;
        // Without the packet that ends the rows.
        let begin = begin.bytes();
        send(stream, &begin[..begin.len() - 9])?;
        let mut row = Answer::new(4);
        let cell = [&[0xfd, 0, 0, 1], vec![b'x'; 1 << 16].as_slice()].concat();
        row.packet(&cell).map_err(|TooMany| io::ErrorKind::Other)?;
        while !self.shared.stopping() {
            send(stream, row.bytes())?;
        }
        Ok(())
    }
}
