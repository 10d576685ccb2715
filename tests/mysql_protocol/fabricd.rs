//! The stand-in node's MySQL-RPC, asked as a source would ask a node.

use ::fabricd::{Farm, Options, Server};
use mysqlfabric::config::Node;
use mysqlfabric::mysql::{Account, Address, Failure, Target, TlsMode};

use crate::script::{LONG, connect, query};

fn start() -> (Server, Address) {
    let options = Options { mysql: Some("127.0.0.1:0".to_owned()), ..Options::new(Farm::sample()) };
    let server = Server::start(options).unwrap();
    let port = server.mysql_port().unwrap();
    (server, Address::Tcp(Node { host: "127.0.0.1".into(), port }))
}

#[test]
fn dumps_come_as_json_whatever_their_length() {
    let (server, address) = start();
    let mut session =
        connect(&Target::plain(address), &Account::new("conn", "connpw"), LONG).unwrap();
    assert_eq!(query(&mut session, "SET format=json"), Ok(vec![]));
    for round in 0..100 {
        let sets = query(&mut session, "CALL dump.servers()").unwrap();
        assert_eq!((sets.len(), sets[0].columns()), (1, &["json".to_owned()][..]), "{round}");
        let text = sets[0].rows().next().unwrap().get(0).unwrap();
        let json: serde_json::Value = serde_json::from_slice(text).unwrap();
        assert!(json[1].as_array().unwrap().len() > 5, "{json}");
    }
    let Err(Failure::Server(error)) = query(&mut session, "CALL dump.no_such()") else {
        panic!("an error")
    };
    assert_eq!(error.errno, 1106);
    drop(session);
    drop(server);
}

#[test]
fn who_is_unknown_or_wants_tls_is_not_let_in() {
    let (server, address) = start();
    let wrong = connect(&Target::plain(address.clone()), &Account::new("conn", "no"), LONG);
    assert_eq!(wrong.err().unwrap().errno(), Some(1044));
    let target = Target::new(address, Some(TlsMode::Required), None, None);
    let failure = connect(&target, &Account::new("conn", "connpw"), LONG).err();
    assert!(matches!(failure, Some(Failure::Tls(_))), "{failure:?}");
    drop(server);
}
