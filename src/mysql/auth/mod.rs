//! Ways to prove who one is, by the server's names for them.

mod caching_sha2;
mod mask;
mod native;

use zeroize::Zeroizing;

use crate::base::text::excerpt;
use crate::mysql::account::Account;
use crate::mysql::failure::Failure;
use crate::mysql::greeting::SCRAMBLE;

/// The ways that are known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plugin {
    /// MySQL up to 8, MariaDB, Fabric.
    Native,
    /// MySQL from 8 on. A server that has the password's hash at hand takes a hash; others want the
    /// password in full.
    CachingSha2,
}

impl Plugin {
    const ALL: [Self; 2] = [Self::Native, Self::CachingSha2];

    pub fn name(self) -> &'static str {
        match self {
            Self::Native => "mysql_native_password",
            Self::CachingSha2 => "caching_sha2_password",
        }
    }

    /// # Errors
    /// One that is not done here: another hash (`client_ed25519`, `sha256_password`), one that sends
    /// the password in full (`mysql_clear_password`, `dialog`), or one that nobody knows.
    pub fn by_name(name: &[u8]) -> Result<Self, Failure> {
        let known = Self::ALL.into_iter().find(|plugin| plugin.name().as_bytes() == name);
        known.ok_or_else(|| Failure::UnknownPlugin(excerpt(&String::from_utf8_lossy(name), 64)))
    }

    /// What proves that one knows the password, without telling it. Empty for an empty password.
    pub fn auth_response(self, account: &Account, scramble: &[u8; SCRAMBLE]) -> Zeroizing<Vec<u8>> {
        let password = account.password.as_bytes();
        match self {
            _ if password.is_empty() => Zeroizing::default(),
            Self::Native => native::auth_response(password, scramble),
            Self::CachingSha2 => caching_sha2::auth_response(password, scramble),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_is_done() {
        for plugin in Plugin::ALL {
            assert_eq!(Plugin::by_name(plugin.name().as_bytes()), Ok(plugin));
        }
        let others: [&[u8]; 8] = [
            b"client_ed25519",
            b"sha256_password",
            b"mysql_clear_password",
            b"dialog",
            b"mysql_old_password",
            b"",
            b"MYSQL_NATIVE_PASSWORD",
            b"mysql_native_password2",
        ];
        for other in others {
            assert!(matches!(Plugin::by_name(other), Err(Failure::UnknownPlugin(_))));
        }
        let Err(Failure::UnknownPlugin(name)) =
            Plugin::by_name(&[b"\r\n\xFF"[..].to_vec(), vec![b'a'; 999]].concat())
        else {
            panic!("unknown")
        };
        assert!(name.starts_with("\\r\\n\u{FFFD}aaa") && name.len() < 100, "{name}");
    }

    #[test]
    fn an_empty_password_has_nothing_to_prove() {
        for plugin in Plugin::ALL {
            assert!(plugin.auth_response(&Account::new("x", ""), &[7; SCRAMBLE]).is_empty());
            assert!(!plugin.auth_response(&Account::new("x", "y"), &[7; SCRAMBLE]).is_empty());
        }
    }
}
