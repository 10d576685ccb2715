//! A MySQL server as C sees it.

use std::ffi::c_char;
use std::mem::offset_of;

use crate::base::error::Result;
use crate::router::with_parts;
use crate::topology::server_image::{HostTail, ServerImage};
use crate::topology::{Chosen, Server, limits};

use super::ptr::{Out, Parsed, copy_text};

/// The caller gave no mode.
pub const FABRIC_MODE_NONE: i32 = 0;
/// For reading: a secondary, or the primary where there is none, unless
/// fabric_options_set_read_preference() says otherwise.
pub const FABRIC_MODE_READONLY: i32 = 1;
/// For writing: the primary.
pub const FABRIC_MODE_WRITEONLY: i32 = 2;
/// For reading and writing: the primary.
pub const FABRIC_MODE_READWRITE: i32 = 3;

/// The mode of a server that must not be used; only in `fabric_server_t.mode`.
pub const FABRIC_MODE_OFFLINE: i32 = 0;

/// The caller gave no status.
pub const FABRIC_STATUS_NONE: i32 = -1;
/// The server has failed. Never chosen; Fabric does not even list it.
pub const FABRIC_STATUS_FAULTY: i32 = 0;
/// The server stands by. Never chosen.
pub const FABRIC_STATUS_SPARE: i32 = 1;
/// The server replicates from the primary and takes reads.
pub const FABRIC_STATUS_SECONDARY: i32 = 2;
/// The server takes the group's writes.
pub const FABRIC_STATUS_PRIMARY: i32 = 3;

/// The shard that holds a key.
pub const FABRIC_SCOPE_LOCAL: i32 = 11;
/// The global group of the table's mapping, for what all shards share; needs no key.
pub const FABRIC_SCOPE_GLOBAL: i32 = 12;

/// The size of `fabric_server_t.uuid`: VARCHAR(40) in Fabric's schema, a NUL, and padding.
pub const FABRIC_UUID_SIZE: usize = 48;
/// The size of a group name: VARCHAR(64) in Fabric's schema, up to three bytes a character, a
/// NUL, and padding.
pub const FABRIC_GROUP_SIZE: usize = 200;
/// The size of a host: at most 255 bytes, as DNS has it, and a NUL.
pub const FABRIC_HOST_SIZE: usize = 256;

/// A MySQL server to connect to.
///
/// A plain copy that the caller owns: nothing in it needs freeing, and no later call changes
/// it. Strings are UTF-8 and NUL-terminated; bytes behind the NUL are undefined.
///
/// @since 0.1.0
#[repr(C)]
#[derive(Clone, Copy)]
pub struct fabric_server_t {
    /// The server's share of its group's reads, greater than 0; 1.0 unless set otherwise.
    pub weight: f64,
    /// The TCP port of the MySQL protocol, 1 to 65535.
    pub port: u32,
    /// What Fabric lets the server be used for, one of FABRIC_MODE_*; other numbers as they
    /// came.
    pub mode: i32,
    /// The server's role in its group, one of FABRIC_STATUS_*; other numbers as they came.
    pub status: i32,
    /// 0; room for later.
    pub reserved0: i32,
    /// The server's UUID, as MySQL's `server_uuid` has it.
    pub uuid: [c_char; FABRIC_UUID_SIZE],
    /// The host name or address to connect to.
    pub host: [c_char; FABRIC_HOST_SIZE],
    /// The group the server belongs to.
    pub group: [c_char; FABRIC_GROUP_SIZE],
    /// 0; room for later.
    pub reserved: [u64; 8],
}

impl fabric_server_t {
    pub(super) const EMPTY: Self = Self {
        weight: 0.0,
        port: 0,
        mode: 0,
        status: 0,
        reserved0: 0,
        uuid: [0; FABRIC_UUID_SIZE],
        host: [0; FABRIC_HOST_SIZE],
        group: [0; FABRIC_GROUP_SIZE],
        reserved: [0; 8],
    };

    pub(super) fn of(group: &str, server: &Server) -> Result<Self> {
        let mut filled = Self {
            weight: server.weight,
            port: u32::from(server.port),
            mode: server.mode,
            status: server.status,
            ..Self::EMPTY
        };
        copy_text(&mut filled.uuid, &server.uuid, "server UUID")?;
        copy_text(&mut filled.host, &server.host, "host")?;
        copy_text(&mut filled.group, group, "group name")?;
        Ok(filled)
    }
}

/// The numbers and the UUID.
const HEAD: usize = offset_of!(ServerImage, group);

const _: () = {
    assert!(offset_of!(fabric_server_t, weight) == offset_of!(ServerImage, weight));
    assert!(offset_of!(fabric_server_t, port) == offset_of!(ServerImage, port));
    assert!(offset_of!(fabric_server_t, mode) == offset_of!(ServerImage, mode));
    assert!(offset_of!(fabric_server_t, status) == offset_of!(ServerImage, status));
    assert!(offset_of!(fabric_server_t, reserved0) == offset_of!(ServerImage, reserved));
    assert!(offset_of!(fabric_server_t, uuid) == offset_of!(ServerImage, uuid));
    assert!(offset_of!(fabric_server_t, uuid) + FABRIC_UUID_SIZE >= HEAD);
    assert!(FABRIC_UUID_SIZE == limits::LONGEST_UUID + 1);
    assert!(FABRIC_HOST_SIZE == limits::LONGEST_HOST + 1);
    assert!(FABRIC_GROUP_SIZE == limits::LONGEST_GROUP + 1);
    assert!(FABRIC_GROUP_SIZE >= 32 && FABRIC_HOST_SIZE >= 32 + size_of::<HostTail>());
};

/// Writes a server where C wants it.
#[inline(always)]
pub(super) fn write_server(out: Out<fabric_server_t>, chosen: Chosen<'_>) -> Parsed<()> {
    let Some((image, host_tail)) = chosen.image() else { return write_long_server(out, chosen) };
    let to = out.place();
    // SAFETY: `to` may be written, as `Out::new` was promised, and what is read and written lies
    // inside of the image and the server: both begin alike, which is checked above. The bytes
    // behind a NUL are undefined by the contract, so only as many are written as an image holds.
    unsafe {
        to.cast::<[u8; HEAD]>().write(*(&raw const *image).cast());
        (&raw mut (*to).group).cast::<[u8; 32]>().write(image.group);
        let host = (&raw mut (*to).host).cast::<[u8; 32]>();
        host.write(image.host);
        if let Some(host_tail) = host_tail {
            host.add(1).write(*host_tail);
        }
        (&raw mut (*to).reserved).write([0; 8]);
    }
    Ok(())
}

/// As [`write_server`], of a server with texts that are longer than an image holds.
#[cold]
#[inline(never)]
fn write_long_server(out: Out<fabric_server_t>, chosen: Chosen<'_>) -> Parsed<()> {
    out.set(with_parts(chosen, fabric_server_t::of)?);
    Ok(())
}

/// What of a server there is no room for.
pub(super) fn fits(chosen: &Chosen<'_>) -> Result<()> {
    match chosen.image() {
        Some(_) => Ok(()),
        None => with_parts(*chosen, fabric_server_t::of).map(drop),
    }
}
