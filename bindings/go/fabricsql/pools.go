package fabricsql

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"

	"mysqlfabric"
)

// Pools has a pool for each group and mode of a farm, made when it is first asked for. Any number of
// goroutines may use it.
type Pools struct {
	// Wait is how long a lookup or a new connection waits for a server that serves, unless its context ends it
	// sooner, and how long [Pools.Retry] tries; 0 is 30 s. Not to be changed once they are in use.
	Wait time.Duration

	farm      *mysqlfabric.Farm
	cfg       *mysql.Config
	configure []func(*sql.DB)
	mu        sync.Mutex
	pools     map[pool]*opened
	closed    bool
}

type pool struct {
	group string
	mode  mysqlfabric.Mode
}

// opened is a pool, or why there is none, once it has been asked for.
type opened struct {
	once sync.Once
	db   *sql.DB
	err  error
}

// New makes Pools. cfg is as for [NewConnector], and configure is called for each new pool, such as to set
// SetMaxOpenConns. It may use the Pools, but not ask for the pool that it is given: who does waits for it.
func New(farm *mysqlfabric.Farm, cfg *mysql.Config, configure ...func(*sql.DB)) *Pools {
	return &Pools{farm: farm, cfg: clone(cfg), configure: configure}
}

// clone leaves it to NewConnector to refuse no configuration.
func clone(cfg *mysql.Config) *mysql.Config {
	if cfg == nil {
		return nil
	}
	return cfg.Clone()
}

// Shard is the pool of the group that holds a table's rows of a key. It waits until that has a server for
// the mode, as [mysqlfabric.Farm.ServerWait] does, for as long as Wait says, or ctx allows: writes of a shard
// that is moved wait. Ask for each
// statement or transaction, and keep no pool for a key: shards move.
//
// A key that is a time.Time is what the driver writes into rows for it: what a clock in the configuration's
// Loc shows, which is UTC unless set.
func (p *Pools) Shard(ctx context.Context, table string, key any, mode mysqlfabric.Mode) (*sql.DB, error) {
	if at, is := key.(time.Time); is && p.cfg != nil && p.cfg.Loc != nil {
		key = at.In(p.cfg.Loc)
	}
	server, err := p.farm.Server(ctx, table, key, mode)
	if isRetryable(err) {
		wait, cancel := context.WithTimeout(ctx, patience(p.Wait))
		defer cancel()
		server, err = p.farm.ServerWait(wait, table, key, mode)
		if err != nil && ctx.Err() == nil && wait.Err() != nil {
			err = waited(p.Wait, err)
		}
	}
	if err != nil {
		return nil, err
	}
	return p.Group(server.Group, mode)
}

// Group is the pool of a group.
func (p *Pools) Group(group string, mode mysqlfabric.Mode) (*sql.DB, error) {
	of := pool{group, mode}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, mysqlfabric.ErrClosed
	}
	one := p.pools[of]
	if one == nil {
		if p.pools == nil {
			p.pools = map[pool]*opened{}
		}
		one = new(opened)
		p.pools[of] = one
	}
	p.mu.Unlock()
	// Nobody waits for who configures another pool.
	one.once.Do(func() { p.open(of, one) })
	return one.db, one.err
}

// open makes a pool; where that fails the next call tries again.
func (p *Pools) open(of pool, one *opened) {
	one.err = errors.New("fabricsql: the function that configures pools did not return")
	defer func() {
		if one.err != nil {
			p.mu.Lock()
			defer p.mu.Unlock()
			delete(p.pools, of)
		}
	}()
	connector, err := NewConnector(p.farm, of.group, of.mode, p.cfg)
	if err != nil {
		one.err = err
		return
	}
	connector.Wait = p.Wait
	db := sql.OpenDB(connector)
	defer func() {
		if one.db == nil {
			_ = db.Close()
		}
	}()
	for _, each := range p.configure {
		if each != nil {
			each(db)
		}
	}
	one.db, one.err = db, nil
}

// Close closes all pools. The farm is the service's to close, behind them.
func (p *Pools) Close() error {
	p.mu.Lock()
	pools := p.pools
	p.closed, p.pools = true, nil
	p.mu.Unlock()
	var failed []error
	for _, one := range pools {
		one.once.Do(func() { one.err = mysqlfabric.ErrClosed })
		if one.db != nil {
			failed = append(failed, one.db.Close())
		}
	}
	return errors.Join(failed...)
}
