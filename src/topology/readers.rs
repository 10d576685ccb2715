//! Who takes the reads of a group: by role, by what services saw of the servers, and by zone.

use super::health_overlay::{HealthOverlay, Reachability};
use super::read_preference::ReadPreference;
use super::server::{self, Server};

/// How sure it is that readers can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Assurance {
    /// They are in use.
    #[default]
    Up,
    /// Some are on trial, and nobody better is there.
    OnTrial,
    /// All are left out: a service that reaches nobody is better off trying than refused.
    LeftOut,
}

/// The servers that take the reads of a group, in the order of the list, and why these.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Readers {
    pub positions: Vec<u32>,
    pub assurance: Assurance,
    /// Whether they are in the service's own zone, and others are not.
    pub is_own_zone: bool,
    /// How many that would serve otherwise stand in another zone.
    pub in_other_zones: u32,
    /// How many that would serve otherwise are left out or on trial.
    pub out_of_use: u32,
}

/// Who is in use for reads. Servers are positions in `servers`.
pub struct Candidates<'s> {
    servers: &'s [Server],
    overlay: &'s HealthOverlay,
    /// Who may be read from, by rank: the first class that has somebody serves.
    classes: Vec<Vec<u32>>,
}

impl<'s> Candidates<'s> {
    pub fn new(servers: &'s [Server], overlay: &'s HealthOverlay) -> Self {
        let secondaries = positions(servers, Server::takes_reads_as_secondary);
        let is_read = |at: &usize| servers.get(*at).is_some_and(Server::takes_reads_as_primary);
        let primary = server::primary(servers).filter(is_read).map(|at| at as u32);
        let primary = Vec::from_iter(primary);
        let classes = match overlay.preference {
            ReadPreference::Secondary => vec![secondaries, primary],
            ReadPreference::SecondaryOnly => vec![secondaries],
            ReadPreference::Primary => vec![primary, secondaries],
            ReadPreference::Nearest => {
                let mut all = [secondaries, primary].concat();
                all.sort_unstable();
                vec![all]
            }
        };
        Self { servers, overlay, classes }
    }

    /// Leaves out servers altogether.
    pub fn without(mut self, is_out: impl Fn(&Server) -> bool) -> Self {
        let stays = |at: &u32| self.servers.get(*at as usize).is_some_and(|server| !is_out(server));
        self.classes.iter_mut().for_each(|class| class.retain(stays));
        self
    }

    /// The sets of servers that reads go to, the next where nobody is left of those before: those in
    /// use, of the service's own zone first, by class; then those on trial; then those that are left out.
    pub fn tiers(&self) -> impl Iterator<Item = Readers> + '_ {
        let assurances = [Assurance::Up, Assurance::OnTrial, Assurance::LeftOut];
        let ranks = 0..self.classes.len();
        let both = assurances.into_iter().flat_map(move |a| ranks.clone().map(move |r| (a, r)));
        both.flat_map(|(assurance, rank)| {
            let (before, class) = (self.classes.get(..rank), self.classes.get(rank));
            let (before, class) =
                (before.unwrap_or_default(), class.map_or(&[][..], Vec::as_slice));
            let is_good = |at: &&u32| self.assurance(**at) <= assurance;
            let positions: Vec<u32> = class.iter().filter(is_good).copied().collect();
            let out = before.iter().flatten().chain(class).filter(|at| !is_good(at));
            let out_of_use = out.count() as u32;
            let readers = Readers { positions, assurance, out_of_use, ..Readers::default() };
            [self.nearest(&readers), Some(readers)]
        })
        .flatten()
        .filter(|readers| !readers.positions.is_empty())
    }

    /// Those of the service's own zone, if there are any, and all are in use.
    fn nearest(&self, readers: &Readers) -> Option<Readers> {
        let own_zone = self.overlay.zone.as_deref()?;
        let is_near = |at: &u32| {
            self.servers.get(*at as usize).is_some_and(|s| s.zone.as_deref() == Some(own_zone))
        };
        let positions: Vec<u32> = readers.positions.iter().copied().filter(is_near).collect();
        let in_other_zones = (readers.positions.len() - positions.len()) as u32;
        (readers.assurance == Assurance::Up).then(|| Readers {
            positions,
            is_own_zone: in_other_zones > 0,
            in_other_zones,
            ..readers.clone()
        })
    }

    /// Those on trial that one request each may try: they rank as those in use do, and reads do not
    /// depend on them anyway.
    pub fn on_trial(&self, readers: &Readers) -> Vec<u32> {
        // A class that ranks below the first is nobody's to try while that serves.
        let first = self.classes.first().map_or(&[][..], Vec::as_slice);
        // Readers are in the order of the list.
        let is_apart = |at: &u32| readers.positions.binary_search(at).is_err();
        let on_trial = |at: &u32| self.assurance(*at) == Assurance::OnTrial;
        first.iter().copied().filter(|at| is_apart(at) && on_trial(at)).collect()
    }

    fn assurance(&self, at: u32) -> Assurance {
        match self.overlay.reachability.get(at as usize) {
            None | Some(Reachability::Up) => Assurance::Up,
            Some(Reachability::HalfOpen(_)) => Assurance::OnTrial,
            Some(Reachability::Down) => Assurance::LeftOut,
        }
    }
}

fn positions(servers: &[Server], wanted: impl Fn(&Server) -> bool) -> Vec<u32> {
    (0..).zip(servers).filter(|(_, server)| wanted(server)).map(|(index, _)| index).collect()
}
