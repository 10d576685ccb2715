package fabric

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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

func group(t *testing.T, h *Handle, table string, key *Key) string {
	t.Helper()
	s, err := h.ShardServer([]string{table}, key, Local, ReadWrite)
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
	h := start(t).handle()
	for _, c := range []struct {
		table, group string
		key          *Key
	}{
		{salaries, "shard1", Int(1)},
		{salaries, "shard2", Text("10021")},
		{"employees.dept_emp", "shard3", Int(1<<63 - 1)},
		{"shop.orders", "shard1", Int(-1)},
		{"shop.orders", "shard3", Int(1e12)},
		{"log.events", "shard1", Text("2009-12-31 23:59:59")},
		{"log.events", "shard2", Text("2009-12-31T23:59:59.5")},
		{"log.events", "shard3", Text("20200615")},
		{"crm.names", "shard2", Text("Zoë")},
		{"crm.names", "shard3", Text("m\x00")},
		{"crm.names", "shard4", Text("日本")},
		{"hashdb.users", "shard1", Text("")},
		{"hashdb.users", "shard1", Int(5)},
		{"hashdb.accounts", "shard4", Int(-1)},
		{salaries, "shard2", Uint(10021)},
		{"employees.dept_emp", "shard3", Uint(1 << 63)},
		{"hashdb.users", "shard1", Uint(5)},
		{"hashdb.accounts", "shard3", Uint(1<<64 - 1)},
	} {
		for _, mode := range []Mode{AnyMode, ReadOnly, WriteOnly, ReadWrite} {
			s, err := h.ShardServer([]string{c.table}, c.key, Local, mode)
			must(t, err)
			writes := mode == WriteOnly || mode == ReadWrite
			lone := c.group == "shard3" || c.group == "shard4"
			if s.Group != c.group || (s.Status == Primary) != (writes || lone) || s.Weight <= 0 {
				t.Errorf("%s %+v mode %d: %+v", c.table, *c.key, mode, s)
			}
			s, err = h.ShardServer([]string{c.table}, nil, Global, mode)
			must(t, err)
			if s.Group != "global" || (s.Port == 33601) != writes {
				t.Errorf("%s global, mode %d: %+v", c.table, mode, s)
			}
		}
	}
	tables := []string{salaries, "employees.dept_emp", "disabled_db.t"}
	s, err := h.ShardServer(tables, Int(50), Local, ReadWrite)
	must(t, err)
	same(t, s, Server{primary, "shard1", "127.0.0.1", 33611, ReadWrite, Primary, 1})
}

func TestCompatConnectorPython(t *testing.T) {
	h := start(t).handle(func(o *Options) { o.CompatConnectorPython = true })
	same(t, group(t, h, salaries, Int(0)), "shard3")
}

func TestTables(t *testing.T) {
	h := start(t).handle()
	table, err := h.Table("employees.salaries", "employees.dept_emp")
	if err != nil {
		t.Fatal(err)
	}
	defer table.Close()
	for _, key := range []int64{1, 10000, 10001, 30000} {
		opened, err := table.Server(Int(key), Local, ReadWrite)
		if err != nil {
			t.Fatal(err)
		}
		named, err := h.ShardServer([]string{"employees.salaries"}, Int(key), Local, ReadWrite)
		if err != nil || opened != named {
			t.Errorf("key %d: %v by an opened table, %v by name (%v)", key, opened, named, err)
		}
	}
	if _, err := table.Server(Int(0), Local, ReadWrite); err == nil {
		t.Error("a key below the lowest bound was answered")
	}
	if _, err := h.Table("employees.nothing"); err == nil {
		t.Error("an unknown table was opened")
	}
}

func TestGroups(t *testing.T) {
	h := start(t).handle()
	s, err := h.GroupServer("shard1", AnyMode, Primary)
	must(t, err)
	same(t, s.Port, 33611)
	s, err = h.GroupServer("shard2", AnyMode, Secondary)
	must(t, err)
	same(t, s.Port, 33622)
	_, err = h.GroupServer("shard2", AnyMode, Spare)
	wants(t, err, ErrNoServer, 0)
	_, err = h.GroupServer("shard1", ReadOnly, Primary)
	wants(t, err, ErrArgument, 0)

	reads := map[uint16]int{}
	for i := 0; i < 500; i++ {
		s, err = h.GroupServer("shard1", ReadOnly, AnyStatus)
		must(t, err)
		reads[s.Port]++
	}
	same(t, reads, map[uint16]int{33612: 400, 33613: 100})

	servers, err := h.GroupServers("shard2", true)
	must(t, err)
	same(t, servers[2].Mode, Offline)
	same(t, servers[2].Status, Spare)
	servers, err = h.GroupServers("emptygrp", false)
	wants(t, err, ErrUnknownGroup, 0)
	same(t, len(servers), 0)
}

func TestListsThatGrow(t *testing.T) {
	d := start(t)
	for at := 0; at < 100; at++ {
		id := fmt.Sprintf("uuid-%03d", at)
		d.command("add_server", "big", id, "db", "3306", "SECONDARY", "READ_ONLY", "2.5")
	}
	servers, err := d.handle().GroupServers("big", false)
	must(t, err)
	same(t, len(servers), 100)
	same(t, servers[99], Server{"uuid-099", "big", "db", 3306, ReadOnly, Secondary, 2.5})
}

func TestShards(t *testing.T) {
	h := start(t).handle()
	shards, err := h.Shards(salaries)
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
		shards, err = h.Shards(table)
		must(t, err)
		same(t, shards[0].Type, kind)
	}
	_, err = h.Shards("no.such")
	wants(t, err, ErrUnknownTable, 1051)
}

func TestFacts(t *testing.T) {
	d := start(t)
	h := d.handle(func(o *Options) { o.MinTTL = 5 * time.Second })
	same(t, h.Generation(), 0)
	if h.Age() >= 0 || h.TTL() >= 0 {
		t.Fatal(h.Age(), h.TTL())
	}
	must(t, h.Seed(nil))
	same(t, h.Generation(), 1)
	same(t, h.TTL(), 5*time.Second)
	same(t, h.User(), "admin")
	uuid, err := h.FabricUUID()
	must(t, err)
	same(t, len(uuid), 36)
	nodes, err := h.FabricNodes()
	must(t, err)
	same(t, nodes, []Node{d.node})
	if h.Age() < 0 || h.Age() > 5*time.Second {
		t.Fatal(h.Age())
	}
}

func TestRefresh(t *testing.T) {
	for _, callers := range []bool{false, true} {
		d := start(t)
		h := d.handle(func(o *Options) {
			o.NoBackground, o.MaxTTL = callers, 50*time.Millisecond
		})
		same(t, group(t, h, "crm.names", Text("B")), "shard1")
		d.command("move_shard", "10", "shard4")
		eventually(t, "the shard moves", func() bool {
			return group(t, h, "crm.names", Text("B")) == "shard4"
		})
	}
}

func TestCache(t *testing.T) {
	d := start(t)
	h := d.handle(long)
	must(t, h.Prefetch(salaries, "shop.orders"))
	requests := len(d.command("requests"))
	group(t, h, salaries, Int(1))
	same(t, len(d.command("requests")), requests)
	must(t, h.Prefetch())
	d.command("promote", "shard1", third)
	for _, name := range []string{"shard1", ""} {
		must(t, h.ResetCache(name))
		s, err := h.GroupServer("shard1", ReadWrite, AnyStatus)
		must(t, err)
		same(t, s.UUID, third)
	}
	wants(t, h.Prefetch("no.such"), ErrUnknownTable, 1051)
}

func TestErrors(t *testing.T) {
	d := start(t)
	h := d.handle()
	ask := func(key *Key, scope Scope, mode Mode, tables ...string) error {
		_, err := h.ShardServer(tables, key, scope, mode)
		return err
	}
	wants(t, ask(Int(1), Local, AnyMode), ErrArgument, 0)
	wants(t, ask(Int(1), Local, 9, salaries), ErrArgument, 0)
	wants(t, ask(Int(1), 9, AnyMode, salaries), ErrArgument, 0)
	wants(t, ask(Int(1), Local, AnyMode, "db.\xff"), ErrInvalidUTF8, 0)
	wants(t, ask(Int(1), Local, AnyMode, "salaries"), ErrTableName, 0)
	wants(t, ask(Int(1), Local, AnyMode, "a.b\x00c"), ErrArgument, 0)
	wants(t, ask(nil, Local, AnyMode, salaries), ErrKeyMissing, 0)
	wants(t, ask(Text("x"), Local, AnyMode, salaries), ErrKeyType, 0)
	wants(t, ask(Int(0), Local, AnyMode, salaries), ErrKeyOutOfRange, 0)
	wants(t, ask(Int(1), Local, AnyMode, "no.such"), ErrUnknownTable, 1051)
	wants(t, ask(Int(-5), Local, AnyMode, "hash2.t", "shop.orders"), ErrDifferentShards, 0)
	_, err := h.GroupServer("nosuch", ReadOnly, AnyStatus)
	e := wants(t, err, ErrUnknownGroup, 0)
	if !strings.Contains(e.Error(), "(unknown group, errno 0)") {
		t.Fatal(e)
	}
	if err := fmt.Errorf("wrapped: %w", err); !errors.As(err, &e) {
		t.Fatal("errors.As")
	}
	_, err = h.Execute("no", "such")
	wants(t, err, ErrFabric, 0)
	wants(t, h.Seed(&Node{Host: "http://x/"}), ErrArgument, 0)
	wants(t, h.ReportFailure("", 2003), ErrArgument, 0)

	mapping := d.command("add_mapping", "RANGE_FUTURE", "global")[0][0]
	d.command("add_table", mapping, "odd.t", "id")
	d.command("add_shard", mapping, "1", "shard1")
	wants(t, ask(Int(1), Local, AnyMode, "odd.t"), ErrUnsupportedSharding, 0)

	d.command("demote", "shard1")
	must(t, h.ResetCache("shard1"))
	_, err = h.GroupServer("shard1", ReadWrite, AnyStatus)
	wants(t, err, ErrNoServer, 0)
}

func TestOptionsThatAreRefused(t *testing.T) {
	for at, options := range []Options{
		{Nodes: []Node{{"http://fabric/", 0}}},
		{ConnectAttempts: -1},
		{ConnectTimeout: -time.Second},
		{RequestTimeout: time.Hour},
		{MaxReplyBytes: 1},
		{ReportErrors: 7},
		{ReportErrnos: []int{1}},
		{RefreshShare: 101},
		{Quarantine: -time.Second},
		{Quarantine: time.Hour},
		{MaxStale: -time.Second},
		{MinTTL: 2 * time.Second, MaxTTL: time.Second},
		{TLSCA: "ca.pem", TLSKey: "key.pem"},
		{User: "a:b"},
		{Log: func(Level, string) {}, LogLevel: 9},
		{User: "a\x00b"},
	} {
		if _, err := New(options); err == nil {
			t.Errorf("options %d are accepted", at)
		} else {
			wants(t, err, ErrArgument, 0)
		}
	}
}

func TestTheWayToFabric(t *testing.T) {
	zero := time.Duration(0)
	h := open(t, Options{ConnectAttempts: 1})
	wants(t, h.Seed(nil), ErrNotSeeded, 2003)
	h = open(t, Options{Nodes: []Node{dead(t)}, ConnectAttempts: 2, ConnectDelay: &zero})
	wants(t, h.Seed(nil), ErrUnreachable, 2003)

	d := start(t)
	wants(t, d.handle(func(o *Options) { o.Password = "x" }).Seed(nil), ErrAuth, 1045)
	connector := d.handle(func(o *Options) { o.User, o.Password = "conn", "connpw" })
	must(t, connector.Seed(nil))
	_, err := connector.Execute("group", "lookup_groups")
	wants(t, err, ErrForbidden, 1370)

	d.command("fault", "hang", "", "-1")
	quick := d.handle(func(o *Options) { o.RequestTimeout = 200 * time.Millisecond })
	wants(t, quick.Seed(nil), ErrTimeout, 2013)
	d.command("fault", "garbage", "", "-1")
	wants(t, d.handle().Seed(nil), ErrProtocol, 2027)
	d.command("fault", "oversized", "gzip", "-1")
	small := d.handle(func(o *Options) { o.MaxReplyBytes = 100000 })
	wants(t, small.Seed(nil), ErrReplyTooLarge, 2027)
	d.command("fault", "error", "on fire", "-1")
	wants(t, d.handle().Seed(nil), ErrFabric, 0)

	d.command("fault", "none")
	h = d.handle(func(o *Options) { o.MaxStale, o.MaxTTL = 300*time.Millisecond, 50*time.Millisecond })
	group(t, h, salaries, Int(1))
	d.command("fault", "close", "", "-1")
	eventually(t, "the topology is too old", func() bool {
		_, err = h.ShardServer([]string{salaries}, Int(1), Local, ReadWrite)
		return err != nil
	})
	wants(t, err, ErrStale, 0)
}

func TestSeveralNodes(t *testing.T) {
	d, gone := start(t), dead(t)
	h := d.handle(func(o *Options) { o.Nodes = []Node{gone, d.node} })
	same(t, group(t, h, salaries, Int(1)), "shard1")
	nodes, err := h.FabricNodes()
	must(t, err)
	same(t, nodes, []Node{gone, d.node})

	h = d.handle(func(o *Options) { o.Nodes = nil })
	must(t, h.Seed(&d.node))
	same(t, group(t, h, salaries, Int(1)), "shard1")
	d.stop()
	must(t, h.ResetCache(""))
	same(t, group(t, h, salaries, Int(1)), "shard1")
}

func TestExecute(t *testing.T) {
	d := start(t)
	h := d.handle()
	sets, err := h.Execute("group", "lookup_groups", "shard1")
	must(t, err)
	same(t, sets[0].Columns, "[group_id description failure_detector master_uuid]")
	same(t, *sets[0].Rows[0][3], primary)
	sets, err = h.Execute("group", "promote", "shard1")
	must(t, err)
	same(t, len(sets), 2)
	sets, err = h.Execute("manage", "ping")
	must(t, err)
	same(t, len(sets), 0)
}

func TestGenerationOne(t *testing.T) {
	h := start(t, "--farm", farm("farm-gen1.json")).handle()
	same(t, group(t, h, salaries, Int(10001)), "shard2")
	uuid, err := h.FabricUUID()
	must(t, err)
	same(t, uuid, "")
	sets, err := h.Execute("group", "lookup_groups")
	must(t, err)
	same(t, len(sets), 1)
}

func TestLog(t *testing.T) {
	var heard atomic.Int32
	h, err := New(Options{
		Nodes: []Node{dead(t)}, Password: "very secret", User: "u", ConnectAttempts: 1,
		LogLevel: LogDebug,
		Log: func(level Level, message string) {
			if level < LogError || level > LogDebug || strings.Contains(message, "very secret") {
				t.Error(level, message)
			}
			heard.Add(1)
		},
	})
	must(t, err)
	wants(t, h.Seed(nil), ErrUnreachable, 2003)
	h.Close()
	h.Close()
	if heard.Load() == 0 {
		t.Fatal("nothing was logged")
	}
}

func TestReports(t *testing.T) {
	for how, command := range map[Report]string{
		ReportOff: "", ReportError: "report_error", ReportFailure: "report_failure",
	} {
		d := start(t)
		none := time.Duration(0)
		h := d.handle(func(o *Options) {
			o.ReportErrors, o.ReportErrnos, o.ReportWindow = how, []int{1317}, &none
		})
		must(t, h.Seed(nil))
		must(t, h.ReportFailure(primary, 1064))
		must(t, h.ReportFailure("no such server", 2003))
		must(t, h.ReportFailure(primary, 1317))
		if how == ReportOff {
			time.Sleep(200 * time.Millisecond)
			same(t, len(d.command("reports")), 0)
			continue
		}
		eventually(t, "the report arrives", func() bool { return len(d.command("reports")) == 1 })
		same(t, d.command("reports")[0][:2], []string{command, primary})
		eventually(t, "the failover is seen", func() bool {
			s, err := h.GroupServer("shard1", ReadWrite, AnyStatus)
			return err == nil && (s.UUID == primary) == (how == ReportError)
		})
	}
}

func TestFeedback(t *testing.T) {
	d := start(t)
	hold := 10 * time.Minute
	h := d.handle(func(o *Options) { o.Quarantine, o.WriteHold = hold, &hold })
	servers, err := h.GroupServers("shard1", true)
	must(t, err)
	must(t, h.ReportResult(servers[1].UUID, 2003))
	for i := 0; i < 20; i++ {
		s, err := h.GroupServer("shard1", ReadOnly, AnyStatus)
		must(t, err)
		same(t, s.UUID, third)
	}
	must(t, h.ReportResult(servers[1].UUID, 0))

	must(t, h.ReportResult(primary, 1290))
	_, err = h.GroupServer("shard1", ReadWrite, AnyStatus)
	wants(t, err, ErrWriteHeld, 0)
	_, err = h.GroupServerWait("shard1", ReadWrite, AnyStatus, 50*time.Millisecond)
	wants(t, err, ErrWriteHeld, 0)
	waited := make(chan error)
	go func() {
		s, err := h.ShardServerWait([]string{salaries}, Int(1), Local, ReadWrite, time.Minute)
		if err == nil && s.UUID != third {
			err = fmt.Errorf("%+v", s)
		}
		waited <- err
	}()
	d.command("promote", "shard1", third)
	must(t, <-waited)
	_, err = h.ShardServerWait([]string{"no.such"}, Int(1), Local, ReadWrite, time.Minute)
	wants(t, err, ErrUnknownTable, 1051)
}

func TestVanishedShards(t *testing.T) {
	none := time.Duration(0)
	for _, hold := range []*time.Duration{nil, &none} {
		d := start(t)
		h := d.handle(func(o *Options) {
			o.MaxTTL, o.RefreshShare, o.VanishedHold = 40*time.Millisecond, 100, hold
		})
		same(t, group(t, h, salaries, Int(15000)), "shard2")
		d.command("disable_shard", "2")
		var s Server
		var err error
		eventually(t, "the shard vanishes", func() bool {
			s, err = h.ShardServer([]string{salaries}, Int(15000), Local, ReadWrite)
			return err != nil || s.Group != "shard2"
		})
		if hold == nil {
			wants(t, err, ErrShardUnavailable, 0)
		} else {
			same(t, s.Group, "shard1")
		}
	}
}

func TestTLS(t *testing.T) {
	certs := func() func(string) string {
		dir := t.TempDir()
		must(t, exec.Command(program(), "--make-certs", dir).Run())
		return func(name string) string { return filepath.Join(dir, name+".pem") }
	}
	pem, other := certs(), certs()
	server := []string{"--tls-cert", pem("server-cert"), "--tls-key", pem("server-key")}
	d := start(t, append(server, "--tls-client-ca", pem("ca"))...)
	h := d.handle(func(o *Options) {
		o.TLSCA, o.TLSKey, o.TLSCert = pem("ca"), pem("client-key"), pem("client-cert")
	})
	same(t, group(t, h, salaries, Int(1)), "shard1")
	ca, key, cert := h.TLSFiles()
	same(t, []string{ca, key, cert}, []string{pem("ca"), pem("client-key"), pem("client-cert")})
	h = d.handle(func(o *Options) { o.TLSCA = pem("ca") })
	wants(t, h.Seed(nil), ErrTLS, 2026)

	d = start(t, server...)
	h = d.handle(func(o *Options) { o.TLSCA = other("ca") })
	wants(t, h.Seed(nil), ErrTLS, 2026)
	h = d.handle(func(o *Options) { o.TLSCA = filepath.Join(t.TempDir(), "missing.pem") })
	wants(t, h.Seed(nil), ErrTLS, 2026)
	d = start(t, append(server, "--listen", "127.0.0.2:0")...)
	d.node.Host = "127.0.0.2"
	h = d.handle(func(o *Options) { o.TLSCA = pem("ca") })
	wants(t, h.Seed(nil), ErrTLS, 2026)
}

// 64 goroutines look up, list, reset and fetch on one handle that logs to Go.
func TestGoroutines(t *testing.T) {
	for _, callers := range []bool{false, true} {
		// Every load of the farm has something to say: of a mapping from the future.
		d := start(t)
		mapping := d.command("add_mapping", "RANGE_FUTURE", "global")[0][0]
		d.command("add_table", mapping, "odd.t", "id")
		d.command("add_shard", mapping, "1", "shard1")
		var heard atomic.Int64
		h := d.handle(func(o *Options) {
			o.NoBackground, o.MaxTTL = callers, 20*time.Millisecond
			o.Log, o.LogLevel = func(Level, string) { heard.Add(1) }, LogDebug
		})
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
				s, err := h.ShardServer([]string{salaries}, Int(key), Local, ReadWrite)
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
				if shards, err := h.Shards("crm.names"); err != nil || len(shards) != 4 {
					return fmt.Errorf("%v %v", shards, err)
				}
				if servers, err := h.GroupServers("shard1", false); err != nil || len(servers) != 3 {
					return fmt.Errorf("%v %v", servers, err)
				}
				if _, err := h.Execute("manage", "ping"); err != nil {
					return err
				}
				if err := h.Prefetch(); err != nil {
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
		if heard.Load() == 0 {
			t.Error("nothing was logged")
		}
		t.Logf("%d lookups, %d messages", lookups.Load(), heard.Load())
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
		h, err := New(d.options())
		must(t, err)
		same(t, group(t, h, salaries, Int(1)), "shard1")
		h.Close()
	}
	same(t, threads(), before)
}

func TestErrnosHaveActions(t *testing.T) {
	same(t, ErrnoAction(2013)&Quarantine, Quarantine)
	same(t, ErrnoAction(1290)&(HoldWrites|AskAgain), HoldWrites|AskAgain)
	same(t, ErrnoAction(0), Action(0))
}
