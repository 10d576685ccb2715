//! What one call wants of a group, and the servers in the order in which the call should try them.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::balance::Cursor;
use super::group::{Group, Wanted};
use super::health_overlay::{HealthOverlay, Reachability};
use super::read_preference::ReadPreference;
use super::readers::{Candidates, Readers};
use super::server::Server;

/// What one call wants otherwise than its handle. Servers are named by UUID, or by `host:port`, in upper
/// or lower case.
#[derive(Debug, Clone, Default)]
pub struct Choice<'c> {
    pub preference: Option<ReadPreference>,
    /// An empty one is none.
    pub zone: Option<&'c str>,
    /// The shares of servers in reads; those that are not named keep theirs. Positive and finite.
    pub weights: Vec<(&'c str, f64)>,
    /// Servers that do not come into question.
    pub excluded: Vec<&'c str>,
}

impl Choice<'_> {
    fn is_excluded(&self, server: &Server) -> bool {
        self.excluded.iter().any(|name| is_named(server, name))
    }

    fn weight(&self, server: &Server) -> f64 {
        let named = self.weights.iter().find(|(name, _)| is_named(server, name));
        named.map_or(server.weight, |(_, weight)| *weight)
    }

    /// What is laid over a group's servers for this call.
    fn overlay<'g>(&self, own: &'g HealthOverlay) -> Cow<'g, HealthOverlay> {
        if self.preference.is_none() && self.zone.is_none() {
            return Cow::Borrowed(own);
        }
        let mut overlay = own.clone();
        overlay.preference = self.preference.unwrap_or(own.preference);
        if let Some(zone) = self.zone {
            overlay.zone = (!zone.is_empty()).then(|| zone.into());
        }
        Cow::Owned(overlay)
    }
}

/// Whether a server is meant by its UUID, or by `host:port`, with brackets around the host or without.
fn is_named(server: &Server, name: &str) -> bool {
    let is_address = |(host, port): (&str, &str)| {
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        host.eq_ignore_ascii_case(&server.host) && port.parse() == Ok(server.port)
    };
    name.eq_ignore_ascii_case(&server.uuid) || name.rsplit_once(':').is_some_and(is_address)
}

impl Group {
    /// The servers of which one serves a request, in the order in which they should be tried, `most` of
    /// them. The first is the one that `choose` gives, where the choice leaves it that; those behind it
    /// follow by the same turns, then those that reads go to where none of these is left; those that
    /// are left out come last. One turn is taken, that of the choice.
    ///
    /// `cursors` gives a cursor of the thread beside the group's own, which is that of 0.
    pub fn candidates<'g, 'c>(
        &'g self,
        wanted: Wanted,
        choice: &Choice<'_>,
        most: usize,
        cursors: impl Fn(usize) -> &'c Cursor,
    ) -> Vec<&'g Server> {
        if wanted != Wanted::Reader {
            let primary = self.choose(wanted, cursors(0)).and_then(|chosen| chosen.server());
            return primary.filter(|server| !choice.is_excluded(server)).into_iter().collect();
        }
        let overlay = choice.overlay(self.overlay());
        let candidates = Candidates::new(self.servers(), &overlay);
        let candidates = candidates.without(|server| choice.is_excluded(server));
        let mut tiers = candidates.tiers();
        let Some(first) = tiers.next() else { return Vec::new() };
        let is_taken = vec![false; self.servers().len()];
        let mut order = Order { group: self, most, taken: Vec::new(), is_taken };
        let on_trial = candidates.on_trial(&first);
        let tried = on_trial.into_iter().find(|at| match overlay.reachability.get(*at as usize) {
            Some(Reachability::HalfOpen(probe)) => probe.take(),
            _ => false,
        });
        order.add(tried);
        self.take_turn(choice, &first, tried.is_none(), cursors, &mut order);
        for tier in tiers {
            if order.is_full() {
                break;
            }
            self.others_in_turn(choice, &tier, &mut order);
        }
        order.servers()
    }

    /// Adds the readers in the order of their turns, the next turn first.
    fn take_turn<'c>(
        &self,
        choice: &Choice<'_>,
        readers: &Readers,
        takes: bool,
        cursors: impl Fn(usize) -> &'c Cursor,
        order: &mut Order<'_>,
    ) {
        let weights = self.weights(choice, readers);
        let is_own =
            *readers.positions == *self.readers().positions && weights == self.schedule().weights();
        let (first, rest) = if is_own {
            let cursor = cursors(0);
            let first = takes.then(|| self.next_turn(cursor)).flatten();
            (first, self.schedule().from(cursor))
        } else {
            let number = self.number_of(readers, &weights);
            let cursor = cursors(number as usize);
            let schedule = self.schedule().beside(&weights, number, cursor);
            (takes.then(|| schedule.next(cursor)), schedule.from(cursor))
        };
        let position = |reader: usize| readers.positions.get(reader).copied();
        order.add(first.into_iter().chain(rest).filter_map(position));
    }

    /// Adds those of a tier that reads fall back to: the first of them in turns, too, or all of them
    /// would fall on one server.
    fn others_in_turn(&self, choice: &Choice<'_>, tier: &Readers, order: &mut Order<'_>) {
        let is_left = |at: &u32| order.is_taken.get(*at as usize) == Some(&false);
        let left = tier.positions.iter().copied().filter(is_left).collect();
        let tier = Readers { positions: left, ..Readers::default() };
        let weights = self.weights(choice, &tier);
        let number = self.number_of(&tier, &weights);
        let cursor = Cursor::default();
        let turns = self.schedule().beside(&weights, number, &cursor).from(&cursor);
        order.add(turns.into_iter().filter_map(|reader| tier.positions.get(reader).copied()));
    }

    fn weights(&self, choice: &Choice<'_>, readers: &Readers) -> Vec<f64> {
        let servers = readers.positions.iter().filter_map(|at| self.servers().get(*at as usize));
        servers.map(|server| choice.weight(server)).collect()
    }

    /// A number of these readers with these weights, the same in each call.
    fn number_of(&self, readers: &Readers, weights: &[f64]) -> u32 {
        let mut hasher = DefaultHasher::new();
        self.schedule().id().hash(&mut hasher);
        for (at, weight) in readers.positions.iter().zip(weights) {
            self.servers().get(*at as usize).map(|server| &server.uuid).hash(&mut hasher);
            weight.to_bits().hash(&mut hasher);
        }
        hasher.finish() as u32
    }
}

/// Servers in order, each once.
struct Order<'g> {
    group: &'g Group,
    most: usize,
    taken: Vec<u32>,
    /// Of each server of the group.
    is_taken: Vec<bool>,
}

impl<'g> Order<'g> {
    fn add(&mut self, positions: impl IntoIterator<Item = u32>) {
        for at in positions {
            if self.is_full() {
                return;
            }
            if let Some(is_taken) = self.is_taken.get_mut(at as usize).filter(|taken| !**taken) {
                *is_taken = true;
                self.taken.push(at);
            }
        }
    }

    fn is_full(&self) -> bool {
        self.taken.len() >= self.most
    }

    fn servers(self) -> Vec<&'g Server> {
        let servers = self.group.servers();
        self.taken.iter().filter_map(|at| servers.get(*at as usize)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::topology::Probe;
    use crate::topology::balance::Cursors;

    fn server(port: u16, status: i32, weight: f64, zone: Option<&str>) -> Server {
        Server {
            uuid: format!("u{port}"),
            host: "h".into(),
            port,
            mode: 3,
            status,
            weight,
            zone: zone.map(Into::into),
        }
    }

    /// A primary, 1, and three secondaries: 2 and 3 in the west, 4 in the east.
    fn group(overlay: &HealthOverlay) -> Group {
        let servers = vec![
            server(1, 3, 1.0, Some("west")),
            server(2, 2, 1.0, Some("west")),
            server(3, 2, 3.0, Some("west")),
            server(4, 2, 1.0, Some("east")),
        ];
        Group::new("g", servers, overlay, None, 0)
    }

    /// The ports in their order, by a thread with these cursors.
    fn order(group: &Group, choice: &Choice<'_>, cursors: &Cursors) -> Vec<u16> {
        let chosen = group.candidates(Wanted::Reader, choice, 10, |beside| cursors.of(beside));
        chosen.into_iter().map(|server| server.port).collect()
    }

    fn firsts(group: &Group, choice: &Choice<'_>, count: usize) -> BTreeMap<u16, usize> {
        let (cursors, mut firsts) = (Cursors::new(), BTreeMap::new());
        for _ in 0..count {
            *firsts.entry(order(group, choice, &cursors)[0]).or_default() += 1;
        }
        firsts
    }

    #[test]
    fn each_choice_has_its_exact_shares() {
        let group = group(&HealthOverlay::default());
        assert_eq!(firsts(&group, &Choice::default(), 50), [(2, 10), (3, 30), (4, 10)].into());
        let weights =
            vec![("U2", 2.0), ("H:3", 1.0), ("[h]:4", 5.0), ("h:9", 7.0), ("nobody", 1.0)];
        let weighted = Choice { weights, ..Choice::default() };
        assert_eq!(firsts(&group, &weighted, 80), [(2, 20), (3, 10), (4, 50)].into());
        let west = Choice { zone: Some("west"), ..Choice::default() };
        assert_eq!(firsts(&group, &west, 40), [(2, 10), (3, 30)].into());
        let excluded = Choice { excluded: vec!["u3"], ..Choice::default() };
        assert_eq!(firsts(&group, &excluded, 40), [(2, 20), (4, 20)].into());
        let nearest =
            |zone| Choice { preference: Some(ReadPreference::Nearest), zone, ..Choice::default() };
        assert_eq!(firsts(&group, &nearest(None), 60), [(1, 10), (2, 10), (3, 30), (4, 10)].into());
        assert_eq!(firsts(&group, &nearest(Some("west")), 50), [(1, 10), (2, 10), (3, 30)].into());
        assert_eq!(firsts(&group, &nearest(Some("east")), 5), [(4, 5)].into());
        let primary = Choice { preference: Some(ReadPreference::Primary), ..Choice::default() };
        assert_eq!(firsts(&group, &primary, 5), [(1, 5)].into());
    }

    #[test]
    fn choices_that_alternate_do_not_spoil_each_others_turns() {
        let (group, cursors) = (group(&HealthOverlay::default()), Cursors::new());
        let choices = [
            Choice::default(),
            Choice { excluded: vec!["u3"], ..Choice::default() },
            Choice { zone: Some("west"), ..Choice::default() },
        ];
        let mut counts = [BTreeMap::new(), BTreeMap::new(), BTreeMap::new()];
        for _ in 0..20 {
            for (choice, counts) in choices.iter().zip(&mut counts) {
                *counts.entry(order(&group, choice, &cursors)[0]).or_insert(0) += 1;
            }
        }
        let expected =
            [vec![(2, 4), (3, 12), (4, 4)], vec![(2, 10), (4, 10)], vec![(2, 5), (3, 15)]];
        for (counts, expected) in counts.into_iter().zip(expected) {
            assert_eq!(counts, expected.into_iter().collect());
        }
    }

    /// A thread for each request, as in a service that starts one for each connection.
    #[test]
    fn threads_that_choose_in_turns_do_not_spoil_each_others_shares() {
        let group = group(&HealthOverlay::default());
        let of = |weights: &[(&'static str, f64)], excluded: &[&'static str]| Choice {
            weights: weights.to_vec(),
            excluded: excluded.to_vec(),
            ..Choice::default()
        };
        let choices = [
            of(&[("u2", 2.0)], &[]),
            of(&[("u2", 2.0)], &["u3"]),
            of(&[("u3", 2.0), ("u4", 2.0)], &[]),
        ];
        let mut counts = [BTreeMap::new(), BTreeMap::new(), BTreeMap::new()];
        for _ in 0..60 {
            let cursors = Cursors::new();
            for (choice, counts) in choices.iter().zip(&mut counts) {
                *counts.entry(order(&group, choice, &cursors)[0]).or_insert(0) += 1;
            }
        }
        let expected = [
            vec![(2, 20), (3, 30), (4, 10)],
            vec![(2, 40), (4, 20)],
            vec![(2, 12), (3, 24), (4, 24)],
        ];
        for (counts, expected) in counts.into_iter().zip(expected) {
            assert_eq!(counts, expected.into_iter().collect());
        }
    }

    #[test]
    fn who_stands_behind_is_who_would_serve_next() {
        let down = |at: &[usize]| HealthOverlay {
            reachability: (0..4)
                .map(|i| if at.contains(&i) { Reachability::Down } else { Reachability::Up })
                .collect(),
            ..HealthOverlay::default()
        };
        let of = |group: &Group, choice: Choice<'_>| order(group, &choice, &Cursors::new());
        let all = group(&HealthOverlay::default());
        let choice = Choice { zone: Some("east"), ..Choice::default() };
        let east = of(&all, choice.clone());
        assert_eq!(
            (east[0], east[3], east.len()),
            (4, 1, 4),
            "{east:?}: the zone, others, the primary"
        );
        let lost = of(&group(&down(&[1])), Choice::default());
        assert_eq!((lost[2], lost[3]), (1, 2), "{lost:?}: who is left out comes last");
        let only = Choice { preference: Some(ReadPreference::SecondaryOnly), ..choice };
        assert_eq!(of(&all, only.clone()).len(), 3);
        let none = Choice { excluded: vec!["u2", "H:3", "U4"], ..only };
        assert!(of(&all, none.clone()).is_empty());
        assert_eq!(of(&all, Choice { preference: None, ..none }), [1]);
        // Who falls back does so on all of the others.
        let east = Choice { zone: Some("east"), ..Choice::default() };
        let cursors = Cursors::new();
        let mut seconds: Vec<u16> = (0..4).map(|_| order(&all, &east, &cursors)[1]).collect();
        seconds.sort_unstable();
        assert_eq!(seconds, [2, 3, 3, 3]);
    }

    #[test]
    fn writes_go_to_the_primary_or_to_nobody() {
        let group = group(&HealthOverlay::default());
        let cursors = Cursors::new();
        let of = |choice: &Choice<'_>| {
            let chosen = group.candidates(Wanted::Primary, choice, 9, |beside| cursors.of(beside));
            chosen.into_iter().map(|server| server.port).collect::<Vec<_>>()
        };
        assert_eq!(of(&Choice::default()), [1]);
        assert_eq!(
            of(&Choice { preference: Some(ReadPreference::SecondaryOnly), ..Choice::default() }),
            [1]
        );
        assert!(of(&Choice { excluded: vec!["u1"], ..Choice::default() }).is_empty());
    }

    #[test]
    fn one_call_tries_who_is_on_trial() {
        let probe = Reachability::HalfOpen(Probe::default());
        let reachability = vec![Reachability::Up, probe, Reachability::Up, Reachability::Up];
        let group = group(&HealthOverlay { reachability, ..HealthOverlay::default() });
        let cursors = Cursors::new();
        let choice = Choice { excluded: vec!["u4"], ..Choice::default() };
        assert_eq!(order(&group, &choice, &cursors), [2, 3, 1]);
        assert_eq!(order(&group, &choice, &cursors), [3, 1, 2]);
    }

    proptest! {
        /// Groups follow on each other as their servers are lost, tried and found; one thread reads on.
        #[test]
        fn a_reader_is_one_of_the_group_whoever_was_lost_before(
            states in prop::collection::vec(
                (prop::collection::vec(0usize..4, 7), 0usize..9, any::<bool>()), 2..12),
        ) {
            let servers: Vec<Server> =
                (1..8).map(|port| server(port, 2, 1.0, None)).collect();
            let (cursors, mut previous) = (Cursors::new(), None);
            for (reach, picks, chooses) in states {
                let reachability = reach.into_iter().map(|reach| match reach {
                    0 => Reachability::Down,
                    1 => Reachability::HalfOpen(Probe::default()),
                    _ => Reachability::Up,
                });
                let overlay = HealthOverlay {
                    reachability: reachability.collect(),
                    ..HealthOverlay::default()
                };
                let group = Group::new("g", servers.clone(), &overlay, previous.as_ref(), 0);
                for _ in 0..picks {
                    let next = group.peek(Wanted::Reader, cursors.of(0));
                    let next = next.and_then(|(chosen, _)| chosen.server()).map(|server| server.port);
                    prop_assert!(next.is_some());
                    if chooses {
                        prop_assert_eq!(order(&group, &Choice::default(), &cursors).first().copied(), next);
                    } else {
                        let chosen = group.choose(Wanted::Reader, cursors.of(0));
                        prop_assert!(chosen.is_some_and(|chosen| chosen.image().is_some()));
                        let chosen = chosen.and_then(|chosen| chosen.server());
                        prop_assert_eq!(chosen.map(|server| server.port), next);
                    }
                }
                previous = Some(group);
            }
        }

        #[test]
        fn the_first_is_that_of_a_lookup_and_takes_one_turn(
            roles in prop::collection::vec((1i32..4, 1u32..4, 0usize..4, prop::option::of("[ab]")), 1..6),
            zone in prop::option::of("[ab]"),
            picks in 1usize..9,
        ) {
            let reach = |reach: usize| match reach {
                0 => Reachability::Down,
                1 => Reachability::HalfOpen(Probe::default()),
                _ => Reachability::Up,
            };
            let overlay = HealthOverlay {
                reachability: roles.iter().map(|(_, _, at, _)| reach(*at)).collect(),
                zone: zone.map(Into::into),
                ..HealthOverlay::default()
            };
            let servers: Vec<Server> = (1..).zip(&roles)
                .map(|(port, (status, weight, _, zone))| {
                    server(port, *status, f64::from(*weight), zone.as_deref())
                })
                .collect();
            let group = Group::new("g", servers, &overlay, None, 5);
            let cursors = Cursors::new();
            for pick in 0..picks {
                let next = group.peek(Wanted::Reader, cursors.of(0));
                let next = next.and_then(|(chosen, _)| chosen.server()).map(|server| server.port);
                let order = if pick % 3 == 2 {
                    let chosen = group.choose(Wanted::Reader, cursors.of(0));
                    chosen.and_then(|chosen| chosen.server()).map(|server| server.port).into_iter().collect()
                } else {
                    order(&group, &Choice::default(), &cursors)
                };
                prop_assert_eq!(order.first().copied(), next);
                let mut each = order.clone();
                each.sort_unstable();
                each.dedup();
                prop_assert_eq!(each.len(), order.len());
            }
        }
    }
}
