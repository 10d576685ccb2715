package mysqlfabric

/*
#include "shim.h"

// None of these keeps a pointer or calls back: see shim.h.
#cgo noescape go_shard_server
#cgo nocallback go_shard_server
#cgo noescape go_table_server
#cgo nocallback go_table_server
#cgo noescape go_group_server
#cgo nocallback go_group_server
#cgo noescape go_report_result
#cgo nocallback go_report_result
#cgo nocallback go_empty
*/
import "C"

import (
	"context"
	"runtime"
	"unsafe"
)

// scope says which group of a mapping is meant: the shard of a key, or what all shards share.
type scope C.int32_t

const (
	local  scope = C.FABRIC_SCOPE_LOCAL
	global scope = C.FABRIC_SCOPE_GLOBAL
)

// noWait asks for the plain lookup, which refuses what time might heal.
const noWait C.int64_t = C.GO_NO_WAIT

// Server tells which server holds a table's rows of a key: for writing the primary of the shard's group,
// for reading its secondaries in turns. For several tables that are joined, and for many lookups, see
// [Farm.Table].
func (f *Farm) Server(ctx context.Context, table string, key any, mode Mode) (Server, error) {
	k, err := keyOf(key)
	if err != nil {
		return Server{}, err
	}
	is, err := f.opened().shardServer(ctx, table, k, local, mode)
	runtime.KeepAlive(f)
	return is.server, err
}

// Global tells the server of what all shards of a table share.
func (f *Farm) Global(ctx context.Context, table string, mode Mode) (Server, error) {
	is, err := f.opened().shardServer(ctx, table, key{}, global, mode)
	runtime.KeepAlive(f)
	return is.server, err
}

// ServerWait is Server that waits for a server instead of refusing, as long as ctx allows: after [Farm.Report]
// told of a failure, for one that has not failed, such as a newer primary. Report what became of it, nil
// or an error.
func (f *Farm) ServerWait(ctx context.Context, table string, key any, mode Mode) (Server, error) {
	defer runtime.KeepAlive(f)
	k, err := keyOf(key)
	if err != nil {
		return Server{}, err
	}
	return f.opened().awaitServer(ctx, &f.opened().guard, f.opened().shardQuery(table, k, local, mode))
}

// Group tells a server of a group: its primary for writing, its secondaries in turns for reading.
func (f *Farm) Group(ctx context.Context, group string, mode Mode) (Server, error) {
	is, err := f.opened().groupServer(ctx, group, mode, AnyStatus)
	runtime.KeepAlive(f)
	return is.server, err
}

// GroupByStatus tells a server of a group by its role: Primary, or Secondary, for which the primary stands
// in where there is none.
func (f *Farm) GroupByStatus(ctx context.Context, group string, status Status) (Server, error) {
	is, err := f.opened().groupServer(ctx, group, AnyMode, status)
	runtime.KeepAlive(f)
	return is.server, err
}

// GroupWait is Group that waits for a server, as [Farm.ServerWait] does.
func (f *Farm) GroupWait(ctx context.Context, group string, mode Mode) (Server, error) {
	defer runtime.KeepAlive(f)
	return f.opened().awaitServer(ctx, &f.opened().guard, f.opened().groupQuery(group, mode, AnyStatus))
}

// nobody is the server of a lookup that failed.
var nobody known

// The first answer is taken here, where nothing escapes to memory of its own; what has to wait goes on from it.
func (c *core) shardServer(ctx context.Context, table string, k key, in scope, mode Mode) (*known, error) {
	checkContext(ctx)
	if err := named(table); err != nil {
		return &nobody, err
	}
	count := c.guard.enter()
	if count == nil {
		return &nobody, ErrClosed
	}
	seen := c.news.fetches.Load()
	var s C.fabric_server_t
	var e C.go_details_t
	status := C.go_shard_server(c.f, bytesOf(table), C.size_t(len(table)), k.kind, k.integer, bytesOf(k.text),
		C.size_t(len(k.text)), C.int32_t(in), C.int32_t(mode), noWait, &s, &e)
	leave(count)
	if status == C.FABRIC_OK {
		return c.servers.get(&s), nil
	}
	return c.awaitAnswer(ctx, &c.guard, seen, told(status, e), c.shardQuery(table, k, in, mode))
}

func (c *core) shardQuery(table string, k key, in scope, mode Mode) query {
	return func(deadline C.int64_t) (Server, error) {
		if err := named(table); err != nil {
			return Server{}, err
		}
		return c.ask(func(s *C.fabric_server_t, e *C.go_details_t) C.int32_t {
			return C.go_shard_server(c.f, bytesOf(table), C.size_t(len(table)), k.kind, k.integer,
				bytesOf(k.text), C.size_t(len(k.text)), C.int32_t(in), C.int32_t(mode), deadline, s, e)
		})
	}
}

func (c *core) groupServer(ctx context.Context, group string, mode Mode, role Status) (*known, error) {
	checkContext(ctx)
	if err := named(group); err != nil {
		return &nobody, err
	}
	count := c.guard.enter()
	if count == nil {
		return &nobody, ErrClosed
	}
	seen := c.news.fetches.Load()
	var s C.fabric_server_t
	var e C.go_details_t
	status := C.go_group_server(c.f, bytesOf(group), C.size_t(len(group)), C.int32_t(mode), C.int32_t(role),
		noWait, &s, &e)
	leave(count)
	if status == C.FABRIC_OK {
		return c.servers.get(&s), nil
	}
	return c.awaitAnswer(ctx, &c.guard, seen, told(status, e), c.groupQuery(group, mode, role))
}

func (c *core) groupQuery(group string, mode Mode, role Status) query {
	return func(deadline C.int64_t) (Server, error) {
		if err := named(group); err != nil {
			return Server{}, err
		}
		return c.ask(func(s *C.fabric_server_t, e *C.go_details_t) C.int32_t {
			return C.go_group_server(c.f, bytesOf(group), C.size_t(len(group)), C.int32_t(mode),
				C.int32_t(role), deadline, s, e)
		})
	}
}

// ask runs one lookup, unless the Farm is closed.
func (c *core) ask(call func(*C.fabric_server_t, *C.go_details_t) C.int32_t) (server Server, err error) {
	refused := c.use(func() error {
		server, err = c.found(call)
		return nil
	})
	if refused != nil {
		return Server{}, refused
	}
	return server, err
}

func (c *core) found(call func(*C.fabric_server_t, *C.go_details_t) C.int32_t) (Server, error) {
	var s C.fabric_server_t
	var e C.go_details_t
	if status := call(&s, &e); status != C.FABRIC_OK {
		return Server{}, told(status, e)
	}
	return c.servers.value(&s), nil
}

// awaitAnswer is awaitFrom for a server.
func (c *core) awaitAnswer(ctx context.Context, of *guard, seen uint64, err error, ask query) (*known, error) {
	is := new(known)
	err = c.awaitFrom(ctx, of, seen, err, func() (err error) {
		is.server, err = ask(noWait)
		return err
	})
	return is, err
}

// bytesOf is where a string lies.
func bytesOf(text string) *C.char { return (*C.char)(unsafe.Pointer(unsafe.StringData(text))) }

// empty is what a call of C costs that does nothing, for the benchmarks.
func empty() { C.go_empty() }
