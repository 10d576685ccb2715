package fabricsql

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"reflect"
	"strings"
	"sync/atomic"

	"github.com/go-sql-driver/mysql"

	"mysqlfabric"
)

// wholeConn is all that go-sql-driver's connections can.
type wholeConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// conn is a connection to a server of a farm. database/sql uses it in one goroutine at a time.
type conn struct {
	wholeConn
	of     *Connector
	server mysqlfabric.Server
	lost   int64 // how often connections to the server had been lost when this one began
	inTx   bool
	bad    bool
	// checked is the generation of the topology in which the server was found to serve, plus 1.
	checked atomic.Uint64
}

// Server is the one that a connection of this package's is to, for sql.Conn.Raw.
func Server(driverConn any) (server mysqlfabric.Server, is bool) {
	c, is := driverConn.(*conn)
	if !is {
		return server, false
	}
	return c.server, true
}

// Unwrap is go-sql-driver's connection, for sql.Conn.Raw; driverConn itself if it is none of this package's.
func Unwrap(driverConn any) any {
	if c, is := driverConn.(*conn); is {
		return c.wholeConn
	}
	return driverConn
}

// saw tells the farm what became of something.
func (c *conn) saw(ctx context.Context, err error) mysqlfabric.Action {
	if err != nil && ctx.Err() != nil {
		return 0
	}
	if err != nil && c.bad {
		return 0 // told already: a rollback behind a lost connection is no more news
	}
	action := c.of.report(c.server, err)
	if action&(mysqlfabric.ActionReconnect|mysqlfabric.ActionHoldWrites) != 0 {
		c.bad = true
	}
	return action
}

// after is saw for a statement: what it answers has database/sql try again where that is safe.
func (c *conn) after(ctx context.Context, err error) error {
	if c.saw(ctx, err)&mysqlfabric.ActionHoldWrites != 0 && c.wasRefused(err) {
		return driver.ErrBadConn
	}
	return err
}

// wasRefused says whether a statement was not executed because the server is read-only, and not the session
// or the file that it names.
func (c *conn) wasRefused(err error) bool {
	var refused *mysql.MySQLError
	if c.inTx || c.of.cfg.MultiStatements || !errors.As(err, &refused) {
		return false
	}
	const optionPreventsStatement, readOnlyMode = 1290, 1836
	return refused.Number == readOnlyMode ||
		refused.Number == optionPreventsStatement && strings.Contains(refused.Message, "read-only")
}

// IsValid is asked when the connection goes back to the pool.
func (c *conn) IsValid() bool {
	return !c.bad && c.wholeConn.IsValid() && c.isCurrent()
}

// ResetSession is asked when the connection is taken from the pool.
func (c *conn) ResetSession(ctx context.Context) error {
	if c.bad || !c.isCurrent() {
		return driver.ErrBadConn
	}
	c.inTx = false
	return c.wholeConn.ResetSession(ctx)
}

// isCurrent says whether the server still serves what the pool is for. Of a server for reads nothing but
// another topology changes that; of a primary a hold does, too, and so it is looked up.
func (c *conn) isCurrent() bool {
	if c.of.lossesOf(c.server.UUID).Load() != c.lost {
		return false
	}
	generation := c.of.farm.Generation() + 1
	writes := c.of.mode == mysqlfabric.ReadWrite || c.of.mode == mysqlfabric.WriteOnly
	if !writes && c.checked.Load() == generation {
		return true
	}
	if !c.of.serves(c.server) {
		return false
	}
	c.checked.Store(generation)
	return true
}

func (c *conn) Ping(ctx context.Context) error {
	return c.after(ctx, c.wholeConn.Ping(ctx))
}

func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	result, err := c.wholeConn.ExecContext(ctx, query, args)
	if err == driver.ErrSkip {
		return nil, err
	}
	return result, c.after(ctx, err)
}

func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.wholeConn.QueryContext(ctx, query, args)
	if err == driver.ErrSkip {
		return nil, err
	}
	return c.rows(ctx, rows), c.after(ctx, err)
}

func (c *conn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	prepared, err := c.wholeConn.PrepareContext(ctx, query)
	if err = c.after(ctx, err); err != nil {
		return nil, err
	}
	if whole, is := prepared.(wholeStmt); is {
		return &stmt{whole, c}, nil
	}
	return prepared, nil
}

func (c *conn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

func (c *conn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	begun, err := c.wholeConn.BeginTx(ctx, options)
	if err = c.after(ctx, err); err != nil {
		return nil, err
	}
	c.inTx = true
	return &tx{begun, c}, nil
}

type tx struct {
	driver.Tx
	of *conn
}

func (t *tx) Commit() error {
	err := t.Tx.Commit()
	t.of.saw(context.Background(), err)
	t.of.inTx = false
	return err
}

func (t *tx) Rollback() error {
	err := t.Tx.Rollback()
	t.of.saw(context.Background(), err)
	t.of.inTx = false
	return err
}

// wholeStmt is all that go-sql-driver's prepared statements can.
type wholeStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
	driver.NamedValueChecker
	ColumnConverter(index int) driver.ValueConverter
}

type stmt struct {
	wholeStmt
	of *conn
}

func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	result, err := s.wholeStmt.ExecContext(ctx, args)
	return result, s.of.after(ctx, err)
}

func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := s.wholeStmt.QueryContext(ctx, args)
	return s.of.rows(ctx, rows), s.of.after(ctx, err)
}

// wholeRows is all that go-sql-driver's rows can.
type wholeRows interface {
	driver.RowsNextResultSet
	driver.RowsColumnTypeDatabaseTypeName
	driver.RowsColumnTypeNullable
	driver.RowsColumnTypePrecisionScale
	ColumnTypeScanType(index int) reflect.Type
}

type rows struct {
	wholeRows
	ctx context.Context
	of  *conn
}

func (c *conn) rows(ctx context.Context, answered driver.Rows) driver.Rows {
	if whole, is := answered.(wholeRows); is {
		return &rows{whole, ctx, c}
	}
	return answered
}

func (r *rows) Next(to []driver.Value) error {
	err := r.wholeRows.Next(to)
	if err != nil && err != io.EOF {
		r.of.saw(r.ctx, err)
	}
	return err
}

func (r *rows) NextResultSet() error {
	err := r.wholeRows.NextResultSet()
	if err != nil && err != io.EOF {
		r.of.saw(r.ctx, err)
	}
	return err
}
