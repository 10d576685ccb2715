//! What the pull decoder reports, one piece at a time.

/// A value without parts, in the types of the XML-RPC specification.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// `int`, `i4`, `i8`.
    Int(i64),
    Bool(bool),
    Double(f64),
    /// `string`, or a value without a type tag.
    Text(String),
    /// `dateTime.iso8601`, as it was written: XML-RPC times have no zone to interpret.
    DateTime(String),
    Bytes(Vec<u8>),
    /// `nil`, also with the prefix of the Apache extension.
    Nil,
}

impl Scalar {
    /// How many bytes of text it has.
    pub fn bytes(&self) -> usize {
        match self {
            Scalar::Text(text) | Scalar::DateTime(text) => text.len(),
            Scalar::Bytes(bytes) => bytes.len(),
            _ => 0,
        }
    }
}

/// One step through a reply. A well-formed one is `Reply` or `Fault`, the events of exactly
/// one value, and `End`.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The method returned: its value follows.
    Reply,
    /// The method failed: the value that follows tells how.
    Fault,
    Scalar(Scalar),
    ArrayStart,
    ArrayEnd,
    StructStart,
    /// The name of a member; its value follows.
    Member(String),
    StructEnd,
    /// The document is over, up to the last byte.
    End,
}
