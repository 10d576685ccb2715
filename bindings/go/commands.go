package mysqlfabric

/*
#include "shim.h"
*/
import "C"

import (
	"context"
	"runtime"
)

// ResultSet is a table of an answer; a cell is nil where there is no value.
type ResultSet struct {
	Columns []string
	Rows    [][]*string
}

// Seed loads the whole farm, so that the first lookup is fast.
func (f *Farm) Seed(ctx context.Context) error {
	defer runtime.KeepAlive(f)
	return f.opened().hold(ctx, func() error {
		return new(cnames).run(func(e *C.fabric_error_t) C.int32_t {
			return C.fabric_seed(f.opened().f, nil, 0, e)
		})
	})
}

// SeedFrom is Seed from a Fabric node, which joins those that are known and is asked first from now on.
func (f *Farm) SeedFrom(ctx context.Context, node Node) error {
	defer runtime.KeepAlive(f)
	return f.opened().hold(ctx, func() error {
		var names cnames
		defer names.free()
		host := names.add(node.Host)
		return names.run(func(e *C.fabric_error_t) C.int32_t {
			return C.fabric_seed(f.opened().f, host, C.uint16_t(node.Port), e)
		})
	})
}

// Prefetch fetches these tables, or the whole farm if none is named, before they are looked up.
func (f *Farm) Prefetch(ctx context.Context, tables ...string) error {
	defer runtime.KeepAlive(f)
	return f.opened().hold(ctx, func() error {
		var names cnames
		defer names.free()
		list := names.list(tables)
		return names.run(func(e *C.fabric_error_t) C.int32_t {
			return C.fabric_get_sharding_information(f.opened().f, list, C.size_t(len(tables)), e)
		})
	})
}

// ResetCache makes the next lookup of a group, or of anything if it is "", have the source asked.
// What is known serves meanwhile.
func (f *Farm) ResetCache(group string) error {
	defer runtime.KeepAlive(f)
	return f.opened().use(func() error {
		var names cnames
		defer names.free()
		name := names.optional(group)
		return names.run(func(e *C.fabric_error_t) C.int32_t {
			return C.fabric_reset_cache(f.opened().f, name, e)
		})
	})
}

// Dump writes what is known to a topology file, of which Open("file:/path") makes a Farm that asks nobody.
func (f *Farm) Dump(path string) error {
	defer runtime.KeepAlive(f)
	return f.opened().use(func() error {
		var names cnames
		defer names.free()
		name := names.add(path)
		return names.run(func(e *C.fabric_error_t) C.int32_t { return C.fabric_dump(f.opened().f, name, e) })
	})
}

// Execute runs any Fabric command. If ctx ends the wait it may have been run all the same.
func (f *Farm) Execute(ctx context.Context, group, command string, args ...string) ([]ResultSet, error) {
	defer runtime.KeepAlive(f)
	var sets []ResultSet
	err := f.opened().hold(ctx, func() error {
		told, err := f.opened().execute(group, command, args)
		if err == nil {
			sets = told
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return sets, nil
}

func (c *core) execute(group, command string, args []string) ([]ResultSet, error) {
	var names cnames
	defer names.free()
	g, of, list := names.add(group), names.add(command), names.list(args)
	var result *C.fabric_result_t
	err := names.run(func(e *C.fabric_error_t) C.int32_t {
		return C.fabric_execute(c.f, g, of, list, C.size_t(len(args)), &result, e)
	})
	if err != nil {
		return nil, err
	}
	defer C.fabric_result_free(result)
	sets := make([]ResultSet, C.fabric_result_sets(result))
	for at := range sets {
		sets[at] = resultSet(result, C.size_t(at))
	}
	return sets, nil
}

func resultSet(result *C.fabric_result_t, at C.size_t) ResultSet {
	set := ResultSet{
		Columns: make([]string, C.fabric_result_columns(result, at)),
		Rows:    make([][]*string, C.fabric_result_rows(result, at)),
	}
	for column := range set.Columns {
		set.Columns[column] = C.GoString(C.fabric_result_column_name(result, at, C.size_t(column)))
	}
	for row := range set.Rows {
		set.Rows[row] = make([]*string, len(set.Columns))
		for column := range set.Columns {
			var length C.size_t
			value := C.fabric_result_value(result, at, C.size_t(row), C.size_t(column), &length)
			if value != nil {
				text := C.GoStringN(value, C.int(length))
				set.Rows[row][column] = &text
			}
		}
	}
	return set
}

// hold runs a call that holds a thread while it waits, beside others as far as there is a place. The wait
// for it ends with ctx; the call itself then ends by its own bound, or with Close.
func (c *core) hold(ctx context.Context, call func() error) error {
	checkContext(ctx)
	interrupted := newError(ErrInterrupted, "the call was not waited for to its end")
	if ctx.Err() != nil {
		return ended(ctx, interrupted)
	}
	select {
	case c.busy <- struct{}{}:
	case <-ctx.Done():
		return ended(ctx, interrupted)
	case <-c.guard.done:
		return ErrClosed
	}
	over := make(chan error, 1)
	go func() {
		defer func() { <-c.busy }()
		over <- c.use(call)
	}()
	select {
	case err := <-over:
		if codeOf(err) == ErrInterrupted && c.guard.closed.Load() {
			return ErrClosed
		}
		return err
	case <-ctx.Done():
		return ended(ctx, interrupted)
	}
}
