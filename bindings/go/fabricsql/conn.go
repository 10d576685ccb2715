package fabricsql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"strings"

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
	socket *socket // nil where it is not known
	// readOnly is whether it is in a transaction that BeginTx began for reads only.
	readOnly bool
	bad      bool
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

// readOnlyTransaction is the errno of a write in a transaction that only reads.
const readOnlyTransaction = 1792

// saw tells the farm what became of something, and gives the error on. Nothing that was sent is sent again
// from here: what a read-only server refuses may be the end of a CALL, of several statements, or of a
// transaction that was begun by SQL, and what was before it would be lost or done twice.
func (c *conn) saw(ctx context.Context, err error) error {
	err = ofDriver(err)
	switch {
	case err == driver.ErrSkip:
	case err != nil && c.bad:
		// Told already: a rollback behind a lost connection is no more news.
	case err != nil && c.socket.wasCut():
		c.bad = true // by this package, and the farm knows why
	case c.readOnly && isErrno(err, readOnlyTransaction):
		// The service's own mistake.
	default:
		const useless = mysqlfabric.ActionReconnect | mysqlfabric.ActionHoldWrites
		if c.of.report(ctx, c.server, err)&useless != 0 {
			c.bad = true
		}
	}
	return err
}

// isUnsent knows the error that the driver has for a write of which nothing was sent. It makes it driver.ErrBadConn
// where that was the first one of a command.
func isUnsent(err error) bool { return err != nil && err.Error() == "bad connection" }

// ofDriver is the driver's own error where it gives that of the network below it.
func ofDriver(err error) error {
	var network *net.OpError
	switch {
	case isUnsent(err):
		return mysql.ErrInvalidConn
	case errors.As(err, &network) && !errors.Is(err, mysql.ErrInvalidConn):
		return fmt.Errorf("%w: %w", mysql.ErrInvalidConn, err)
	}
	return err
}

// sendsMore says whether a statement has the driver send more than itself: a LOAD DATA LOCAL, and what is in a
// Reader can be sent once. Where the connection is lost meanwhile the driver may say driver.ErrBadConn, for which
// database/sql would send the statement again, with what is left of the data.
func sendsMore(query string) bool {
	return strings.Contains(strings.ToLower(query), "infile")
}

func isErrno(err error, number uint16) bool {
	var told *mysql.MySQLError
	return errors.As(err, &told) && told.Number == number
}

// Close is called once, whatever became of the connection.
func (c *conn) Close() error {
	c.socket.forget()
	return c.wholeConn.Close()
}

// IsValid is asked when the connection goes back to the pool. Whether the server still serves is asked when
// it is taken from there.
func (c *conn) IsValid() bool {
	return !c.bad && !c.socket.wasCut() && c.wholeConn.IsValid()
}

// ResetSession is asked when the connection is taken from the pool.
func (c *conn) ResetSession(ctx context.Context) error {
	if c.bad || !c.of.serves(c.server) {
		return driver.ErrBadConn
	}
	c.readOnly = false
	return c.wholeConn.ResetSession(ctx)
}

func (c *conn) Ping(ctx context.Context) error {
	return c.saw(ctx, c.wholeConn.Ping(ctx))
}

func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	result, err := c.wholeConn.ExecContext(ctx, query, args)
	switch {
	case err == driver.ErrSkip:
		return nil, err
	case err == driver.ErrBadConn && sendsMore(query):
		err = mysql.ErrInvalidConn
	}
	return result, c.saw(ctx, err)
}

func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.wholeConn.QueryContext(ctx, query, args)
	if err == driver.ErrSkip {
		return nil, err
	}
	return c.rows(ctx, rows), c.saw(ctx, err)
}

func (c *conn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	prepared, err := c.wholeConn.PrepareContext(ctx, query)
	if err = c.saw(ctx, err); err != nil {
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
	if err = c.saw(ctx, err); err != nil {
		return nil, err
	}
	c.readOnly = options.ReadOnly
	return &tx{begun, c}, nil
}

type tx struct {
	driver.Tx
	of *conn
}

func (t *tx) Commit() error {
	err := t.of.saw(context.Background(), t.Tx.Commit())
	t.of.readOnly = false
	return err
}

func (t *tx) Rollback() error {
	err := t.of.saw(context.Background(), t.Tx.Rollback())
	t.of.readOnly = false
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
	return result, s.of.saw(ctx, err)
}

func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := s.wholeStmt.QueryContext(ctx, args)
	return s.of.rows(ctx, rows), s.of.saw(ctx, err)
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
		return r.of.saw(r.ctx, err)
	}
	return err
}

func (r *rows) NextResultSet() error {
	err := r.wholeRows.NextResultSet()
	if err != nil && err != io.EOF {
		return r.of.saw(r.ctx, err)
	}
	return err
}
