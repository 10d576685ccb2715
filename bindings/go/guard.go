package mysqlfabric

import (
	"sync/atomic"
	"time"
	"unsafe"
)

// guard counts the calls that use an object of C's, so that it is freed behind the last of them. Counts
// are in several places, by goroutine, so that processors do not fight for one.
type guard struct {
	closed atomic.Bool
	done   chan struct{} // closed by close
	calls  [16]struct {
		count atomic.Int64
		_     [56]byte
	}
}

// enter is where the call is counted, for leave; nil after close.
func (g *guard) enter() *atomic.Int64 {
	var here byte // stacks are 2 KiB at least: goroutines differ in the bits above
	at := uintptr(unsafe.Pointer(&here))
	count := &g.calls[(at>>11^at>>15)%uintptr(len(g.calls))].count
	count.Add(1)
	if g.closed.Load() {
		count.Add(-1)
		return nil
	}
	return count
}

func leave(count *atomic.Int64) { count.Add(-1) }

// use runs a call that does not wait, unless the object is closed.
func (g *guard) use(call func() error) error {
	count := g.enter()
	if count == nil {
		return ErrClosed
	}
	defer leave(count)
	return call()
}

// close lets nobody enter any more, and ends who waits; false if somebody has closed it before.
func (g *guard) close() bool {
	first := g.closed.CompareAndSwap(false, true)
	if first {
		close(g.done)
	}
	return first
}

// wait waits for those who have entered, and has them hurry meanwhile.
func (g *guard) wait(hurry func()) {
	for at := range g.calls {
		for pause := time.Microsecond; g.calls[at].count.Load() != 0; pause = min(2*pause, time.Millisecond) {
			hurry()
			time.Sleep(pause)
		}
	}
}
