package fabricsql_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"mysqlfabric"
	"mysqlfabric/fabricsql"
)

const okay = "\x00\x00\x00\x02\x00\x00\x00"

// fake is a server that lets everybody in, and answers each query, or ends the connection.
func fake(t *testing.T, answer func(conn *net.TCPConn, read func() ([]byte, error), query string) bool) (port int) {
	t.Helper()
	return listen(t, func(conn *net.TCPConn) {
		in := bufio.NewReader(conn)
		read := func() ([]byte, error) {
			head := make([]byte, 4)
			if _, err := io.ReadFull(in, head); err != nil {
				return nil, err
			}
			body := make([]byte, int(head[0])|int(head[1])<<8|int(head[2])<<16)
			_, err := io.ReadFull(in, body)
			return body, err
		}
		_, _ = conn.Write(greeting)
		if _, err := read(); err != nil {
			return
		}
		_, _ = conn.Write(packet(2, okay))
		for {
			command, err := read()
			if err != nil || len(command) == 0 || command[0] == 1 || command[0] == 3 && !answer(conn, read, string(command[1:])) {
				return
			}
			if command[0] != 3 {
				_, _ = conn.Write(packet(1, okay))
			}
		}
	})
}

// listen has a function serve each connection to a port.
func listen(t *testing.T, serve func(*net.TCPConn)) (port int) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn.(*net.TCPConn))
			}()
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port
}

func plainConfig() *mysql.Config {
	cfg := config()
	cfg.TLSConfig = "false"
	return cfg
}

// slowly is data of which a bit comes at a time.
type slowly int

func (s *slowly) Read(to []byte) (int, error) {
	if *s == 0 {
		return 0, io.EOF
	}
	*s--
	time.Sleep(5 * time.Millisecond)
	return copy(to, "1\n"), nil
}

// What is left of the data of a LOAD DATA LOCAL is not sent again as if it were all.
func TestLoadDataIsSentOnce(t *testing.T) {
	t.Parallel()
	var loads atomic.Int64
	port := fake(t, func(conn *net.TCPConn, read func() ([]byte, error), query string) bool {
		loads.Add(1)
		_, _ = conn.Write(packet(1, "\xfbReader::slowly"))
		for data := []byte{1}; len(data) > 0; {
			var err error
			if data, err = read(); err != nil || loads.Load() == 1 {
				_ = conn.SetLinger(0) // the next write fails, of which nothing has been sent
				return false
			}
		}
		_, _ = conn.Write(packet(200, okay))
		return true
	})
	data := slowly(100)
	mysql.RegisterReaderHandler("slowly", func() io.Reader { return &data })
	db, err := fabricsql.OpenDB(fileFarm(t, port), "a", mysqlfabric.ReadWrite, plainConfig())
	must(t, err)
	defer db.Close()
	_, err = db.ExecContext(ctx, "LOAD DATA LOCAL INFILE 'Reader::slowly' INTO TABLE t")
	if !errors.Is(err, mysql.ErrInvalidConn) || loads.Load() != 1 {
		t.Errorf("%d times: %v", loads.Load(), err)
	}
}

// A connection that comes about when its server is the primary no more is no use.
func TestSlowConnections(t *testing.T) {
	t.Parallel()
	port := fake(t, func(conn *net.TCPConn, _ func() ([]byte, error), _ string) bool {
		_, err := conn.Write(packet(1, okay))
		return err == nil
	})
	farm := fileFarm(t, port, mysqlfabric.WithLeastWriteHold(10*time.Minute))
	cfg := plainConfig()
	in, out := make(chan struct{}, 1), make(chan struct{})
	cfg.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		in <- struct{}{}
		<-out
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	db, err := fabricsql.OpenDB(farm, "a", mysqlfabric.ReadWrite, cfg)
	must(t, err)
	defer db.Close()
	soon, cancel := contextFor(time.Minute)
	defer cancel()
	pinged := make(chan error, 1)
	go func() { pinged <- db.PingContext(soon) }()
	<-in
	must(t, farm.ReportErrno("a1", 1836))
	close(out)
	select {
	case err := <-pinged:
		t.Error("it is in use:", err)
	case <-time.After(200 * time.Millisecond):
		cancel()
		if err := <-pinged; err == nil {
			t.Error("it is in use")
		}
	}
}

// Retry tries again what an attempt's own limit has ended, and not what is none of the driver's.
func TestWhatIsTriedAgain(t *testing.T) {
	t.Parallel()
	var queries atomic.Int64
	pools := fabricsql.New(fileFarm(t, fake(t, func(conn *net.TCPConn, read func() ([]byte, error), _ string) bool {
		if queries.Add(1) == 1 {
			_, _ = read() // it hangs
			return false
		}
		_, err := conn.Write(packet(1, okay))
		return err == nil
	})), plainConfig())
	defer pools.Close()
	runs := 0
	must(t, pools.RetryGroup(ctx, "a", mysqlfabric.ReadWrite, func(ctx context.Context, db *sql.DB) error {
		runs++
		soon, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		if runs > 1 {
			soon, cancel = context.WithTimeout(ctx, time.Minute)
		}
		defer cancel()
		_, err := db.ExecContext(soon, "DO 1")
		return err
	}))
	if runs < 2 {
		t.Error(runs, "runs")
	}
	soon, cancel := contextFor(200 * time.Millisecond)
	defer cancel()
	err := pools.RetryGroup(soon, "a", mysqlfabric.ReadWrite, func(context.Context, *sql.DB) error {
		return &mysql.MySQLError{Number: 1836, Message: "it is read-only"}
	})
	var told *mysql.MySQLError
	if !errors.As(err, &told) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	runs = 0
	_, refused := net.Dial("tcp", "127.0.0.1:1")
	err = pools.RetryGroup(ctx, "a", mysqlfabric.ReadWrite, func(context.Context, *sql.DB) error {
		runs++
		return fmt.Errorf("another service: %w", refused)
	})
	if runs != 1 || err == nil || !strings.Contains(err.Error(), "another service") {
		t.Error(runs, "runs:", err)
	}
}
