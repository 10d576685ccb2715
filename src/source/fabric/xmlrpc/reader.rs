//! The grammar of a reply: tags in, events out, one at a time.

use std::io::BufRead;

use super::event::{Event, Scalar};
use super::markup::{Markup, Token, protocol};
use super::room::Room;
use super::scalar;
use crate::base::error::{Error, Result};
use crate::base::text::excerpt;

/// How deep arrays and structs may nest. Fabric's own replies nest six deep.
pub const MAX_DEPTH: usize = 64;

/// How long a reply may be, where nobody says otherwise.
const MAX_BYTES: u64 = 64 << 20;

/// Pulls the events of one reply out of a stream, in constant memory but for the value at hand.
pub struct Reader<R> {
    markup: Markup<R>,
    stack: Vec<Frame>,
    depth: usize,
    max_depth: usize,
    done: bool,
    /// For the values that somebody makes of the events.
    pub(in crate::source::fabric) room: Room,
}

/// An element that is open, and what it has seen so far.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Frame {
    Response { full: bool },
    Params { full: bool },
    Param { full: bool },
    Fault { full: bool },
    Value { full: bool },
    Array { full: bool },
    Data,
    Struct,
    Member { full: bool },
}

impl<R: BufRead> Reader<R> {
    pub fn new(input: R) -> Self {
        Self::with_max_depth(input, MAX_DEPTH)
    }

    pub fn with_max_depth(input: R, max_depth: usize) -> Self {
        let (markup, room) = (Markup::new(input), Room::of(MAX_BYTES));
        Self { markup, stack: Vec::new(), depth: 0, max_depth, done: false, room }
    }

    /// A reader of a reply that may have so many bytes.
    pub fn within(input: R, max_bytes: u64) -> Self {
        Self { room: Room::of(max_bytes), ..Self::new(input) }
    }

    /// The next event. After [`Event::End`] it is `End` for ever; after an error the rest of
    /// the document means nothing.
    pub fn next_event(&mut self) -> Result<Event> {
        loop {
            if self.done {
                return self.end();
            }
            let token = self.markup.next()?;
            let event = match token {
                Token::Open(tag) => self.open(&tag)?,
                Token::Close => self.close()?,
                Token::Eof => return Err(self.cut_short()),
            };
            if let Some(event) = event {
                return Ok(event);
            }
        }
    }

    /// Whether the last event ended the content of a value in an array, but for its end tag.
    pub(super) fn is_behind_item(&self) -> bool {
        matches!(self.stack.as_slice(), [.., Frame::Data, Frame::Value { full: true }])
    }

    pub(super) fn input(&mut self) -> &mut R {
        self.markup.input()
    }

    fn open(&mut self, tag: &str) -> Result<Option<Event>> {
        // The text of a value that has a type tag is none of its content.
        self.want_blank()?;
        let Some(top) = self.stack.last_mut() else {
            return match tag {
                "methodResponse" => self.push(Frame::Response { full: false }, None),
                _ => Err(unexpected(tag, "<methodResponse>")),
            };
        };
        match (*top, tag) {
            (Frame::Response { full: false }, "params") => {
                *top = Frame::Response { full: true };
                self.push(Frame::Params { full: false }, None)
            }
            (Frame::Response { full: false }, "fault") => {
                *top = Frame::Response { full: true };
                self.push(Frame::Fault { full: false }, Some(Event::Fault))
            }
            (Frame::Params { full: false }, "param") => {
                *top = Frame::Params { full: true };
                self.push(Frame::Param { full: false }, Some(Event::Reply))
            }
            (Frame::Param { full: false }, "value") => {
                *top = Frame::Param { full: true };
                self.push(Frame::Value { full: false }, None)
            }
            (Frame::Fault { full: false }, "value") => {
                *top = Frame::Fault { full: true };
                self.push(Frame::Value { full: false }, None)
            }
            (Frame::Member { full: false }, "value") => {
                *top = Frame::Member { full: true };
                self.push(Frame::Value { full: false }, None)
            }
            (Frame::Data, "value") => self.push(Frame::Value { full: false }, None),
            (Frame::Array { full: false }, "data") => {
                *top = Frame::Array { full: true };
                self.push(Frame::Data, None)
            }
            (Frame::Struct, "member") => {
                let name = self.member_name()?;
                self.push(Frame::Member { full: false }, Some(Event::Member(name)))
            }
            (Frame::Value { full: false }, _) => {
                *top = Frame::Value { full: true };
                self.open_type(tag)
            }
            (frame, _) => Err(unexpected(tag, frame.wants())),
        }
    }

    fn open_type(&mut self, tag: &str) -> Result<Option<Event>> {
        let (frame, event) = match tag {
            "array" => (Frame::Array { full: false }, Event::ArrayStart),
            "struct" => (Frame::Struct, Event::StructStart),
            _ if scalar::is_type(tag) => {
                let text = self.text_element(tag)?;
                let parsed = scalar::parse(tag, text);
                return parsed
                    .ok_or_else(|| unexpected(tag, "a type"))?
                    .map(Event::Scalar)
                    .map(Some);
            }
            _ => return Err(unexpected(tag, "a type of XML-RPC")),
        };
        self.depth += 1;
        if self.depth > self.max_depth {
            let limit = self.max_depth;
            return Err(protocol(&format!("arrays and structs nested deeper than {limit}")));
        }
        self.push(frame, Some(event))
    }

    fn close(&mut self) -> Result<Option<Event>> {
        let top = self.stack.pop();
        if top != Some(Frame::Value { full: false }) {
            self.want_blank()?;
        }
        match top {
            Some(Frame::Value { full: false }) => {
                Ok(Some(Event::Scalar(Scalar::Text(self.markup.take_text()))))
            }
            Some(Frame::Array { full: true }) => {
                self.depth = self.depth.saturating_sub(1);
                Ok(Some(Event::ArrayEnd))
            }
            Some(Frame::Struct) => {
                self.depth = self.depth.saturating_sub(1);
                Ok(Some(Event::StructEnd))
            }
            Some(Frame::Response { full: true }) => {
                self.done = true;
                Ok(None)
            }
            Some(
                Frame::Params { full: true }
                | Frame::Param { full: true }
                | Frame::Fault { full: true }
                | Frame::Value { full: true }
                | Frame::Member { full: true }
                | Frame::Data,
            ) => Ok(None),
            Some(frame) => {
                Err(protocol(&format!("an element ends where {} is due", frame.wants())))
            }
            None => Err(protocol("an end tag without its start")),
        }
    }

    /// Blanks and comments may follow the document, nothing else.
    fn end(&mut self) -> Result<Event> {
        match self.markup.next()? {
            Token::Eof => self.want_blank().map(|()| Event::End),
            Token::Open(tag) => Err(unexpected(&tag, "the end")),
            Token::Close => Err(protocol("an end tag without its start")),
        }
    }

    fn member_name(&mut self) -> Result<String> {
        match self.markup.next()? {
            Token::Open(tag) if tag == "name" => {
                self.want_blank()?;
                self.text_element("name")
            }
            Token::Open(tag) => Err(unexpected(&tag, "<name>")),
            Token::Close => Err(protocol("a <member> without a <name>")),
            Token::Eof => Err(self.cut_short()),
        }
    }

    /// The text of the element just opened, which must hold nothing else.
    fn text_element(&mut self, tag: &str) -> Result<String> {
        match self.markup.next()? {
            Token::Close => Ok(self.markup.take_text()),
            Token::Open(inner) => Err(unexpected(&inner, &format!("the end of <{tag}>"))),
            Token::Eof => Err(self.cut_short()),
        }
    }

    fn push(&mut self, frame: Frame, event: Option<Event>) -> Result<Option<Event>> {
        self.stack.push(frame);
        Ok(event)
    }

    fn want_blank(&self) -> Result<()> {
        if self.markup.is_blank() {
            return Ok(());
        }
        let text = excerpt(self.markup.text().trim(), 60);
        Err(protocol(&format!("\"{text}\" stands where only a tag may")))
    }

    /// The bytes are named when they are all there is: an error page, or an empty body.
    fn cut_short(&self) -> Error {
        match self.stack.last() {
            Some(frame) => protocol(&format!("it ends where {} is due", frame.wants())),
            None if self.markup.is_blank() => protocol("it is empty"),
            None => {
                let text = excerpt(self.markup.text().trim(), 60);
                protocol(&format!("it is \"{text}\", without any tag"))
            }
        }
    }
}

impl Frame {
    fn wants(self) -> &'static str {
        match self {
            Frame::Response { full: false } => "<params> or <fault>",
            Frame::Response { full: true } => "</methodResponse>",
            Frame::Params { full: false } => "<param>",
            Frame::Params { full: true } => "</params>",
            Frame::Param { full: false }
            | Frame::Fault { full: false }
            | Frame::Member { full: false } => "<value>",
            Frame::Param { full: true } => "</param>",
            Frame::Fault { full: true } => "</fault>",
            Frame::Member { full: true } => "</member>",
            Frame::Value { full: false } => "a type or </value>",
            Frame::Value { full: true } => "</value>",
            Frame::Array { full: false } => "<data>",
            Frame::Array { full: true } => "</array>",
            Frame::Data => "<value> or </data>",
            Frame::Struct => "<member> or </struct>",
        }
    }
}

fn unexpected(tag: &str, wanted: &str) -> Error {
    protocol(&format!("<{}> stands where {wanted} is due", excerpt(tag, 40)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::Code;

    fn events(document: &str) -> Result<Vec<Event>> {
        let mut reader = Reader::new(document.as_bytes());
        let mut events = Vec::new();
        while events.last() != Some(&Event::End) {
            events.push(reader.next_event()?);
        }
        Ok(events)
    }

    fn scalar(xml: &str) -> Result<Scalar> {
        let document = format!(
            "<?xml version='1.0'?>\n<methodResponse> <params>\n<param><value>{xml}</value>\
             </param></params></methodResponse>\n"
        );
        match events(&document)?.as_slice() {
            [Event::Reply, Event::Scalar(scalar), Event::End] => Ok(scalar.clone()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn scalars() {
        for (xml, expected) in [
            ("<int>-5</int>", Scalar::Int(-5)),
            ("<i4>+7</i4>", Scalar::Int(7)),
            (" <i8> 9223372036854775807\n</i8> ", Scalar::Int(i64::MAX)),
            ("<boolean>1</boolean>", Scalar::Bool(true)),
            ("<string> a\tb </string>", Scalar::Text(" a\tb ".into())),
            ("<string/>", Scalar::Text(String::new())),
            ("", Scalar::Text(String::new())),
            (" x &amp; y ", Scalar::Text(" x & y ".into())),
            ("  ", Scalar::Text("  ".into())),
            ("<double>1795415425.750577</double>", Scalar::Double(1795415425.750577)),
            ("<double>-1e-3</double>", Scalar::Double(-0.001)),
            (
                "<dateTime.iso8601>20200615T12:30:00</dateTime.iso8601>",
                Scalar::DateTime("20200615T12:30:00".into()),
            ),
            ("<base64>Zm9v\nYmFy</base64>", Scalar::Bytes(b"foobar".to_vec())),
            ("<nil/>", Scalar::Nil),
            ("<ex:nil xmlns:ex='http://ws.apache.org/xmlrpc/namespaces/extensions'/>", Scalar::Nil),
        ] {
            assert_eq!(scalar(xml).unwrap(), expected, "{xml}");
        }
    }

    #[test]
    fn scalars_that_are_none() {
        for xml in [
            "<int></int>",
            "<int>9223372036854775808</int>",
            "<int>1.0</int>",
            "<boolean>2</boolean>",
            "<double>one</double>",
            "<base64>Zg</base64>",
            "<nil>x</nil>",
            "<float>1</float>",
            "<int>1</int><int>2</int>",
            "x<int>1</int>",
            "<int>1</int>x",
            "<int><b>1</b></int>",
        ] {
            assert_eq!(scalar(xml).unwrap_err().code, Code::Protocol, "{xml}");
        }
        let message = scalar("<int>99999999999999999999</int>").unwrap_err().message;
        assert!(
            message.contains("99999999999999999999") && message.contains("64 bits"),
            "{message}"
        );
    }

    #[test]
    fn nesting_is_limited() {
        let nested = |depth: usize| {
            let (open, close) = ("<array><data><value>", "</value></data></array>");
            format!("{}{}", open.repeat(depth), close.repeat(depth))
        };
        let document = |depth| {
            let value = nested(depth);
            format!(
                "<methodResponse><params><param><value>{value}</value></param></params>\
                 </methodResponse>"
            )
        };
        assert!(events(&document(MAX_DEPTH)).is_ok());
        let error = events(&document(MAX_DEPTH + 1)).unwrap_err();
        assert!(error.message.contains("deeper than 64"), "{error}");
        assert_eq!(events(&document(10_000)).unwrap_err().code, Code::Protocol);
    }

    #[test]
    fn structure_is_demanded() {
        for document in [
            "",
            "oops",
            "<html><body>no</body></html>",
            "<methodResponse/>",
            "<methodResponse><params/></methodResponse>",
            "<methodResponse><params><param/></params></methodResponse>",
            "<methodResponse><fault/></methodResponse>",
            "<methodResponse><params><param><value/></param><param><value/></param></params></methodResponse>",
            "<methodResponse><params><param><value><array/></value></param></params></methodResponse>",
            "<methodResponse><params><param><value><struct><member><value/></member></struct></value></param></params></methodResponse>",
            "<methodResponse><params><param><value><struct><member><name>n</name></member></struct></value></param></params></methodResponse>",
            "<methodResponse><params><param><value/></param></params></methodResponse><more/>",
            "<methodResponse><params><param><value/></param></params></methodResponse>more",
            "<methodResponse><params><param><value>",
            "<methodResponse><params><param><value/></param></params>",
        ] {
            assert_eq!(events(document).unwrap_err().code, Code::Protocol, "{document}");
        }
    }
}
