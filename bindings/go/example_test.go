package mysqlfabric_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"mysqlfabric"
)

// A stand-in Fabric node of the tests; a service names its own farm, such as
// Open("cluster://router@db1,db2", WithMySQLCredentials("router", password)).
func open() *mysqlfabric.Farm {
	farm, err := mysqlfabric.Open("", mysqlfabric.StandInNode())
	if err != nil {
		log.Fatal(err)
	}
	return farm
}

func Example() {
	farm := open()
	defer farm.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()

	server, err := farm.Server(ctx, "employees.salaries", 10021, mysqlfabric.ReadWrite)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(server.Addr(), "of", server.Group)
	// Output: 127.0.0.1:33621 of shard2
}

func ExampleFarm_Table() {
	farm := open()
	defer farm.Close()
	ctx := context.Background()

	salaries, err := farm.Table(ctx, "employees.salaries", "employees.dept_emp")
	if err != nil {
		log.Fatal(err)
	}
	for _, employee := range []int{1, 10021, 20001} {
		server, err := salaries.Server(ctx, employee, mysqlfabric.ReadWrite)
		fmt.Println(employee, server.Group, err)
	}
	// Output:
	// 1 shard1 <nil>
	// 10021 shard2 <nil>
	// 20001 shard3 <nil>
}

func ExampleFarm_Split() {
	farm := open()
	defer farm.Close()

	keys := []string{"Anna", "Zoë", "Bob", "Nora"}
	parts, _, err := farm.Split(context.Background(), "crm.names", keys, mysqlfabric.ReadWrite)
	if err != nil {
		log.Fatal(err)
	}
	for _, part := range parts { // one statement for each
		for _, at := range part.Positions {
			fmt.Println(part.Server.Group, keys[at])
		}
	}
	// Output:
	// shard1 Anna
	// shard1 Bob
	// shard2 Zoë
	// shard2 Nora
}

func ExampleError() {
	farm := open()
	defer farm.Close()

	_, err := farm.Server(context.Background(), "employees.salaries", 0, mysqlfabric.ReadWrite)
	var failed *mysqlfabric.Error
	if errors.Is(err, mysqlfabric.ErrKeyOutOfRange) && errors.As(err, &failed) {
		fmt.Println(failed.Code, failed.Retryable)
	}
	// Output: key out of range false
}

// A server that cannot be reached is reported, and the next reads go elsewhere.
func ExampleFarm_Report() {
	farm := open()
	defer farm.Close()
	ctx := context.Background()

	first, _ := farm.Group(ctx, "shard1", mysqlfabric.ReadOnly)
	todo := farm.Report(first, fmt.Errorf("%w", errNoConnection))
	next, _ := farm.Group(ctx, "shard1", mysqlfabric.ReadOnly)
	fmt.Println(todo&mysqlfabric.ActionRetryElsewhere != 0, next != first)
	// Output: true true
}

// errNoConnection stands for what a driver answers.
var errNoConnection = &MySQLError{Number: 2003}

type MySQLError struct{ Number uint16 }

func (e *MySQLError) Error() string { return fmt.Sprint("Error ", e.Number) }
