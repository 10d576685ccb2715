//! A high-availability group: its servers, and which of them serves a request.

use std::sync::Arc;

use super::balance::Rotation;
use super::server::Server;

/// A group's number in its handle. A name keeps its number as long as the handle lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupId(pub u32);

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Modes WRITEONLY and READWRITE, status PRIMARY.
    Primary,
    /// Mode READONLY, status SECONDARY, or nothing given.
    Reader,
    /// Status FAULTY or SPARE: such servers never serve.
    Nobody,
}

/// The servers of one group. Empty when Fabric lists none, be the group empty or unknown: its
/// answer is the same for both.
#[derive(Debug)]
pub struct Group {
    servers: Box<[Server]>,
    primary: Option<usize>,
    readers: Box<[usize]>,
    rotation: Arc<Rotation>,
}

impl Group {
    /// Keeps the order Fabric gave. `previous` lends its rotation when the secondaries and
    /// their weights are the same, so that a refresh does not start the turns again; `start`
    /// is where a new rotation begins.
    pub fn new(servers: Vec<Server>, previous: Option<&Group>, start: u64) -> Self {
        let primary = servers.iter().position(Server::takes_writes);
        let mut readers: Vec<usize> = positions(&servers, Server::takes_reads_as_secondary);
        if readers.is_empty() {
            readers = positions(&servers, Server::takes_reads_as_primary);
            readers.truncate(1);
        }
        let reading = |index: &usize| servers.get(*index);
        let weights: Vec<f64> =
            readers.iter().filter_map(reading).map(|server| server.weight).collect();
        let members = readers.iter().filter_map(reading).map(|server| &server.uuid);
        let rotation = match previous {
            Some(previous)
                if previous.rotation.weights() == weights && previous.readers().eq(members) =>
            {
                Arc::clone(&previous.rotation)
            }
            _ => Arc::new(Rotation::new(&weights, start)),
        };
        Self { servers: servers.into(), primary, readers: readers.into(), rotation }
    }

    /// All servers Fabric listed, those that never serve among them.
    pub fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// The server for the next request of this kind.
    #[inline]
    pub fn choose(&self, wanted: Wanted) -> Option<&Server> {
        let index = match wanted {
            Wanted::Primary => self.primary?,
            Wanted::Reader => *self.readers.get(self.rotation.next())?,
            Wanted::Nobody => return None,
        };
        self.servers.get(index)
    }

    /// Whether both list the same servers in the same state.
    pub fn same_servers(&self, servers: &[Server]) -> bool {
        *self.servers == *servers
    }

    fn readers(&self) -> impl Iterator<Item = &String> {
        self.readers.iter().filter_map(|index| self.servers.get(*index)).map(|server| &server.uuid)
    }
}

fn positions(servers: &[Server], wanted: impl Fn(&Server) -> bool) -> Vec<usize> {
    servers.iter().enumerate().filter(|(_, s)| wanted(s)).map(|(index, _)| index).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(uuid: &str, status: i32, mode: i32, weight: f64) -> Server {
        Server { uuid: uuid.into(), host: "h".into(), port: 3306, mode, status, weight }
    }

    fn picks(group: &Group, wanted: Wanted, count: usize) -> Vec<String> {
        (0..count).filter_map(|_| group.choose(wanted)).map(|s| s.uuid.clone()).collect()
    }

    #[test]
    fn writes_go_to_the_primary_and_reads_to_the_secondaries() {
        let servers = vec![server("p", 3, 3, 1.0), server("a", 2, 1, 1.0), server("b", 2, 1, 1.0)];
        let group = Group::new(servers, None, 0);
        assert_eq!(picks(&group, Wanted::Primary, 2), ["p", "p"]);
        let mut read = picks(&group, Wanted::Reader, 2);
        read.sort();
        assert_eq!(read, ["a", "b"]);
        assert!(picks(&group, Wanted::Nobody, 1).is_empty());
    }

    #[test]
    fn reads_fall_back_to_the_primary_only_without_secondaries() {
        let group = Group::new(vec![server("p", 3, 3, 1.0), server("s", 1, 0, 1.0)], None, 5);
        assert_eq!(picks(&group, Wanted::Reader, 2), ["p", "p"]);
        let group = Group::new(vec![server("p", 3, 2, 1.0)], None, 5);
        assert!(picks(&group, Wanted::Reader, 1).is_empty(), "a WRITE_ONLY primary reads nothing");
    }

    #[test]
    fn a_servers_own_mode_is_honoured() {
        let servers = vec![
            server("p", 3, 1, 1.0),
            server("offline", 2, 0, 1.0),
            server("write-only", 2, 2, 1.0),
            server("strange mode", 2, 9, 1.0),
            server("strange status", 7, 3, 1.0),
            server("faulty", 0, 3, 1.0),
            server("spare", 1, 3, 1.0),
            server("good", 2, 1, 1.0),
        ];
        let group = Group::new(servers, None, 0);
        assert!(picks(&group, Wanted::Primary, 1).is_empty(), "a READ_ONLY primary writes nothing");
        assert_eq!(picks(&group, Wanted::Reader, 4), ["good"; 4]);
    }

    #[test]
    fn the_turns_survive_a_refresh_of_the_same_members() {
        let servers =
            || vec![server("p", 3, 3, 1.0), server("a", 2, 1, 1.0), server("b", 2, 1, 1.0)];
        let first = Group::new(servers(), None, 0);
        let mut taken = picks(&first, Wanted::Reader, 1);
        let second = Group::new(servers(), Some(&first), 0);
        taken.extend(picks(&second, Wanted::Reader, 1));
        taken.sort();
        assert_eq!(taken, ["a", "b"], "the second group went on where the first stood");

        let mut heavier = servers();
        heavier[1].weight = 3.0;
        let third = Group::new(heavier, Some(&second), 0);
        assert!(!Arc::ptr_eq(&third.rotation, &second.rotation));
    }

    #[test]
    fn handles_begin_at_different_places() {
        let servers = || vec![server("a", 2, 1, 1.0), server("b", 2, 1, 1.0)];
        let (one, two) = (Group::new(servers(), None, 0), Group::new(servers(), None, 1));
        assert_ne!(picks(&one, Wanted::Reader, 1), picks(&two, Wanted::Reader, 1));
    }
}
