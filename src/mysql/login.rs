//! From the first byte of a connection to a user who is let in.

use zeroize::Zeroizing;

use crate::mysql::account::Account;
use crate::mysql::auth::Plugin;
use crate::mysql::capabilities::Capabilities;
use crate::mysql::failure::Failure;
use crate::mysql::greeting::{ERROR, Greeting, SCRAMBLE, error};
use crate::mysql::limits::MAX_SMALL_PACKET;
use crate::mysql::packet::Packets;
use crate::mysql::reader::Reader;
use crate::mysql::secure::secure;
use crate::mysql::stream::{Channel, Stream};
use crate::mysql::target::Target;

/// The largest packet that a server is told to send. It says more about memory than about packets,
/// since none is larger than 16 MiB.
const MAX_PACKET: u32 = 1 << 30;

/// `utf8mb4_general_ci`, which all have from MySQL 5.5.3 on; Fabric knows `utf8_general_ci` only.
const UTF8MB4: u8 = 45;
const UTF8: u8 = 33;

/// How often a server may ask for something else before it lets a user in or not. One switch of the
/// way and two words about it are what real ones need.
const MAX_AUTH_ROUNDS: usize = 6;

const OK: u8 = 0;
const AUTH_MORE_DATA: u8 = 1;
const AUTH_NEXT_FACTOR: u8 = 2;
const AUTH_SWITCH: u8 = 0xFE;

/// Of `caching_sha2_password`: the hash was enough, or the password is wanted.
const FAST_AUTH_SUCCESS: &[u8] = &[3];
const FULL_AUTHENTICATION: &[u8] = &[4];

/// How a user was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// What the server said first.
    pub greeting: Greeting,
    /// Whether a hash was enough only because the server had one to compare it with, and the password
    /// itself would not go out.
    pub relies_on_password_cache: bool,
}

/// Logs in.
pub async fn log_in(
    stream: Stream,
    target: &Target,
    account: &Account,
) -> Result<(Packets<Stream>, Login), Failure> {
    let database = target.database.as_deref().unwrap_or_default();
    if account.user.contains('\0') || database.contains('\0') {
        return Err(Failure::Argument("there is a NUL in the name of the user or schema"));
    }
    let mut packets = Packets::new(stream);
    let greeting = Greeting::read(&packets.read(MAX_SMALL_PACKET).await?)?;
    packets.checks_sequence = !greeting.is_fabric();
    let response = Response { greeting: &greeting, account, database };
    let head = response.head(true);
    let (mut packets, channel) = secure(packets, &greeting, target, &head).await?;
    packets.checks_sequence = !greeting.is_fabric();
    // A way that is not known here is none of the user's perhaps: the server says so then.
    let plugin = Plugin::by_name(&greeting.plugin).unwrap_or(Plugin::Native);
    let is_tls = channel != Channel::Plain && !target.is_socket();
    packets.write(&response.whole(plugin, is_tls)).await?;
    let plugin = authenticate(&mut packets, account, plugin, channel).await?;
    let relies_on_password_cache = plugin == Plugin::CachingSha2
        && !account.password.is_empty()
        && in_full(account, channel).is_err();
    Ok((packets, Login { greeting, relies_on_password_cache }))
}

/// What a client answers to a greeting.
struct Response<'a> {
    greeting: &'a Greeting,
    account: &'a Account,
    database: &'a str,
}

impl Response<'_> {
    fn capabilities(&self, tls: bool) -> Capabilities {
        let wanted = Capabilities::REQUIRED
            .with(Capabilities::LONG_PASSWORD)
            .with(Capabilities::LONG_FLAG)
            .with(Capabilities::MULTI_RESULTS)
            .with(Capabilities::PLUGIN_AUTH)
            .with(if tls { Capabilities::SSL } else { Capabilities::default() })
            .with(match self.database.is_empty() {
                true => Capabilities::default(),
                false => Capabilities::CONNECT_WITH_DB,
            });
        wanted.both(self.greeting.capabilities)
    }

    /// The part that alone asks for TLS.
    fn head(&self, tls: bool) -> Vec<u8> {
        let mut packet = self.capabilities(tls).0.to_le_bytes().to_vec();
        packet.extend_from_slice(&MAX_PACKET.to_le_bytes());
        packet.push(if self.greeting.is_fabric() { UTF8 } else { UTF8MB4 });
        packet.extend_from_slice(&[0; 23]);
        packet
    }

    fn whole(&self, plugin: Plugin, tls: bool) -> Vec<u8> {
        let capabilities = self.capabilities(tls);
        let mut packet = self.head(tls);
        push_text(&mut packet, self.account.user.as_bytes());
        let proof = plugin.auth_response(self.account, &self.greeting.scramble);
        // No hash is longer than 32 bytes.
        packet.push(u8::try_from(proof.len()).unwrap_or_default());
        packet.extend_from_slice(&proof);
        if capabilities.has(Capabilities::CONNECT_WITH_DB) {
            push_text(&mut packet, self.database.as_bytes());
        }
        if capabilities.has(Capabilities::PLUGIN_AUTH) {
            push_text(&mut packet, plugin.name().as_bytes());
        }
        packet
    }
}

fn push_text(packet: &mut Vec<u8>, text: &[u8]) {
    packet.extend_from_slice(text);
    packet.push(0);
}

/// Answers what the server asks, until it lets the user in; by which way that was.
async fn authenticate(
    packets: &mut Packets<Stream>,
    account: &Account,
    mut plugin: Plugin,
    channel: Channel,
) -> Result<Plugin, Failure> {
    for _ in 0..MAX_AUTH_ROUNDS {
        let packet = packets.read(MAX_SMALL_PACKET).await?;
        let mut reader = Reader::new(&packet);
        match reader.u8()? {
            OK => return Ok(plugin),
            ERROR => return Err(Failure::Refused(error(&packet)?)),
            // With nothing behind it, it asks for the hash of MySQL 4.0.
            AUTH_SWITCH if reader.is_empty() => return Err(unknown("mysql_old_password")),
            AUTH_SWITCH => {
                plugin = Plugin::by_name(reader.text_to_nul()?)?;
                let scramble = scramble(reader.rest())?;
                packets.write(&plugin.auth_response(account, &scramble)).await?;
            }
            AUTH_MORE_DATA if plugin == Plugin::CachingSha2 => match reader.rest() {
                FAST_AUTH_SUCCESS => {}
                FULL_AUTHENTICATION => packets.write(&in_full(account, channel)?).await?,
                _ => return Err(Failure::Protocol("asks for what is unknown in a login".into())),
            },
            AUTH_NEXT_FACTOR => return Err(unknown("several factors")),
            number => {
                let what = format!("says {number} in a login, which means nothing");
                return Err(Failure::Protocol(what));
            }
        }
    }
    Err(Failure::Protocol("asks for another way to log in again and again".into()))
}

fn unknown(plugin: &str) -> Failure {
    Failure::UnknownPlugin(plugin.into())
}

/// The scramble of a switch, with a NUL behind it as a rule.
fn scramble(data: &[u8]) -> Result<[u8; SCRAMBLE], Failure> {
    let scramble = match data.split_first_chunk() {
        Some((scramble, [] | [0])) => *scramble,
        _ => {
            let what = format!("sends a scramble of {} bytes, which has {SCRAMBLE}", data.len());
            return Err(Failure::Protocol(what));
        }
    };
    Ok(scramble)
}

/// The password, where nobody hears it but the server.
fn in_full(account: &Account, channel: Channel) -> Result<Zeroizing<Vec<u8>>, Failure> {
    match channel {
        Channel::Private => {}
        Channel::Unverified if account.full_password_unverified => {}
        _ => {
            let over_tls = channel == Channel::Unverified;
            return Err(Failure::FullPassword { over_tls, is_named: account.is_for_named });
        }
    }
    let mut packet = Zeroizing::new(Vec::with_capacity(account.password.len() + 1));
    packet.extend_from_slice(account.password.as_bytes());
    packet.push(0);
    Ok(packet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_goes_out_in_full_to_the_server_alone() {
        let mut account = Account::new("x", "secret");
        assert_eq!(in_full(&account, Channel::Private).unwrap().as_slice(), b"secret\0");
        let refused = |over_tls| Err(Failure::FullPassword { over_tls, is_named: true });
        assert_eq!(in_full(&account, Channel::Unverified), refused(true));
        assert_eq!(in_full(&account, Channel::Plain), refused(false));
        account.full_password_unverified = true;
        assert!(in_full(&account, Channel::Unverified).is_ok());
        assert_eq!(in_full(&account, Channel::Plain), refused(false), "no server takes it there");
    }

    #[test]
    fn a_scramble_has_its_length() {
        assert_eq!(scramble(&[7; 20]), Ok([7; 20]));
        assert_eq!(scramble(b"ABCDEFGHIJKLMNOPQRST\0"), Ok(*b"ABCDEFGHIJKLMNOPQRST"));
        for other in [&[][..], &[0], &[7; 19], &[7; 21], &[0; 22], &[7; 4096]] {
            assert!(matches!(scramble(other), Err(Failure::Protocol(_))));
        }
    }

    #[test]
    fn only_what_the_server_can_do_is_asked_for() {
        let mut greeting = Greeting {
            version: "1.5.6-fabric".into(),
            capabilities: Capabilities(0x28605),
            scramble: [7; 20],
            plugin: b"mysql_native_password".to_vec(),
        };
        let account = Account::new("admin", "");
        let response = Response { greeting: &greeting, account: &account, database: "d" };
        // As MySQL Fabric's own clients answer, but for what it has no use for.
        let mut expected = b"\x05\x82\x02\0\0\0\0\x40\x21".to_vec();
        expected.extend_from_slice(&[0; 23]);
        expected.extend_from_slice(b"admin\0\0");
        assert_eq!(response.whole(Plugin::Native, false), expected);
        greeting.capabilities = Capabilities(u32::MAX);
        let response = Response { greeting: &greeting, account: &account, database: "d" };
        let asked = response.capabilities(true);
        // Compressed packets, LOCAL INFILE, several statements, rows without an end of their own.
        for never in [5, 7, 16, 24] {
            assert!(!asked.has(Capabilities(1 << never)));
        }
        assert!(asked.has(Capabilities::SSL.with(Capabilities::PLUGIN_AUTH)));
        let whole = response.whole(Plugin::CachingSha2, true);
        assert!(whole.ends_with(b"admin\0\0d\0caching_sha2_password\0"));
    }
}
