//! The outermost value. The arguments and results of agents are texts more than anything, and `serde_json` looks at a
//! text byte by byte: here at eight at once. What is nested is `serde_json`'s.

use serde::ser::{Serialize, Serializer};

use super::{Compact, Unused, room};

type Json<'a> = serde_json::Serializer<Unused, Compact<'a>>;

/// Appends what it serialises to `text`.
pub(super) struct Outermost<'a> {
    pub(super) text: &'a mut String,
    /// Where `serde_json`'s stands, if it is one for that.
    pub(super) inner: &'a mut Option<Json<'a>>,
}

impl<'a> Outermost<'a> {
    #[inline]
    fn inner(self) -> &'a mut Json<'a> {
        let compact = Compact {
            text: self.text,
            level: 0,
        };
        self.inner
            .insert(serde_json::Serializer::with_formatter(Unused, compact))
    }
}

macro_rules! inner {
    ($($name:ident($($argument:ident: $type:ty),*) -> $answer:ident;)+) => {$(
        #[inline]
        fn $name(self $(, $argument: $type)*) -> Result<Self::$answer, Self::Error> {
            self.inner().$name($($argument),*)
        }
    )+};
}

impl<'a> Serializer for Outermost<'a> {
    type Ok = ();
    type Error = serde_json::Error;
    type SerializeSeq = <&'a mut Json<'a> as Serializer>::SerializeSeq;
    type SerializeTuple = <&'a mut Json<'a> as Serializer>::SerializeTuple;
    type SerializeTupleStruct = <&'a mut Json<'a> as Serializer>::SerializeTupleStruct;
    type SerializeTupleVariant = <&'a mut Json<'a> as Serializer>::SerializeTupleVariant;
    type SerializeMap = <&'a mut Json<'a> as Serializer>::SerializeMap;
    type SerializeStruct = <&'a mut Json<'a> as Serializer>::SerializeStruct;
    type SerializeStructVariant = <&'a mut Json<'a> as Serializer>::SerializeStructVariant;

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), Self::Error> {
        quote(self.text, value);
        Ok(())
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Self::Error> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Self::Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Self::Error> {
        self.inner()
            .serialize_newtype_variant(name, index, variant, value)
    }

    fn collect_str<T: std::fmt::Display + ?Sized>(self, value: &T) -> Result<(), Self::Error> {
        self.inner().collect_str(value)
    }

    inner! {
        serialize_bool(value: bool) -> Ok;
        serialize_i8(value: i8) -> Ok;
        serialize_i16(value: i16) -> Ok;
        serialize_i32(value: i32) -> Ok;
        serialize_i64(value: i64) -> Ok;
        serialize_i128(value: i128) -> Ok;
        serialize_u8(value: u8) -> Ok;
        serialize_u16(value: u16) -> Ok;
        serialize_u32(value: u32) -> Ok;
        serialize_u64(value: u64) -> Ok;
        serialize_u128(value: u128) -> Ok;
        serialize_f32(value: f32) -> Ok;
        serialize_f64(value: f64) -> Ok;
        serialize_char(value: char) -> Ok;
        serialize_bytes(value: &[u8]) -> Ok;
        serialize_none() -> Ok;
        serialize_unit() -> Ok;
        serialize_unit_struct(name: &'static str) -> Ok;
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str) -> Ok;
        serialize_seq(length: Option<usize>) -> SerializeSeq;
        serialize_tuple(length: usize) -> SerializeTuple;
        serialize_tuple_struct(name: &'static str, length: usize) -> SerializeTupleStruct;
        serialize_tuple_variant(name: &'static str, index: u32, variant: &'static str, length: usize) -> SerializeTupleVariant;
        serialize_map(length: Option<usize>) -> SerializeMap;
        serialize_struct(name: &'static str, length: usize) -> SerializeStruct;
        serialize_struct_variant(name: &'static str, index: u32, variant: &'static str, length: usize) -> SerializeStructVariant;
    }
}

/// Appends a text as a JSON string, escaped as `serde_json` does it.
fn quote(json: &mut String, text: &str) {
    room(json, text.len() + 2);
    json.push('"');
    let mut rest = text;
    loop {
        let plain = plain_length(rest.as_bytes());
        json.push_str(&rest[..plain]);
        let Some(special) = rest.as_bytes().get(plain) else {
            break;
        };
        escape(json, *special);
        rest = &rest[plain + 1..];
        room(json, rest.len() + 1);
    }
    json.push('"');
}

#[cold]
fn escape(json: &mut String, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let letter = match byte {
        0x08 => 'b',
        b'\t' => 't',
        b'\n' => 'n',
        0x0c => 'f',
        b'\r' => 'r',
        quoted @ (b'"' | b'\\') => char::from(quoted),
        control => {
            json.push_str(if control < 0x10 { "\\u000" } else { "\\u001" });
            json.push(char::from(DIGITS[usize::from(control & 0xf)]));
            return;
        }
    };
    json.push('\\');
    json.push(letter);
}

/// How many bytes at the beginning stand for themselves: a quote, a backslash and what is below a space do not.
#[inline]
fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGHS: u64 = ONES << 7;
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let quote = word ^ (ONES * u64::from(b'"'));
        let backslash = word ^ (ONES * u64::from(b'\\'));
        // Borrows from the byte below make the high bits wrong above the first special byte, and only there. The high
        // bit of a byte that is no ASCII takes it out.
        let special = (quote.wrapping_sub(ONES) & !quote)
            | (backslash.wrapping_sub(ONES) & !backslash)
            | (word.wrapping_sub(ONES * 0x20) & !word);
        let special = special & HIGHS;
        if special != 0 {
            return index * 8 + special.trailing_zeros() as usize / 8;
        }
    }
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    let plain = rest.iter().position(is_special).unwrap_or(rest.len());
    bytes.len() - rest.len() + plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_written_as_serde_json_writes_it(text: &str) {
        let mut json = "before".to_owned();
        quote(&mut json, text);
        let expected = serde_json::to_string(text).expect("is a text");
        assert_eq!(json.strip_prefix("before"), Some(&*expected));
    }

    #[test]
    fn every_character_is_found_in_every_place() {
        for special in ('\0'..='\u{ff}').chain(['🦀', '\u{2028}']) {
            for place in 0..20 {
                let (before, after) = ("a".repeat(place), "é".repeat(place));
                is_written_as_serde_json_writes_it(&format!("{before}{special}{after}"));
            }
        }
    }

    #[test]
    fn what_follows_a_special_character_is_seen_as_it_is() {
        let characters = "\0\x01\x1f !\"#[\\]\x7f\u{80}é\u{a2}\u{dc}🦀";
        for first in characters.chars() {
            for second in characters.chars() {
                for between in 0..9 {
                    let between = "x".repeat(between);
                    is_written_as_serde_json_writes_it(&format!("{first}{between}{second}{first}"));
                }
            }
        }
    }
}
