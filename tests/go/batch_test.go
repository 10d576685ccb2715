package fabric

import (
	"fmt"
	"testing"
)

func TestManyKeys(t *testing.T) {
	h := start(t).handle()
	var numbers []int64
	var large []uint64
	var words []string
	for at := 0; at < 500; at++ {
		numbers = append(numbers, int64(at*97+1))
		large = append(large, uint64(at)<<55+1)
		words = append(words, fmt.Sprint("user ", at))
	}
	for _, c := range []struct {
		table string
		keys  Keys
		key   func(int) *Key
	}{
		{salaries, Ints(numbers), func(at int) *Key { return Int(numbers[at]) }},
		{"hashdb.accounts", Ints(numbers), func(at int) *Key { return Int(numbers[at]) }},
		{salaries, Uints(large), func(at int) *Key { return Uint(large[at]) }},
		{"hashdb.accounts", Uints(large), func(at int) *Key { return Uint(large[at]) }},
		{"hashdb.users", Texts(words), func(at int) *Key { return Text(words[at]) }},
	} {
		tables := []string{c.table}
		found, err := h.ShardServers(tables, c.keys, Local, ReadWrite)
		must(t, err)
		parts, failed, err := h.SplitKeys(tables, c.keys, Local, ReadWrite)
		must(t, err)
		same(t, len(failed), 0)
		same(t, len(parts), len(found.Servers))
		seen := 0
		for at, part := range parts {
			same(t, part.Server, found.Servers[at])
			for n, position := range part.Positions {
				same(t, found.Index[position], at)
				if n > 0 && part.Positions[n-1] >= position {
					t.Errorf("%s: %v is not in order", c.table, part.Positions)
				}
				seen++
			}
		}
		same(t, seen, c.keys.Len())
		for at, place := range found.Index {
			same(t, found.Codes[at], Code(0))
			alone, err := h.ShardServer(tables, c.key(at), Local, ReadWrite)
			must(t, err)
			same(t, found.Servers[place], alone)
		}
	}
}

func TestKeysFailAlone(t *testing.T) {
	h := start(t).handle()
	tables := []string{"crm.names"}
	keys := Texts([]string{"m", "\xff", "", "A"})
	found, err := h.ShardServers(tables, keys, Local, ReadWrite)
	must(t, err)
	same(t, fmt.Sprint(found.Index), "[0 -1 -1 1]")
	same(t, found.Codes[1], ErrInvalidUTF8)
	same(t, found.Codes[2], ErrKeyOutOfRange)
	parts, failed, err := h.SplitKeys(tables, keys, Local, ReadWrite)
	must(t, err)
	same(t, fmt.Sprint(failed, parts[0].Positions, parts[1].Positions), "[1 2] [0] [3]")

	found, err = h.ShardServers(tables, Ints(nil), Local, ReadWrite)
	must(t, err)
	same(t, len(found.Servers)+len(found.Index), 0)
	if _, err = h.ShardServers([]string{"no.such"}, keys, Local, ReadWrite); err == nil {
		t.Error("an unknown table was found")
	}
}

func TestIntervals(t *testing.T) {
	h := start(t).handle()
	groups := func(table string, low, high *Key) (groups string) {
		shards, err := h.ShardsInRange(table, low, high)
		must(t, err)
		for _, shard := range shards {
			groups += shard.Group + " "
		}
		return groups
	}
	same(t, groups(salaries, nil, nil), "shard1 shard2 shard3 ")
	same(t, groups(salaries, Int(10000), Int(10001)), "shard1 shard2 ")
	same(t, groups(salaries, Int(2), Int(1)), "")
	same(t, groups("log.events", Text("2010-01-01"), nil), "shard2 shard3 ")
}
