//! Tables of plain text: columns as wide as they must be, numbers to the right.

use super::printable;

/// A table with a head, two blanks between its columns, and no blanks at the end of a line.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| printable(cell)).collect()).collect();
    let width = |text: &str| text.chars().count();
    let columns: Vec<(usize, bool)> = head
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let cells = || rows.iter().filter_map(|row| row.get(at));
            let widest = cells().map(|cell| width(cell)).max().unwrap_or_default();
            let is_number = cells().any(|cell| cell != "-") && cells().all(|cell| is_number(cell));
            (widest.max(width(name)), is_number)
        })
        .collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut line = String::new();
        for (cell, (widest, is_number)) in cells.zip(&columns) {
            let blanks = " ".repeat(widest - width(cell));
            let parts = if *is_number { [&blanks, cell] } else { [cell, &blanks] };
            line.extend(parts);
            line.push_str("  ");
        }
        format!("{}\n", line.trim_end())
    };
    let mut text = line(&mut head.iter().copied());
    for row in &rows {
        text.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    text
}

/// Digests that happen to have no letter are none.
fn is_number(cell: &str) -> bool {
    let number = cell.trim_end_matches([' ', '%', 's', 'm', 'h', 'd']);
    cell == "-" || (cell.len() <= 20 && number.parse::<f64>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let rows = [["a", "1", "x y"], ["b\u{fc}cher", "12", "\u{1b}[31m"]]
            .map(|row| row.map(str::to_owned).to_vec());
        let expected = "NAME    COUNT  NOTE\na           1  x y\nb\u{fc}cher     12  \\u{1b}[31m\n";
        assert_eq!(table(&["NAME", "COUNT", "NOTE"], &rows), expected);
        assert_eq!(table(&["NAME"], &[]), "NAME\n");
    }
}
