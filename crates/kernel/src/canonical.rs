//! Canonical JSON (RFC 8785): no space, members in the order of their names, one way to write each value.
//!
//! Written in one pass into one buffer, because every event, state and entry goes through here; the general library
//! keeps each member apart and reads every name back. It stays the judge in this file's tests, and writes floats.

use std::{borrow::Cow, ops::Range};

use serde::{
    Serialize, Serializer,
    ser::{
        SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple, SerializeTupleStruct,
        SerializeTupleVariant,
    },
};
use serde_json::Error;

/// Integers up to here are written as they are; beyond, as the nearest double is.
const EXACT_MAX: u64 = 1 << 53;

/// Returns the canonical JSON of a value.
///
/// # Errors
/// For a map whose keys are no texts, and for numbers that JSON does not have.
pub(crate) fn to_string<T: Serialize + ?Sized>(value: &T) -> Result<String, Error> {
    let mut out = Vec::with_capacity(256);
    value.serialize(Writer { out: &mut out })?;
    String::from_utf8(out).map_err(serde::ser::Error::custom)
}

/// Writes values to the end of a buffer.
struct Writer<'a> {
    out: &'a mut Vec<u8>,
}

/// Writes the values of a list.
struct List<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
    /// What stands after the closing bracket: the brace of a named variant.
    end: &'static [u8],
}

/// Writes the members of an object and brings them into order at its end.
struct Members<'a> {
    out: &'a mut Vec<u8>,
    /// Where the first member begins.
    begin: usize,
    /// Each member's name and where it stands, its name and colon included.
    named: Vec<(Cow<'static, str>, Range<usize>)>,
    end: &'static [u8],
}

impl<'a> Members<'a> {
    fn new(out: &'a mut Vec<u8>, len: usize, end: &'static [u8]) -> Self {
        out.push(b'{');
        Self { begin: out.len(), out, named: Vec::with_capacity(len), end }
    }

    fn name(&mut self, name: Cow<'static, str>) {
        if !self.named.is_empty() {
            self.out.push(b',');
        }
        let start = self.out.len();
        text(self.out, &name);
        self.out.push(b':');
        self.named.push((name, start..start));
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(Writer { out: self.out })?;
        if let Some((_, place)) = self.named.last_mut() {
            place.end = self.out.len();
        }
        Ok(())
    }

    fn finish(mut self) {
        if !self.named.is_sorted_by(|(one, _), (other, _)| order(one, other).is_le()) {
            self.named.sort_by(|(one, _), (other, _)| order(one, other));
            let written = self.out.split_off(self.begin);
            for (place, (_, member)) in self.named.iter().enumerate() {
                if place > 0 {
                    self.out.push(b',');
                }
                self.out.extend_from_slice(&written[member.start - self.begin..member.end - self.begin]);
            }
        }
        self.out.push(b'}');
        self.out.extend_from_slice(self.end);
    }
}

/// Returns the order of two names: that of their UTF-16 code units, which for ASCII is that of the bytes.
fn order(one: &str, other: &str) -> std::cmp::Ordering {
    if one.is_ascii() && other.is_ascii() {
        one.as_bytes().cmp(other.as_bytes())
    } else {
        one.encode_utf16().cmp(other.encode_utf16())
    }
}

/// Writes a text with its quotes; what must be escaped has one way each.
fn text(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let mut written = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&text.as_bytes()[written..at]);
        written = at + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            control => {
                let digits = [HEX[usize::from(control >> 4)], HEX[usize::from(control & 15)]];
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&digits);
            }
        }
    }
    out.extend_from_slice(&text.as_bytes()[written..]);
    out.push(b'"');
}

/// Writes a whole number.
fn whole(out: &mut Vec<u8>, negative: bool, magnitude: u64) -> Result<(), Error> {
    if magnitude > EXACT_MAX {
        #[expect(clippy::cast_precision_loss, reason = "the form is that of the nearest double")]
        let nearest = magnitude as f64;
        return float(out, if negative { -nearest } else { nearest });
    }
    let (mut digits, mut at, mut left) = ([0; 20], 20, magnitude);
    loop {
        at -= 1;
        let digit = (left % 10) as u8;
        digits[at] = b'0' + digit;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    if negative {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
    Ok(())
}

/// Writes a float. None of our own types has one, so the library's way is quick enough.
fn float(out: &mut Vec<u8>, number: f64) -> Result<(), Error> {
    out.extend_from_slice(serde_json_canonicalizer::to_string(&number)?.as_bytes());
    Ok(())
}

/// Returns the name that a map's key gives.
fn name_of<T: Serialize + ?Sized>(key: &T) -> Result<String, Error> {
    let mut out = Vec::new();
    key.serialize(Writer { out: &mut out })?;
    if out.first() == Some(&b'"') {
        return serde_json::from_slice(&out);
    }
    // Numbers and flags become texts, as `serde_json` has them.
    match out.first() {
        Some(b'[' | b'{' | b'n') | None => Err(serde::ser::Error::custom("a key of a map is no text")),
        Some(_) => String::from_utf8(out).map_err(serde::ser::Error::custom),
    }
}

macro_rules! whole_numbers {
    ($($method:ident $integer:ty;)*) => { $(
        fn $method(self, number: $integer) -> Result<(), Error> {
            #[allow(unused_comparisons, clippy::absurd_extreme_comparisons, reason = "one form for both signs")]
            let negative = number < 0;
            #[allow(clippy::cast_sign_loss, clippy::cast_lossless, reason = "`i128` holds every one of them")]
            let magnitude = u64::try_from((number as i128).unsigned_abs()).map_err(serde::ser::Error::custom)?;
            whole(self.out, negative, magnitude)
        }
    )* };
}

impl<'a> Serializer for Writer<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = List<'a>;
    type SerializeTuple = List<'a>;
    type SerializeTupleStruct = List<'a>;
    type SerializeTupleVariant = List<'a>;
    type SerializeMap = Members<'a>;
    type SerializeStruct = Members<'a>;
    type SerializeStructVariant = Members<'a>;

    whole_numbers! {
        serialize_i8 i8; serialize_i16 i16; serialize_i32 i32; serialize_i64 i64;
        serialize_u8 u8; serialize_u16 u16; serialize_u32 u32; serialize_u64 u64;
    }

    fn serialize_bool(self, flag: bool) -> Result<(), Error> {
        self.out.extend_from_slice(if flag { b"true" } else { b"false" });
        Ok(())
    }

    fn serialize_f32(self, number: f32) -> Result<(), Error> {
        float(self.out, f64::from(number))
    }

    fn serialize_f64(self, number: f64) -> Result<(), Error> {
        float(self.out, number)
    }

    fn serialize_char(self, sign: char) -> Result<(), Error> {
        text(self.out, sign.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn serialize_str(self, given: &str) -> Result<(), Error> {
        text(self.out, given);
        Ok(())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Error> {
        bytes.serialize(self)
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.out.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        open(self.out, variant);
        value.serialize(Writer { out: self.out })?;
        self.out.push(b'}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List<'a>, Error> {
        Ok(List::new(self.out, b""))
    }

    fn serialize_tuple(self, _: usize) -> Result<List<'a>, Error> {
        Ok(List::new(self.out, b""))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<List<'a>, Error> {
        Ok(List::new(self.out, b""))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<List<'a>, Error> {
        open(self.out, variant);
        Ok(List::new(self.out, b"}"))
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Members<'a>, Error> {
        Ok(Members::new(self.out, len.unwrap_or_default(), b""))
    }

    fn serialize_struct(self, _: &'static str, len: usize) -> Result<Members<'a>, Error> {
        Ok(Members::new(self.out, len, b""))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Members<'a>, Error> {
        open(self.out, variant);
        Ok(Members::new(self.out, len, b"}"))
    }
}

/// Begins the object of a variant that carries something.
fn open(out: &mut Vec<u8>, variant: &str) {
    out.push(b'{');
    text(out, variant);
    out.push(b':');
}

impl<'a> List<'a> {
    fn new(out: &'a mut Vec<u8>, end: &'static [u8]) -> Self {
        out.push(b'[');
        Self { out, first: true, end }
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        value.serialize(Writer { out: self.out })
    }

    fn finish(self) {
        self.out.push(b']');
        self.out.extend_from_slice(self.end);
    }
}

macro_rules! lists {
    ($($kind:ident $method:ident;)*) => { $(
        impl $kind for List<'_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.value(value)
            }

            fn end(self) -> Result<(), Error> {
                self.finish();
                Ok(())
            }
        }
    )* };
}

lists! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

macro_rules! structs {
    ($($kind:ident;)*) => { $(
        impl $kind for Members<'_> {
            type Ok = ();
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
                self.name(Cow::Borrowed(name));
                self.value(value)
            }

            fn end(self) -> Result<(), Error> {
                self.finish();
                Ok(())
            }
        }
    )* };
}

structs! { SerializeStruct; SerializeStructVariant; }

impl SerializeMap for Members<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.name(Cow::Owned(name_of(key)?));
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.value(value)
    }

    fn end(self) -> Result<(), Error> {
        self.finish();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails says where")]

    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// A value of any shape, with names and texts from all planes and numbers from all ranges.
    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
            "[\"\\\\/\u{0}-\u{1f}\u{7f}é\u{e000}\u{fffd}\u{10000}]*".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 64, 8, |inner| {
            let name = prop_oneof!["[a-c]{0,3}", ".{0,3}", "[\"\\\\\u{1}\u{d7ff}\u{e000}\u{ffff}\u{10000}]{0,2}"];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(name, inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_form_is_that_of_the_general_library(value in any_value()) {
            prop_assert_eq!(to_string(&value).unwrap(), serde_json_canonicalizer::to_string(&value).unwrap());
        }
    }

    #[derive(Serialize)]
    enum Shape {
        Unit,
        One(u8),
        Two(i8, char),
        Named { z: Option<bool>, a: (u16, String) },
    }

    #[derive(Serialize)]
    struct Whole {
        z: Vec<Shape>,
        unit: (),
        #[serde(flatten)]
        rest: BTreeMap<String, u64>,
        by_number: BTreeMap<i32, bool>,
        a: &'static str,
    }

    #[test]
    fn every_shape_of_a_type_has_the_form_of_the_general_library() {
        let value = Whole {
            z: vec![Shape::Unit, Shape::One(0), Shape::Two(-128, 'ß'), Shape::Named { z: None, a: (7, "\n".into()) }],
            unit: (),
            rest: BTreeMap::from([("m".to_owned(), u64::MAX), ("b".to_owned(), EXACT_MAX)]),
            by_number: BTreeMap::from([(-1, true), (10, false)]),
            a: "/",
        };
        assert_eq!(to_string(&value).unwrap(), serde_json_canonicalizer::to_string(&value).unwrap());
    }

    #[test]
    fn what_json_does_not_have_is_an_error() {
        assert!(to_string(&f64::NAN).is_err());
        assert!(to_string(&BTreeMap::from([(vec![1], 2)])).is_err());
        assert_eq!(to_string(&json!({"b": [1, -0.0], "a": "€"})).unwrap(), r#"{"a":"€","b":[1,0]}"#);
    }
}
