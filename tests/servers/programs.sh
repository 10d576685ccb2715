# The servers that fetch.sh fetched, and how they are run where they lie. To be sourced.
# shellcheck shell=bash

CACHE=${MYSQLFABRIC_SERVERS:-${XDG_CACHE_HOME:-$HOME/.cache}/mysqlfabric/servers}
MYSQL=$CACHE/mysql
MYSQL56=$CACHE/mysql56/package/server
MARIADB=$CACHE/mariadb

# mysql PROGRAM ARGUMENT...: a program of MySQL 9, such as sbin/mysqld, with the C library it was
# built for, whatever the machine has. mysql56 and mariadb are alike.
mysql=("$MYSQL/usr/lib64/ld-linux-x86-64.so.2"
    --library-path "$MYSQL/usr/lib/x86_64-linux-gnu:$MYSQL/usr/lib/mysql-router")
mariadb=("$MARIADB/lib64/ld-linux-x86-64.so.2"
    --library-path "$MARIADB/lib/x86_64-linux-gnu:$MARIADB/usr/lib/x86_64-linux-gnu")

mysql() { "${mysql[@]}" "$MYSQL/usr/$1" "${@:2}"; }
mysql56() { LD_LIBRARY_PATH=$MYSQL56 "$MYSQL56/$1" "${@:2}"; }
mariadb() { "${mariadb[@]}" "$MARIADB/usr/$1" "${@:2}"; }

# The configuration of a server that is small and quick rather than safe: conf KIND DIRECTORY PORT
conf() {
    local kind=$1 dir=$2 port=$3
    cat <<CONF
[mysqld]
user = $(id -un)
datadir = $dir/data
socket = $dir/sock
pid_file = $dir/mysqld.pid
log_error = $dir/error.log
tmpdir = $dir
bind_address = 127.0.0.1
port = $port
innodb_buffer_pool_size = 32M
innodb_log_buffer_size = 1M
innodb_flush_log_at_trx_commit = 0
sync_binlog = 0
max_connections = 40
max_connect_errors = 1000000
table_open_cache = 200
table_definition_cache = 400
CONF
    "conf_$kind"
}

conf_mysql() {
    cat <<CONF
basedir = $MYSQL/usr
plugin_dir = $MYSQL/usr/lib/mysql/plugin
lc_messages_dir = $MYSQL/usr/share/mysql
secure_file_priv = NULL
mysqlx = OFF
innodb_redo_log_capacity = 8M
# The performance schema keeps its tables of replication, and little else.
performance_schema_instrument = '%=OFF'
performance_schema_accounts_size = 0
performance_schema_hosts_size = 0
performance_schema_users_size = 0
performance_schema_digests_size = 0
performance_schema_error_size = 0
performance_schema_max_memory_classes = 0
performance_schema_max_stage_classes = 0
performance_schema_max_mutex_classes = 0
performance_schema_max_cond_classes = 0
performance_schema_max_rwlock_classes = 0
performance_schema_max_file_classes = 0
performance_schema_max_index_stat = 0
performance_schema_max_table_lock_stat = 0
performance_schema_events_statements_history_size = 0
performance_schema_events_statements_history_long_size = 0
performance_schema_events_transactions_history_long_size = 0
CONF
}

conf_mysql56() {
    cat <<CONF
basedir = $MYSQL56
lc_messages_dir = $MYSQL56/share
innodb_use_native_aio = 0
innodb_log_file_size = 4M
performance_schema = OFF
CONF
}

conf_mariadb() {
    cat <<CONF
basedir = $MARIADB/usr
plugin_dir = $MARIADB/usr/lib/mysql/plugin
lc_messages_dir = $MARIADB/usr/share/mysql
innodb_log_file_size = 8M
innodb_use_native_aio = 0
performance_schema = OFF
CONF
}

# User farm/farm has all rights over TCP, of which root has none; root has no password over the socket.
users() {
    cat <<'SQL'
CREATE USER farm@'%' IDENTIFIED BY 'farm';
GRANT ALL ON *.* TO farm@'%' WITH GRANT OPTION;
SQL
}

# The bootstrap of these two takes no CREATE USER before the tables of grants are read.
bootstrap() {
    local share=$1
    echo "USE mysql;"
    cat "$share/mysql_system_tables.sql" "$share/mysql_system_tables_data.sql"
    echo "FLUSH PRIVILEGES;"
    echo "DELETE FROM mysql.user WHERE user = '';"
    users
}

# initialise KIND: the data directory that every server of a kind begins with, made once.
initialise() {
    local kind=$1 dir=$CACHE/$1/start
    [ ! -e "$dir/complete" ] || return 0
    rm -rf "$dir"
    mkdir -p "$dir/data"
    conf "$kind" "$dir" 0 >"$dir/my.cnf"
    case $kind in
    mysql)
        rmdir "$dir/data"
        users >"$dir/users.sql"
        mysql sbin/mysqld --defaults-file="$dir/my.cnf" --initialize-insecure --init-file="$dir/users.sql" \
            --skip-log-bin
        rm "$dir/data/auto.cnf"
        ;;
    mysql56)
        mkdir "$dir/data/mysql"
        bootstrap "$MYSQL56/share" | mysql56 mysqld --defaults-file="$dir/my.cnf" --bootstrap
        ;;
    mariadb)
        mkdir "$dir/data/mysql"
        { echo "SET @auth_root_socket = NULL;"; bootstrap "$MARIADB/usr/share/mysql"; } |
            mariadb sbin/mariadbd --defaults-file="$dir/my.cnf" --bootstrap
        ;;
    esac >"$dir/out" 2>&1 || {
        cat "$dir/out" "$dir/error.log" >&2
        return 1
    }
    touch "$dir/complete"
}
