//! A digest of tables, made by the server: whether they are as they were, without reading them.

use crate::mysql::{Failure, Limits};

use super::mysql_session::Opened;

/// Another one where anything in these columns is another. `tables` are names, and SQL expressions that
/// are never NULL.
pub fn digest(
    opened: &mut Opened,
    tables: &[(&str, &str)],
    limits: &Limits,
) -> Result<String, Failure> {
    let digests = tables.iter().map(digest_of).collect::<Vec<_>>().join(", '|', ");
    let set = opened.rows(&format!("SELECT CONCAT({digests})"), limits)?;
    let cell = set.rows().next().and_then(|row| row.get(0));
    let digest = cell.map(|cell| String::from_utf8_lossy(cell).into_owned());
    digest.ok_or_else(|| Failure::Protocol("answers a digest of nothing".into()))
}

/// A number of each row and how many there are. Numbers are added up, whatever the order of the rows;
/// they are of a hash that is not linear: under a checksum two rows that exchange a value, as two
/// servers do when one takes the other's place, would look as before.
fn digest_of((table, columns): &(&str, &str)) -> String {
    format!(
        "(SELECT CONCAT(COUNT(*), ':', IFNULL(SUM(CAST(CONV(LEFT(SHA2(CONCAT_WS('/', {columns}), 256), \
         15), 16, 10) AS UNSIGNED)), 0)) FROM {table})"
    )
}
