//! What the service itself saw of its servers, which Fabric has not said, or not yet.

use std::collections::{BTreeMap, BTreeSet};

/// Servers that could not be reached, and groups whose primary refused writes.
///
/// Times are milliseconds on the handle's clock.
#[derive(Debug, Default)]
pub struct Observed {
    /// By server UUID.
    quarantined: BTreeMap<String, Quarantine>,
    /// By group.
    held: BTreeMap<String, Hold>,
    /// Groups whose servers must be judged anew.
    touched: BTreeSet<String>,
}

#[derive(Debug)]
struct Quarantine {
    group: String,
    until: u64,
    /// How long the server stays away, and then how long it is on trial.
    lasts: u64,
    /// The server has stayed away for long enough, and one request may try it.
    on_trial: bool,
}

/// How far a service gets with a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    #[default]
    Good,
    /// Nobody knows yet: it was away, and one request may find out.
    Trial,
    Away,
}

#[derive(Debug)]
struct Hold {
    /// Who refused: the hold is over when somebody else is the primary.
    primary: String,
    until: u64,
}

impl Observed {
    pub fn reach(&self, server_uuid: &str) -> Reach {
        match self.quarantined.get(server_uuid) {
            None => Reach::Good,
            Some(quarantine) if quarantine.on_trial => Reach::Trial,
            Some(_) => Reach::Away,
        }
    }

    pub fn is_held(&self, group: &str) -> bool {
        self.held.contains_key(group)
    }

    /// How many servers are away.
    pub fn quarantined(&self) -> usize {
        self.quarantined.values().filter(|quarantine| !quarantine.on_trial).count()
    }

    /// How many servers are away or on trial.
    pub fn doubted(&self) -> usize {
        self.quarantined.len()
    }

    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// Leaves a server out for as long as `lasts`, and then on trial for as long again. True if
    /// it was not in quarantine before.
    pub fn quarantine(&mut self, server_uuid: &str, group: &str, now: u64, lasts: u64) -> bool {
        self.touched.insert(group.to_owned());
        let until = now.saturating_add(lasts);
        let quarantine = Quarantine { group: group.to_owned(), until, lasts, on_trial: false };
        self.quarantined.insert(server_uuid.to_owned(), quarantine).is_none()
    }

    /// The server answers again; its group, if it was quarantined.
    pub fn release(&mut self, server_uuid: &str) -> Option<String> {
        let group = self.quarantined.remove(server_uuid)?.group;
        self.touched.insert(group.clone());
        Some(group)
    }

    /// Holds the writes of a group whose primary refused one. A hold that is on already keeps
    /// its end: everybody who writes meanwhile will report, and that must not prolong it.
    pub fn hold(&mut self, group: &str, primary: &str, until: u64) -> bool {
        if self.held.contains_key(group) {
            return false;
        }
        self.held.insert(group.to_owned(), Hold { primary: primary.to_owned(), until });
        self.touched.insert(group.to_owned());
        true
    }

    /// Fabric names `primary` for a group now: another one than the refusing one ends a hold.
    pub fn primary_is(&mut self, group: &str, primary: Option<&str>) {
        let ends = |hold: &Hold| primary.is_some_and(|primary| primary != hold.primary);
        if self.held.get(group).is_some_and(ends) {
            self.end_hold(group);
        }
    }

    /// A shard map that this group has a part in has changed, which ends a hold.
    pub fn map_changed(&mut self, group: &str) {
        self.end_hold(group);
    }

    fn end_hold(&mut self, group: &str) {
        if self.held.remove(group).is_some() {
            self.touched.insert(group.to_owned());
        }
    }

    /// Ends what has lasted long enough; the servers whose trial ended without bad news, with
    /// their groups.
    pub fn expire(&mut self, now: u64) -> Vec<(String, String)> {
        let over = |until: u64| until <= now;
        let servers = self.quarantined.iter().filter(|(_, q)| q.on_trial && over(q.until));
        let servers: Vec<String> = servers.map(|(uuid, _)| uuid.clone()).collect();
        let groups = self.held.iter().filter(|(_, hold)| over(hold.until));
        let groups: Vec<String> = groups.map(|(group, _)| group.clone()).collect();
        for group in groups {
            self.end_hold(&group);
        }
        for quarantine in self.quarantined.values_mut() {
            if !quarantine.on_trial && over(quarantine.until) {
                quarantine.on_trial = true;
                quarantine.until = now.saturating_add(quarantine.lasts);
                self.touched.insert(quarantine.group.clone());
            }
        }
        let released = servers.into_iter();
        released.filter_map(|uuid| self.release(&uuid).map(|group| (uuid, group))).collect()
    }

    /// When the next quarantine or hold ends.
    pub fn next_end(&self) -> Option<u64> {
        let quarantines = self.quarantined.values().map(|quarantine| quarantine.until);
        quarantines.chain(self.held.values().map(|hold| hold.until)).min()
    }

    /// The groups touched since the last call.
    pub fn take_touched(&mut self) -> BTreeSet<String> {
        std::mem::take(&mut self.touched)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_ends_with_another_primary_a_new_map_or_its_time() {
        let mut seen = Observed::default();
        assert!(seen.hold("g", "p", 100));
        assert!(!seen.hold("g", "p", 900), "a second report prolongs nothing");
        seen.primary_is("g", Some("p"));
        seen.primary_is("g", None);
        assert!(seen.is_held("g"), "no primary is not another one");
        seen.primary_is("g", Some("q"));
        assert!(!seen.is_held("g"));

        assert!(seen.hold("g", "q", 200));
        seen.map_changed("g");
        assert!(!seen.is_held("g"));

        assert!(seen.hold("g", "q", 300));
        seen.expire(299);
        assert!(seen.is_held("g"));
        seen.expire(300);
        assert!(!seen.is_held("g"));
        assert_eq!(seen.take_touched(), BTreeSet::from(["g".to_owned()]));
        assert!(seen.take_touched().is_empty());
    }

    #[test]
    fn a_quarantine_ends_with_its_time_or_a_good_report() {
        let mut seen = Observed::default();
        assert_eq!(seen.reach("s"), Reach::Good);
        assert!(seen.quarantine("s", "g", 0, 100));
        assert!(!seen.quarantine("s", "g", 50, 100));
        assert_eq!((seen.reach("s"), seen.next_end()), (Reach::Away, Some(150)));
        assert!(seen.expire(149).is_empty());
        assert_eq!(seen.quarantined(), 1);

        assert!(seen.expire(150).is_empty(), "it is on trial first");
        assert_eq!((seen.reach("s"), seen.next_end()), (Reach::Trial, Some(250)));
        assert_eq!((seen.quarantined(), seen.doubted()), (0, 1));
        assert!(!seen.quarantine("s", "g", 160, 100), "a failed trial is no news");
        assert_eq!(seen.reach("s"), Reach::Away);
        assert!(seen.expire(260).is_empty());
        assert_eq!(seen.expire(360), [("s".to_owned(), "g".to_owned())]);
        assert_eq!(seen.reach("s"), Reach::Good);

        assert!(seen.quarantine("s", "g", 400, 100));
        assert_eq!(seen.release("s").as_deref(), Some("g"));
        assert_eq!(seen.release("s"), None);
        assert_eq!(seen.next_end(), None);
    }
}
