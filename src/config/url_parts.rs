//! What the URLs of all sources are made of: hosts, a user, percent signs.

use percent_encoding::percent_decode_str;

use crate::base::error::{Code, Error, Result};
use crate::base::text::excerpt;

use super::node::Node;

/// The port of a MySQL server unless told otherwise.
pub const DEFAULT_SERVER_PORT: u16 = 3306;

/// Whom a source is asked of, and for whom.
pub(super) struct Authority<'u> {
    pub user: Option<String>,
    pub nodes: Vec<Node>,
    /// What follows the hosts, from its '/', '?' or '#' on.
    pub behind: &'u str,
}

/// Reads `//[user@]host[:port][,host[:port]...]`, up to what is behind it.
pub(super) fn authority<'u>(
    scheme: &str,
    rest: &'u str,
    default_port: u16,
) -> Result<Authority<'u>> {
    let rest = rest.strip_prefix("//").ok_or_else(|| {
        argument_error(format!(
            "'{scheme}:' goes on with '//' and a host, as in {scheme}://host:port"
        ))
    })?;
    let (rest, behind) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if behind.contains('@') {
        // It may be the end of a password with a '/' in it: nothing of it is shown.
        return Err(argument_error(format!(
            "behind the hosts of {scheme}:// '@' is written %40, and so is what is special in a user; \
             a password does not belong there at all"
        )));
    }
    // Only the last '@' can end the user: none is in a host.
    let (user, hosts) = match rest.rsplit_once('@') {
        Some((user, hosts)) => (Some(user_of(scheme, user)?), hosts),
        None => (None, rest),
    };
    let nodes: Result<Vec<Node>> =
        hosts.split(',').map(|host| node(scheme, host, default_port)).collect();
    Ok(Authority { user, nodes: nodes?, behind })
}

fn user_of(scheme: &str, user: &str) -> Result<String> {
    if user.contains(':') {
        // Nothing of it is shown: what is behind the colon is a password.
        return Err(argument_error(format!(
            "the password does not belong into the URL of a source, where logs and lists of processes \
             show it; write {scheme}://user@host, and give the password with the credentials"
        )));
    }
    let user = decoded(user, "user")?;
    if user.contains(':') {
        // A name with a colon is rare, and a password behind one is not: nothing of it is shown, either.
        return Err(argument_error(format!(
            "a colon in the user of {scheme}:// looks like one before a password, which does not belong \
             into the URL of a source; leave the user out there, and give both with the credentials"
        )));
    }
    match user.is_empty() {
        true => Err(argument_error(format!("the user before '@' is empty; write {scheme}://host"))),
        false => Ok(user),
    }
}

/// Reads `host`, `host:port`, `[address]` or `[address]:port`.
fn node(scheme: &str, text: &str, default_port: u16) -> Result<Node> {
    let lower = text.to_ascii_lowercase();
    if lower.contains("%3a") || lower.contains("%40") {
        // No host has them: it may be a user with a password, and nothing of it is shown.
        return Err(argument_error(format!(
            "a host of {scheme}:// has no ':' or '@' in it, and so none as %3A or %40; write \
             {scheme}://user@host, and give the password with the credentials"
        )));
    }
    let shown = shown_host(text);
    let bad = |why: &str| argument_error(format!("'{shown}' is no host of {scheme}://: {why}"));
    Node::parse(text, default_port).map_err(bad)
}

/// What should be a host as messages show it: what is no port behind it may be a password, unless it is
/// the rest of a URL.
pub fn shown_host(text: &str) -> String {
    let is_port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    quoted(match text.rsplit_once(':') {
        Some((host, port)) if !is_port(port) && !port.starts_with("//") => host,
        _ => text,
    })
}

/// A part of a URL without its percent signs.
pub(super) fn decoded(text: &str, what: &str) -> Result<String> {
    let bytes = percent_decode_str(text);
    match bytes.decode_utf8() {
        Ok(text) if !text.contains('\0') => Ok(text.into_owned()),
        _ => Err(argument_error(format!(
            "the {what} in the URL of a source is not UTF-8 without NUL"
        ))),
    }
}

/// What is behind the hosts of a URL as messages show it: of options the names alone, since the value of
/// one may be a password.
pub(super) fn names_of(text: &str) -> String {
    let name_of = |option: &str| match option.split_once('=') {
        Some((name, _)) => format!("{name}=..."),
        None => option.to_owned(),
    };
    let parts = text.split_inclusive(['&', ';', '?', '#']).map(|part| {
        let (option, end) = match part.strip_suffix(['&', ';', '?', '#']) {
            Some(option) => part.split_at(option.len()),
            None => (part, ""),
        };
        name_of(option) + end
    });
    quoted(&parts.collect::<String>())
}

/// A part of a URL as messages show it: never with a password, which is between a ':' and an '@'.
pub(super) fn quoted(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((_, hosts)) => excerpt(&format!("...@{hosts}"), 80),
        None => excerpt(text, 80),
    }
}

pub(super) fn argument_error(message: String) -> Error {
    Error::new(Code::Argument, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_shown_without_what_may_be_a_password() {
        for (text, shown) in [
            ("h:5", "h:5"),
            ("http://x/", "http://x/"),
            ("u:secret", "u"),
            ("u:secret@h", "u"),
            ("http://u:secret@h", "http://u"),
            ("secret@h:5", "...@h:5"),
        ] {
            assert_eq!(shown_host(text), shown);
        }
    }
}
