package fabricsql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"time"

	"github.com/go-sql-driver/mysql"

	"mysqlfabric"
)

// How long a new connection waits for a server where nothing else is set; how long one attempt may take where
// the configuration has no Timeout, and with the handshake at least; and the pauses between attempts at
// servers that refuse for a reason of the moment.
const (
	defaultWait    = 30 * time.Second
	connectTimeout = 5 * time.Second
	firstPause     = 10 * time.Millisecond
	longestPause   = 500 * time.Millisecond
)

// Connector makes connections to a group of a farm: to its primary for a mode that writes, else to its
// secondaries by weight. For sql.OpenDB.
type Connector struct {
	// Wait is how long a new connection waits for a server that serves, unless its context ends it sooner;
	// 0 is 30 s. A group that the source does not know is not waited for. Not to be changed once it is in use.
	Wait time.Duration

	farm    *mysqlfabric.Farm
	group   string
	mode    mysqlfabric.Mode
	cfg     *mysql.Config
	attempt time.Duration // how long one may take with the handshake: a server that hangs takes what is dialed
	sockets *sockets      // nil where nothing is written
	health  *health       // nil where something is
	close   func()
}

// NewConnector makes a Connector. cfg is copied; its Net and Addr are those of the server that is connected
// to, unless its Net is one of mysql.RegisterDialContext, which is then given each server's host:port.
// RejectReadOnly is turned off, since a Connector knows more. sql.DB.Close closes it.
func NewConnector(farm *mysqlfabric.Farm, group string, mode mysqlfabric.Mode, cfg *mysql.Config) (*Connector, error) {
	if cfg == nil {
		return nil, errors.New("fabricsql: there is no configuration: give a *mysql.Config, such as mysql.NewConfig makes")
	}
	cfg = cfg.Clone()
	cfg.RejectReadOnly = false
	if cfg.Net == "" || cfg.Net == "unix" {
		cfg.Net = "tcp"
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = connectTimeout
	}
	if cfg.TLSConfig != "" {
		cfg.TLS = nil // made anew with each server's name
	}
	// What is wrong with it is said now.
	if _, err := mysql.NewConnector(cfg); err != nil {
		return nil, fmt.Errorf("fabricsql: %w", err)
	}
	c := &Connector{
		farm: farm, group: group, mode: mode, cfg: cfg,
		attempt: max(cfg.Timeout, connectTimeout),
	}
	if c.writes() {
		c.sockets = &sockets{group: group, open: map[*socket]struct{}{}}
		c.close = farm.OnEvent(c.sockets.hear)
	} else {
		known := new(health)
		c.health = known
		c.close = farm.OnEvent(func(mysqlfabric.Event) { known.forget() })
	}
	runtime.AddCleanup(c, func(stop func()) { stop() }, c.close)
	return c, nil
}

func (c *Connector) writes() bool {
	return c.mode == mysqlfabric.ReadWrite || c.mode == mysqlfabric.WriteOnly
}

// Close ends what the Connector hears of the farm. Its connections stay as they are.
func (c *Connector) Close() error {
	if c.close != nil {
		c.close()
	}
	return nil
}

// OpenDB is sql.OpenDB of a NewConnector.
func OpenDB(farm *mysqlfabric.Farm, group string, mode mysqlfabric.Mode, cfg *mysql.Config) (*sql.DB, error) {
	connector, err := NewConnector(farm, group, mode, cfg)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

// Driver is go-sql-driver's.
func (c *Connector) Driver() driver.Driver { return &mysql.MySQLDriver{} }

// Connect connects to a server that serves, and tries the next one where one cannot be reached: for as long as
// Wait says, or ctx allows.
func (c *Connector) Connect(ctx context.Context) (driver.Conn, error) {
	wait, cancel := context.WithTimeout(ctx, patience(c.Wait))
	defer cancel()
	var refused error
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		server, err := c.farm.Group(wait, c.group, c.mode)
		if isRetryable(err) {
			server, err = c.farm.GroupWait(wait, c.group, c.mode)
		}
		if err != nil {
			if ctx.Err() == nil && wait.Err() != nil {
				err = waited(c.Wait, err)
			}
			return nil, errors.Join(err, refused)
		}
		conn, err := c.connect(ctx, server)
		switch {
		case err == nil && c.writes() && !c.serves(server):
			// It took longer than what is open to a former primary is left.
			_ = conn.Close()
			err = fmt.Errorf("fabricsql: %s is a former primary: %w", server.Addr(), mysql.ErrInvalidConn)
		case err == nil:
			return conn, nil
		case ctx.Err() != nil || c.report(ctx, server, err)&mysqlfabric.ActionRetryElsewhere == 0:
			return nil, err
		}
		refused = err
		select {
		case <-wait.Done():
			return nil, refused
		case <-time.After(pause):
		}
	}
}

// isRetryable says whether the refusal of a lookup may pass: a group that is misspelt is waited for in vain.
func isRetryable(err error) bool {
	var refused *mysqlfabric.Error
	return errors.As(err, &refused) && refused.Retryable
}

func patience(wait time.Duration) time.Duration {
	if wait == 0 {
		return defaultWait
	}
	return wait
}

// waited is a refusal after a wait that no context of the caller's has ended: without that end.
func waited(wait time.Duration, err error) error {
	var refused *mysqlfabric.Error
	if !errors.As(err, &refused) {
		return err
	}
	return &mysqlfabric.Error{
		Code: refused.Code, Errno: refused.Errno, Retryable: refused.Retryable,
		Message: fmt.Sprintf("%s; %v have been waited for a server (see Wait)", refused.Message, patience(wait)),
	}
}

func (c *Connector) connect(ctx context.Context, server mysqlfabric.Server) (driver.Conn, error) {
	cfg := c.cfg.Clone()
	cfg.Addr = server.Addr()
	var socket *socket
	if by := c.dial(); c.sockets != nil && by != nil {
		socket, cfg.DialFunc = c.sockets.dialed(by, server.UUID)
	}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	attempt, cancel := context.WithTimeout(ctx, c.attempt)
	defer cancel()
	raw, err := connector.Connect(attempt)
	if err != nil {
		socket.forget()
		switch {
		case ctx.Err() != nil:
		case attempt.Err() != nil:
			err = fmt.Errorf("fabricsql: %s let nobody in within %v: %w", cfg.Addr, c.attempt, mysql.ErrInvalidConn)
		case hungUp(err):
			err = fmt.Errorf("fabricsql: %s hung up before it let in: %v: %w", cfg.Addr, err, mysql.ErrInvalidConn)
		}
		return nil, err
	}
	whole, is := raw.(wholeConn)
	if !is {
		socket.forget()
		_ = raw.Close()
		return nil, fmt.Errorf("fabricsql: go-sql-driver's %T lacks an interface; use v1.10 or later", raw)
	}
	c.farm.Report(server, nil)
	return &conn{wholeConn: whole, of: c, server: server, socket: socket}, nil
}

// hungUp knows what the driver, and TLS below it, answer raw where a server has ended the connection.
func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, driver.ErrBadConn) || isUnsent(err)
}

// dial is how servers are dialed; nil where the driver alone knows, a Net of mysql.RegisterDialContext.
func (c *Connector) dial() dial {
	switch {
	case c.cfg.DialFunc != nil:
		return c.cfg.DialFunc
	case c.cfg.Net == "tcp", c.cfg.Net == "tcp4", c.cfg.Net == "tcp6":
		return new(net.Dialer).DialContext
	default:
		return nil
	}
}

// report tells the farm of an error, and says what there is to do. A bad connection that was found before
// anything was sent is tried again by database/sql, and proves nothing.
func (c *Connector) report(ctx context.Context, server mysqlfabric.Server, err error) mysqlfabric.Action {
	if errors.Is(err, driver.ErrBadConn) {
		return mysqlfabric.ActionReconnect
	}
	action := c.farm.ReportContext(ctx, server, err)
	if action&mysqlfabric.ActionQuarantine != 0 && c.health != nil {
		c.health.forget()
	}
	return action
}

// serves says whether connections to a server are still what the pool is for. A primary is looked up, since
// writes may be held; of the others one is left out while it is quarantined. From memory.
func (c *Connector) serves(server mysqlfabric.Server) bool {
	if c.writes() {
		now, err := c.farm.Group(context.Background(), c.group, c.mode)
		return err == nil && now.UUID == server.UUID
	}
	servers, err := c.health.of(c.farm, c.group)
	if err != nil {
		return true // nobody knows better
	}
	for _, now := range servers {
		if now.Server.UUID == server.UUID {
			return now.Server.Status == server.Status && now.Server.Mode != mysqlfabric.Offline &&
				now.State != mysqlfabric.HealthLeftOut
		}
	}
	return false
}
