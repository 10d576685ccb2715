package mysqlfabric

import (
	"fmt"
	"net"
	"testing"
	"time"
)

type number int16
type unsigned uint64
type word string
type octets []byte

func TestKeys(t *testing.T) {
	h := start(t).farm()
	noon := time.Date(2009, 12, 31, 23, 59, 59, 499999999, time.FixedZone("far", 12*3600))
	for _, c := range []struct {
		table, group string
		key          any
	}{
		{salaries, "shard1", 1},
		{salaries, "shard1", int8(1)},
		{salaries, "shard1", int16(1)},
		{salaries, "shard2", int32(10001)},
		{salaries, "shard2", int64(10001)},
		{salaries, "shard1", uint(1)},
		{salaries, "shard1", uint8(1)},
		{salaries, "shard1", uint16(1)},
		{salaries, "shard3", uint32(1<<32 - 1)},
		{salaries, "shard3", uint64(1<<64 - 1)},
		{salaries, "shard2", number(10001)},
		{salaries, "shard3", unsigned(1<<64 - 1)},
		{salaries, "shard2", "10001"},
		{salaries, "shard2", []byte("10001")},
		{salaries, "shard2", word("10001")},
		{salaries, "shard2", octets("10001")},
		{"crm.names", "shard4", word("日本")},
		{"hashdb.users", "shard1", []byte{}},
		{"log.events", "shard1", noon},
		{"log.events", "shard2", noon.Add(time.Second)},
		{"log.events", "shard1", noon.In(time.UTC)},
		{"log.events", "shard3", time.Date(2020, 6, 15, 0, 0, 0, 0, time.UTC)},
	} {
		s, err := h.Server(ctx, c.table, c.key, ReadWrite)
		must(t, err)
		if s.Group != c.group {
			t.Errorf("%s %T %v: %s", c.table, c.key, c.key, s.Group)
		}
		shard, err := h.Shard(ctx, c.table, c.key)
		must(t, err)
		same(t, shard.Group, c.group)
	}
	var nothing *int
	for _, key := range []any{
		1.0, float32(1), true, complex(1, 1), [16]byte{}, []int{1}, nothing, struct{}{}, net.IPv4bcast.String,
		net.IPNet{}, net.IPv4bcast, time.Second.String, time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC), time.Time{}, time.Time{}.In(time.FixedZone("far", 12*3600)),
	} {
		_, err := h.Server(ctx, salaries, key, ReadWrite)
		wants(t, err, ErrKeyType, 0)
		_, err = h.ShardsInRange(ctx, salaries, 1, key)
		wants(t, err, ErrKeyType, 0)
	}
	_, err := h.Shard(ctx, salaries, nil)
	wants(t, err, ErrKeyMissing, 0)
}

// What is known is answered without memory of its own, and a plain lookup by name as well.
func TestAllocations(t *testing.T) {
	h := start(t).farm(long)
	must(t, h.Seed(ctx))
	table, err := h.Table(ctx, salaries)
	must(t, err)
	users, err := h.Table(ctx, "hashdb.users")
	must(t, err)
	id, name, data := 10021, "user 1", []byte("user 2")
	for what, c := range map[string]struct {
		most float64
		call func() error
	}{
		"Table.Server, int":     {0, func() error { id++; _, err := table.Server(ctx, id, ReadOnly); return err }},
		"Table.Server, uint64":  {0, func() error { id++; _, err := table.Server(ctx, uint64(id), ReadWrite); return err }},
		"Table.Server, number":  {0, func() error { _, err := table.Server(ctx, number(id%100+1), ReadWrite); return err }},
		"Table.Server, string":  {0, func() error { _, err := users.Server(ctx, name, ReadWrite); return err }},
		"Table.Server, []byte":  {1, func() error { _, err := users.Server(ctx, data, ReadWrite); return err }},
		"Table.Global":          {0, func() error { _, err := table.Global(ctx, ReadOnly); return err }},
		"Farm.Server, int":      {0, func() error { id++; _, err := h.Server(ctx, salaries, id, ReadOnly); return err }},
		"Farm.Group":            {0, func() error { _, err := h.Group(ctx, "shard1", ReadWrite); return err }},
		"Farm.Report, nil":      {0, func() error { h.Report(Server{UUID: primary}, nil); return nil }},
		"Farm.ReportErrno of 0": {0, func() error { return h.ReportErrno(primary, 0) }},
	} {
		must(t, c.call())
		got := testing.AllocsPerRun(1000, func() {
			if err := c.call(); err != nil {
				t.Error(err)
			}
		})
		if got > c.most {
			t.Errorf("%s: %v allocations", what, got)
		}
	}
}

// A server keeps its strings, also if it belongs to several groups or moves, and others keep theirs.
func TestInternedServers(t *testing.T) {
	d := start(t)
	for _, group := range []string{"one", "two"} {
		d.command("add_group", group)
		d.command("add_server", group, "uuid of "+group, "db", "3306", "PRIMARY", "READ_WRITE", "1")
	}
	h := d.farm()
	for range 3 {
		for _, group := range []string{"one", "two", "shard1"} {
			s, err := h.Group(ctx, group, ReadWrite)
			must(t, err)
			same(t, s.Group, group)
		}
	}
	one, err := h.Group(ctx, "one", ReadWrite)
	must(t, err)
	same(t, one, Server{"uuid of one", "one", "db", 3306, ReadWrite, Primary, 1})
	same(t, one.Addr(), "db:3306")

	var known servers
	for round := range 2 {
		for at := range 5000 {
			var c serverOfC
			fill(&c, fmt.Sprintf("00000000-0000-0000-0000-%012d", at%2500), fmt.Sprint("host", round), fmt.Sprint("group", at%3))
			s := known.value(&c)
			same(t, s, Server{UUID: fmt.Sprintf("00000000-0000-0000-0000-%012d", at%2500),
				Host: fmt.Sprint("host", round), Group: fmt.Sprint("group", at%3)})
		}
	}
	same(t, Server{Host: "::1", Port: 1}.Addr(), "[::1]:1")
}
