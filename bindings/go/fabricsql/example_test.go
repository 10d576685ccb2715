package fabricsql_test

import (
	"context"
	"database/sql"
	"log"
	"os"
	"time"

	"github.com/go-sql-driver/mysql"

	"mysqlfabric"
	"mysqlfabric/fabricsql"
)

// A service that writes to the primary of an employee's shard, whoever that is.
func Example() {
	farm, err := mysqlfabric.Open("mysql://router@db1.example.com,db2.example.com",
		mysqlfabric.WithMySQLCredentials("router", os.Getenv("ROUTER_PASSWORD")))
	if err != nil {
		log.Fatal(err)
	}
	defer farm.Close()
	cfg := mysql.NewConfig()
	cfg.User, cfg.Passwd, cfg.DBName = "service", os.Getenv("DB_PASSWORD"), "employees"
	pools := fabricsql.New(farm, cfg)
	defer pools.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err = pools.Retry(ctx, "employees.salaries", 10021, mysqlfabric.ReadWrite, func(ctx context.Context, db *sql.DB) error {
		_, err := db.ExecContext(ctx, "UPDATE salaries SET salary = ? WHERE emp_no = ?", 90000, 10021)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
}
