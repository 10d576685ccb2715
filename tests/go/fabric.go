// Package fabric tells which MySQL server of a MySQL Fabric farm holds a table and key. It is a
// thin layer over libmysqlfabric.
//
//	handle, err := fabric.New(fabric.Options{
//		Nodes:    []fabric.Node{{Host: "fabric1.example.com"}},
//		User:     "admin",
//		Password: "secret",
//	})
//	...
//	defer handle.Close()
//	tables := []string{"employees.salaries"}
//	server, err := handle.ShardServer(tables, fabric.Int(10021), fabric.Local, fabric.ReadWrite)
//
// Set CGO_CFLAGS to find mysqlfabric.h, and CGO_LDFLAGS to find the library.
package fabric

/*
#cgo LDFLAGS: -lmysqlfabric
#include <stdlib.h>
#include "mysqlfabric.h"

void fabricGoLog(int32_t level, char *message, void *userdata);
void fabricGoLogFree(void *userdata);

static int32_t set_log(fabric_options_t *options, int32_t level, uintptr_t handle)
{
	return fabric_options_set_log(options, level, (fabric_log_t)fabricGoLog, (void *)handle,
	                              fabricGoLogFree);
}
*/
import "C"

import (
	"fmt"
	"runtime/cgo"
	"strings"
	"time"
	"unsafe"
)

// Code is the status of a call that failed.
type Code int32

// The statuses.
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
	ErrMysql               Code = C.FABRIC_ERR_MYSQL
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

func (c Code) String() string {
	return C.GoString(C.fabric_strerror(C.int32_t(c)))
}

// IsRetryable says whether the same call may succeed later although nobody corrects anything.
func (c Code) IsRetryable() bool {
	return C.fabric_status_is_retryable(C.int32_t(c)) != 0
}

// Action is a set of flags: what there is to do about a MySQL errno.
type Action int32

// The flags.
const (
	Reconnect      Action = C.FABRIC_ACTION_RECONNECT
	RetryElsewhere Action = C.FABRIC_ACTION_RETRY_ELSEWHERE
	AskAgain       Action = C.FABRIC_ACTION_ASK_AGAIN
	ReportIt       Action = C.FABRIC_ACTION_REPORT
	Quarantine     Action = C.FABRIC_ACTION_QUARANTINE
	HoldWrites     Action = C.FABRIC_ACTION_HOLD_WRITES
)

// ErrnoAction says what there is to do about a MySQL errno; 0 is nothing.
func ErrnoAction(errno int) Action {
	return Action(C.fabric_errno_action(C.int32_t(errno)))
}

// Error is what every call returns that fails; errors.As finds it.
type Error struct {
	Code      Code
	Errno     int // the MySQL errno that fits, or 0
	Message   string
	Retryable bool // whether the same call may succeed later although nobody corrects anything
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s (%s, errno %d)", e.Message, e.Code, e.Errno)
}

// Mode is what a server is wanted for, and what Fabric lets it be used for.
type Mode int32

// The modes. Offline is only ever a server's own.
const (
	AnyMode   Mode = C.FABRIC_MODE_NONE
	ReadOnly  Mode = C.FABRIC_MODE_READONLY
	WriteOnly Mode = C.FABRIC_MODE_WRITEONLY
	ReadWrite Mode = C.FABRIC_MODE_READWRITE
	Offline   Mode = C.FABRIC_MODE_OFFLINE
)

// Status is the role of a server in its group.
type Status int32

// The statuses of servers.
const (
	AnyStatus Status = C.FABRIC_STATUS_NONE
	Faulty    Status = C.FABRIC_STATUS_FAULTY
	Spare     Status = C.FABRIC_STATUS_SPARE
	Secondary Status = C.FABRIC_STATUS_SECONDARY
	Primary   Status = C.FABRIC_STATUS_PRIMARY
)

// Scope says which group of a mapping is meant.
type Scope int32

// The scopes: the shard of the key, or what all shards share.
const (
	Local  Scope = C.FABRIC_SCOPE_LOCAL
	Global Scope = C.FABRIC_SCOPE_GLOBAL
)

// Sharding is how a table is sharded.
type Sharding int32

// The kinds of sharding.
const (
	Range         Sharding = C.FABRIC_SHARDING_RANGE
	RangeInteger  Sharding = C.FABRIC_SHARDING_RANGE_INTEGER
	RangeString   Sharding = C.FABRIC_SHARDING_RANGE_STRING
	RangeDatetime Sharding = C.FABRIC_SHARDING_RANGE_DATETIME
	Hash          Sharding = C.FABRIC_SHARDING_HASH
)

// Level is how grave a message is.
type Level int32

// The levels.
const (
	LogError   Level = C.FABRIC_LOG_ERROR
	LogWarning Level = C.FABRIC_LOG_WARNING
	LogInfo    Level = C.FABRIC_LOG_INFO
	LogDebug   Level = C.FABRIC_LOG_DEBUG
)

// Report is how ReportFailure tells Fabric.
type Report int32

// The ways to report.
const (
	ReportOff     Report = C.FABRIC_REPORT_OFF
	ReportError   Report = C.FABRIC_REPORT_ERROR
	ReportFailure Report = C.FABRIC_REPORT_FAILURE
)

// Node is the address of a Fabric node; port 0 is the default port.
type Node struct {
	Host string
	Port uint16
}

// Server is a MySQL server to connect to.
type Server struct {
	UUID   string
	Group  string
	Host   string
	Port   uint16
	Mode   Mode
	Status Status
	Weight float64
}

// ShardState is what may be done with the keys of a shard.
type ShardState int32

const (
	ShardEnabled  ShardState = C.FABRIC_SHARD_ENABLED
	ShardReadOnly ShardState = C.FABRIC_SHARD_READ_ONLY
)

// Shard is a shard of a table.
type Shard struct {
	ID          int64
	Type        Sharding
	LowerBound  string
	Group       string
	GlobalGroup string
	Column      string
	State       ShardState
}

// ResultSet is a table of an answer; a cell is nil where there is no value.
type ResultSet struct {
	Columns []string
	Rows    [][]*string
}

// Options are the options of a handle. What is left at its zero value has the library's
// default.
type Options struct {
	Nodes           []Node
	User            string
	Password        string
	TLSCA           string
	TLSKey          string
	TLSCert         string
	ConnectAttempts int
	ConnectDelay    *time.Duration
	ConnectTimeout  time.Duration
	RequestTimeout  time.Duration
	MaxReplyBytes   int64
	ReportErrors    Report
	ReportErrnos    []int
	ReportWindow    *time.Duration
	Quarantine      time.Duration
	WriteHold       *time.Duration
	VanishedHold    *time.Duration
	// NoBackground leaves refreshes to the callers.
	NoBackground bool
	RefreshShare int // percent
	MaxStale     time.Duration
	MinTTL       time.Duration
	MaxTTL       time.Duration
	// CompatConnectorPython places keys as Connector/Python does.
	CompatConnectorPython bool
	// Log is called from any goroutine or thread, possibly several at once.
	Log      func(Level, string)
	LogLevel Level // LogInfo if not set
}

// Key is a sharding key, made by Int or Text.
type Key struct {
	text       string
	integer    int64
	isText     bool
	isUnsigned bool
}

// Int makes an integer key.
func Int(value int64) *Key { return &Key{integer: value} }

// Uint makes an integer key of a column without a sign.
func Uint(value uint64) *Key { return &Key{integer: int64(value), isUnsigned: true} }

// Text makes a key of a string or of a date and time.
func Text(value string) *Key { return &Key{text: value, isText: true} }

// Handle is a farm. All methods but Close may be called by any number of goroutines at once.
type Handle struct {
	f *C.fabric_t
}

// Version is the version of the library that is running.
func Version() string { return C.GoString(C.fabric_version()) }

// New makes a handle, without asking anybody yet.
func New(options Options) (*Handle, error) {
	o := C.fabric_options_new()
	defer C.fabric_options_free(o)
	var names cnames
	defer names.free()
	if err := setOptions(o, &options, &names); err != nil {
		return nil, err
	}
	handle := new(Handle)
	var e C.fabric_error_t
	// It says again what any of the calls above refused.
	if err := failure(C.fabric_new(o, &handle.f, &e), &e); err != nil {
		return nil, err
	}
	return handle, nil
}

func setOptions(o *C.fabric_options_t, options *Options, names *cnames) error {
	for _, node := range options.Nodes {
		C.fabric_options_add_node(o, names.add(node.Host), C.uint16_t(node.Port))
	}
	if options.User != "" {
		C.fabric_options_set_credentials(o, names.add(options.User), names.add(options.Password))
	}
	if options.TLSCA != "" || options.TLSKey != "" || options.TLSCert != "" {
		key, cert := names.optional(options.TLSKey), names.optional(options.TLSCert)
		C.fabric_options_set_tls(o, names.add(options.TLSCA), key, cert)
	}
	if options.ConnectAttempts != 0 {
		C.fabric_options_set_connect_attempts(o, C.int64_t(options.ConnectAttempts))
	}
	if options.ConnectDelay != nil {
		C.fabric_options_set_connect_delay_ms(o, millis(*options.ConnectDelay))
	}
	if options.ConnectTimeout != 0 {
		C.fabric_options_set_connect_timeout_ms(o, millis(options.ConnectTimeout))
	}
	if options.RequestTimeout != 0 {
		C.fabric_options_set_request_timeout_ms(o, millis(options.RequestTimeout))
	}
	if options.MaxReplyBytes != 0 {
		C.fabric_options_set_max_reply_bytes(o, C.int64_t(options.MaxReplyBytes))
	}
	C.fabric_options_set_report_errors(o, C.int32_t(options.ReportErrors))
	for _, errno := range options.ReportErrnos {
		C.fabric_options_add_report_errno(o, C.int32_t(errno))
	}
	if options.ReportWindow != nil {
		C.fabric_options_set_report_window_ms(o, millis(*options.ReportWindow))
	}
	if options.Quarantine != 0 {
		C.fabric_options_set_quarantine_ms(o, millis(options.Quarantine))
	}
	if options.WriteHold != nil {
		C.fabric_options_set_least_write_hold_ms(o, millis(*options.WriteHold))
	}
	if options.VanishedHold != nil {
		C.fabric_options_set_vanished_hold_ms(o, millis(*options.VanishedHold))
	}
	if options.NoBackground {
		C.fabric_options_set_background_refresh(o, 0)
	}
	if options.RefreshShare != 0 {
		C.fabric_options_set_refresh_share(o, C.int32_t(options.RefreshShare))
	}
	C.fabric_options_set_max_stale_ms(o, millis(options.MaxStale))
	C.fabric_options_set_ttl_ms(o, millis(options.MinTTL), millis(options.MaxTTL))
	if options.CompatConnectorPython {
		C.fabric_options_set_compat(o, C.FABRIC_COMPAT_CONNECTOR_PYTHON)
	}
	if options.Log != nil {
		level := options.LogLevel
		if level == 0 {
			level = LogInfo
		}
		C.set_log(o, C.int32_t(level), C.uintptr_t(cgo.NewHandle(options.Log)))
	}
	return names.refused
}

// Close frees the handle; twice does no harm. It must be the last call.
func (h *Handle) Close() {
	C.fabric_free(h.f)
	h.f = nil
}

// Seed loads the whole farm from the configured nodes, or from node if it is not nil.
func (h *Handle) Seed(node *Node) error {
	var names cnames
	defer names.free()
	var host *C.char
	var port uint16
	if node != nil {
		host, port = names.add(node.Host), node.Port
	}
	return names.run(func(e *C.fabric_error_t) C.int32_t {
		return C.fabric_seed(h.f, host, C.uint16_t(port), e)
	})
}

// ShardServer tells the server for tables and a key; key may be nil with Global.
func (h *Handle) ShardServer(tables []string, key *Key, scope Scope, mode Mode) (Server, error) {
	var names cnames
	defer names.free()
	list, k := names.list(tables), names.key(key)
	var s C.fabric_server_t
	err := names.run(func(e *C.fabric_error_t) C.int32_t {
		return C.fabric_get_shard_server(h.f, list, C.size_t(len(tables)), k, C.int32_t(scope),
			C.int32_t(mode), &s, e)
	})
	return found(&s, err)
}

// Table is one table, or several that are joined, for many lookups.
type Table struct{ t *C.fabric_table_t }

// Table opens tables. They may outlive the handle.
func (h *Handle) Table(tables ...string) (*Table, error) {
	var names cnames
	defer names.free()
	list, table := names.list(tables), new(Table)
	err := names.run(func(e *C.fabric_error_t) C.int32_t {
		return C.fabric_table_open(h.f, list, C.size_t(len(tables)), &table.t, e)
	})
	if err != nil {
		return nil, err
	}
	return table, nil
}

// Server tells the server for a key; key may be nil with Global.
func (t *Table) Server(key *Key, scope Scope, mode Mode) (Server, error) {
	var names cnames
	defer names.free()
	k := names.key(key)
	var s C.fabric_server_t
	err := names.run(func(e *C.fabric_error_t) C.int32_t {
		return C.fabric_table_get_server(t.t, k, C.int32_t(scope), C.int32_t(mode), &s, e)
	})
	return found(&s, err)
}

// ServerWait is Server that waits until a server is there that has not failed.
func (t *Table) ServerWait(key *Key, scope Scope, mode Mode, deadline time.Duration) (Server, error) {
	var names cnames
	defer names.free()
	k := names.key(key)
	var s C.fabric_server_t
	err := names.run(func(e *C.fabric_error_t) C.int32_t {
		return C.fabric_table_get_server_wait(t.t, k, C.int32_t(scope), C.int32_t(mode),
			millis(deadline), &s, e)
	})
	return found(&s, err)
}

// Interrupt ends the waits of those who wait now.
func (h *Handle) Interrupt() {
	C.fabric_interrupt(h.f)
}

// Close frees the tables; twice does no harm.
func (t *Table) Close() {
	C.fabric_table_free(t.t)
	t.t = nil
}

// ShardServerWait is ShardServer that waits until a server is there that has not failed.
func (h *Handle) ShardServerWait(tables []string, key *Key, scope Scope, mode Mode,
	deadline time.Duration) (Server, error) {
	var names cnames
	defer names.free()
	list, k := names.list(tables), names.key(key)
	var s C.fabric_server_t
	err := names.run(func(e *C.fabric_error_t) C.int32_t {
		return C.fabric_get_shard_server_wait(h.f, list, C.size_t(len(tables)), k,
			C.int32_t(scope), C.int32_t(mode), millis(deadline), &s, e)
	})
	return found(&s, err)
}

// GroupServer tells a server of a group, by mode (with AnyStatus) or status (with AnyMode).
func (h *Handle) GroupServer(group string, mode Mode, status Status) (Server, error) {
	var names cnames
	defer names.free()
	name := names.add(group)
	var s C.fabric_server_t
	err := names.run(func(e *C.fabric_error_t) C.int32_t {
		return C.fabric_get_group_server(h.f, name, C.int32_t(mode), C.int32_t(status), &s, e)
	})
	return found(&s, err)
}

// GroupServerWait is GroupServer that waits until a server is there that has not failed.
func (h *Handle) GroupServerWait(group string, mode Mode, status Status, deadline time.Duration,
) (Server, error) {
	var names cnames
	defer names.free()
	name := names.add(group)
	var s C.fabric_server_t
	err := names.run(func(e *C.fabric_error_t) C.int32_t {
		return C.fabric_get_group_server_wait(h.f, name, C.int32_t(mode), C.int32_t(status),
			millis(deadline), &s, e)
	})
	return found(&s, err)
}

// GroupServers lists all servers of a group; without useCache Fabric is asked now.
func (h *Handle) GroupServers(group string, useCache bool) ([]Server, error) {
	var names cnames
	defer names.free()
	name, cached := names.add(group), C.int32_t(0)
	if useCache {
		cached = 1
	}
	list, err := listOf(&names, func(out *C.fabric_server_t, room C.size_t, count *C.size_t,
		e *C.fabric_error_t) C.int32_t {
		return C.fabric_get_group_servers(h.f, name, cached, out, room, count, e)
	})
	return convert(list, server), err
}

// Shards lists the shards of a table by their lower bounds.
func (h *Handle) Shards(table string) ([]Shard, error) {
	var names cnames
	defer names.free()
	name := names.add(table)
	list, err := listOf(&names, func(out *C.fabric_shard_t, room C.size_t, count *C.size_t,
		e *C.fabric_error_t) C.int32_t {
		return C.fabric_get_shards(h.f, name, out, room, count, e)
	})
	return convert(list, shard), err
}

// FabricNodes lists the Fabric nodes.
func (h *Handle) FabricNodes() ([]Node, error) {
	list, err := listOf(new(cnames), func(out *C.fabric_node_t, room C.size_t, count *C.size_t,
		e *C.fabric_error_t) C.int32_t {
		return C.fabric_get_fabric_nodes(h.f, out, room, count, e)
	})
	return convert(list, func(n *C.fabric_node_t) Node {
		return Node{Host: C.GoString(&n.host[0]), Port: uint16(n.port)}
	}), err
}

// Prefetch fetches these tables, or the whole farm.
func (h *Handle) Prefetch(tables ...string) error {
	var names cnames
	defer names.free()
	list := names.list(tables)
	return names.run(func(e *C.fabric_error_t) C.int32_t {
		return C.fabric_get_sharding_information(h.f, list, C.size_t(len(tables)), e)
	})
}

// ResetCache makes the next lookup of a group, or of anything if it is "", ask Fabric.
func (h *Handle) ResetCache(group string) error {
	var names cnames
	defer names.free()
	name := names.optional(group)
	return names.run(func(e *C.fabric_error_t) C.int32_t {
		return C.fabric_reset_cache(h.f, name, e)
	})
}

// ReportResult tells what became of a connection or a statement: an errno, or 0 for success.
func (h *Handle) ReportResult(serverUUID string, errno int) error {
	var names cnames
	defer names.free()
	uuid := names.add(serverUUID)
	return names.run(func(e *C.fabric_error_t) C.int32_t {
		return C.fabric_report_result(h.f, uuid, C.int32_t(errno), e)
	})
}

// ReportFailure tells that a server could not be reached.
func (h *Handle) ReportFailure(serverUUID string, errno int) error {
	var names cnames
	defer names.free()
	uuid := names.add(serverUUID)
	return names.run(func(e *C.fabric_error_t) C.int32_t {
		return C.fabric_report_failure(h.f, uuid, C.int32_t(errno), e)
	})
}

// Execute runs any Fabric command.
func (h *Handle) Execute(group, command string, args ...string) ([]ResultSet, error) {
	var names cnames
	defer names.free()
	g, c, list := names.add(group), names.add(command), names.list(args)
	var result *C.fabric_result_t
	err := names.run(func(e *C.fabric_error_t) C.int32_t {
		return C.fabric_execute(h.f, g, c, list, C.size_t(len(args)), &result, e)
	})
	if err != nil {
		return nil, err
	}
	defer C.fabric_result_free(result)
	sets := make([]ResultSet, C.fabric_result_sets(result))
	for at := range sets {
		sets[at] = resultSet(result, C.size_t(at))
	}
	return sets, nil
}

// Generation is the number of the topology in use.
func (h *Handle) Generation() uint64 { return uint64(C.fabric_topology_generation(h.f)) }

// Age is that of the oldest table or group in use; negative if nobody knows.
func (h *Handle) Age() time.Duration {
	return time.Duration(C.fabric_topology_age(h.f)) * time.Millisecond
}

// TTL is the time to live in use; negative before the first answer.
func (h *Handle) TTL() time.Duration {
	return time.Duration(C.fabric_get_ttl_ms(h.f)) * time.Millisecond
}

// FabricUUID is the UUID that Fabric gives itself, if it does.
func (h *Handle) FabricUUID() (string, error) {
	var uuid [C.FABRIC_UUID_SIZE]C.char
	err := new(cnames).run(func(e *C.fabric_error_t) C.int32_t {
		return C.fabric_get_fabric_uuid(h.f, &uuid[0], e)
	})
	return C.GoString(&uuid[0]), err
}

// User is the user the handle was given, or "".
func (h *Handle) User() string { return C.GoString(C.fabric_get_user(h.f)) }

// TLSFiles are the paths the handle was given, or "".
func (h *Handle) TLSFiles() (ca, key, cert string) {
	return C.GoString(C.fabric_get_tls_ca(h.f)), C.GoString(C.fabric_get_tls_key(h.f)),
		C.GoString(C.fabric_get_tls_cert(h.f))
}

func millis(d time.Duration) C.int64_t { return C.int64_t(d.Milliseconds()) }

func failure(code C.int32_t, e *C.fabric_error_t) error {
	if code == C.FABRIC_OK {
		return nil
	}
	return &Error{Code(code), int(e.mysql_errno), C.GoString(&e.message[0]), e.retryable != 0}
}

func found(s *C.fabric_server_t, err error) (Server, error) {
	if err != nil {
		return Server{}, err
	}
	return server(s), nil
}

func server(s *C.fabric_server_t) Server {
	return Server{
		UUID:   C.GoString(&s.uuid[0]),
		Group:  C.GoString(&s.group[0]),
		Host:   C.GoString(&s.host[0]),
		Port:   uint16(s.port),
		Mode:   Mode(s.mode),
		Status: Status(s.status),
		Weight: float64(s.weight),
	}
}

func shard(s *C.fabric_shard_t) Shard {
	return Shard{
		ID:          int64(s.shard_id),
		Type:        Sharding(s.sharding_type),
		LowerBound:  C.GoString(&s.lower_bound[0]),
		Group:       C.GoString(&s.group[0]),
		GlobalGroup: C.GoString(&s.global_group[0]),
		Column:      C.GoString(&s.column[0]),
		State:       ShardState(s.state),
	}
}

func resultSet(result *C.fabric_result_t, at C.size_t) ResultSet {
	set := ResultSet{
		Columns: make([]string, C.fabric_result_columns(result, at)),
		Rows:    make([][]*string, C.fabric_result_rows(result, at)),
	}
	for column := range set.Columns {
		name := C.fabric_result_column_name(result, at, C.size_t(column))
		set.Columns[column] = C.GoString(name)
	}
	for row := range set.Rows {
		set.Rows[row] = make([]*string, len(set.Columns))
		for column := range set.Columns {
			var length C.size_t
			value := C.fabric_result_value(result, at, C.size_t(row), C.size_t(column), &length)
			if value != nil {
				text := C.GoStringN(value, C.int(length))
				set.Rows[row][column] = &text
			}
		}
	}
	return set
}

// listOf asks until the list fits: it may grow between two calls.
func listOf[T any](names *cnames, ask func(*T, C.size_t, *C.size_t, *C.fabric_error_t) C.int32_t,
) ([]T, error) {
	room := 8
	for {
		out, count, small := make([]T, room), C.size_t(0), false
		err := names.run(func(e *C.fabric_error_t) C.int32_t {
			code := ask(&out[0], C.size_t(room), &count, e)
			small = code == C.FABRIC_ERR_BUFFER_TOO_SMALL
			return code
		})
		if !small {
			return out[:count], err
		}
		room = int(count)
	}
}

func convert[T, U any](list []T, to func(*T) U) []U {
	if len(list) == 0 {
		return nil
	}
	converted := make([]U, len(list))
	for at := range list {
		converted[at] = to(&list[at])
	}
	return converted
}

// cnames are strings in C's memory, all freed together. A string with a NUL would be cut in C;
// refused remembers it, and run says so instead of calling.
type cnames struct {
	memory  []unsafe.Pointer
	refused error
}

func (c *cnames) free() {
	for _, memory := range c.memory {
		C.free(memory)
	}
}

func (c *cnames) add(text string) *C.char {
	if strings.Contains(text, "\x00") && c.refused == nil {
		c.refused = &Error{Code: ErrArgument, Message: "a name holds a NUL byte"}
	}
	copied := C.CString(text)
	c.memory = append(c.memory, unsafe.Pointer(copied))
	return copied
}

func (c *cnames) optional(text string) *C.char {
	if text == "" {
		return nil
	}
	return c.add(text)
}

func (c *cnames) list(texts []string) **C.char {
	if len(texts) == 0 {
		return nil
	}
	size := C.size_t(len(texts)) * C.size_t(unsafe.Sizeof((*C.char)(nil)))
	list := (**C.char)(C.malloc(size))
	c.memory = append(c.memory, unsafe.Pointer(list))
	for at, text := range texts {
		unsafe.Slice(list, len(texts))[at] = c.add(text)
	}
	return list
}

// key copies a key with its text: C may not be given a Go struct that points into Go's memory.
func (c *cnames) key(key *Key) *C.fabric_key_t {
	if key == nil {
		return nil
	}
	made := C.fabric_key_int(C.int64_t(key.integer))
	if key.isUnsigned {
		made = C.fabric_key_uint(C.uint64_t(key.integer))
	}
	if key.isText {
		copied := C.CString(key.text)
		c.memory = append(c.memory, unsafe.Pointer(copied))
		made = C.fabric_key_text(copied, C.size_t(len(key.text)))
	}
	return &made
}

func (c *cnames) run(call func(*C.fabric_error_t) C.int32_t) error {
	if c.refused != nil {
		return c.refused
	}
	var e C.fabric_error_t
	return failure(call(&e), &e)
}
