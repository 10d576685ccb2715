package fabricsql_test

import (
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"mysqlfabric"
	"mysqlfabric/fabricsql"
)

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
	t.Run("mistakes", func(t *testing.T) { checkMistakes(t, farm, db) })
	t.Run("time limits", func(t *testing.T) { checkTimeout(t, farm) })
	t.Run("nothing twice", func(t *testing.T) { checkNothingTwice(t, g) })
	checkService(t, db, g)

	w := &writers{db: db, t: t}
	defer w.end()
	w.start(plain)
	w.start(inTransaction)
	w.start(untilDone(pools))
	w.goOn()
	hung := make(chan error, 4)
	for range cap(hung) {
		go func() {
			_, err := db.ExecContext(ctx, "DO SLEEP(300)")
			hung <- err
		}()
	}
	eventually(t, "statements hang", func() bool {
		var count int
		err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM information_schema.processlist WHERE info = 'DO SLEEP(300)'").Scan(&count)
		return err == nil && count == cap(hung)
	})
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

	// What hangs at the former primary, as all does at a frozen one, is ended.
	for range cap(hung) {
		if err := <-hung; !errors.Is(err, mysql.ErrInvalidConn) {
			t.Error("what hung at the former primary:", err)
		}
	}

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
	if w.failedAgain.Load() != 0 {
		t.Errorf("%d rows failed although they were tried again", w.failedAgain.Load())
	}

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
