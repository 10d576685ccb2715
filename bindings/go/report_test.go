package mysqlfabric

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

type withErrno int

func (e withErrno) Error() string { return "numbered" }
func (e withErrno) Errno() int    { return int(e) }

func TestErrnosOfDrivers(t *testing.T) {
	gone := dead(t)
	_, refused := net.Dial("tcp", Server{Host: gone.Host, Port: gone.Port}.Addr())
	_, noSocket := net.Dial("unix", t.TempDir()+"/sock")
	lost := &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}
	for _, c := range []struct {
		err   error
		errno int
	}{
		{nil, 0},
		{refused, 2003},
		{noSocket, 2002},
		{&net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Name: "no.such"}}, 2005},
		{lost, 2013},
		{fmt.Errorf("reading upload: %w", io.ErrUnexpectedEOF), -1}, // of whatever
		{io.EOF, -1},
		{&net.OpError{Op: "read", Net: "tcp", Err: io.ErrUnexpectedEOF}, 2013},
		{mysql.ErrInvalidConn, 2013},
		{driver.ErrBadConn, 2006},
		{&mysql.MySQLError{Number: 1290}, 1290},
		{fmt.Errorf("deep: %w", &mysql.MySQLError{Number: 1836}), 1836},
		{errors.Join(errors.New("first"), &mysql.MySQLError{Number: 1290}), 1290},
		{fmt.Errorf("%w, and %w", &mysql.MySQLError{Number: 1290}, errors.New("more")), 1290},
		{errors.Join(mysql.ErrInvalidConn, errors.New("more")), 2013},
		{&mysql.MySQLError{Number: 1290, Message: "The MySQL server is running with the --super-read-only option so it " +
			"cannot execute this statement"}, 1290},
		{&mysql.MySQLError{Number: 1290, Message: "The MySQL server is running with the --secure-file-priv option so it " +
			"cannot execute this statement"}, -1},
		{&mysql.MySQLError{Number: 1290, Message: "super_read_only"}, 1290},
		{&mysql.MySQLError{Number: 1062, Message: "Duplicate entry"}, 1062},
		{withErrno(3100), 3100},
		{context.Canceled, -1},
		{context.DeadlineExceeded, -1},
		{fmt.Errorf("read: %w", context.DeadlineExceeded), -1},
		{errors.New("something"), -1},
		{mysql.ErrPktTooLarge, -1},
	} {
		if errno := Errno(c.err); errno != c.errno {
			t.Errorf("%v: %d instead of %d", c.err, errno, c.errno)
		}
	}

	h := start(t).farm()
	s, err := h.Group(ctx, "shard1", ReadOnly)
	must(t, err)
	// What the caller's own context has ended is nothing of the server's.
	over, cancel := context.WithTimeout(ctx, time.Nanosecond)
	defer cancel()
	_, late := new(net.Dialer).DialContext(over, "tcp", s.Addr())
	same(t, h.ReportContext(over, s, late), Action(0))
	if h.Report(s, fmt.Errorf("%w", refused))&ActionQuarantine == 0 {
		t.Error("a server that refuses is not left out")
	}
	if h.ReportContext(ctx, s, refused)&ActionQuarantine == 0 {
		t.Error("a server that refuses is not left out")
	}
	m, err := h.Metrics()
	must(t, err)
	same(t, m.ServersQuarantined, 1)
	same(t, h.Report(s, context.Canceled), Action(0))
	h.Report(s, nil)
	m, err = h.Metrics()
	must(t, err)
	same(t, m.ServersQuarantined, 0)
	wants(t, h.ReportErrno("a\x00b", 0), ErrArgument, 0)
	wants(t, h.ReportErrno("", 0), ErrArgument, 0)
	same(t, h.Report(Server{}, nil), Action(0))
}

// What is listed from memory.
func TestInventory(t *testing.T) {
	h := start(t).farm()
	must(t, h.Seed(ctx))
	tables, err := h.Tables()
	must(t, err)
	groups, err := h.Groups()
	must(t, err)
	for _, table := range tables {
		if table.Name == salaries {
			same(t, table, TableInfo{salaries, Range, 3, "emp_no", "global"})
			same(t, table.Type.String(), "RANGE")
		}
	}
	for _, group := range groups {
		if group.Name == "shard1" {
			if group.Age < 0 {
				t.Error(group.Age)
			}
			group.Age = 0
			same(t, group, GroupInfo{Name: "shard1", Servers: 3, Shards: group.Shards, TakesWrites: true})
		}
	}
	if len(tables) < 5 || len(groups) < 5 {
		t.Error(tables, groups)
	}
	path := t.TempDir() + "/dump"
	must(t, h.Dump(path))
	copied, err := Open("file:" + path)
	must(t, err)
	defer copied.Close()
	s, err := copied.Server(ctx, salaries, 1, ReadWrite)
	must(t, err)
	same(t, s.UUID, primary)
	wants(t, h.Dump("/no/such/place"), ErrFile, 0)
}
