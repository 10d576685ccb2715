package mysqlfabric

import "testing"

func TestCandidates(t *testing.T) {
	d := start(t)
	h := d.farm(long)
	uuids := func(servers []Server, err error) (uuids []string) {
		t.Helper()
		must(t, err)
		for _, server := range servers {
			uuids = append(uuids, server.UUID)
		}
		return uuids
	}
	servers, err := h.GroupServers(ctx, "shard1")
	must(t, err)
	second := servers[1].UUID

	all := uuids(h.Candidates(ctx, salaries, 1, ReadOnly, Choice{}))
	same(t, len(all), 3)
	same(t, all[2], primary)
	same(t, uuids(h.GroupCandidates(ctx, "shard1", ReadWrite, Choice{})), []string{primary})
	table, err := h.Table(ctx, salaries, "employees.dept_emp")
	must(t, err)
	same(t, uuids(table.Candidates(ctx, 1, ReadOnly, Choice{Exclude: []string{second}})), []string{third, primary})
	same(t, uuids(h.GroupCandidates(ctx, "shard1", ReadOnly, Choice{Preference: PreferSecondaryOnly, Exclude: []string{third}})),
		[]string{second})
	same(t, uuids(h.GroupCandidates(ctx, "shard1", ReadOnly, Choice{Preference: PreferPrimary}))[0], primary)
	for range 20 {
		weighed := Choice{Weights: map[string]float64{second: 1e-9}, NoZone: true, Zone: ""}
		same(t, uuids(h.GroupCandidates(ctx, "shard1", ReadOnly, weighed))[0], third)
	}
	_, err = h.GroupCandidates(ctx, "shard1", ReadOnly, Choice{Exclude: all})
	wants(t, err, ErrNoServer, 0)
	_, err = h.GroupCandidates(ctx, "shard1", ReadOnly, Choice{Preference: 99})
	wants(t, err, ErrArgument, 0)
	_, err = h.Candidates(ctx, salaries, 1, ReadOnly, Choice{Exclude: []string{"a\x00b"}})
	wants(t, err, ErrArgument, 0)
	_, err = h.Candidates(ctx, salaries, 1.5, ReadOnly, Choice{})
	wants(t, err, ErrKeyType, 0)

	h = d.farm(WithReadPreference(PreferPrimary))
	s, err := h.Group(ctx, "shard1", ReadOnly)
	must(t, err)
	same(t, s.UUID, primary)
	_, err = Open("", WithReadPreference(99))
	wants(t, err, ErrArgument, 0)
}

// More candidates than there is room for at first.
func TestManyCandidates(t *testing.T) {
	d := start(t)
	for at := range 30 {
		d.command("add_server", "big", "uuid-"+string(rune('a'+at)), "db", "3306", "SECONDARY", "READ_ONLY", "1")
	}
	servers, err := d.farm().GroupCandidates(ctx, "big", ReadOnly, Choice{})
	must(t, err)
	same(t, len(servers), 30)
}
