//! A server as it is handed out: everything a caller gets, in two or three cache lines.

use super::server::Server;

/// The texts are padded with zeros, so that they can be copied in whole blocks, NUL included.
///
/// One whose texts are longer than usual has none here: they are read from the server itself.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
pub struct Card {
    pub weight: f64,
    pub port: u32,
    pub mode: i32,
    pub status: i32,
    pub form: Form,
    pub uuid: [u8; 40],
    pub group: [u8; 32],
    pub host: [u8; 32],
    /// The rest of a long host; last, because hardly any is.
    pub host_rest: [u8; 32],
}

/// How much of a card's texts counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Form {
    /// A host of up to 31 bytes.
    Short,
    /// A host of up to 63 bytes.
    Long,
    /// Some text does not fit.
    Elsewhere,
}

impl Card {
    pub fn new(group: &str, server: &Server) -> Self {
        let mut card = Self {
            weight: server.weight,
            port: u32::from(server.port),
            mode: server.mode,
            status: server.status,
            form: if server.host.len() < 32 { Form::Short } else { Form::Long },
            uuid: [0; 40],
            group: [0; 32],
            host: [0; 32],
            host_rest: [0; 32],
        };
        let (host, rest) = server.host.as_bytes().split_at(server.host.len().min(32));
        let fit = fill(&mut card.uuid, server.uuid.as_bytes(), 1)
            & fill(&mut card.group, group.as_bytes(), 1)
            & fill(&mut card.host, host, 0)
            & fill(&mut card.host_rest, rest, 1);
        if !fit {
            card.form = Form::Elsewhere;
        }
        card
    }
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

    fn form(uuid: usize, group: usize, host: usize) -> Form {
        let text = |length| "x".repeat(length);
        let (uuid, host) = (text(uuid), text(host));
        let server = Server { uuid, host, port: 1, mode: 3, status: 3, weight: 1.0 };
        Card::new(&text(group), &server).form
    }

    #[test]
    fn long_texts_are_elsewhere() {
        assert_eq!(form(36, 31, 31), Form::Short);
        assert_eq!(form(36, 31, 32), Form::Long);
        assert_eq!(form(36, 31, 63), Form::Long);
        assert_eq!(form(36, 31, 64), Form::Elsewhere);
        assert_eq!(form(36, 32, 5), Form::Elsewhere);
        assert_eq!(form(40, 5, 5), Form::Elsewhere);
        assert_eq!(size_of::<Card>(), 192);
    }
}
