package fabricsql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-sql-driver/mysql"

	"mysqlfabric"
)

// How long a new connection may wait for a server that serves, unless its context ends it sooner; how long
// one attempt may take where the configuration has no Timeout; and the pauses between attempts at servers
// that refuse for a reason of the moment.
const (
	waitForServer  = 10 * time.Second
	connectTimeout = 5 * time.Second
	firstPause     = 10 * time.Millisecond
	longestPause   = 500 * time.Millisecond
)

// Connector makes connections to a group of a farm: to its primary for a mode that writes, else to its
// secondaries by weight. For sql.OpenDB.
type Connector struct {
	farm  *mysqlfabric.Farm
	group string
	mode  mysqlfabric.Mode
	cfg   *mysql.Config
	// losses counts, by the server's UUID, how often connections to it were lost: older ones are then
	// not used on.
	losses sync.Map
}

// NewConnector makes a Connector. cfg is copied; its Net and Addr are those of the server that is connected
// to, unless its Net is one of mysql.RegisterDialContext, which is then given each server's host:port.
// RejectReadOnly is turned off, since a Connector knows more.
func NewConnector(farm *mysqlfabric.Farm, group string, mode mysqlfabric.Mode, cfg *mysql.Config) (*Connector, error) {
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
	return &Connector{farm: farm, group: group, mode: mode, cfg: cfg}, nil
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

// Connect connects to a server that serves, and tries the next one where one cannot be reached: for 10 s, or
// as long as ctx allows.
func (c *Connector) Connect(ctx context.Context) (driver.Conn, error) {
	wait, cancel := context.WithTimeout(ctx, waitForServer)
	defer cancel()
	var refused error
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		server, err := c.farm.GroupWait(wait, c.group, c.mode)
		if err != nil {
			return nil, errors.Join(err, refused)
		}
		conn, err := c.connect(ctx, server)
		if err == nil {
			return conn, nil
		}
		if ctx.Err() != nil {
			return nil, err
		}
		if c.report(server, err)&mysqlfabric.ActionRetryElsewhere == 0 {
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

func (c *Connector) connect(ctx context.Context, server mysqlfabric.Server) (driver.Conn, error) {
	lost := c.lossesOf(server.UUID).Load()
	cfg := c.cfg.Clone()
	cfg.Addr = server.Addr()
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	raw, err := connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	whole, is := raw.(wholeConn)
	if !is {
		_ = raw.Close()
		return nil, fmt.Errorf("fabricsql: go-sql-driver's %T lacks an interface; use v1.10 or later", raw)
	}
	c.farm.Report(server, nil)
	return &conn{wholeConn: whole, of: c, server: server, lost: lost}, nil
}

func (c *Connector) lossesOf(uuid string) *atomic.Int64 {
	count, _ := c.losses.LoadOrStore(uuid, new(atomic.Int64))
	return count.(*atomic.Int64)
}

// report tells the farm of an error, and says what there is to do. A bad connection that was found before
// anything was sent is tried again by database/sql, and proves nothing.
func (c *Connector) report(server mysqlfabric.Server, err error) mysqlfabric.Action {
	if errors.Is(err, driver.ErrBadConn) {
		return mysqlfabric.ActionReconnect
	}
	action := c.farm.Report(server, err)
	if action&mysqlfabric.ActionQuarantine != 0 {
		c.lossesOf(server.UUID).Add(1)
	}
	return action
}

// serves says whether connections to a server are still what the pool is for.
func (c *Connector) serves(server mysqlfabric.Server) bool {
	ctx := context.Background()
	if c.mode == mysqlfabric.ReadWrite || c.mode == mysqlfabric.WriteOnly {
		now, err := c.farm.Group(ctx, c.group, c.mode)
		return err == nil && now.UUID == server.UUID
	}
	servers, err := c.farm.GroupServers(ctx, c.group)
	if err != nil {
		return true // nobody knows better
	}
	for _, now := range servers {
		if now.UUID == server.UUID {
			return now.Status == server.Status && now.Mode != mysqlfabric.Offline
		}
	}
	return false
}
