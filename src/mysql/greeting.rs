//! What a server says first, and errors, which it may say instead or at any time after.

use crate::base::text::excerpt;
use crate::mysql::capabilities::Capabilities;
use crate::mysql::failure::{Failure, ServerError};
use crate::mysql::reader::{Malformed, Reader};

/// How many bytes the password's hash is made with.
pub(crate) const SCRAMBLE: usize = 20;

/// The most that is shown of a server's message.
const MESSAGE: usize = 512;

/// A server's first packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    pub version: String,
    pub capabilities: Capabilities,
    pub scramble: [u8; SCRAMBLE],
    /// How the server would have somebody log in of whom it knows nothing yet.
    pub plugin: Vec<u8>,
}

impl Greeting {
    /// # Errors
    /// The server tells an error instead, is no MySQL server, or a very old one.
    pub fn read(packet: &[u8]) -> Result<Self, Failure> {
        let mut reader = Reader::new(packet);
        match reader.u8()? {
            10 => {}
            ERROR => return Err(Failure::Refused(error(packet)?)),
            number => {
                let what = format!("speaks version {number} of a protocol, and 10 is MySQL's");
                return Err(Failure::Protocol(what));
            }
        }
        let greeting = Self::after_version(reader)?;
        match greeting.capabilities.has(Capabilities::REQUIRED) {
            true => Ok(greeting),
            false => Err(Failure::Protocol("is older than MySQL 4.1".into())),
        }
    }

    fn after_version(mut reader: Reader<'_>) -> Result<Self, Malformed> {
        let version = String::from_utf8_lossy(reader.text_to_nul()?).into_owned();
        let _connection = reader.u32()?;
        let mut scramble = [0; SCRAMBLE];
        let (first, second) = scramble.split_at_mut(8);
        first.copy_from_slice(reader.bytes(8)?);
        let _filler = reader.u8()?;
        let low = reader.u16()?;
        let _charset = reader.u8()?;
        let _status = reader.u16()?;
        let high = reader.u16()?;
        let capabilities = Capabilities(u32::from(high) << 16 | u32::from(low));
        let length = usize::from(reader.u8()?);
        let _reserved = reader.bytes(10)?;
        if capabilities.has(Capabilities::SECURE_CONNECTION) {
            let mut rest = Reader::new(reader.bytes(length.saturating_sub(8).max(13))?);
            second.copy_from_slice(rest.bytes(12)?);
        }
        let mut plugin = b"mysql_native_password".to_vec();
        if capabilities.has(Capabilities::PLUGIN_AUTH) {
            plugin = reader.text_to_nul_or_end().to_vec();
        }
        Ok(Self { version, capabilities, scramble, plugin })
    }

    /// Whether this is Fabric's own server, which is no MySQL server.
    pub fn is_fabric(&self) -> bool {
        self.version.ends_with("-fabric")
    }
}

/// What an error packet begins with.
pub(crate) const ERROR: u8 = 0xFF;

/// What the packet says that begins with `ERROR`.
pub fn error(packet: &[u8]) -> Result<ServerError, Malformed> {
    let mut reader = Reader::new(packet);
    reader.u8()?;
    let errno = reader.u16()?;
    let mut sqlstate = String::new();
    // Before the login there is none.
    if let [b'#', ..] = reader.clone().rest() {
        reader.u8()?;
        sqlstate = excerpt(&String::from_utf8_lossy(reader.bytes(5)?), 5);
    }
    let message = excerpt(&String::from_utf8_lossy(reader.rest()), MESSAGE);
    Ok(ServerError { errno, sqlstate, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As MySQL 9 greets, but for what a test says.
    fn greeting(capabilities: u32, length: u8, tail: &[u8]) -> Vec<u8> {
        let mut packet = b"\x0a9.7.4\0\x01\0\0\0ABCDEFGH\0".to_vec();
        let [a, b, c, d] = capabilities.to_le_bytes();
        packet.extend_from_slice(&[a, b, 0xFF, 2, 0, c, d, length]);
        packet.extend_from_slice(&[0; 10]);
        packet.extend_from_slice(tail);
        packet
    }

    const ALL: u32 = Capabilities::REQUIRED.with(Capabilities::PLUGIN_AUTH).0;

    #[test]
    fn a_greeting_is_read() {
        let packet = greeting(ALL, 21, b"IJKLMNOPQRST\0caching_sha2_password\0");
        let read = Greeting::read(&packet).unwrap();
        assert_eq!(read.version, "9.7.4");
        assert_eq!(&read.scramble, b"ABCDEFGHIJKLMNOPQRST");
        assert_eq!(read.plugin, b"caching_sha2_password");
        assert!(!read.is_fabric());
        // Some servers leave the last NUL out, or have no plugins at all.
        let packet = greeting(ALL, 21, b"IJKLMNOPQRST\0x");
        assert_eq!(Greeting::read(&packet).unwrap().plugin, b"x");
        let packet = greeting(Capabilities::REQUIRED.0, 0, b"IJKLMNOPQRST\0");
        assert_eq!(Greeting::read(&packet).unwrap().plugin, b"mysql_native_password");
    }

    #[test]
    fn no_part_of_a_greeting_is_one() {
        let packet = greeting(ALL, 21, b"IJKLMNOPQRST\0caching_sha2_password\0");
        let plugin = packet.len() - b"caching_sha2_password\0".len();
        for end in 0..plugin {
            assert!(matches!(Greeting::read(&packet[..end]), Err(Failure::Protocol(_))), "{end}");
        }
        // A length that promises more than there is.
        let packet = greeting(ALL, 255, b"IJKLMNOPQRST\0caching_sha2_password\0");
        assert!(matches!(Greeting::read(&packet), Err(Failure::Protocol(_))));
        let packet = greeting(Capabilities::PROTOCOL_41.0, 8, b"");
        assert!(matches!(Greeting::read(&packet), Err(Failure::Protocol(_))), "no scramble");
        for other in [&b"\x09MySQL 3.21\0"[..], b"HTTP/1.1 400", b"SSH-2.0-OpenSSH_9\r\n"] {
            assert!(matches!(Greeting::read(other), Err(Failure::Protocol(_))));
        }
    }

    #[test]
    fn errors_are_read() {
        let read = error(b"\xFF\x15\x04#28000Access denied\r\n\x1b[2Jfor 'x'").unwrap();
        assert_eq!((read.errno, read.sqlstate.as_str()), (1045, "28000"));
        assert_eq!(read.message, "Access denied\\r\\n\\u{1b}[2Jfor 'x'");
        let Err(Failure::Refused(read)) = Greeting::read(b"\xFF\x10\x04Too many connections")
        else {
            panic!("an error")
        };
        assert_eq!((read.errno, read.sqlstate.as_str()), (1040, ""));
        assert_eq!(error(b"\xFF\x10"), Err(Malformed));
        assert_eq!(error(b"\xFF\x10\x04#28"), Err(Malformed));
        let long = [&b"\xFF\x10\x04#HY000"[..], &[b'x'; 5000]].concat();
        assert!(error(&long).unwrap().message.len() < 600);
        assert_eq!(error(b"\xFF\x10\x04#HY0\xFF\xFF\xFE").unwrap().errno, 1040);
    }
}
