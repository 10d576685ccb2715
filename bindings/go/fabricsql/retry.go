package fabricsql

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"mysqlfabric"
)

// Retry runs work on the pool of [Pools.Shard], and again while it fails for a reason that passes: a server
// that was lost, or one that refuses writes. Work must be idempotent, since what was lost may have been done,
// its COMMIT too: such as a REPLACE, an UPDATE to a value, or a transaction that looks first. It begins anew
// each time, and returns the driver's errors or such that wrap them.
//
// It ends with ctx, with an error that does not pass, or after the first failure that [Pools.Wait] or later
// follows upon.
func (p *Pools) Retry(
	ctx context.Context, table string, key any, mode mysqlfabric.Mode,
	work func(ctx context.Context, db *sql.DB) error,
) error {
	return p.retry(ctx, work, func() (*sql.DB, error) { return p.Shard(ctx, table, key, mode) })
}

// RetryGroup is Retry on the pool of a group.
func (p *Pools) RetryGroup(
	ctx context.Context, group string, mode mysqlfabric.Mode,
	work func(ctx context.Context, db *sql.DB) error,
) error {
	return p.retry(ctx, work, func() (*sql.DB, error) { return p.Group(group, mode) })
}

func (p *Pools) retry(
	ctx context.Context, work func(context.Context, *sql.DB) error, pool func() (*sql.DB, error),
) error {
	last := time.Now().Add(patience(p.Wait))
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		db, err := pool()
		if err == nil {
			err = work(ctx, db)
		}
		if err == nil || !passes(err) || ctx.Err() != nil || time.Now().After(last) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// passes says whether the same may succeed later, or on another server.
func passes(err error) bool {
	var refused *mysqlfabric.Error
	if errors.As(err, &refused) {
		return refused.Retryable
	}
	// A transaction that only reads refuses writes again, wherever it is.
	errno := mysqlfabric.Errno(err)
	const again = mysqlfabric.ActionReconnect | mysqlfabric.ActionRetryElsewhere
	return errno != readOnlyTransaction && mysqlfabric.ErrnoAction(errno)&again != 0
}
