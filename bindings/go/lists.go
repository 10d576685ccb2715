package mysqlfabric

/*
#include "shim.h"
*/
import "C"

import (
	"context"
	"runtime"
	"time"
)

// Sharding is how a table is sharded.
type Sharding int32

// The kinds of sharding. Unsupported is that of a table that cannot be routed.
const (
	Unsupported   Sharding = C.FABRIC_SHARDING_UNSUPPORTED
	Range         Sharding = C.FABRIC_SHARDING_RANGE
	RangeInteger  Sharding = C.FABRIC_SHARDING_RANGE_INTEGER
	RangeString   Sharding = C.FABRIC_SHARDING_RANGE_STRING
	RangeDatetime Sharding = C.FABRIC_SHARDING_RANGE_DATETIME
	Hash          Sharding = C.FABRIC_SHARDING_HASH
)

// String is the name that Fabric has for it.
func (s Sharding) String() string {
	switch s {
	case Range:
		return "RANGE"
	case RangeInteger:
		return "RANGE_INTEGER"
	case RangeString:
		return "RANGE_STRING"
	case RangeDatetime:
		return "RANGE_DATETIME"
	case Hash:
		return "HASH"
	default:
		return "unsupported"
	}
}

// ShardState is what may be done with the keys of a shard.
type ShardState int32

// The states of shards.
const (
	ShardEnabled  ShardState = C.FABRIC_SHARD_ENABLED
	ShardReadOnly ShardState = C.FABRIC_SHARD_READ_ONLY
	ShardMissing  ShardState = C.FABRIC_SHARD_MISSING // only in an Explanation
)

// Shard is a shard of a table.
type Shard struct {
	ID          int64
	Type        Sharding
	LowerBound  string
	Group       string
	GlobalGroup string
	Column      string
	State       ShardState
}

// TableInfo is what is known of a table.
type TableInfo struct {
	Name        string
	Type        Sharding
	Shards      int
	Column      string
	GlobalGroup string
}

// GroupInfo is what is known of a group.
type GroupInfo struct {
	Name               string
	Servers            int
	ServersQuarantined int
	Shards             int
	TakesWrites        bool
	WritesHeld         bool
	Age                time.Duration // since the source confirmed it; negative where nobody knows
}

// Node is the address of a Fabric node; port 0 is the default port.
type Node struct {
	Host string
	Port uint16
}

// Tables lists the tables that are known, by name: all after [Farm.Seed], else those that were looked up.
func (f *Farm) Tables() ([]TableInfo, error) {
	defer runtime.KeepAlive(f)
	return listOf(context.Background(), f.opened(), func(*cnames) asks[C.fabric_table_info_t] {
		return func(out *C.fabric_table_info_t, room C.size_t, count *C.size_t, e *C.fabric_error_t) C.int32_t {
			return C.fabric_get_tables(f.opened().f, out, room, count, e)
		}
	}, func(t *C.fabric_table_info_t) TableInfo {
		return TableInfo{
			Name: C.GoString(&t.name[0]), Type: Sharding(t.sharding_type), Shards: int(t.shards),
			Column: C.GoString(&t.column[0]), GlobalGroup: C.GoString(&t.global_group[0]),
		}
	})
}

// Groups lists the groups that are known, by name, as [Farm.Tables] does.
func (f *Farm) Groups() ([]GroupInfo, error) {
	defer runtime.KeepAlive(f)
	return listOf(context.Background(), f.opened(), func(*cnames) asks[C.fabric_group_info_t] {
		return func(out *C.fabric_group_info_t, room C.size_t, count *C.size_t, e *C.fabric_error_t) C.int32_t {
			return C.fabric_get_groups(f.opened().f, out, room, count, e)
		}
	}, func(g *C.fabric_group_info_t) GroupInfo {
		return GroupInfo{
			Name: C.GoString(&g.name[0]), Servers: int(g.servers),
			ServersQuarantined: int(g.servers_quarantined), Shards: int(g.shards),
			TakesWrites: g.takes_writes != 0, WritesHeld: g.writes_held != 0,
			Age: time.Duration(g.age_ms) * time.Millisecond,
		}
	})
}

// GroupServers lists all servers of a group, in the source's order, those that never serve among them.
func (f *Farm) GroupServers(ctx context.Context, group string) ([]Server, error) {
	defer runtime.KeepAlive(f)
	return f.opened().groupServers(ctx, group, 1)
}

// GroupServersNow is GroupServers that has the source asked first.
func (f *Farm) GroupServersNow(ctx context.Context, group string) ([]Server, error) {
	defer runtime.KeepAlive(f)
	return f.opened().groupServers(ctx, group, 0)
}

// groupServers asks the source first if cached is 0; what it has told serves then.
func (c *core) groupServers(ctx context.Context, group string, cached C.int32_t) ([]Server, error) {
	asksNow := cached == 0
	servers, err := listOf(ctx, c, func(n *cnames) asks[C.fabric_server_t] {
		name := n.add(group)
		return func(out *C.fabric_server_t, room C.size_t, count *C.size_t, e *C.fabric_error_t) C.int32_t {
			status := C.fabric_get_group_servers(c.f, name, cached, out, room, count, e)
			cached = 1
			return status
		}
	}, c.servers.value)
	// What was known before would do for others.
	if asksNow && err == nil && c.news.lastOutcome() != 0 {
		return nil, c.fetchFailed()
	}
	return servers, err
}

// Shards lists the shards of a table by their lower bounds. Place keys by lookups, and not by this list:
// a shard that is disabled or held is not in it.
func (f *Farm) Shards(ctx context.Context, table string) ([]Shard, error) {
	defer runtime.KeepAlive(f)
	return listOf(ctx, f.opened(), func(n *cnames) asks[C.fabric_shard_t] {
		name := n.add(table)
		return func(out *C.fabric_shard_t, room C.size_t, count *C.size_t, e *C.fabric_error_t) C.int32_t {
			return C.fabric_get_shards(f.opened().f, name, out, room, count, e)
		}
	}, shard)
}

// ShardsInRange lists the shards that hold keys from low to high, both included; nil is no limit.
func (f *Farm) ShardsInRange(ctx context.Context, table string, low, high any) ([]Shard, error) {
	defer runtime.KeepAlive(f)
	var bounds [2]key
	for at, bound := range []any{low, high} {
		if bound != nil {
			var err error
			if bounds[at], err = keyOf(bound); err != nil {
				return nil, err
			}
		}
	}
	return listOf(ctx, f.opened(), func(n *cnames) asks[C.fabric_shard_t] {
		name, l, h := n.add(table), n.key(bounds[0]), n.key(bounds[1])
		return func(out *C.fabric_shard_t, room C.size_t, count *C.size_t, e *C.fabric_error_t) C.int32_t {
			return C.fabric_get_shards_in_range(f.opened().f, name, l, h, out, room, count, e)
		}
	}, shard)
}

// Shard tells the shard that holds a key. Its ID is 0 if the source told no more than its group.
func (f *Farm) Shard(ctx context.Context, table string, key any) (Shard, error) {
	defer runtime.KeepAlive(f)
	k, err := keyOf(key)
	if err != nil {
		return Shard{}, err
	}
	var s C.fabric_shard_t
	err = f.opened().list(ctx, func(n *cnames) call {
		name, key := n.add(table), n.key(k)
		return func(e *C.fabric_error_t) C.int32_t {
			return C.fabric_get_shard(f.opened().f, name, key, &s, e)
		}
	})
	if err != nil {
		return Shard{}, err
	}
	return shard(&s), nil
}

// FabricNodes lists the Fabric nodes: those that were named, then those they told of.
func (f *Farm) FabricNodes(ctx context.Context) ([]Node, error) {
	defer runtime.KeepAlive(f)
	return listOf(ctx, f.opened(), func(*cnames) asks[C.fabric_node_t] {
		return func(out *C.fabric_node_t, room C.size_t, count *C.size_t, e *C.fabric_error_t) C.int32_t {
			return C.fabric_get_fabric_nodes(f.opened().f, out, room, count, e)
		}
	}, func(n *C.fabric_node_t) Node {
		return Node{Host: C.GoString(&n.host[0]), Port: uint16(n.port)}
	})
}

func shard(s *C.fabric_shard_t) Shard {
	return Shard{
		ID:          int64(s.shard_id),
		Type:        Sharding(s.sharding_type),
		LowerBound:  C.GoString(&s.lower_bound[0]),
		Group:       C.GoString(&s.group[0]),
		GlobalGroup: C.GoString(&s.global_group[0]),
		Column:      C.GoString(&s.column[0]),
		State:       ShardState(s.state),
	}
}

// call is a call of C, its arguments laid out.
type call func(*C.fabric_error_t) C.int32_t

// asks is a call of C that fills a list.
type asks[T any] func(out *T, room C.size_t, count *C.size_t, e *C.fabric_error_t) C.int32_t

// list runs a call that may have to wait for the source. `with` lays out its arguments.
func (c *core) list(ctx context.Context, with func(*cnames) call) error {
	return c.listUsed(ctx, &c.guard, with)
}

// listUsed is list for a call that uses the object of a guard beside the Farm.
func (c *core) listUsed(ctx context.Context, of *guard, with func(*cnames) call) error {
	var names cnames
	defer names.free()
	ask := with(&names)
	return c.await(ctx, of, func() error {
		return of.use(func() error { return names.run(ask) })
	})
}

// listOf asks until the list fits: it may grow between two calls.
func listOf[T, U any](ctx context.Context, c *core, with func(*cnames) asks[T], to func(*T) U) ([]U, error) {
	return listOfUsed(ctx, c, &c.guard, with, to)
}

// listOfUsed is listOf for a call that uses the object of a guard beside the Farm.
func listOfUsed[T, U any](ctx context.Context, c *core, of *guard, with func(*cnames) asks[T], to func(*T) U,
) ([]U, error) {
	var out []T
	var count C.size_t
	err := c.listUsed(ctx, of, func(n *cnames) call {
		ask := with(n)
		return func(e *C.fabric_error_t) C.int32_t {
			for room := 8; ; room = int(count) + 8 {
				out = make([]T, room)
				status := ask(&out[0], C.size_t(room), &count, e)
				if status != C.FABRIC_ERR_BUFFER_TOO_SMALL {
					return status
				}
			}
		}
	})
	if err != nil || count == 0 {
		return nil, err
	}
	converted := make([]U, count)
	for at := range converted {
		converted[at] = to(&out[at])
	}
	return converted, nil
}
