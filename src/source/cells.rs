//! Cells of a MySQL server's text rows, as values; or what is wrong with one.

use crate::base::text::excerpt;
use crate::mysql::result_set::Row;

/// A value, or what is wrong with its cell.
pub type Read<T> = Result<T, String>;

/// A text, which may be empty. `name` is what messages call the column.
pub fn text<'r>(row: Row<'r>, column: usize, name: &str) -> Read<&'r str> {
    let bytes = row.get(column).ok_or_else(|| format!("{name} is NULL"))?;
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(text),
        _ => Err(format!("{name} is not UTF-8 without NUL")),
    }
}

/// A text with something in it.
pub fn required<'r>(row: Row<'r>, column: usize, name: &str) -> Read<&'r str> {
    match text(row, column, name)? {
        "" => Err(format!("{name} is empty")),
        text => Ok(text),
    }
}

/// A name. Blanks behind it count for nothing, as in the columns of names, whose collations pad them.
pub fn name<'r>(row: Row<'r>, column: usize, name: &str) -> Read<&'r str> {
    match text(row, column, name)?.trim_end_matches(' ') {
        "" => Err(format!("{name} is empty")),
        text => Ok(text),
    }
}

pub fn number<T: std::str::FromStr>(row: Row<'_>, column: usize, name: &str) -> Read<T> {
    let digits = text(row, column, name)?;
    digits.parse().map_err(|_| format!("{name} \"{}\" is no number here", excerpt(digits, 40)))
}

/// What a server of a group weighs among its secondaries.
pub fn weight(row: Row<'_>, column: usize) -> Read<f64> {
    let weight = required(row, column, "weight")?;
    weight
        .parse()
        .ok()
        .filter(|weight: &f64| *weight > 0.0 && weight.is_finite())
        .ok_or_else(|| format!("weight {} is not a positive number", excerpt(weight, 40)))
}
