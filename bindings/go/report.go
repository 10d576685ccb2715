package mysqlfabric

/*
#include "shim.h"
*/
import "C"

import (
	"context"
	"database/sql/driver"
	"errors"
	"net"
	"reflect"
	"runtime"
	"time"
	"unsafe"
)

// Action is a set of flags: what there is to do about a MySQL errno.
type Action int32

// The flags. The first two are for the service, the others are what a report does.
const (
	ActionReconnect      Action = C.FABRIC_ACTION_RECONNECT
	ActionRetryElsewhere Action = C.FABRIC_ACTION_RETRY_ELSEWHERE
	ActionAskAgain       Action = C.FABRIC_ACTION_ASK_AGAIN
	ActionReport         Action = C.FABRIC_ACTION_REPORT
	ActionQuarantine     Action = C.FABRIC_ACTION_QUARANTINE
	ActionHoldWrites     Action = C.FABRIC_ACTION_HOLD_WRITES
)

// ErrnoAction says what there is to do about a MySQL errno; 0 is nothing.
func ErrnoAction(errno int) Action { return Action(C.fabric_errno_action(C.int32_t(errno))) }

// ErrorAction is ErrnoAction by the text of the server's error as well: 1290 names the option that prevents the
// statement, which may be another than read_only. Without a text it is ErrnoAction.
func ErrorAction(errno int, message string) Action {
	if message == "" {
		return ErrnoAction(errno)
	}
	text := C.CString(message)
	defer C.free(unsafe.Pointer(text))
	return Action(C.fabric_error_action(C.int32_t(errno), text))
}

// The errnos that stand for what drivers have errors of their own for.
const (
	errnoSocketFile = 2002
	errnoConnect    = 2003
	errnoHost       = 2005
	errnoGone       = 2006
	errnoLost       = 2013
)

// Errno is the MySQL errno of what a driver answered, for [ErrnoAction] and [Farm.ReportErrno]; 0 for nil, and
// -1 for what says nothing of the server: a cancelled context, an error that is none of MySQL's, a 1290 whose
// text names another option than read_only. It knows go-sql-driver/mysql's errors, those of net and
// database/sql, and any error of a struct type MySQLError with a Number, or with a method `Errno() int`,
// wherever errors.As would find it.
//
// A connection that was not there in time is 2003, whoever set the limit, since a host that is gone without
// a word shows in no other way: [Farm.ReportContext] leaves out what the caller's own context ended. 1792 is
// about a transaction that only reads: do not report it where the service began it as one.
func Errno(err error) int {
	if err == nil {
		return 0
	}
	return errnoOfDriver(err)
}

func errnoOfDriver(err error) int {
	var numbered interface{ Errno() int }
	var dns *net.DNSError
	var network *net.OpError
	if errors.As(err, &numbered) {
		return numbered.Errno()
	}
	if number, is := mysqlNumber(err); is {
		return number
	}
	switch {
	case errors.Is(err, context.Canceled):
		return -1
	case errors.As(err, &dns):
		return errnoHost
	case errors.As(err, &network) && network.Op == "dial":
		if network.Net == "unix" {
			return errnoSocketFile
		}
		return errnoConnect
	case errors.Is(err, context.DeadlineExceeded):
		return -1
	case errors.Is(err, driver.ErrBadConn):
		return errnoGone
	case network != nil, isInvalidConn(err):
		return errnoLost
	default:
		return -1
	}
}

// isInvalidConn knows go-sql-driver's ErrInvalidConn by its words, since this package does not need the
// driver.
func isInvalidConn(err error) bool {
	return anyOf(err, func(err error) bool { return err.Error() == "invalid connection" })
}

// mysqlNumber is the Number of a MySQLError among errors, if there is one.
func mysqlNumber(err error) (errno int, is bool) {
	is = anyOf(err, func(err error) bool {
		of := reflect.Indirect(reflect.ValueOf(err))
		if of.Kind() != reflect.Struct || of.Type().Name() != "MySQLError" {
			return false
		}
		number := of.FieldByName("Number")
		if !number.IsValid() || !number.CanUint() || number.Uint() == 0 {
			return false
		}
		errno = int(number.Uint())
		text := of.FieldByName("Message")
		if text.Kind() == reflect.String && ErrorAction(errno, text.String()) != ErrnoAction(errno) {
			errno = -1
		}
		return true
	})
	return errno, is
}

// anyOf looks at an error and at all that it wraps, as errors.As does.
func anyOf(err error, is func(error) bool) bool {
	if err == nil {
		return false
	}
	if is(err) {
		return true
	}
	switch err := err.(type) {
	case interface{ Unwrap() error }:
		return anyOf(err.Unwrap(), is)
	case interface{ Unwrap() []error }:
		for _, each := range err.Unwrap() {
			if anyOf(each, is) {
				return true
			}
		}
	}
	return false
}

// Report tells what became of a connection to a server or a statement there: nil for success, or the
// driver's error, as [Errno] reads it. Reads leave a server out that cannot be reached, and writes are held
// where a primary is read-only; the header's fabric_report_result has it all. It takes nanoseconds: call it
// after every statement if you like. It is what [ErrnoAction] says of the error.
func (f *Farm) Report(server Server, err error) Action {
	errno := Errno(err)
	if errno >= 0 {
		_ = f.ReportErrno(server.UUID, errno)
	}
	if errno <= 0 {
		return 0 // by definition, without a second call of C after each statement that went well
	}
	return ErrnoAction(errno)
}

// ReportContext is Report of what was done under a context: it tells nothing of an error that came with the
// end of that.
func (f *Farm) ReportContext(ctx context.Context, server Server, err error) Action {
	checkContext(ctx)
	if err != nil && isOver(ctx) {
		return 0
	}
	return f.Report(server, err)
}

// isOver is true also where a limit has passed that the context has not noticed yet.
func isOver(ctx context.Context) bool {
	deadline, has := ctx.Deadline()
	return ctx.Err() != nil || has && !time.Now().Before(deadline)
}

// ReportErrno is Report by the server's UUID and a MySQL errno, 0 for success.
func (f *Farm) ReportErrno(serverUUID string, errno int) error {
	if err := named(serverUUID); err != nil {
		return err
	}
	count := f.opened().guard.enter()
	if count == nil {
		return ErrClosed
	}
	var e C.go_details_t
	status := C.go_report_result(f.opened().f, bytesOf(serverUUID), C.size_t(len(serverUUID)), C.int32_t(errno), &e)
	leave(count)
	runtime.KeepAlive(f)
	if status != C.FABRIC_OK {
		return told(status, e)
	}
	return nil
}

// ReportFailure tells Fabric that a server could not be reached, if [WithReports] says so, and does nothing
// else.
func (f *Farm) ReportFailure(serverUUID string, errno int) error {
	defer runtime.KeepAlive(f)
	return f.opened().use(func() error {
		var names cnames
		defer names.free()
		uuid := names.add(serverUUID)
		return names.run(func(e *C.fabric_error_t) C.int32_t {
			return C.fabric_report_failure(f.opened().f, uuid, C.int32_t(errno), e)
		})
	})
}
