//! Memory whose amount others decide: asked for before it is needed, so that there is an error
//! where there is none, and no end of the process.
//!
//! What is asked for here is what a reply makes large. Small things beside it are had as always;
//! that they can be had is what `is_there` is for. It is no promise: other threads of the service
//! take memory, too.

use crate::base::c_names::MAX_REPLY_BYTES;
use crate::base::error::{Code, Error, Result};

/// Whether so many bytes can be had at once now.
pub fn is_there(bytes: usize) -> bool {
    let mut probe: Vec<u8> = Vec::new();
    let is_there = probe.try_reserve_exact(bytes).is_ok();
    // Else the compiler leaves out memory that nobody uses, and says that it is there.
    std::hint::black_box(&mut probe);
    is_there
}

/// Adds to a list whose length others decide.
pub fn push<T>(list: &mut Vec<T>, item: T) -> Result<()> {
    list.try_reserve(1).map_err(|_| lacking())?;
    list.push(item);
    Ok(())
}

/// Adds to a text whose length others decide.
pub fn append(text: &mut String, more: &str) -> Result<()> {
    text.try_reserve(more.len()).map_err(|_| lacking())?;
    text.push_str(more);
    Ok(())
}

pub fn lacking() -> Error {
    let message = format!(
        "the system has no memory left to take in a reply of this size; give the process more, or \
         set {MAX_REPLY_BYTES} lower"
    );
    Error::new(Code::System, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_has_is_an_error() {
        assert!(is_there(1 << 20));
        assert!(!is_there(isize::MAX as usize));
        let mut list = Vec::new();
        push(&mut list, 1).unwrap();
        assert_eq!(list, [1]);
        let mut text = String::from("a");
        append(&mut text, "b").unwrap();
        assert_eq!((text.as_str(), lacking().code), ("ab", Code::System));
    }
}
