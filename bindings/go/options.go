package mysqlfabric

/*
#include "shim.h"
*/
import "C"

import (
	"log/slog"
	"math"
	"time"
)

// Option is something that [Open] is told.
type Option func(*settings)

// settings are what options have been set so far.
type settings struct {
	o             *C.fabric_options_t
	names         cnames
	lookupTimeout time.Duration
	logger        *slog.Logger
	hasSnapshot   bool
	refused       error
}

// defaultLookupTimeout is C's.
const defaultLookupTimeout = 5 * time.Second

// TLSMode is how much TLS there must be with MySQL servers that the library asks itself.
type TLSMode int32

// The modes of TLS.
const (
	TLSDefault        TLSMode = C.FABRIC_TLS_DEFAULT
	TLSDisabled       TLSMode = C.FABRIC_TLS_DISABLED
	TLSPreferred      TLSMode = C.FABRIC_TLS_PREFERRED
	TLSRequired       TLSMode = C.FABRIC_TLS_REQUIRED
	TLSVerifyCA       TLSMode = C.FABRIC_TLS_VERIFY_CA
	TLSVerifyIdentity TLSMode = C.FABRIC_TLS_VERIFY_IDENTITY
)

// Reports is how failures that the service reports are told to Fabric.
type Reports int32

// The ways to report.
const (
	ReportsOff     Reports = C.FABRIC_REPORT_OFF
	ReportsError   Reports = C.FABRIC_REPORT_ERROR
	ReportsFailure Reports = C.FABRIC_REPORT_FAILURE
)

// Forever is a time that does not end, for [WithVanishedHold] and [WithMaxReplicaLag].
const Forever time.Duration = math.MaxInt64

// WithNode names a Fabric node, beside or instead of the URL; port 0 is the default port.
func WithNode(host string, port uint16) Option {
	return func(s *settings) {
		C.fabric_options_add_node(s.o, s.names.add(host), C.uint16_t(port))
	}
}

// WithCredentials sets the user and password for Fabric nodes.
func WithCredentials(user, password string) Option {
	return func(s *settings) {
		C.fabric_options_set_credentials(s.o, s.names.add(user), s.names.add(password))
	}
}

// WithMySQLCredentials sets the user and password that the library itself logs in to MySQL servers with.
func WithMySQLCredentials(user, password string) Option {
	return func(s *settings) {
		C.fabric_options_set_mysql_credentials(s.o, s.names.add(user), s.names.add(password))
	}
}

// WithTLS has Fabric nodes talk TLS and verifies them: ca is a PEM file; key and cert are the client's,
// or both empty.
func WithTLS(ca, key, cert string) Option {
	return func(s *settings) {
		C.fabric_options_set_tls(s.o, s.names.add(ca), s.names.optional(key), s.names.optional(cert))
	}
}

// WithMySQLTLS sets how much TLS there must be with MySQL servers that the library asks itself. ca, key
// and cert are PEM files, or empty.
func WithMySQLTLS(mode TLSMode, ca, key, cert string) Option {
	return func(s *settings) {
		C.fabric_options_set_mysql_tls(s.o, C.int32_t(mode), s.names.optional(ca),
			s.names.optional(key), s.names.optional(cert))
	}
}

// WithMySQLPasswordUnverified lets the password of WithMySQLCredentials go out in full over TLS that
// nobody verifies.
func WithMySQLPasswordUnverified() Option {
	return func(s *settings) { C.fabric_options_set_mysql_password_unverified(s.o, 1) }
}

// WithTopologyFile routes from a file alone, as the URL file:/path does.
func WithTopologyFile(path string) Option {
	return func(s *settings) { C.fabric_options_set_topology_file(s.o, s.names.add(path)) }
}

// WithSnapshotFile names a file that keeps the topology for a start while the source is down.
func WithSnapshotFile(path string) Option {
	return func(s *settings) {
		C.fabric_options_set_snapshot_file(s.o, s.names.add(path))
		s.hasSnapshot = true
	}
}

// WithLogger has a logger hear what the library says, from a goroutine of its own: a moment after it was
// said. Which levels are enabled is asked by Open. Where a logger is too slow, messages are lost, and it
// is told how many; a message at which its handler panics is lost as well. Without it the library is silent.
func WithLogger(logger *slog.Logger) Option {
	return func(s *settings) { s.logger = logger }
}

// WithZone sets the zone that the service runs in: reads go to servers there first.
func WithZone(zone string) Option {
	return func(s *settings) { C.fabric_options_set_zone(s.o, s.names.add(zone)) }
}

// WithLookupTimeout sets how long a call waits for the source where its context allows more; 5 s unless
// set. With 0 a call never waits: what is not known is [ErrWouldBlock], and [EventFetched] tells when
// to ask again.
func WithLookupTimeout(timeout time.Duration) Option {
	return func(s *settings) {
		if timeout < 0 {
			s.refused = newError(ErrArgument, "a lookup timeout of %v; give 0 or more", timeout)
		}
		s.lookupTimeout = timeout
	}
}

// WithConnectAttempts sets how often all nodes are tried before a fetch gives up; 3 unless set.
func WithConnectAttempts(attempts int) Option {
	return func(s *settings) { C.fabric_options_set_connect_attempts(s.o, C.int64_t(attempts)) }
}

// WithConnectDelay sets the pause between two attempts; 1 s unless set.
func WithConnectDelay(delay time.Duration) Option {
	return func(s *settings) { C.fabric_options_set_connect_delay_ms(s.o, millis(delay)) }
}

// WithConnectTimeout sets how long a connection to a node may take to come about; 5 s unless set.
func WithConnectTimeout(timeout time.Duration) Option {
	return func(s *settings) { C.fabric_options_set_connect_timeout_ms(s.o, millis(timeout)) }
}

// WithRequestTimeout sets how long one request to a node may take; 20 s unless set.
func WithRequestTimeout(timeout time.Duration) Option {
	return func(s *settings) { C.fabric_options_set_request_timeout_ms(s.o, millis(timeout)) }
}

// WithMaxReplyBytes sets the largest reply that is taken from a node; 64 MiB unless set.
func WithMaxReplyBytes(bytes int64) Option {
	return func(s *settings) { C.fabric_options_set_max_reply_bytes(s.o, C.int64_t(bytes)) }
}

// WithReports has Fabric told of servers that cannot be reached, also for these errnos beside those that
// are such by themselves.
func WithReports(how Reports, errnos ...int) Option {
	return func(s *settings) {
		C.fabric_options_set_report_errors(s.o, C.int32_t(how))
		for _, errno := range errnos {
			C.fabric_options_add_report_errno(s.o, C.int32_t(errno))
		}
	}
}

// WithReportWindow sets the least time between two reports of one server; 10 s unless set.
func WithReportWindow(window time.Duration) Option {
	return func(s *settings) { C.fabric_options_set_report_window_ms(s.o, millis(window)) }
}

// WithoutBackgroundRefresh leaves it to calls to have what is old fetched; it serves until it is.
func WithoutBackgroundRefresh() Option {
	return func(s *settings) { C.fabric_options_set_background_refresh(s.o, 0) }
}

// WithRefreshShare sets how much of its time, in percent, the background refresh may keep a node at work;
// 5 unless set.
func WithRefreshShare(percent int) Option {
	return func(s *settings) { C.fabric_options_set_refresh_share(s.o, C.int32_t(percent)) }
}

// WithBackoffLimit sets the longest pause between two refreshes while no node answers; 10 s unless set.
func WithBackoffLimit(limit time.Duration) Option {
	return func(s *settings) { C.fabric_options_set_backoff_limit_ms(s.o, millis(limit)) }
}

// WithMaxStale sets how long lookups go on from what the source no longer confirms; 0, which is no limit,
// unless set. What is older is [ErrStale] at once, and is fetched.
func WithMaxStale(most time.Duration) Option {
	return func(s *settings) { C.fabric_options_set_max_stale_ms(s.o, millis(most)) }
}

// WithQuarantine sets how long a server that was reported unreachable is left out at first; 2 s unless
// set.
func WithQuarantine(time time.Duration) Option {
	return func(s *settings) { C.fabric_options_set_quarantine_ms(s.o, millis(time)) }
}

// WithLeastWriteHold sets how long writes to a group are held at least after its primary refused one as
// read-only; 4 s unless set.
func WithLeastWriteHold(time time.Duration) Option {
	return func(s *settings) { C.fabric_options_set_least_write_hold_ms(s.o, millis(time)) }
}

// WithVanishedHold sets how long the keys of a shard that the source stopped listing are held; 10 minutes
// unless set.
func WithVanishedHold(time time.Duration) Option {
	return func(s *settings) { C.fabric_options_set_vanished_hold_ms(s.o, millis(time)) }
}

// WithTTL clamps the time to live that the source tells; a max of 0 is no limit.
func WithTTL(min, max time.Duration) Option {
	return func(s *settings) { C.fabric_options_set_ttl_ms(s.o, millis(min), millis(max)) }
}

// WithConnectorPythonPlacement puts keys where Connector/Python does, for farms whose rows it placed.
func WithConnectorPythonPlacement() Option {
	return func(s *settings) { C.fabric_options_set_compat(s.o, C.FABRIC_COMPAT_CONNECTOR_PYTHON) }
}

// WithDiscoveryInterval sets how often the servers of a discovered group are asked who is its primary;
// 500 ms unless set.
func WithDiscoveryInterval(interval time.Duration) Option {
	return func(s *settings) { C.fabric_options_set_discovery_interval_ms(s.o, millis(interval)) }
}

// WithMaxReplicaLag sets how far a server of a discovered group may be behind and still take reads;
// [Forever], which is any lag, unless set.
func WithMaxReplicaLag(lag time.Duration) Option {
	return func(s *settings) { C.fabric_options_set_max_replica_lag_ms(s.o, millis(lag)) }
}

// WithMultiPrimary has a discovered group in which every member takes writes have a primary: one of them.
func WithMultiPrimary() Option {
	return func(s *settings) { C.fabric_options_set_multi_primary(s.o, 1) }
}

// WithReadsWithoutMajority has a discovered group without a majority take reads.
func WithReadsWithoutMajority() Option {
	return func(s *settings) { C.fabric_options_set_reads_without_majority(s.o, 1) }
}

// millis rounds up, away from 0, so that no time becomes none.
func millis(d time.Duration) C.int64_t {
	switch whole := d / time.Millisecond; {
	case d == Forever:
		return C.FABRIC_FOREVER_MS
	case d%time.Millisecond > 0:
		return C.int64_t(whole) + 1
	case d%time.Millisecond < 0:
		return C.int64_t(whole) - 1
	default:
		return C.int64_t(whole)
	}
}
