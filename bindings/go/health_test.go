package mysqlfabric

import (
	"testing"
	"time"
)

func TestHealth(t *testing.T) {
	h := start(t).farm(long, WithQuarantine(10*time.Minute))
	none, err := h.Health("")
	must(t, err)
	same(t, len(none), 0)
	must(t, h.Seed(ctx))
	all, err := h.Health("")
	must(t, err)
	servers, err := h.Health("shard1")
	must(t, err)
	if len(servers) != 3 || len(all) <= 3 {
		t.Fatal(len(servers), len(all))
	}
	for at, server := range servers {
		same(t, []any{server.State, server.State.String(), server.Errno, server.Reports}, []any{HealthInUse, "in use", 0, 0})
		if server.LeftOut >= 0 || server.Failed >= 0 || server.NextTrial >= 0 {
			t.Errorf("%d: %+v", at, server)
		}
	}
	must(t, h.ReportErrno(third, 2003))
	servers, err = h.Health("shard1")
	must(t, err)
	for _, server := range servers {
		if server.Server.UUID != third {
			same(t, server.State, HealthInUse)
			continue
		}
		same(t, []any{server.State, server.Errno, server.Reports}, []any{HealthLeftOut, 2003, 1})
		if server.LeftOut < 0 || server.Failed < 0 || server.NextTrial <= 0 {
			t.Errorf("%+v", server)
		}
	}
	_, err = h.Health("no such")
	wants(t, err, ErrUnknownGroup, 0)
	must(t, h.Close())
	if _, err = h.Health(""); err != ErrClosed {
		t.Error(err)
	}
}
