package mysqlfabric

/*
#include "shim.h"
*/
import "C"

import "unsafe"

// cnames are strings and keys in C's memory, all freed together. A string with a NUL would be cut in C;
// refused remembers it, and run says so instead of calling.
type cnames struct {
	memory  []unsafe.Pointer
	refused error
}

func (c *cnames) free() {
	for _, memory := range c.memory {
		C.free(memory)
	}
}

func (c *cnames) add(text string) *C.char {
	if err := named(text); err != nil && c.refused == nil {
		c.refused = err
	}
	copied := C.CString(text)
	c.memory = append(c.memory, unsafe.Pointer(copied))
	return copied
}

func (c *cnames) optional(text string) *C.char {
	if text == "" {
		return nil
	}
	return c.add(text)
}

// room is memory of C's for so many of a size, and one more.
func (c *cnames) room(n int, size uintptr) unsafe.Pointer {
	room := C.calloc(C.size_t(n)+1, C.size_t(size))
	c.memory = append(c.memory, room)
	return room
}

func (c *cnames) list(texts []string) **C.char {
	if len(texts) == 0 {
		return nil
	}
	list := (**C.char)(c.room(len(texts), unsafe.Sizeof(uintptr(0))))
	for at, text := range texts {
		unsafe.Slice(list, len(texts))[at] = c.add(text)
	}
	return list
}

// key copies a key with its text: C may not be given a Go struct that points into Go's memory.
func (c *cnames) key(k key) *C.fabric_key_t {
	if k.kind == 0 {
		return nil
	}
	made := (*C.fabric_key_t)(c.room(1, unsafe.Sizeof(C.fabric_key_t{})))
	switch k.kind {
	case C.FABRIC_KEY_INT:
		*made = C.fabric_key_int(k.integer)
	case C.FABRIC_KEY_UINT:
		*made = C.fabric_key_uint(C.uint64_t(k.integer))
	default:
		copied := C.CString(k.text)
		c.memory = append(c.memory, unsafe.Pointer(copied))
		*made = C.fabric_key_text(copied, C.size_t(len(k.text)))
	}
	return made
}

func (c *cnames) run(call func(*C.fabric_error_t) C.int32_t) error {
	if c.refused != nil {
		return c.refused
	}
	var e C.fabric_error_t
	return failure(call(&e), &e)
}
