//! Faults on demand: everything a client must survive.

use std::time::Duration;

/// A fault and how long it stays.
#[derive(Clone, Debug)]
pub struct Fault {
    pub kind: FaultKind,
    /// How many requests it hits; below zero: all, until changed.
    pub count: i64,
    /// Only authorized calls of this method (`*`: of any). None: any request, and before
    /// its authorization is looked at.
    pub method: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum FaultKind {
    None,
    /// Answer as usual, but later.
    Delay(Duration),
    /// Never answer, and keep the connection open. Takes up a session thread.
    Hang,
    /// Close without a byte.
    Close,
    /// Close as soon as the connection stands, TLS included, and without reading the request.
    HangUp,
    /// Close after half of the usual answer.
    CloseMidReply,
    /// A page of HTML with status 200.
    Garbage,
    /// Status 200, text/xml, and no XML-RPC in it.
    GarbageXml,
    /// An answer without end.
    Oversized(Oversized),
    /// The 400 of a real node: 98 bytes, no blank line.
    Unterminated400,
    /// Any other status; 401 comes with a challenge.
    Status(u16),
    /// An XML-RPC fault with this text.
    Fault(String),
    /// An error in the envelope with this text.
    Error(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oversized {
    /// No Content-length.
    Endless,
    /// Content-length of 10 GB, and they come.
    Length,
    /// Few bytes a second on the wire, gigabytes when unpacked.
    Gzip,
}

impl Fault {
    pub fn none() -> Fault {
        Fault { kind: FaultKind::None, count: 0, method: None }
    }

    /// A fault that stays until changed and hits any request.
    pub fn always(kind: FaultKind) -> Fault {
        Fault { kind, count: -1, method: None }
    }

    /// A fault that hits the next request only.
    pub fn once(kind: FaultKind) -> Fault {
        Fault { kind, count: 1, method: None }
    }

    /// Restricts a fault to authorized calls of one method, or of any with `*`.
    pub fn on(self, method: &str) -> Fault {
        Fault { method: Some(method.to_owned()), ..self }
    }

    /// From the words of `fabricd.fault`.
    pub fn parse(kind: &str, arg: &str, count: i64, method: &str) -> Result<Fault, String> {
        let number = |default: u64| {
            if arg.is_empty() {
                return Ok(default);
            }
            arg.parse().map_err(|_| format!("({arg}) is not a number"))
        };
        let or = |default: &str| if arg.is_empty() { default } else { arg }.to_owned();
        let kind = match kind {
            "none" | "" => FaultKind::None,
            "delay" => FaultKind::Delay(Duration::from_millis(number(1000)?)),
            "hang" => FaultKind::Hang,
            "refuse" | "close" => FaultKind::Close,
            "hang_up" => FaultKind::HangUp,
            "close_mid_reply" => FaultKind::CloseMidReply,
            "garbage" => FaultKind::Garbage,
            "garbage_xml" => FaultKind::GarbageXml,
            "oversized" => FaultKind::Oversized(match arg {
                "" | "endless" => Oversized::Endless,
                "length" => Oversized::Length,
                "gzip" => Oversized::Gzip,
                _ => return Err(format!("({arg}) is none of endless, length, gzip")),
            }),
            "unterminated_400" => FaultKind::Unterminated400,
            "status" => FaultKind::Status(
                u16::try_from(number(500)?).map_err(|_| format!("({arg}) is not a status"))?,
            ),
            "fault" => FaultKind::Fault(or("<type 'exceptions.Exception'>:a fault on demand")),
            "error" => FaultKind::Error(or("an error on demand")),
            _ => return Err(format!("({kind}) is not a kind of fault")),
        };
        let method = (!method.is_empty()).then(|| method.to_owned());
        Ok(Fault { kind, count, method })
    }

    /// Whether this needs an authorized request to hit.
    fn late(&self) -> bool {
        self.method.is_some()
            || matches!(
                self.kind,
                FaultKind::CloseMidReply | FaultKind::Fault(_) | FaultKind::Error(_)
            )
    }

    /// Uses the fault up by one if it hits here. `method` is None before authorization.
    pub(crate) fn take(&mut self, method: Option<&str>) -> Option<FaultKind> {
        let unfit = matches!(self.kind, FaultKind::None | FaultKind::HangUp);
        if unfit || self.count == 0 || self.late() != method.is_some() {
            return None;
        }
        if let (Some(wanted), Some(method)) = (self.method.as_deref(), method)
            && wanted != "*"
            && wanted != method
        {
            return None;
        }
        self.use_up();
        Some(self.kind.clone())
    }

    /// Whether a connection that was just made is to be closed; uses the fault up by one if so.
    pub(crate) fn hangs_up(&mut self) -> bool {
        let hangs_up = self.kind == FaultKind::HangUp && self.count != 0;
        if hangs_up {
            self.use_up();
        }
        hangs_up
    }

    fn use_up(&mut self) {
        if self.count > 0 {
            self.count -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_down() {
        let mut fault = Fault::parse("close", "", 2, "").unwrap();
        assert_eq!(fault.take(Some("a.b")), None);
        assert_eq!(fault.take(None), Some(FaultKind::Close));
        assert_eq!(fault.take(None), Some(FaultKind::Close));
        assert_eq!(fault.take(None), None);
    }

    #[test]
    fn picks_its_method() {
        let mut fault = Fault::always(FaultKind::Hang).on("dump.servers");
        assert_eq!(fault.take(None), None);
        assert_eq!(fault.take(Some("manage.ping")), None);
        assert_eq!(fault.take(Some("dump.servers")), Some(FaultKind::Hang));
        assert!(Fault::parse("nonsense", "", 1, "").is_err());
    }
}
