//! Text that a terminal shows as it is: names come from farms, which may have anything in them.

use std::fmt::Write;

/// Whether a character moves the cursor, changes colours, or the direction of what stands around it.
fn is_odd(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text in a line, with what a terminal would obey as escapes.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match is_odd(letter) {
            true => shown.extend(letter.escape_default()),
            false => shown.push(letter),
        }
    }
    shown
}

/// The same of JSON, whose escapes are other ones.
pub fn printable_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for letter in json.chars() {
        match is_odd(letter) {
            true => drop(write!(shown, "\\u{:04x}", u32::from(letter))),
            false => shown.push(letter),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_escaped() {
        let odd = "b\u{fc}cher \u{1b}[31m\n\u{202e}x\u{9b}";
        assert_eq!(printable(odd), "b\u{fc}cher \\u{1b}[31m\\n\\u{202e}x\\u{9b}");
        let json = printable_json(&serde_json::to_string(odd).expect("JSON"));
        assert_eq!(json, "\"b\u{fc}cher \\u001b[31m\\n\\u202ex\\u009b\"");
        assert_eq!(serde_json::from_str::<String>(&json).expect("JSON"), odd);
    }
}
