package fabric

/*
#include <stdlib.h>
#include "mysqlfabric.h"
*/
import "C"

import "unsafe"

// NoServer is the index of a key without a server.
const NoServer = -1

// Routed is where many keys belong: for each an index into Servers, or NoServer, and then a code
// that says why.
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

// Keys are many sharding keys, made by Ints, Uints or Texts.
type Keys struct {
	integers []int64
	unsigned []uint64
	texts    []string
}

// Ints makes integer keys.
func Ints(values []int64) Keys { return Keys{integers: values} }

// Uints makes integer keys of a column without a sign.
func Uints(values []uint64) Keys { return Keys{unsigned: values} }

// Texts makes keys of strings or of dates and times.
func Texts(values []string) Keys { return Keys{texts: values} }

// Len is the number of keys.
func (k Keys) Len() int { return len(k.integers) + len(k.unsigned) + len(k.texts) }

// ShardServers tells the servers for tables and many keys. Keys fail one by one, with no error.
func (h *Handle) ShardServers(tables []string, keys Keys, scope Scope, mode Mode) (Routed, error) {
	var names cnames
	defer names.free()
	n := keys.Len()
	list, many := names.list(tables), names.keys(keys)
	index, codes := make([]C.uint32_t, n+1), make([]C.int32_t, n+1)
	servers, err := serversOf(&names, func(out *C.fabric_server_t, room C.size_t,
		count *C.size_t, e *C.fabric_error_t) C.int32_t {
		return C.fabric_get_shard_servers(h.f, list, C.size_t(len(tables)), many,
			C.int32_t(scope), C.int32_t(mode), &index[0], &codes[0], out, room, count, e)
	})
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

// SplitKeys tells the positions of many keys by their servers, and of those without one.
func (h *Handle) SplitKeys(tables []string, keys Keys, scope Scope, mode Mode,
) (parts []Part, failed []int, err error) {
	var names cnames
	defer names.free()
	list, many := names.list(tables), names.keys(keys)
	order := make([]C.size_t, keys.Len()+1)
	var starts []C.size_t
	servers, err := serversOf(&names, func(out *C.fabric_server_t, room C.size_t,
		count *C.size_t, e *C.fabric_error_t) C.int32_t {
		starts = make([]C.size_t, room+1)
		return C.fabric_split_keys(h.f, list, C.size_t(len(tables)), many, C.int32_t(scope),
			C.int32_t(mode), &order[0], &starts[0], nil, out, room, count, e)
	})
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
	return parts, positions(starts[len(servers)], C.size_t(keys.Len())), nil
}

// ShardsInRange lists the shards with keys from low to high, both included; nil is no limit.
func (h *Handle) ShardsInRange(table string, low, high *Key) ([]Shard, error) {
	var names cnames
	defer names.free()
	name, l, u := names.add(table), names.key(low), names.key(high)
	list, err := listOf(&names, func(out *C.fabric_shard_t, room C.size_t, count *C.size_t,
		e *C.fabric_error_t) C.int32_t {
		return C.fabric_get_shards_in_range(h.f, name, l, u, out, room, count, e)
	})
	return convert(list, shard), err
}

// serversOf is listOf for calls that answer although some keys fail.
func serversOf(names *cnames, ask func(*C.fabric_server_t, C.size_t, *C.size_t,
	*C.fabric_error_t) C.int32_t) ([]Server, error) {
	list, err := listOf(names, func(out *C.fabric_server_t, room C.size_t, count *C.size_t,
		e *C.fabric_error_t) C.int32_t {
		code := ask(out, room, count, e)
		if code == C.FABRIC_ERR_SOME_KEYS {
			return C.FABRIC_OK
		}
		return code
	})
	return convert(list, server), err
}

// keys lays keys into C's memory.
func (c *cnames) keys(keys Keys) *C.fabric_keys_t {
	n := C.size_t(keys.Len())
	memory := func(size uintptr) unsafe.Pointer {
		room := C.calloc(n+1, C.size_t(size))
		c.memory = append(c.memory, room)
		return room
	}
	many := (*C.fabric_keys_t)(memory(unsafe.Sizeof(C.fabric_keys_t{})))
	if keys.texts == nil {
		values := (*C.int64_t)(memory(8))
		for at, value := range keys.integers {
			unsafe.Slice(values, n+1)[at] = C.int64_t(value)
		}
		*many = C.fabric_keys_int(values, n)
		if keys.unsigned != nil {
			for at, value := range keys.unsigned {
				unsafe.Slice(values, n+1)[at] = C.int64_t(value)
			}
			*many = C.fabric_keys_uint((*C.uint64_t)(unsafe.Pointer(values)), n)
		}
		return many
	}
	texts := (**C.char)(memory(unsafe.Sizeof(uintptr(0))))
	lengths := (*C.size_t)(memory(unsafe.Sizeof(C.size_t(0))))
	for at, text := range keys.texts {
		bytes := C.CBytes([]byte(text))
		c.memory = append(c.memory, bytes)
		unsafe.Slice(texts, n+1)[at] = (*C.char)(bytes)
		unsafe.Slice(lengths, n+1)[at] = C.size_t(len(text))
	}
	*many = C.fabric_keys_text(texts, lengths, n)
	return many
}
