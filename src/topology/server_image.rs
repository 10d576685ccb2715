//! A server as it is handed out: everything a caller gets, in two cache lines.

use super::server::Server;

/// A server with the first 32 bytes of its host, laid out as `fabric_server_t` begins. The texts are
/// padded with zeros, so that they can be copied in whole blocks, NUL included.
#[derive(Debug, Clone)]
#[repr(C)]
pub struct ServerImage {
    pub weight: f64,
    pub port: u32,
    pub mode: i32,
    pub status: i32,
    pub reserved: i32,
    pub uuid: [u8; 40],
    pub group: [u8; 32],
    pub host: [u8; 32],
}

/// The bytes 32 to 63 of a long host name, which follow behind an image.
pub type HostTail = [u8; 32];

/// How many images lie with their group: a processor may fetch one before it has read what the
/// group says of it.
const INLINE: usize = 3;

/// The images of a group's servers, in the order in which the group chooses among them.
#[derive(Debug)]
#[repr(C)]
pub struct ServerImages {
    /// 0 if some text is longer than an image holds: then all are read from the servers.
    count: u32,
    overflow: Option<Box<Overflow>>,
    pub inline: [ServerImage; INLINE],
}

/// The images of a group with more than [`INLINE`], and the ends of long host names.
#[derive(Debug)]
struct Overflow {
    images: Box<[ServerImage]>,
    /// For each image; none if no host is so long that it needs one.
    host_tails: Box<[HostTail]>,
}

impl ServerImages {
    pub fn new<'s>(group: &str, servers: impl Iterator<Item = &'s Server>) -> Self {
        let both: Option<Vec<_>> = servers.map(|server| image(group, server)).collect();
        let (images, mut host_tails): (Vec<ServerImage>, Vec<HostTail>) =
            both.unwrap_or_default().into_iter().unzip();
        if images.iter().all(|image| image.host.contains(&0)) {
            host_tails.clear();
        }
        let count = images.len() as u32;
        let mut images = images.into_iter();
        let inline = [(); INLINE].map(|()| images.next().unwrap_or(ServerImage::EMPTY));
        let overflow = Overflow { images: images.collect(), host_tails: host_tails.into() };
        let is_needed = !overflow.images.is_empty() || !overflow.host_tails.is_empty();
        Self { count, overflow: is_needed.then(|| Box::new(overflow)), inline }
    }

    /// The image at a position, and what is behind it.
    #[inline(always)]
    pub fn get(&self, at: usize) -> Option<(&ServerImage, Option<&HostTail>)> {
        if at >= self.count as usize {
            return None;
        }
        let overflow = self.overflow.as_deref();
        let image = match self.inline.get(at) {
            Some(image) => image,
            None => overflow?.images.get(at - INLINE)?,
        };
        Some((image, overflow.and_then(|overflow| overflow.host_tails.get(at))))
    }
}

impl ServerImage {
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

fn image(group: &str, server: &Server) -> Option<(ServerImage, HostTail)> {
    let mut image = ServerImage {
        weight: server.weight,
        port: u32::from(server.port),
        mode: server.mode,
        status: server.status,
        ..ServerImage::EMPTY
    };
    let mut host_tail = [0; 32];
    let (host, behind) = server.host.as_bytes().split_at(server.host.len().min(32));
    let fit = fill(&mut image.uuid, server.uuid.as_bytes(), 1)
        & fill(&mut image.group, group.as_bytes(), 1)
        & fill(&mut image.host, host, 0)
        & fill(&mut host_tail, behind, 1);
    fit.then_some((image, host_tail))
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

    /// Whether there are images, and something behind them.
    fn form(uuid: usize, group: usize, host: usize) -> Option<bool> {
        let text = |length| "x".repeat(length);
        let server = |uuid, host| Server {
            uuid: text(uuid),
            host: text(host),
            port: 1,
            mode: 3,
            status: 3,
            weight: 1.0,
            zone: None,
        };
        let servers = [server(36, 5), server(uuid, host)];
        let images = ServerImages::new(&text(group), servers.iter());
        let other = images.get(0).map(|(_, host_tail)| host_tail.is_some());
        let form = images.get(1).map(|(_, host_tail)| host_tail.is_some());
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
        assert_eq!(size_of::<ServerImage>(), 128);
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
            zone: None,
        };
        let servers: Vec<Server> = (0..8).map(server).collect();
        for count in 0..servers.len() {
            let images = ServerImages::new("g", servers[..count].iter());
            let ports = (0..10).filter_map(|at| images.get(at)).map(|(image, _)| image.port);
            assert!(ports.eq(0..count as u32));
        }
    }

    #[test]
    fn a_host_goes_on_behind_its_card() {
        let host: String = ('!'..'~').take(50).collect();
        let server =
            Server { uuid: "u".into(), host, port: 1, mode: 3, status: 3, weight: 1.0, zone: None };
        let images = ServerImages::new("g", [&server].into_iter());
        let (image, host_tail) = images.get(0).expect("an image");
        let text = [image.host, *host_tail.expect("a host tail")].concat();
        assert_eq!(&text[..50], server.host.as_bytes());
        assert!(text[50..].iter().all(|byte| *byte == 0));
    }
}
