//! A table as the checks see it: a header and columns of short texts, kept in one piece of memory per column, and what a
//! cell says when it is read as a number.

/// At most so many columns are read.
pub(crate) const MAX_COLUMNS: usize = 2_000;
/// At most so many cells are read of one file.
pub(crate) const MAX_CELLS: usize = 20_000_000;

/// At most so many bytes of text are kept of one table.
const MAX_TEXT: usize = 256 << 20;

/// The texts of one column.
#[derive(Clone, Debug, Default)]
pub(crate) struct Column {
    text: String,
    ends: Vec<u32>,
}

impl Column {
    fn push(&mut self, cell: &str) {
        self.text.push_str(cell);
        // A file has at most 50 MB and an archive's content is bounded too, so that the length fits.
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
    }

    pub(crate) fn get(&self, row: usize) -> &str {
        let start = if row == 0 { 0 } else { self.ends.get(row - 1).map_or(0, |e| *e as usize) };
        let end = self.ends.get(row).map_or(start, |e| *e as usize);
        self.text.get(start..end).unwrap_or("")
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> + '_ {
        (0..self.ends.len()).map(|row| self.get(row))
    }
}

/// A table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    /// A sheet's name, or a number.
    pub name: String,
    /// Names of the columns.
    pub header: Vec<String>,
    pub columns: Vec<Column>,
    /// Rows below the header.
    pub rows: usize,
    /// Whether there was more than is read.
    pub cut: bool,
    bytes: usize,
}

impl Table {
    /// An empty table with this header.
    pub(crate) fn new(name: impl Into<String>, header: Vec<String>) -> Self {
        let mut table = Self { name: name.into(), ..Self::default() };
        table.cut = header.len() > MAX_COLUMNS;
        table.header = header;
        table.header.truncate(MAX_COLUMNS);
        table.columns = vec![Column::default(); table.header.len()];
        table
    }

    /// Adds a row. Cells beyond the header are kept in columns without a name, so that nothing goes unseen.
    pub(crate) fn push<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) {
        if self.cells() >= MAX_CELLS || self.bytes >= MAX_TEXT {
            self.cut = true;
            return;
        }
        let mut at = 0;
        for cell in cells {
            if at == self.columns.len() {
                if at >= MAX_COLUMNS || (at + 1).saturating_mul(self.rows) >= MAX_CELLS {
                    self.cut = true;
                    break;
                }
                let mut column = Column::default();
                column.ends.resize(self.rows, 0);
                self.columns.push(column);
                self.header.push(String::new());
            }
            self.columns[at].push(cell.trim());
            self.bytes += cell.len();
            at += 1;
        }
        for column in self.columns.iter_mut().skip(at) {
            column.push("");
        }
        self.rows += 1;
    }

    /// Whether names of columns are numbers, which may be data.
    pub(crate) fn numbers_in_header(&self) -> bool {
        self.header.iter().any(|name| header_number(name).is_some())
    }

    pub(crate) fn cells(&self) -> usize {
        self.rows.saturating_mul(self.columns.len())
    }

    pub(crate) fn cell(&self, row: usize, column: usize) -> Cell<'_> {
        Cell::read(self.columns.get(column).map_or("", |c| c.get(row)))
    }
}

/// A number in the place of a name, unless it is a year.
pub(crate) fn header_number(name: &str) -> Option<f64> {
    let year = name.trim().len() == 4 && number(name).is_some_and(|x| (1900.0..2100.0).contains(&x));
    number(name).filter(|_| !year)
}

/// What a cell says.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Cell<'a> {
    /// Nothing, or a word for missing.
    Empty,
    /// A number.
    Number(f64),
    /// A sign in place of a number.
    Masked(&'a str),
    /// Anything else.
    Text(&'a str),
}

impl<'a> Cell<'a> {
    pub(crate) fn read(text: &'a str) -> Self {
        let text = text.trim();
        if text.is_empty() {
            return Cell::Empty;
        }
        if let Some(number) = number(text) {
            return Cell::Number(number);
        }
        let lower = text.to_lowercase();
        match lower.as_str() {
            "na" | "nan" | "null" | "none" | "n/a" | "missing" => Cell::Empty,
            "*" | "**" | "***" | "." | ".." | "..." | ":" | "-" | "–" | "—" | "x" | "c" | "s" | "supp"
            | "suppressed" | "skjult" | "hidden" | "prikket" | "·····" => Cell::Masked(text),
            _ if lower.starts_with('<') && number(lower[1..].trim_start_matches('=')).is_some() => Cell::Masked(text),
            _ => Cell::Text(text),
        }
    }

    pub(crate) fn number(self) -> Option<f64> {
        if let Cell::Number(x) = self { Some(x) } else { None }
    }
}

/// A text as a finite number: blanks between thousands, decimal point or comma, a per cent sign, stars of significance,
/// parentheses round it.
pub(crate) fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let starts = text.bytes().next()?;
    if !(starts.is_ascii_digit() || b"+-(.".contains(&starts) || starts >= 0x80) || text.len() > 64 {
        return None;
    }
    let text = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')).unwrap_or(text);
    let text = text.trim_end_matches('*').trim_end().trim_end_matches('%').trim_end();
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' => {}
            '\u{2212}' => plain.push('-'),
            c => plain.push(c),
        }
    }
    if !plain.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    if plain.contains(',') {
        let groups =
            |t: &str| t.split(',').skip(1).all(|g| g.len() >= 3 && g.as_bytes()[..3].iter().all(u8::is_ascii_digit));
        plain =
            if plain.contains('.') || groups(&plain) { plain.replace(',', "") } else { plain.replacen(',', ".", 1) };
    }
    plain.parse::<f64>().ok().filter(|x| x.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (text, wanted) in [
            ("12", 12.0),
            (" 1 234 ", 1234.0),
            ("1\u{a0}234,5", 1234.5),
            ("1,234", 1234.0),
            ("0,25", 0.25),
            ("12.5 %", 12.5),
            ("0.31***", 0.31),
            ("(0.02)", 0.02),
            ("\u{2212}3", -3.0),
            ("1e3", 1000.0),
        ] {
            assert_eq!(number(text), Some(wanted), "{text}");
        }
        for text in ["", "*", "menn", "12-15", "2020-01-01", "-", "NaN", "inf", "1e999", "<5"] {
            assert_eq!(number(text), None, "{text}");
        }
        assert_eq!(Cell::read("<10"), Cell::Masked("<10"));
        assert_eq!(Cell::read("NaN"), Cell::Empty);
    }

    #[test]
    fn rows_of_other_lengths_lose_nothing() {
        let mut table = Table::new("1", vec!["a".into()]);
        table.push(["1", "2"]);
        table.push([]);
        table.push(["3"]);
        assert_eq!((table.rows, table.header.len()), (3, 2));
        assert_eq!((table.cell(0, 1), table.cell(1, 0)), (Cell::Number(2.0), Cell::Empty));
        assert_eq!(table.columns[0].iter().collect::<Vec<_>>(), ["1", "", "3"]);
    }
}
