package fabricsql_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"mysqlfabric"
	"mysqlfabric/fabricsql"
)

var ctx = context.Background()

// group is a group of three real servers with Group Replication.
type group struct {
	t    *testing.T
	env  []string
	base int
}

func startGroup(t *testing.T) *group {
	t.Helper()
	cache, err := os.UserCacheDir()
	must(t, err)
	if _, err := os.Stat(filepath.Join(cache, "mysqlfabric", "servers", "mysql", "complete")); err != nil {
		missing := "NOT TESTED against real servers: tests/servers/fetch.sh mysql has not been run"
		if os.Getenv("CI") == "true" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	g := &group{t: t, base: freePorts(t)}
	g.env = append(os.Environ(), "FARM="+filepath.Join(t.TempDir(), "farm"), fmt.Sprint("PORT=", g.base))
	t.Cleanup(func() { g.run("stop") })
	g.run("start", "3")
	return g
}

// freePorts is a number behind which the ports of three servers and their group are free.
func freePorts(t *testing.T) int {
	t.Helper()
	for base := 23000; base < 24000; base += 100 {
		free := true
		for _, at := range []int{1, 2, 3, 51, 52, 53} {
			listener, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", base+at))
			if err != nil {
				free = false
				break
			}
			_ = listener.Close()
		}
		if free {
			return base
		}
	}
	t.Fatal("no free ports")
	return 0
}

func (g *group) run(args ...string) string {
	g.t.Helper()
	command := exec.Command(filepath.Join("..", "..", "..", "tests", "servers", "group_replication.sh"), args...)
	command.Env, command.Stderr = g.env, os.Stderr
	// The servers keep the output open: not to a pipe, which would be waited for.
	output, err := os.Create(filepath.Join(g.t.TempDir(), "output"))
	must(g.t, err)
	defer output.Close()
	command.Stdout = output
	if err := command.Run(); err != nil {
		g.t.Errorf("%v: %v", args, err)
	}
	told, err := os.ReadFile(output.Name())
	must(g.t, err)
	return strings.TrimSpace(string(told))
}

func (g *group) uuid(server int) string {
	return fmt.Sprintf("00000000-0000-0000-0000-%012d", g.base+server)
}

func (g *group) farm(options ...mysqlfabric.Option) *mysqlfabric.Farm {
	g.t.Helper()
	farm, err := mysqlfabric.Open(fmt.Sprintf("cluster://farm@127.0.0.1:%d,127.0.0.1:%d,127.0.0.1:%d?group=farm",
		g.base+1, g.base+2, g.base+3),
		append([]mysqlfabric.Option{
			mysqlfabric.WithMySQLCredentials("farm", "farm"), mysqlfabric.WithMySQLPasswordUnverified(),
		}, options...)...)
	must(g.t, err)
	g.t.Cleanup(func() { _ = farm.Close() })
	return farm
}

func config() *mysql.Config {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Passwd, cfg.AllowNativePasswords = "farm", "farm", true
	cfg.TLSConfig = "skip-verify"
	cfg.Logger = &mysql.NopLogger{}
	return cfg
}

func contextFor(timeout time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, timeout)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// writers insert numbered rows until they are told to stop, and count what became of each.
type writers struct {
	db           *sql.DB
	wait         sync.WaitGroup
	stop         atomic.Bool
	next         atomic.Int64
	acknowledged sync.Map
	failed       atomic.Int64
	last         atomic.Int64 // when one was acknowledged last, in ns
	t            *testing.T
}

func (w *writers) start(how func(db *sql.DB, id int64) error) {
	for range 8 {
		w.wait.Add(1)
		go func() {
			defer w.wait.Done()
			for !w.stop.Load() {
				id := w.next.Add(1)
				if err := how(w.db, id); err != nil {
					if w.failed.Add(1) <= 20 {
						w.t.Logf("row %d: %v", id, err)
					}
					time.Sleep(5 * time.Millisecond)
					continue
				}
				w.acknowledged.Store(id, true)
				w.last.Store(time.Now().UnixNano())
				time.Sleep(time.Millisecond)
			}
		}()
	}
}

func (w *writers) end() {
	w.stop.Store(true)
	w.wait.Wait()
}

// goOn waits until rows are written that were begun from now on.
func (w *writers) goOn() {
	w.t.Helper()
	from := time.Now()
	for w.last.Load() < from.UnixNano() {
		if time.Since(from) > time.Minute {
			w.t.Fatal("nothing is written any more")
		}
		time.Sleep(time.Millisecond)
	}
}

func plain(db *sql.DB, id int64) error {
	_, err := db.ExecContext(ctx, "INSERT INTO test.row VALUES (?)", id)
	return err
}

func inTransaction(db *sql.DB, id int64) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(ctx, "INSERT INTO test.row VALUES (?)", id); err != nil {
		return err
	}
	return tx.Commit()
}

func serverOf(db *sql.DB) (uuid string, err error) {
	err = db.QueryRowContext(ctx, "SELECT @@server_uuid").Scan(&uuid)
	return uuid, err
}

// A pool follows a planned change of the primary and the death of one, and no row is lost.
func TestPoolFollowsThePrimary(t *testing.T) {
	g := startGroup(t)
	farm := g.farm()
	pools := fabricsql.New(farm, config(), func(db *sql.DB) { db.SetMaxOpenConns(16); db.SetMaxIdleConns(16) })
	defer pools.Close()
	db, err := pools.Group("farm", mysqlfabric.ReadWrite)
	must(t, err)
	for _, statement := range []string{"CREATE DATABASE test", "CREATE TABLE test.row (id BIGINT PRIMARY KEY)"} {
		_, err = db.ExecContext(ctx, statement)
		must(t, err)
	}
	reads, err := pools.Group("farm", mysqlfabric.ReadOnly)
	must(t, err)
	again, err := pools.Group("farm", mysqlfabric.ReadOnly)
	must(t, err)
	if again != reads {
		t.Error("a second pool")
	}
	checkInterfaces(t, db, g)
	checkRefusals(t, farm)
	checkService(t, db, g)

	w := &writers{db: db, t: t}
	defer w.end()
	w.start(plain)
	w.start(inTransaction)
	w.goOn()
	readFrom(t, reads, g.uuid(1))

	begun := time.Now()
	g.run("promote", "2")
	w.goOn()
	eventually(t, "the pool is at the new primary", func() bool {
		uuid, err := serverOf(db)
		return err == nil && uuid == g.uuid(2)
	})
	planned := w.failed.Load()
	t.Logf("planned: %d of %d rows failed, and after %v all is at server 2", planned, w.next.Load(), time.Since(begun))
	eventually(t, "reads have left the new primary", func() bool {
		uuid, err := serverOf(reads)
		return err == nil && uuid != g.uuid(2)
	})
	readFrom(t, reads, g.uuid(2))

	begun = time.Now()
	g.run("kill", "2")
	w.goOn()
	eventually(t, "the pool is at the next primary", func() bool {
		uuid, err := serverOf(db)
		return err == nil && uuid != g.uuid(2)
	})
	t.Logf("killed: %d of %d rows failed, and after %v all is at the next primary", w.failed.Load()-planned, w.next.Load(), time.Since(begun))
	w.goOn()
	w.end()

	written := map[int64]bool{}
	rows, err := db.QueryContext(ctx, "SELECT id FROM test.row")
	must(t, err)
	for rows.Next() {
		var id int64
		must(t, rows.Scan(&id))
		written[id] = true
	}
	must(t, rows.Err())
	acknowledged := 0
	w.acknowledged.Range(func(id, _ any) bool {
		acknowledged++
		if !written[id.(int64)] {
			t.Errorf("row %d was acknowledged and is lost", id)
		}
		return true
	})
	t.Logf("%d rows acknowledged, %d written, %d failed", acknowledged, len(written), w.failed.Load())
	if acknowledged < 100 {
		t.Error("hardly any rows were written")
	}
}

// readFrom reads a number of times, in many connections, and from no server but the secondaries.
func readFrom(t *testing.T, db *sql.DB, primary string) {
	t.Helper()
	var wait sync.WaitGroup
	for range 20 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			uuid, err := serverOf(db)
			if err != nil || uuid == primary {
				t.Errorf("read from %s, the primary is %s: %v", uuid, primary, err)
			}
		}()
	}
	wait.Wait()
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
	}
}

// checkInterfaces uses all that database/sql finds in a driver's connections.
func checkInterfaces(t *testing.T, db *sql.DB, g *group) {
	t.Helper()
	must(t, db.PingContext(ctx))
	one, err := db.Conn(ctx)
	must(t, err)
	defer one.Close()
	must(t, one.Raw(func(driverConn any) error {
		server, is := fabricsql.Server(driverConn)
		if !is || server.UUID != g.uuid(1) || fabricsql.Unwrap(driverConn) == driverConn || fabricsql.Unwrap(1) != 1 {
			return fmt.Errorf("%+v of a %T", server, driverConn)
		}
		if _, is := fabricsql.Server(1); is {
			return errors.New("a number is a connection")
		}
		return nil
	}))
	prepared, err := one.PrepareContext(ctx, "SELECT CAST(? AS UNSIGNED), 'text', NULL, CAST(1.50 AS DECIMAL(5,2))")
	must(t, err)
	defer prepared.Close()
	rows, err := prepared.QueryContext(ctx, uint64(1<<63)) // NamedValueChecker: database/sql refuses it by itself
	must(t, err)
	defer rows.Close()
	types, err := rows.ColumnTypes()
	must(t, err)
	if types[1].DatabaseTypeName() != "VARCHAR" || types[1].ScanType() == nil {
		t.Error(types[1].DatabaseTypeName(), types[1].ScanType())
	}
	if nullable, known := types[2].Nullable(); !nullable || !known {
		t.Error("a NULL is not nullable")
	}
	if precision, scale, known := types[3].DecimalSize(); precision != 5 || scale != 2 || !known {
		t.Error(precision, scale, known)
	}
	if !rows.Next() {
		t.Fatal(rows.Err())
	}
	must(t, rows.Close())
	_, err = prepared.ExecContext(ctx, 1)
	must(t, err)
	tx, err := one.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted, ReadOnly: true})
	must(t, err)
	_, err = tx.ExecContext(ctx, "INSERT INTO test.row VALUES (0)")
	var refused *mysql.MySQLError
	if !errors.As(err, &refused) || refused.Number != 1792 {
		t.Errorf("in a transaction that only reads: %v", err)
	}
	must(t, tx.Rollback())
	rows, err = one.QueryContext(ctx, "SELECT 1")
	must(t, err)
	if rows.NextResultSet() || rows.Err() != nil {
		t.Error("a second result set", rows.Err())
	}
}
