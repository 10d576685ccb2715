//! What the library's messages call by its name in C, as the command has it.

/// A name that begins as another one does comes before it.
const NAMES: [(&str, &str); 12] = [
    ("fabric_options_add_node or fabric_seed", "--url"),
    ("fabric_options_add_node", "--url"),
    ("fabric_options_set_credentials", "--fabric-user and --fabric-password-file"),
    ("fabric_options_set_mysql_credentials", "--user and --password-file"),
    ("fabric_options_set_mysql_password_unverified", "--password-unverified"),
    ("fabric_options_set_mysql_tls", "--tls and --ca"),
    ("fabric_options_set_tls", "--fabric-ca"),
    ("fabric_options_set_lookup_timeout_ms", "--timeout"),
    ("fabric_options_set_request_timeout_ms", "--timeout"),
    ("fabric_options_set_source", "--url"),
    ("with fabric_get_group_server", "as route --group does"),
    ("the TLS options for MySQL servers", "--tls and --ca"),
];

/// The message with the command's own names.
pub fn translated(message: &str) -> String {
    NAMES.iter().fold(message.to_owned(), |text, (name, own)| text.replace(name, own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_library() {
        let header = include_str!("../../include/mysqlfabric.h");
        for name in NAMES.iter().flat_map(|(name, _)| name.split(" or ")) {
            let name = name.trim_start_matches("with ");
            assert!(!name.starts_with("fabric_") || header.contains(&format!("{name}(")), "{name}");
        }
        let message = "user x; see fabric_options_set_mysql_credentials";
        assert_eq!(translated(message), "user x; see --user and --password-file");
    }
}
