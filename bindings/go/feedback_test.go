package mysqlfabric

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestReports(t *testing.T) {
	for how, command := range map[Reports]string{
		ReportsOff: "", ReportsError: "report_error", ReportsFailure: "report_failure",
	} {
		d := start(t)
		h := d.farm(WithReports(how, 1317), WithReportWindow(0))
		must(t, h.Seed(ctx))
		must(t, h.ReportFailure(primary, 1064))
		must(t, h.ReportFailure("no such server", 2003))
		must(t, h.ReportFailure(primary, 1317))
		if how == ReportsOff {
			time.Sleep(200 * time.Millisecond)
			same(t, len(d.command("reports")), 0)
			continue
		}
		eventually(t, "the report arrives", func() bool { return len(d.command("reports")) == 1 })
		same(t, d.command("reports")[0][:2], []string{command, primary})
		eventually(t, "the failover is seen", func() bool {
			s, err := h.Group(ctx, "shard1", ReadWrite)
			return err == nil && (s.UUID == primary) == (how == ReportsError)
		})
	}
}

func TestFeedback(t *testing.T) {
	d := start(t)
	hold := 10 * time.Minute
	h := d.farm(WithQuarantine(hold), WithLeastWriteHold(hold))
	servers, err := h.GroupServers(ctx, "shard1")
	must(t, err)
	must(t, h.ReportErrno(servers[1].UUID, 2003))
	for i := 0; i < 20; i++ {
		s, err := h.Group(ctx, "shard1", ReadOnly)
		must(t, err)
		same(t, s.UUID, third)
	}
	must(t, h.ReportErrno(servers[1].UUID, 0))

	must(t, h.ReportErrno(primary, 1290))
	_, err = h.Group(ctx, "shard1", ReadWrite)
	wants(t, err, ErrWriteHeld, 0)
	soon, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	_, err = h.GroupWait(soon, "shard1", ReadWrite)
	wants(t, err, ErrWriteHeld, 0)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	minute, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	waited := make(chan error)
	go func() {
		s, err := h.ServerWait(minute, salaries, 1, ReadWrite)
		if err == nil && s.UUID != third {
			err = fmt.Errorf("%+v", s)
		}
		waited <- err
	}()
	d.command("promote", "shard1", third)
	must(t, <-waited)
	_, err = h.ServerWait(minute, "no.such", 1, ReadWrite)
	wants(t, err, ErrUnknownTable, 1051)
}

func TestVanishedShards(t *testing.T) {
	for _, hold := range []time.Duration{10 * time.Minute, 0} {
		d := start(t)
		h := d.farm(WithTTL(0, 40*time.Millisecond), WithRefreshShare(100), WithVanishedHold(hold))
		same(t, group(t, h, salaries, 15000), "shard2")
		d.command("disable_shard", "2")
		var s Server
		var err error
		eventually(t, "the shard vanishes", func() bool {
			s, err = h.Server(ctx, salaries, 15000, ReadWrite)
			return err != nil || s.Group != "shard2"
		})
		if hold != 0 {
			wants(t, err, ErrShardUnavailable, 0)
		} else {
			same(t, s.Group, "shard1")
		}
	}
}

func TestErrnosHaveActions(t *testing.T) {
	same(t, ErrnoAction(2013)&ActionQuarantine, ActionQuarantine)
	same(t, ErrnoAction(1290)&(ActionHoldWrites|ActionAskAgain), ActionHoldWrites|ActionAskAgain)
	same(t, ErrnoAction(0), Action(0))
	same(t, ErrorAction(1290, ""), ErrnoAction(1290))
	same(t, ErrorAction(1290, "the --read-only option"), ErrnoAction(1290))
	same(t, ErrorAction(1290, "the --secure-file-priv option"), Action(0))
	same(t, ErrUnknownTable.Errno(), 1051)
	same(t, ErrNoServer.Errno(), 0)
	same(t, Code(-1).Errno(), 0)
}
