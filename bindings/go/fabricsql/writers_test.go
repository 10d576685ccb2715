package fabricsql_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mysqlfabric"
	"mysqlfabric/fabricsql"
)

// writers insert numbered rows until they are told to stop, and count what became of each.
type writers struct {
	db           *sql.DB
	wait         sync.WaitGroup
	stop         atomic.Bool
	next         atomic.Int64
	acknowledged sync.Map
	failed       atomic.Int64
	failedAgain  atomic.Int64 // of untilDone
	last         atomic.Int64 // when one was acknowledged last, in ns
	t            *testing.T
}

func (w *writers) start(how func(db *sql.DB, id int64) error) {
	for range 8 {
		w.wait.Add(1)
		go func() {
			defer w.wait.Done()
			for !w.stop.Load() {
				id := w.next.Add(1)
				if err := how(w.db, id); err != nil {
					if errors.Is(err, errAgain) {
						w.failedAgain.Add(1)
					}
					if w.failed.Add(1) <= 40 {
						w.t.Logf("row %d: %v", id, err)
					}
					time.Sleep(5 * time.Millisecond)
					continue
				}
				w.acknowledged.Store(id, true)
				w.last.Store(time.Now().UnixNano())
				time.Sleep(time.Millisecond)
			}
		}()
	}
}

func (w *writers) end() {
	w.stop.Store(true)
	w.wait.Wait()
}

// goOn waits until rows are written that were begun from now on.
func (w *writers) goOn() {
	w.t.Helper()
	from := time.Now()
	for w.last.Load() < from.UnixNano() {
		if time.Since(from) > time.Minute {
			w.t.Fatal("nothing is written any more")
		}
		time.Sleep(time.Millisecond)
	}
}

func plain(db *sql.DB, id int64) error {
	_, err := db.ExecContext(ctx, "INSERT INTO test.row VALUES (?)", id)
	return err
}

func inTransaction(db *sql.DB, id int64) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(ctx, "INSERT INTO test.row VALUES (?)", id); err != nil {
		return err
	}
	return tx.Commit()
}

var errAgain = errors.New("although it was tried again")

// untilDone writes what may be written twice, as often as it takes.
func untilDone(pools *fabricsql.Pools) func(*sql.DB, int64) error {
	return func(_ *sql.DB, id int64) error {
		err := pools.RetryGroup(ctx, "farm", mysqlfabric.ReadWrite, func(ctx context.Context, db *sql.DB) error {
			_, err := db.ExecContext(ctx, "REPLACE INTO test.row VALUES (?)", id)
			return err
		})
		if err != nil {
			return fmt.Errorf("%w: %w", errAgain, err)
		}
		return nil
	}
}
