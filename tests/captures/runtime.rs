//! Callers that run an event loop of their own, and what is left behind after a call.

use std::sync::Arc;

use crate::canned::{Canned, Commands, capture, client, config, with_password};
use mysqlfabric::base::error::Code;
use mysqlfabric::config::Config;

fn inside<T>(work: impl FnOnce() -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { work() })
}

#[test]
fn calls_from_within_a_runtime() {
    let server =
        Canned::replaying(&["auth_401_challenge", "big_1200_t_gzip", "auth_wrong_password"]);
    let client = client(with_password());
    let dump = inside(|| client.sharding_information(&server.node, "")).unwrap();
    assert_eq!(dump.rows.len(), 1200);
    let whole = capture("si_all");
    let half = whole[..whole.len() / 2].to_vec();
    let server = Canned::sending(&[half, whole.clone(), whole]);
    let error = inside(|| client.sharding_information(&server.node, "")).unwrap_err();
    assert!(error.message.contains("before its answer was whole"), "{error}");
    let small = Arc::new(Config { max_reply_bytes: 4000, ..config() });
    let small = mysqlfabric::source::fabric::Client::new(small);
    let error = inside(|| small.sharding_information(&server.node, "")).unwrap_err();
    assert_eq!(error.code, Code::ReplyTooLarge);
    assert_eq!(inside(|| client.sharding_information(&server.node, "")).unwrap().rows.len(), 28);
}

#[test]
fn many_threads_share_a_client() {
    let replies = vec![capture("servers_global"); 16];
    let server = Canned::sending(&replies);
    let client = client(with_password());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..4 {
                    assert_eq!(client.servers(&server.node, "").unwrap().rows.len(), 2);
                }
            });
        }
    });
}
