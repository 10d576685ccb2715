//! A server as it is handed out: everything a caller gets, in two cache lines.

use super::server::Server;

/// What most servers come to, laid out as C wants it. The texts are padded with zeros, so that
/// they can be copied in whole blocks, NUL included.
#[derive(Debug, Clone)]
#[repr(C)]
pub struct Card {
    pub weight: f64,
    pub port: u32,
    pub mode: i32,
    pub status: i32,
    pub reserved: i32,
    pub uuid: [u8; 40],
    pub group: [u8; 32],
    pub host: [u8; 32],
}

/// What of a long host follows behind a card.
pub type Rest = [u8; 32];

/// So many cards lie with their group: a processor may fetch one before it has read what the
/// group says of it.
const FEW: usize = 3;

/// The cards of a group's servers, in the order in which the group chooses among them.
#[derive(Debug)]
#[repr(C)]
pub struct Cards {
    /// 0 if some text is longer than a card holds: then all are read from the servers.
    count: u32,
    more: Option<Box<More>>,
    pub few: [Card; FEW],
}

/// What most groups have no need of.
#[derive(Debug)]
struct More {
    cards: Box<[Card]>,
    /// For each card; none if no host is so long that it needs one.
    rests: Box<[Rest]>,
}

impl Cards {
    pub fn new<'s>(group: &str, servers: impl Iterator<Item = &'s Server>) -> Self {
        let both: Option<Vec<_>> = servers.map(|server| card(group, server)).collect();
        let (cards, mut rests): (Vec<Card>, Vec<Rest>) =
            both.unwrap_or_default().into_iter().unzip();
        if cards.iter().all(|card| card.host.contains(&0)) {
            rests.clear();
        }
        let count = cards.len() as u32;
        let mut cards = cards.into_iter();
        let few = [(); FEW].map(|()| cards.next().unwrap_or(Card::EMPTY));
        let more = More { cards: cards.collect(), rests: rests.into() };
        let is_needed = !more.cards.is_empty() || !more.rests.is_empty();
        Self { count, more: is_needed.then(|| Box::new(more)), few }
    }

    /// The card at a position, and what is behind it.
    #[inline(always)]
    pub fn get(&self, at: usize) -> Option<(&Card, Option<&Rest>)> {
        if at >= self.count as usize {
            return None;
        }
        let more = self.more.as_deref();
        let card = match self.few.get(at) {
            Some(card) => card,
            None => more?.cards.get(at - FEW)?,
        };
        Some((card, more.and_then(|more| more.rests.get(at))))
    }
}

impl Card {
    const EMPTY: Self = Self {
        weight: 0.0,
        port: 0,
        mode: 0,
        status: 0,
        reserved: 0,
        uuid: [0; 40],
        group: [0; 32],
        host: [0; 32],
    };
}

fn card(group: &str, server: &Server) -> Option<(Card, Rest)> {
    let mut card = Card {
        weight: server.weight,
        port: u32::from(server.port),
        mode: server.mode,
        status: server.status,
        ..Card::EMPTY
    };
    let mut rest = [0; 32];
    let (host, behind) = server.host.as_bytes().split_at(server.host.len().min(32));
    let fit = fill(&mut card.uuid, server.uuid.as_bytes(), 1)
        & fill(&mut card.group, group.as_bytes(), 1)
        & fill(&mut card.host, host, 0)
        & fill(&mut rest, behind, 1);
    fit.then_some((card, rest))
}

/// Whether the text, and as many NULs behind it, fits.
fn fill(place: &mut [u8], text: &[u8], nuls: usize) -> bool {
    let fits = text.len() + nuls <= place.len();
    if let Some(place) = place.get_mut(..text.len()).filter(|_| fits) {
        place.copy_from_slice(text);
    }
    fits
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether there are cards, and something behind them.
    fn form(uuid: usize, group: usize, host: usize) -> Option<bool> {
        let text = |length| "x".repeat(length);
        let server = |uuid, host| Server {
            uuid: text(uuid),
            host: text(host),
            port: 1,
            mode: 3,
            status: 3,
            weight: 1.0,
        };
        let servers = [server(36, 5), server(uuid, host)];
        let cards = Cards::new(&text(group), servers.iter());
        let other = cards.get(0).map(|(_, rest)| rest.is_some());
        let form = cards.get(1).map(|(_, rest)| rest.is_some());
        assert_eq!(other, form);
        form
    }

    #[test]
    fn long_texts_are_elsewhere() {
        assert_eq!(form(36, 31, 31), Some(false));
        assert_eq!(form(36, 31, 32), Some(true));
        assert_eq!(form(36, 31, 63), Some(true));
        assert_eq!(form(36, 31, 64), None);
        assert_eq!(form(36, 32, 5), None);
        assert_eq!(form(40, 5, 5), None);
        assert_eq!(size_of::<Card>(), 128);
    }

    #[test]
    fn there_may_be_any_number() {
        let server = |port| Server {
            uuid: "u".into(),
            host: "h".into(),
            port,
            mode: 3,
            status: 3,
            weight: 1.0,
        };
        let servers: Vec<Server> = (0..8).map(server).collect();
        for count in 0..servers.len() {
            let cards = Cards::new("g", servers[..count].iter());
            let ports = (0..10).filter_map(|at| cards.get(at)).map(|(card, _)| card.port);
            assert!(ports.eq(0..count as u32));
        }
    }

    #[test]
    fn a_host_goes_on_behind_its_card() {
        let host: String = ('!'..'~').take(50).collect();
        let server = Server { uuid: "u".into(), host, port: 1, mode: 3, status: 3, weight: 1.0 };
        let cards = Cards::new("g", [&server].into_iter());
        let (card, rest) = cards.get(0).expect("a card");
        let text = [card.host, *rest.expect("a rest")].concat();
        assert_eq!(&text[..50], server.host.as_bytes());
        assert!(text[50..].iter().all(|byte| *byte == 0));
    }
}
