//! Under which name a handle reports to Fabric, which counts distinct reporters.

use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

/// Fabric cuts what is longer, and then handles of one host would be one reporter.
const MAX_LENGTH: usize = 64;

const PREFIX: &str = "libmysqlfabric-";

/// One handle's: `libmysqlfabric-<host>-<pid>-<n>`, so that an operator who reads Fabric's log
/// finds the process.
#[derive(Debug)]
pub struct Reporter {
    /// Of the handle in the process.
    number: u64,
}

impl Default for Reporter {
    fn default() -> Self {
        static HANDLES: AtomicU64 = AtomicU64::new(1);
        Self { number: HANDLES.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Reporter {
    /// Asked for at each report: a forked child is another process.
    pub fn name(&self) -> String {
        let host = nix::unistd::gethostname().unwrap_or_default();
        name(&host.to_string_lossy(), process::id(), self.number)
    }
}

/// The host is cut where the name would be too long, and never what tells handles apart.
fn name(host: &str, pid: u32, number: u64) -> String {
    let end = format!("-{pid}-{number}");
    let room = MAX_LENGTH.saturating_sub(PREFIX.len() + end.len());
    let fit = |c: char| if c.is_control() || c.is_whitespace() { '?' } else { c };
    let host: String = host.chars().map(fit).take(room).collect();
    let host = if host.is_empty() { "unknown" } else { &host };
    format!("{PREFIX}{host}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_cut_and_never_the_number() {
        assert_eq!(name("db1.example.com", 4711, 3), "libmysqlfabric-db1.example.com-4711-3");
        let long = "x".repeat(255);
        for (pid, number) in [(1, 1), (4_194_304, 12_345), (u32::MAX, u64::MAX)] {
            for host in ["h", "é", &long, &"é".repeat(99)] {
                let name = name(host, pid, number);
                assert!(name.chars().count() <= MAX_LENGTH, "{name}");
                assert!(name.ends_with(&format!("-{pid}-{number}")), "{name}");
                let begin: String = host.chars().take(1).collect();
                assert!(name.starts_with(&format!("{PREFIX}{begin}")), "{name}");
            }
        }
        assert_eq!(name("a\nb c", 1, 2), "libmysqlfabric-a?b?c-1-2");
        assert_eq!(name("", 1, 2), "libmysqlfabric-unknown-1-2");
    }

    #[test]
    fn handles_have_names_of_their_own() {
        let (one, two) = (Reporter::default(), Reporter::default());
        assert_ne!(one.name(), two.name());
        assert_eq!(one.name(), one.name());
        assert!(one.name().contains(&format!("-{}-", process::id())));
    }
}
