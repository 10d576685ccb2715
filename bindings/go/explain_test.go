package mysqlfabric

import (
	"testing"
	"time"
)

func TestExplain(t *testing.T) {
	d := start(t)
	h := d.farm(WithLeastWriteHold(10 * time.Minute))
	x, err := h.Explain(ctx, salaries, "010021", ReadWrite)
	must(t, err)
	server, err := h.Server(ctx, salaries, 10021, ReadWrite)
	must(t, err)
	same(t, x.Server, server)
	same(t, []any{x.Code, x.Why, x.Type, x.Key, x.LowerBound, x.UpperBound, x.Group, x.ShardID, x.ShardState, x.TableOrigin},
		[]any{Code(0), WhyPrimary, Range, "10021", "10001", "20001", "shard2", 2, ShardEnabled, OriginFresh})
	if x.TableAge < 0 || x.WriteHold >= 0 || x.ShardHold >= 0 || x.Node != d.node || x.Source == "" || x.Why.String() == "" {
		t.Errorf("%+v", x)
	}
	x, err = h.Explain(ctx, "hashdb.users", "user 1", ReadOnly)
	must(t, err)
	same(t, []any{x.Type, x.Key, len(x.Digest)}, []any{Hash, "user 1", 32})
	x, err = h.Explain(ctx, salaries, nil, ReadOnly)
	must(t, err)
	same(t, x.Group, "global")
	table, err := h.Table(ctx, salaries, "employees.dept_emp")
	must(t, err)
	x, err = table.Explain(ctx, 0, ReadOnly)
	must(t, err)
	same(t, x.Code, ErrKeyOutOfRange)
	x, err = h.ExplainGroup(ctx, "no such", ReadOnly)
	must(t, err)
	same(t, []any{x.Code, x.Server, x.Message != ""}, []any{ErrUnknownGroup, Server{}, true})

	must(t, h.ReportErrno(primary, 1290))
	x, err = h.ExplainGroup(ctx, "shard1", ReadWrite)
	must(t, err)
	same(t, []any{x.Code, x.Why, x.WriteHold > 0}, []any{ErrWriteHeld, WhyWritesHeld, true})

	_, err = h.Explain(ctx, salaries, 1.5, ReadOnly)
	wants(t, err, ErrKeyType, 0)
	_, err = h.Explain(ctx, salaries, 1, 9)
	wants(t, err, ErrArgument, 0)

	gone := dead(t)
	x, err = open(t, WithNode(gone.Host, gone.Port), WithConnectAttempts(1)).Explain(ctx, salaries, 1, ReadOnly)
	must(t, err)
	same(t, x.Code, ErrUnreachable)
	d.command("fault", "hang", "", "-1")
	_, err = d.farm().ExplainGroup(within(t, 50*time.Millisecond), "shard1", ReadOnly)
	wants(t, err, ErrTimeout, 2013)
}
