package mysqlfabric

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// threads is how many threads the process has.
func threads(t testing.TB) int {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Skip("no /proc")
	}
	return len(tasks)
}

func within(t testing.TB, timeout time.Duration) context.Context {
	t.Helper()
	soon, cancel := context.WithTimeout(ctx, timeout)
	t.Cleanup(cancel)
	return soon
}

// crowd has 2,000 goroutines call, and gives what they answered, and how many threads there were at most
// beside those that there were before.
func crowd(t *testing.T, meanwhile func(), call func(at int) error) (errs []error, more int) {
	t.Helper()
	const many = 2000
	before := threads(t)
	var started, ended sync.WaitGroup
	errs = make([]error, many)
	started.Add(many)
	ended.Add(many)
	for at := range errs {
		go func() {
			defer ended.Done()
			started.Done()
			errs[at] = call(at)
		}()
	}
	started.Wait()
	over := make(chan struct{})
	go func() {
		meanwhile()
		ended.Wait()
		close(over)
	}()
	for {
		more = max(more, threads(t)-before)
		select {
		case <-over:
			return errs, more
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// fewThreads is what a crowd that waits may take: Go's own for its processors, those of a call that has
// not returned at once under load, and the library's, which are at work for one Farm.
const fewThreads = 40

// Goroutines that wait for a node that hangs hold no threads, and end with their contexts.
func TestWaitingHoldsNoThreads(t *testing.T) {
	d := start(t)
	d.command("fault", "hang", "", "-1")
	h := d.farm(WithLookupTimeout(time.Hour))
	soon := within(t, time.Second)
	errs, more := crowd(t, func() {}, func(at int) error {
		if at%2 == 0 {
			_, err := h.Server(soon, salaries, at, ReadWrite)
			return err
		}
		_, err := h.GroupWait(soon, fmt.Sprint("group", at%10), ReadOnly)
		return err
	})
	for _, err := range errs {
		wants(t, err, ErrTimeout, 2013)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	}
	t.Logf("%d threads more", more)
	if more > fewThreads {
		t.Errorf("%d threads more", more)
	}
}

// They end at the answer as well.
func TestWaitingEndsAtTheAnswer(t *testing.T) {
	d := start(t)
	d.command("fault", "hang", "", "-1")
	h := d.farm(WithLookupTimeout(time.Hour), WithRequestTimeout(300*time.Millisecond), WithConnectAttempts(100),
		WithConnectDelay(time.Millisecond))
	minute := within(t, time.Minute)
	errs, more := crowd(t, func() { d.command("fault", "none") }, func(at int) error {
		s, err := h.Server(minute, salaries, at+1, ReadWrite)
		if err == nil && s.Group != "shard1" {
			err = errors.New(s.Group)
		}
		return err
	})
	for _, err := range errs {
		must(t, err)
	}
	t.Logf("%d threads more", more)
	if more > fewThreads {
		t.Errorf("%d threads more", more)
	}
}

// Goroutines that wait for a primary hold no threads, and get the next one.
func TestWaitingForAPrimary(t *testing.T) {
	d := start(t)
	h := d.farm(WithLeastWriteHold(10 * time.Minute))
	table, err := h.Table(ctx, salaries)
	must(t, err)
	must(t, h.ReportErrno(primary, 1836))
	minute := within(t, time.Minute)
	errs, more := crowd(t, func() { d.command("promote", "shard1", third) }, func(at int) (err error) {
		var s Server
		switch at % 3 {
		case 0:
			s, err = h.ServerWait(minute, salaries, 1, ReadWrite)
		case 1:
			s, err = h.GroupWait(minute, "shard1", ReadWrite)
		default:
			s, err = table.ServerWait(minute, 1, ReadWrite)
		}
		if err == nil && s.UUID != third {
			err = fmt.Errorf("%+v", s)
		}
		return err
	})
	for _, err := range errs {
		must(t, err)
	}
	t.Logf("%d threads more", more)
	if more > fewThreads {
		t.Errorf("%d threads more", more)
	}
	_, err = table.GlobalWait(minute, ReadOnly)
	must(t, err)
	for _, wait := range []func() error{
		func() error { _, err := h.ServerWait(minute, salaries, 1.5, ReadOnly); return err },
		func() error { _, err := table.ServerWait(minute, 1.5, ReadOnly); return err },
	} {
		wants(t, wait(), ErrKeyType, 0)
	}
}

// What is not known yet is asked for once, by whomever it is looked up first.
func TestWaitingAsksOnce(t *testing.T) {
	d := start(t)
	h := d.farm(long)
	_, err := h.Group(ctx, "shard1", ReadOnly)
	must(t, err)
	m, err := h.Metrics()
	must(t, err)
	same(t, []uint64{m.RefreshesCallers, m.LookupsRefused}, []uint64{1, 1})
}

// The lookup timeout ends a call whose context does not.
func TestLookupTimeout(t *testing.T) {
	d := start(t)
	d.command("fault", "hang", "", "-1")
	h := d.farm(WithLookupTimeout(100 * time.Millisecond))
	_, err := h.Server(ctx, salaries, 1, ReadWrite)
	wants(t, err, ErrTimeout, 2013)
	_, err = h.Shards(ctx, salaries)
	wants(t, err, ErrTimeout, 2013)

	h = d.farm(WithLookupTimeout(0), WithRequestTimeout(300*time.Millisecond))
	events := h.Events()
	_, err = h.Group(ctx, "shard1", ReadWrite)
	wants(t, err, ErrWouldBlock, 0)
	_, err = h.GroupServersNow(ctx, "shard1")
	wants(t, err, ErrWouldBlock, 0)
	d.command("fault", "none")
	eventually(t, "the group is known", func() bool {
		_, err = h.Group(ctx, "shard1", ReadWrite)
		return err == nil
	})
	for event := range events {
		if event.Kind == EventFetched {
			break
		}
	}
}

// What a failed fetch says is what a lookup that waited for it says.
func TestFailedFetches(t *testing.T) {
	gone := dead(t)
	h := open(t, WithNode(gone.Host, gone.Port), WithConnectAttempts(1))
	_, err := h.Server(ctx, salaries, 1, ReadWrite)
	wants(t, err, ErrUnreachable, 2003)
	d := start(t)
	h = d.farm(WithCredentials("admin", "wrong"))
	_, err = h.Group(ctx, "shard1", ReadOnly)
	wants(t, err, ErrAuth, 1045)
	_, err = h.Table(ctx, salaries)
	wants(t, err, ErrAuth, 1045)
	_, err = h.Servers(ctx, salaries, []int{1}, ReadOnly)
	wants(t, err, ErrAuth, 1045)
	d.command("fault", "garbage", "", "-1")
	_, err = d.farm().Shard(ctx, salaries, 1)
	wants(t, err, ErrProtocol, 2027)
	_, err = open(t).Group(ctx, "shard1", ReadOnly)
	wants(t, err, ErrNotSeeded, 2003)
}

// Who wants news of a group is told that there is none, and others go on from what is known.
func TestGroupServersNow(t *testing.T) {
	d := start(t)
	h := d.farm(long)
	servers, err := h.GroupServersNow(ctx, "shard1")
	must(t, err)
	same(t, len(servers), 3)
	d.command("promote", "shard1", third)
	servers, err = h.GroupServersNow(ctx, "shard1")
	must(t, err)
	same(t, []any{servers[0].UUID == primary, servers[0].Status == Primary}, []any{true, false})
	d.stop()
	_, err = h.GroupServersNow(ctx, "shard1")
	wants(t, err, ErrUnreachable, 2003)
	servers, err = h.GroupServers(ctx, "shard1")
	must(t, err)
	same(t, len(servers), 3)
}

// While the nodes hang a snapshot file serves, of which no event tells.
func TestSnapshotServesWhileNodesHang(t *testing.T) {
	d := start(t)
	file := WithSnapshotFile(filepath.Join(t.TempDir(), "snapshot"))
	h := d.farm(file)
	must(t, h.Seed(ctx))
	_, err := h.Server(ctx, salaries, 1, ReadOnly)
	must(t, err)
	must(t, h.Close())
	d.command("fault", "hang", "", "-1")
	h = d.farm(file, WithLookupTimeout(time.Minute))
	s, err := h.Server(ctx, salaries, 1, ReadOnly)
	must(t, err)
	same(t, s.Group, "shard1")
	s, err = h.Server(ctx, salaries, 1, ReadWrite)
	must(t, err)
	same(t, s.UUID, primary)
}

func TestContexts(t *testing.T) {
	d := start(t)
	h := d.farm()
	over, cancel := context.WithCancel(ctx)
	cancel()
	for _, err := range []error{
		h.Seed(over), h.Prefetch(over),
		func() error { _, err := h.Server(over, salaries, 1, ReadWrite); return err }(),
		func() error { _, err := h.ServerWait(over, "no.such", 1, ReadWrite); return err }(),
	} {
		var failed *Error
		if !errors.As(err, &failed) || !errors.Is(err, context.Canceled) || !failed.Retryable {
			t.Fatal(err)
		}
	}
	// What is known is answered all the same.
	must(t, h.Seed(ctx))
	_, err := h.Server(over, salaries, 1, ReadWrite)
	must(t, err)

	d.command("fault", "hang", "", "-1")
	err = h.Prefetch(within(t, 50*time.Millisecond))
	wants(t, err, ErrInterrupted, 0)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	// There are places for four such calls, which go on.
	for range 2 * atOnce {
		if err := h.Prefetch(within(t, 50*time.Millisecond)); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	}
}

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

func TestEvents(t *testing.T) {
	d := start(t)
	h := d.farm(WithTTL(0, 50*time.Millisecond), WithRefreshShare(100), WithLeastWriteHold(10*time.Minute))
	events := h.Events()
	_, err := h.Group(ctx, "shard1", ReadWrite)
	must(t, err)
	d.command("promote", "shard1", third)
	seen := map[EventKind]Event{}
	for event := range events {
		same(t, event.Lost, 0)
		if since := time.Since(event.Time); since < 0 || since > time.Minute {
			t.Fatal(event.Time)
		}
		seen[event.Kind] = event
		if event.Kind == EventPrimaryChanged {
			break
		}
	}
	for _, kind := range []EventKind{EventReady, EventTopologyChanged, EventFetched} {
		if _, is := seen[kind]; !is {
			t.Errorf("no %v", kind)
		}
	}
	changed := seen[EventPrimaryChanged]
	same(t, []string{changed.Kind.String(), changed.Group, changed.ServerUUID}, []string{"PRIMARY_CHANGED", "shard1", third})

	must(t, h.ReportErrno(third, 1290))
	for event := range events {
		if event.Kind == EventWritesHeld {
			same(t, []string{event.Group, event.ServerUUID}, []string{"shard1", third})
			break
		}
	}
}

// Of events that nobody takes the newest are kept, and the others are counted.
func TestLostEvents(t *testing.T) {
	h := start(t).farm()
	events := h.Events()
	for at := range kept + 50 {
		h.core.events.tell(Event{Generation: uint64(at)}, 0)
	}
	h.core.events.tell(Event{Generation: 1000}, 7)
	var got []Event
	for len(events) > 0 {
		got = append(got, <-events)
	}
	same(t, len(got), kept)
	same(t, []uint64{got[0].Generation, got[kept-1].Generation, got[kept-1].Lost}, []uint64{51, 1000, 58})
}
