//! What the C API calls the options that messages advise to set: the only place below `ffi`, but for the
//! sources' own, that knows.

pub(crate) const CONNECT_ATTEMPTS: &str = "fabric_options_set_connect_attempts";
pub(crate) const LOOKUP_TIMEOUT: &str = "fabric_options_set_lookup_timeout_ms";
pub(crate) const MAX_REPLY_BYTES: &str = "fabric_options_set_max_reply_bytes";
pub(crate) const MAX_STALE: &str = "fabric_options_set_max_stale_ms";
pub(crate) const REQUEST_TIMEOUT: &str = "fabric_options_set_request_timeout_ms";
