//! What is in a packet: numbers and texts, read one after the other.

/// The packet ends before it should, or has something in it that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// The rest of a packet.
#[derive(Debug, Clone)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub fn new(packet: &'a [u8]) -> Self {
        Self(packet)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All that is left.
    pub fn rest(self) -> &'a [u8] {
        self.0
    }

    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (bytes, rest) = self.0.split_at_checked(count).ok_or(Malformed)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*bytes)
    }

    pub fn u8(&mut self) -> Result<u8, Malformed> {
        self.array().map(u8::from_le_bytes)
    }

    pub fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_le_bytes)
    }

    pub fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_le_bytes)
    }

    /// A number with its length before it; `None` stands for NULL.
    pub fn length_or_null(&mut self) -> Result<Option<u64>, Malformed> {
        let wide = |low: u16, high: u8| u64::from(low) | u64::from(high) << 16;
        Ok(Some(match self.u8()? {
            0xFB => return Ok(None),
            0xFC => self.u16()?.into(),
            0xFD => wide(self.u16()?, self.u8()?),
            0xFE => self.array().map(u64::from_le_bytes)?,
            // The mark of an error, which is no number.
            0xFF => return Err(Malformed),
            number => number.into(),
        }))
    }

    pub fn length(&mut self) -> Result<u64, Malformed> {
        self.length_or_null()?.ok_or(Malformed)
    }

    /// Bytes with their length before them; `None` is NULL.
    pub fn text_or_null(&mut self) -> Result<Option<&'a [u8]>, Malformed> {
        let Some(length) = self.length_or_null()? else { return Ok(None) };
        self.bytes(usize::try_from(length).map_err(|_| Malformed)?).map(Some)
    }

    pub fn text(&mut self) -> Result<&'a [u8], Malformed> {
        self.text_or_null()?.ok_or(Malformed)
    }

    /// Bytes up to a NUL, which must be there.
    pub fn text_to_nul(&mut self) -> Result<&'a [u8], Malformed> {
        let end = memchr::memchr(0, self.0).ok_or(Malformed)?;
        let text = self.bytes(end)?;
        self.bytes(1)?;
        Ok(text)
    }

    /// As [`Self::text_to_nul`], where some servers leave the NUL at the very end out.
    pub fn text_to_nul_or_end(&mut self) -> &'a [u8] {
        self.text_to_nul().unwrap_or_else(|Malformed| std::mem::take(&mut self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_length_before_them() {
        let read = |bytes: &[u8]| Reader::new(bytes).length_or_null();
        assert_eq!(read(&[250]), Ok(Some(250)));
        assert_eq!(read(&[0xFB]), Ok(None));
        assert_eq!(read(&[0xFC, 1, 2]), Ok(Some(0x201)));
        assert_eq!(read(&[0xFD, 1, 2, 3]), Ok(Some(0x3_0201)));
        assert_eq!(read(&[0xFE, 1, 0, 0, 0, 0, 0, 0, 0x80]), Ok(Some(0x8000_0000_0000_0001)));
        for short in [&[][..], &[0xFC, 1], &[0xFD, 1, 2], &[0xFE, 1, 2, 3, 4, 5, 6, 7], &[0xFF, 0]]
        {
            assert_eq!(read(short), Err(Malformed), "{short:?}");
        }
    }

    #[test]
    fn a_length_that_lies_is_found_out() {
        for lying in [
            &[3, b'a', b'b'][..],
            &[0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, b'a'],
            &[0xFD, 0xFF, 0xFF, 0xFF],
        ] {
            assert_eq!(Reader::new(lying).text(), Err(Malformed));
        }
        assert_eq!(Reader::new(&[0xFB]).text(), Err(Malformed), "NULL where none can be");
        let mut whole = Reader::new(&[2, b'a', b'b', 0, 0xFB]);
        assert_eq!(whole.text_or_null(), Ok(Some(&b"ab"[..])));
        assert_eq!(whole.text_or_null(), Ok(Some(&b""[..])));
        assert_eq!(whole.text_or_null(), Ok(None));
        assert!(whole.is_empty());
    }

    #[test]
    fn texts_end_at_nul() {
        let mut reader = Reader::new(b"ab\0cd");
        assert_eq!(reader.text_to_nul(), Ok(&b"ab"[..]));
        assert_eq!(reader.clone().text_to_nul(), Err(Malformed));
        assert_eq!(reader.text_to_nul_or_end(), b"cd");
        assert_eq!(reader.text_to_nul_or_end(), b"");
        assert_eq!(Reader::new(b"x\0").text_to_nul_or_end(), b"x");
    }
}
