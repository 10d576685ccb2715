package mysqlfabric

/*
#include "shim.h"
*/
import "C"

import (
	"context"
	"reflect"
	"runtime"
	"time"
	"unsafe"
)

// NoServer is the index of a key without a server.
const NoServer = -1

// Routed is where many keys belong: for each an index into Servers, or NoServer, and then a code that
// says why.
type Routed struct {
	Servers []Server
	Index   []int
	Codes   []Code
}

// Part is a server and the positions of its keys, in ascending order.
type Part struct {
	Server    Server
	Positions []int
}

// Servers tells the servers of many keys of a table, in one call and one state of the farm: one server of
// each group that is met. keys is a slice of what a key may be, such as []int64 or []string. Keys fail one
// by one, with no error.
func (f *Farm) Servers(ctx context.Context, table string, keys any, mode Mode) (Routed, error) {
	defer runtime.KeepAlive(f)
	return f.opened().route(ctx, keys, func(n *cnames, many *C.fabric_keys_t) batch {
		name := n.list([]string{table})
		return func(index *C.uint32_t, codes *C.int32_t, out *C.fabric_server_t, room C.size_t, count *C.size_t,
			e *C.fabric_error_t) C.int32_t {
			return C.fabric_get_shard_servers(f.opened().f, name, 1, many, C.FABRIC_SCOPE_LOCAL, C.int32_t(mode), index,
				codes, out, room, count, e)
		}
	}, &f.opened().guard)
}

// Split tells the positions of many keys of a table by their servers, and of those without one.
func (f *Farm) Split(ctx context.Context, table string, keys any, mode Mode) (parts []Part, failed []int, err error) {
	defer runtime.KeepAlive(f)
	return f.opened().split(ctx, &f.opened().guard, []string{table}, keys, mode)
}

// Servers tells the servers of many keys, as [Farm.Servers] does.
func (t *Table) Servers(ctx context.Context, keys any, mode Mode) (Routed, error) {
	defer runtime.KeepAlive(t)
	return t.opened().farm.route(ctx, keys, func(n *cnames, many *C.fabric_keys_t) batch {
		return func(index *C.uint32_t, codes *C.int32_t, out *C.fabric_server_t, room C.size_t, count *C.size_t,
			e *C.fabric_error_t) C.int32_t {
			return C.fabric_table_get_servers(t.opened().t, many, C.FABRIC_SCOPE_LOCAL, C.int32_t(mode), index, codes,
				out, room, count, e)
		}
	}, &t.opened().guard)
}

// Split tells the positions of many keys by their servers, as [Farm.Split] does.
func (t *Table) Split(ctx context.Context, keys any, mode Mode) (parts []Part, failed []int, err error) {
	defer runtime.KeepAlive(t)
	return t.opened().farm.split(ctx, &t.opened().guard, t.opened().names, keys, mode)
}

// batch is a call of C for many keys.
type batch func(index *C.uint32_t, codes *C.int32_t, out *C.fabric_server_t, room C.size_t, count *C.size_t,
	e *C.fabric_error_t) C.int32_t

// route runs a batch; of is the guard of the object that it uses.
func (c *core) route(ctx context.Context, values any, with func(*cnames, *C.fabric_keys_t) batch, of *guard) (Routed, error) {
	keys, err := keysOf(values)
	if err != nil {
		return Routed{}, err
	}
	n := keys.len()
	index, codes := make([]C.uint32_t, n+1), make([]C.int32_t, n+1)
	servers, err := listOfUsed(ctx, c, of, func(names *cnames) asks[C.fabric_server_t] {
		ask := with(names, names.keys(keys))
		return func(out *C.fabric_server_t, room C.size_t, count *C.size_t, e *C.fabric_error_t) C.int32_t {
			return partly(ask(&index[0], &codes[0], out, room, count, e))
		}
	}, c.servers.value)
	if err != nil {
		return Routed{}, err
	}
	routed := Routed{servers, make([]int, n), make([]Code, n)}
	for at := range routed.Index {
		routed.Index[at], routed.Codes[at] = NoServer, Code(codes[at])
		if index[at] != C.FABRIC_NO_INDEX {
			routed.Index[at] = int(index[at])
		}
	}
	return routed, nil
}

func (c *core) split(ctx context.Context, of *guard, tables []string, values any, mode Mode,
) (parts []Part, failed []int, err error) {
	keys, err := keysOf(values)
	if err != nil {
		return nil, nil, err
	}
	order := make([]C.size_t, keys.len()+1)
	var starts []C.size_t
	servers, err := listOfUsed(ctx, c, of, func(names *cnames) asks[C.fabric_server_t] {
		list, many := names.list(tables), names.keys(keys)
		return func(out *C.fabric_server_t, room C.size_t, count *C.size_t, e *C.fabric_error_t) C.int32_t {
			starts = make([]C.size_t, room+1)
			return partly(C.fabric_split_keys(c.f, list, C.size_t(len(tables)), many,
				C.FABRIC_SCOPE_LOCAL, C.int32_t(mode), &order[0], &starts[0], nil, out, room, count, e))
		}
	}, c.servers.value)
	if err != nil {
		return nil, nil, err
	}
	positions := func(from, to C.size_t) []int {
		list := make([]int, 0, to-from)
		for _, at := range order[from:to] {
			list = append(list, int(at))
		}
		return list
	}
	for at, server := range servers {
		parts = append(parts, Part{server, positions(starts[at], starts[at+1])})
	}
	return parts, positions(starts[len(servers)], C.size_t(keys.len())), nil
}

// partly is a status of a call that answers although some keys fail.
func partly(status C.int32_t) C.int32_t {
	if status == C.FABRIC_ERR_SOME_KEYS {
		return C.FABRIC_OK
	}
	return status
}

// keys are many keys of one kind.
type keys struct {
	signed   []int64
	unsigned []uint64
	texts    []string
}

func (k *keys) len() int { return len(k.signed) + len(k.unsigned) + len(k.texts) }

func keysOf(values any) (*keys, error) {
	switch values := values.(type) {
	case []int64:
		return &keys{signed: values}, nil
	case []uint64:
		return &keys{unsigned: values}, nil
	case []string:
		return &keys{texts: values}, nil
	case []int:
		return signedKeys(values), nil
	case []int32:
		return signedKeys(values), nil
	case []uint32:
		return signedKeys(values), nil
	case []uint:
		unsigned := make([]uint64, len(values))
		for at, value := range values {
			unsigned[at] = uint64(value)
		}
		return &keys{unsigned: unsigned}, nil
	case [][]byte:
		texts := make([]string, len(values))
		for at, value := range values {
			texts[at] = string(value)
		}
		return &keys{texts: texts}, nil
	case []time.Time:
		texts := make([]string, len(values))
		for at, value := range values {
			key, err := timeKey(value)
			if err != nil {
				return nil, err
			}
			texts[at] = key.text
		}
		return &keys{texts: texts}, nil
	default:
		return otherKeys(values)
	}
}

// otherKeys takes slices of types made of integers, strings and bytes.
func otherKeys(values any) (*keys, error) {
	of := reflect.ValueOf(values)
	if of.Kind() != reflect.Slice || of.Type().Elem().Kind() == reflect.Uint8 { // []byte is one key
		return nil, newError(ErrKeyType, "keys of type %T: give a slice of what a key may be", values)
	}
	// One kind for all, also where there are none.
	kind, err := otherKey(reflect.Zero(of.Type().Elem()).Interface())
	if err != nil {
		return nil, newError(ErrKeyType, "keys of type %T: give a slice of one type of integers, of strings, "+
			"[]byte or time.Time", values)
	}
	var many keys
	for at := range of.Len() {
		key, err := otherKey(of.Index(at).Interface())
		if err != nil {
			return nil, err
		}
		switch kind.kind {
		case C.FABRIC_KEY_INT:
			many.signed = append(many.signed, int64(key.integer))
		case C.FABRIC_KEY_UINT:
			many.unsigned = append(many.unsigned, uint64(key.integer))
		default:
			many.texts = append(many.texts, key.text)
		}
	}
	return &many, nil
}

func signedKeys[T int | int32 | uint32](values []T) *keys {
	signed := make([]int64, len(values))
	for at, value := range values {
		signed[at] = int64(value)
	}
	return &keys{signed: signed}
}

// keys lays keys into C's memory.
func (c *cnames) keys(keys *keys) *C.fabric_keys_t {
	n := keys.len()
	many := (*C.fabric_keys_t)(c.room(1, unsafe.Sizeof(C.fabric_keys_t{})))
	switch {
	case keys.unsigned != nil:
		values := (*C.uint64_t)(c.room(n, 8))
		copy(unsafe.Slice((*uint64)(values), n), keys.unsigned)
		*many = C.fabric_keys_uint(values, C.size_t(n))
	case keys.texts != nil:
		texts := (**C.char)(c.room(n, unsafe.Sizeof(uintptr(0))))
		lengths := (*C.size_t)(c.room(n, unsafe.Sizeof(C.size_t(0))))
		size := 0
		for _, text := range keys.texts {
			size += len(text)
		}
		bytes := unsafe.Slice((*byte)(c.room(size, 1)), size+1)
		for at, text := range keys.texts {
			copy(bytes, text)
			unsafe.Slice(texts, n)[at] = (*C.char)(unsafe.Pointer(&bytes[0]))
			unsafe.Slice(lengths, n)[at] = C.size_t(len(text))
			bytes = bytes[len(text):]
		}
		*many = C.fabric_keys_text(texts, lengths, C.size_t(n))
	default:
		values := (*C.int64_t)(c.room(n, 8))
		copy(unsafe.Slice((*int64)(values), n), keys.signed)
		*many = C.fabric_keys_int(values, C.size_t(n))
	}
	return many
}
