-- Fills the tables of mysqlfabric.sql, which are empty, from the database in which MySQL Fabric keeps its
-- state, `fabric` on the same server: groups, servers, tables and shards of one moment, with their
-- numbers. Fabric 1.4 to 1.6.
--
--     mysql -h HOST -u root -p < from_fabric_store.sql
--
-- Nothing of it is left if a statement fails. Fabric itself may run, and is not disturbed but for its
-- writes, which wait for the moment that this takes. What Fabric decides later is not in the copy, so
-- let it decide nothing more: deactivate its groups' failure detection before.
--
-- The groups come as Fabric has them, each server with its role. To have the servers themselves asked who
-- is primary, set `discover` of a group afterwards:
--     START TRANSACTION;
--     UPDATE version SET number = number + 1;
--     UPDATE groups_ SET discover = 'auto';
--     COMMIT;

USE mysqlfabric;
SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ;
START TRANSACTION;
UPDATE version SET number = number + 1;

-- Nothing of these changes until COMMIT.
SELECT COUNT(*) AS `groups` FROM fabric.`groups` LOCK IN SHARE MODE;
SELECT COUNT(*) AS servers FROM fabric.servers LOCK IN SHARE MODE;
SELECT COUNT(*) AS shard_maps FROM fabric.shard_maps LOCK IN SHARE MODE;
SELECT COUNT(*) AS `tables` FROM fabric.shard_tables LOCK IN SHARE MODE;
SELECT COUNT(*) AS shards FROM fabric.shards LOCK IN SHARE MODE;
SELECT COUNT(*) AS bounds FROM fabric.shard_ranges LOCK IN SHARE MODE;

INSERT INTO groups_ (group_id)
    SELECT group_id FROM fabric.`groups`;

-- An address is host:port, or [host]:port. The text of a weight is what was written, where the FLOAT
-- itself would come as 0.30000001192092896.
INSERT INTO servers (host, port, group_id, server_uuid, mode, status, weight)
    SELECT
        REPLACE(REPLACE(LEFT(server_address, CHAR_LENGTH(server_address) - 1
            - CHAR_LENGTH(SUBSTRING_INDEX(server_address, ':', -1))), '[', ''), ']', ''),
        SUBSTRING_INDEX(server_address, ':', -1),
        group_id,
        server_uuid,
        ELT(mode + 1, 'OFFLINE', 'READ_ONLY', 'WRITE_ONLY', 'READ_WRITE'),
        ELT(status + 1, 'FAULTY', 'SPARE', 'SECONDARY', 'PRIMARY'),
        CONCAT(weight)
    FROM fabric.servers WHERE group_id IS NOT NULL;

INSERT INTO tables (schema_name, table_name, column_name, type, global_group)
    SELECT
        SUBSTRING_INDEX(t.table_name, '.', 1),
        SUBSTRING(t.table_name, LOCATE('.', t.table_name) + 1),
        t.column_name,
        CONCAT(m.type_name),
        m.global_group
    FROM fabric.shard_tables t JOIN fabric.shard_maps m USING (shard_mapping_id);

-- A mapping of Fabric may have several tables, each of which has its shards here.
INSERT INTO shards (shard_id, schema_name, table_name, lower_bound, group_id, state)
    SELECT
        r.shard_id,
        SUBSTRING_INDEX(t.table_name, '.', 1),
        SUBSTRING(t.table_name, LOCATE('.', t.table_name) + 1),
        IF(m.type_name = 'HASH', HEX(r.lower_bound), r.lower_bound),
        s.group_id,
        CONCAT(s.state)
    FROM fabric.shard_tables t
        JOIN fabric.shard_maps m USING (shard_mapping_id)
        JOIN fabric.shard_ranges r USING (shard_mapping_id)
        JOIN fabric.shards s USING (shard_id);

COMMIT;
