//! Rows and columns from the free-form values of generation 1.

use std::collections::BTreeMap;

use crate::base::error::{Code, Error, Result};
use crate::source::command::{ResultSet, Value};

/// More columns than any command has. Padding every row to what one hostile row asks for would
/// cost memory without end; what is beyond is left out.
pub(super) const MAX_COLUMNS: usize = 256;

/// More cells than this are not made only to fill rows up.
const MOST_CELLS: usize = 1 << 20;

/// A list of structs gets their members as columns, a list of lists is rows already, a struct
/// of structs gets its own names as first column, and anything else is one cell a row.
pub fn table(value: Value) -> Result<ResultSet> {
    Ok(match value {
        Value::Array(items) => match items.first() {
            Some(Value::Struct(_)) => return objects(items),
            Some(Value::Array(_)) => numbered(items),
            Some(_) => cells(items),
            None => ResultSet::default(),
        },
        Value::Struct(members) => match members.first() {
            Some((_, Value::Struct(_))) => return dictionary(members),
            _ => return objects(vec![Value::Struct(members)]),
        },
        Value::Nil => ResultSet::default(),
        cell => cells(vec![cell]),
    })
}

/// One row a struct; the columns are all names that occur, in the order they first do.
pub fn objects(items: Vec<Value>) -> Result<ResultSet> {
    let mut set = ResultSet::default();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let (mut filled, mut made) = (0, 0);
    for item in items {
        let members = match item {
            Value::Struct(members) => members,
            other => vec![("value".to_owned(), other)],
        };
        let mut row = Vec::new();
        filled += members.len();
        for (name, value) in members {
            let index = match known.get(&name) {
                Some(index) => *index,
                None if set.columns.len() >= MAX_COLUMNS => continue,
                None => {
                    known.insert(name.clone(), set.columns.len());
                    set.columns.push(name);
                    set.columns.len() - 1
                }
            };
            if row.len() <= index {
                row.resize(index + 1, Value::Nil);
            }
            if let Some(cell) = row.get_mut(index) {
                *cell = value;
            }
        }
        made += row.len();
        if made > MOST_CELLS && made / 8 > filled {
            let message = "each row of the reply fills few of the columns that the others have, so \
                           it makes no table; check the version of the node";
            return Err(Error::new(Code::ReplyTooLarge, message));
        }
        set.rows.push(row);
    }
    pad(&mut set);
    Ok(set)
}

/// Makes all rows as wide as the set has columns, as far as that makes no more cells than
/// `MOST_CELLS`: a few wide rows must not make many narrow ones as large. What is missing at the
/// end of a row is nil.
fn pad(set: &mut ResultSet) {
    let width = set.columns.len();
    set.rows.iter_mut().for_each(|row| row.truncate(width));
    if set.rows.len().saturating_mul(width) <= MOST_CELLS {
        set.rows.iter_mut().for_each(|row| row.resize(width, Value::Nil));
    }
}

fn dictionary(members: Vec<(String, Value)>) -> Result<ResultSet> {
    let rows = members.into_iter().map(|(name, value)| {
        let mut columns = vec![("name".to_owned(), Value::Text(name))];
        match value {
            Value::Struct(inner) => columns.extend(inner),
            other => columns.push(("value".to_owned(), other)),
        }
        Value::Struct(columns)
    });
    objects(rows.collect())
}

fn numbered(items: Vec<Value>) -> ResultSet {
    let rows: Vec<Vec<Value>> = items
        .into_iter()
        .map(|item| match item {
            Value::Array(cells) => cells,
            cell => vec![cell],
        })
        .collect();
    let width = rows.iter().map(Vec::len).max().unwrap_or(0).min(MAX_COLUMNS);
    let columns = (1..=width).map(|number| format!("column{number}")).collect();
    let mut set = ResultSet { columns, rows };
    pad(&mut set);
    set
}

fn cells(items: Vec<Value>) -> ResultSet {
    let rows = items.into_iter().map(|item| vec![item]).collect();
    ResultSet { columns: vec!["value".into()], rows }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(value: Value) -> ResultSet {
        super::table(value).unwrap()
    }

    fn object(members: &[(&str, i64)]) -> Value {
        Value::Struct(members.iter().map(|(n, v)| ((*n).to_owned(), Value::Int(*v))).collect())
    }

    #[test]
    fn structs_share_their_columns() {
        let set = table(Value::Array(vec![object(&[("a", 1)]), object(&[("b", 2), ("a", 3)])]));
        assert_eq!(set.columns, ["a", "b"]);
        let rows = vec![vec![Value::Int(1), Value::Nil], vec![Value::Int(3), Value::Int(2)]];
        assert_eq!(set.rows, rows);
    }

    #[test]
    fn columns_are_limited() {
        let wide = Value::Array(vec![Value::Nil; 1000]);
        let set = table(Value::Array(vec![wide, Value::Array(vec![])]));
        assert_eq!((set.columns.len(), set.rows[0].len(), set.rows[1].len()), (256, 256, 256));
        let many = (0..1000).map(|index| object(&[(format!("n{index}").as_str(), 1)])).collect();
        let set = table(Value::Array(many));
        assert_eq!((set.columns.len(), set.rows.len(), set.rows[999].len()), (256, 1000, 256));
    }

    #[test]
    fn wide_rows_do_not_widen_many_narrow_ones() {
        let names: Vec<String> = (0..256).map(|index| format!("n{index}")).collect();
        let wide = Value::Struct(names.iter().map(|name| (name.clone(), Value::Nil)).collect());
        let mut items = vec![wide];
        items.extend((0..10_000).map(|_| object(&[("n0", 1)])));
        let set = table(Value::Array(items));
        let cells: usize = set.rows.iter().map(Vec::len).sum();
        assert_eq!((set.columns.len(), set.rows.len(), cells), (256, 10_001, 10_256));
        let mut items: Vec<Value> = (0..256).map(|at| object(&[(&*format!("n{at}"), 1)])).collect();
        items.extend((0..10_000).map(|_| object(&[("n255", 1)])));
        assert_eq!(super::table(Value::Array(items)).unwrap_err().code, Code::ReplyTooLarge);
    }

    #[test]
    fn other_shapes() {
        let set = table(Value::Struct(vec![("x".into(), object(&[("a", 1)]))]));
        assert_eq!(set.columns, ["name", "a"]);
        assert_eq!(set.rows, [vec!["x".into(), Value::Int(1)]]);
        let set = table(Value::Array(vec![Value::Array(vec![Value::Nil, Value::Nil])]));
        assert_eq!(set.columns, ["column1", "column2"]);
        assert_eq!(table(Value::Bool(true)).rows, [vec![Value::Bool(true)]]);
        assert_eq!(table(Value::Nil), ResultSet::default());
        assert_eq!(table(Value::Array(vec![])), ResultSet::default());
    }
}
