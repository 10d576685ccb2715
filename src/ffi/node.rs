//! The Fabric nodes a handle knows.

use std::ffi::c_char;

use crate::base::error::Result;
use crate::config::Node;

use super::boundary::boundary;
use super::error::fabric_error_t;
use super::handle::fabric_t;
use super::ptr::{OutList, copy_text, reference};
use super::server::FABRIC_HOST_SIZE;

/// The address of a Fabric node. A plain copy that the caller owns.
///
/// @since 0.1.0
#[repr(C)]
#[derive(Clone, Copy)]
pub struct fabric_node_t {
    /// Host name or address, UTF-8, NUL-terminated.
    pub host: [c_char; FABRIC_HOST_SIZE],
    /// The XML-RPC port, 1 to 65535.
    pub port: u32,
    /// 0; room for later.
    pub reserved: [u32; 7],
}

impl fabric_node_t {
    pub(super) const EMPTY: Self = Self { host: [0; FABRIC_HOST_SIZE], port: 0, reserved: [0; 7] };

    pub(super) fn of(node: &Node) -> Result<Self> {
        let mut filled = Self { port: u32::from(node.port), ..Self::EMPTY };
        copy_text(&mut filled.host, &node.host, "host")?;
        Ok(filled)
    }
}

/// The Fabric nodes: those the service named, then those they told of. Of a source that is no Fabric it is
/// whom that asks, as `nodes_known` of fabric_metrics_t counts them.
///
/// A Fabric node names the address it is bound to. Where that is a loopback address or a
/// wildcard of another machine, it means the address it was asked under. `localhost`, `127.0.0.1`
/// and `::1` are one node, under the name that came first. Addresses that cannot be one are left
/// out, and so are those beyond 64 that the service did not name itself; the log tells of both.
///
/// Nodes are asked once a minute which there are, after a refresh. One that the service did not name
/// is forgotten when those that named it do so no longer.
///
/// @param f         The handle. If nobody asked Fabric yet, this call does.
/// @param out       Room for `capacity` nodes; may be NULL if `capacity` is 0.
/// @param capacity  How many fit.
/// @param count     Where the number of nodes goes, also with FABRIC_ERR_BUFFER_TOO_SMALL.
/// @param err       Where details of a failure go; may be NULL.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER
/// @retval FABRIC_ERR_BUFFER_TOO_SMALL  Nothing was written but `*count`; call again.
/// @retval other                        Fabric could not be asked, as for fabric_seed().
///
/// Blocks only if nobody asked Fabric yet, and then as fabric_get_shard_server() does. Any thread.
///
/// @since 0.1.0
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_get_fabric_nodes(
    f: *const fabric_t,
    out: *mut fabric_node_t,
    capacity: usize,
    count: *mut usize,
    err: *mut fabric_error_t,
) -> i32 {
    boundary("fabric_get_fabric_nodes", err, || {
        // SAFETY: `f` is NULL or a handle that is not freed; `out` is NULL or has room for
        // `capacity` elements, and `count` is NULL or writable.
        let (f, list) = unsafe { (reference(f, "f")?, OutList::new(out, capacity, count)?) };
        let nodes = f.router.fabric_nodes()?;
        let nodes = nodes.iter().map(fabric_node_t::of).collect::<Result<Vec<_>>>()?;
        list.set(nodes)
    })
}
