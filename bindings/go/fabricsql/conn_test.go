package fabricsql

import (
	"errors"
	"fmt"
	"testing"

	"github.com/go-sql-driver/mysql"

	"mysqlfabric"
)

// Only what was certainly not executed is tried again.
func TestRefusedStatements(t *testing.T) {
	farm, err := mysqlfabric.Open("file:/no/such/farm.json")
	if err != nil {
		t.Fatal(err)
	}
	defer farm.Close()
	plain, err := NewConnector(farm, "group", mysqlfabric.ReadWrite, mysql.NewConfig())
	if err != nil {
		t.Fatal(err)
	}
	cfg := mysql.NewConfig()
	cfg.MultiStatements = true
	several, err := NewConnector(farm, "group", mysqlfabric.ReadWrite, cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := func(number uint16, message string) error {
		return fmt.Errorf("deep: %w", &mysql.MySQLError{Number: number, Message: message})
	}
	readOnly := server(1290, "The MySQL server is running with the --super-read-only option so it cannot execute this statement")
	for _, c := range []struct {
		of    *Connector
		inTx  bool
		err   error
		again bool
	}{
		{plain, false, readOnly, true},
		{plain, false, server(1836, "Running in read-only mode"), true},
		{plain, true, readOnly, false},
		{several, false, readOnly, false},
		{plain, false, server(1290, "The MySQL server is running with the --secure-file-priv option"), false},
		{plain, false, server(1792, "Cannot execute statement in a READ ONLY transaction."), false},
		{plain, false, mysql.ErrInvalidConn, false},
		{plain, false, errors.New("read-only"), false},
	} {
		if again := (&conn{of: c.of, inTx: c.inTx}).wasRefused(c.err); again != c.again {
			t.Errorf("%v, in a transaction %t: %t", c.err, c.inTx, again)
		}
	}
}

func TestConfigurations(t *testing.T) {
	farm, err := mysqlfabric.Open("file:/no/such/farm.json")
	if err != nil {
		t.Fatal(err)
	}
	cfg := mysql.NewConfig()
	cfg.TLSConfig = "no such"
	if _, err := OpenDB(farm, "group", mysqlfabric.ReadWrite, cfg); err == nil {
		t.Error("an unknown TLS configuration is accepted")
	}
	pools := New(farm, cfg)
	if _, err := pools.Group("group", mysqlfabric.ReadWrite); err == nil {
		t.Error("an unknown TLS configuration is accepted")
	}
	pools = New(farm, mysql.NewConfig())
	db, err := pools.Group("group", mysqlfabric.ReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	if err := pools.Close(); err != nil {
		t.Error(err)
	}
	if _, err := pools.Group("group", mysqlfabric.ReadWrite); !errors.Is(err, mysqlfabric.ErrClosed) {
		t.Error(err)
	}
	if db.Ping() == nil {
		t.Error("a closed pool answers")
	}
	_ = farm.Close()
	db, err = OpenDB(farm, "group", mysqlfabric.ReadOnly, mysql.NewConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Ping(); !errors.Is(err, mysqlfabric.ErrClosed) {
		t.Error(err)
	}
}
