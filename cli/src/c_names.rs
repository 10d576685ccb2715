//! What the library's messages call by its name in C, as the command has it.

/// A name that begins as another one does comes before it.
const NAMES: [(&str, &str); 22] = [
    ("fabric_options_add_node or fabric_seed", "--url"),
    ("fabric_options_add_node", "--url"),
    ("fabric_options_set_credentials", "--fabric-user and --fabric-password-file"),
    (
        "readable PEM files to fabric_options_set_tls",
        "readable PEM files to --fabric-ca, --fabric-cert and --fabric-key",
    ),
    ("fabric_options_set_tls", "--fabric-ca"),
    ("fabric_options_set_lookup_timeout_ms", "--timeout"),
    ("fabric_options_set_connect_timeout_ms", "--timeout"),
    ("fabric_options_set_request_timeout_ms", "--timeout"),
    ("with fabric_get_group_server", "as route --group does"),
    (" and fabric_options_set_connect_attempts", ""),
    // 1 GiB, which is the most of all options.
    (" (see fabric_options_set_max_reply_bytes)", ""),
    (", or set fabric_options_set_max_reply_bytes lower", ""),
    // Only `ping` goes on behind what may not wait, and nobody behind a command that ends.
    (", and FABRIC_EVENT_FETCHED tells when there is an answer", ""),
    ("; it goes on being asked", ""),
    // It knows nothing from before. What is held is so by the source.
    (
        "or have it taken as it is with fabric_reset_cache",
        "or start the command anew, and it is taken as it is",
    ),
    (", or have the map taken as it is with fabric_reset_cache", ""),
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
    use std::fs;
    use std::path::Path;

    use super::*;

    /// Messages that nobody hears from the command, by a part of them, and why.
    const NOT_SAID: [(&str, &str); 6] = [
        ("collected from the first fabric_event_fd on", "events are opened by who takes them"),
        ("call fabric_seed first", "the farm is loaded first"),
        ("fabric_interrupt ended the wait", "nobody interrupts"),
        ("see fabric_key_text()", "a key that is longer is a matter of the C interface"),
        ("as text with fabric_key_text", "keys are texts, but for those of bench that fit"),
        ("fabric_options_set_max_stale_ms allows", "old is what nobody refuses"),
    ];

    /// The texts of the library's messages: all string literals below its C interface, but those of tests.
    /// Constants stand in them for their names.
    fn literals() -> Vec<String> {
        let mut texts = Vec::new();
        collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../src"), &mut texts);
        let mut found: Vec<String> = Vec::new();
        for text in &texts {
            let code = text.split("\n#[cfg(test)]\nmod tests {").next().expect("a beginning");
            found.extend(literals_of(code));
        }
        let constants: Vec<(String, String)> =
            texts.iter().flat_map(|text| constants_of(text)).collect();
        for literal in &mut found {
            for (name, value) in &constants {
                *literal = literal.replace(&format!("{{{name}}}"), value);
            }
        }
        found
    }

    fn collect(directory: &Path, texts: &mut Vec<String>) {
        for entry in fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true if path.ends_with("ffi") => {}
                true => collect(&path, texts),
                false if path.ends_with("testing.rs") || path.ends_with("tests.rs") => {}
                false => texts.push(fs::read_to_string(path).expect("a text")),
            }
        }
    }

    /// The string literals of a text of Rust, without their escapes.
    fn literals_of(code: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut rest = code;
        let starts = ["//", "'\"'", "r#\"", "\""];
        while let Some((at, start)) =
            starts.iter().filter_map(|start| Some((rest.find(start)?, *start))).min()
        {
            rest = &rest[at + start.len()..];
            let end = match start {
                "//" => rest.find('\n').unwrap_or(rest.len()),
                "r#\"" => rest.find("\"#").expect("an end") + 2,
                "\"" => end_of_literal(rest),
                _ => 0,
            };
            let (literal, behind) = rest.split_at(end);
            if start == "\"" {
                found.push(unescaped(literal));
            }
            rest = behind.strip_prefix('"').filter(|_| start == "\"").unwrap_or(behind);
        }
        found
    }

    fn end_of_literal(text: &str) -> usize {
        let mut is_escaped = false;
        let end = text.find(|letter| {
            let is_end = letter == '"' && !is_escaped;
            is_escaped = letter == '\\' && !is_escaped;
            is_end
        });
        end.expect("an end")
    }

    fn unescaped(literal: &str) -> String {
        let mut lines = literal.split("\\\n");
        let first = lines.next().unwrap_or_default().to_owned();
        lines.fold(first, |text, line| text + line.trim_start()).replace("\\\"", "\"")
    }

    /// `NAME: &str = "value";`
    fn constants_of(text: &str) -> Vec<(String, String)> {
        let of = |line: &str| {
            let (name, value) = line.split_once(": &str = \"")?;
            let name = name.rsplit_once("const ")?.1;
            Some((name.to_owned(), value.strip_suffix("\";")?.to_owned()))
        };
        text.lines().filter_map(of).collect()
    }

    /// Whether a text can be a part of what a literal becomes, with at most one of its places filled in, by
    /// another literal.
    fn can_be_in(text: &str, literal: &str, all: &[String]) -> bool {
        if literal.contains(text) {
            return true;
        }
        let mut places = literal.match_indices('{');
        places.any(|(at, _)| {
            let (before, behind) = literal.split_at(at);
            let Some((_, behind)) = behind.split_once('}') else { return false };
            (1..text.len()).filter(|at| text.is_char_boundary(*at)).any(|at| {
                let (first, rest) = text.split_at(at);
                let fits = |value: &String| {
                    let end = rest.strip_prefix(value.as_str());
                    !value.is_empty() && end.is_some_and(|end| behind.starts_with(end))
                };
                before.ends_with(first) && all.iter().any(fits)
            })
        })
    }

    /// The names of the header in a text.
    fn names_in(text: &str) -> Vec<String> {
        let header = include_str!("../../include/mysqlfabric.h");
        let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
        let is_known = |word: &&str| {
            word.starts_with("fabric_") && header.contains(&format!(" {word}("))
                || word.starts_with("fabric_") && header.contains(&format!(" *{word}("))
                || word.starts_with("FABRIC_") && header.contains(&format!("#define {word} "))
        };
        words.filter(is_known).map(str::to_owned).collect()
    }

    #[test]
    fn every_text_is_one_of_the_library_s() {
        let all = literals();
        assert!(all.len() > 1_000, "they have moved");
        for (text, _) in NAMES {
            let of = all.iter().filter(|literal| can_be_in(text, literal, &all));
            assert!(of.count() > 0, "no message has '{text}' any more: see how it is now");
        }
        for text in NOT_SAID.iter().map(|(text, _)| *text) {
            assert!(
                all.iter().any(|literal| literal.contains(text)),
                "no message has '{text}' any more"
            );
        }
    }

    #[test]
    fn every_name_of_c_is_translated() {
        let is_said = |literal: &&String| {
            let mut parts = NOT_SAID.iter().map(|(part, _)| *part);
            // The constants by themselves stand in other literals.
            literal.contains(' ') && !parts.any(|part| literal.contains(part))
        };
        let all = literals();
        let named = all.iter().filter(|literal| !names_in(literal).is_empty());
        assert!(named.clone().count() > 20, "they have moved");
        for literal in named.filter(is_said) {
            let own = translated(literal);
            assert_eq!(names_in(&own), [""; 0], "say in NAMES what the command calls it: {own}");
        }
        let message = "user x; see fabric_options_set_credentials";
        assert_eq!(translated(message), "user x; see --fabric-user and --fabric-password-file");
        let message =
            "(see fabric_options_set_request_timeout_ms and fabric_options_set_connect_attempts)";
        assert_eq!(translated(message), "(see --timeout)");
    }

    #[test]
    fn literals_are_found_whatever_is_around_them() {
        let code = "// \"no\"\nlet a = '\"'; f(\"a \\\n    \\\"b\\\"\", r#\"no \"#, \"\\\\\"); // \" \ng(\"c\")";
        assert_eq!(literals_of(code), ["a \"b\"", "\\\\", "c"]);
        let all = ["see {} of {x} here".to_owned(), "the name".to_owned()];
        for (text, is_in) in [
            ("see the name of", true),
            ("of the name here", true),
            ("see a name", false),
            ("see it", false),
        ] {
            assert_eq!(all.iter().any(|literal| can_be_in(text, literal, &all)), is_in, "{text}");
        }
    }
}
