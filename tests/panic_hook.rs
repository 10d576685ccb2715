//! A Rust program that uses the library keeps its panic hook.

use std::panic::{self, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use mysqlfabric::ffi::{fabric_options_free, fabric_options_new};

/// A value of the program that uses the library when it goes.
struct Farewell;

impl Drop for Farewell {
    fn drop(&mut self) {
        // The hook cannot be changed while the thread panics: to try ended the program.
        let options = fabric_options_new();
        // SAFETY: made just now, and freed once.
        unsafe { fabric_options_free(options) };
    }
}

#[test]
fn the_first_use_of_the_library_may_come_in_a_panic() {
    static HEARD: AtomicUsize = AtomicUsize::new(0);
    panic::set_hook(Box::new(|_| {
        HEARD.fetch_add(1, Ordering::Relaxed);
    }));
    let panicked = catch_unwind(|| {
        let _farewell = Farewell;
        panic!("on purpose");
    });
    assert!(panicked.is_err());
    assert_eq!(HEARD.load(Ordering::Relaxed), 1, "the program's own hook heard it");
}
