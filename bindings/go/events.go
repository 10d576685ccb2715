package mysqlfabric

/*
#include "shim.h"
*/
import "C"

import (
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"
)

// EventKind is what happened.
type EventKind int32

// The kinds of events. The header says when each comes. More may come with later versions.
const (
	EventReady             EventKind = C.FABRIC_EVENT_READY
	EventTopologyChanged   EventKind = C.FABRIC_EVENT_TOPOLOGY_CHANGED
	EventPrimaryChanged    EventKind = C.FABRIC_EVENT_PRIMARY_CHANGED
	EventServerQuarantined EventKind = C.FABRIC_EVENT_SERVER_QUARANTINED
	EventServerBack        EventKind = C.FABRIC_EVENT_SERVER_BACK
	EventSourceLost        EventKind = C.FABRIC_EVENT_FABRIC_LOST
	EventSourceBack        EventKind = C.FABRIC_EVENT_FABRIC_BACK
	EventFetched           EventKind = C.FABRIC_EVENT_FETCHED
	EventWritesHeld        EventKind = C.FABRIC_EVENT_WRITES_HELD
	EventWritesReleased    EventKind = C.FABRIC_EVENT_WRITES_RELEASED
	EventShardHeld         EventKind = C.FABRIC_EVENT_SHARD_HELD
	EventShardReleased     EventKind = C.FABRIC_EVENT_SHARD_RELEASED
)

// String is the kind's name, such as "PRIMARY_CHANGED".
func (k EventKind) String() string { return C.GoString(C.fabric_event_name(C.int32_t(k))) }

// Event is something that happened to a Farm. Texts are empty where it is not about such a thing.
type Event struct {
	Kind       EventKind
	Time       time.Time
	Group      string
	ServerUUID string
	Table      string
	Generation uint64 // the number of the topology in use then
	HeldShards uint64 // of Table, with EventShardHeld and EventShardReleased
	Code       Code   // how the fetch failed, with EventFetched; 0 if it did not
	// Lost is how many events have been lost so far, because who hears of them, or takes them from the channel,
	// was too slow. As long as it does not grow nothing was missed.
	Lost uint64
}

// kept is how many events wait for who takes them.
const kept = 256

// events hands on what the library tells.
type events struct {
	file   *os.File
	logger *slog.Logger // nil where there is none
	mu     sync.Mutex
	to     chan Event // nil as long as nobody wants them
	over   bool
	// Only for the goroutine that listens: how many events the library has lost, and how many the channel.
	lost, dropped uint64
	// heard are those of OnEvent, and owner the Farm's, for as long as there is anybody to be told.
	heard map[*func(Event)]struct{}
	owner *owner
}

// Events is where what happens is told, from the first call on; each call gives the same channel. It is
// closed by Close, and from that call on Close alone ends the Farm. It keeps the newest 256 events for a
// reader that is slow: Event.Lost tells.
func (f *Farm) Events() <-chan Event {
	defer runtime.KeepAlive(f)
	e := &f.opened().events
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.to == nil {
		e.to = make(chan Event, kept)
		if e.over {
			close(e.to)
		} else {
			e.owner = f.owner
		}
	}
	return e.to
}

// OnEvent has a function called for each event, beside [Farm.Events], until stop is called. It is called
// from the goroutine that all waiting calls of the Farm are woken by, one event at a time: it must return at
// once, so it may not wait for a server or the source; Close it may call. A panic of its is recovered, and goes
// to the logger of [WithLogger]. It may be under way once more while stop returns. OnEvent panics if hear is nil.
func (f *Farm) OnEvent(hear func(Event)) (stop func()) {
	if hear == nil {
		panic("mysqlfabric: OnEvent of a nil function")
	}
	defer runtime.KeepAlive(f)
	e := &f.opened().events
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.over {
		if e.heard == nil {
			e.heard = map[*func(Event)]struct{}{}
		}
		e.heard[&hear] = struct{}{}
		e.owner = f.owner
	}
	return func() { e.forget(&hear) }
}

func (e *events) forget(hear *func(Event)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.heard, hear)
	if len(e.heard) == 0 && e.to == nil {
		e.owner = nil
	}
}

func (e *events) tell(event Event, lostBefore uint64) {
	e.lost += lostBefore
	event.Lost = e.lost
	e.send(event)
	for _, hear := range e.hearers() {
		e.call(hear, event)
	}
}

// call has a function hear of an event. One that panics does not end the process: nothing of the service is
// above it on the stack to recover.
func (e *events) call(hear func(Event), event Event) {
	defer func() {
		if why := recover(); why != nil && e.logger != nil {
			say(e.logger, slog.LevelError, "a function of OnEvent panicked", "event", event.Kind.String(), "panic", why,
				"stack", string(debug.Stack()))
		}
	}()
	hear(event)
}

func (e *events) send(event Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.to == nil || e.over {
		return
	}
	for {
		event.Lost = e.lost + e.dropped
		select {
		case e.to <- event:
			return
		default:
		}
		select {
		case <-e.to:
			e.dropped++
		default:
		}
	}
}

func (e *events) hearers() (all []func(Event)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for hear := range e.heard {
		all = append(all, *hear)
	}
	return all
}

// stop ends the goroutine that listens, which closes its file. It does not wait for that: a function of OnEvent
// may be what closes the Farm, or wait for who does.
func (e *events) stop() { _ = e.file.SetReadDeadline(time.Unix(1, 0)) }

func (e *events) end() {
	_ = e.file.Close()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.over, e.heard, e.owner = true, nil, nil
	if e.to != nil {
		close(e.to)
	}
}

// listen starts the goroutine that takes the library's events. It waits as goroutines do for a network,
// without a thread.
func (c *core) listen() error {
	var fd C.int
	err := new(cnames).run(func(e *C.fabric_error_t) C.int32_t { return C.fabric_event_fd(c.f, &fd, e) })
	if err != nil {
		return err
	}
	// The library closes its own.
	mine, err := duplicate(int(fd))
	if err != nil {
		return newError(ErrSystem, "there is no descriptor for events: %v", err)
	}
	c.events.file = os.NewFile(uintptr(mine), "mysqlfabric events")
	raw, err := c.events.file.SyscallConn()
	if err != nil {
		return newError(ErrSystem, "the descriptor for events cannot be listened to: %v", err)
	}
	go c.wait(raw)
	return nil
}

// wait takes events until the Farm is closed.
func (c *core) wait(raw syscall.RawConn) {
	over := false
	defer func() {
		if !over {
			go c.wait(raw) // a function of OnEvent has ended the goroutine, as a test's FailNow does
			return
		}
		c.events.end()
	}()
	_ = raw.Read(func(uintptr) bool { return !c.takeEvents() })
	over = true
}

// duplicate is a descriptor of the same, closed on exec.
func duplicate(fd int) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	copied, err := syscall.Dup(fd)
	if err == nil {
		syscall.CloseOnExec(copied)
	}
	return copied, err
}

// takeEvents takes what has happened; false once the Farm is closed.
func (c *core) takeEvents() bool {
	for {
		var e C.fabric_event_t
		status := C.int32_t(C.FABRIC_OK)
		err := c.use(func() error {
			status = C.fabric_next_event(c.f, &e, nil)
			return nil
		})
		if err != nil {
			return false
		}
		if status != C.FABRIC_OK {
			return true
		}
		// Who waits does not wait for those who hear.
		c.news.tell(EventKind(e.kind), Code(e.status))
		c.events.tell(Event{
			Kind:       EventKind(e.kind),
			Time:       time.Now().Add(-time.Duration(e.age_ms) * time.Millisecond),
			Group:      C.GoString(&e.group[0]),
			ServerUUID: C.GoString(&e.server_uuid[0]),
			Table:      C.GoString(&e.table[0]),
			Generation: uint64(e.generation),
			HeldShards: uint64(e.held_shards),
			Code:       Code(e.status),
		}, uint64(e.lost_before))
	}
}
