//! A session with a MySQL server, or with what speaks like one, for one attempt of a source.

use std::sync::atomic::Ordering;
use std::time::Instant;

use tokio::sync::watch;

use crate::config::Config;
use crate::mysql::{Account, Failure, Session, Target};
use crate::observe::metrics::Traffic;

use super::attempt::Attempt;

/// A session, and until when all that is asked in it has to be answered.
pub struct Opened {
    pub session: Session,
    pub deadline: Instant,
    pub begun: Instant,
}

/// Connects and logs in for `attempt`, within the connect timeout, and the request timeout for all.
/// `cancelled` ends it when the handle is freed.
pub fn open(
    target: &Target,
    account: &Account,
    config: &Config,
    attempt: &Attempt,
    cancelled: &watch::Sender<bool>,
    traffic: &Traffic,
) -> Result<Opened, Failure> {
    let most = attempt.left(config.request_timeout);
    let now = Instant::now();
    let cancelled = [cancelled.subscribe(), attempt.cancelled()];
    traffic.requests.fetch_add(1, Ordering::Relaxed);
    attempt.asks();
    let connected = now + most.min(config.connect_timeout);
    let session = Session::connect(target, account, connected, cancelled)?;
    attempt.connected();
    Ok(Opened { session, deadline: now + most, begun: Instant::now() })
}
