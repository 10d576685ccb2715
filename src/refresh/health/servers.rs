//! What services saw of a farm's servers, which the source has not said, or not yet.

use std::collections::BTreeSet;

use crate::topology::{Reachability, Server};

use super::quarantine::{InGroup, Quarantines};
use super::write_fence::{Ended, WriteFences};

/// Servers that could not be reached, and groups whose primary refused writes.
///
/// Times are milliseconds on the handle's clock.
#[derive(Debug, Clone, Default)]
pub struct ServerHealth {
    quarantines: Quarantines,
    fences: WriteFences,
    /// Groups whose servers must be judged anew.
    touched: BTreeSet<String>,
    /// What was not told of yet, in order.
    news: Vec<News>,
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

impl ServerHealth {
    pub fn reachability(&self, group: &str, server_uuid: &str) -> Reachability {
        self.quarantines.reachability(group, server_uuid)
    }

    /// Whether the writes of a group are held.
    pub fn is_held(&self, group: &str) -> bool {
        self.fences.is_up(group)
    }

    pub fn quarantines(&self) -> &Quarantines {
        &self.quarantines
    }

    pub fn fences(&self) -> &WriteFences {
        &self.fences
    }

    /// Whether there is nothing to say of any server.
    pub fn is_empty(&self) -> bool {
        self.quarantines.is_empty() && self.fences.count() == 0
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
        let is_new = self.quarantines.failed(group, server_uuid, is_primary, now, pause);
        if is_new {
            self.note(Change::Quarantined, group, server_uuid);
        }
        is_new
    }

    /// A service has reported a failure of a server; see [`Quarantines::reported`].
    pub fn reported(&mut self, group: &str, server_uuid: &str, errno: i32) {
        self.quarantines.reported(group, server_uuid, errno);
    }

    /// Has the handle try a server itself that is left out; see [`Quarantines::probe`].
    pub fn probe(&mut self, group: &str, server_uuid: &str) {
        self.quarantines.probe(group, server_uuid);
    }

    /// The servers to be tried now; see [`Quarantines::take_probes`].
    pub fn take_probes(&mut self, now: u64, most: u64) -> Vec<InGroup> {
        self.quarantines.take_probes(now, most)
    }

    /// A server that was tried is not back.
    pub fn probe_failed(&mut self, group: &str, server_uuid: &str, now: u64) {
        self.quarantines.probe_failed(group, server_uuid, now);
    }

    /// A server could not be tried, which is for one request to do.
    pub fn probe_refused(&mut self, group: &str, server_uuid: &str, now: u64) {
        if self.quarantines.probe_refused(group, server_uuid, now) {
            self.touched.insert(group.to_owned());
        }
    }

    /// The server answers again.
    pub fn release(&mut self, server_uuid: &str) {
        if let Some(group) = self.quarantines.answered(server_uuid) {
            self.touched.insert(group.clone());
            self.note(Change::Back, &group, server_uuid);
        }
    }

    /// The source lists these servers for a group now.
    pub fn listed(&mut self, group: &str, servers: &[Server], now: u64) {
        for uuid in self.quarantines.listed(group, servers, now) {
            self.touched.insert(group.to_owned());
            self.note(Change::Back, group, &uuid);
        }
    }

    /// The source has had an answer of this server; see [`Quarantines::heard`]. One that is the primary
    /// said that it takes writes; see [`WriteFences::takes_writes`].
    pub fn heard(&mut self, group: &str, server_uuid: &str, is_primary: bool, asked_at: u64) {
        self.quarantines.heard(group, server_uuid, is_primary, asked_at);
        if is_primary {
            let ended = self.fences.takes_writes(group, server_uuid, asked_at);
            self.released(ended);
        }
    }

    fn note(&mut self, change: Change, group: &str, server_uuid: &str) {
        self.news.push((change, group.to_owned(), server_uuid.to_owned()));
    }

    /// What has begun or ended since the last call, in order.
    pub fn take_news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    /// Holds the writes of a group; see [`WriteFences::raise`].
    pub fn hold(&mut self, group: &str, primary: &str, now: u64, lasts: u64) -> bool {
        let is_new = self.fences.raise(group, primary, now, lasts);
        if is_new {
            self.touched.insert(group.to_owned());
            self.note(Change::WritesHeld, group, primary);
        }
        is_new
    }

    /// The source names `primary` for a group now: another one than the refusing one ends a hold.
    pub fn primary_is(&mut self, group: &str, primary: Option<&str>) {
        let ended = self.fences.primary_is(group, primary);
        self.released(ended);
    }

    /// A new shard map moved keys of this group, which ends a hold.
    pub fn map_changed(&mut self, group: &str) {
        let ended = self.fences.lower(group);
        self.released(ended);
    }

    fn released(&mut self, ended: impl IntoIterator<Item = Ended>) {
        for (group, primary) in ended {
            self.note(Change::WritesReleased, &group, &primary);
            self.touched.insert(group);
        }
    }

    /// Ends what has lasted long enough; the servers that may be tried now or are in use again.
    pub fn expire(&mut self, now: u64) -> Vec<(InGroup, Reachability)> {
        let ended = self.fences.expire(now);
        self.released(ended);
        let changed = self.quarantines.expire(now);
        self.touched.extend(changed.iter().map(|((group, _), _)| group.clone()));
        changed
    }

    /// When the next quarantine or hold ends.
    pub fn next_end(&self) -> Option<u64> {
        [self.quarantines.next_end(), self.fences.next_end()].into_iter().flatten().min()
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
    fn holds_are_told_of_when_they_begin_and_when_they_end() {
        let mut seen = ServerHealth::default();
        assert!(seen.hold("g", "p", 50, 50));
        seen.primary_is("g", None);
        assert!(seen.is_held("g"));
        seen.primary_is("g", Some("q"));
        assert!(seen.hold("g", "q", 100, 100));
        seen.map_changed("g");
        assert!(seen.hold("g", "q", 200, 100));
        assert!(!seen.hold("g", "q", 299, 101), "it is no news, but lasts longer");
        seen.expire(399);
        assert!(seen.is_held("g") && !seen.is_empty());
        assert_eq!(seen.next_end(), Some(400));
        seen.expire(400);
        assert!(!seen.is_held("g") && seen.is_empty());
        let told = ["p", "q", "q"].map(|primary| {
            let told = |change| (change, "g".to_owned(), primary.to_owned());
            [told(Change::WritesHeld), told(Change::WritesReleased)]
        });
        assert_eq!(seen.take_news(), told.concat());
        assert_eq!(seen.take_touched(), BTreeSet::from(["g".to_owned()]));
        assert!(seen.take_touched().is_empty());
    }

    #[test]
    fn a_hold_ends_by_the_word_of_its_primary_and_of_nobody_else() {
        let mut seen = ServerHealth::default();
        assert!(seen.hold("g", "p", 50, 100));
        seen.heard("g", "p", false, 60);
        seen.heard("g", "a", false, 60);
        assert!(seen.is_held("g"), "it is no primary by its own word");
        seen.take_touched();
        seen.heard("g", "p", true, 60);
        assert!(!seen.is_held("g"));
        let told = [Change::WritesHeld, Change::WritesReleased];
        assert_eq!(seen.take_news(), told.map(|change| (change, "g".to_owned(), "p".to_owned())));
        assert_eq!(seen.take_touched(), BTreeSet::from(["g".to_owned()]));
    }

    #[test]
    fn groups_are_judged_anew_when_a_server_of_theirs_is_away_on_trial_or_back() {
        let mut seen = ServerHealth::default();
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
