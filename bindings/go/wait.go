package mysqlfabric

/*
#include "shim.h"
*/
import "C"

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// news wakes goroutines that wait: for a fetch to be over, or for anything to happen.
type news struct {
	mu      sync.Mutex
	fetched chan struct{} // closed when a fetch is over that was left to itself
	any     chan struct{} // closed when anything happens
	outcome Code          // of the last such fetch
	asked   bool          // whether something has been left to a fetch since then
	fetches atomic.Uint64 // how many such fetches are over
}

func (n *news) init() { n.fetched, n.any = make(chan struct{}), make(chan struct{}) }

func (n *news) tell(kind EventKind, outcome Code) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if kind == EventFetched {
		n.outcome, n.asked = outcome, false
		n.fetches.Add(1)
		close(n.fetched)
		n.fetched = make(chan struct{})
	}
	close(n.any)
	n.any = make(chan struct{})
}

// poke has everybody who waits for anything look again.
func (n *news) poke() {
	n.mu.Lock()
	defer n.mu.Unlock()
	close(n.any)
	n.any = make(chan struct{})
}

// nextFetch is closed when a fetch is over that was not when `seen` fetches were.
func (n *news) nextFetch(seen uint64) <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fetches.Load() != seen {
		over := make(chan struct{})
		close(over)
		return over
	}
	return n.fetched
}

// next is closed when something happens.
func (n *news) next() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.any
}

// leave notes that something was left to a fetch. It is how many must be over before the last of them
// knows of it: one that is under way may have begun before.
func (n *news) leave() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.asked {
		return 2
	}
	n.asked = true
	return 1
}

func (n *news) lastOutcome() Code {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.outcome
}

// snapshotTick is how often a call asks again while a snapshot file may serve in the source's stead, of
// which no event tells.
const snapshotTick = 250 * time.Millisecond

// await asks until the answer is known. It ends with ctx, the lookup timeout, the failure of a fetch that
// began after it had asked, the Farm, or the object of the guard that is asked.
func (c *core) await(ctx context.Context, of *guard, ask func() error) error {
	checkContext(ctx)
	seen := c.news.fetches.Load()
	return c.awaitFrom(ctx, of, seen, c.use(ask), ask)
}

// checkContext panics where a context is nil, as net and net/http do, and whether or not there is anything to wait
// for: not only once a failover has come.
func checkContext(ctx context.Context) {
	if ctx == nil {
		panic("mysqlfabric: nil context")
	}
}

// awaitFrom is await for who has asked already, when so many fetches were over, and got err.
func (c *core) awaitFrom(ctx context.Context, of *guard, seen uint64, err error, ask func() error) error {
	if codeOf(err) != ErrWouldBlock || c.lookupTimeout == 0 {
		return err
	}
	timeout := time.NewTimer(c.lookupTimeout)
	defer timeout.Stop()
	var tick <-chan time.Time
	if c.hasSnapshot {
		ticker := time.NewTicker(snapshotTick)
		defer ticker.Stop()
		tick = ticker.C
	}
	failures, missing := 0, ""
	for codeOf(err) == ErrWouldBlock {
		// A lookup may need one thing after the other, a table and then its group: the words say which.
		left := c.news.leave()
		if words := err.Error(); words != missing {
			failures, missing = left, words
		} else if failures == 0 {
			return c.fetchFailed()
		}
		select {
		case <-c.news.nextFetch(seen):
			if c.news.lastOutcome() != 0 {
				failures--
			}
		case <-tick:
		case <-ctx.Done():
			return ended(ctx, err)
		case <-timeout.C:
			return newError(ErrTimeout, "the source did not answer within the %v that a lookup may take "+
				"(see WithLookupTimeout); it goes on being asked%s", c.lookupTimeout, c.meanwhile(0))
		case <-c.guard.done:
			return ErrClosed
		case <-of.done:
			return ErrClosed
		}
		seen = c.news.fetches.Load()
		err = c.use(ask)
	}
	return err
}

// fetchFailed is why the last fetch failed, in the library's words where those are about it.
func (c *core) fetchFailed() error {
	code := c.news.lastOutcome()
	if told := c.meanwhile(code); told != "" {
		return newError(code, "%s", told)
	}
	return newError(code, "the source could not be asked: %s", code.Error())
}

// meanwhile is what the last refresh that failed has said, if it failed with this code, or any of 0.
func (c *core) meanwhile(code Code) string {
	m, err := c.metrics()
	switch {
	case err != nil || m.LastError == 0 || code != 0 && m.LastError != code:
		return ""
	case code != 0:
		return m.LastErrorText
	default:
		return "; the last failure: " + m.LastErrorText
	}
}

// mayPass says whether waiting for a server may help.
func mayPass(err error) bool {
	code := codeOf(err)
	return code == ErrUnknownGroup || code != 0 && code.IsRetryable()
}

// slice is how long the asker waits in the library for one of those who wait.
const slice = 250 * time.Millisecond

// lookAgain is how often all who wait look again although nothing was told.
const lookAgain = time.Second

// query asks for a server, and may wait for it in the library for so many milliseconds.
type query func(deadline C.int64_t) (Server, error)

// awaitServer asks until there is a server, as long as ctx allows: anew with each news, and through the
// asker, which waits in the library in the name of all, in turns. So the library knows that somebody
// waits, and asks the source more often.
func (c *core) awaitServer(ctx context.Context, of *guard, ask query) (Server, error) {
	checkContext(ctx)
	w := &waiter{ask: ask, answer: make(chan answer, 1)}
	defer c.asker.leave(w)
	joined := false
	for {
		next := c.news.next()
		// A server that has failed is tried by one request: what the asker is about to get is not
		// taken from it.
		if !joined || !c.asker.serves(w) {
			server, err := ask(0)
			if !mayPass(err) {
				return server, err
			}
			c.asker.refused(w, err)
		}
		if !joined {
			joined = true
			c.asker.join(c, w)
		}
		select {
		case <-next:
		case answer := <-w.answer:
			return answer.server, answer.err
		case <-ctx.Done():
			return Server{}, ended(ctx, c.asker.leave(w))
		case <-c.guard.done:
			return Server{}, ErrClosed
		case <-of.done:
			return Server{}, ErrClosed
		}
	}
}

// waiter is a goroutine that waits for a server.
type waiter struct {
	ask    query
	answer chan answer
	// Under the asker's lock:
	gone    bool
	refusal error // the last one, whoever asked
}

type answer struct {
	server Server
	err    error
}

// asker waits in the library for all goroutines of a Farm, in one thread.
type asker struct {
	mu      sync.Mutex
	line    []*waiter
	current *waiter
	runs    bool
}

func (a *asker) join(c *core, w *waiter) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.line = append(a.line, w)
	if !a.runs {
		a.runs = true
		go a.run(c)
	}
}

// leave is the end of a wait; it tells the last refusal.
func (a *asker) leave(w *waiter) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	w.gone = true
	return w.refusal
}

func (a *asker) refused(w *waiter, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w.refusal = err
}

func (a *asker) serves(w *waiter) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.current == w
}

func (a *asker) run(c *core) {
	poked := time.Now()
	for w := a.next(nil); w != nil; {
		server, err := w.ask(C.int64_t(slice.Milliseconds()))
		again := w
		if mayPass(err) {
			a.refused(w, err)
		} else {
			w.answer <- answer{server, err}
			again = nil
		}
		w = a.next(again)
		// Time alone may have brought a server back, of which no event tells.
		if again == nil || time.Since(poked) > lookAgain {
			c.news.poke()
			poked = time.Now()
		}
	}
}

// next is whose turn it is; nil, and the asker is to end, if nobody waits. Who is to be asked for `again`
// goes to the end of the line.
func (a *asker) next(again *waiter) *waiter {
	a.mu.Lock()
	defer a.mu.Unlock()
	if again != nil {
		a.line = append(a.line, again)
	}
	for len(a.line) > 0 {
		a.current = a.line[0]
		a.line[0] = nil
		a.line = a.line[1:]
		if !a.current.gone {
			return a.current
		}
	}
	a.line, a.current, a.runs = nil, nil, false
	return nil
}
