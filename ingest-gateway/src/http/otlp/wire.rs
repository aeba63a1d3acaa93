//! Fields of a protobuf message, one after the other, out of its bytes.
//!
//! Source: "Encoding" of the Protocol Buffers documentation. Builds no tree: two bytes of a hostile message
//! would become fifty of memory there. Deprecated groups are refused.

/// The value of a field as it stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
}

/// The bytes are no protobuf message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not a protobuf message")]
pub(super) struct Malformed;

/// The fields of one message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        for shift in (0..70).step_by(7) {
            let (byte, rest) = self.rest.split_first().ok_or(Malformed)?;
            self.rest = rest;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(Malformed);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed)
    }

    fn fixed<const SIZE: usize>(&mut self) -> Result<[u8; SIZE], Malformed> {
        let (value, rest) = self.rest.split_first_chunk().ok_or(Malformed)?;
        self.rest = rest;
        Ok(*value)
    }

    fn field(&mut self) -> Result<(u64, Value<'a>), Malformed> {
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(u64::from_le_bytes(self.fixed()?)),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| Malformed)?;
                let (bytes, rest) = self.rest.split_at_checked(length).ok_or(Malformed)?;
                self.rest = rest;
                Value::Bytes(bytes)
            }
            5 => Value::Fixed32(u32::from_le_bytes(self.fixed()?)),
            _ => return Err(Malformed),
        };
        match key >> 3 {
            0 => Err(Malformed),
            number => Ok((number, value)),
        }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Value<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// Appends a field of bytes.
pub(super) fn put_bytes(message: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    message.push(number << 3 | 2);
    put_number(message, bytes.len() as u64);
    message.extend_from_slice(bytes);
}

/// Appends a field with a number; nothing if it is 0, as its absence says that.
pub(super) fn put_varint(message: &mut Vec<u8>, number: u8, value: u64) {
    if value > 0 {
        message.push(number << 3);
        put_number(message, value);
    }
}

fn put_number(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Fields, Malformed, Value, put_bytes, put_varint};

    #[test]
    fn fields_come_out_as_they_were_put_in() {
        let mut message = Vec::new();
        put_varint(&mut message, 1, 300);
        put_varint(&mut message, 2, 0);
        put_bytes(&mut message, 3, b"abc");
        message.extend_from_slice(b"\x21\x01\0\0\0\0\0\0\0\x2d\x02\0\0\0");
        let fields: Result<Vec<_>, _> = Fields::of(&message).collect();
        let expected = vec![
            (1, Value::Varint(300)),
            (3, Value::Bytes(b"abc")),
            (4, Value::Fixed64(1)),
            (5, Value::Fixed32(2)),
        ];
        assert_eq!(fields, Ok(expected));
    }

    #[test]
    fn what_is_cut_or_no_message_is_malformed() {
        for message in [
            &b"\x0a"[..],
            b"\x0a\x05abc",
            b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\x09\x01",
            b"\x0b",
            b"\x00\x01",
            b"\x80",
        ] {
            assert_eq!(Fields::of(message).collect::<Result<Vec<_>, _>>(), Err(Malformed));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_go_on_for_ever(message in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Fields::of(&message).count() <= message.len());
        }

        #[test]
        fn any_number_comes_back(value in 1u64..) {
            let mut message = Vec::new();
            put_varint(&mut message, 7, value);
            prop_assert_eq!(Fields::of(&message).next(), Some(Ok((7, Value::Varint(value)))));
        }
    }
}
