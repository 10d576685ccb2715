package fabricsql_test

import (
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"mysqlfabric"
	"mysqlfabric/fabricsql"
)

func isNumber(err error, number uint16) bool {
	var told *mysql.MySQLError
	return errors.As(err, &told) && told.Number == number
}

func count(t *testing.T, db *sql.DB, what string) (rows int) {
	t.Helper()
	must(t, db.QueryRowContext(ctx, "SELECT COUNT(*) FROM test."+what).Scan(&rows))
	return rows
}

func isHeld(t *testing.T, farm *mysqlfabric.Farm) bool {
	t.Helper()
	groups, err := farm.Groups()
	must(t, err)
	return groups[0].WritesHeld
}

// checkMistakes sees that a client's own mistakes hold no writes of others. Behind writes that pass.
func checkMistakes(t *testing.T, farm *mysqlfabric.Farm, db *sql.DB) {
	t.Helper()
	if _, err := db.ExecContext(ctx, "SELECT 1 INTO OUTFILE '/none'"); !isNumber(err, 1290) {
		t.Error("a file that may not be written:", err)
	}
	if isHeld(t, farm) {
		t.Error("writes are held because of a file")
	}
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	must(t, err)
	if _, err = tx.ExecContext(ctx, "INSERT INTO test.row VALUES (0)"); !isNumber(err, 1792) {
		t.Error("a write in a transaction that only reads:", err)
	}
	must(t, tx.Rollback())
	if isHeld(t, farm) {
		t.Error("writes are held because of a transaction that only reads")
	}
}

// checkNothingTwice has the primary become read-only in the middle: what was done before is neither done
// again nor forgotten, and the caller hears of it.
func checkNothingTwice(t *testing.T, g *group) {
	t.Helper()
	farm := g.farm(mysqlfabric.WithLeastWriteHold(200 * time.Millisecond))
	db, err := fabricsql.OpenDB(farm, "farm", mysqlfabric.ReadWrite, config())
	must(t, err)
	defer db.Close()
	for _, statement := range []string{
		"CREATE TABLE test.debit (id BIGINT AUTO_INCREMENT PRIMARY KEY)", "CREATE TABLE test.credit LIKE test.debit",
		"CREATE PROCEDURE test.pay() BEGIN INSERT INTO test.debit VALUES (); DO SLEEP(0.7); INSERT INTO test.credit VALUES (); END",
	} {
		_, err := db.ExecContext(ctx, statement)
		must(t, err)
	}
	cfg := config()
	cfg.Params = map[string]string{"autocommit": "0"}
	manual, err := fabricsql.OpenDB(farm, "farm", mysqlfabric.ReadWrite, cfg)
	must(t, err)
	defer manual.Close()
	manual.SetMaxOpenConns(1)
	one, err := db.Conn(ctx)
	must(t, err)
	defer one.Close()
	_, err = one.ExecContext(ctx, "BEGIN")
	must(t, err)
	paid := make(chan error, 1)
	go func() {
		_, err := db.ExecContext(ctx, "CALL test.pay()")
		paid <- err
	}()
	eventually(t, "it pays", func() bool { return count(t, db, "debit") == 1 })

	g.run("sql", "1", "SET GLOBAL super_read_only = ON")
	// On a machine that is busy it may be cut before it is refused.
	if err := <-paid; !isNumber(err, 1290) && !errors.Is(err, mysql.ErrInvalidConn) {
		t.Error("a CALL that was refused in the middle:", err)
	}
	_, err = one.ExecContext(ctx, "INSERT INTO test.debit VALUES ()")
	if !isNumber(err, 1290) && !errors.Is(err, mysql.ErrInvalidConn) {
		t.Error("a statement of a transaction that SQL began:", err)
	}
	g.run("sql", "1", "SET GLOBAL read_only = OFF")
	writes := func() bool {
		_, err := db.ExecContext(ctx, "DO 1")
		return err == nil && !isHeld(t, farm)
	}
	eventually(t, "writes go on", writes)
	if debit, credit := count(t, db, "debit"), count(t, db, "credit"); debit != 1 || credit != 0 {
		t.Errorf("paid once, refused in the middle: debit %d, credit %d", debit, credit)
	}

	_, err = manual.ExecContext(ctx, "INSERT INTO test.debit VALUES ()")
	must(t, err)
	g.run("sql", "1", "SET GLOBAL super_read_only = ON")
	if _, err = manual.ExecContext(ctx, "INSERT INTO test.debit VALUES ()"); err == nil {
		t.Error("the second statement of a transaction is done, and the first one is not")
	}
	g.run("sql", "1", "SET GLOBAL read_only = OFF")
	eventually(t, "writes go on", writes)
}

// checkTimeout sees that a statement that takes too long for the driver costs no connection but its own.
func checkTimeout(t *testing.T, farm *mysqlfabric.Farm) {
	t.Helper()
	cfg := config()
	cfg.ReadTimeout = 2 * time.Second
	db, err := fabricsql.OpenDB(farm, "farm", mysqlfabric.ReadWrite, cfg)
	must(t, err)
	defer db.Close()
	db.SetMaxIdleConns(4)
	ids := func() map[int64]bool {
		var conns []*sql.Conn
		found := map[int64]bool{}
		for range 3 {
			one, err := db.Conn(ctx)
			must(t, err)
			conns = append(conns, one)
			var id int64
			must(t, one.QueryRowContext(ctx, "SELECT CONNECTION_ID()").Scan(&id))
			found[id] = true
		}
		for _, one := range conns {
			must(t, one.Close())
		}
		return found
	}
	before := ids()
	slow, err := db.Conn(ctx)
	must(t, err)
	var own int64
	must(t, slow.QueryRowContext(ctx, "SELECT CONNECTION_ID()").Scan(&own))
	if _, err = slow.ExecContext(ctx, "DO SLEEP(30)"); err == nil {
		t.Error("it waits longer than ReadTimeout")
	}
	_ = slow.Close()
	eventually(t, "the server is back", func() bool {
		_, err := farm.Group(ctx, "farm", mysqlfabric.ReadWrite)
		return err == nil
	})
	kept := 0
	for id := range ids() {
		if before[id] && id != own {
			kept++
		}
	}
	if kept != 2 {
		t.Errorf("%d of 2 idle connections are kept", kept)
	}
}
