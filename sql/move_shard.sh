#!/usr/bin/env bash
# Moves a shard of a table to another group, while services go on: docs/RESHARDING.md says how and why.
#
#   move_shard.sh --map FILE --from FILE --to FILE --wait SECONDS [OPTION...] SCHEMA.TABLE LOWER_BOUND GROUP
#
#   --map FILE     how to log in to the server that takes writes of the shard map: a MySQL option file
#                  with a group [client] that has host, user, password and the like, and nothing else
#   --from FILE    the same of the primary of the group that has the shard; its account may SELECT and DELETE
#                  there, set global variables, see all transactions and end connections
#   --to FILE      the same of the primary of GROUP; its account may SELECT and INSERT there
#   --wait SECONDS how long until every handle knows a change of the map, or routes by it no more: its
#                  interval (1 s unless fabric_options_set_ttl_ms says more) and its
#                  fabric_options_set_max_stale_ms, of all services the longest
#   --database D   the database of the shard map, if it is not mysqlfabric
#   --short-fence  takes writes at the old primary again as soon as those under way are over, and not only
#                  after the move: for a group with other shards, if no service is without max_stale
#   --keep         leaves the rows at the old primary
#
# The shard is READ_ONLY from the first step to the last: reads go on, writes are held. Run again after a
# failure, it begins anew; what has come to the new group by then is to be deleted there before.
#
# The programs are mysql and mysqldump, or what MYSQL and MYSQLDUMP say: a program, or a command of which it
# is the end. The status is 0 if the shard has moved, 1 if it has not, and 3 if it has but rows of it are still at
# the old primary: written there meanwhile by somebody who was not held, or not to be deleted.
set -euo pipefail

die() { echo "move_shard.sh: $*" >&2; exit 1; }
say() { echo "$(date +%T) $*"; }

map='' from='' to='' wait='' database=mysqlfabric short_fence='' keep=''
while [[ ${1-} == --* ]]; do
    case $1 in
    --short-fence) short_fence=1 ;;
    --keep) keep=1 ;;
    --map | --from | --to | --wait | --database)
        [ $# -ge 2 ] || die "$1 wants a value"
        printf -v "${1#--}" %s "$2"
        shift
        ;;
    *) die "there is no option $1; the comment at the top of this script has those that there are" ;;
    esac
    shift
done
[ $# = 3 ] && [ -n "$map" ] && [ -n "$from" ] && [ -n "$to" ] && [[ $wait =~ ^[0-9]+(\.[0-9]+)?$ ]] ||
    die "usage: move_shard.sh --map FILE --from FILE --to FILE --wait SECONDS SCHEMA.TABLE LOWER_BOUND GROUP"
[[ $1 == *.* ]] || die "'$1' is no SCHEMA.TABLE"
[[ $1$2$3 != *[[:cntrl:]]* ]] || die "names and bounds with control characters are not known here"
schema=${1%%.*} table=${1#*.} low=$2 group=$3
read -ra mysql <<<"${MYSQL:-mysql}"
read -ra mysqldump <<<"${MYSQLDUMP:-mysqldump}"

# Option files may have what makes the programs do something else: go on after errors, commit nothing, write
# elsewhere. So each has what logging in takes, and no other file is read, that of mysql_config_editor included.
export MYSQL_TEST_LOGIN_FILE=/nonexistent
for file in "$map" "$from" "$to"; do
    [ -r "$file" ] || die "there is no file $file to be read"
    while IFS= read -r line || [ -n "$line" ]; do
        [[ $line =~ ^[[:space:]]*(\[client\]|(loose[-_])?([^[:space:]=]*)) ]]
        option=${BASH_REMATCH[3]//_/-}
        case ${option:-${BASH_REMATCH[1]}} in
        '' | '#'* | ';'* | '[client]' | host | port | socket | protocol | user | password | bind-address | \
            connect-timeout | compress* | max-allowed-packet | default-character-set | default-auth | plugin-dir | \
            get-server-public-key | server-public-key-path | enable-cleartext-plugin | ssl | skip-ssl | ssl-* | tls-*) ;;
        *) die "$file has a line '${line%%=*}', which is not about logging in, and may change what mysql and mysqldump do; give a file with a group [client] that has host, user, password and the like" ;;
        esac
    done <"$file"
done

# ask FILE STATEMENTS: rows without header. Quotes and backslashes are as they are written here, whatever the
# server's sql_mode is.
ask() { "${mysql[@]}" --defaults-file="$1" --default-character-set=utf8mb4 -NBr -e "SET sql_mode = ''; $2"; }
literal() { local text=${1//\\/\\\\}; printf "'%s'" "${text//\'/\'\'}"; }
name() { printf '`%s`' "${1//\`/\`\`}"; }

of_table="schema_name = $(literal "$schema") AND table_name = $(literal "$table")"
the_shard="$of_table AND lower_bound = $(literal "$low")"
of_map() { ask "$map" "USE $(name "$database"); $1"; }
# One change of the map, of which one row is to be another.
change() {
    local rows
    rows=$(of_map "START TRANSACTION; UPDATE version SET number = number + 1; \
        UPDATE shards SET $1 WHERE $the_shard; SELECT ROW_COUNT(); COMMIT")
    [ "$rows" = 1 ] || die "the map has changed meanwhile: there is no shard of $schema.$table at '$low' any more"
}

row=$(of_map "SELECT s.group_id, s.state, t.type, t.column_name \
    FROM shards s JOIN tables t USING (schema_name, table_name) WHERE ${the_shard}")
[ -n "$row" ] || die "the map has no shard of $schema.$table at '$low'"
IFS=$'\t' read -r old state type column <<<"$row"
[ "$old" != "$group" ] || die "the shard is in group '$group' already, $state"
[ "$state" != DISABLED ] || die "the shard is DISABLED; enable it before"
[ "$(of_map "SELECT COUNT(*) FROM groups_ WHERE group_id = $(literal "$group")")" = 1 ] ||
    die "the map has no group '$group'"

# Which rows are the shard's: of the type of the table, up to the next bound.
key=$(name "$column")
case $type in
RANGE | RANGE_INTEGER) bound='CAST(lower_bound AS SIGNED)' ;;
RANGE_DATETIME) bound='CAST(CONVERT(lower_bound USING ascii) AS DATETIME)' ;;
RANGE_STRING)
    bound='CONVERT(lower_bound USING utf8mb4) COLLATE utf8mb4_bin'
    key="CONVERT($key USING utf8mb4) COLLATE utf8mb4_bin"
    ;;
HASH)
    bound='UPPER(CONVERT(lower_bound USING ascii))'
    key="UPPER(MD5(CONVERT($key USING utf8mb4)))"
    for server in "$from" "$to"; do
        [ -n "$(ask "$server" "SELECT MD5('')" 2>/dev/null || true)" ] ||
            die "a table of type HASH takes MD5(), which MySQL has in a component from 9.6 on; run INSTALL COMPONENT 'file://component_classic_hashing' on both servers"
    done
    ;;
*) die "tables of type $type are not known here" ;;
esac
mine=$(of_map "SELECT $bound FROM shards WHERE $the_shard")
next=$(of_map "SELECT $bound FROM shards WHERE $of_table AND $bound > (SELECT $bound FROM shards WHERE $the_shard) \
    ORDER BY 1 LIMIT 1")
lowest=$(of_map "SELECT $bound FROM shards WHERE $of_table ORDER BY 1 LIMIT 1")
value() { if [[ $type == RANGE || $type == RANGE_INTEGER ]]; then printf %s "$1"; else literal "$1"; fi; }
has_next=$(of_map "SELECT COUNT(*) FROM shards WHERE $of_table AND $bound > (SELECT $bound FROM shards WHERE $the_shard)")
where="$key >= $(value "$mine")"
if [ "$has_next" != 0 ]; then
    where="$where AND $key < $(value "$next")"
elif [ "$type" = HASH ]; then
    # A ring: what is below the lowest bound is in the highest shard.
    where="($where OR $key < $(value "$lowest"))"
fi

all="$(name "$schema").$(name "$table")"
columns=$(ask "$from" "SET SESSION group_concat_max_len = 1000000; \
    SELECT GROUP_CONCAT('IFNULL(HEX(CONCAT(\`', REPLACE(column_name, '\`', '\`\`'), '\`)), \"-\")' ORDER BY ordinal_position) \
    FROM information_schema.columns \
    WHERE table_schema = $(literal "$schema") AND table_name = $(literal "$table")")
[ "$columns" != NULL ] || die "the old primary has no table $all"
# What would be lost, or not be noticed.
having() { ask "$from" "SELECT COUNT(*) FROM information_schema.$1"; }
here="table_schema = $(literal "$schema") AND table_name = $(literal "$table")"
[ "$(having "key_column_usage WHERE referenced_table_schema = $(literal "$schema") AND referenced_table_name = $(literal "$table")")" = 0 ] ||
    die "foreign keys of other tables refer to $all, whose rows would go, or stay, with its own; drop these keys at the old primary for the time of the move"
[ "$(having "columns WHERE $here AND data_type = 'float'")" = 0 ] ||
    die "$all has a column of type FLOAT, of which mysqldump copies six digits; make it a DOUBLE"
[ "$(having "columns WHERE $here AND column_name = $(literal "$column") AND data_type = 'timestamp'")" = 0 ] ||
    die "the key of $all is a TIMESTAMP, which is another one in each time zone; make it a DATETIME"
# How many rows of the shard a server has, and a sum over what is in them.
rows_of() { ask "$1" "SELECT COUNT(*), IFNULL(SUM(CRC32(CONCAT_WS('/', $columns))), 0) FROM $all WHERE $where"; }

before=$(rows_of "$to")
[ "${before%%$'\t'*}" = 0 ] ||
    die "the new primary has ${before%%$'\t'*} rows of the shard already; see that they are left from a move that failed, and delete them: DELETE FROM $all WHERE $where"
[ "$(ask "$from" 'SELECT @@server_uuid')" != "$(ask "$to" 'SELECT @@server_uuid')" ] ||
    die "--from and --to are one server"
[ -n "$short_fence" ] || [ "$(ask "$from" 'SELECT @@server_uuid')" != "$(ask "$map" 'SELECT @@server_uuid')" ] ||
    die "the map is on the old primary, where the fence keeps it from being changed; give --short-fence"
fence=super_read_only
was=$(ask "$from" 'SELECT @@global.super_read_only' 2>/dev/null) || { fence=read_only was=$(ask "$from" 'SELECT @@global.read_only'); }
[ "$was" = 0 ] || die "the server of --from is read-only ($fence): it is not the primary"

# Connections of open transactions with changes, which could be committed once the fence is lifted; 0 is nobody's.
writers="SELECT DISTINCT trx_mysql_thread_id FROM information_schema.innodb_trx WHERE trx_rows_modified > 0"
open=$(ask "$from" "$writers")
[[ $'\n'$open$'\n' != *$'\n0\n'* ]] ||
    die "there is a prepared transaction with changes at the old primary, which nothing here can end; see XA RECOVER there, and commit it or roll it back"

is_fenced=
lift() {
    [ -z "$is_fenced" ] || ask "$from" "SET GLOBAL read_only = 0"
    is_fenced=
}
ended() {
    local status=$?
    lift || echo "move_shard.sh: the old primary is still read-only: SET GLOBAL read_only = 0 there" >&2
    [ $status != 0 ] || return 0
    case ${at-} in
    begun) echo "move_shard.sh: the shard is READ_ONLY; run this again, or make it ENABLED in the map, in the group that it is in there" >&2 ;;
    moved)
        echo "move_shard.sh: the shard has moved, and old rows of it are still at the old primary: $all WHERE $where" >&2
        exit 3
        ;;
    esac
}
trap ended EXIT

say "1. READ_ONLY in the map: $all from '$low' on, ${where}"
at=begun
[ "$state" = READ_ONLY ] || change "state = 'READ_ONLY'"
say "2. $wait s until every handle holds the writes of the shard"
sleep "$wait"
say "3. a fence at the old primary: what is under way ends, or is ended"
is_fenced=1
# It waits for statements under way, and all that come after them wait for it.
ask "$from" "SET lock_wait_timeout = 10; SET GLOBAL $fence = 1" ||
    die "the old primary does not become read-only: statements there take long, or hold LOCK TABLES"
for ((try = 0; try < 600; try++)); do
    open=$(ask "$from" "$writers")
    # Nobody's are rolled back soon, or prepared.
    [ -n "$open" ] && { [ "$open" != 0 ] || [ $try -lt 50 ]; } || break
    for thread in $open; do
        ask "$from" "KILL $thread" 2>/dev/null || true
    done
    sleep 0.1
done
[ -z "$open" ] || die "transactions of the old primary do not end: connections ${open//$'\n'/, } (0 is a prepared one: see XA RECOVER there, and commit it or roll it back)"
[ -z "$short_fence" ] || lift
say "4. the copy"
"${mysqldump[@]}" --defaults-file="$from" --default-character-set=utf8mb4 --single-transaction \
    --loose-set-gtid-purged=OFF --loose-column-statistics=0 --loose-skip-masking-policies --no-create-info --skip-triggers --skip-add-locks --skip-disable-keys --no-autocommit --hex-blob \
    --complete-insert --no-tablespaces --where="$where" -- "$schema" "$table" |
    "${mysql[@]}" --defaults-file="$to" --default-character-set=utf8mb4 --database="$schema"
moved=$(rows_of "$to")
[ "$(rows_of "$from")" = "$moved" ] || die "the copy is another one than what it was made of"
say "5. the map has it in group '$group', still READ_ONLY; $wait s until every handle reads there"
change "group_id = $(literal "$group")"
sleep "$wait"
say "6. ENABLED"
change "state = 'ENABLED'"
at=moved
lift
[ "$(rows_of "$from")" = "$moved" ] ||
    die "rows of the shard were written to the old primary since it was copied, or cannot be read there: compare with the new one"
if [ -z "$keep" ]; then
    say "7. the old rows are deleted, ${moved%%$'\t'*} of them"
    deleted=1
    while [ "$deleted" != 0 ]; do
        deleted=$(ask "$from" "START TRANSACTION; DELETE FROM $all WHERE $where LIMIT 5000; SELECT ROW_COUNT(); COMMIT") ||
            die "the old rows cannot be deleted at the old primary"
    done
fi
say "moved: ${moved%%$'\t'*} rows"
