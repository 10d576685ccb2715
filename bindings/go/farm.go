package mysqlfabric

/*
#include "shim.h"
*/
import "C"

import (
	"runtime"
	"time"
)

// Farm is a farm of MySQL servers as one service sees it. All methods may be called by any number of
// goroutines at once, Close among them. [Open] makes it; a copy is the same Farm. A nil Farm, and one that is
// none of Open's, is a closed one.
type Farm struct {
	core  *core
	owner *owner
}

// owner is what all copies of a Farm share, and nothing else holds: once it is forgotten, so are they.
type owner struct{ core *core }

// core is what the goroutines of a Farm share with it. They do not keep the Farm itself, so that one that
// was forgotten can be noticed.
type core struct {
	f             *C.fabric_t
	guard         guard
	lookupTimeout time.Duration
	hasSnapshot   bool
	servers       servers
	news          news
	events        events
	asker         asker
	busy          chan struct{} // a place for each call that holds a thread
}

// opened is what Open has made, and for a nil Farm, or one that is none of Open's, what is closed.
func (f *Farm) opened() *core {
	if f == nil || f.core == nil {
		return unopened
	}
	return f.core
}

var unopened = func() *core {
	c := &core{guard: guard{done: make(chan struct{})}, events: events{over: true}}
	c.guard.close()
	return c
}()

// atOnce is how many calls may hold a thread of the process at once: see the package's comment.
const atOnce = 4

// Version is the version of the library that is running.
func Version() string { return C.GoString(C.fabric_version()) }

// Open makes a Farm that learns what it knows from a URL, such as "cluster://user@host" or "file:/path";
// the header's fabric_options_set_source has them all. An empty URL is for nodes of [WithNode]. Nothing is
// asked yet. A password does not belong into the URL: see [WithMySQLCredentials] and [WithCredentials].
//
// A Farm is refreshed in the background from its first lookup to Close.
func Open(url string, options ...Option) (*Farm, error) {
	s := settings{o: C.fabric_options_new(), lookupTimeout: defaultLookupTimeout}
	defer C.fabric_options_free(s.o)
	defer s.names.free()
	if url != "" {
		C.fabric_options_set_source(s.o, s.names.add(url))
	}
	for _, option := range options {
		if option != nil {
			option(&s)
		}
	}
	// Goroutines wait, and not the library's callers.
	C.fabric_options_set_lookup_timeout_ms(s.o, 0)
	if s.refused != nil {
		return nil, s.refused
	}
	if s.logger != nil {
		if err := hearLog(s.o, s.logger); err != nil {
			return nil, err
		}
	}
	c := &core{
		guard: guard{done: make(chan struct{})}, busy: make(chan struct{}, atOnce),
		lookupTimeout: s.lookupTimeout, hasSnapshot: s.hasSnapshot,
	}
	c.news.init()
	c.events.logger = s.logger
	// It says again what any of the options' calls refused.
	if err := s.names.run(func(e *C.fabric_error_t) C.int32_t { return C.fabric_new(s.o, &c.f, e) }); err != nil {
		return nil, err
	}
	if err := c.listen(); err != nil {
		C.fabric_free(c.f)
		return nil, err
	}
	farm := &Farm{c, &owner{c}}
	runtime.AddCleanup(farm.owner, (*core).close, c)
	return farm, nil
}

// Close frees the Farm. Calls that wait end at once, with [ErrClosed], and so do all later ones. It waits
// for calls that are under way, and not for the network. Twice does no harm. A Farm that is forgotten is
// closed some time after, unless its events were asked for.
func (f *Farm) Close() error {
	f.opened().close()
	return nil
}

func (c *core) close() {
	if !c.guard.close() {
		return
	}
	c.events.stop()
	c.guard.wait(func() { C.fabric_interrupt(c.f) })
	C.fabric_free(c.f)
}

// use runs a call that does not wait, unless the Farm is closed.
func (c *core) use(call func() error) error { return c.guard.use(call) }

// Generation is the number of the topology in use: equal numbers mean the same shard maps and servers.
// It is 0 before the first fetch, and after Close.
func (f *Farm) Generation() (generation uint64) {
	defer runtime.KeepAlive(f)
	_ = f.opened().use(func() error {
		generation = uint64(C.fabric_topology_generation(f.opened().f))
		return nil
	})
	return generation
}

// Age is how long ago the oldest table or group in use was confirmed; negative if nobody knows.
func (f *Farm) Age() time.Duration {
	defer runtime.KeepAlive(f)
	return f.opened().time(func(f *C.fabric_t) C.int64_t { return C.fabric_topology_age(f) })
}

// TTL is the time to live in use; negative before the first answer.
func (f *Farm) TTL() time.Duration {
	defer runtime.KeepAlive(f)
	return f.opened().time(func(f *C.fabric_t) C.int64_t { return C.fabric_get_ttl_ms(f) })
}

func (c *core) time(ask func(*C.fabric_t) C.int64_t) time.Duration {
	ms := C.int64_t(-1)
	_ = c.use(func() error {
		ms = ask(c.f)
		return nil
	})
	return time.Duration(ms) * time.Millisecond
}

// FabricUUID is the UUID that Fabric gives itself, if it does.
func (f *Farm) FabricUUID() (uuid string, err error) {
	defer runtime.KeepAlive(f)
	var room [C.FABRIC_UUID_SIZE]C.char
	err = f.opened().use(func() error {
		return new(cnames).run(func(e *C.fabric_error_t) C.int32_t {
			return C.fabric_get_fabric_uuid(f.opened().f, &room[0], e)
		})
	})
	return C.GoString(&room[0]), err
}

// User is the user for Fabric nodes that the Farm was given, or "".
func (f *Farm) User() string {
	defer runtime.KeepAlive(f)
	return f.opened().text(func(f *C.fabric_t) *C.char { return C.fabric_get_user(f) })
}

// TLSFiles are the paths of [WithTLS], or "".
func (f *Farm) TLSFiles() (ca, key, cert string) {
	defer runtime.KeepAlive(f)
	return f.opened().text(func(f *C.fabric_t) *C.char { return C.fabric_get_tls_ca(f) }),
		f.opened().text(func(f *C.fabric_t) *C.char { return C.fabric_get_tls_key(f) }),
		f.opened().text(func(f *C.fabric_t) *C.char { return C.fabric_get_tls_cert(f) })
}

func (c *core) text(ask func(*C.fabric_t) *C.char) (text string) {
	_ = c.use(func() error {
		text = C.GoString(ask(c.f))
		return nil
	})
	return text
}
