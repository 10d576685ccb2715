package fabricsql

import (
	"sync/atomic"
	"time"

	"mysqlfabric"
)

// healthAge is how long what is known of a group's servers serves where no event tells of a change.
const healthAge = 100 * time.Millisecond

// health is how the servers of a pool's group are: each connection that is taken from a pool for reads asks, and
// Farm.Health makes a list anew.
type health struct{ newest atomic.Pointer[checkup] }

type checkup struct {
	at      time.Time
	servers []mysqlfabric.Health
}

// forget has the next one who asks ask the farm.
func (h *health) forget() { h.newest.Store(new(checkup)) }

func (h *health) of(farm *mysqlfabric.Farm, group string) ([]mysqlfabric.Health, error) {
	last, now := h.newest.Load(), time.Now()
	if last != nil && now.Sub(last.at) < healthAge {
		return last.servers, nil
	}
	servers, err := farm.Health(group)
	if err == nil {
		h.newest.CompareAndSwap(last, &checkup{now, servers}) // unless it was forgotten meanwhile
	}
	return servers, err
}
