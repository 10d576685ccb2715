package fabricsql_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"mysqlfabric"
	"mysqlfabric/fabricsql"
)

// checkRefusals sees that what no other server heals is said at once.
func checkRefusals(t *testing.T, farm *mysqlfabric.Farm) {
	t.Helper()
	cfg := config()
	cfg.Passwd = "wrong"
	db, err := fabricsql.OpenDB(farm, "farm", mysqlfabric.ReadWrite, cfg)
	must(t, err)
	defer db.Close()
	begun := time.Now()
	var refused *mysql.MySQLError
	if err := db.Ping(); !errors.As(err, &refused) || refused.Number != 1045 || time.Since(begun) > 8*time.Second {
		t.Errorf("a wrong password: %v after %v", err, time.Since(begun))
	}
	none, err := fabricsql.OpenDB(farm, "no such group", mysqlfabric.ReadWrite, config())
	must(t, err)
	defer none.Close()
	if _, err := farm.Group(ctx, "no such group", mysqlfabric.ReadWrite); !errors.Is(err, mysqlfabric.ErrUnknownGroup) {
		t.Error("an unknown group:", err)
	}
	soon, cancel := contextFor(100 * time.Millisecond)
	defer cancel()
	if err := none.PingContext(soon); !errors.Is(err, mysqlfabric.ErrUnknownGroup) {
		t.Error("an unknown group:", err)
	}
}

// checkService runs examples/service on a table whose one shard is the group, and has it write and read.
func checkService(t *testing.T, db *sql.DB, g *group) {
	t.Helper()
	for _, statement := range []string{
		"CREATE DATABASE employees", "CREATE TABLE employees.salaries (emp_no BIGINT PRIMARY KEY, salary BIGINT NOT NULL)",
	} {
		_, err := db.ExecContext(ctx, statement)
		must(t, err)
	}
	var seeds []string
	for at := 1; at <= 3; at++ {
		seeds = append(seeds, fmt.Sprintf(`"127.0.0.1:%d"`, g.base+at))
		// So that each server has the password at hand, and asks for no TLS that is verified.
		cfg := config()
		cfg.Net, cfg.Addr = "tcp", fmt.Sprint("127.0.0.1:", g.base+at)
		direct, err := mysql.NewConnector(cfg)
		must(t, err)
		one := sql.OpenDB(direct)
		must(t, one.Ping())
		must(t, one.Close())
	}
	dir := t.TempDir()
	topology := filepath.Join(dir, "farm.json")
	must(t, os.WriteFile(topology, []byte(`{"format": "libmysqlfabric topology", "version": 2, "tables": [
		{"schema": "employees", "table": "salaries", "column": "emp_no", "type": "RANGE_INTEGER",
		 "global_group": "farm", "shards": [{"id": 1, "lower_bound": 1, "group": "farm"}]}],
		"groups": [{"id": "farm", "discover": "group_replication", "seeds": [`+strings.Join(seeds, ", ")+`]}]}`), 0o600))

	program := filepath.Join(dir, "service")
	build := exec.Command("go", "build", "-o", program, "mysqlfabric/examples/service")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	address := listener.Addr().String()
	must(t, listener.Close())
	service := exec.Command(program, "-url", "file:"+topology, "-listen", address, "-router", "farm", "-user", "farm")
	service.Env = append(os.Environ(), "ROUTER_PASSWORD=farm", "DB_PASSWORD=farm")
	var log bytes.Buffer
	service.Stderr = &log
	must(t, service.Start())
	ended := false
	defer func() {
		if !ended {
			_ = service.Process.Kill()
			_ = service.Wait()
		}
		if t.Failed() {
			t.Log(log.String())
		}
	}()

	ask := func(method, employee, body string) (int, string) {
		request, err := http.NewRequest(method, "http://"+address+"/salary/"+employee, strings.NewReader(body))
		must(t, err)
		reply, err := http.DefaultClient.Do(request)
		if err != nil {
			return 0, err.Error()
		}
		defer reply.Body.Close()
		text, err := io.ReadAll(reply.Body)
		must(t, err)
		return reply.StatusCode, strings.TrimSpace(string(text))
	}
	eventually(t, "the service listens", func() bool { status, _ := ask("GET", "x", ""); return status != 0 })
	if status, text := ask("PUT", "10021", "90000"); status != http.StatusOK {
		t.Fatal(status, text)
	}
	eventually(t, "a secondary has the row", func() bool {
		status, text := ask("GET", "10021", "")
		return status == http.StatusOK && text == "90000"
	})
	if status, text := ask("GET", "10022", ""); status != http.StatusNotFound {
		t.Error(status, text)
	}
	if status, text := ask("PUT", "0", "1"); status != http.StatusInternalServerError || !strings.Contains(text, "key out of range") {
		t.Error(status, text)
	}
	must(t, service.Process.Signal(os.Interrupt))
	ended = true
	if err := service.Wait(); err != nil {
		t.Error("the service:", err)
	}
}
