package fabricsql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"mysqlfabric"
)

// farm is one of a file: the dates before 2020 in a group "old", the others in "new", whose servers are not
// there.
func farm(t *testing.T) *mysqlfabric.Farm {
	t.Helper()
	listener := listen(t)
	_ = listener.Close()
	return farmAt(t, listener)
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

// farmAt has all servers where a listener is, or was.
func farmAt(t *testing.T, listener net.Listener) *mysqlfabric.Farm {
	t.Helper()
	port := listener.Addr().(*net.TCPAddr).Port
	var groups []string
	for at, name := range []string{"old", "new", "global"} {
		groups = append(groups, fmt.Sprintf(`{"id": %q, "servers": [{"uuid": "00000000-0000-0000-0000-00000000000%d",
			"host": "127.0.0.1", "port": %d, "mode": "READ_WRITE", "status": "PRIMARY", "weight": 1}]}`, name, at+1, port))
	}
	path := filepath.Join(t.TempDir(), "farm.json")
	err := os.WriteFile(path, []byte(`{"format": "libmysqlfabric topology", "version": 2, "tables": [
		{"schema": "log", "table": "events", "column": "at", "type": "RANGE_DATETIME", "global_group": "global",
		 "shards": [{"id": 1, "lower_bound": "2000-01-01", "group": "old"},
		            {"id": 2, "lower_bound": "2020-01-01", "group": "new"}]}],
		"groups": [`+strings.Join(groups, ", ")+`]}`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	farm, err := mysqlfabric.Open("file:"+path, mysqlfabric.WithLeastWriteHold(10*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = farm.Close() })
	return farm
}

// A date is placed where the driver's text of it belongs.
func TestDatesAreTheDrivers(t *testing.T) {
	t.Parallel()
	cfg := mysql.NewConfig()
	pools := New(farm(t), cfg)
	defer pools.Close()
	cfg.Loc = time.FixedZone("far", 12*3600)
	far := New(pools.farm, cfg)
	defer far.Close()
	evening := time.Date(2019, 12, 31, 20, 0, 0, 0, time.UTC) // the next year is there in the far zone
	for _, c := range []struct {
		pools *Pools
		at    time.Time
		group string
	}{
		{pools, evening, "old"}, {pools, evening.In(cfg.Loc), "old"}, {far, evening, "new"}, {far, evening.In(cfg.Loc), "new"},
	} {
		db, err := c.pools.Shard(context.Background(), "log.events", c.at, mysqlfabric.ReadWrite)
		if err != nil {
			t.Fatal(err)
		}
		if wanted, _ := c.pools.Group(c.group, mysqlfabric.ReadWrite); db != wanted {
			t.Errorf("%v with %v is not in the group %s", c.at, c.pools.cfg.Loc, c.group)
		}
	}
}

// A wait that no context has ended is no context's error, and says what was refused last.
func TestWaitsHaveAnEnd(t *testing.T) {
	t.Parallel()
	pools := New(farm(t), mysql.NewConfig())
	defer pools.Close()
	pools.Wait = 300 * time.Millisecond
	db, err := pools.Group("old", mysqlfabric.ReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	if err = db.Ping(); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	soon, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := db.PingContext(soon); err == nil {
		t.Error("it answers")
	}
	if err = pools.farm.ReportErrno("00000000-0000-0000-0000-000000000001", 1836); err != nil {
		t.Fatal(err)
	}
	if _, err = pools.Shard(soon, "log.events", "2001-01-01", mysqlfabric.ReadWrite); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	_, err = pools.Shard(context.Background(), "log.events", "2001-01-01", mysqlfabric.ReadWrite)
	var refused *mysqlfabric.Error
	if !errors.As(err, &refused) || refused.Code != mysqlfabric.ErrWriteHeld || !refused.Retryable ||
		errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "300ms") {
		t.Error(err)
	}
}

// A server that takes connections and says nothing is one that is lost.
func TestSilentServers(t *testing.T) {
	t.Parallel()
	farm := farmAt(t, listen(t))
	c, err := NewConnector(farm, "old", mysqlfabric.ReadWrite, mysql.NewConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.attempt, c.Wait = 100*time.Millisecond, 50*time.Millisecond
	if _, err := c.Connect(context.Background()); !errors.Is(err, mysql.ErrInvalidConn) {
		t.Error(err)
	}
	health, err := farm.Health("old")
	if err != nil || health[0].Errno != 2013 || len(c.sockets.open) != 0 {
		t.Error(err, health, c.sockets.open)
	}
}

// Only what may pass is tried again, and not for ever.
func TestRetry(t *testing.T) {
	t.Parallel()
	pools := New(farm(t), mysql.NewConfig())
	defer pools.Close()
	pools.Wait = 200 * time.Millisecond
	readOnly := &mysql.MySQLError{Number: 1290, Message: "running with the --super-read-only option"}
	over, cancel := context.WithCancel(context.Background())
	for _, c := range []struct {
		err error
		is  bool
	}{
		{readOnly, true},
		{fmt.Errorf("paying: %w", readOnly), true},
		{errors.Join(mysql.ErrInvalidConn, errors.New("more")), true},
		{driver.ErrBadConn, true},
		{&mysqlfabric.Error{Code: mysqlfabric.ErrWriteHeld, Retryable: true}, true},
		{&mysqlfabric.Error{Code: mysqlfabric.ErrKeyType}, false},
		{&mysql.MySQLError{Number: 1290, Message: "running with the --secure-file-priv option"}, false},
		{&mysql.MySQLError{Number: 1792}, false},
		{&mysql.MySQLError{Number: 1062}, false},
		{sql.ErrNoRows, false},
		{context.Canceled, false},
	} {
		for _, last := range []error{nil, c.err} {
			runs := 0
			err := pools.RetryGroup(context.Background(), "old", mysqlfabric.ReadWrite, func(context.Context, *sql.DB) error {
				if runs++; runs > 1 {
					return last
				}
				return c.err
			})
			if (runs > 1) != c.is || c.is && err != last || !c.is && err != c.err {
				t.Errorf("%v: run %d times, and then %v", c.err, runs, err)
			}
		}
	}
	pools.Wait = time.Minute
	runs := 0
	tooLarge := &mysql.MySQLError{Number: 3100}
	err := pools.RetryGroup(context.Background(), "old", mysqlfabric.ReadWrite, func(context.Context, *sql.DB) error {
		if runs++; runs == 2 {
			return readOnly
		}
		return tooLarge
	})
	if runs != 2+hookTries || err != error(tooLarge) {
		t.Error(runs, err)
	}
	runs = 0
	err = pools.Retry(over, "log.events", "2001-01-01", mysqlfabric.ReadWrite, func(context.Context, *sql.DB) error {
		runs++
		cancel()
		return readOnly
	})
	if runs != 1 || !errors.Is(err, readOnly) || !errors.Is(err, context.Canceled) {
		t.Error(runs, err)
	}
}

func TestConfigurations(t *testing.T) {
	farm, err := mysqlfabric.Open("file:/no/such/farm.json")
	if err != nil {
		t.Fatal(err)
	}
	cfg := mysql.NewConfig()
	cfg.TLSConfig = "no such"
	if _, err := OpenDB(farm, "group", mysqlfabric.ReadWrite, cfg); err == nil {
		t.Error("an unknown TLS configuration is accepted")
	}
	pools := New(farm, cfg)
	if _, err := pools.Group("group", mysqlfabric.ReadWrite); err == nil {
		t.Error("an unknown TLS configuration is accepted")
	}
	pools = New(farm, mysql.NewConfig())
	db, err := pools.Group("group", mysqlfabric.ReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	if err := pools.Close(); err != nil {
		t.Error(err)
	}
	if _, err := pools.Group("group", mysqlfabric.ReadWrite); !errors.Is(err, mysqlfabric.ErrClosed) {
		t.Error(err)
	}
	if db.Ping() == nil {
		t.Error("a closed pool answers")
	}
	_ = farm.Close()
	db, err = OpenDB(farm, "group", mysqlfabric.ReadOnly, mysql.NewConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Ping(); !errors.Is(err, mysqlfabric.ErrClosed) {
		t.Error(err)
	}
}
