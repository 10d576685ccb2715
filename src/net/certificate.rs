//! Why a node's certificate is not taken, in words that say what is to be done.
//!
//! Whether it is taken is for rustls to say. Only one that was not is looked at here.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_cert_signed_by_trust_anchor};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};
use x509_parser::prelude::*;
use x509_parser::public_key::PublicKey;

use crate::base::text::excerpt;
use crate::net::peer::Peer;

/// What is wrong with a certificate: the end of a sentence that begins with its node.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(String);

/// A time at which this was written: a clock that is behind it is wrong.
const WRITTEN: u64 = 1_764_000_000;

/// The shortest RSA key that anybody takes.
const RSA_BITS: usize = 2048;

const SEE: &str = "(docs/FABRIC.md, \"Certificates\", has a recipe)";

/// Verifies as rustls does, and says more about what does not pass.
#[derive(Debug)]
pub struct Verifier {
    peer: Peer,
    inner: Arc<WebPkiServerVerifier>,
    /// Whoever has a certificate of the authority will do, whatever its name.
    any_name: Option<(RootCertStore, Arc<CryptoProvider>)>,
    authorities: Vec<CertificateDer<'static>>,
}

impl Verifier {
    /// Trusts `authorities` and nobody else. Nothing if that cannot be.
    pub fn new(
        authorities: Vec<CertificateDer<'static>>,
        roots: RootCertStore,
        provider: Arc<CryptoProvider>,
        verify_name: bool,
        peer: Peer,
    ) -> Option<Self> {
        let any_name = (!verify_name).then(|| (roots.clone(), Arc::clone(&provider)));
        let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        Some(Self { peer, inner: inner.build().ok()?, any_name, authorities })
    }

    fn verified(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some((roots, provider)) = &self.any_name else {
            return self.inner.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            );
        };
        let certificate = ParsedCertificate::try_from(end_entity)?;
        let algorithms = provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(
            &certificate,
            roots,
            intermediates,
            now,
            algorithms,
        )?;
        Ok(ServerCertVerified::assertion())
    }

    fn explained(&self, error: Error, shown: &[&CertificateDer<'_>], now: UnixTime) -> Error {
        let Error::InvalidCertificate(reason) = &error else { return error };
        let sentence = sentence(reason, shown, &self.authorities, now.as_secs(), self.peer);
        CertificateError::Other(OtherError(Arc::new(Unfit(sentence)))).into()
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.verified(end_entity, intermediates, server_name, ocsp_response, now);
        let shown = || [end_entity].into_iter().chain(intermediates).collect::<Vec<_>>();
        verified.map_err(|error| self.explained(error, &shown(), now))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verified = self.inner.verify_tls12_signature(message, cert, dss);
        verified.map_err(|error| self.explained(error, &[cert], UnixTime::now()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verified = self.inner.verify_tls13_signature(message, cert, dss);
        verified.map_err(|error| self.explained(error, &[cert], UnixTime::now()))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// What is wrong with a certificate that was shown, with those that lead from it to an authority
/// behind it.
fn sentence(
    reason: &CertificateError,
    shown: &[&CertificateDer<'_>],
    authorities: &[CertificateDer<'_>],
    now: u64,
    peer: Peer,
) -> String {
    use CertificateError::*;
    let name = peer.name;
    let leaf = shown.first().and_then(|leaf| parsed(leaf));
    let Some(leaf) = leaf else { return "shows a certificate that is damaged".into() };
    if let Some(sentence) = of_its_time(reason, &leaf, now) {
        return sentence;
    }
    if leaf.version() != X509Version::V3 {
        return format!(
            "shows a certificate of X.509 version 1, which has no names to be verified (as the \
             recipe in MySQL's manual makes them); issue one of version 3 with a subjectAltName \
             {SEE}"
        );
    }
    let weak_hash = || shown.iter().filter_map(|one| parsed(one)).any(|one| is_weakly_signed(&one));
    if !matches!(reason, NotValidForName | NotValidForNameContext { .. }) && weak_hash() {
        return format!(
            "shows a certificate that is signed with SHA-1 or MD5, which can be forged; issue it \
             anew with SHA-256 {SEE}"
        );
    }
    let mut keys = shown.iter().copied().chain(authorities.iter()).filter_map(|one| parsed(one));
    match reason {
        Other(_) if is_authority(&leaf) => format!(
            "shows the certificate of an authority (CA:TRUE) as its own; issue the {name} one of its \
             own with CA:FALSE {SEE}"
        ),
        BadSignature
        | UnsupportedSignatureAlgorithmContext { .. }
        | UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            match keys.find_map(|one| short_key(&one)) {
                Some(bits) => format!(
                    "shows a certificate with an RSA key of {bits} bits, or one that is signed by \
                     such a key; {RSA_BITS} are the least: make new keys and certificates {SEE}"
                ),
                // A CA that was made anew under its old name.
                None => unknown_issuer(peer),
            }
        }
        UnknownIssuer => unknown_issuer(peer),
        NotValidForName | NotValidForNameContext { .. } => match names(&leaf) {
            names if names.is_empty() => format!(
                "shows a certificate without a subjectAltName: a name that is only in its CN is not \
                 looked at; issue one with the {name}'s name or address {SEE}"
            ),
            names => format!(
                "shows a certificate for other names ({}); add the {name} by a name or address in its \
                 certificate, or have one issued for this one",
                excerpt(&names.join(", "), 200)
            ),
        },
        InvalidPurpose | InvalidPurposeContext { .. } => format!(
            "shows a certificate whose extendedKeyUsage is not for servers; issue one with \
             serverAuth {SEE}"
        ),
        UnhandledCriticalExtension => format!(
            "shows a certificate with a critical extension that is not known here; issue one without \
             {SEE}"
        ),
        _ => format!("shows a certificate that cannot be verified; issue a new one {SEE}"),
    }
}

fn unknown_issuer(peer: Peer) -> String {
    let Peer { name, tls_option } = peer;
    format!(
        "shows a certificate that the CA given did not issue; give {tls_option} the CA file of this \
         {name}"
    )
}

/// Whether the time is what is wrong, or the clock.
fn of_its_time(reason: &CertificateError, leaf: &X509Certificate<'_>, now: u64) -> Option<String> {
    use CertificateError::*;
    let (from, to) = (leaf.validity().not_before, leaf.validity().not_after);
    let early = matches!(reason, NotValidYet | NotValidYetContext { .. });
    if !early && !matches!(reason, Expired | ExpiredContext { .. }) {
        return None;
    }
    let today = day(ASN1Time::from_timestamp(i64::try_from(now).unwrap_or(i64::MAX)).ok());
    if now < WRITTEN {
        return Some(format!(
            "shows a certificate that is valid from {} to {}, and the clock of this machine is \
             wrong: it says {today}; set the clock",
            day(Some(from)),
            day(Some(to))
        ));
    }
    Some(match early {
        true => format!(
            "shows a certificate that is not valid before {} (it is {today} by the clock of this \
             machine); set the clock here or where it was issued, or wait",
            day(Some(from))
        ),
        false => format!(
            "shows a certificate that has expired, or one in its chain has: its last day is {} (it \
             is {today} by the clock of this machine); renew it",
            day(Some(to))
        ),
    })
}

fn day(time: Option<ASN1Time>) -> String {
    time.map_or("unknown".into(), |time| time.to_datetime().date().to_string())
}

fn parsed<'a>(der: &'a CertificateDer<'_>) -> Option<X509Certificate<'a>> {
    X509Certificate::from_der(der).ok().map(|(_, certificate)| certificate)
}

/// The names and addresses that a certificate is for.
fn names(leaf: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(names)) = leaf.subject_alternative_name() else { return Vec::new() };
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match **bytes {
            [a, b, c, d] => Some(std::net::Ipv4Addr::new(a, b, c, d).to_string()),
            _ => {
                <[u8; 16]>::try_from(*bytes).ok().map(|v6| std::net::Ipv6Addr::from(v6).to_string())
            }
        },
        _ => None,
    };
    names.value.general_names.iter().filter_map(name).collect()
}

fn is_authority(leaf: &X509Certificate<'_>) -> bool {
    matches!(leaf.basic_constraints(), Ok(Some(constraints)) if constraints.value.ca)
}

fn is_weakly_signed(certificate: &X509Certificate<'_>) -> bool {
    // RSA with MD5 and SHA-1, DSA and ECDSA with SHA-1.
    const WEAK: [&str; 4] =
        ["1.2.840.113549.1.1.4", "1.2.840.113549.1.1.5", "1.2.840.10040.4.3", "1.2.840.10045.4.1"];
    WEAK.contains(&certificate.signature_algorithm.algorithm.to_id_string().as_str())
}

/// How long an RSA key is that is too short.
fn short_key(certificate: &X509Certificate<'_>) -> Option<usize> {
    match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => Some(key.key_size()).filter(|bits| *bits < RSA_BITS),
        _ => None,
    }
}

/// The end of a sentence about a TLS session that did not come about.
pub fn session(error: &Error, peer: Peer) -> String {
    let Peer { name, tls_option } = peer;
    use rustls::AlertDescription as Alert;
    match error {
        Error::InvalidCertificate(CertificateError::Other(OtherError(inner)))
            if inner.is::<Unfit>() =>
        {
            inner.to_string()
        }
        Error::InvalidCertificate(_) => "shows a certificate that cannot be verified".into(),
        Error::InvalidMessage(_) => format!(
            "does not answer in TLS; check that the port is a TLS port, else do without {tls_option}"
        ),
        Error::AlertReceived(
            Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::CertificateRequired
            | Alert::UnknownCA
            | Alert::AccessDenied,
        ) => format!(
            "does not take the certificate of this side, or asks for one; see key and cert of {tls_option}"
        ),
        Error::AlertReceived(
            Alert::HandshakeFailure | Alert::ProtocolVersion | Alert::InsufficientSecurity,
        )
        | Error::PeerIncompatible(_) => {
            format!(
                "and this library have no version or cipher of TLS in common; let the {name} speak \
                 TLS 1.2 or 1.3"
            )
        }
        Error::AlertReceived(alert) => {
            format!("breaks the TLS handshake off with alert {}; see its log", u8::from(*alert))
        }
        Error::PeerMisbehaved(_)
        | Error::InappropriateMessage { .. }
        | Error::InappropriateHandshakeMessage { .. } => {
            format!("does not keep to the rules of TLS; check that the port is a {name}'s")
        }
        Error::NoCertificatesPresented => "shows no certificate; give it one".into(),
        _ => "and this library agree on no TLS session; check the TLS settings of both".into(),
    }
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::pem::PemObject;

    use super::*;

    const NODE: Peer = Peer { name: "node", tls_option: "the_option" };

    #[test]
    fn a_wrong_clock_is_what_is_said() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/captures/tls/node.pem");
        let leaf = CertificateDer::from_pem_file(path).unwrap();
        for (reason, now, part) in [
            (
                CertificateError::NotValidYet,
                86_400,
                "the clock of this machine is wrong: it says 1970-01-02",
            ),
            (CertificateError::NotValidYet, WRITTEN, "is not valid before 20"),
            (CertificateError::Expired, WRITTEN, "has expired"),
            (CertificateError::Expired, u64::MAX, "has expired"),
        ] {
            let sentence = sentence(&reason, &[&leaf], &[], now, NODE);
            assert!(sentence.contains(part), "{sentence}");
        }
        let broken = CertificateDer::from(vec![0x30, 0x82, 1]);
        assert!(
            sentence(&CertificateError::BadEncoding, &[&broken], &[], 0, NODE).contains("damaged")
        );
    }

    #[test]
    fn no_sentence_shows_a_value_of_rust() {
        use rustls::{AlertDescription, PeerIncompatible};
        for (error, part) in [
            (Error::AlertReceived(AlertDescription::UnknownCA), "certificate of this side"),
            (Error::AlertReceived(AlertDescription::HandshakeFailure), "TLS 1.2"),
            (Error::AlertReceived(AlertDescription::InternalError), "alert 80"),
            (Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon), "TLS 1.2"),
            (Error::DecryptError, "no TLS session"),
            (Error::InvalidCertificate(CertificateError::Revoked), "cannot be verified"),
        ] {
            let sentence = session(&error, NODE);
            assert!(sentence.contains(part), "{sentence}");
        }
    }
}
