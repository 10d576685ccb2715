package fabricsql_test

import (
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mysqlfabric"
	"mysqlfabric/fabricsql"
)

// greeting is what a server says first, which talks TLS.
var greeting = packet(0, "\x0a8.4.0\x00\x01\x00\x00\x0012345678\x00\x00\x8a\x21\x02\x00\x08\x00\x15"+
	strings.Repeat("\x00", 10)+"123456789012\x00caching_sha2_password\x00")

func packet(number byte, payload string) []byte {
	return append([]byte{byte(len(payload)), 0, 0, number}, payload...)
}

// A server that hangs up before it has let in is lost, wherever it does: the next attempt may be let in.
func TestServersThatHangUp(t *testing.T) {
	t.Parallel()
	for when, hangUp := range map[string]func(net.Conn){
		"at once":     func(net.Conn) {},
		"after hello": func(conn net.Conn) { _, _ = conn.Write(greeting) },
		"amid TLS": func(conn net.Conn) {
			_, _ = conn.Write(greeting)
			_, _ = io.ReadFull(conn, make([]byte, 4+32+5)) // the request for TLS, and the head of a record
			hello := make([]byte, 1<<14)
			_, _ = conn.Read(hello) // what is not read would make it a reset
		},
	} {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			var attempts atomic.Int64
			farm := fileFarm(t, listen(t, func(conn *net.TCPConn) {
				attempts.Add(1)
				hangUp(conn)
			}))
			db, err := fabricsql.OpenDB(farm, "a", mysqlfabric.ReadWrite, config())
			must(t, err)
			defer db.Close()
			soon, cancel := contextFor(time.Minute)
			defer cancel()
			pinged := make(chan error, 1)
			go func() { pinged <- db.PingContext(soon) }()
			eventually(t, "it is tried again", func() bool { return attempts.Load() > 6 || len(pinged) > 0 })
			cancel()
			if err := <-pinged; attempts.Load() <= 6 {
				t.Errorf("%d attempts: %v", attempts.Load(), err)
			}
			servers, err := farm.Health("a")
			must(t, err)
			if servers[0].Reports == 0 {
				t.Error("the farm does not know")
			}
		})
	}
}
