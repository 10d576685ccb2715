package mysqlfabric

import (
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

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

// Who hears of events is told of losses as well, whether or not the channel is read.
func TestLostEventsAreHeard(t *testing.T) {
	h := start(t).farm()
	var lost []uint64
	h.OnEvent(func(event Event) { lost = append(lost, event.Lost) })
	h.core.events.tell(Event{}, 0)
	h.core.events.tell(Event{}, 3)
	events := h.Events()
	h.core.events.tell(Event{}, 4)
	same(t, lost, []uint64{0, 3, 7})
	same(t, (<-events).Lost, 7)
}

// Close from within a function of OnEvent, and while one waits for who closes.
func TestCloseWhileEventsAreHeard(t *testing.T) {
	d := start(t)
	for _, within := range []bool{true, false} {
		h := d.farm()
		events := h.Events()
		in, out := make(chan struct{}), make(chan struct{})
		var once atomic.Bool
		h.OnEvent(func(Event) {
			if !once.CompareAndSwap(false, true) {
				return
			}
			if within {
				must(t, h.Close())
			}
			close(in)
			if !within {
				<-out
			}
		})
		go func() { _, _ = h.Group(ctx, "shard1", ReadWrite) }() // has something happen
		<-in
		must(t, h.Close())
		close(out)
		for range events {
		}
	}
}

// A function that panics, or ends its goroutine, ends neither the process nor what others hear.
func TestPanickingHearers(t *testing.T) {
	var told atomic.Int64
	logger := slog.New(slog.NewTextHandler(writer(func(line []byte) {
		if strings.Contains(string(line), "a hearer's") {
			told.Add(1)
		}
	}), nil))
	d := start(t)
	h := d.farm(WithLogger(logger), WithLookupTimeout(time.Minute))
	events := h.Events()
	var heard atomic.Int64
	h.OnEvent(func(Event) { panic("a hearer's") })
	h.OnEvent(func(Event) { heard.Add(1) })
	_, err := h.Group(ctx, "shard1", ReadWrite)
	must(t, err)
	<-events
	eventually(t, "it is logged, and others hear", func() bool { return told.Load() > 0 && heard.Load() > 0 })

	h = d.farm(WithLookupTimeout(time.Minute))
	events = h.Events()
	h.OnEvent(func(Event) { runtime.Goexit() })
	_, err = h.Group(ctx, "shard1", ReadWrite)
	must(t, err)
	for event := range events {
		if event.Kind == EventFetched {
			break
		}
	}
	must(t, h.Close())
	for range events {
	}

	defer func() {
		if why, is := recover().(string); !is || !strings.Contains(why, "OnEvent") {
			t.Error("a function that is nil is taken:", why)
		}
	}()
	d.farm().OnEvent(nil)
}
