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

// HealthState is how a server is, as far as the service's reports and trials tell.
type HealthState int32

// The states. The header says what each means.
const (
	HealthInUse    HealthState = C.FABRIC_HEALTH_IN_USE
	HealthLeftOut  HealthState = C.FABRIC_HEALTH_LEFT_OUT
	HealthOnTrial  HealthState = C.FABRIC_HEALTH_ON_TRIAL
	HealthTried    HealthState = C.FABRIC_HEALTH_TRIED
	HealthUnproven HealthState = C.FABRIC_HEALTH_UNPROVEN
)

// String is the state in a few words.
func (h HealthState) String() string {
	switch h {
	case HealthInUse:
		return "in use"
	case HealthLeftOut:
		return "left out"
	case HealthOnTrial:
		return "on trial"
	case HealthTried:
		return "being tried"
	case HealthUnproven:
		return "in use, unproven"
	default:
		return "unknown"
	}
}

// Health is what is known of a server. A time that there is none of is negative.
type Health struct {
	Server    Server
	Zone      string
	State     HealthState
	Errno     int           // that was reported last; 0 if it is in use
	Reports   uint64        // of failures, since it was last known to be there
	LeftOut   time.Duration // for how long
	Failed    time.Duration // how long ago it failed last
	NextTrial time.Duration // in how long it is tried next
	Heard     time.Duration // how long ago it answered the source, where that asks the servers themselves
}

// Health lists the servers of a group that is known, or of all groups if it is "", and how they are. From
// memory: nobody is asked.
func (f *Farm) Health(group string) ([]Health, error) {
	defer runtime.KeepAlive(f)
	return listOf(context.Background(), f.opened(), func(n *cnames) asks[C.fabric_server_health_t] {
		name := n.optional(group)
		return func(out *C.fabric_server_health_t, room C.size_t, count *C.size_t, e *C.fabric_error_t) C.int32_t {
			return C.fabric_get_server_health(f.opened().f, name, out, room, count, e)
		}
	}, func(h *C.fabric_server_health_t) Health {
		return Health{
			Server: f.opened().servers.value(&h.server), Zone: C.GoString(&h.zone[0]), State: HealthState(h.state),
			Errno: int(h.reported_errno), Reports: uint64(h.reports), LeftOut: ofMillis(h.since_ms),
			Failed: ofMillis(h.failed_ms), NextTrial: ofMillis(h.next_trial_ms), Heard: ofMillis(h.heard_ms),
		}
	})
}
