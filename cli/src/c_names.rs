//! What the library's messages call by its name in C, as the command has it.

/// A name that begins as another one does comes before it.
const NAMES: [(&str, &str); 19] = [
    ("fabric_options_add_node or fabric_seed", "--url"),
    ("fabric_options_add_node", "--url"),
    ("fabric_options_set_credentials", "--fabric-user and --fabric-password-file"),
    ("fabric_options_set_mysql_credentials", "--user and --password-file"),
    ("fabric_options_set_mysql_password_unverified", "--password-unverified"),
    ("fabric_options_set_mysql_tls", "--tls and --ca"),
    (
        "readable PEM files to fabric_options_set_tls",
        "readable PEM files to --fabric-ca, --fabric-cert and --fabric-key",
    ),
    ("fabric_options_set_tls", "--fabric-ca"),
    ("fabric_options_set_lookup_timeout_ms", "--timeout"),
    ("fabric_options_set_request_timeout_ms", "--timeout"),
    ("fabric_options_set_source", "--url"),
    ("with fabric_get_group_server", "as route --group does"),
    (" and fabric_options_set_connect_attempts", ""),
    (
        "readable PEM files to the TLS options for MySQL servers",
        "readable PEM files to --ca, --cert and --key",
    ),
    ("or allow it unverified by option", "or allow it unverified by --password-unverified"),
    ("give the CA file of the server", "give the CA file of the server by --ca"),
    (
        "looked at; issue one with the server's name",
        "looked at; --tls verify_ca does without a name, or issue one with the server's name",
    ),
    (
        "add the server by a name or address in its certificate",
        "--tls verify_ca does without a name, or add the server by a name or address in its certificate",
    ),
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
            let name = name.trim_start_matches("with ").trim_start_matches(" and ");
            assert!(!name.starts_with("fabric_") || header.contains(&format!("{name}(")), "{name}");
        }
        let message = "user x; see fabric_options_set_mysql_credentials";
        assert_eq!(translated(message), "user x; see --user and --password-file");
        let message =
            "(see fabric_options_set_request_timeout_ms and fabric_options_set_connect_attempts)";
        assert_eq!(translated(message), "(see --timeout)");
    }
}
