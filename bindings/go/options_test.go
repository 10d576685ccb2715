package mysqlfabric

import (
	"log/slog"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

func TestCompatConnectorPython(t *testing.T) {
	h := start(t).farm(WithConnectorPythonPlacement())
	same(t, group(t, h, salaries, 0), "shard3")
}

func TestOptionsThatAreRefused(t *testing.T) {
	for at, options := range [][]Option{
		{WithNode("http://fabric/", 0)},
		{WithConnectAttempts(-1)},
		{WithConnectDelay(-time.Second)},
		{WithConnectTimeout(-time.Second)},
		{WithConnectTimeout(-time.Microsecond)},
		{WithRequestTimeout(time.Hour)},
		{WithLookupTimeout(-time.Second)},
		{WithMaxReplyBytes(1)},
		{WithReports(7)},
		{WithReports(ReportsError, 1)},
		{WithReportWindow(time.Hour)},
		{WithRefreshShare(101)},
		{WithBackoffLimit(time.Microsecond)},
		{WithQuarantine(-time.Second)},
		{WithQuarantine(time.Hour)},
		{WithLeastWriteHold(time.Hour)},
		{WithVanishedHold(-time.Second)},
		{WithMaxStale(-time.Second)},
		{WithTTL(2*time.Second, time.Second)},
		{WithTLS("ca.pem", "key.pem", "")},
		{WithMySQLTLS(TLSVerifyCA, "", "", "")},
		{WithMySQLTLS(9, "", "", "")},
		{WithCredentials("a:b", "")},
		{WithCredentials("a\x00b", "")},
		{WithMySQLCredentials("", "")},
		{WithTopologyFile("")},
		{WithTopologyFile("a"), WithSnapshotFile("b")},
		{WithDiscoveryInterval(time.Millisecond)},
		{WithMaxReplicaLag(-time.Second)},
		{WithZone("a\x00b")},
	} {
		if farm, err := Open("", options...); err == nil {
			t.Errorf("options %d are accepted", at)
			_ = farm.Close()
		} else {
			wants(t, err, ErrArgument, 0)
		}
	}
	for _, url := range []string{"gopher://x", "cluster://user:password@host", "a\x00b"} {
		_, err := Open(url)
		wants(t, err, ErrArgument, 0)
	}
}

// Every option is accepted with a value that it may have.
func TestOptions(t *testing.T) {
	for at, options := range [][]Option{
		{
			WithNode("localhost", 1), WithCredentials("user", "password"),
			WithMySQLCredentials("user", "password"), WithTLS("ca", "key", "cert"),
			WithMySQLTLS(TLSVerifyCA, "ca", "", ""), WithMySQLPasswordUnverified(),
			WithSnapshotFile("snapshot"), WithZone("zone"), WithLookupTimeout(0), WithConnectAttempts(2),
			WithConnectDelay(0), WithConnectTimeout(time.Nanosecond), WithRequestTimeout(time.Second),
			WithMaxReplyBytes(1 << 20), WithReports(ReportsFailure, 1317), WithReportWindow(time.Second),
			WithoutBackgroundRefresh(), WithRefreshShare(100), WithBackoffLimit(time.Second),
			WithMaxStale(time.Hour), WithQuarantine(time.Second), WithLeastWriteHold(0),
			WithVanishedHold(Forever), WithTTL(0, time.Second), WithConnectorPythonPlacement(),
			WithDiscoveryInterval(time.Second), WithMaxReplicaLag(Forever), WithMultiPrimary(),
			WithReadsWithoutMajority(), WithReadPreference(PreferNearest), WithLogger(slog.New(slog.DiscardHandler)),
		},
		{WithTopologyFile("farm.json")},
	} {
		farm, err := Open("", options...)
		if err != nil {
			t.Fatal(at, err)
		}
		must(t, farm.Close())
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
	h := d.farm(WithTLS(pem("ca"), pem("client-key"), pem("client-cert")))
	same(t, group(t, h, salaries, 1), "shard1")
	ca, key, cert := h.TLSFiles()
	same(t, []string{ca, key, cert}, []string{pem("ca"), pem("client-key"), pem("client-cert")})
	h = d.farm(WithTLS(pem("ca"), "", ""))
	wants(t, h.Seed(ctx), ErrTLS, 2026)

	d = start(t, server...)
	h = d.farm(WithTLS(other("ca"), "", ""))
	wants(t, h.Seed(ctx), ErrTLS, 2026)
	h = d.farm(WithTLS(filepath.Join(t.TempDir(), "missing.pem"), "", ""))
	wants(t, h.Seed(ctx), ErrTLS, 2026)
	d = start(t, append(server, "--listen", "127.0.0.2:0")...)
	d.node.Host = "127.0.0.2"
	h = d.farm(WithTLS(pem("ca"), "", ""))
	wants(t, h.Seed(ctx), ErrTLS, 2026)
}
