package mysqlfabric

/*
#include "shim.h"
*/
import "C"

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Code is why a call failed, as the library's numbers have it. Codes are errors themselves, for
// errors.Is(err, mysqlfabric.ErrNoServer).
type Code int32

// The codes. The header says what each means, and docs/ERRORS.md what to do.
const (
	ErrArgument            Code = C.FABRIC_ERR_ARGUMENT
	ErrNullPointer         Code = C.FABRIC_ERR_NULL_POINTER
	ErrInvalidUTF8         Code = C.FABRIC_ERR_INVALID_UTF8
	ErrTableName           Code = C.FABRIC_ERR_TABLE_NAME
	ErrKeyMissing          Code = C.FABRIC_ERR_KEY_MISSING
	ErrKeyType             Code = C.FABRIC_ERR_KEY_TYPE
	ErrBufferTooSmall      Code = C.FABRIC_ERR_BUFFER_TOO_SMALL
	ErrUnreachable         Code = C.FABRIC_ERR_UNREACHABLE
	ErrTimeout             Code = C.FABRIC_ERR_TIMEOUT
	ErrAuth                Code = C.FABRIC_ERR_AUTH
	ErrForbidden           Code = C.FABRIC_ERR_FORBIDDEN
	ErrTLS                 Code = C.FABRIC_ERR_TLS
	ErrProtocol            Code = C.FABRIC_ERR_PROTOCOL
	ErrReplyTooLarge       Code = C.FABRIC_ERR_REPLY_TOO_LARGE
	ErrFabric              Code = C.FABRIC_ERR_FABRIC
	ErrNotSeeded           Code = C.FABRIC_ERR_NOT_SEEDED
	ErrFile                Code = C.FABRIC_ERR_FILE
	ErrMySQL               Code = C.FABRIC_ERR_MYSQL
	ErrUnknownTable        Code = C.FABRIC_ERR_UNKNOWN_TABLE
	ErrUnknownGroup        Code = C.FABRIC_ERR_UNKNOWN_GROUP
	ErrNoServer            Code = C.FABRIC_ERR_NO_SERVER
	ErrDifferentShards     Code = C.FABRIC_ERR_DIFFERENT_SHARDS
	ErrKeyOutOfRange       Code = C.FABRIC_ERR_KEY_OUT_OF_RANGE
	ErrUnsupportedSharding Code = C.FABRIC_ERR_UNSUPPORTED_SHARDING
	ErrStale               Code = C.FABRIC_ERR_STALE
	ErrNoEvent             Code = C.FABRIC_ERR_NO_EVENT
	ErrWriteHeld           Code = C.FABRIC_ERR_WRITE_HELD
	ErrShardUnavailable    Code = C.FABRIC_ERR_SHARD_UNAVAILABLE
	ErrSomeKeys            Code = C.FABRIC_ERR_SOME_KEYS
	ErrWouldBlock          Code = C.FABRIC_ERR_WOULD_BLOCK
	ErrInterrupted         Code = C.FABRIC_ERR_INTERRUPTED
	ErrSystem              Code = C.FABRIC_ERR_SYSTEM
	ErrPanic               Code = C.FABRIC_ERR_PANIC
)

// Error is the code in a few words.
func (c Code) Error() string { return C.GoString(C.fabric_strerror(C.int32_t(c))) }

// IsRetryable says whether the same call may succeed later although nobody corrects anything.
func (c Code) IsRetryable() bool { return C.fabric_status_is_retryable(C.int32_t(c)) != 0 }

// Errno is the MySQL errno that fits, or 0.
func (c Code) Errno() int { return int(C.fabric_status_mysql_errno(C.int32_t(c))) }

// ErrClosed is what every call answers after [Farm.Close], or [Table.Close], and what was never opened.
var ErrClosed = errors.New("mysqlfabric: it is closed, or was never opened")

// Error is what a call returns that fails; errors.As finds it.
type Error struct {
	Code      Code
	Errno     int    // the MySQL errno that fits, or 0
	Message   string // names the value and the remedy
	Retryable bool   // whether the same call may succeed later although nobody corrects anything

	cause error
}

// Error has the message, the code in words, and the errno.
func (e *Error) Error() string {
	text := fmt.Sprintf("%s (%s, errno %d)", e.Message, e.Code.Error(), e.Errno)
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Is says whether target is the error's code.
func (e *Error) Is(target error) bool {
	code, is := target.(Code)
	return is && code == e.Code
}

// Unwrap is what ended the wait: the context's error, or nil.
func (e *Error) Unwrap() error { return e.cause }

// newError makes an error that the library does not know of.
func newError(code Code, format string, args ...any) *Error {
	return &Error{
		Code: code, Errno: code.Errno(), Message: fmt.Sprintf(format, args...),
		Retryable: code.IsRetryable(),
	}
}

// failure reads what C told of a failed call.
func failure(status C.int32_t, e *C.fabric_error_t) error {
	if status == C.FABRIC_OK {
		return nil
	}
	return &Error{
		Code: Code(status), Errno: int(e.mysql_errno), Message: inGo(C.GoString(&e.message[0])),
		Retryable: e.retryable != 0,
	}
}

// told is failure for details that are to be freed.
func told(status C.int32_t, details C.go_details_t) error {
	e := C.go_details(details)
	if e == nil {
		return newError(Code(status), "%s, and there is no memory for the details", Code(status).Error())
	}
	defer C.go_forget(details)
	return failure(status, e)
}

// codeOf is the code of an error that a call of C gave, or 0.
func codeOf(err error) Code {
	if failed, is := err.(*Error); is {
		return failed.Code
	}
	return 0
}

// ended is a refusal that a context kept from being waited for any longer.
func ended(ctx context.Context, refusal error) error {
	failed, is := refusal.(*Error)
	if !is {
		return refusal
	}
	told := *failed
	if told.Code == ErrWouldBlock {
		told = *newError(ErrTimeout, "the source has not answered yet, and the context is done")
	}
	told.cause = ctx.Err()
	if why := context.Cause(ctx); why != told.cause {
		told.cause = fmt.Errorf("%w: %w", told.cause, why)
	}
	return &told
}

// named refuses a name that C would cut.
func named(name string) error {
	if strings.IndexByte(name, 0) >= 0 {
		return newError(ErrArgument, "the name %q holds a NUL byte", name)
	}
	return nil
}
