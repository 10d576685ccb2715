//! What the service itself saw of its servers, which Fabric has not said, or not yet.

use std::collections::{BTreeMap, BTreeSet};

use crate::topology::{Reach, Server};

use super::quarantine::{InGroup, Quarantines};

/// Servers that could not be reached, and groups whose primary refused writes.
///
/// Times are milliseconds on the handle's clock.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    quarantined: Quarantines,
    /// By group.
    held: BTreeMap<String, Hold>,
    /// Groups whose servers must be judged anew.
    touched: BTreeSet<String>,
    /// What was not told of yet, in order.
    news: Vec<News>,
}

#[derive(Debug, Clone)]
struct Hold {
    /// Who refused: the hold is over when somebody else is the primary.
    primary: String,
    /// When it refused last.
    refused: u64,
    until: u64,
}

/// What has begun or ended for a server of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The server could not be reached, and is left out.
    Quarantined,
    /// The server turned out to be back.
    Back,
    /// The writes of the group are held: the server, its primary, refused one.
    WritesHeld,
    /// The writes of the group are held no longer.
    WritesReleased,
}

/// A change, and the group and the server that it is about.
pub type News = (Change, String, String);

impl Observed {
    pub fn reach(&self, group: &str, server_uuid: &str) -> Reach {
        self.quarantined.reach(group, server_uuid)
    }

    pub fn is_held(&self, group: &str) -> bool {
        self.held.contains_key(group)
    }

    pub fn quarantines(&self) -> &Quarantines {
        &self.quarantined
    }

    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// Leaves a server out; see [`Quarantines::failed`].
    pub fn quarantine(
        &mut self,
        group: &str,
        server_uuid: &str,
        is_primary: bool,
        now: u64,
        pause: u64,
    ) -> bool {
        self.touched.insert(group.to_owned());
        let is_new = self.quarantined.failed(group, server_uuid, is_primary, now, pause);
        if is_new {
            self.note(Change::Quarantined, group, server_uuid);
        }
        is_new
    }

    /// The server answers again.
    pub fn release(&mut self, server_uuid: &str) {
        if let Some(group) = self.quarantined.answered(server_uuid) {
            self.touched.insert(group.clone());
            self.note(Change::Back, &group, server_uuid);
        }
    }

    /// Fabric lists these servers for a group now.
    pub fn listed(&mut self, group: &str, servers: &[Server], now: u64) {
        for uuid in self.quarantined.listed(group, servers, now) {
            self.touched.insert(group.to_owned());
            self.note(Change::Back, group, &uuid);
        }
    }

    fn note(&mut self, change: Change, group: &str, server_uuid: &str) {
        self.news.push((change, group.to_owned(), server_uuid.to_owned()));
    }

    /// What has begun or ended since the last call, in order.
    pub fn take_news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    /// Holds the writes of a group whose primary refused one `now`, for as long as `lasts` from
    /// then on: every refusal tells that the change which it is about is not over. True if they
    /// were not held before.
    pub fn hold(&mut self, group: &str, primary: &str, now: u64, lasts: u64) -> bool {
        let until = now.saturating_add(lasts);
        let before = self.held.get(group).map_or(0, |hold| hold.until);
        let hold = Hold { primary: primary.to_owned(), refused: now, until: until.max(before) };
        let is_new = self.held.insert(group.to_owned(), hold).is_none();
        if is_new {
            self.touched.insert(group.to_owned());
            self.note(Change::WritesHeld, group, primary);
        }
        is_new
    }

    /// When a primary refused a write last, of those whose groups are held.
    pub fn refused_last(&self) -> Option<u64> {
        self.held.values().map(|hold| hold.refused).max()
    }

    /// Fabric names `primary` for a group now: another one than the refusing one ends a hold.
    pub fn primary_is(&mut self, group: &str, primary: Option<&str>) {
        let ends = |hold: &Hold| primary.is_some_and(|primary| primary != hold.primary);
        if self.held.get(group).is_some_and(ends) {
            self.end_hold(group);
        }
    }

    /// A new shard map moved keys of this group, which ends a hold.
    pub fn map_changed(&mut self, group: &str) {
        self.end_hold(group);
    }

    fn end_hold(&mut self, group: &str) {
        if let Some(hold) = self.held.remove(group) {
            self.touched.insert(group.to_owned());
            self.note(Change::WritesReleased, group, &hold.primary);
        }
    }

    /// Ends what has lasted long enough; the servers that may be tried now or are in use again.
    pub fn expire(&mut self, now: u64) -> Vec<(InGroup, Reach)> {
        let groups = self.held.iter().filter(|(_, hold)| hold.until <= now);
        let groups: Vec<String> = groups.map(|(group, _)| group.clone()).collect();
        for group in groups {
            self.end_hold(&group);
        }
        let changed = self.quarantined.expire(now);
        self.touched.extend(changed.iter().map(|((group, _), _)| group.clone()));
        changed
    }

    /// When the next quarantine or hold ends.
    pub fn next_end(&self) -> Option<u64> {
        let quarantine = self.quarantined.next_end();
        quarantine.into_iter().chain(self.held.values().map(|hold| hold.until)).min()
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
        assert!(seen.hold("g", "p", 50, 50));
        seen.primary_is("g", Some("p"));
        seen.primary_is("g", None);
        assert!(seen.is_held("g"), "no primary is not another one");
        seen.primary_is("g", Some("q"));
        assert!(!seen.is_held("g"));

        assert!(seen.hold("g", "q", 100, 100));
        seen.map_changed("g");
        assert!(!seen.is_held("g"));

        assert!(seen.hold("g", "q", 200, 100));
        seen.expire(299);
        assert!(!seen.hold("g", "q", 299, 101), "it is no news, but lasts longer");
        assert!(!seen.hold("g", "q", 299, 1), "and never shorter");
        seen.expire(399);
        assert!(seen.is_held("g"));
        assert_eq!((seen.next_end(), seen.refused_last()), (Some(400), Some(299)));
        seen.expire(400);
        assert!(!seen.is_held("g"));
        let told = ["p", "q", "q"].map(|primary| {
            let told = |change| (change, "g".to_owned(), primary.to_owned());
            [told(Change::WritesHeld), told(Change::WritesReleased)]
        });
        assert_eq!(seen.take_news(), told.concat());
        assert_eq!(seen.take_touched(), BTreeSet::from(["g".to_owned()]));
        assert!(seen.take_touched().is_empty());
    }

    #[test]
    fn groups_are_judged_anew_when_a_server_of_theirs_is_away_on_trial_or_back() {
        let mut seen = Observed::default();
        assert!(seen.quarantine("g", "s", false, 0, 100));
        assert!(seen.take_touched().contains("g"));
        assert_eq!((seen.expire(99).len(), seen.next_end()), (0, Some(100)));
        assert!(seen.take_touched().is_empty());
        assert_eq!(seen.expire(100).len(), 1);
        assert!(seen.take_touched().contains("g"));
        let told = |change| [(change, "g".to_owned(), "s".to_owned())];
        assert_eq!(seen.take_news(), told(Change::Quarantined));
        seen.release("s");
        assert!(seen.take_touched().contains("g"));
        assert_eq!(seen.take_news(), told(Change::Back));
        assert_eq!(seen.take_news(), []);
        seen.release("s");
        assert_eq!(seen.take_news(), [], "there was no doubt");
    }
}
