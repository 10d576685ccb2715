//! What a service sees of a failover: the group itself, MySQL Router before it, and the library, side
//! by side in one run on real servers. docs/FAILOVER.md has its tables.
//!
//! `cargo bench --bench failover -- [ROUNDS] [MOMENT...]`: 20 rounds of every moment unless told
//! otherwise, `hop`, what the way costs while nothing happens, and `load`, what that
//! costs the servers. It takes an hour; the servers are those of `tests/servers/fetch.sh`.

mod hop;
mod load;
mod moment;
mod report;
mod route;
mod servers;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use crate::moment::Moment;
use crate::route::{Direct, Library, Proxy, Route, Server};
use crate::servers::{Farm, scripts};
use crate::writer::Writer;
use mysqlfabric::config::Node;

/// A service that is not in a hurry: some 200 rows a second by each route.
const PAUSE: Duration = Duration::from_millis(5);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let rounds = arguments.first().map_or(20, |rounds| rounds.parse().expect("a number of rounds"));
    let wanted = |moment: &Moment| {
        let named = arguments.get(1..).unwrap_or_default();
        named.is_empty() || named.iter().any(|name| name == moment.name())
    };
    let of_group: Vec<Moment> = Moment::OF_A_GROUP.into_iter().filter(wanted).collect();
    let hop = arguments.len() < 2 || arguments.iter().any(|name| name == "hop");
    let load = arguments.len() < 2 || arguments.iter().any(|name| name == "load");
    if hop || load || !of_group.is_empty() {
        let mut farm = Farm::start("group_replication", 24500);
        farm.sql_file(1, &scripts().join("metadata.sql"));
        let has_router = hop || !of_group.is_empty();
        let router = has_router.then(|| farm.start_router());
        if let Some(router) = router.filter(|_| hop) {
            let proxy = Proxy(node(router));
            hop::print(direct(&farm, farm.primary()), Library::new(&url(&farm), "farm"), proxy);
        }
        if load {
            load::print(&farm, &url(&farm), "farm");
        }
        if !of_group.is_empty() {
            run(&farm, router, &of_group, rounds);
        }
    }
    let of_replicas: Vec<Moment> = Moment::OF_REPLICAS.into_iter().filter(wanted).collect();
    if !of_replicas.is_empty() {
        let farm = Farm::start("async_replication", 24700);
        run(&farm, None, &of_replicas, rounds);
    }
}

fn node(port: u16) -> Node {
    Node { host: "127.0.0.1".into(), port }
}

/// The way to server `number` of a farm.
fn direct(farm: &Farm, number: usize) -> Direct {
    let port = farm.port(number);
    let uuid = format!("00000000-0000-0000-0000-{port:012}");
    Direct(Server { node: node(port), uuid })
}

/// All three: a server that the URL does not name gets no password in full over TLS that nobody verifies,
/// and has forgotten it when it is started anew.
fn url(farm: &Farm) -> String {
    let hosts = [1, 2, 3].map(|number| format!("127.0.0.1:{}", farm.port(number)));
    format!("cluster://farm@{}?group=farm", hosts.join(","))
}

fn run(farm: &Farm, router: Option<u16>, moments: &[Moment], rounds: usize) {
    farm.sql(
        farm.primary(),
        "CREATE DATABASE bench; CREATE TABLE bench.rows_written
         (writer INT NOT NULL, id BIGINT NOT NULL, PRIMARY KEY (writer, id))",
    );
    let mut number = 0;
    let mut writer = |route: Arc<dyn Route>| {
        number += 1;
        Writer::start(number, route, PAUSE)
    };
    let direct = (1..=3).map(|i| writer(Arc::new(direct(farm, i)))).collect::<Vec<_>>();
    let library = writer(Arc::new(Library::new(&url(farm), "farm")));
    let router = router.map(|port| writer(Arc::new(Proxy(node(port)))));
    let writers = moment::Writers { direct, library, router };
    for moment in moments {
        let seen: Vec<_> = (0..rounds).map(|_| moment.round(farm, &writers)).collect();
        report::print(*moment, &seen);
    }
}
