//! Which requests a handle sends, counted at the server.

use mysqlfabric::topology::{Key, Wanted};

use crate::support::*;

#[test]
fn from_nothing_to_the_first_answer_in_one_challenge_and_three_requests() {
    let server = sample();
    let router = router(&server);
    assert!(methods(&server).is_empty(), "a new handle does no I/O");

    let choice = ask(&router, "employees.salaries", Key::Integer(10_021), Wanted::Primary);
    assert_eq!(choice.expect("a server").group, "shard2");
    let requests = methods(&server);
    println!("{requests:?}; the reference sends 14");
    assert_eq!(requests, ["401", "dump.fabric_nodes", "dump.sharding_information", "dump.servers"]);
}

#[test]
fn what_is_known_is_not_asked_again() {
    let server = sample();
    let router = router(&server);
    group_of(&router, "employees.salaries", Key::Integer(1)).expect("a group");
    server.clear_requests();

    for key in [1, 10_001, 20_001, i64::MAX] {
        group_of(&router, "employees.salaries", Key::Integer(key)).expect("a group");
    }
    primary_of(&router, "shard1").expect("a known group");
    assert!(methods(&server).is_empty());

    // Another table whose groups are known takes its own shard map and nothing else.
    group_of(&router, "employees.dept_emp", Key::Integer(1)).expect("a group");
    assert_eq!(methods(&server), ["dump.sharding_information"]);
}

#[test]
fn seeding_takes_three_requests_and_then_everything_is_known() {
    let server = sample();
    let router = router(&server);
    router.seed(None).expect("seeded");
    assert_eq!(
        methods(&server),
        ["401", "dump.fabric_nodes", "dump.sharding_information", "dump.servers"]
    );
    server.clear_requests();
    group_of(&router, "hashdb.accounts", Key::Text(b"a")).expect("a group");
    group_of(&router, "crm.names", Key::Text(b"Meier")).expect("a group");
    primary_of(&router, "global").expect("a primary");
    assert!(methods(&server).is_empty());
}

#[test]
fn threads_that_miss_together_ask_together() {
    let server = sample();
    server.set_fault(fabricd::Fault::always(fabricd::FaultKind::Delay(
        std::time::Duration::from_millis(100),
    )));
    let router = router(&server);
    let tables = ["employees.salaries", "employees.dept_emp", "shop.orders", "hashdb.users"];
    std::thread::scope(|scope| {
        for i in 0..16 {
            let router = &router;
            scope.spawn(move || {
                group_of(router, tables[i % 4], Key::Integer(10_021)).expect("a group");
            });
        }
    });
    let asked = methods(&server);
    let dumps = |name: &str| asked.iter().filter(|method| *method == name).count();
    // The first caller's wish, and one batch for all who came meanwhile.
    assert!(dumps("dump.sharding_information") <= 2, "{asked:?}");
    assert!(dumps("dump.fabric_nodes") == 1, "{asked:?}");
}

#[test]
fn replies_are_asked_for_compressed() {
    let server = sample();
    let router = router(&server);
    router.seed(None).expect("seeded");
    for request in server.requests() {
        assert_eq!(request.accept_encoding.as_deref(), Some("gzip"));
    }
}
