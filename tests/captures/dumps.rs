//! Replies written as a node writes them, of any size.

use std::fmt::Write;

/// The document around a value.
pub fn response(value: &str) -> String {
    format!(
        "<methodResponse><params><param><value>{value}</value></param></params></methodResponse>"
    )
}

pub fn array(items: &str) -> String {
    format!("<array><data>{items}</data></array>")
}

pub fn two(sets: &str) -> String {
    response(&array(&format!(
        "<value><int>1</int></value><value>u</value><value><int>1</int></value><value></value>\
         <value>{}</value>",
        array(sets)
    )))
}

pub const SHARDS: &str = "schema_name table_name column_name lower_bound shard_id type_name group_id \
                      global_group";
pub const SERVERS: &str = "server_uuid group_id host port mode status weight";

/// A dump as a node writes it.
pub fn dump(columns: &str, rows: &str) -> String {
    let names: String = columns
        .split(' ')
        .map(|name| format!("<value><string>{name}</string></value>\n"))
        .collect();
    two(&format!(
        "<value><struct>\n<member>\n<name>info</name>\n<value><struct>\n<member>\n<name>names</name>\n\
         <value>{}</value>\n</member>\n</struct></value>\n</member>\n<member>\n<name>rows</name>\n\
         <value><array><data>\n{rows}</data></array></value>\n</member>\n</struct></value>",
        array(&names)
    ))
}

/// A row as a node writes it; numbers are integers.
pub fn row(cells: &[&str]) -> String {
    let mut row = String::from("<value><array><data>\n");
    for cell in cells {
        let tag = if cell.parse::<i32>().is_ok() { "int" } else { "string" };
        writeln!(row, "<value><{tag}>{cell}</{tag}></value>").unwrap();
    }
    row + "</data></array></value>\n"
}
