package mysqlfabric

/*
#include "shim.h"
*/
import "C"

import (
	"context"
	"runtime"
	"slices"
)

// Table is one table, or several that are joined, for many lookups: what [Farm.Server] finds out about
// their names in every call is found out once per refresh. It follows its Farm. [Farm.Table] makes it; a nil
// Table, and one that is none of Farm.Table's, is a closed one.
type Table struct {
	of   *Farm
	core *tableCore
}

type tableCore struct {
	t     *C.fabric_table_t
	guard guard
	names []string
	farm  *core
}

// opened is what Farm.Table has made, and for a nil Table, or one that is none of those, what is closed.
func (t *Table) opened() *tableCore {
	if t == nil || t.core == nil {
		return unopenedTable
	}
	return t.core
}

var unopenedTable = func() *tableCore {
	t := &tableCore{guard: guard{done: make(chan struct{})}, farm: unopened}
	t.guard.close()
	return t
}()

// Table opens tables, named "db.table". All must lie in one group for each key that is looked up.
func (f *Farm) Table(ctx context.Context, names ...string) (*Table, error) {
	defer runtime.KeepAlive(f)
	opened := &tableCore{guard: guard{done: make(chan struct{})}, names: slices.Clone(names), farm: f.opened()}
	err := f.opened().list(ctx, func(n *cnames) call {
		list := n.list(names)
		return func(e *C.fabric_error_t) C.int32_t {
			return C.fabric_table_open(f.opened().f, list, C.size_t(len(names)), &opened.t, e)
		}
	})
	if err != nil {
		return nil, err
	}
	table := &Table{f, opened}
	runtime.AddCleanup(table, (*tableCore).close, opened)
	return table, nil
}

// Names are those that the table was opened with.
func (t *Table) Names() []string { return slices.Clone(t.opened().names) }

// Server tells which server holds the tables' rows of a key, as [Farm.Server] does. What is known takes no
// memory.
func (t *Table) Server(ctx context.Context, key any, mode Mode) (Server, error) {
	k, err := keyOf(key)
	if err != nil {
		return Server{}, err
	}
	is, err := t.opened().server(ctx, k, local, mode)
	runtime.KeepAlive(t)
	return is.server, err
}

// Global tells the server of what all shards share.
func (t *Table) Global(ctx context.Context, mode Mode) (Server, error) {
	is, err := t.opened().server(ctx, key{}, global, mode)
	runtime.KeepAlive(t)
	return is.server, err
}

// ServerWait is Server that waits for a server, as [Farm.ServerWait] does.
func (t *Table) ServerWait(ctx context.Context, key any, mode Mode) (Server, error) {
	defer runtime.KeepAlive(t)
	k, err := keyOf(key)
	if err != nil {
		return Server{}, err
	}
	return t.opened().farm.awaitServer(ctx, &t.opened().guard, t.opened().query(k, local, mode))
}

// GlobalWait is Global that waits for a server, as [Farm.ServerWait] does.
func (t *Table) GlobalWait(ctx context.Context, mode Mode) (Server, error) {
	defer runtime.KeepAlive(t)
	return t.opened().farm.awaitServer(ctx, &t.opened().guard, t.opened().query(key{}, global, mode))
}

// Close frees the tables; the Farm's Close does not. Calls that wait end at once, with [ErrClosed], and so do
// all later ones.
func (t *Table) Close() error {
	t.opened().close()
	return nil
}

func (t *tableCore) close() {
	if t.guard.close() {
		// Who waits in the library is waited for: a moment.
		t.guard.wait(func() {})
		C.fabric_table_free(t.t)
	}
}

// isClosed says whether the farm is closed; the library lets tables outlive it, this package does not.
func (t *tableCore) isClosed() bool { return t.farm.guard.closed.Load() }

func (t *tableCore) server(ctx context.Context, k key, in scope, mode Mode) (*known, error) {
	checkContext(ctx)
	count := t.guard.enter()
	if count == nil || t.isClosed() {
		if count != nil {
			leave(count)
		}
		return &nobody, ErrClosed
	}
	seen := t.farm.news.fetches.Load()
	var s C.fabric_server_t
	var e C.go_details_t
	status := C.go_table_server(t.t, k.kind, k.integer, bytesOf(k.text), C.size_t(len(k.text)), C.int32_t(in),
		C.int32_t(mode), noWait, &s, &e)
	leave(count)
	if status == C.FABRIC_OK {
		return t.farm.servers.get(&s), nil
	}
	return t.farm.awaitAnswer(ctx, &t.guard, seen, told(status, e), t.query(k, in, mode))
}

func (t *tableCore) query(k key, in scope, mode Mode) query {
	return func(deadline C.int64_t) (Server, error) {
		count := t.guard.enter()
		if count == nil {
			return Server{}, ErrClosed
		}
		defer leave(count)
		return t.farm.ask(func(s *C.fabric_server_t, e *C.go_details_t) C.int32_t {
			return C.go_table_server(t.t, k.kind, k.integer, bytesOf(k.text), C.size_t(len(k.text)),
				C.int32_t(in), C.int32_t(mode), deadline, s, e)
		})
	}
}
