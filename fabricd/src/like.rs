//! SQL LIKE as the node's store evaluates it, and the splitting of a pattern list.

/// The pieces of a pattern list; one piece is one query, answered in this order.
pub fn pieces(list: &str) -> Vec<&str> {
    let mut pieces: Vec<&str> = list.split(',').collect();
    // Blanks go only where they touch a comma: " a , b " keeps its outer ones.
    let last = pieces.len() - 1;
    for (i, piece) in pieces.iter_mut().enumerate() {
        if i > 0 {
            *piece = piece.trim_start();
        }
        if i < last {
            *piece = piece.trim_end();
        }
    }
    pieces
}

/// LIKE with `%`, `_` and the escape `\`, in a case- and accent-insensitive collation.
pub fn like(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().map(fold).collect();
    matches(&text, &tokens(pattern))
}

/// The substring search of group and mapping patterns: LIKE '%pattern%'.
pub fn contains(text: &str, pattern: &str) -> bool {
    like(text, &format!("%{pattern}%"))
}

enum Token {
    Any,
    One,
    Char(char),
}

fn tokens(pattern: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        tokens.push(match c {
            '%' => Token::Any,
            '_' => Token::One,
            '\\' => Token::Char(fold(chars.next().unwrap_or('\\'))),
            c => Token::Char(fold(c)),
        });
    }
    tokens
}

fn matches(text: &[char], pattern: &[Token]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((Token::Any, rest)) => (0..=text.len()).any(|skip| matches(&text[skip..], rest)),
        Some((Token::One, rest)) => !text.is_empty() && matches(&text[1..], rest),
        Some((Token::Char(c), rest)) => text.first() == Some(c) && matches(&text[1..], rest),
    }
}

/// Folds one character as utf8_general_ci does, for Latin letters; others only by case.
pub fn fold(c: char) -> char {
    let upper = c.to_uppercase().next().filter(|_| c.to_uppercase().count() == 1).unwrap_or(c);
    match upper {
        'À'..='Å' => 'A',
        'Ç' => 'C',
        'È'..='Ë' => 'E',
        'Ì'..='Ï' => 'I',
        'Ñ' => 'N',
        'Ò'..='Ö' => 'O',
        'Ù'..='Ü' => 'U',
        'Ý' | 'Ÿ' => 'Y',
        'ß' => 'S',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_on_commas_with_blanks() {
        assert_eq!(pieces("a , b"), ["a", "b"]);
        assert_eq!(pieces("shard3,"), ["shard3", ""]);
        assert_eq!(pieces(" a "), [" a "]);
        assert_eq!(pieces(""), [""]);
    }

    #[test]
    fn wildcards_are_live() {
        assert!(like("employees.salaries", "employees.%"));
        assert!(like("hash2.t", "hash2._"));
        assert!(!like("hash2.tt", "hash2._"));
        assert!(like("a_b", "a\\_b"));
        assert!(!like("axb", "a\\_b"));
        assert!(like("", "%"));
        assert!(!like("shop.orders", "shop.orders "));
    }

    #[test]
    fn collation_ignores_case_and_accents() {
        assert!(like("employees.salaries", "EMPLOYEES.SALARIES"));
        assert!(like("café", "CAFE"));
        assert!(contains("shard10", "shard1"));
        assert!(contains("anything", ""));
    }
}
