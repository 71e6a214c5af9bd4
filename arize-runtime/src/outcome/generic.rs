//! What is recorded of a result whose type may be a type parameter's: as any other, but what cannot be recorded
//! lacks `serde::Serialize`, a bound that the user can write, and no trait of the runtime.

use std::ops::Deref;

use bytes::Bytes;
use futures_core::Stream;
use serde::Serialize;

use super::{
    BytesLevel, DerefLevel, FinishedOutput, FutureLevel, LastLevel, ReadOutput, Returned,
    SerializeLevel, StreamLevel,
};

macro_rules! recorded {
    ($([$($generics:tt)*] $level:ty;)+) => {$(
        impl<$($generics)*> $level {
            /// As [`record`](Self::record).
            pub fn record_generic(&self) {
                self.record();
            }
        }
    )+};
}

recorded! {
    [T: AsRef<str> + ?Sized] Returned<'_, T>;
    [] BytesLevel<'_, Bytes>;
    [T: Serialize + ?Sized] SerializeLevel<'_, T>;
    [T: Deref<Target: Serialize> + ?Sized] DerefLevel<'_, T>;
}

impl<T: Future + ?Sized> FutureLevel<'_, T> {
    /// Refused by the compiler.
    pub fn record_generic(&self)
    where
        T: FinishedOutput,
    {
    }
}

impl<T: Stream + ?Sized> StreamLevel<'_, T> {
    /// Refused by the compiler.
    pub fn record_generic(&self)
    where
        T: ReadOutput,
    {
    }
}

impl<T: ?Sized> LastLevel<'_, T> {
    /// Refused by the compiler.
    pub fn record_generic(&self)
    where
        T: Serialize,
    {
    }
}
