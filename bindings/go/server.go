package mysqlfabric

/*
#include "shim.h"
*/
import "C"

import (
	"bytes"
	"net"
	"strconv"
	"sync/atomic"
	"unsafe"
)

// Mode is what a server is wanted for, and what the source lets it be used for.
type Mode int32

// The modes. Offline is only ever a server's own.
const (
	AnyMode   Mode = C.FABRIC_MODE_NONE
	ReadOnly  Mode = C.FABRIC_MODE_READONLY
	WriteOnly Mode = C.FABRIC_MODE_WRITEONLY
	ReadWrite Mode = C.FABRIC_MODE_READWRITE
	Offline   Mode = C.FABRIC_MODE_OFFLINE
)

// Status is the role of a server in its group.
type Status int32

// The statuses of servers.
const (
	AnyStatus Status = C.FABRIC_STATUS_NONE
	Faulty    Status = C.FABRIC_STATUS_FAULTY
	Spare     Status = C.FABRIC_STATUS_SPARE
	Secondary Status = C.FABRIC_STATUS_SECONDARY
	Primary   Status = C.FABRIC_STATUS_PRIMARY
)

// Server is a MySQL server to connect to.
type Server struct {
	UUID   string
	Group  string
	Host   string
	Port   uint16
	Mode   Mode
	Status Status
	Weight float64 // its share of the group's reads
}

// Addr is host:port, as net.Dial and mysql.Config take it.
func (s Server) Addr() string { return net.JoinHostPort(s.Host, strconv.Itoa(int(s.Port))) }

// servers has the Go strings of servers that were looked up, so that the same answer again takes no
// memory. A farm of more servers than there is room for takes some.
type servers struct {
	slots [1024]atomic.Pointer[known]
}

// A server may be in any of so many slots: it may belong to several groups.
const probes = 4

// known is a server, and what C has of it: its numbers and UUID, which lie side by side, its host and its
// group, each with its NUL.
type known struct {
	head, host, group string
	server            Server
}

// get is the server in Go's terms.
func (s *servers) get(c *C.fabric_server_t) *known {
	first, free := slotOf(&c.uuid), uint64(0)
	for at := first; at < first+probes; at++ {
		free = at % uint64(len(s.slots))
		is := s.slots[free].Load()
		if is == nil {
			break
		}
		if is.is(c) {
			return is
		}
	}
	is := newKnown(c)
	s.slots[free].Store(is)
	return is
}

// value is get for lists.
func (s *servers) value(c *C.fabric_server_t) Server { return s.get(c).server }

func newKnown(c *C.fabric_server_t) *known {
	uuid, host, group := textOf(c.uuid[:]), textOf(c.host[:]), textOf(c.group[:])
	numbers := unsafe.Slice((*byte)(unsafe.Pointer(c)), unsafe.Offsetof(c.uuid))
	return &known{
		string(numbers) + uuid + "\x00", host + "\x00", group + "\x00",
		Server{uuid, group, host, uint16(c.port), Mode(c.mode), Status(c.status), float64(c.weight)},
	}
}

func (k *known) is(c *C.fabric_server_t) bool {
	return unsafe.String((*byte)(unsafe.Pointer(c)), len(k.head)) == k.head &&
		begins(c.host[:], k.host) && begins(c.group[:], k.group)
}

// textOf is a text of C's. C.GoString has what it is given escape.
func textOf(text []C.char) string {
	whole := unsafe.Slice((*byte)(unsafe.Pointer(&text[0])), len(text))
	if end := bytes.IndexByte(whole, 0); end >= 0 {
		whole = whole[:end]
	}
	return string(whole)
}

// begins says whether a text of C's is this one; its NUL ends both.
func begins(text []C.char, wanted string) bool {
	return unsafe.String((*byte)(unsafe.Pointer(&text[0])), len(wanted)) == wanted
}

// slotOf mixes the parts of a UUID that differ within a farm, wherever they are.
func slotOf(uuid *[C.FABRIC_UUID_SIZE]C.char) uint64 {
	words := (*[4]uint64)(unsafe.Pointer(uuid))
	last := *(*uint32)(unsafe.Pointer(&uuid[32]))
	mixed := (words[0] ^ words[3]) * 0x9e3779b97f4a7c15
	mixed = (mixed ^ words[1] ^ words[2] ^ uint64(last)) * 0x9e3779b97f4a7c15
	return mixed >> 54
}

// serverOfC is C's struct, for tests, which cgo leaves alone.
type serverOfC = C.fabric_server_t

// fill writes the texts of a server, as C does.
func fill(c *serverOfC, uuid, host, group string) {
	for to, text := range map[*C.char]string{&c.uuid[0]: uuid, &c.host[0]: host, &c.group[0]: group} {
		room := unsafe.Slice((*byte)(unsafe.Pointer(to)), len(text)+1)
		copy(room, text)
		room[len(text)] = 0
	}
}
