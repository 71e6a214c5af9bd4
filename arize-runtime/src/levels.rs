//! Asking a type what it can do, on stable Rust and without a trait in scope.
//!
//! A call like `o.value().record()` is resolved on a chain of types that dereference one into the
//! next. Each level has an inherent method of the same name with other bounds. Method lookup passes a
//! level whose bounds do not hold and takes the first where they do; the last level has none, or a
//! bound that nothing meets and that words the compiler's error. It is decided where the call is
//! written, so the type has to be known there: inside a generic function only its bounds count.

/// `Outer => Inner<'a, T>;` makes `pub struct Outer<'a, T>(Inner<'a, T>)` that dereferences to it.
macro_rules! levels {
    ($($(#[$doc:meta])* $level:ident => $next:ty;)+) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $level<'a, T: ?Sized>($next);

        impl<'a, T: ?Sized> std::ops::Deref for $level<'a, T> {
            type Target = $next;
            #[inline]
            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }
    )+};
}

pub(crate) use levels;
