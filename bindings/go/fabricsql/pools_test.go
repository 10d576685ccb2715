package fabricsql_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"mysqlfabric"
	"mysqlfabric/fabricsql"
)

// fileFarm is a farm of two groups, a and b, each a primary at a port.
func fileFarm(t *testing.T, port int, options ...mysqlfabric.Option) *mysqlfabric.Farm {
	t.Helper()
	file := filepath.Join(t.TempDir(), "farm.json")
	must(t, os.WriteFile(file, fmt.Appendf(nil, `{"format": "libmysqlfabric topology", "version": 2, "tables": [], "groups": [
		{"id": "a", "servers": [{"uuid": "a1", "host": "127.0.0.1", "port": %d, "mode": "READ_WRITE", "status": "PRIMARY", "weight": 1}]},
		{"id": "b", "servers": [{"uuid": "b1", "host": "127.0.0.1", "port": %d, "mode": "READ_WRITE", "status": "PRIMARY", "weight": 1}]}]}`, port, port), 0o600))
	farm, err := mysqlfabric.Open("file:"+file, options...)
	must(t, err)
	t.Cleanup(func() { _ = farm.Close() })
	return farm
}

// What configures a pool may use the Pools, and holds up nobody but who wants the same one.
func TestConfigure(t *testing.T) {
	t.Parallel()
	farm := fileFarm(t, 1)
	var pools *fabricsql.Pools
	var mu sync.Mutex
	made := 0
	in, out := make(chan struct{}, 1), make(chan struct{})
	pools = fabricsql.New(farm, config(), nil, func(*sql.DB) {
		mu.Lock()
		made++
		first := made == 1
		mu.Unlock()
		if first {
			if _, err := pools.Group("b", mysqlfabric.ReadWrite); err != nil {
				t.Error(err)
			}
			in <- struct{}{}
			<-out
		}
	})
	var all sync.WaitGroup
	got := make([]*sql.DB, 4)
	for at := range got {
		all.Add(1)
		go func() {
			defer all.Done()
			var err error
			if got[at], err = pools.Group("a", mysqlfabric.ReadWrite); err != nil {
				t.Error(err)
			}
		}()
	}
	<-in
	_, err := pools.Group("b", mysqlfabric.ReadOnly)
	must(t, err)
	close(out)
	all.Wait()
	for _, db := range got {
		if db == nil || db != got[0] {
			t.Error("several pools of one group")
		}
	}
	if made != 3 {
		t.Error(made, "pools")
	}
	must(t, pools.Close())
	if err := got[0].Ping(); err == nil {
		t.Error("a pool is open")
	}
	if _, err := pools.Group("b", mysqlfabric.ReadOnly); err != mysqlfabric.ErrClosed {
		t.Error(err)
	}

	// It fails, and the next call tries again.
	for _, fails := range []func(){func() { panic("a test's") }, runtime.Goexit} {
		calls := 0
		pools = fabricsql.New(farm, config(), nil, func(*sql.DB) {
			if calls++; calls == 1 {
				fails()
			}
		})
		over := make(chan struct{})
		go func() {
			defer close(over)
			defer func() { _ = recover() }()
			_, _ = pools.Group("a", mysqlfabric.ReadWrite)
		}()
		<-over
		_, err := pools.Group("a", mysqlfabric.ReadWrite)
		must(t, err)
		must(t, pools.Close())
	}
}

// What does not exist is refused at once.
func TestUnknownGroup(t *testing.T) {
	t.Parallel()
	pools := fabricsql.New(fileFarm(t, 1), config())
	defer pools.Close()
	pools.Wait = 2 * time.Second
	err := pools.RetryGroup(ctx, "misspelt", mysqlfabric.ReadWrite, pingIt)
	if !errors.Is(err, mysqlfabric.ErrUnknownGroup) || strings.Contains(err.Error(), "waited") {
		t.Error(err)
	}
}

func pingIt(ctx context.Context, db *sql.DB) error { return db.PingContext(ctx) }

// What has no farm or no configuration is refused, and so is no context.
func TestNothing(t *testing.T) {
	t.Parallel()
	for _, pools := range []*fabricsql.Pools{
		{}, fabricsql.New(nil, config()), fabricsql.New(fileFarm(t, 1), nil), fabricsql.New(new(mysqlfabric.Farm), config(), nil),
	} {
		if err := pools.RetryGroup(ctx, "a", mysqlfabric.ReadWrite, pingIt); err == nil {
			t.Error("there is a pool")
		}
		if _, err := pools.Shard(ctx, "a.b", time.Now(), mysqlfabric.ReadWrite); err == nil {
			t.Error("there is a shard")
		}
		for why, call := range map[string]func() error{
			"nil context":  func() error { return pools.RetryGroup(nil, "a", mysqlfabric.ReadWrite, pingIt) },
			"nil function": func() error { return pools.RetryGroup(ctx, "a", mysqlfabric.ReadWrite, nil) },
		} {
			func() {
				defer func() {
					if said := fmt.Sprint(recover()); !strings.Contains(said, why) {
						t.Errorf("%s: %s", why, said)
					}
				}()
				_ = call()
			}()
		}
		must(t, pools.Close())
	}
	none := new(fabricsql.Connector)
	if _, err := none.Connect(ctx); !errors.Is(err, mysqlfabric.ErrClosed) {
		t.Error(err)
	}
	must(t, none.Close())
}
