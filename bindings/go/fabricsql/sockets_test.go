package fabricsql

import (
	"context"
	"net"
	"testing"
	"time"

	"mysqlfabric"
)

// slowToClose is a connection that does not end, such as through a tunnel to what is frozen.
type slowToClose struct {
	net.Conn
	closes chan struct{}
}

func (s slowToClose) Close() error {
	<-s.closes
	return s.Conn.Close()
}

// Nothing waits for a connection that is slow to close.
func TestCutsAreNotWaitedFor(t *testing.T) {
	t.Parallel()
	s := &sockets{group: "group", open: map[*socket]struct{}{}, primary: "2"}
	closes := make(chan struct{})
	var all []*socket
	for range 2 {
		mine, theirs := net.Pipe()
		defer theirs.Close()
		one, dial := s.dialed(func(context.Context, string, string) (net.Conn, error) {
			return slowToClose{mine, closes}, nil
		}, "1")
		if _, err := dial(context.Background(), "tcp", "address"); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	s.cutFormer()
	for _, one := range all {
		if !one.wasCut() {
			t.Error("it goes on")
		}
	}
	close(closes)
	for _, one := range all {
		if _, err := one.raw.Write([]byte{1}); err == nil {
			t.Error("it is open")
		}
	}
}

// What is open to others than the primary is closed, unless that is the primary again.
func TestFormerPrimariesAreCut(t *testing.T) {
	t.Parallel()
	s := &sockets{group: "group", open: map[*socket]struct{}{}}
	open := func(server string) *socket {
		mine, theirs := net.Pipe()
		t.Cleanup(func() { _ = theirs.Close() })
		one, dial := s.dialed(func(context.Context, string, string) (net.Conn, error) { return mine, nil }, server)
		if raw, err := dial(context.Background(), "tcp", "address"); err != nil || raw != mine {
			t.Fatal(err)
		}
		return one
	}
	changed := func(group, server string) {
		s.hear(mysqlfabric.Event{Kind: mysqlfabric.EventPrimaryChanged, Group: group, ServerUUID: server})
	}
	first, second, forgotten := open("1"), open("2"), open("1")
	forgotten.forget()
	changed("another", "2")
	changed("group", "1")
	for deadline := time.Now().Add(time.Minute); !second.wasCut(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a former primary goes on")
		}
	}
	if _, err := second.raw.Write([]byte{1}); err == nil {
		t.Error("it is open")
	}
	if first.wasCut() || forgotten.wasCut() {
		t.Error("the primary is cut, or what was closed")
	}
	// That there is none is no news of another one: what is under way may yet be answered.
	changed("group", "")
	s.cutFormer()
	if first.wasCut() {
		t.Error("the primary is cut, since it is none for a moment")
	}
	changed("group", "2")
	for !first.wasCut() {
		time.Sleep(time.Millisecond)
	}
	if len(s.open) != 0 {
		t.Error(s.open)
	}
}
