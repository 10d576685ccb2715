package mysqlfabric

/*
#include "shim.h"
*/
import "C"

import (
	"context"
	"runtime"
	"unsafe"
)

// Preference is which servers of a group reads go to.
type Preference int32

// The preferences. The header's fabric_options_set_read_preference says what each means.
const (
	PreferDefault       Preference = C.FABRIC_PREFER_DEFAULT // what WithReadPreference says
	PreferSecondary     Preference = C.FABRIC_PREFER_SECONDARY
	PreferSecondaryOnly Preference = C.FABRIC_PREFER_SECONDARY_ONLY
	PreferPrimary       Preference = C.FABRIC_PREFER_PRIMARY
	PreferNearest       Preference = C.FABRIC_PREFER_NEAREST
)

// WithReadPreference sets which servers reads go to; PreferSecondary unless set.
func WithReadPreference(preference Preference) Option {
	return func(s *settings) { C.fabric_options_set_read_preference(s.o, C.int32_t(preference)) }
}

// Choice is what one call wants otherwise than its Farm; the zero value is nothing. Servers are named by
// their UUIDs, or as host:port.
type Choice struct {
	Preference Preference
	Zone       string             // whose servers come first, in the place of WithZone's
	NoZone     bool               // no zone comes first
	Weights    map[string]float64 // the shares of servers in reads, in the place of the source's
	Exclude    []string           // servers that do not come into question
}

// Candidates tells which servers hold a table's rows of a key, in the order in which they should be tried: the
// first is the one of [Farm.Server], as far as choice leaves it that.
func (f *Farm) Candidates(ctx context.Context, table string, key any, mode Mode, choice Choice) ([]Server, error) {
	defer runtime.KeepAlive(f)
	return f.opened().candidates(ctx, &f.opened().guard, []string{table}, key, mode, choice)
}

// Candidates tells which servers hold the tables' rows of a key, as [Farm.Candidates] does.
func (t *Table) Candidates(ctx context.Context, key any, mode Mode, choice Choice) ([]Server, error) {
	defer runtime.KeepAlive(t)
	return t.opened().farm.candidates(ctx, &t.opened().guard, t.opened().names, key, mode, choice)
}

// GroupCandidates tells which servers of a group serve a mode, as [Farm.Candidates] does.
func (f *Farm) GroupCandidates(ctx context.Context, group string, mode Mode, choice Choice) ([]Server, error) {
	defer runtime.KeepAlive(f)
	return listOf(ctx, f.opened(), func(n *cnames) asks[C.fabric_server_t] {
		name, choice := n.add(group), n.choice(choice)
		return whole(func(out *C.fabric_server_t, room C.size_t, count *C.size_t, e *C.fabric_error_t) C.int32_t {
			return C.fabric_choose_group_servers(f.opened().f, name, C.int32_t(mode), choice, out, room, count, e)
		})
	}, f.opened().servers.value)
}

func (c *core) candidates(ctx context.Context, of *guard, tables []string, value any, mode Mode, choice Choice) ([]Server, error) {
	k, err := keyOf(value)
	if err != nil {
		return nil, err
	}
	return listOfUsed(ctx, c, of, func(n *cnames) asks[C.fabric_server_t] {
		list, key, choice := n.list(tables), n.key(k), n.choice(choice)
		return whole(func(out *C.fabric_server_t, room C.size_t, count *C.size_t, e *C.fabric_error_t) C.int32_t {
			return C.fabric_choose_shard_servers(c.f, list, C.size_t(len(tables)), key, C.FABRIC_SCOPE_LOCAL,
				C.int32_t(mode), choice, out, room, count, e)
		})
	}, c.servers.value)
}

// whole asks for more room as long as all of it is used: C gives as many as fit.
func whole(ask asks[C.fabric_server_t]) asks[C.fabric_server_t] {
	return func(out *C.fabric_server_t, room C.size_t, count *C.size_t, e *C.fabric_error_t) C.int32_t {
		status := ask(out, room, count, e)
		if status == C.FABRIC_OK && *count == room {
			*count = 2 * room
			return C.FABRIC_ERR_BUFFER_TOO_SMALL
		}
		return status
	}
}

// choice lays a choice into C's memory.
func (c *cnames) choice(choice Choice) *C.fabric_choice_t {
	made := (*C.fabric_choice_t)(c.room(1, unsafe.Sizeof(C.fabric_choice_t{})))
	made.preference = C.int32_t(choice.Preference)
	if choice.Zone != "" || choice.NoZone {
		made.zone = c.add(choice.Zone)
	}
	made.excluded, made.excluded_count = c.list(choice.Exclude), C.size_t(len(choice.Exclude))
	if n := len(choice.Weights); n > 0 {
		made.weights = (*C.fabric_server_weight_t)(c.room(n, unsafe.Sizeof(C.fabric_server_weight_t{})))
		made.weights_count = C.size_t(n)
		weights := unsafe.Slice(made.weights, n)
		for server, weight := range choice.Weights {
			weights[0].server, weights[0].weight = c.add(server), C.double(weight)
			weights = weights[1:]
		}
	}
	return made
}
