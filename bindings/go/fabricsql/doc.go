// Package fabricsql gives database/sql pools that follow a farm: each new connection of a pool goes to the
// present primary of its group, or to a secondary by weight, and connections to a server that is that no
// more are drained. It stands on go-sql-driver/mysql.
//
//	pools := fabricsql.New(farm, cfg) // cfg is a *mysql.Config; its Addr does not matter
//	defer pools.Close()
//	err := pools.Retry(ctx, "employees.salaries", 10021, mysqlfabric.ReadWrite, func(ctx context.Context, db *sql.DB) error {
//		_, err := db.ExecContext(ctx, "UPDATE salaries SET salary = ? WHERE emp_no = ?", 90000, 10021)
//		return err
//	})
//
// A cluster that is not sharded has one group, "default" unless its URL names it: [Pools.RetryGroup].
//
// # What fails
//
// What the driver sees is reported to the farm by itself: lost connections, refused ones, a primary that has
// become read-only. A 1290 that names another option is not, nor is a 1792 in a transaction that BeginTx began
// for reads only: those are the client's own.
//
// No statement is sent again by itself. One that a read-only server refused was perhaps the end of a CALL or
// of a transaction, and a connection that is lost during a statement (mysql.ErrInvalidConn) says nothing of
// whether that was executed. [Pools.Retry] does again what the service says may be done twice. A transaction
// is one of BeginTx: statements of a sql.DB may each use another connection.
//
// A BEGIN as a statement, or autocommit=0, belongs on a sql.Conn, and is to be ended before that is closed: the
// connection goes back to its pool as it is, and what the next user writes in a transaction of which it does not
// know is lost. Where that may fail, throw the connection away:
//
//	conn.Raw(func(any) error { return driver.ErrBadConn })
//
// # Failovers
//
// New connections wait for a primary, for 30 s unless [Pools.Wait] says otherwise, or as long as their context
// allows. A second after a group has another primary what is still under way at the former one is ended with
// mysql.ErrInvalidConn: at a server that is frozen or cut off it would hang. That is for pools that write; a
// read ends with its context, or the configuration's ReadTimeout, and so does a write at a primary that is cut off
// and still the only one. Connections of a Net that
// mysql.RegisterDialContext knows are not ended; those of a DialFunc in the configuration are.
//
// # Dates
//
// The driver writes a time.Time as the clock in the configuration's Loc shows it, in UTC unless set. As a key
// of [Pools.Shard] and [Pools.Retry] it is taken as the same; Farm's own lookups take its own clock.
//
// # TLS
//
// A stock MySQL 8 or 9 has no password in full go over a connection that is not TLS. The configuration's
// TLSConfig is for the rows; the farm's own logins need [mysqlfabric.WithMySQLTLS], or, where nobody has a CA,
// [mysqlfabric.WithMySQLPasswordUnverified].
package fabricsql
