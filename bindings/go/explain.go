package mysqlfabric

/*
#include "shim.h"
*/
import "C"

import (
	"context"
	"math"
	"runtime"
	"time"
)

// Why is why a lookup gets the server that it gets, or none.
type Why int32

// The reasons. The header says what each means.
const (
	WhyNone             Why = C.FABRIC_WHY_NONE
	WhyPrimary          Why = C.FABRIC_WHY_PRIMARY
	WhyByWeight         Why = C.FABRIC_WHY_BY_WEIGHT
	WhyOnlyOne          Why = C.FABRIC_WHY_ONLY_ONE
	WhyOwnZone          Why = C.FABRIC_WHY_OWN_ZONE
	WhyNoSecondary      Why = C.FABRIC_WHY_NO_SECONDARY
	WhyOnTrial          Why = C.FABRIC_WHY_ON_TRIAL
	WhyLastResort       Why = C.FABRIC_WHY_LAST_RESORT
	WhyPreferredPrimary Why = C.FABRIC_WHY_PREFERRED_PRIMARY
	WhyNoPrimary        Why = C.FABRIC_WHY_NO_PRIMARY
	WhyWritesHeld       Why = C.FABRIC_WHY_WRITES_HELD
	WhyShardReadOnly    Why = C.FABRIC_WHY_SHARD_READ_ONLY
	WhyShardMissing     Why = C.FABRIC_WHY_SHARD_MISSING
)

// String is the reason in a few words.
func (w Why) String() string { return C.GoString(C.fabric_why_name(C.int32_t(w))) }

// Origin is how good what is known of a table or a group is.
type Origin int32

// The origins.
const (
	OriginNone  Origin = C.FABRIC_ORIGIN_NONE
	OriginFresh Origin = C.FABRIC_ORIGIN_FRESH
	OriginStale Origin = C.FABRIC_ORIGIN_STALE
	OriginFile  Origin = C.FABRIC_ORIGIN_FILE
)

// String is the origin's name.
func (o Origin) String() string {
	switch o {
	case OriginFresh:
		return "fresh"
	case OriginStale:
		return "stale"
	case OriginFile:
		return "file"
	default:
		return "none"
	}
}

// Explanation is how a lookup would be answered now, and why. What does not apply is empty.
type Explanation struct {
	Code    Code   // why it would be refused; 0 if it would be answered
	Message string // what the refusal would say
	Why     Why
	Server  Server // that the lookup would get

	Table       string
	TableOrigin Origin
	TableAge    time.Duration // since the source confirmed it; negative where nobody knows
	Type        Sharding
	Column      string
	Key         string // as the shard map reads it
	Digest      string // of the key, for HASH
	ShardID     int64
	ShardState  ShardState
	ShardHold   time.Duration // how long the keys of a missing shard are held yet, or Forever; negative if not
	LowerBound  string
	UpperBound  string // empty for the last shard

	Group               string
	GroupOrigin         Origin
	GroupAge            time.Duration
	WriteHold           time.Duration // how long writes are held yet at most; negative if they are not
	ServersListed       int
	ServersConsidered   int
	ServersQuarantined  int
	ServersInOtherZones int
	Source              string // as a URL, without user and password
	Node                Node   // of the source, that answered last
	Generation          uint64
}

// Explain tells how [Farm.Server] would be answered now, and why; a nil key is for [Farm.Global]. It takes
// no turn, and it succeeds where the lookup would be refused.
func (f *Farm) Explain(ctx context.Context, table string, key any, mode Mode) (*Explanation, error) {
	defer runtime.KeepAlive(f)
	return f.opened().explainTables(ctx, &f.opened().guard, []string{table}, key, mode)
}

// Explain tells how [Table.Server] would be answered now, as [Farm.Explain] does. Of several tables the
// first is described.
func (t *Table) Explain(ctx context.Context, key any, mode Mode) (*Explanation, error) {
	defer runtime.KeepAlive(t)
	return t.opened().farm.explainTables(ctx, &t.opened().guard, t.opened().names, key, mode)
}

// ExplainGroup tells how [Farm.Group] would be answered now, as [Farm.Explain] does.
func (f *Farm) ExplainGroup(ctx context.Context, group string, mode Mode) (*Explanation, error) {
	defer runtime.KeepAlive(f)
	return f.opened().explain(ctx, &f.opened().guard, func(n *cnames) explains {
		name := n.add(group)
		return func(out *C.fabric_explanation_t, e *C.fabric_error_t) C.int32_t {
			return C.fabric_explain_group(f.opened().f, name, C.int32_t(mode), out, e)
		}
	})
}

func (c *core) explainTables(ctx context.Context, of *guard, tables []string, value any, mode Mode) (*Explanation, error) {
	k, in := key{}, global
	if value != nil {
		var err error
		if k, err = keyOf(value); err != nil {
			return nil, err
		}
		in = local
	}
	return c.explain(ctx, of, func(n *cnames) explains {
		list, key := n.list(tables), n.key(k)
		return func(out *C.fabric_explanation_t, e *C.fabric_error_t) C.int32_t {
			return C.fabric_explain_shard(c.f, list, C.size_t(len(tables)), key, C.int32_t(in), C.int32_t(mode), out, e)
		}
	})
}

type explains func(*C.fabric_explanation_t, *C.fabric_error_t) C.int32_t

func (c *core) explain(ctx context.Context, of *guard, with func(*cnames) explains) (*Explanation, error) {
	var names cnames
	defer names.free()
	ask := with(&names)
	var x C.fabric_explanation_t
	err := c.await(ctx, of, func() error {
		err := of.use(func() error {
			return names.run(func(e *C.fabric_error_t) C.int32_t { return ask(&x, e) })
		})
		// What is being fetched is waited for, as the lookup would.
		if err == nil && x.status == C.FABRIC_ERR_WOULD_BLOCK {
			return newError(ErrWouldBlock, "%s", inGo(C.GoString(&x.message[0])))
		}
		return err
	})
	// Where the source cannot be asked, that is what would be said.
	if failed, is := err.(*Error); is && x.status == C.FABRIC_ERR_WOULD_BLOCK && failed.cause == nil {
		told := c.explanation(&x)
		told.Code, told.Message = failed.Code, failed.Message
		return told, nil
	}
	if err != nil {
		return nil, err
	}
	return c.explanation(&x), nil
}

func (c *core) explanation(x *C.fabric_explanation_t) *Explanation {
	told := &Explanation{
		Code: Code(x.status), Message: inGo(C.GoString(&x.message[0])), Why: Why(x.why),
		Table: C.GoString(&x.table[0]), TableOrigin: Origin(x.table_origin), TableAge: ofMillis(x.table_age_ms),
		Type: Sharding(x.sharding_type), Column: C.GoString(&x.column[0]), Key: C.GoString(&x.key[0]),
		Digest: C.GoString(&x.digest[0]), ShardID: int64(x.shard_id), ShardState: ShardState(x.shard_state),
		ShardHold: ofMillis(x.shard_hold_ms), LowerBound: C.GoString(&x.lower_bound[0]),
		UpperBound: C.GoString(&x.upper_bound[0]), Group: C.GoString(&x.group[0]),
		GroupOrigin: Origin(x.group_origin), GroupAge: ofMillis(x.group_age_ms),
		WriteHold: ofMillis(x.write_hold_ms), ServersListed: int(x.servers_listed),
		ServersConsidered: int(x.servers_considered), ServersQuarantined: int(x.servers_quarantined),
		ServersInOtherZones: int(x.servers_in_other_zones), Source: C.GoString(&x.source[0]),
		Node: Node{C.GoString(&x.node.host[0]), uint16(x.node.port)}, Generation: uint64(x.generation),
	}
	if x.status == C.FABRIC_OK {
		told.Server = c.servers.value(&x.server)
	}
	return told
}

// ofMillis is a time of C's; what ends never, or later than Go can say, is Forever.
func ofMillis(ms C.int64_t) time.Duration {
	if ms > math.MaxInt64/C.int64_t(time.Millisecond) {
		return Forever
	}
	return time.Duration(ms) * time.Millisecond
}
