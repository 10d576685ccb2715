"""Several Fabric nodes, some of them dead; nodes of MySQL Fabric 1.4; TLS."""

import subprocess
import time

import pytest

import mysqlfabric as mf
from conftest import FARMS, eventually, fabricd_path, fails
from mysqlfabric import Code, Mode, Scope, Sharding, Status

TABLE = ["employees.salaries"]


def test_the_first_node_is_dead(node, dead):
    with node.handle(nodes=[dead, node.address]) as fabric:
        assert fabric.shard_server(TABLE, 1).group == "shard1"
        assert fabric.fabric_nodes() == [mf.Node(*dead), mf.Node(*node.address)]
        assert len(fabric.execute("group", "lookup_groups")[0].rows) == 7


def test_a_node_that_is_learned_takes_over(start):
    first, second = start(), start()
    nodes = "127.0.0.1:{},127.0.0.1:{}".format(first.port, second.port)
    first.control("set_nodes", nodes)
    with first.handle() as fabric:
        assert fabric.fabric_nodes() == [mf.Node(*first.address), mf.Node(*second.address)]
        fabric.seed()
        first.stop()
        second.control("promote", "shard1", "aacdbf69-e706-11f1-b000-02fc00000001")
        fabric.reset_cache()
        assert fabric.group_server("shard1", Mode.READWRITE).port == 33613
        assert second.methods() != []


def test_a_node_given_to_seed(start):
    first, second = start(), start()
    with mf.Fabric(user="admin", password="secret", connect_attempts=1) as fabric:
        fabric.seed(*first.address)
        assert fabric.shard_server(TABLE, 1).group == "shard1"
        fabric.seed(*second.address)
        assert second.methods() != []
        assert [n.port for n in fabric.fabric_nodes()] == [first.port, second.port]


def test_a_node_that_comes_up_late(node):
    node.control("fault", "close", "", 2)
    with node.handle(connect_attempts=5, connect_delay_ms=20) as fabric:
        assert fabric.shard_server(TABLE, 1).group == "shard1"


def test_a_host_by_name(node):
    with node.handle(nodes=[("localhost", node.port)]) as fabric:
        assert fabric.shard_server(TABLE, 1).group == "shard1"


def test_a_seed_makes_three_requests(node, fabric):
    fabric.seed()
    assert len(node.methods()) == 3
    assert all(method.startswith("dump.") for method in node.methods())


def test_generation_1(start):
    old = start("--farm", FARMS / "farm-gen1.json")
    with old.handle() as fabric:
        assert fabric.fabric_nodes() == [mf.Node(*old.address)]
        assert fabric.shard_server(TABLE, 10001, mode=Mode.READWRITE).port == 33621
        assert fabric.shard_server(TABLE, scope=Scope.GLOBAL, mode=Mode.READWRITE).port == 33601
        assert fabric.shard_server(["hashdb.users"], 5).group == "shard1"
        assert [s.status for s in fabric.group_servers("shard1")] == [
            Status.PRIMARY, Status.SECONDARY, Status.SECONDARY,
        ]
        assert [s.lower_bound for s in fabric.shards(TABLE[0])] == ["1", "10001", "20001"]
        assert fabric.shards("hashdb.users")[0].type == Sharding.HASH
        assert (fabric.fabric_uuid, fabric.ttl_ms) == ("", 1000)
        (groups,) = fabric.execute("group", "lookup_groups")
        column = groups.columns.index("group_id")
        names = {row[column] for row in groups.texts()}
        assert {"emptygrp", "global", "shard1", "shard10"} <= names
        fails(Code.FABRIC, fabric.execute, "group", "lookup_servers", "nosuch")
        fails(Code.UNKNOWN_TABLE, fabric.shard_server, ["no.such"], 1, errno=1051)
        fails(Code.UNKNOWN_GROUP, fabric.group_server, "nosuch", Mode.READONLY)


def test_generation_1_takes_reports(start):
    old = start("--farm", FARMS / "farm-gen1.json")
    with old.handle(report_errors=mf.Report.FAILURE) as fabric:
        primary = fabric.group_server("shard1", Mode.READWRITE)
        fabric.report_failure(primary.uuid, 2003)
        assert eventually(
            lambda: fabric.group_server("shard1", Mode.READWRITE).uuid != primary.uuid
        )


def server_tls(certs):
    return ("--tls-cert", certs / "server-cert.pem", "--tls-key", certs / "server-key.pem")


@pytest.mark.parametrize("close_notify", [(), ("--tls-close-notify",)], ids=["cut", "notify"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_tls(start, certs, host, close_notify):
    node = start(*server_tls(certs), *close_notify)
    with node.handle(nodes=[(host, node.port)], tls_ca=certs / "ca.pem") as fabric:
        assert fabric.shard_server(TABLE, 1).group == "shard1"
        assert fabric.tls_ca == str(certs / "ca.pem")
        assert (fabric.tls_key, fabric.tls_cert) == (None, None)


def test_tls_with_a_client_certificate(start, certs):
    node = start(*server_tls(certs), "--tls-client-ca", certs / "ca.pem")
    identity = {"tls_key": certs / "client-key.pem", "tls_cert": certs / "client-cert.pem"}
    with node.handle(tls_ca=certs / "ca.pem", **identity) as fabric:
        assert fabric.shard_server(TABLE, 1).group == "shard1"
        assert fabric.tls_key == str(certs / "client-key.pem")
        assert fabric.tls_cert == str(certs / "client-cert.pem")
    with node.handle(tls_ca=certs / "ca.pem") as fabric:
        fails(Code.TLS, fabric.shard_server, TABLE, 1, errno=2026)


def test_tls_that_does_not_verify(start, certs, tmp_path):
    node = start(*server_tls(certs))
    missing, empty = tmp_path / "missing.pem", tmp_path / "empty.pem"
    empty.write_text("")
    for ca in (certs / "client-cert.pem", missing, empty):
        with node.handle(tls_ca=ca) as fabric:
            fails(Code.TLS, fabric.shard_server, TABLE, 1, errno=2026)
    assert node.methods() == []


def test_tls_of_another_authority(start, certs, tmp_path):
    """One of the same name, as it comes about when an authority is made anew."""
    subprocess.run([fabricd_path(), "--make-certs", str(tmp_path)], check=True)
    node = start(*server_tls(certs))
    with node.handle(tls_ca=tmp_path / "ca.pem") as fabric:
        assert "the CA given did not issue" in fails(Code.TLS, fabric.seed, errno=2026)
    assert node.methods() == []


def test_tls_of_another_host(start, certs):
    node = start(*server_tls(certs), host="127.0.0.2")
    with node.handle(tls_ca=certs / "ca.pem") as fabric:
        assert "other names" in fails(Code.TLS, fabric.seed, errno=2026)


def test_tls_on_one_side_only(start, node, certs):
    # A node without TLS waits for the end of a line that never comes.
    with node.handle(tls_ca=certs / "ca.pem", connect_timeout_ms=300) as fabric:
        assert "without TLS" in fails(Code.TIMEOUT, fabric.seed, errno=2013)
    secure = start(*server_tls(certs))
    with secure.handle(request_timeout_ms=3000) as fabric:
        begun = time.monotonic()
        fails(Code.PROTOCOL, fabric.seed)
        assert time.monotonic() - begun < 3
