//! The clock that begins with the machine, for times between two processes: nobody sets it.

use std::fs;

/// A time on that clock, and the boot that it counts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootTime {
    pub boot_id: String,
    pub uptime_ms: u64,
}

impl BootTime {
    /// Nothing where the system does not tell one boot from another.
    pub fn now() -> Option<Self> {
        let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let uptime = fs::read_to_string("/proc/uptime").ok()?;
        let seconds: f64 = uptime.split_ascii_whitespace().next()?.parse().ok()?;
        Some(Self { boot_id: boot_id.trim().to_owned(), uptime_ms: (seconds * 1000.0) as u64 })
    }

    /// Milliseconds since `then`; nothing if the machine was started in between.
    pub fn since(&self, then: &Self) -> Option<u64> {
        let is_same = self.boot_id == then.boot_id;
        self.uptime_ms.checked_sub(then.uptime_ms).filter(|_| is_same)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn it_goes_on() {
        let before = BootTime::now().expect("a time");
        assert!(before.boot_id.len() > 30 && before.uptime_ms > 0, "{before:?}");
        assert!(BootTime::now().expect("a time").since(&before).expect("one boot") < 600_000);
        let other = BootTime { boot_id: "another".into(), ..before.clone() };
        assert_eq!(other.since(&before), None);
        let earlier = BootTime { uptime_ms: before.uptime_ms - 1, ..before.clone() };
        assert_eq!((before.since(&earlier), earlier.since(&before)), (Some(1), None));
    }
}
