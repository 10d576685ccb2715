//! Foreign text in our own sentences: names, types, faults and the like, which others chose.

use std::fmt::{self, Write};

/// How many characters of one message or log line are shown.
pub(crate) const MAX_LINE: usize = 1000;

/// At most `limit` characters of `text`, in one line: what would break the line, or turn it
/// around, is shown as an escape.
pub fn excerpt(text: &str, limit: usize) -> String {
    let mut out = Excerpt::new(limit);
    // The only error is that the limit is reached.
    let _ = out.write_str(text);
    out.shown()
}

/// As [`excerpt`] of a message, which is not written out further than it is shown.
pub fn line(message: fmt::Arguments<'_>) -> String {
    let mut out = Excerpt::new(MAX_LINE);
    let _ = out.write_fmt(message);
    out.shown()
}

/// What is shown of a text so far.
struct Excerpt {
    out: String,
    left: usize,
    cut: bool,
}

impl Excerpt {
    fn new(limit: usize) -> Self {
        Self { out: String::new(), left: limit, cut: false }
    }

    fn shown(mut self) -> String {
        if self.cut {
            self.out.push_str("...");
        }
        self.out
    }
}

impl Write for Excerpt {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // One byte is one character of printable ASCII, of which nearly all text is. To look at
        // every byte, and not only up to the first other one, takes several of them at a time.
        let is_plain = text.bytes().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~'));
        if is_plain && let Some(left) = self.left.checked_sub(text.len()) {
            self.left = left;
            self.out.push_str(text);
            return Ok(());
        }
        for character in text.chars() {
            let Some(left) = self.left.checked_sub(1) else {
                self.cut = true;
                return Err(fmt::Error);
            };
            self.left = left;
            match disturbs(character) {
                true if character.is_control() => self.out.extend(character.escape_debug()),
                true => self.out.extend(character.escape_unicode()),
                false => self.out.push(character),
            }
        }
        Ok(())
    }
}

/// Control characters, and those that end a line or change the direction of what follows.
fn disturbs(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_printable() {
        assert_eq!(excerpt("it's\n\"é\"", 9), "it's\\n\"é\"");
        assert_eq!(excerpt("abcdef", 3), "abc...");
        assert_eq!(excerpt("abc", 3), "abc");
        assert_eq!(excerpt("\u{1b}[31m\r\0", 9), "\\u{1b}[31m\\r\\0");
        assert_eq!(excerpt("a\u{202e}b\u{2028}", 9), "a\\u{202e}b\\u{2028}");
        assert_eq!(excerpt("\u{7f}~ \u{1f}", 9), "\\u{7f}~ \\u{1f}");
    }

    /// Whole pieces of text count as their characters do, one by one.
    #[test]
    fn pieces_are_cut_where_their_characters_are() {
        let texts = ["", "plain", "~ !", "a\nb", "é", "\u{7f}", "plainé", "\u{2028}", "0123456789"];
        for limit in 0..12 {
            for (first, second) in texts.iter().flat_map(|one| texts.map(|other| (*one, other))) {
                let (mut whole, mut single) = (Excerpt::new(limit), Excerpt::new(limit));
                let _ = whole.write_str(first).and_then(|()| whole.write_str(second));
                let mut characters = [first, second].into_iter().flat_map(str::chars);
                let _ = characters.try_for_each(|one| single.write_char(one));
                assert_eq!(whole.shown(), single.shown(), "{limit} of {first:?}{second:?}");
            }
        }
    }

    #[test]
    fn lines_are_bounded_and_stay_as_they_are() {
        let long = "x\n".repeat(MAX_LINE);
        let once = line(format_args!("{long}"));
        assert_eq!(once, format!("{}...", "x\\n".repeat(MAX_LINE / 2)));
        assert_eq!(line(format_args!("{}", &once[..900])), once[..900]);
        // Nothing is formatted that is not shown.
        struct Endless;
        impl fmt::Display for Endless {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                loop {
                    formatter.write_str("y")?;
                }
            }
        }
        assert_eq!(line(format_args!("{Endless}")).len(), MAX_LINE + 3);
    }
}
