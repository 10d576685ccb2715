package fabricsql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/go-sql-driver/mysql"

	"mysqlfabric"
)

// hookFailed is the errno of a commit that Group Replication refuses. The server may be about to leave its group, for
// a moment, or the transaction is too large, for good: so many in a row, with pauses of 2.6 s, are the latter.
const (
	hookFailed = 3100
	hookTries  = 10
)

// Retry runs work on the pool of [Pools.Shard], and again while it fails for a reason that passes: a server
// that was lost, or one that refuses writes. Work must be idempotent, since what was lost may have been done,
// its COMMIT too: such as a REPLACE, an UPDATE to a value, or a transaction that looks first. It begins anew
// each time, and returns the driver's errors or such that wrap them.
//
// It ends with ctx, the error of which the last failure is then joined to, with an error that does not pass, or
// after the first failure that [Pools.Wait] or later follows upon. A commit that Group Replication refuses ten times
// in a row (3100) is too large. An attempt has no limit but ctx: where statements may hang, at a server that is cut
// off while it is still the primary, give the configuration a ReadTimeout, or have work use a context of its own with
// a limit, the end of which is a failure that passes.
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
	switch {
	case ctx == nil:
		panic("fabricsql: nil context")
	case work == nil:
		panic("fabricsql: Retry of a nil function")
	}
	hooks := 0
	last := time.Now().Add(patience(p.Wait))
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		db, err := pool()
		if err == nil {
			err = work(ctx, db)
		}
		if err == nil || !passes(err) {
			return err
		}
		if isErrno(err, hookFailed) {
			hooks++
		} else {
			hooks = 0
		}
		if hooks == hookTries {
			return err
		}
		if ctx.Err() != nil {
			return ended(ctx, err)
		}
		if time.Now().After(last) {
			return err
		}
		select {
		case <-ctx.Done():
			return ended(ctx, err)
		case <-time.After(pause):
		}
	}
}

// ended is the last failure of what a context has ended, and says so.
func ended(ctx context.Context, err error) error {
	if errors.Is(err, ctx.Err()) {
		return err
	}
	over := ctx.Err()
	if why := context.Cause(ctx); why != over {
		over = fmt.Errorf("%w: %w", over, why)
	}
	return fmt.Errorf("%w: %w", over, err)
}

// passes says whether the same may succeed later, or on another server. What is none of the driver's errors does
// not, such as one of another service that work asks, but for the end of a limit that work has set.
func passes(err error) bool {
	var refused *mysqlfabric.Error
	var told *mysql.MySQLError
	switch {
	case errors.As(err, &refused):
		return refused.Retryable
	case errors.As(err, &told):
		// A transaction that only reads refuses writes again, wherever it is.
		const again = mysqlfabric.ActionReconnect | mysqlfabric.ActionRetryElsewhere
		return told.Number != readOnlyTransaction && mysqlfabric.ErrnoAction(mysqlfabric.Errno(err))&again != 0
	default:
		return errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, driver.ErrBadConn) ||
			errors.Is(err, context.DeadlineExceeded)
	}
}
