// Package mysqlfabric tells which MySQL server of a farm holds a table and key, or serves a group. It
// is a thin layer over libmysqlfabric, whose header, mysqlfabric.h, has the last word on what each call
// does. The service connects with the driver it already uses; package mysqlfabric/fabricsql does that
// for database/sql.
//
//	farm, err := mysqlfabric.Open("cluster://router@db1.example.com,db2.example.com",
//		mysqlfabric.WithMySQLCredentials("router", password))
//	...
//	defer farm.Close()
//	server, err := farm.Group(ctx, "default", mysqlfabric.ReadWrite)
//
// A stock MySQL 8 or 9 takes that password over TLS that is verified: [WithMySQLTLS] names the CA. Where there
// is none, [WithMySQLPasswordUnverified] lets it go out over TLS that nobody verifies.
//
// # Keys
//
// A key is any integer type, a string, a []byte (taken as a string), or a time.Time, which stands for
// what its clock shows: "2026-11-26 18:50:00" in its own location, since MySQL's DATETIME knows no time
// zone. A driver may write another text for it: go-sql-driver that of the clock in its Loc, UTC unless set,
// as fabricsql's lookups do. A zero time.Time is refused. Types made of integers, strings and bytes serve as well. Whatever has no exact text, such as a float64,
// and what only has a String method, is refused with [ErrKeyType]: give the text that is in the column.
//
// # Waiting
//
// What is known is answered at once, in some 100 ns, whatever ctx says. What is not known yet is fetched,
// and the call waits until it is there, ctx is done, or the lookup timeout is over ([WithLookupTimeout]).
// ServerWait, GroupWait and GlobalWait also wait until a group has a server that serves, as long as ctx
// allows. A goroutine that waits holds no thread: one goroutine of the Farm listens to the library's
// events on a descriptor, and at most one thread of the Farm waits in the library for all of them.
// A nil context panics. [Farm.Seed], [Farm.Prefetch] and [Farm.Execute] hold a thread each, at most four at a time.
//
// # Errors
//
// Each error of a call is an [*Error] with a [Code]; errors.Is(err, mysqlfabric.ErrNoServer) asks for one.
// Where ctx ended the wait, errors.Is(err, context.DeadlineExceeded) or context.Canceled holds, too, as it
// does for its context.Cause, and the code says what was waited for. After [Farm.Close] each call fails with [ErrClosed].
//
// # Building
//
// cgo finds the library by pkg-config, name "mysqlfabric". The module has no host in its path: name it in
// go.mod with `require mysqlfabric v0.1.0` and `replace mysqlfabric => /where/it/is/bindings/go`.
package mysqlfabric
