//! Reads what scripts answer: flat arrays of integers and strings.

use redis::Value;

use super::error::Error;

/// Walks a script's array, element by element.
#[derive(Debug)]
pub struct Reader {
    items: std::vec::IntoIter<Value>,
}

impl Reader {
    /// The elements of `value`, which must be an array.
    pub fn new(value: Value) -> Result<Self, Error> {
        match value {
            Value::Array(items) => Ok(Self { items: items.into_iter() }),
            other => Err(Error::Corrupt(format!("a script answered {other:?} where an array was expected"))),
        }
    }

    /// The next integer.
    pub fn int(&mut self) -> Result<u64, Error> {
        match self.items.next() {
            Some(Value::Int(number)) => u64::try_from(number).map_err(|_| Error::Corrupt(format!("a negative number: {number}"))),
            other => Err(Error::Corrupt(format!("{other:?} where an integer was expected"))),
        }
    }

    /// The next string, as bytes.
    pub fn bytes(&mut self) -> Result<Vec<u8>, Error> {
        match self.items.next() {
            Some(Value::BulkString(bytes)) => Ok(bytes),
            Some(Value::SimpleString(text)) => Ok(text.into_bytes()),
            other => Err(Error::Corrupt(format!("{other:?} where a string was expected"))),
        }
    }

    /// The next string.
    pub fn text(&mut self) -> Result<String, Error> {
        String::from_utf8(self.bytes()?).map_err(|_| Error::Corrupt("a string that is not UTF-8".into()))
    }

    /// The next string, `None` when empty: scripts say '' for what is not there.
    pub fn optional(&mut self) -> Result<Option<String>, Error> {
        Ok(Some(self.text()?).filter(|text| !text.is_empty()))
    }

    /// The next element, whatever it is.
    pub fn next(&mut self) -> Result<Value, Error> {
        self.items.next().ok_or_else(|| Error::Corrupt("a script's reply ended early".into()))
    }

    /// The next element, an array itself.
    pub fn array(&mut self) -> Result<Self, Error> {
        Self::new(self.next()?)
    }

    /// How many elements are left.
    pub fn left(&self) -> usize {
        self.items.len()
    }
}
