"""Any Fabric command as rows and columns."""

import pytest

import mysqlfabric as mf
from conftest import fails
from mysqlfabric import Code


def test_a_list_of_rows(fabric):
    (groups,) = fabric.execute("group", "lookup_groups")
    assert groups.columns == ["group_id", "description", "failure_detector", "master_uuid"]
    assert len(groups.rows) == 7
    assert groups.texts()[1][:3] == ["global", "group global", "0"]


def test_arguments_and_their_defaults(fabric):
    (servers,) = fabric.execute("group", "lookup_servers", "shard1", None, "SECONDARY")
    assert [row[2:4] for row in servers.rows] == [[b"SECONDARY", b"READ_ONLY"]] * 2
    (all_of_them,) = fabric.execute("group", "lookup_servers", "shard1")
    assert len(all_of_them.rows) == 3
    assert all_of_them.texts()[1][4] in ("2", "2.0")


def test_a_command_that_changes_something_has_two_sets(fabric):
    procedure, steps = fabric.execute("group", "promote", "shard1")
    assert procedure.columns == ["uuid", "finished", "success", "result"]
    assert procedure.rows[0][1:] == [b"1", b"1", b"1"]
    assert len(steps.rows) == 3 and steps.columns[3] == "description"


def test_text_beyond_ascii_comes_back(fabric):
    fabric.execute("group", "description", "shard1", 'Zoë & <日本> "😀"')
    (groups,) = fabric.execute("group", "lookup_groups", "shard1")
    assert groups.texts()[0][1] == 'Zoë & <日本> "😀"'


def test_a_command_that_answers_nothing(fabric):
    assert fabric.execute("manage", "ping") == []


def test_what_fabric_refuses(node, fabric):
    fails(Code.FABRIC, fabric.execute, "no", "such")
    message = fails(Code.FABRIC, fabric.execute, "group", "lookup_servers", "nosuch")
    assert "Group (nosuch) does not exist." in message


def test_no_command_runs_twice(node):
    node.control("fault", "close_mid_reply", "", 1)
    with node.handle(connect_attempts=5, connect_delay_ms=0) as fabric:
        fails(Code.PROTOCOL, fabric.execute, "group", "promote", "shard1")
        assert node.methods() == ["group.promote"]


def test_what_is_not_there_is_null(fabric):
    lib, result = mf.lib, mf.c_void_p()
    code = lib.fabric_execute(
        fabric._handle, b"group", b"lookup_groups", None, 0, mf.byref(result), None
    )
    assert code == Code.OK
    assert lib.fabric_result_sets(result) == 1
    assert lib.fabric_result_rows(result, 1) == lib.fabric_result_columns(result, 1) == 0
    assert lib.fabric_result_column_name(result, 0, 4) is None
    length = mf.c_size_t(77)
    for place in ((1, 0, 0), (0, 7, 0), (0, 0, 4), (2**63, 2**63, 2**63)):
        assert lib.fabric_result_value(result, *place, mf.byref(length)) is None
    assert length.value == 77
    assert lib.fabric_result_value(result, 0, 0, 0, None)
    lib.fabric_result_free(result)


def test_the_control_port_speaks_the_same(node):
    with mf.Fabric([("127.0.0.1", node.control_port)]) as control:
        control.execute("fabricd", "set_weight", "aab422d7-e706-11f1-b000-02fc00000001", "8")
        with pytest.raises(mf.FabricError):
            control.execute("fabricd", "no_such_method")
    with node.handle() as fabric:
        assert fabric.group_servers("shard1")[1].weight == 8.0
