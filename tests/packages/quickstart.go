// Which MySQL server takes the writes of employee 10021? The argument is the URL of the source.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"mysqlfabric"
)

func main() {
	farm, err := mysqlfabric.Open(os.Args[1], mysqlfabric.WithCredentials("admin", "secret"))
	if err != nil {
		log.Fatal(err)
	}
	defer farm.Close()
	server, err := farm.Server(context.Background(), "employees.salaries", 10021, mysqlfabric.ReadWrite)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s of group %s\n", server.Addr(), server.Group)
}
