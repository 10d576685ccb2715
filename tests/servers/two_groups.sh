# Two groups of three real MySQL servers each, a and b, whose shard map is in tables of the first one: what demo.sh
# and examples.sh have in common. To be sourced.
# shellcheck shell=bash
#
# Table demo.entries (id, body) is sharded by HASH(id) over both groups. PORT is the first of 200 that are free,
# 31600 unless given: server I of group a has port PORT + I, of group b PORT + 100 + I. Takes 2.2 GiB of memory.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PORT=${PORT:-31600}
farms=$(mktemp -d)
url=mysql://127.0.0.1:$((PORT + 1)),127.0.0.1:$((PORT + 2)),127.0.0.1:$((PORT + 3))/mysqlfabric
user=demo
password=pass-word

# in_group NAME COMMAND ARGUMENT...
in_group() {
    local name=$1 port=$PORT
    [ "$name" = a ] || port=$((PORT + 100))
    FARM=$farms/$name PORT=$port GROUP=aaaaaaaa-0000-0000-0000-0000000$port \
        "$here/group_replication.sh" "${@:2}"
}

# port_of NAME: of its primary
port_of() {
    local port=$PORT
    [ "$1" = a ] || port=$((PORT + 100))
    echo $((port + $(in_group "$1" primary)))
}

# Ends what start_groups started.
stop_groups() {
    for name in a b; do in_group "$name" stop; done
    rm -rf "$farms"
}

start_groups() {
    in_group a start 3 &
    in_group b start 3
    wait $!

    for name in a b; do
        in_group "$name" sql 1 <<'SQL'
CREATE DATABASE demo;
CREATE TABLE demo.entries (id BIGINT PRIMARY KEY, body VARCHAR(40) NOT NULL);
CREATE USER demo@'%' IDENTIFIED BY 'pass-word';
GRANT SELECT ON performance_schema.replication_group_members TO demo@'%';
GRANT SELECT ON performance_schema.replication_group_member_stats TO demo@'%';
GRANT SELECT, INSERT, UPDATE ON demo.* TO demo@'%';
SQL
    done
    in_group a sql 1 <"$here/../../sql/mysqlfabric.sql"
    in_group a sql 1 <<SQL
USE mysqlfabric;
START TRANSACTION;
UPDATE version SET number = number + 1;
INSERT INTO groups_ (group_id, discover) VALUES ('a', 'group_replication'), ('b', 'group_replication');
INSERT INTO servers (host, port, group_id) VALUES
    ('127.0.0.1', $((PORT + 1)), 'a'), ('127.0.0.1', $((PORT + 2)), 'a'), ('127.0.0.1', $((PORT + 3)), 'a'),
    ('127.0.0.1', $((PORT + 101)), 'b'), ('127.0.0.1', $((PORT + 102)), 'b'), ('127.0.0.1', $((PORT + 103)), 'b');
INSERT INTO tables (schema_name, table_name, column_name, type, global_group) VALUES
    ('demo', 'entries', 'id', 'HASH', 'a');
INSERT INTO shards (schema_name, table_name, lower_bound, group_id) VALUES
    ('demo', 'entries', REPEAT('0', 32), 'a'), ('demo', 'entries', CONCAT('8', REPEAT('0', 31)), 'b');
COMMIT;
GRANT SELECT ON mysqlfabric.* TO demo@'%';
SQL
    # Over a Unix socket each server learns the hash of the password that others only show over TLS.
    source "$here/programs.sh"
    for name in a b; do
        for i in 1 2 3; do
            for ((try = 0; try < 300; try++)); do
                mysql bin/mysql --no-defaults -udemo -ppass-word -S "$farms/$name/$i/sock" -e 'DO 1' 2>/dev/null && break
                sleep 0.1
            done
        done
    done
}
