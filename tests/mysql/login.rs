//! Logging in to real servers, by each way that they have.

use mysqlfabric::base::error::Code;
use mysqlfabric::mysql::{Account, Address, Failure, Target};

use crate::client::{connect, each, query, root, tcp, user, value};
use crate::support::{Kind, RealServer};

#[test]
fn root_comes_over_the_unix_socket() {
    for (kind, server) in each() {
        let mut session = root(server);
        let user = value(&mut session, "SELECT CURRENT_USER()");
        assert_eq!(user, "root@localhost", "{kind:?}");
        assert_eq!(value(&mut session, "SELECT @@port"), server.port().to_string());
    }
}

#[test]
fn the_native_way_over_tcp() {
    for kind in [Kind::Mysql56, Kind::Mariadb] {
        let Some(server) = RealServer::shared(kind) else { continue };
        let target = Target::new(tcp(server), None, None, None);
        let mut session = connect(&target, &Account::new("farm", "farm")).unwrap();
        assert_eq!(value(&mut session, "SELECT CURRENT_USER()"), "farm@%");
        for password in ["", "fram", "farm "] {
            let failure = connect(&target, &Account::new("farm", password)).err().unwrap();
            assert_eq!(failure.errno(), Some(1045), "{kind:?}");
            assert!(failure.is_auth_failure());
            let error = failure.into_error(&target.address, "farm");
            assert_eq!(error.code, Code::Auth);
            assert!(error.message.contains(&server.port().to_string()), "{error}");
        }
    }
}

#[test]
fn an_empty_password_is_one() {
    for (kind, server) in each() {
        let name = "nothing";
        query(&mut root(server), &format!("CREATE USER {name}@'%'")).unwrap();
        let target = Target::new(tcp(server), None, None, None);
        let mut session = connect(&target, &Account::new(name, "")).unwrap();
        assert_eq!(value(&mut session, "SELECT CURRENT_USER()"), "nothing@%", "{kind:?}");
        let failure = connect(&target, &Account::new(name, "something")).err().unwrap();
        assert!(failure.is_auth_failure(), "{kind:?}: {failure:?}");
    }
}

#[test]
fn a_schema_is_gone_into() {
    for (_, server) in each() {
        let mut target = Target::plain(Address::Socket(server.socket()));
        target.database = Some("mysql".into());
        let mut session = connect(&target, &Account::new("root", "")).unwrap();
        assert_eq!(value(&mut session, "SELECT DATABASE()"), "mysql");
        target.database = Some("no_such".into());
        let failure = connect(&target, &Account::new("root", "")).err().unwrap();
        assert_eq!(failure.errno(), Some(1049));
    }
}

#[test]
fn ed25519_is_refused_by_its_name() {
    let Some(server) = RealServer::start(Kind::Mariadb, &["--plugin-load-add=auth_ed25519"]) else {
        return;
    };
    let account = user(&server, "modern", "VIA ed25519 USING PASSWORD(?)");
    let target = Target::plain(tcp(&server));
    let failure = connect(&target, &account).err().unwrap();
    assert_eq!(failure, Failure::UnknownPlugin("client_ed25519".into()));
    assert!(failure.is_auth_failure());
}

#[test]
fn a_server_that_is_full_says_so_and_not_that_the_password_is_wrong() {
    let Some(server) = RealServer::start(Kind::Mysql56, &["--max_connections=1"]) else { return };
    let target = Target::plain(tcp(&server));
    let farm = Account::new("farm", "farm");
    let first = connect(&target, &farm).unwrap();
    // One more than allowed is kept for who has all rights, which farm has.
    let second = connect(&target, &farm).unwrap();
    let failure = connect(&target, &farm).err().unwrap();
    assert_eq!((failure.errno(), failure.is_auth_failure()), (Some(1040), false));
    drop((first, second));
}

#[test]
fn a_locked_account_needs_somebody() {
    let Some(server) = RealServer::shared(Kind::Mysql) else { return };
    let account = user(server, "locked", "BY ? ACCOUNT LOCK");
    let target = Target::plain(Address::Socket(server.socket()));
    let failure = connect(&target, &account).err().unwrap();
    assert_eq!((failure.errno(), failure.is_auth_failure()), (Some(3118), true));
}
