#!/usr/bin/env bash
# Prints the SQL that makes an empty state store as Fabric keeps it: state_store.sh 1.4|1.5|1.6
#
# The tables that a farm is in, with their columns and keys; the others of a real store have nothing
# that routes. For the database in use.
set -euo pipefail

types="'RANGE', 'RANGE_INTEGER', 'RANGE_STRING', 'RANGE_DATETIME', 'HASH'"
range_check=
case ${1:?1.4, 1.5 or 1.6} in
1.4) types="'RANGE', 'HASH'" ;;
1.5) ;;
1.6) range_check=', range_check TINYINT DEFAULT 0' ;;
*)
    echo "state_store.sh: no version $1" >&2
    exit 2
    ;;
esac
how='ENGINE = InnoDB DEFAULT CHARACTER SET utf8 COLLATE utf8_general_ci'
cat <<SQL
CREATE TABLE \`groups\` (
    group_id VARCHAR(64) NOT NULL PRIMARY KEY,
    description VARCHAR(256),
    master_uuid VARCHAR(40),
    master_defined TIMESTAMP(6) NULL,
    status BIT(1) NOT NULL
) $how;
CREATE TABLE servers (
    server_uuid VARCHAR(40) NOT NULL PRIMARY KEY,
    server_address VARCHAR(128) NOT NULL UNIQUE,
    mode INTEGER NOT NULL,
    status INTEGER NOT NULL,
    weight FLOAT NOT NULL,
    group_id VARCHAR(64)
) $how;
CREATE TABLE shard_maps (
    shard_mapping_id INT AUTO_INCREMENT NOT NULL PRIMARY KEY,
    type_name ENUM ($types) NOT NULL,
    global_group VARCHAR(64)
) $how;
CREATE TABLE shard_tables (
    shard_mapping_id INT NOT NULL,
    table_name VARCHAR(64) NOT NULL,
    column_name VARCHAR(64) NOT NULL$range_check,
    PRIMARY KEY (table_name, column_name)
) $how;
CREATE TABLE shards (
    shard_id INT AUTO_INCREMENT NOT NULL PRIMARY KEY,
    group_id VARCHAR(64) NOT NULL,
    state ENUM ('DISABLED', 'ENABLED') NOT NULL
) $how;
CREATE TABLE shard_ranges (
    shard_mapping_id INT NOT NULL,
    lower_bound VARBINARY(16) NOT NULL,
    shard_id INT NOT NULL,
    UNIQUE KEY (shard_mapping_id, lower_bound)
) $how;
CREATE TABLE users (
    user_id INT AUTO_INCREMENT NOT NULL PRIMARY KEY,
    username VARCHAR(100) NOT NULL,
    protocol VARCHAR(200) NOT NULL,
    password VARCHAR(128)
) $how;
SQL
