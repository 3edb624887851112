//! Text in columns: as wide as their widest cell, numbers to the right.

/// A table under construction.
pub struct Columns {
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Columns {
    /// A table with these headings.
    pub fn new(header: &[&'static str]) -> Self {
        Self { header: header.to_vec(), rows: Vec::new() }
    }

    /// Adds a row; it has as many cells as there are headings.
    pub fn row(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.header.len());
        self.rows.push(cells);
    }

    /// The table, or `empty` when it has no row. No line end after the last line, no spaces at line ends.
    pub fn render(&self, empty: &str) -> String {
        if self.rows.is_empty() {
            return empty.to_owned();
        }
        let columns: Vec<(usize, bool)> = (0..self.header.len())
            .map(|column| {
                let cells = || self.rows.iter().map(|row| row[column].as_str());
                let width = cells().chain([self.header[column]]).map(|cell| cell.chars().count()).max();
                (width.unwrap_or(0), cells().all(is_number))
            })
            .collect();
        let header: Vec<String> = self.header.iter().map(|heading| (*heading).to_owned()).collect();
        let lines = std::iter::once(&header).chain(&self.rows).map(|cells| line(cells, &columns));
        lines.collect::<Vec<_>>().join("\n")
    }
}

fn line(cells: &[String], columns: &[(usize, bool)]) -> String {
    let padded = cells
        .iter()
        .zip(columns)
        .map(|(cell, &(width, number))| if number { format!("{cell:>width$}") } else { format!("{cell:width$}") });
    padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

fn is_number(cell: &str) -> bool {
    cell == "-" || (!cell.is_empty() && cell.trim_end_matches('%').parse::<f64>().is_ok())
}

/// A cell that may have nothing to show.
pub fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_left_and_numbers_right() {
        let mut table = Columns::new(&["name", "packets"]);
        table.row(vec!["a".into(), "7".into()]);
        table.row(vec!["longer".into(), "1234567890".into()]);
        assert_eq!(table.render(""), "name       packets\na                7\nlonger  1234567890");
    }

    #[test]
    fn an_empty_table_says_so() {
        assert_eq!(Columns::new(&["name"]).render("nothing"), "nothing");
    }
}
