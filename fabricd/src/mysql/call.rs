//! `CALL group.command(arguments)`, as a node takes it apart: there is no escape in it.

use crate::value::Value;

use super::packet::Refusal;

/// A command and its arguments.
#[derive(Debug, PartialEq)]
pub struct Call {
    pub method: String,
    pub args: Vec<Value>,
    /// The first argument with a name that the command does not have.
    pub unknown: Option<String>,
}

fn syntax() -> Refusal {
    Refusal::new(1149, "42000", "You have an error in your SQL syntax")
}

impl Call {
    /// Reads what follows `CALL`.
    ///
    /// # Errors
    /// It is no name of two words and a pair of parentheses.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let text = text.trim().trim_end_matches(';').trim_end();
        let (method, rest) = text.split_once('(').ok_or_else(syntax)?;
        let list = rest.strip_suffix(')').ok_or_else(syntax)?;
        let method = method.trim().to_lowercase();
        let is_word = |word: &str| {
            !word.is_empty()
                && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        if method.split('.').count() != 2 || !method.split('.').all(is_word) {
            return Err(syntax());
        }
        let mut call = Self { method, args: Vec::new(), unknown: None };
        let mut rest = list.trim_start();
        while !rest.is_empty() {
            // What makes no sense ends the list, without a word.
            let Some((argument, behind)) = argument(rest) else { break };
            match argument {
                Argument::Plain(value) => call.args.push(value),
                Argument::Named(name, value) => call.name(name, value),
            }
            rest = match behind.trim_start().strip_prefix(',') {
                Some(rest) => rest.trim_start(),
                None => break,
            };
        }
        Ok(call)
    }

    /// Takes in an argument by its name. All dumps have patterns in the second place.
    fn name(&mut self, name: String, value: Value) {
        if name == "patterns" && self.method.starts_with("dump.") && self.args.len() < 2 {
            self.args.resize(1, Value::Nil);
            self.args.push(value);
        } else {
            self.unknown.get_or_insert(name);
        }
    }
}

enum Argument {
    Plain(Value),
    Named(String, Value),
}

/// The first argument, and what is behind it.
fn argument(text: &str) -> Option<(Argument, &str)> {
    if let Some((value, rest)) = quoted(text) {
        return value.map(|value| (Argument::Plain(value), rest));
    }
    let end = text.find([',', '=']).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let word = word.trim_end();
    if let Some(value) = rest.strip_prefix('=') {
        return match argument(value.trim_start())? {
            (Argument::Plain(value), rest) => Some((Argument::Named(word.to_owned(), value), rest)),
            (Argument::Named(..), _) => None,
        };
    }
    let is_word = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-+%".contains(&byte));
    let value = if word == "NULL" { Value::Nil } else { word.into() };
    (is_word && !word.is_empty()).then_some((Argument::Plain(value), rest))
}

/// A text in quotes of either kind. One with a backslash, or with a quote of the other kind in it, is
/// taken apart wrongly, which leaves nothing; two quotes in it are two quotes.
fn quoted(text: &str) -> Option<(Option<Value>, &str)> {
    let quote = text.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    let rest = text.get(1..)?;
    let doubled = format!("{quote}{quote}");
    let mut end = 0;
    let end = loop {
        let behind = rest.get(end..)?;
        let at = end + behind.find(quote).unwrap_or(behind.len());
        match at > 0 && rest.get(at..)?.starts_with(&doubled) {
            true => end = at + 2,
            false => break at,
        }
    };
    let (inside, behind) = (rest.get(..end)?, rest.get(end + 1..).unwrap_or(""));
    let other = if quote == '"' { '\'' } else { '"' };
    let value = (!inside.contains(['\\', other])).then(|| inside.into());
    Some((value, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(text: &str) -> Vec<Value> {
        Call::parse(text).unwrap().args
    }

    #[test]
    fn arguments_are_texts() {
        let call = Call::parse(" Dump.Servers(0, 'a,b' ,\"c\",NULL);").unwrap();
        assert_eq!(call.method, "dump.servers");
        assert_eq!(call.args, [Value::from("0"), "a,b".into(), "c".into(), Value::Nil]);
        assert_eq!(args("a.b()"), []);
        assert_eq!(args("a.b('')"), [Value::from("")]);
    }

    #[test]
    fn there_is_no_escape() {
        assert_eq!(args(r"a.b('t','O\'Brien')"), [Value::from("t")]);
        assert_eq!(args("a.b('t',\"O'Brien\")"), [Value::from("t")]);
        assert_eq!(args("a.b('t','O''Brien')"), [Value::from("t"), "O''Brien".into()]);
    }

    #[test]
    fn names_and_nonsense() {
        assert_eq!(Call::parse("a.b(0,nope='x,y')").unwrap().unknown, Some("nope".to_owned()));
        let call = Call::parse("dump.servers(patterns='x,y')").unwrap();
        assert_eq!((call.args, call.unknown), (vec![Value::Nil, "x,y".into()], None));
        for text in ["", "dump", "dump.servers", "dump.servers(0", "dump()", "a.b.c()", "`a`.b()"] {
            assert_eq!(Call::parse(text).unwrap_err().errno, 1149, "{text}");
        }
    }
}
