package mysqlfabric

import (
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
