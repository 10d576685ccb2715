//! A stand-in MySQL Fabric node: what a real one says on the wire, faults on demand, and a
//! farm that can be changed at run time. Test equipment.

mod certs;
mod changes;
mod clock;
mod commands;
mod digest;
mod envelope;
mod farm;
mod fault;
mod generation1;
mod hashring;
mod http;
mod like;
pub mod lookup;
mod md5hex;
mod mysql;
mod mysql_datetime;
mod mysql_number;
mod pydict;
mod pyfloat;
mod server;
mod session;
mod state;
mod tls;
mod value;
mod xml_read;
mod xml_write;

pub use certs::{CertFiles, Certs};
pub use farm::{
    Extra, FAULTY, Farm, Group, Mapping, Node, PRIMARY, SECONDARY, SPARE, Server as FarmServer,
    Shard, State, Table, User,
};
pub use fault::{Fault, FaultKind, Oversized};
pub use server::{Options, Server};
pub use state::{Report, RequestLog};
pub use tls::Tls;
pub use value::Value;
