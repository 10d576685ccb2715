// A service over HTTP whose writes follow the primaries of a sharded farm. The glue between the farm and
// database/sql stands between the two lines "glue".
//
// A stock MySQL 8 or 9 takes the router's password over TLS alone, and that must be verified: WithMySQLTLS names
// the CA that signed the servers' certificates; without one, WithMySQLPasswordUnverified is what is left.
//
//	service -url mysql://router@db1,db2 -listen 127.0.0.1:8080     passwords: ROUTER_PASSWORD, DB_PASSWORD
//	curl -X PUT 127.0.0.1:8080/salary/10021 -d 90000 && curl 127.0.0.1:8080/salary/10021
package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"time"

	"github.com/go-sql-driver/mysql"

	"mysqlfabric"
	"mysqlfabric/fabricsql"
)

func main() {
	url := flag.String("url", "", "the source of the shard map")
	listen := flag.String("listen", "127.0.0.1:8080", "where to listen")
	router := flag.String("router", "router", "the user that asks who is primary")
	user := flag.String("user", "service", "the user for the rows")
	flag.Parse()

	// glue
	farm, err := mysqlfabric.Open(*url, mysqlfabric.WithLogger(slog.Default()),
		mysqlfabric.WithMySQLCredentials(*router, os.Getenv("ROUTER_PASSWORD")))
	if err != nil {
		log.Fatal(err)
	}
	defer farm.Close()
	cfg := mysql.NewConfig()
	cfg.User, cfg.Passwd, cfg.DBName, cfg.TLSConfig = *user, os.Getenv("DB_PASSWORD"), "employees", "preferred"
	pools := fabricsql.New(farm, cfg)
	defer pools.Close()
	// glue

	http.HandleFunc("PUT /salary/{employee}", func(w http.ResponseWriter, r *http.Request) {
		employee, salary, err := arguments(r)
		if err == nil {
			err = setSalary(r.Context(), pools, employee, salary)
		}
		answer(w, "ok", err)
	})
	http.HandleFunc("GET /salary/{employee}", func(w http.ResponseWriter, r *http.Request) {
		employee, _, err := arguments(r)
		var salary int64
		if err == nil {
			salary, err = salaryOf(r.Context(), pools, employee)
		}
		answer(w, strconv.FormatInt(salary, 10), err)
	})
	serve(*listen)
}

// setSalary writes to the primary of the employee's shard, and salaryOf reads from one of its secondaries. Both
// may be done twice, and so a lost server is no failure.
func setSalary(ctx context.Context, pools *fabricsql.Pools, employee, salary int64) error {
	return pools.Retry(ctx, "employees.salaries", employee, mysqlfabric.ReadWrite, func(ctx context.Context, db *sql.DB) error {
		_, err := db.ExecContext(ctx, "REPLACE INTO salaries (emp_no, salary) VALUES (?, ?)", employee, salary)
		return err
	})
}

func salaryOf(ctx context.Context, pools *fabricsql.Pools, employee int64) (salary int64, err error) {
	err = pools.Retry(ctx, "employees.salaries", employee, mysqlfabric.ReadOnly, func(ctx context.Context, db *sql.DB) error {
		return db.QueryRowContext(ctx, "SELECT salary FROM salaries WHERE emp_no = ?", employee).Scan(&salary)
	})
	return salary, err
}

func arguments(r *http.Request) (employee, salary int64, err error) {
	if employee, err = strconv.ParseInt(r.PathValue("employee"), 10, 64); err != nil || r.Method != http.MethodPut {
		return employee, 0, err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 32))
	if err != nil {
		return 0, 0, err
	}
	salary, err = strconv.ParseInt(string(body), 10, 64)
	return employee, salary, err
}

func answer(w http.ResponseWriter, text string, err error) {
	var failed *mysqlfabric.Error
	switch {
	case err == nil:
		fmt.Fprintln(w, text)
	case errors.Is(err, sql.ErrNoRows):
		http.Error(w, err.Error(), http.StatusNotFound)
	case errors.As(err, &failed) && failed.Retryable:
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	default:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// serve listens until the service is interrupted, and then lets requests end.
func serve(listen string) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	server := &http.Server{Addr: listen, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		last, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = server.Shutdown(last)
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Print(err)
	}
}
