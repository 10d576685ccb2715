package mysqlfabric

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	salaries = "employees.salaries"
	primary  = "aa9b1821-e706-11f1-b000-02fc00000001"
	third    = "aacdbf69-e706-11f1-b000-02fc00000001"
)

func refreshedBy(callers bool) Option {
	if callers {
		return WithoutBackgroundRefresh()
	}
	return WithTTL(0, 0)
}

func group(t *testing.T, h *Farm, table string, key any) string {
	t.Helper()
	s, err := h.Server(ctx, table, key, ReadWrite)
	must(t, err)
	return s.Group
}

func TestVersion(t *testing.T) {
	if strings.Count(Version(), ".") != 2 {
		t.Fatal(Version())
	}
	same(t, ErrUnknownTable, "unknown table")
	same(t, Code(12345), "unknown status")
}

func TestShardServers(t *testing.T) {
	h := start(t).farm()
	for _, c := range []struct {
		table, group string
		key          any
	}{
		{salaries, "shard1", 1},
		{salaries, "shard2", "10021"},
		{"employees.dept_emp", "shard3", 1<<63 - 1},
		{"shop.orders", "shard1", -1},
		{"shop.orders", "shard3", int64(1e12)},
		{"log.events", "shard1", "2009-12-31 23:59:59"},
		{"log.events", "shard2", "2009-12-31T23:59:59.5"},
		{"log.events", "shard3", "20200615"},
		{"crm.names", "shard2", "Zoë"},
		{"crm.names", "shard3", "m\x00"},
		{"crm.names", "shard4", "日本"},
		{"hashdb.users", "shard1", ""},
		{"hashdb.users", "shard1", 5},
		{"hashdb.accounts", "shard4", -1},
		{salaries, "shard2", uint64(10021)},
		{"employees.dept_emp", "shard3", uint64(1 << 63)},
		{"hashdb.users", "shard1", uint64(5)},
		{"hashdb.accounts", "shard3", uint64(1<<64 - 1)},
	} {
		for _, mode := range []Mode{AnyMode, ReadOnly, WriteOnly, ReadWrite} {
			s, err := h.Server(ctx, c.table, c.key, mode)
			must(t, err)
			writes := mode == WriteOnly || mode == ReadWrite
			lone := c.group == "shard3" || c.group == "shard4"
			if s.Group != c.group || (s.Status == Primary) != (writes || lone) || s.Weight <= 0 {
				t.Errorf("%s %+v mode %d: %+v", c.table, c.key, mode, s)
			}
			s, err = h.Global(ctx, c.table, mode)
			must(t, err)
			if s.Group != "global" || (s.Port == 33601) != writes {
				t.Errorf("%s global, mode %d: %+v", c.table, mode, s)
			}
		}
	}
	table, err := h.Table(ctx, salaries, "employees.dept_emp", "disabled_db.t")
	must(t, err)
	s, err := table.Server(ctx, 50, ReadWrite)
	must(t, err)
	same(t, s, Server{primary, "shard1", "127.0.0.1", 33611, ReadWrite, Primary, 1})
}

func TestTables(t *testing.T) {
	h := start(t).farm()
	table, err := h.Table(ctx, "employees.salaries", "employees.dept_emp")
	if err != nil {
		t.Fatal(err)
	}
	defer table.Close()
	for _, key := range []int64{1, 10000, 10001, 30000} {
		opened, err := table.Server(ctx, key, ReadWrite)
		if err != nil {
			t.Fatal(err)
		}
		named, err := h.Server(ctx, "employees.salaries", key, ReadWrite)
		if err != nil || opened != named {
			t.Errorf("key %d: %v by an opened table, %v by name (%v)", key, opened, named, err)
		}
	}
	if _, err := table.Server(ctx, 0, ReadWrite); err == nil {
		t.Error("a key below the lowest bound was answered")
	}
	if _, err := h.Table(ctx, "employees.nothing"); err == nil {
		t.Error("an unknown table was opened")
	}
}

func TestGroups(t *testing.T) {
	h := start(t).farm()
	s, err := h.GroupByStatus(ctx, "shard1", Primary)
	must(t, err)
	same(t, s.Port, 33611)
	s, err = h.GroupByStatus(ctx, "shard2", Secondary)
	must(t, err)
	same(t, s.Port, 33622)
	_, err = h.GroupByStatus(ctx, "shard2", Spare)
	wants(t, err, ErrNoServer, 0)
	_, err = h.core.groupServer(ctx, "shard1", ReadOnly, Primary)
	wants(t, err, ErrArgument, 0)

	// Turns are each thread's own.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	reads := map[uint16]int{}
	for i := 0; i < 500; i++ {
		s, err = h.Group(ctx, "shard1", ReadOnly)
		must(t, err)
		reads[s.Port]++
	}
	same(t, reads, map[uint16]int{33612: 400, 33613: 100})

	servers, err := h.GroupServers(ctx, "shard2")
	must(t, err)
	same(t, servers[2].Mode, Offline)
	same(t, servers[2].Status, Spare)
	servers, err = h.GroupServersNow(ctx, "emptygrp")
	wants(t, err, ErrUnknownGroup, 0)
	same(t, len(servers), 0)
}

func TestListsThatGrow(t *testing.T) {
	d := start(t)
	for at := 0; at < 100; at++ {
		id := fmt.Sprintf("uuid-%03d", at)
		d.command("add_server", "big", id, "db", "3306", "SECONDARY", "READ_ONLY", "2.5")
	}
	servers, err := d.farm().GroupServersNow(ctx, "big")
	must(t, err)
	same(t, len(servers), 100)
	same(t, servers[99], Server{"uuid-099", "big", "db", 3306, ReadOnly, Secondary, 2.5})
}

func TestShards(t *testing.T) {
	h := start(t).farm()
	shards, err := h.Shards(ctx, salaries)
	must(t, err)
	same(t, shards, []Shard{
		{1, Range, "1", "shard1", "global", "emp_no", ShardEnabled},
		{2, Range, "10001", "shard2", "global", "emp_no", ShardEnabled},
		{3, Range, "20001", "shard3", "global", "emp_no", ShardEnabled},
	})
	for table, kind := range map[string]Sharding{
		"shop.orders": RangeInteger, "log.events": RangeDatetime, "crm.names": RangeString,
		"hash2.t": Hash,
	} {
		shards, err = h.Shards(ctx, table)
		must(t, err)
		same(t, shards[0].Type, kind)
	}
	_, err = h.Shards(ctx, "no.such")
	wants(t, err, ErrUnknownTable, 1051)
}

func TestFacts(t *testing.T) {
	d := start(t)
	h := d.farm(WithTTL(5*time.Second, 0))
	same(t, h.Generation(), 0)
	if h.Age() >= 0 || h.TTL() >= 0 {
		t.Fatal(h.Age(), h.TTL())
	}
	must(t, h.Seed(ctx))
	same(t, h.Generation(), 1)
	same(t, h.TTL(), 5*time.Second)
	same(t, h.User(), "admin")
	uuid, err := h.FabricUUID()
	must(t, err)
	same(t, len(uuid), 36)
	nodes, err := h.FabricNodes(ctx)
	must(t, err)
	same(t, nodes, []Node{d.node})
	if h.Age() < 0 || h.Age() > 5*time.Second {
		t.Fatal(h.Age())
	}
}

func TestRefresh(t *testing.T) {
	for _, callers := range []bool{false, true} {
		d := start(t)
		h := d.farm(refreshedBy(callers), WithTTL(0, 50*time.Millisecond))
		same(t, group(t, h, "crm.names", "B"), "shard1")
		d.command("move_shard", "10", "shard4")
		eventually(t, "the shard moves", func() bool {
			return group(t, h, "crm.names", "B") == "shard4"
		})
	}
}

func TestCache(t *testing.T) {
	d := start(t)
	h := d.farm(long)
	must(t, h.Prefetch(ctx, salaries, "shop.orders"))
	requests := len(d.command("requests"))
	group(t, h, salaries, 1)
	same(t, len(d.command("requests")), requests)
	must(t, h.Prefetch(ctx))
	d.command("promote", "shard1", third)
	for _, name := range []string{"shard1", ""} {
		must(t, h.ResetCache(name))
		s, err := h.Group(ctx, "shard1", ReadWrite)
		must(t, err)
		same(t, s.UUID, third)
	}
	wants(t, h.Prefetch(ctx, "no.such"), ErrUnknownTable, 1051)
}

func TestErrors(t *testing.T) {
	d := start(t)
	h := d.farm()
	ask := func(key any, mode Mode, tables ...string) error {
		if len(tables) == 1 {
			_, err := h.Server(ctx, tables[0], key, mode)
			return err
		}
		table, err := h.Table(ctx, tables...)
		if err == nil {
			_, err = table.Server(ctx, key, mode)
		}
		return err
	}
	wants(t, ask(1, AnyMode), ErrArgument, 0)
	wants(t, ask(1, 9, salaries), ErrArgument, 0)
	wants(t, ask(1, AnyMode, "db.\xff"), ErrInvalidUTF8, 0)
	wants(t, ask(1, AnyMode, "salaries"), ErrTableName, 0)
	wants(t, ask(1, AnyMode, "a.b\x00c"), ErrArgument, 0)
	wants(t, ask(1, AnyMode, "a.b\x00c", salaries), ErrArgument, 0)
	wants(t, ask(1, AnyMode, "a."+strings.Repeat("b", 5000)), ErrArgument, 0)
	wants(t, ask(1, AnyMode, ""), ErrTableName, 0)
	wants(t, ask(nil, AnyMode, salaries), ErrKeyMissing, 0)
	wants(t, ask("x", AnyMode, salaries), ErrKeyType, 0)
	wants(t, ask(0, AnyMode, salaries), ErrKeyOutOfRange, 0)
	wants(t, ask(1, AnyMode, "no.such"), ErrUnknownTable, 1051)
	wants(t, ask(-5, AnyMode, "hash2.t", "shop.orders"), ErrDifferentShards, 0)
	_, err := h.Group(ctx, "nosuch", ReadOnly)
	e := wants(t, err, ErrUnknownGroup, 0)
	if !strings.Contains(e.Error(), "(unknown group, errno 0)") {
		t.Fatal(e)
	}
	if err := fmt.Errorf("wrapped: %w", err); !errors.As(err, &e) {
		t.Fatal("errors.As")
	}
	_, err = h.Execute(ctx, "no", "such")
	wants(t, err, ErrFabric, 0)
	wants(t, h.SeedFrom(ctx, Node{Host: "http://x/"}), ErrArgument, 0)
	wants(t, h.ReportFailure("", 2003), ErrArgument, 0)

	mapping := d.command("add_mapping", "RANGE_FUTURE", "global")[0][0]
	d.command("add_table", mapping, "odd.t", "id")
	d.command("add_shard", mapping, "1", "shard1")
	wants(t, ask(1, AnyMode, "odd.t"), ErrUnsupportedSharding, 0)

	d.command("demote", "shard1")
	must(t, h.ResetCache("shard1"))
	_, err = h.Group(ctx, "shard1", ReadWrite)
	wants(t, err, ErrNoServer, 0)
}

func TestTheWayToFabric(t *testing.T) {
	h := open(t, WithConnectAttempts(1))
	wants(t, h.Seed(ctx), ErrNotSeeded, 2003)
	gone := dead(t)
	h = open(t, WithNode(gone.Host, gone.Port), WithConnectAttempts(2), WithConnectDelay(0))
	wants(t, h.Seed(ctx), ErrUnreachable, 2003)

	d := start(t)
	wants(t, d.farm(WithCredentials("admin", "x")).Seed(ctx), ErrAuth, 1045)
	connector := d.farm(WithCredentials("conn", "connpw"))
	must(t, connector.Seed(ctx))
	_, err := connector.Execute(ctx, "group", "lookup_groups")
	wants(t, err, ErrForbidden, 1370)

	d.command("fault", "hang", "", "-1")
	quick := d.farm(WithRequestTimeout(200 * time.Millisecond))
	wants(t, quick.Seed(ctx), ErrTimeout, 2013)
	d.command("fault", "garbage", "", "-1")
	wants(t, d.farm().Seed(ctx), ErrProtocol, 2027)
	d.command("fault", "oversized", "gzip", "-1")
	small := d.farm(WithMaxReplyBytes(100000))
	wants(t, small.Seed(ctx), ErrReplyTooLarge, 2027)
	d.command("fault", "error", "on fire", "-1")
	wants(t, d.farm().Seed(ctx), ErrFabric, 0)

	d.command("fault", "none")
	h = d.farm(WithMaxStale(300*time.Millisecond), WithTTL(0, 50*time.Millisecond))
	group(t, h, salaries, 1)
	d.command("fault", "close", "", "-1")
	eventually(t, "the topology is too old", func() bool {
		_, err = h.Server(ctx, salaries, 1, ReadWrite)
		return err != nil
	})
	wants(t, err, ErrStale, 0)
}

func TestSeveralNodes(t *testing.T) {
	d, gone := start(t), dead(t)
	h := open(t, append([]Option{WithNode(gone.Host, gone.Port)}, d.options()...)...)
	same(t, group(t, h, salaries, 1), "shard1")
	nodes, err := h.FabricNodes(ctx)
	must(t, err)
	same(t, nodes, []Node{gone, d.node})

	h = open(t, WithCredentials("admin", "secret"), WithConnectAttempts(1))
	must(t, h.SeedFrom(ctx, d.node))
	same(t, group(t, h, salaries, 1), "shard1")
	d.stop()
	must(t, h.ResetCache(""))
	same(t, group(t, h, salaries, 1), "shard1")
}

func TestExecute(t *testing.T) {
	d := start(t)
	h := d.farm()
	sets, err := h.Execute(ctx, "group", "lookup_groups", "shard1")
	must(t, err)
	same(t, sets[0].Columns, "[group_id description failure_detector master_uuid]")
	same(t, *sets[0].Rows[0][3], primary)
	sets, err = h.Execute(ctx, "group", "promote", "shard1")
	must(t, err)
	same(t, len(sets), 2)
	sets, err = h.Execute(ctx, "manage", "ping")
	must(t, err)
	same(t, len(sets), 0)
}

func TestGenerationOne(t *testing.T) {
	h := start(t, "--farm", data("farm-gen1.json")).farm()
	same(t, group(t, h, salaries, 10001), "shard2")
	uuid, err := h.FabricUUID()
	must(t, err)
	same(t, uuid, "")
	sets, err := h.Execute(ctx, "group", "lookup_groups")
	must(t, err)
	same(t, len(sets), 1)
}

// 64 goroutines look up, list, reset and fetch on one Farm that logs.
func TestGoroutines(t *testing.T) {
	for _, callers := range []bool{false, true} {
		// Every load of the farm has something to say: of a mapping from the future.
		d := start(t)
		mapping := d.command("add_mapping", "RANGE_FUTURE", "global")[0][0]
		d.command("add_table", mapping, "odd.t", "id")
		d.command("add_shard", mapping, "1", "shard1")
		var said atomic.Int64
		h := d.farm(refreshedBy(callers), WithTTL(0, 20*time.Millisecond), heard(t, &said))
		var wait sync.WaitGroup
		var lookups atomic.Int64
		deadline := time.Now().Add(2 * time.Second)
		work := func(id int) error {
			for round := 0; time.Now().Before(deadline); round++ {
				key := int64(id*400 + round%400 + 1)
				wanted := "shard1"
				if key > 20000 {
					wanted = "shard3"
				} else if key > 10000 {
					wanted = "shard2"
				}
				s, err := h.Server(ctx, salaries, key, ReadWrite)
				if err != nil || s.Group != wanted {
					return fmt.Errorf("key %d: %+v %v", key, s, err)
				}
				lookups.Add(1)
				if round%100 != id {
					continue
				}
				if err := h.ResetCache([]string{"", wanted}[id%2]); err != nil {
					return err
				}
				if shards, err := h.Shards(ctx, "crm.names"); err != nil || len(shards) != 4 {
					return fmt.Errorf("%v %v", shards, err)
				}
				if servers, err := h.GroupServersNow(ctx, "shard1"); err != nil || len(servers) != 3 {
					return fmt.Errorf("%v %v", servers, err)
				}
				if _, err := h.Execute(ctx, "manage", "ping"); err != nil {
					return err
				}
				if err := h.Prefetch(ctx); err != nil {
					return err
				}
			}
			return nil
		}
		for id := 0; id < 64; id++ {
			wait.Add(1)
			go func(id int) {
				defer wait.Done()
				if err := work(id); err != nil {
					t.Error(err)
				}
			}(id)
		}
		wait.Wait()
		eventually(t, "something is logged", func() bool { return said.Load() > 0 })
		t.Logf("%d lookups, %d messages", lookups.Load(), said.Load())
	}
}

// Nothing is left behind by handles that are made and closed.
func TestManyHandles(t *testing.T) {
	d := start(t)
	threads := func() int {
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			t.Skip("no /proc")
		}
		count := 0
		for _, task := range tasks {
			name, _ := os.ReadFile(filepath.Join("/proc/self/task", task.Name(), "comm"))
			if strings.HasPrefix(string(name), "fabric-refresh") {
				count++
			}
		}
		return count
	}
	before := threads()
	for i := 0; i < 50; i++ {
		h, err := Open("", d.options()...)
		must(t, err)
		same(t, group(t, h, salaries, 1), "shard1")
		must(t, h.Close())
	}
	same(t, threads(), before)
}
