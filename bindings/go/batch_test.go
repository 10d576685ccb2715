package mysqlfabric

import (
	"fmt"
	"net"
	"testing"
	"time"
)

func TestManyKeys(t *testing.T) {
	h := start(t).farm()
	var numbers []int64
	var large []uint64
	var words []string
	for at := 0; at < 500; at++ {
		numbers = append(numbers, int64(at*97+1))
		large = append(large, uint64(at)<<55+1)
		words = append(words, fmt.Sprint("user ", at))
	}
	var octets [][]byte
	for _, word := range words {
		octets = append(octets, []byte(word))
	}
	for _, c := range []struct {
		table string
		keys  any
		key   func(int) any
	}{
		{salaries, numbers, func(at int) any { return numbers[at] }},
		{"hashdb.accounts", numbers, func(at int) any { return numbers[at] }},
		{salaries, large, func(at int) any { return large[at] }},
		{"hashdb.accounts", large, func(at int) any { return large[at] }},
		{"hashdb.users", words, func(at int) any { return words[at] }},
		{"hashdb.users", octets, func(at int) any { return words[at] }},
	} {
		found, err := h.Servers(ctx, c.table, c.keys, ReadWrite)
		must(t, err)
		parts, failed, err := h.Split(ctx, c.table, c.keys, ReadWrite)
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
		same(t, seen, len(numbers))
		for at, place := range found.Index {
			same(t, found.Codes[at], Code(0))
			alone, err := h.Server(ctx, c.table, c.key(at), ReadWrite)
			must(t, err)
			same(t, found.Servers[place], alone)
		}
		table, err := h.Table(ctx, c.table)
		must(t, err)
		again, err := table.Servers(ctx, c.keys, ReadWrite)
		must(t, err)
		same(t, again, found)
		partsAgain, failed, err := table.Split(ctx, c.keys, ReadWrite)
		must(t, err)
		same(t, partsAgain, parts)
		same(t, len(failed), 0)
	}
}

func TestKindsOfManyKeys(t *testing.T) {
	h := start(t).farm()
	wanted, err := h.Servers(ctx, salaries, []int64{1, 10001}, ReadWrite)
	must(t, err)
	for _, keys := range []any{
		[]int{1, 10001}, []int32{1, 10001}, []uint{1, 10001}, []uint32{1, 10001}, []uint64{1, 10001},
		[]string{"1", "10001"}, [][]byte{[]byte("1"), []byte("10001")},
	} {
		found, err := h.Servers(ctx, salaries, keys, ReadWrite)
		must(t, err)
		same(t, found, wanted)
	}
	_, err = h.Servers(ctx, "log.events", []time.Time{{}}, ReadWrite)
	wants(t, err, ErrKeyType, 0)
	days := []time.Time{time.Date(2009, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(2020, 6, 15, 0, 0, 0, 0, time.UTC)}
	found, err := h.Servers(ctx, "log.events", days, ReadWrite)
	must(t, err)
	same(t, []string{found.Servers[0].Group, found.Servers[1].Group}, "[shard1 shard3]")
	for _, keys := range []any{[]number{1, 10001}, []unsigned{1, 10001}, []word{"1", "10001"}, []octets{octets("1"), octets("10001")}} {
		found, err := h.Servers(ctx, salaries, keys, ReadWrite)
		must(t, err)
		same(t, []any{found.Servers[found.Index[0]].Group, found.Servers[found.Index[1]].Group}, []any{"shard1", "shard2"})
	}
	for _, keys := range []any{[]float64{1}, 1, nil, []any{1}, []byte("10001"), []net.IP{net.IPv4bcast}} {
		_, err := h.Servers(ctx, salaries, keys, ReadWrite)
		wants(t, err, ErrKeyType, 0)
		_, _, err = h.Split(ctx, salaries, keys, ReadWrite)
		wants(t, err, ErrKeyType, 0)
	}
}

func TestKeysFailAlone(t *testing.T) {
	h := start(t).farm()
	keys := []string{"m", "\xff", "", "A"}
	found, err := h.Servers(ctx, "crm.names", keys, ReadWrite)
	must(t, err)
	same(t, fmt.Sprint(found.Index), "[0 -1 -1 1]")
	same(t, found.Codes[1], ErrInvalidUTF8)
	same(t, found.Codes[2], ErrKeyOutOfRange)
	parts, failed, err := h.Split(ctx, "crm.names", keys, ReadWrite)
	must(t, err)
	same(t, fmt.Sprint(failed, parts[0].Positions, parts[1].Positions), "[1 2] [0] [3]")

	found, err = h.Servers(ctx, "crm.names", []int64{}, ReadWrite)
	must(t, err)
	same(t, len(found.Servers)+len(found.Index), 0)
	if _, err = h.Servers(ctx, "no.such", keys, ReadWrite); err == nil {
		t.Error("an unknown table was found")
	}
}

func TestIntervals(t *testing.T) {
	h := start(t).farm()
	groups := func(table string, low, high any) (groups string) {
		shards, err := h.ShardsInRange(ctx, table, low, high)
		must(t, err)
		for _, shard := range shards {
			groups += shard.Group + " "
		}
		return groups
	}
	same(t, groups(salaries, nil, nil), "shard1 shard2 shard3 ")
	same(t, groups(salaries, 10000, 10001), "shard1 shard2 ")
	same(t, groups(salaries, 2, 1), "")
	same(t, groups("log.events", "2010-01-01", nil), "shard2 shard3 ")
}
