package mysqlfabric

import (
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
)

// A goroutine that waits for what is not known yet is nothing to be logged as an error.
func TestWaitingIsNoError(t *testing.T) {
	d := start(t)
	var said atomic.Int64
	logger := slog.New(slog.NewTextHandler(writer(func(line []byte) {
		if strings.Contains(string(line), "level=ERROR") {
			t.Error(string(line))
		}
		said.Add(1)
	}), &slog.HandlerOptions{Level: slog.LevelDebug}))
	h := d.farm(WithLogger(logger))
	same(t, group(t, h, salaries, 1), "shard1")
	_, err := h.Group(ctx, "no such", ReadOnly)
	wants(t, err, ErrUnknownGroup, 0)
	d.command("fault", "close", "", "1")
	wants(t, h.Prefetch(ctx, "no.such"), ErrUnknownTable, 1051)
	eventually(t, "something is logged", func() bool { return said.Load() > 0 })
}

// heard counts what a logger hears.
func heard(t testing.TB, said *atomic.Int64) Option {
	return WithLogger(slog.New(slog.NewTextHandler(writer(func(line []byte) {
		if strings.Contains(string(line), "very secret") || !strings.Contains(string(line), "component=mysqlfabric") {
			t.Error(string(line))
		}
		said.Add(1)
	}), &slog.HandlerOptions{Level: slog.LevelDebug})))
}

type writer func([]byte)

func (w writer) Write(line []byte) (int, error) {
	w(line)
	return len(line), nil
}

func TestLog(t *testing.T) {
	var said atomic.Int64
	gone := dead(t)
	h, err := Open("", WithNode(gone.Host, gone.Port), WithCredentials("u", "very secret"),
		WithConnectAttempts(1), heard(t, &said))
	must(t, err)
	wants(t, h.Seed(ctx), ErrUnreachable, 2003)
	must(t, h.Close())
	must(t, h.Close())
	eventually(t, "something is logged", func() bool { return said.Load() > 0 })
}

// A logger that is too slow holds up nobody, and is told how much it missed.
func TestSlowLogger(t *testing.T) {
	d := start(t)
	d.command("fault", "hang", "", "-1")
	release := make(chan struct{})
	var said, told atomic.Int64
	h := d.farm(WithLookupTimeout(0), WithLogger(slog.New(slog.NewTextHandler(writer(func(line []byte) {
		<-release
		said.Add(1)
		if strings.Contains(string(line), "lost=") {
			told.Add(1)
		}
	}), &slog.HandlerOptions{Level: slog.LevelDebug}))))
	const many = 3000
	for at := range many {
		_, err := h.Group(ctx, fmt.Sprint("group", at), ReadOnly)
		wants(t, err, ErrWouldBlock, 0)
	}
	close(release)
	eventually(t, "the loss is told", func() bool {
		_, err := h.Group(ctx, "one more", ReadOnly)
		wants(t, err, ErrWouldBlock, 0)
		return told.Load() > 0
	})
	if said.Load() >= many {
		t.Error("nothing was lost")
	}
}

// A handler that panics, or ends its goroutine, ends neither the process nor the log.
func TestPanickingLogger(t *testing.T) {
	var said atomic.Int64
	h := start(t).farm(WithLogger(slog.New(slog.NewTextHandler(writer(func([]byte) {
		switch said.Add(1) {
		case 1:
			panic("a logger's")
		case 2:
			runtime.Goexit()
		}
	}), &slog.HandlerOptions{Level: slog.LevelDebug}))))
	eventually(t, "it is logged on", func() bool {
		_, err := h.Group(ctx, fmt.Sprint("group", said.Load()), ReadOnly)
		wants(t, err, ErrUnknownGroup, 0)
		return said.Load() > 2
	})
}
