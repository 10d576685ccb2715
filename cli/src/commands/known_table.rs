//! A table of the farm, by its name.

use mysqlfabric::base::error::{Code, Error};
use mysqlfabric::router::Router;

use crate::exit::Result;
use crate::farm::{Farm, Table, of_router};

/// The table of a router that was loaded whole.
///
/// # Errors
/// As a lookup of it has.
pub fn table(router: &Router, name: &str) -> Result<Table> {
    // The library says what is wrong with a name, and which there are.
    router.table(name, |_, _| Ok(()))?;
    let farm: Farm = of_router(router)?;
    let table = farm.tables.into_iter().find(|table| table.full_name() == name);
    Ok(table.ok_or_else(|| Error::new(Code::UnknownTable, format!("table '{name}' is gone")))?)
}
