//! The objects that C programs hold by a pointer, and who owns one at a time.
//!
//! An object is made by a `_new`, `_open` or execute call, which hands its pointer to C
//! ([`Owned::into_c`]). C lends it to every other call, which reads it by `ptr::reference` or changes it
//! by `ptr::exclusive`; and gives it back to its `_free` call ([`Owned::from_c`]), which drops it. This is
//! the only file where a `Box` becomes a pointer or a pointer a `Box`: clippy.toml refuses it elsewhere.

#![allow(clippy::disallowed_methods)]

/// A type of which C programs hold objects by a pointer. Structs that C programs own themselves, such
/// as `fabric_server_t`, are none: the library must not free them.
///
/// ```compile_fail,E0277
/// use mysqlfabric::ffi::{fabric_error_t, owned::Owned};
///
/// fn free(error: *mut fabric_error_t) {
///     drop(unsafe { Owned::from_c(error) });
/// }
/// ```
pub trait Object {}

/// An object that nobody else has: dropped, it is gone.
///
/// ```
/// use mysqlfabric::ffi::owned::{Object, Owned};
///
/// fn to_c_and_back<T: Object>(owned: Owned<T>) -> Option<Owned<T>> {
///     let pointer: *mut T = owned.into_c();
///     // SAFETY: from into_c(), and taken back once.
///     unsafe { Owned::from_c(pointer) }
/// }
/// ```
///
/// A call that is lent an object cannot free it:
///
/// ```compile_fail,E0308
/// use mysqlfabric::ffi::{fabric_t, owned::Owned};
///
/// fn lookup(f: *const fabric_t) {
///     drop(unsafe { Owned::from_c(f) });
/// }
/// ```
///
/// Nor can what is lent outlive its owner:
///
/// ```compile_fail,E0505
/// use mysqlfabric::ffi::owned::{Object, Owned};
///
/// fn read_after_free<T: Object>(owned: Owned<T>) {
///     let lent: &T = owned.lend();
///     drop(owned);
///     std::hint::black_box(lent);
/// }
/// ```
///
/// What was handed to C is C's, until C gives it back:
///
/// ```compile_fail,E0382
/// use mysqlfabric::ffi::owned::{Object, Owned};
///
/// fn hand_over_twice<T: Object>(owned: Owned<T>) -> [*mut T; 2] {
///     [owned.into_c(), owned.into_c()]
/// }
/// ```
///
/// And there is one owner:
///
/// ```compile_fail,E0277
/// use mysqlfabric::ffi::{fabric_t, owned::Owned};
///
/// fn copies<T: Clone>() {}
/// copies::<Owned<fabric_t>>();
/// ```
pub struct Owned<T: Object>(Box<T>);

impl<T: Object> Owned<T> {
    pub fn new(object: T) -> Self {
        Self(Box::new(object))
    }

    /// Hands the object to C, which is to free it by its `_free` call.
    #[must_use = "an object that nobody has the pointer of is never freed"]
    pub fn into_c(self) -> *mut T {
        Box::into_raw(self.0)
    }

    /// Takes the object back from C; nothing if the pointer is NULL.
    ///
    /// # Safety
    /// `pointer` is NULL or comes from [`Self::into_c`], was not taken back before, and nobody uses the
    /// object any more.
    pub unsafe fn from_c(pointer: *mut T) -> Option<Self> {
        // SAFETY: `pointer` is not NULL, so a Box made it, and its object is given back once, by the
        // promise above.
        (!pointer.is_null()).then(|| Self(unsafe { Box::from_raw(pointer) }))
    }

    /// The object, while it has this owner.
    pub fn lend(&self) -> &T {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    struct Counted(Rc<()>);

    impl Object for Counted {}

    #[test]
    fn an_object_lives_until_c_has_given_it_back() {
        let counter = Rc::new(());
        let pointer = Owned::new(Counted(Rc::clone(&counter))).into_c();
        assert_eq!(Rc::strong_count(&counter), 2);
        // SAFETY: from into_c(), and taken back once.
        let owned = unsafe { Owned::from_c(pointer) };
        assert!(Rc::ptr_eq(&owned.as_ref().unwrap().lend().0, &counter));
        drop(owned);
        assert_eq!(Rc::strong_count(&counter), 1);
    }

    #[test]
    fn null_is_no_object() {
        // SAFETY: NULL.
        assert!(unsafe { Owned::<Counted>::from_c(std::ptr::null_mut()) }.is_none());
    }
}
