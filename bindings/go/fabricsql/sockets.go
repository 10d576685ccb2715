package fabricsql

import (
	"context"
	"net"
	"sync"
	"time"

	"mysqlfabric"
)

// cutAfter is how long statements may go on at a server that is no primary any more: those that it answers
// end by themselves, with its answer, and those that are left hang there.
const cutAfter = time.Second

// sockets are those of a pool for writes. A statement hangs at a primary that is frozen or cut off, until the
// service's own limit; once the group has another one, what is under way at the former is ended.
type sockets struct {
	group   string
	mu      sync.Mutex
	open    map[*socket]struct{}
	primary string
}

// socket is the one of a connection to a server. It is cut once it has been closed under the driver.
type socket struct {
	of     *sockets
	server string
	raw    net.Conn
	cut    bool
}

type dial func(ctx context.Context, network, address string) (net.Conn, error)

// dialed has a driver's socket known from the moment on it is open: handshakes hang as well.
func (s *sockets) dialed(by dial, server string) (*socket, dial) {
	one := &socket{of: s, server: server}
	return one, func(ctx context.Context, network, address string) (net.Conn, error) {
		raw, err := by(ctx, network, address)
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		one.raw = raw
		s.open[one] = struct{}{}
		return raw, nil
	}
}

// hear takes an event of the farm's. That there is no primary for now is no reason: what hangs may be answered
// yet, by the same one. The newest change of a group is one that the library does not lose.
func (s *sockets) hear(event mysqlfabric.Event) {
	if event.Kind != mysqlfabric.EventPrimaryChanged || event.Group != s.group || event.ServerUUID == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.primary = event.ServerUUID
	time.AfterFunc(cutAfter, s.cutFormer)
}

// cutFormer closes what is open to others than the present primary.
func (s *sockets) cutFormer() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for one := range s.open {
		if one.server != s.primary {
			one.cut = true
			delete(s.open, one)
			// Nobody waits for it: what goes through a tunnel may take its time.
			go func() { _ = one.raw.Close() }()
		}
	}
}

func (one *socket) forget() {
	if one == nil {
		return
	}
	one.of.mu.Lock()
	defer one.of.mu.Unlock()
	delete(one.of.open, one)
}

func (one *socket) wasCut() bool {
	if one == nil {
		return false
	}
	one.of.mu.Lock()
	defer one.of.mu.Unlock()
	return one.cut
}
