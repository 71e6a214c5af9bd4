//! A value's compact JSON, of a bounded depth.
//!
//! `serde_json` hands texts to its formatter as `str`, and to its writer as bytes. So it is the formatter that
//! appends here: into a `String` that need not be checked again for UTF-8, which a large value pays for.

mod outermost;

use std::io;

use serde::Serialize;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter};

use outermost::Outermost;

/// Values nested more deeply are not recorded: each level takes stack, of which a task has little. It is less than
/// what `serde_json` reads back (127).
pub(crate) const MOST_LEVELS: usize = 100;

/// A buffer that grew beyond this is freed instead of kept.
pub(crate) const KEPT_BYTES: usize = 64 * 1024;

/// Appends a value's JSON; what was appended of one that fails stays.
#[inline]
pub(crate) fn append(
    text: &mut String,
    value: &(impl Serialize + ?Sized),
) -> serde_json::Result<()> {
    value.serialize(Outermost {
        text,
        inner: &mut None,
    })
}

/// What a form of JSON that [`Compact`] does not know would be written to: the value fails, and is told.
struct Unused;

impl io::Write for Unused {
    #[cold]
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Compact<'a> {
    text: &'a mut String,
    level: usize,
}

/// Room for any number and any escape.
const SHORT: usize = 48;

impl Compact<'_> {
    #[inline]
    #[expect(
        clippy::unnecessary_wraps,
        reason = "each method of a formatter gives one"
    )]
    fn push(&mut self, part: &str) -> io::Result<()> {
        room(self.text, part.len());
        self.text.push_str(part);
        Ok(())
    }

    #[inline]
    fn enter(&mut self, bracket: &str) -> io::Result<()> {
        self.level += 1;
        if self.level > MOST_LEVELS {
            return Err(too_deep());
        }
        self.push(bracket)
    }

    #[inline]
    fn leave(&mut self, bracket: &str) -> io::Result<()> {
        self.level -= 1;
        self.push(bracket)
    }

    /// What `serde_json` writes by itself, of a few bytes.
    fn short(
        &mut self,
        write: impl FnOnce(&mut CompactFormatter, &mut dyn io::Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut bytes = [0; SHORT];
        let mut rest = &mut bytes[..];
        write(&mut CompactFormatter, &mut rest)?;
        let length = SHORT - rest.len();
        self.push(std::str::from_utf8(&bytes[..length]).map_err(io::Error::other)?)
    }
}

/// Makes room for so many bytes more.
#[inline]
fn room(text: &mut String, bytes: usize) {
    if text.capacity() - text.len() < bytes {
        grow(text, bytes);
    }
}

/// Memory that is not written to is none, and what is too much is given back in the end: so a large value grows once
/// and not with each doubling.
const LARGE_STEP: usize = 2 * 1024 * 1024;

#[cold]
#[inline(never)]
fn grow(text: &mut String, bytes: usize) {
    let is_large = text.capacity() >= KEPT_BYTES;
    text.reserve(if is_large {
        bytes.max(LARGE_STEP)
    } else {
        bytes
    });
}

#[cold]
fn too_deep() -> io::Error {
    io::Error::other(format!("it is nested in more than {MOST_LEVELS} levels"))
}

macro_rules! texts {
    ($($name:ident($formatter:ident $(, $argument:ident: $type:ty)*) => $text:expr;)+) => {$(
        #[inline]
        fn $name<W: io::Write + ?Sized>(&mut self, _: &mut W $(, $argument: $type)*) -> io::Result<()> {
            let $formatter = self;
            $text
        }
    )+};
}

macro_rules! integers {
    ($($name:ident($type:ty),)+) => {
        texts! {$(
            $name(formatter, value: $type) => formatter.push(itoa::Buffer::new().format(value));
        )+}
    };
}

impl Formatter for Compact<'_> {
    integers! {
        write_i8(i8), write_i16(i16), write_i32(i32), write_i64(i64), write_i128(i128),
        write_u8(u8), write_u16(u16), write_u32(u32), write_u64(u64), write_u128(u128),
    }

    texts! {
        write_null(out) => out.push("null");
        write_bool(out, value: bool) => out.push(if value { "true" } else { "false" });
        write_f32(out, value: f32) => out.short(|compact, to| compact.write_f32(to, value));
        write_f64(out, value: f64) => out.short(|compact, to| compact.write_f64(to, value));
        write_number_str(out, value: &str) => out.push(value);
        write_raw_fragment(out, fragment: &str) => out.push(fragment);
        begin_string(out) => out.push("\"");
        end_string(out) => out.push("\"");
        write_string_fragment(out, fragment: &str) => out.push(fragment);
        write_char_escape(out, escape: CharEscape) => match escape {
            CharEscape::Quote => out.push("\\\""),
            CharEscape::ReverseSolidus => out.push("\\\\"),
            CharEscape::LineFeed => out.push("\\n"),
            other => out.short(|compact, to| compact.write_char_escape(to, other)),
        };
        begin_array(out) => out.enter("[");
        end_array(out) => out.leave("]");
        begin_array_value(out, first: bool) => out.push(if first { "" } else { "," });
        begin_object(out) => out.enter("{");
        end_object(out) => out.leave("}");
        begin_object_key(out, first: bool) => out.push(if first { "" } else { "," });
        begin_object_value(out) => out.push(":");
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::value::RawValue;

    use super::*;

    /// Of every form that serde knows; floats and integers at their ends.
    #[derive(Serialize)]
    struct Every<'a> {
        signed: (i8, i16, i32, i64, i128),
        unsigned: (u8, u16, u32, u64, u128),
        floats: [f64; 6],
        single: [f32; 3],
        truths: [bool; 2],
        nothing: (Option<u8>, ()),
        some: Option<char>,
        escapes: String,
        keys: BTreeMap<i64, bool>,
        empty: BTreeMap<bool, u8>,
        raw: &'a RawValue,
        forms: (Form, Form, Form, Form),
    }

    #[derive(Serialize)]
    enum Form {
        Unit,
        Newtype(&'static str),
        Tuple(u8, u8),
        Struct { field: f32 },
    }

    #[test]
    fn every_form_is_written_as_serde_json_writes_it() {
        let every = Every {
            signed: (i8::MIN, i16::MIN, i32::MIN, i64::MIN, i128::MIN),
            unsigned: (u8::MAX, u16::MAX, u32::MAX, u64::MAX, u128::MAX),
            floats: [f64::MIN, -f64::MIN_POSITIVE, 2.0, 0.1, 1e21, f64::NAN],
            single: [f32::MAX, 1.5e-9, f32::INFINITY],
            truths: [true, false],
            nothing: (None, ()),
            some: Some('ü'),
            escapes: ('\0'..='\u{ff}').chain("\u{2028}🦀".chars()).collect(),
            keys: BTreeMap::from([(-1, true), (1, false)]),
            empty: BTreeMap::new(),
            raw: &RawValue::from_string("{ \"a\" : 1.50 }".to_owned()).expect("is JSON"),
            forms: (
                Form::Unit,
                Form::Newtype("text"),
                Form::Tuple(1, 2),
                Form::Struct { field: 0.5 },
            ),
        };
        let mut text = "before ".to_owned();
        append(&mut text, &every).expect("it is serialised");
        let expected = serde_json::to_string(&every).expect("it is serialised");
        assert_eq!(text.strip_prefix("before "), Some(&*expected));
    }

    #[test]
    fn bytes_and_texts_in_parts_are_written_as_serde_json_writes_them() {
        struct Bytes;
        impl Serialize for Bytes {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_bytes(&[0, 255])
            }
        }
        let mut text = String::new();
        append(&mut text, &Bytes).expect("it is serialised");
        append(&mut text, &format_args!("{}\t{:?}", 1, "\"")).expect("it is serialised");
        assert_eq!(text, r#"[0,255]"1\t\"\\\"\"""#);
    }
}
