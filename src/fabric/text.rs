//! Foreign text in our own sentences.

/// At most `limit` characters of `text`, control characters made visible.
pub fn excerpt(text: &str, limit: usize) -> String {
    let mut out = String::new();
    for character in text.chars().take(limit) {
        match character.is_control() {
            true => out.extend(character.escape_debug()),
            false => out.push(character),
        }
    }
    if text.chars().nth(limit).is_some() {
        out.push_str("...");
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn short_and_printable() {
        assert_eq!(super::excerpt("it's\n\"é\"", 9), "it's\\n\"é\"");
        assert_eq!(super::excerpt("abcdef", 3), "abc...");
    }
}
