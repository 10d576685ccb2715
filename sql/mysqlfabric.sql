-- A shard map in MySQL tables, for handles of libmysqlfabric whose source is mysql://host/mysqlfabric.
--
-- For MySQL 5.6 and later, and MariaDB 10.11. Run it once, as a user who may CREATE:
--     mysql -h HOST -u root -p < mysqlfabric.sql
-- Another name than mysqlfabric is possible: it stands in the next two statements alone, and in the
-- URL of the source.
--
-- Each change is one transaction that begins with
--     UPDATE version SET number = number + 1;
-- That row is what handles look at, once a second, and its lock, which is held until COMMIT, has changes
-- come one after the other. Handles read all tables in one snapshot: they see a change as a whole, or
-- not at all. A change without that statement is seen, too, by a digest of the tables, which is compared
-- less often where they are large; the handle's log warns of it, and from a server that is read_only
-- it is not taken, as nobody can tell whether that one is ahead or behind.
--
-- The account of the handles: GRANT SELECT ON mysqlfabric.* TO ...

CREATE DATABASE IF NOT EXISTS mysqlfabric DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
USE mysqlfabric;

CREATE TABLE version (
    id TINYINT UNSIGNED NOT NULL DEFAULT 1
        COMMENT 'Always 1: the table has one row.',
    schema_version INT UNSIGNED NOT NULL
        COMMENT 'The form of these tables, 1. A handle refuses one that it does not know.',
    number BIGINT UNSIGNED NOT NULL
        COMMENT 'Counts the changes. A server with a lower number lags behind, and is not believed.',
    incarnation CHAR(36) NOT NULL
        COMMENT 'Which tables these are, a UUID. Restored from a backup they are others: give a new one.',
    PRIMARY KEY (id),
    CHECK (id = 1)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE groups_ (
    group_id VARCHAR(64) NOT NULL
        COMMENT 'The name of a group: servers with the same data, one of which takes writes.',
    discover ENUM ('auto', 'group_replication', 'innodb_cluster', 'replicaset', 'clusterset', 'replication')
        NULL DEFAULT NULL
        COMMENT 'How its servers and their primary are found, by asking those in servers. NULL: they are as listed there.',
    PRIMARY KEY (group_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE servers (
    host VARCHAR(255) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL
        COMMENT 'A name or an address, as the services reach it.',
    port SMALLINT UNSIGNED NOT NULL DEFAULT 3306,
    group_id VARCHAR(64) NOT NULL
        COMMENT 'A server is in one group.',
    server_uuid VARCHAR(40) CHARACTER SET ascii COLLATE ascii_general_ci NULL DEFAULT NULL
        COMMENT 'What @@server_uuid says there. Not needed where the group is discovered.',
    mode ENUM ('OFFLINE', 'READ_ONLY', 'WRITE_ONLY', 'READ_WRITE') NOT NULL DEFAULT 'READ_ONLY'
        COMMENT 'What it is used for; READ_WRITE for a primary. Of no matter where the group is discovered.',
    status ENUM ('FAULTY', 'SPARE', 'SECONDARY', 'PRIMARY') NOT NULL DEFAULT 'SECONDARY'
        COMMENT 'What it is in its group, which has one PRIMARY. Of no matter where the group is discovered.',
    weight DOUBLE NOT NULL DEFAULT 1
        COMMENT 'Its part of the reads, above 0.',
    zone VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL DEFAULT NULL
        COMMENT 'Where it stands, such as eu-west-1a: services there read from it first. NULL: nowhere in particular.',
    PRIMARY KEY (host, port),
    UNIQUE KEY (server_uuid),
    KEY (group_id),
    FOREIGN KEY (group_id) REFERENCES groups_ (group_id),
    CHECK (port > 0),
    CHECK (weight > 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE tables (
    schema_name VARCHAR(64) NOT NULL
        COMMENT 'The sharded table is schema_name.table_name, in every shard.',
    table_name VARCHAR(64) NOT NULL,
    column_name VARCHAR(64) NOT NULL
        COMMENT 'The column whose value is the key.',
    type ENUM ('RANGE', 'RANGE_INTEGER', 'RANGE_STRING', 'RANGE_DATETIME', 'HASH') NOT NULL
        COMMENT 'How keys are compared with the lower bounds; HASH compares their MD5.',
    global_group VARCHAR(64) NOT NULL
        COMMENT 'Where what all shards share is written.',
    PRIMARY KEY (schema_name, table_name),
    KEY (global_group),
    FOREIGN KEY (global_group) REFERENCES groups_ (group_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE shards (
    shard_id BIGINT NOT NULL AUTO_INCREMENT
        COMMENT 'For people and fabric_get_shards(); of one table each its own.',
    schema_name VARCHAR(64) NOT NULL,
    table_name VARCHAR(64) NOT NULL,
    lower_bound VARBINARY(255) NOT NULL
        COMMENT 'The least key of the shard, as text: 1000, 2024-12-31, or for HASH 32 hexadecimal digits.',
    group_id VARCHAR(64) NOT NULL,
    state ENUM ('ENABLED', 'READ_ONLY', 'DISABLED') NOT NULL DEFAULT 'ENABLED'
        COMMENT 'READ_ONLY: reads go on, writes are held, as while it is moved. DISABLED: its keys are refused.',
    PRIMARY KEY (schema_name, table_name, lower_bound),
    KEY (shard_id),
    KEY (group_id),
    FOREIGN KEY (schema_name, table_name) REFERENCES tables (schema_name, table_name),
    FOREIGN KEY (group_id) REFERENCES groups_ (group_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Last, so that tables that are half made say so.
INSERT INTO version (schema_version, number, incarnation) VALUES (1, 1, UUID());

-- An example: two groups whose servers are asked who is primary, and a table in two shards.
--
-- START TRANSACTION;
-- UPDATE version SET number = number + 1;
-- INSERT INTO groups_ (group_id, discover) VALUES ('a', 'auto'), ('b', 'auto');
-- INSERT INTO servers (host, port, group_id) VALUES
--     ('db1.example.com', 3306, 'a'), ('db2.example.com', 3306, 'a'),
--     ('db3.example.com', 3306, 'b'), ('db4.example.com', 3306, 'b');
-- INSERT INTO tables (schema_name, table_name, column_name, type, global_group) VALUES
--     ('shop', 'orders', 'customer', 'RANGE', 'a');
-- INSERT INTO shards (schema_name, table_name, lower_bound, group_id) VALUES
--     ('shop', 'orders', '0', 'a'), ('shop', 'orders', '1000000', 'b');
-- COMMIT;
