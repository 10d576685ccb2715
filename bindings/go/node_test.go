package mysqlfabric

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// A fabricd is a running Fabric node, driven through a Farm on its control port.
type fabricd struct {
	t       testing.TB
	node    Node
	control *Farm
	stop    func()
}

func program() string {
	if given := os.Getenv("FABRICD"); given != "" {
		return given
	}
	for _, profile := range []string{"release", "debug"} {
		path := filepath.Join("..", "..", "target", profile, "fabricd")
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return "fabricd"
}

func data(name string) string { return filepath.Join("..", "..", "fabricd", "data", name) }

// start starts fabricd; it ends at the end of its input, so it cannot outlive the tests.
func start(t testing.TB, arguments ...string) *fabricd {
	t.Helper()
	arguments = append([]string{"--exit-with-parent", "--control", "127.0.0.1:0"}, arguments...)
	command := exec.Command(program(), arguments...)
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	must(t, err)
	output, err := command.StdoutPipe()
	must(t, err)
	must(t, command.Start())
	line, err := bufio.NewReader(output).ReadString('\n')
	must(t, err)
	var port, control uint16
	_, err = fmt.Sscanf(line, "ready port=%d control=%d", &port, &control)
	must(t, err)
	d := &fabricd{t: t, node: Node{"127.0.0.1", port}}
	d.control, err = Open("", WithNode("127.0.0.1", control))
	must(t, err)
	d.stop = func() {
		if input.Close() == nil {
			must(t, command.Wait())
		}
	}
	t.Cleanup(func() {
		_ = d.control.Close()
		d.stop()
	})
	return d
}

// command runs `fabricd.<name>` and gives the rows of its answer.
func (d *fabricd) command(name string, args ...string) [][]string {
	d.t.Helper()
	sets, err := d.control.Execute(ctx, "fabricd", name, args...)
	must(d.t, err)
	var rows [][]string
	for _, set := range sets {
		for _, cells := range set.Rows {
			row := make([]string, len(cells))
			for at, cell := range cells {
				if cell != nil {
					row[at] = *cell
				}
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// options are those of a Farm on this node that fails fast.
func (d *fabricd) options(more ...Option) []Option {
	return append([]Option{
		WithNode(d.node.Host, d.node.Port), WithCredentials("admin", "secret"), WithConnectAttempts(1),
	}, more...)
}

// farm opens a Farm on this node; it is closed after the test.
func (d *fabricd) farm(more ...Option) *Farm {
	d.t.Helper()
	return open(d.t, d.options(more...)...)
}

func open(t testing.TB, options ...Option) *Farm {
	t.Helper()
	farm, err := Open("", options...)
	must(t, err)
	t.Cleanup(func() { _ = farm.Close() })
	return farm
}

// ctx is that of tests that do not wait for it.
var ctx = context.Background()

// dead is the address of a port that refuses connections.
func dead(t testing.TB) Node {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	port := uint16(listener.Addr().(*net.TCPAddr).Port)
	must(t, listener.Close())
	return Node{"127.0.0.1", port}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wants expects an error with this code and errno.
func wants(t testing.TB, err error, code Code, errno int) *Error {
	t.Helper()
	var failure *Error
	if !errors.As(err, &failure) {
		t.Fatalf("%v instead of %v", err, code)
	}
	if failure.Code != code || failure.Errno != errno || failure.Message == "" {
		t.Fatalf("%v, %d instead of %v, %d: %v", failure.Code, failure.Errno, code, errno, err)
	}
	if !errors.Is(err, code) || errors.Is(err, ErrPanic) {
		t.Fatalf("errors.Is: %v", err)
	}
	if failure.Retryable != code.IsRetryable() {
		t.Fatalf("%v says retryable: %t", code, failure.Retryable)
	}
	return failure
}

// same expects two values that print alike.
func same(t testing.TB, got, wanted any) {
	t.Helper()
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", wanted) {
		t.Fatalf("got  %+v\nwant %+v", got, wanted)
	}
}

func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

var long = WithTTL(10*time.Minute, 0)
