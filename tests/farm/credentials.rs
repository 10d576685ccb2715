//! A wrong password and a node whose store is down: nearly the same on the wire, and not at all for
//! who is told.

use std::time::Duration;

use fabricd::Fault;
use mysqlfabric::base::error::Code;
use mysqlfabric::config::Config;
use mysqlfabric::router::Router;

use crate::support::*;

#[test]
fn a_wrong_password_is_told_from_the_bytes_and_not_tried_again() {
    let server = sample();
    let mut config = config(&[&server]);
    if let Some(credentials) = &mut config.credentials {
        credentials.password = String::from("wrong").into();
    }
    let error = Router::new(config).seed(None).expect_err("a refusal");
    assert_eq!(error.code, Code::Auth, "{error}");
    assert!(error.message.contains("answered 400"), "{error}");
    assert_eq!(methods(&server), ["401", "400", "401", "400"]);
}

#[test]
fn a_node_that_closes_without_a_byte_is_asked_again() {
    let server = sample();
    // The question, and the closer look at what came of it.
    let closes = |count| Fault::parse("close", "", count, "dump.fabric_nodes").expect("a fault");
    server.set_fault(closes(2));
    Router::new(config(&[&server])).seed(None).expect("the second round loads the farm");

    server.set_fault(closes(-1));
    let config = Config { connect_delay: Duration::from_millis(1), ..config(&[&server]) };
    let error = Router::new(config).seed(None).expect_err("no answer");
    assert_eq!(error.code, Code::Protocol, "{error}");
    assert!(error.message.contains("backing store"), "{error}");
    assert!(!error.message.contains("password"), "{error}");
}
