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
	configure func(*sql.DB)
	mu        sync.Mutex
	pools     map[pool]*sql.DB
	closed    bool
}

type pool struct {
	group string
	mode  mysqlfabric.Mode
}

// New makes Pools. cfg is as for [NewConnector], and configure is called for each new pool, such as to set
// SetMaxOpenConns.
func New(farm *mysqlfabric.Farm, cfg *mysql.Config, configure ...func(*sql.DB)) *Pools {
	return &Pools{
		farm: farm, cfg: cfg.Clone(), pools: map[pool]*sql.DB{},
		configure: func(db *sql.DB) {
			for _, each := range configure {
				each(db)
			}
		},
	}
}

// Shard is the pool of the group that holds a table's rows of a key. It waits until that has a server for
// the mode, as [mysqlfabric.Farm.ServerWait] does, for as long as Wait says, or ctx allows: writes of a shard
// that is moved wait. Ask for each
// statement or transaction, and keep no pool for a key: shards move.
//
// A key that is a time.Time is what the driver writes into rows for it: what a clock in the configuration's
// Loc shows, which is UTC unless set.
func (p *Pools) Shard(ctx context.Context, table string, key any, mode mysqlfabric.Mode) (*sql.DB, error) {
	if at, is := key.(time.Time); is && p.cfg.Loc != nil {
		key = at.In(p.cfg.Loc)
	}
	server, err := p.farm.Server(ctx, table, key, mode)
	var refused *mysqlfabric.Error
	if errors.As(err, &refused) && refused.Retryable {
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
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, mysqlfabric.ErrClosed
	}
	of := pool{group, mode}
	if db := p.pools[of]; db != nil {
		return db, nil
	}
	connector, err := NewConnector(p.farm, group, mode, p.cfg)
	if err != nil {
		return nil, err
	}
	connector.Wait = p.Wait
	db := sql.OpenDB(connector)
	p.configure(db)
	p.pools[of] = db
	return db, nil
}

// Close closes all pools. The farm is the service's to close, behind them.
func (p *Pools) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	var failed []error
	for _, db := range p.pools {
		failed = append(failed, db.Close())
	}
	p.pools = nil
	return errors.Join(failed...)
}
