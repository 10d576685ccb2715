package mysqlfabric

import "testing"

// What a lookup costs, beside an empty call of C: `bindings/go/test.sh -run '^$' -bench .`
func BenchmarkEmptyCall(b *testing.B) {
	for b.Loop() {
		empty()
	}
}

func benchFarm(b *testing.B) (*Farm, *Table) {
	b.Helper()
	h := start(b).farm(long)
	must(b, h.Seed(ctx))
	table, err := h.Table(ctx, salaries)
	must(b, err)
	b.ReportAllocs()
	return h, table
}

func BenchmarkTableServer(b *testing.B) {
	_, table := benchFarm(b)
	for id := 1; b.Loop(); id = id%30000 + 1 {
		if _, err := table.Server(ctx, id, ReadWrite); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTableServerParallel(b *testing.B) {
	_, table := benchFarm(b)
	b.RunParallel(func(pb *testing.PB) {
		for id := 1; pb.Next(); id = id%30000 + 1 {
			if _, err := table.Server(ctx, id, ReadOnly); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkFarmServer(b *testing.B) {
	h, _ := benchFarm(b)
	for id := 1; b.Loop(); id = id%30000 + 1 {
		if _, err := h.Server(ctx, salaries, id, ReadWrite); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFarmGroup(b *testing.B) {
	h, _ := benchFarm(b)
	for b.Loop() {
		if _, err := h.Group(ctx, "shard1", ReadWrite); err != nil {
			b.Fatal(err)
		}
	}
}

// For each of 1,000 keys.
func BenchmarkTableServers(b *testing.B) {
	_, table := benchFarm(b)
	keys := make([]int64, 1000)
	for at := range keys {
		keys[at] = int64(at*29 + 1)
	}
	for b.Loop() {
		if _, err := table.Servers(ctx, keys, ReadWrite); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(keys)), "ns/key")
}
