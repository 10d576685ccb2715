package mysqlfabric

/*
#include "shim.h"
*/
import "C"

import (
	"runtime"
	"time"
)

// Metrics are what a Farm has done so far, and how it is. Counters only grow. A lookup that had to wait
// counts as refused each time it asked in vain.
type Metrics struct {
	Lookups             uint64
	LookupsRefused      uint64
	RefreshesBackground uint64
	RefreshesCallers    uint64
	RefreshesFailed     uint64
	Requests            uint64
	BytesReceived       uint64
	BytesInflated       uint64
	EventsLost          uint64
	ThreadsRefused      uint64
	Generation          uint64
	NodesKnown          int
	NodesUp             int
	ServersQuarantined  int
	TopologyAge         time.Duration // negative if nobody knows
	LastError           Code          // of the last refresh that failed; 0 if none ever did
	LastErrorAge        time.Duration // negative if none ever did
	LastErrorText       string
}

// Metrics are the Farm's numbers.
func (f *Farm) Metrics() (Metrics, error) {
	defer runtime.KeepAlive(f)
	return f.opened().metrics()
}

func (c *core) metrics() (Metrics, error) {
	var m C.fabric_metrics_t
	err := c.use(func() error {
		return new(cnames).run(func(e *C.fabric_error_t) C.int32_t {
			return C.fabric_get_metrics(c.f, &m, e)
		})
	})
	if err != nil {
		return Metrics{}, err
	}
	return Metrics{
		Lookups:             uint64(m.lookups),
		LookupsRefused:      uint64(m.lookups_refused),
		RefreshesBackground: uint64(m.refreshes_background),
		RefreshesCallers:    uint64(m.refreshes_callers),
		RefreshesFailed:     uint64(m.refreshes_failed),
		Requests:            uint64(m.requests),
		BytesReceived:       uint64(m.bytes_received),
		BytesInflated:       uint64(m.bytes_inflated),
		EventsLost:          uint64(m.events_lost),
		ThreadsRefused:      uint64(m.threads_refused),
		Generation:          uint64(m.generation),
		NodesKnown:          int(m.nodes_known),
		NodesUp:             int(m.nodes_up),
		ServersQuarantined:  int(m.servers_quarantined),
		TopologyAge:         time.Duration(m.topology_age_ms) * time.Millisecond,
		LastError:           Code(m.last_error),
		LastErrorAge:        time.Duration(m.last_error_age_ms) * time.Millisecond,
		LastErrorText:       inGo(C.GoString(&m.last_error_text[0])),
	}, nil
}
