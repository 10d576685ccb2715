package mysqlfabric

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
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

// crowd has 2,000 goroutines call, gives what they answered, and fails the test where there were more than
// few threads beside those that there were before.
func crowd(t *testing.T, meanwhile func(), call func(at int) error) []error {
	t.Helper()
	const many = 2000
	before, more := threads(t), 0
	var started, ended sync.WaitGroup
	errs := make([]error, many)
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
			t.Logf("%d threads more", more)
			if more > fewThreads {
				t.Errorf("%d threads more", more)
			}
			return errs
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
	errs := crowd(t, func() {}, func(at int) error {
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
}

// They end at the answer as well.
func TestWaitingEndsAtTheAnswer(t *testing.T) {
	d := start(t)
	d.command("fault", "hang", "", "-1")
	h := d.farm(WithLookupTimeout(time.Hour), WithRequestTimeout(300*time.Millisecond), WithConnectAttempts(100),
		WithConnectDelay(time.Millisecond))
	minute := within(t, time.Minute)
	errs := crowd(t, func() { d.command("fault", "none") }, func(at int) error {
		s, err := h.Server(minute, salaries, at+1, ReadWrite)
		if err == nil && s.Group != "shard1" {
			err = errors.New(s.Group)
		}
		return err
	})
	for _, err := range errs {
		must(t, err)
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
	errs := crowd(t, func() { d.command("promote", "shard1", third) }, func(at int) (err error) {
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

// The end of a wait tells what was refused last, and not what was refused at first.
func TestLastRefusal(t *testing.T) {
	h := start(t).farm()
	_, err := h.GroupWait(within(t, 500*time.Millisecond), "misspelt", ReadWrite)
	wants(t, err, ErrUnknownGroup, 0)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	why := errors.New("the request has been withdrawn")
	over, cancel := context.WithCancelCause(ctx)
	cancel(why)
	if _, err = h.GroupWait(over, "misspelt", ReadWrite); !errors.Is(err, why) || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
