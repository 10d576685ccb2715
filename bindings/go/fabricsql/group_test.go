package fabricsql_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"mysqlfabric"
)

var ctx = context.Background()

// group is a group of three real servers with Group Replication.
type group struct {
	t    *testing.T
	env  []string
	base int
}

func startGroup(t *testing.T) *group {
	t.Helper()
	cache, err := os.UserCacheDir()
	must(t, err)
	if _, err := os.Stat(filepath.Join(cache, "mysqlfabric", "servers", "mysql", "complete")); err != nil {
		missing := "NOT TESTED against real servers: tests/servers/fetch.sh mysql has not been run"
		if os.Getenv("CI") == "true" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	g := &group{t: t, base: freePorts(t)}
	g.env = append(os.Environ(), "FARM="+filepath.Join(t.TempDir(), "farm"), fmt.Sprint("PORT=", g.base))
	t.Cleanup(func() { g.run("stop") })
	g.run("start", "3")
	return g
}

// freePorts is a number behind which the ports of three servers and their group are free.
func freePorts(t *testing.T) int {
	t.Helper()
	for base := 23000; base < 24000; base += 100 {
		free := true
		for _, at := range []int{1, 2, 3, 51, 52, 53} {
			listener, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", base+at))
			if err != nil {
				free = false
				break
			}
			_ = listener.Close()
		}
		if free {
			return base
		}
	}
	t.Fatal("no free ports")
	return 0
}

func (g *group) run(args ...string) string {
	g.t.Helper()
	command := exec.Command(filepath.Join("..", "..", "..", "tests", "servers", "group_replication.sh"), args...)
	command.Env, command.Stderr = g.env, os.Stderr
	// The servers keep the output open: not to a pipe, which would be waited for.
	output, err := os.Create(filepath.Join(g.t.TempDir(), "output"))
	must(g.t, err)
	defer output.Close()
	command.Stdout = output
	if err := command.Run(); err != nil {
		g.t.Errorf("%v: %v", args, err)
	}
	told, err := os.ReadFile(output.Name())
	must(g.t, err)
	return strings.TrimSpace(string(told))
}

func (g *group) uuid(server int) string {
	return fmt.Sprintf("00000000-0000-0000-0000-%012d", g.base+server)
}

func (g *group) farm(options ...mysqlfabric.Option) *mysqlfabric.Farm {
	g.t.Helper()
	farm, err := mysqlfabric.Open(fmt.Sprintf("cluster://farm@127.0.0.1:%d,127.0.0.1:%d,127.0.0.1:%d?group=farm",
		g.base+1, g.base+2, g.base+3),
		append([]mysqlfabric.Option{
			mysqlfabric.WithMySQLCredentials("farm", "farm"), mysqlfabric.WithMySQLPasswordUnverified(),
		}, options...)...)
	must(g.t, err)
	g.t.Cleanup(func() { _ = farm.Close() })
	return farm
}

func config() *mysql.Config {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Passwd, cfg.AllowNativePasswords = "farm", "farm", true
	cfg.TLSConfig = "skip-verify"
	cfg.Logger = &mysql.NopLogger{}
	return cfg
}

func contextFor(timeout time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, timeout)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
	}
}
