// Package fabricsql gives database/sql pools that follow a farm: each new connection of a pool goes to the
// present primary of its group, or to a secondary by weight, and connections to a server that is that no
// more are drained. It stands on go-sql-driver/mysql.
//
//	pools := fabricsql.New(farm, cfg) // cfg is a *mysql.Config; its Addr does not matter
//	defer pools.Close()
//	db, err := pools.Shard(ctx, "employees.salaries", 10021, mysqlfabric.ReadWrite)
//	...
//	_, err = db.ExecContext(ctx, "UPDATE salaries SET salary = ? WHERE emp_no = ?", 90000, 10021)
//
// What the driver sees is reported to the farm by itself: lost connections, refused ones, a primary that has
// become read-only. A statement that a read-only server refused is tried again on the next primary, since it
// was not executed: outside of transactions, unless the configuration allows several statements in one text.
// Whatever else fails is the service's to try again: a connection that is lost during a statement
// (mysql.ErrInvalidConn) says nothing of whether that was executed.
package fabricsql
