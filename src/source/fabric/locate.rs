//! Where a key is, asked of Fabric itself, which the role `connector` may not.

use crate::base::error::Result;
use crate::source::{Ask, Locator, Subject, Value};
use crate::topology::HeldKey;

use super::{Commands, FabricSource, Protocol};

impl<P: Protocol> Locator for FabricSource<P> {
    fn locate(&self, table: &str, key: &HeldKey, ask: &Ask<'_>) -> Result<Option<String>> {
        let key = match key {
            HeldKey::Integer(value) => Value::Int(*value),
            HeldKey::Text(text) => Value::Text(text.clone()),
        };
        let sets = self.pool.ask(ask, Subject::Key, |node, attempt| {
            self.client().within(attempt).lookup_servers(node, table, key.clone())
        })?;
        let uuid = || {
            let set = sets.sets.first()?;
            let column = set.columns.iter().position(|name| name == "server_uuid")?;
            set.rows.first()?.get(column)?.as_text().map(str::to_owned)
        };
        Ok(uuid())
    }
}
