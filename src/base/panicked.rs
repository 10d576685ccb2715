//! Panics that end where they are caught: what they say becomes an error.

use std::any::Any;
use std::mem;
use std::panic::{self, AssertUnwindSafe};

use super::error::{Code, Error, Result};
use super::text::excerpt;

/// How many characters of a panic's message are shown, so that the remedy behind it is not cut off.
const SHOWN: usize = 300;

/// Does `work`. A panic in it is a failure that names `what`, the work, and what the panic says.
pub fn caught<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch(work).unwrap_or_else(|panic| Err(panic.error(what)))
}

/// Does `work`, and gives a panic in it.
#[inline(always)]
pub fn catch<T>(work: impl FnOnce() -> T) -> std::result::Result<T, Panic> {
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(Panic)
}

/// What a panic carries.
pub struct Panic(pub Box<dyn Any + Send>);

impl Panic {
    /// The error that tells of the panic: `what` is the call or the work that it ended.
    #[cold]
    pub fn error(&self, what: &str) -> Error {
        let text = excerpt(self.text(), SHOWN);
        let message = format!(
            "{what} stopped at an internal error of the library: '{text}'; the handle can be used \
             on, please report this"
        );
        Error::new(Code::Panic, message)
    }

    /// The panic's message: `panic!` carries a text, and any other payload has none.
    fn text(&self) -> &str {
        let payload = self.0.as_ref();
        let formatted = payload.downcast_ref::<String>().map(String::as_str);
        formatted.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no message")
    }
}

impl Drop for Panic {
    /// Dropping the payload may run code that panics again; that second load is leaked.
    #[cold]
    fn drop(&mut self) {
        let payload = mem::replace(&mut self.0, Box::new(()));
        panic::catch_unwind(AssertUnwindSafe(|| drop(payload))).unwrap_or_else(mem::forget);
    }
}

#[cfg(test)]
mod tests {
    use std::panic::panic_any;

    use super::*;

    #[test]
    fn the_error_says_what_the_panic_said() {
        let number = 7;
        let told = |work: &dyn Fn()| {
            caught("the test", || {
                work();
                Ok(())
            })
            .unwrap_err()
        };
        let error = told(&|| panic!("on purpose"));
        assert_eq!(error.code, Code::Panic);
        assert!(error.message.starts_with("the test stopped"), "{error}");
        assert!(error.message.contains("'on purpose'"), "{error}");
        assert!(told(&|| panic!("for the {number}th time")).message.contains("'for the 7th time'"));
        assert!(told(&|| panic_any(number)).message.contains("'no message'"));
        assert!(told(&|| panic!("{}", "x".repeat(999))).message.contains("xxx...'; the handle"));
        assert!(caught("the test", || Ok(number)).is_ok());
    }

    #[test]
    fn a_payload_that_panics_itself_is_leaked() {
        struct Bomb;

        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("once more");
            }
        }

        assert!(caught("the test", || -> Result<()> { panic_any(Bomb) }).is_err());
    }
}
