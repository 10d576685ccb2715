//! Names to addresses, by the system's resolver, which may take as long as it likes.
//!
//! Nobody can call a look-up off that the C library has begun. So each has a thread of its own,
//! which owns nothing of a handle and which nobody waits for beyond their own time: at most one
//! for a name, whoever asks and how often, and a small number in the process.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use once_cell::race::OnceBox;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::base::fork::PerProcess;
use crate::base::sync::{Mutex, rank};
use crate::base::thread::start;
use crate::net::event_loop::guarded;

/// Names that are looked up at the same time in this process; more of them wait.
const MAX_AT_ONCE: usize = 8;

/// What came of a look-up. The error is the system's, as text: it goes to all who wait.
type Outcome = Result<Vec<SocketAddr>, String>;

type Answer = watch::Receiver<Option<Outcome>>;

/// The system gave no thread for a look-up.
#[derive(Debug, thiserror::Error)]
#[error("no thread can be had to look up the name: {0}")]
pub struct NoThread(#[source] io::Error);

/// The addresses of a host, without a port.
pub async fn addresses(host: &str) -> Result<Vec<SocketAddr>, BoxError> {
    Lookups::of_this_process().look_up(host).await
}

struct Lookups {
    under_way: Mutex<BTreeMap<String, Answer>, { rank::RESOLVER }>,
    places: Arc<Semaphore>,
}

pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl Default for Lookups {
    fn default() -> Self {
        Self { under_way: Mutex::default(), places: Arc::new(Semaphore::new(MAX_AT_ONCE)) }
    }
}

impl Lookups {
    /// A forked child has none of its parent's threads, so it begins anew.
    fn of_this_process() -> Arc<Self> {
        static LOOKUPS: OnceBox<PerProcess<Arc<Lookups>>> = OnceBox::new();
        Arc::clone(LOOKUPS.get_or_init(Box::default).get())
    }

    async fn look_up(self: &Arc<Self>, name: &str) -> Result<Vec<SocketAddr>, BoxError> {
        let under_way = self.under_way.lock().get(name).cloned();
        let mut answer = match under_way {
            Some(answer) => answer,
            // Whoever waits for a place goes away when its own time is over.
            None => {
                let place = Arc::clone(&self.places).acquire_owned().await?;
                self.begin(name, place)?
            }
        };
        // The sender is gone without a word if the look-up panicked.
        let outcome = answer.wait_for(Option::is_some).await?.clone();
        Ok(outcome.unwrap_or_else(|| Err("no answer".to_owned()))?)
    }

    fn begin(
        self: &Arc<Self>,
        name: &str,
        place: OwnedSemaphorePermit,
    ) -> Result<Answer, NoThread> {
        let mut under_way = self.under_way.lock();
        if let Some(answer) = under_way.get(name) {
            return Ok(answer.clone());
        }
        let (told, answer) = watch::channel(None);
        let (lookups, own) = (Arc::clone(self), name.to_owned());
        let work = move || {
            let listed = Listed { lookups: &lookups, name: &own };
            let found = (own.as_str(), 0).to_socket_addrs();
            let outcome = found.map(Iterator::collect).map_err(|error| error.to_string());
            // Before it is told: who asks from here on asks anew.
            drop(listed);
            // Who waits may have lost its descriptors, and then cannot be woken.
            guarded(|| told.send_replace(Some(outcome)));
            drop(place);
        };
        // Its end is nobody's business.
        drop(start("fabric-resolve", work).map_err(NoThread)?);
        under_way.insert(name.to_owned(), answer.clone());
        Ok(answer)
    }
}

/// Takes a name off the list, however its look-up ends.
struct Listed<'a> {
    lookups: &'a Lookups,
    name: &'a str,
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        self.lookups.under_way.lock().remove(self.name);
    }
}
