/* What help() says of the calls that Python code sees. */
#ifndef PY_FABRIC_DOCS_H
#define PY_FABRIC_DOCS_H

#define DOC_SERVER                                                                                 \
    "server($self, /, tables, key=None, mode=0, scope=11, *, wait=None)\n--\n\n"                   \
    "The server that holds these tables and this key: a Server.\n\n"                               \
    "`tables` is \"db.table\", or several such names that are joined. With Mode.READWRITE and "    \
    "WRITEONLY it is\n"                                                                            \
    "the primary, with READONLY and NONE a secondary in turn, or the primary where there is "      \
    "none. Scope.GLOBAL\n"                                                                         \
    "needs no key. With `wait` it waits up to so many seconds for a server that was not reported " \
    "to have failed.\n"                                                                            \
    "Answers from memory when the tables are known; else waits for `lookup_timeout` at most."
#define DOC_GROUP_SERVER                                                                           \
    "group_server($self, /, group, mode=0, status=-1, *, wait=None)\n--\n\n"                       \
    "The server of a group for a mode, or of a status, Status.PRIMARY or SECONDARY. As server()."
#define DOC_GROUP_SERVERS                                                                          \
    "group_servers($self, /, group, use_cache=True)\n--\n\n"                                       \
    "All servers of a group, those that never serve among them. Without `use_cache` the source "   \
    "is asked now."
#define DOC_TABLE                                                                                  \
    "table($self, tables, /)\n--\n\n"                                                              \
    "Opens tables for many lookups: a Table, whose server() takes a key. Names are looked for "    \
    "once per refresh."
#define DOC_SHARD                                                                                  \
    "shard($self, /, table, key)\n--\n\n"                                                          \
    "The shard that holds a key: the one that server() goes by."
#define DOC_SHARDS                                                                                 \
    "shards($self, table, /)\n--\n\n"                                                              \
    "The shards of a table in the order of their lower bounds. Held and disabled ones are not "    \
    "among them."
#define DOC_SHARDS_BETWEEN                                                                         \
    "shards_between($self, /, table, low=None, high=None)\n--\n\n"                                 \
    "The shards that BETWEEN low AND high touches; None is no limit. For HASH all of them."
#define DOC_EXPLAIN                                                                                \
    "explain($self, /, tables, key=None, mode=0, scope=11)\n--\n\n"                                \
    "How server() with these arguments would be answered now, and why: an Explanation, also of a " \
    "refusal."                                                                                     \
    " Takes no turn."
#define DOC_EXPLAIN_GROUP                                                                          \
    "explain_group($self, /, group, mode=0)\n--\n\n"                                               \
    "How group_server() with these arguments would be answered now, and why: an Explanation."
#define DOC_TABLES                                                                                 \
    "tables($self, /)\n--\n\nThe tables that are known, from memory: after seed() all of the "     \
    "farm."
#define DOC_GROUPS                                                                                 \
    "groups($self, /)\n--\n\nThe groups that are known, from memory: after seed() all of the "     \
    "farm."
#define DOC_HEALTH                                                                                 \
    "health($self, group=None, /)\n--\n\n"                                                         \
    "All servers that are known, of a group or of the farm, and how they are: ServerHealth, from " \
    "memory."
#define DOC_NODES                                                                                  \
    "nodes($self, /)\n--\n\nThe Fabric nodes: those that were named, then those they told of."
#define DOC_SEED                                                                                   \
    "seed($self, /, host=None, port=0)\n--\n\n"                                                    \
    "Loads the whole farm, of this Fabric node, or else of the source. Waits for the attempts of " \
    "the options."
#define DOC_RESET_CACHE                                                                            \
    "reset_cache($self, /, group=None)\n--\n\n"                                                    \
    "Has the next lookup of a group, or of anything, ask the source before it answers."
#define DOC_INTERRUPT                                                                              \
    "interrupt($self, /)\n--\n\nEnds the waits of all threads in this farm now: they raise "       \
    "Interrupted."
#define DOC_METRICS                                                                                \
    "metrics($self, /)\n--\n\nWhat the farm has done so far, and how it is: Metrics."
#define DOC_FILENO                                                                                 \
    "fileno($self, /)\n--\n\n"                                                                     \
    "A descriptor that is readable while events wait: for select, poll and loops. The farm "       \
    "closes it."
#define DOC_NEXT_EVENT                                                                             \
    "next_event($self, /)\n--\n\nThe oldest Event that waits, or None. Never waits for one."
#define DOC_TABLE_SERVER                                                                           \
    "server($self, /, key=None, mode=0, scope=11, *, wait=None)\n--\n\n"                           \
    "The server that holds the tables' rows of this key. As Farm.server()."
#define DOC_TABLE_SERVERS                                                                          \
    "servers($self, /, keys, mode=0, scope=11)\n--\n\n"                                            \
    "The server of each of many keys. As Farm.servers()."
#define DOC_HANDLE "The calls of the library on one farm: mysqlfabric.Farm extends it."
#define DOC_TABLE_TYPE "One table, or several that are joined, of a Farm: see Farm.table()."

#endif
