package mysqlfabric

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Close ends whoever waits, for whatever, and any call is refused after it.
func TestClose(t *testing.T) {
	d := start(t)
	h := d.farm(WithLookupTimeout(time.Hour), WithLeastWriteHold(10*time.Minute))
	table, err := h.Table(ctx, salaries)
	must(t, err)
	must(t, h.ReportErrno(primary, 1836))
	_, err = h.Group(ctx, "shard1", ReadWrite)
	wants(t, err, ErrWriteHeld, 0)
	events := h.Events()
	d.command("fault", "hang", "", "-1")
	calls := map[string]func() error{
		"Server":          func() error { _, err := h.Server(ctx, "crm.names", "A", ReadWrite); return err },
		"Global":          func() error { _, err := h.Global(ctx, "crm.names", ReadWrite); return err },
		"ServerWait":      func() error { _, err := h.ServerWait(ctx, salaries, 1, ReadWrite); return err },
		"Group":           func() error { _, err := h.Group(ctx, "no such", ReadWrite); return err },
		"GroupWait":       func() error { _, err := h.GroupWait(ctx, "no such", ReadWrite); return err },
		"Table":           func() error { _, err := h.Table(ctx, "crm.names"); return err },
		"Servers":         func() error { _, err := h.Servers(ctx, "crm.names", []int{1}, ReadWrite); return err },
		"Split":           func() error { _, _, err := h.Split(ctx, "crm.names", []int{1}, ReadWrite); return err },
		"Shards":          func() error { _, err := h.Shards(ctx, "crm.names"); return err },
		"GroupServersNow": func() error { _, err := h.GroupServersNow(ctx, "shard1"); return err },
		"Seed":            func() error { return h.Seed(ctx) },
		"Prefetch":        func() error { return h.Prefetch(ctx) },
		"Execute":         func() error { _, err := h.Execute(ctx, "manage", "ping"); return err },
		"table":           func() error { _, err := table.ServerWait(ctx, 1, ReadWrite); return err },
	}
	var wait sync.WaitGroup
	for name, call := range calls {
		wait.Add(1)
		go func() {
			defer wait.Done()
			if err := call(); err != ErrClosed {
				t.Errorf("%s: %v", name, err)
			}
		}()
	}
	time.Sleep(100 * time.Millisecond)
	must(t, h.Close())
	wait.Wait()
	must(t, h.Close())
	for range events {
	}
	for range h.Events() {
	}
	calls["warm"] = func() error { _, err := table.Server(ctx, 1, ReadOnly); return err }
	calls["Tables"] = func() error { _, err := h.Tables(); return err }
	calls["Metrics"] = func() error { _, err := h.Metrics(); return err }
	calls["Dump"] = func() error { return h.Dump("x") }
	calls["ReportErrno"] = func() error { return h.ReportErrno(primary, 0) }
	calls["ResetCache"] = func() error { return h.ResetCache("") }
	for name, call := range calls {
		if err := call(); err != ErrClosed {
			t.Errorf("%s: %v", name, err)
		}
	}
	same(t, []any{h.Generation(), h.User()}, []any{0, ""})
	if h.Age() >= 0 || h.TTL() >= 0 {
		t.Error(h.Age(), h.TTL())
	}
	must(t, table.Close())
	must(t, table.Close())

	h = d.farm()
	d.command("fault", "none")
	table, err = h.Table(ctx, salaries)
	must(t, err)
	must(t, table.Close())
	for _, call := range []func() error{
		func() error { _, err := table.Server(ctx, 1, ReadOnly); return err },
		func() error { _, err := table.ServerWait(ctx, 1, ReadOnly); return err },
		func() error { _, err := table.Servers(ctx, []int{1}, ReadOnly); return err },
	} {
		if err := call(); err != ErrClosed {
			t.Error(err)
		}
	}
}

// Close beside calls that are under way: none crashes, each answers or is refused.
func TestCloseBesideCalls(t *testing.T) {
	d := start(t)
	for range 20 {
		h, err := Open("", d.options()...)
		must(t, err)
		table, err := h.Table(ctx, salaries)
		must(t, err)
		var wait sync.WaitGroup
		var answered atomic.Int64
		for at := range 16 {
			wait.Add(1)
			go func() {
				defer wait.Done()
				for {
					_, err := table.Server(ctx, at+1, ReadOnly)
					if at%3 == 0 {
						_, err = table.Servers(ctx, []int{at + 1}, ReadOnly)
					}
					if at%2 == 0 {
						_, err = h.Server(ctx, salaries, at+1, ReadOnly)
					}
					if err == ErrClosed {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
					answered.Add(1)
				}
			}()
		}
		eventually(t, "calls are under way", func() bool { return answered.Load() > 100 })
		must(t, table.Close())
		must(t, h.Close())
		wait.Wait()
	}
}

// A Farm that nobody has any more is closed.
func TestForgottenFarms(t *testing.T) {
	d := start(t)
	core := func() *core {
		h, err := Open("", d.options()...)
		must(t, err)
		table, err := h.Table(ctx, salaries)
		must(t, err)
		_, err = table.Server(ctx, 1, ReadOnly)
		must(t, err)
		return h.core
	}()
	eventually(t, "it is closed", func() bool {
		runtime.GC()
		return core.guard.closed.Load()
	})
}

// A copy is the same Farm, and so is what tells events: neither is closed while it is in use.
func TestFarmsInUse(t *testing.T) {
	d := start(t)
	h, err := Open("", append(d.options(), nil)...)
	must(t, err)
	copied := *h
	h = nil
	told := make(chan Event, kept)
	events := func() <-chan Event {
		h := d.farm()
		h.OnEvent(func(event Event) {
			select {
			case told <- event:
			default:
			}
		})
		events := h.Events()
		_, err := h.Group(ctx, "shard1", ReadWrite)
		must(t, err)
		return events
	}()
	stopped, err := Open("", d.options()...)
	must(t, err)
	stopped.OnEvent(func(Event) {})()
	forgotten := stopped.core
	stopped = nil
	listens, err := Open("", d.options()...)
	must(t, err)
	heard := listens.core
	_ = listens.Events()
	listens = nil
	eventually(t, "who wants no events any more is closed", func() bool {
		runtime.GC()
		return forgotten.guard.closed.Load()
	})
	for range 5 {
		runtime.GC()
		time.Sleep(10 * time.Millisecond)
	}
	_, err = copied.Group(ctx, "shard1", ReadWrite)
	must(t, err)
	must(t, copied.Close())
	if heard.guard.closed.Load() {
		t.Error("a Farm whose events are listened to is closed")
	}
	heard.close()
	if first, again := <-events, <-told; first.Kind != again.Kind {
		t.Error(first, again)
	}
}

// Close of a Table ends who waits for that, for a server or for the source, and nobody else.
func TestCloseOfATable(t *testing.T) {
	d := start(t)
	h := d.farm(WithLookupTimeout(time.Hour), WithLeastWriteHold(10*time.Minute))
	table, err := h.Table(ctx, salaries)
	must(t, err)
	must(t, h.ReportErrno(primary, 1836))
	minute := within(t, time.Minute)
	calls := map[string]func() error{
		"ServerWait": func() error { _, err := table.ServerWait(minute, 1, ReadWrite); return err },
		"again":      func() error { _, err := table.ServerWait(minute, 2, ReadWrite); return err },
	}
	end := func(of map[string]func() error, what func() bool) {
		t.Helper()
		var wait sync.WaitGroup
		for name, call := range of {
			wait.Add(1)
			go func() {
				defer wait.Done()
				if err := call(); err != ErrClosed {
					t.Errorf("%s: %v", name, err)
				}
			}()
		}
		eventually(t, "they wait", what)
		must(t, table.Close())
		wait.Wait()
	}
	asker := &h.core.asker
	waits := func(goes bool) func() bool {
		return func() bool {
			asker.mu.Lock()
			defer asker.mu.Unlock()
			return asker.runs == goes
		}
	}
	end(calls, waits(true))
	eventually(t, "nobody is asked for", waits(false))
	others := make(chan error, 1)
	go func() {
		_, err := h.GroupWait(within(t, 300*time.Millisecond), "shard1", ReadWrite)
		others <- err
	}()
	wants(t, <-others, ErrWriteHeld, 0)
	eventually(t, "nobody is asked for any more", waits(false))

	// What a closed Table is asked from memory or from the source.
	for name, call := range map[string]func() error{
		"Server":     func() error { _, err := table.Server(ctx, 1, ReadOnly); return err },
		"Global":     func() error { _, err := table.Global(ctx, ReadOnly); return err },
		"GlobalWait": func() error { _, err := table.GlobalWait(ctx, ReadOnly); return err },
		"Servers":    func() error { _, err := table.Servers(ctx, []int{1}, ReadOnly); return err },
		"Split":      func() error { _, _, err := table.Split(ctx, []int{1}, ReadOnly); return err },
		"Candidates": func() error { _, err := table.Candidates(ctx, 1, ReadOnly, Choice{}); return err },
		"Explain":    func() error { _, err := table.Explain(ctx, 1, ReadOnly); return err },
	} {
		if err := call(); err != ErrClosed {
			t.Errorf("%s: %v", name, err)
		}
	}

	// Who waits for the source.
	h = d.farm(WithLookupTimeout(time.Hour))
	table, err = h.Table(ctx, salaries)
	must(t, err)
	end(map[string]func() error{"lookup": func() error {
		return h.core.await(minute, &table.core.guard, func() error { return newError(ErrWouldBlock, "not yet") })
	}}, func() bool {
		h.core.news.mu.Lock()
		defer h.core.news.mu.Unlock()
		return h.core.news.asked
	})
}
