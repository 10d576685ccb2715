//! Whether a connection goes on under TLS, and how.

use std::io;

use crate::mysql::capabilities::Capabilities;
use crate::mysql::failure::Failure;
use crate::mysql::greeting::Greeting;
use crate::mysql::packet::Packets;
use crate::mysql::stream::{Channel, Stream};
use crate::mysql::target::{Address, Target, TlsMode};
use crate::net::tls::secured;

/// Has TLS put around the connection if the mode wants it, before anything of the account goes out.
/// `request` is what asks for it.
pub async fn secure(
    mut packets: Packets<Stream>,
    greeting: &Greeting,
    target: &Target,
    request: &[u8],
) -> Result<(Packets<Stream>, Channel), Failure> {
    let host = match &target.address {
        Address::Socket(_) => return Ok((packets, Channel::Private)),
        Address::Tcp(node) => &node.host,
    };
    let offered = greeting.capabilities.has(Capabilities::SSL);
    let verified = match target.mode {
        TlsMode::Disabled => return Ok((packets, Channel::Plain)),
        // One that does without is plain where there is no TLS in the library either.
        TlsMode::Preferred if !offered || cfg!(not(feature = "tls")) => {
            return Ok((packets, Channel::Plain));
        }
        TlsMode::Preferred | TlsMode::Required => false,
        TlsMode::VerifyCa | TlsMode::VerifyIdentity => true,
    };
    if verified && !target.has_authority {
        let what = "cannot be verified: there is no CA file to do it by; give one";
        return Err(Failure::Tls(what.into()));
    }
    let config =
        target.tls.config().map_err(|error| Failure::Tls(format!("needs TLS: {error}")))?;
    if !offered {
        let what = "offers no TLS, and it is required; let the server have a certificate, or do \
                    without by the mode DISABLED";
        return Err(Failure::Tls(what.into()));
    }
    packets.write(request).await?;
    let (stream, sequence) = packets.into_stream()?;
    // The name is looked at where there is an authority.
    let host = if target.mode == TlsMode::VerifyIdentity { host } else { NO_NAME };
    let stream = secured(stream, host, config).await.map_err(|error| failed(&error))?;
    let stream: Stream = Box::new(stream);
    let channel = if verified { Channel::Private } else { Channel::Unverified };
    Ok((Packets::within(stream, sequence), channel))
}

/// An address, which is not told to the server. A host's name need not be one that TLS can tell.
const NO_NAME: &str = "0.0.0.0";

#[cfg(feature = "tls")]
fn failed(error: &io::Error) -> Failure {
    use crate::mysql::target::SERVER;
    use crate::net::certificate::session;
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(error) => Failure::Tls(session(error, SERVER)),
        None => Failure::Tls(format!("breaks off in the TLS handshake: {error}; see its log")),
    }
}

#[cfg(not(feature = "tls"))]
fn failed(error: &io::Error) -> Failure {
    Failure::Tls(error.to_string())
}
