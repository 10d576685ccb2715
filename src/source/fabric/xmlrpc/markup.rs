//! The XML layer: tags, and the text before each of them.
//!
//! It takes the XML a Fabric node can send and nothing that an attacker would: no document
//! type, no entity but the five predefined ones and character references.

use std::io::{self, BufRead, Read};

use quick_xml::Reader;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};

use crate::base::error::{Code, Error, Result};
use crate::base::memory::append;
use crate::base::text::excerpt;
use crate::source::fabric::http::transport::TransportError;

/// A tag, or the end of the input.
#[derive(Debug, PartialEq)]
pub enum Token {
    Open(String),
    Close,
    Eof,
}

/// Reads one token at a time; a document is never held as a whole.
pub struct Markup<R> {
    xml: Reader<Portioned<R>>,
    buffer: Vec<u8>,
    text: String,
    at_start: bool,
}

impl<R: BufRead> Markup<R> {
    pub fn new(input: R) -> Self {
        let mut xml = Reader::from_reader(Portioned { inner: input, since: 0 });
        xml.config_mut().expand_empty_elements = true;
        Self { xml, buffer: Vec::new(), text: String::new(), at_start: true }
    }

    /// The next tag. What stood before it is [`Markup::text`].
    pub fn next(&mut self) -> Result<Token> {
        self.text.clear();
        loop {
            self.buffer.clear();
            self.xml.get_mut().since = 0;
            let at_start = std::mem::replace(&mut self.at_start, false);
            match self.xml.read_event_into(&mut self.buffer).map_err(not_xml)? {
                Event::Start(tag) => {
                    check_attributes(&tag)?;
                    return Ok(Token::Open(tag.name().as_ref().to_owned()));
                }
                Event::End(_) => return Ok(Token::Close),
                Event::Eof => return Ok(Token::Eof),
                Event::Text(text) => append(&mut self.text, &text.xml10_content())?,
                Event::CData(text) => append(&mut self.text, &text.xml10_content())?,
                Event::GeneralRef(reference) => {
                    let character = resolve(&reference)?;
                    append(&mut self.text, character.encode_utf8(&mut [0; 4]))?;
                }
                Event::Comment(_) | Event::PI(_) => {}
                Event::Decl(declaration) if at_start => check_encoding(&declaration)?,
                Event::Decl(_) => {
                    return Err(protocol("an XML declaration that is not at the very start"));
                }
                Event::DocType(_) => {
                    return Err(protocol("a document type declaration, which no reply needs"));
                }
                Event::Empty(tag) => {
                    return Err(protocol(&format!("an unexpanded <{}/>", tag.name().as_ref())));
                }
            }
        }
    }

    /// The character data between the token before and the last one, entities resolved and
    /// line ends made `\n` (XML 1.0, section 2.11).
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The input behind the last tag. Elements may be taken out of it, but only whole ones or the
    /// end of one that is open and the start of another of its name.
    pub fn input(&mut self) -> &mut R {
        &mut self.xml.get_mut().inner
    }

    pub fn take_text(&mut self) -> String {
        std::mem::take(&mut self.text)
    }

    /// Whether there was nothing but blanks, as the grammar wants it between tags.
    pub fn is_blank(&self) -> bool {
        self.text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
    }
}

/// No tag, no text without a reference and no comment of a reply is longer.
const MAX_PORTION: usize = 4 << 20;

/// Fails instead of giving more for one token than any has: it is kept as a whole.
struct Portioned<R> {
    inner: R,
    /// How much was taken since the token began.
    since: usize,
}

impl<R: BufRead> BufRead for Portioned<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.since > MAX_PORTION {
            let message = format!(
                "the reply has a tag, text or comment of more than {MAX_PORTION} bytes; check that \
                 the address is a MySQL Fabric node's"
            );
            let error = Error::new(Code::ReplyTooLarge, message);
            return Err(TransportError::from(error).into_io());
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.since += count;
        self.inner.consume(count);
    }
}

impl<R: BufRead> Read for Portioned<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

/// An error about the document itself.
pub fn protocol(what: &str) -> Error {
    Error::new(Code::Protocol, format!("the reply is not the XML-RPC expected: {what}"))
}

fn not_xml(error: quick_xml::Error) -> Error {
    if let quick_xml::Error::Io(io) = &error {
        return TransportError::of_read(io);
    }
    protocol(&excerpt(&error.to_string(), 200))
}

/// Each attribute is compared with all before it, and no tag of XML-RPC has more than one.
const MAX_ATTRIBUTES: usize = 16;

fn check_attributes(tag: &BytesStart<'_>) -> Result<()> {
    if !tag.attributes_raw().trim().is_empty() {
        for (count, attribute) in tag.attributes().enumerate() {
            if count >= MAX_ATTRIBUTES {
                return Err(protocol(&format!("a tag of more than {MAX_ATTRIBUTES} attributes")));
            }
            attribute.map_err(|error| protocol(&format!("a broken attribute: {error}")))?;
        }
    }
    Ok(())
}

fn check_encoding(declaration: &BytesDecl<'_>) -> Result<()> {
    match declaration.encoding() {
        None => Ok(()),
        Some(Ok(name)) if name.eq_ignore_ascii_case("utf-8") => Ok(()),
        Some(Ok(name)) => {
            let name = excerpt(&name, 40);
            Err(protocol(&format!("it is declared as {name}, and only UTF-8 is understood")))
        }
        Some(Err(error)) => Err(protocol(&format!("a broken XML declaration: {error}"))),
    }
}

fn resolve(reference: &BytesRef<'_>) -> Result<char> {
    let unknown = || protocol(&format!("the unknown entity &{};", excerpt(reference, 40)));
    match &**reference {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ => match reference.resolve_char_ref() {
            Ok(Some(character)) if is_xml_char(character) => Ok(character),
            _ => Err(unknown()),
        },
    }
}

/// The `Char` production of XML 1.0, section 2.2.
pub fn is_xml_char(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(document: &[u8]) -> Result<String> {
        let mut markup = Markup::new(document);
        assert_eq!(markup.next()?, Token::Open("a".into()));
        assert_eq!(markup.next()?, Token::Close);
        Ok(markup.take_text())
    }

    #[test]
    fn text_comes_in_one_piece() {
        let document = b"\xEF\xBB\xBF<?xml version='1.0' encoding='Utf-8'?><!-- c --><a b=\"c\">\
            1 &lt;<!-- &no; --> &#233;&#xE9;&amp;<?pi <a> ?><![CDATA[<&lt;]]>\r\n2</a>";
        assert_eq!(text_of(document).unwrap(), "1 < éé&<&lt;\n2");
        assert_eq!(text_of(b"<a/>").unwrap(), "");
    }

    #[test]
    fn what_no_node_sends_is_refused() {
        for document in [
            &b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>"[..],
            b"<!DOCTYPE a><a></a>",
            b"<?xml version='1.0' encoding='latin-1'?><a></a>",
            b"<?xml version='1.0' encoding='UTF-16'?><a></a>",
            b"<a></a><?xml version='1.0'?>x<a></a>",
            b"<a>&nbsp;</a>",
            b"<a>&#0;</a>",
            b"<a>&#1;</a>",
            b"<a>&#xD800;</a>",
            b"<a>&amp</a>",
            b"<a>\xFF</a>",
            b"<a>\xC3</a>",
            b"<a></b>",
            b"</a>",
            b"<a b></a>",
            b"<a b='1' b='2'></a>",
            b"<a",
        ] {
            let mut markup = Markup::new(document);
            let error = loop {
                match markup.next() {
                    Ok(Token::Eof) => panic!("took {}", String::from_utf8_lossy(document)),
                    Ok(_) => {}
                    Err(error) => break error,
                }
            };
            assert_eq!(error.code, Code::Protocol, "{}", String::from_utf8_lossy(document));
        }
    }
}
