//! The data file of a dataset (DATA-002 to DATA-004): five columns, `;`, no header, RFC 4180 quoting. Read in one pass
//! over a stream, into typed columns; the ids and texts of the file are numbered as they come.

use std::io::Read;

use crate::metadata::ValueType;
use crate::report::{Finding, Rule};
use crate::texts::{Full, Texts};

/// No date, as a start.
pub(crate) const NO_START: i32 = i32::MIN;
/// No date, as a stop.
pub(crate) const NO_STOP: i32 = i32::MAX;

/// Values of the second column. Empty values stand as zero; their rows are in `empty_values`.
pub(crate) enum RawValues {
    /// Numbers of texts (also ids of units) in the table.
    Text {
        index: Vec<u32>,
        texts: Texts,
    },
    Long(Vec<i64>),
    Double(Vec<f64>),
    Date(Vec<i32>),
}

/// A file in columns.
pub(crate) struct RawRows {
    /// Distinct unit ids.
    pub ids: Texts,
    /// Number of the unit id, per row.
    pub units: Vec<u32>,
    pub values: RawValues,
    /// Days since 1970-01-01; [`NO_START`] when empty.
    pub starts: Vec<i32>,
    /// Days since 1970-01-01; [`NO_STOP`] when empty.
    pub stops: Vec<i32>,
    /// Rows without a value.
    pub empty_values: Vec<u32>,
    /// Line of the first row that stands on more or less than one line of the file, and later lines; usually empty.
    lines: Vec<(u32, u64)>,
}

impl RawRows {
    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.units.len()
    }

    /// Line of the file, from 1, on which a row begins.
    pub(crate) fn line(&self, row: usize) -> u64 {
        let at = self.lines.partition_point(|(r, _)| *r as usize <= row);
        match at.checked_sub(1).map(|i| self.lines[i]) {
            Some((first, line)) => line + (row as u64 - u64::from(first)),
            None => row as u64 + 1,
        }
    }

    /// The unit id of a row as text.
    pub(crate) fn id(&self, row: usize) -> String {
        String::from_utf8_lossy(self.ids.get(self.units[row])).into_owned()
    }

    /// The value of a row as text.
    pub(crate) fn value(&self, row: usize) -> String {
        match &self.values {
            RawValues::Text { index, texts } => String::from_utf8_lossy(texts.get(index[row])).into_owned(),
            RawValues::Long(v) => v[row].to_string(),
            RawValues::Double(v) => v[row].to_string(),
            RawValues::Date(v) => kernel::Date::from_days(v[row]).to_string(),
        }
    }
}

/// Why a file was not read.
pub(crate) enum CsvError {
    /// Faults of the file.
    Faults(Vec<Finding>),
    /// The stream broke.
    Io(std::io::Error),
}

impl From<std::io::Error> for CsvError {
    fn from(error: std::io::Error) -> Self {
        CsvError::Io(error)
    }
}
impl From<Full> for CsvError {
    fn from(full: Full) -> Self {
        CsvError::Faults(vec![Finding::new(Rule::Type, full.to_string(), full.to_string())])
    }
}

const BUFFER: usize = 1 << 20;
/// Bytes that are looked at together for what divides a line.
const MARKED: usize = 64;

/// Reads a whole file.
pub(crate) fn read_csv(mut input: impl Read, value_type: ValueType, values_are_ids: bool) -> Result<RawRows, CsvError> {
    let mut parser = Parser::new(value_type, values_are_ids);
    let mut buffer = vec![0u8; BUFFER];
    let mut filled = 0;
    loop {
        if filled == buffer.len() {
            // One line longer than the buffer: no real file has that, but a broken one may.
            if buffer.len() >= 64 * BUFFER {
                let line = parser.line;
                let finding = Finding::rows(
                    Rule::Columns,
                    line,
                    1,
                    format!("line {line} is too long"),
                    vec!["CSV parse error: line too long".into()],
                );
                return Err(CsvError::Faults(vec![finding]));
            }
            buffer.resize(buffer.len() * 2, 0);
        }
        let n = input.read(&mut buffer[filled..])?;
        if n == 0 {
            break;
        }
        filled += n;
        let used = parser.lines(&buffer[..filled])?;
        buffer.copy_within(used..filled, 0);
        filled -= used;
    }
    if filled > 0 {
        parser.last(&buffer[..filled])?;
    }
    parser.finish()
}

struct Parser {
    rows: RawRows,
    value_type: ValueType,
    line: u64,
    /// Line and raw text of the first row with another number of columns, and how many there are.
    columns: Option<(u64, usize, String)>,
    bad_columns: u64,
    /// Line, column (from 1), text and type of the first value that is none of its type.
    wrong: Option<(u64, usize, String)>,
    bad_types: u64,
    scratch: Vec<Vec<u8>>,
    /// Unit of the last row.
    last_unit: Option<u32>,
    last_date: ([u8; 10], i32),
}

impl Parser {
    fn new(value_type: ValueType, values_are_ids: bool) -> Self {
        let values = match value_type {
            _ if values_are_ids => RawValues::Text { index: Vec::new(), texts: Texts::default() },
            ValueType::String => RawValues::Text { index: Vec::new(), texts: Texts::default() },
            ValueType::Long => RawValues::Long(Vec::new()),
            ValueType::Double => RawValues::Double(Vec::new()),
            ValueType::Date => RawValues::Date(Vec::new()),
        };
        let rows = RawRows {
            ids: Texts::default(),
            units: Vec::new(),
            values,
            starts: Vec::new(),
            stops: Vec::new(),
            empty_values: Vec::new(),
            lines: Vec::new(),
        };
        Self {
            rows,
            value_type,
            line: 1,
            columns: None,
            bad_columns: 0,
            wrong: None,
            bad_types: 0,
            scratch: vec![Vec::new(); 5],
            last_unit: None,
            last_date: ([0; 10], 0),
        }
    }

    /// Reads the whole lines of `bytes`; gives how many bytes were used. A line without quotes is looked at once, for all that
    /// divides it.
    fn lines(&mut self, bytes: &[u8]) -> Result<usize, CsvError> {
        let mut marks = Marks::new(bytes);
        let mut at = 0;
        loop {
            let (mut separators, mut count) = ([0; 4], 0);
            let end = loop {
                let Some(mark) = marks.next() else { return Ok(at) };
                match bytes[mark] {
                    b';' => {
                        if let Some(separator) = separators.get_mut(count) {
                            *separator = mark;
                        }
                        count += 1;
                    }
                    b'\n' => break Some(mark),
                    _ => break None,
                }
            };
            let Some(mark) = end else {
                let Some((end, next)) = record_end(&bytes[at..]) else { return Ok(at) };
                self.record(&bytes[at..at + end])?;
                at += next;
                marks.go_on(at);
                continue;
            };
            let record = &bytes[at..at + without_return(&bytes[at..], mark - at)];
            if count == 4 {
                let line = self.line;
                self.line += 1;
                let [a, b, c, d] = separators;
                let stop = &bytes[c + 1..d];
                let last = &record[d + 1 - at..];
                self.fields([&bytes[at..a], &bytes[a + 1..b], &bytes[b + 1..c], stop, last], line)?;
            } else {
                self.record(record)?;
            }
            at = mark + 1;
        }
    }

    /// The last line, which may lack its line end.
    fn last(&mut self, bytes: &[u8]) -> Result<(), CsvError> {
        let text = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        if text.is_empty() { Ok(()) } else { self.record(text) }
    }

    fn record(&mut self, bytes: &[u8]) -> Result<(), CsvError> {
        let line = self.line;
        self.line += 1;
        if bytes.is_empty() {
            self.note_line(self.line); // empty lines are passed over, as the public tool does
            return Ok(());
        }
        if bytes.contains(&b'"') {
            return self.quoted(bytes, line);
        }
        let mut fields: [&[u8]; 5] = [&[]; 5];
        let mut count = 0;
        for field in bytes.split(|b| *b == b';') {
            if count < 5 {
                fields[count] = field;
            }
            count += 1;
        }
        if count != 5 {
            self.not_five(line, count, bytes);
            return Ok(());
        }
        self.fields(fields, line)
    }

    fn quoted(&mut self, bytes: &[u8], line: u64) -> Result<(), CsvError> {
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut count = 0;
        let mut rest = bytes;
        loop {
            let mut spare = Vec::new();
            let out = scratch.get_mut(count).unwrap_or(&mut spare);
            out.clear();
            count += 1;
            let more = unquote(rest, out);
            match more {
                Some(next) => rest = next,
                None => break,
            }
        }
        let inner = bytes.iter().filter(|b| **b == b'\n').count() as u64;
        if inner > 0 {
            self.line += inner;
            self.note_line_after(self.line);
        }
        let result = if count == 5 {
            let fields = [&*scratch[0], &*scratch[1], &*scratch[2], &*scratch[3], &*scratch[4]];
            self.fields(fields, line)
        } else {
            self.not_five(line, count, bytes);
            Ok(())
        };
        self.scratch = scratch;
        result
    }

    /// The next row begins on `line`.
    fn note_line(&mut self, line: u64) {
        let row = self.rows.len() as u32;
        if self.rows.lines.last().is_some_and(|l| l.0 == row) {
            self.rows.lines.pop();
        }
        self.rows.lines.push((row, line));
    }

    /// The row after the one being read begins on `line`.
    fn note_line_after(&mut self, line: u64) {
        self.rows.lines.push((self.rows.len() as u32 + 1, line));
    }

    fn not_five(&mut self, line: u64, count: usize, bytes: &[u8]) {
        self.bad_columns += 1;
        if self.columns.is_none() {
            self.columns = Some((line, count, String::from_utf8_lossy(bytes).into_owned()));
        }
    }

    fn wrong_type(&mut self, line: u64, column: usize, text: &[u8]) {
        self.bad_types += 1;
        if self.wrong.is_none() {
            self.wrong = Some((line, column, String::from_utf8_lossy(text).into_owned()));
        }
    }

    fn fields(&mut self, fields: [&[u8]; 5], line: u64) -> Result<(), CsvError> {
        let id = trim(fields[0]);
        if !is_text(id) {
            self.wrong_type(line, 1, id);
            return Ok(());
        }
        // Files are often sorted by unit, so the last id comes again; or by date, so that after it comes the one that did before.
        let ids = &self.rows.ids;
        let likely = self.last_unit.into_iter().flat_map(|last| [last, last + 1]);
        let unit = match likely.filter(|unit| (*unit as usize) < ids.len()).find(|unit| ids.get(*unit) == id) {
            Some(unit) => unit,
            None => self.rows.ids.number(id)?,
        };
        self.last_unit = Some(unit);
        let (Some(start), Some(stop)) = (self.date(fields[2], NO_START), self.date(fields[3], NO_STOP)) else {
            let column = if self.date(fields[2], NO_START).is_none() { 3 } else { 4 };
            self.wrong_type(line, column, fields[column - 1]);
            return Ok(());
        };
        let row = self.rows.units.len() as u32;
        let text = fields[1];
        let mut empty = text.is_empty();
        let wrong;
        match &mut self.rows.values {
            RawValues::Text { index, texts } => {
                let text = trim(text);
                empty = text.is_empty();
                wrong = !is_text(text);
                index.push(texts.number(text)?);
            }
            RawValues::Long(v) => {
                let parsed = whole(text);
                wrong = parsed.is_none() && !empty;
                v.push(parsed.unwrap_or(0));
            }
            RawValues::Double(v) => {
                let parsed =
                    std::str::from_utf8(text).ok().and_then(|t| t.parse::<f64>().ok()).filter(|x| x.is_finite());
                wrong = parsed.is_none() && !empty;
                v.push(parsed.unwrap_or(0.0));
            }
            RawValues::Date(v) => {
                let parsed = parse_date(text);
                wrong = parsed.is_none() && !empty;
                v.push(parsed.unwrap_or(0));
            }
        }
        if wrong {
            self.wrong_type(line, 2, text);
        }
        if empty {
            self.rows.empty_values.push(row);
        }
        self.rows.units.push(unit);
        self.rows.starts.push(start);
        self.rows.stops.push(stop);
        if row == u32::MAX - 1 {
            return Err(Full.into());
        }
        Ok(())
    }

    fn date(&mut self, text: &[u8], empty: i32) -> Option<i32> {
        if text.is_empty() {
            return Some(empty);
        }
        if text == self.last_date.0 {
            return Some(self.last_date.1);
        }
        let days = parse_date(text)?;
        self.last_date.0.copy_from_slice(text);
        self.last_date.1 = days;
        Some(days)
    }

    fn finish(self) -> Result<RawRows, CsvError> {
        if let Some((line, count, raw)) = self.columns {
            let ours = format!("line {line}: {count} columns, five expected");
            let theirs = format!("CSV parse error: Expected 5 columns, got {count}: {raw}");
            return Err(CsvError::Faults(vec![Finding::rows(
                Rule::Columns,
                line,
                self.bad_columns,
                ours,
                vec![theirs],
            )]));
        }
        if let Some((line, column, text)) = self.wrong {
            let (kind, theirs) = match (column, self.value_type) {
                (3 | 4, _) => ("a date YYYY-MM-DD", "date32[day]"),
                (2, ValueType::Long) => ("a whole number", "int64"),
                (2, ValueType::Double) => ("a decimal number", "double"),
                (2, ValueType::Date) => ("a date YYYY-MM-DD", "date32[day]"),
                _ => ("UTF-8 text", "string"),
            };
            // An id that is not text is not shown.
            let shown = if column == 1 { String::new() } else { format!("\"{}\" ", shorten(&text)) };
            let ours = format!("line {line}, column {column}: {shown}is not {kind}");
            let theirs = match theirs {
                "string" => format!("In CSV column #{}: CSV conversion error to string: invalid UTF8 data", column - 1),
                kind => {
                    format!("In CSV column #{}: CSV conversion error to {kind}: invalid value '{text}'", column - 1)
                }
            };
            return Err(CsvError::Faults(vec![Finding::rows(Rule::Type, line, self.bad_types, ours, vec![theirs])]));
        }
        if self.rows.units.is_empty() {
            return Err(CsvError::Faults(vec![Finding::new(Rule::Empty, "file has no rows", "Empty CSV file")]));
        }
        Ok(self.rows)
    }
}

fn shorten(text: &str) -> String {
    if text.chars().count() > 40 { text.chars().take(39).chain(['…']).collect() } else { text.to_owned() }
}

/// The places of all separators, line ends and quotes, ascending.
struct Marks<'b> {
    bytes: &'b [u8],
    /// Where the block begins that `word` is about.
    block: usize,
    /// One bit for every byte of the block that is still to come.
    word: u64,
}

impl<'b> Marks<'b> {
    fn new(bytes: &'b [u8]) -> Self {
        let mut marks = Self { bytes, block: 0, word: 0 };
        marks.go_on(0);
        marks
    }

    /// From `at` on, and not before.
    fn go_on(&mut self, at: usize) {
        self.block = at;
        self.word = Self::word(&self.bytes[at.min(self.bytes.len())..]);
    }

    /// The marks among the first bytes. The loop has no branch, so that it is compiled to vector instructions.
    fn word(bytes: &[u8]) -> u64 {
        let mut hits = [0u8; MARKED];
        let mark = |b: u8| u8::from(b == b';') | u8::from(b == b'\n') | u8::from(b == b'"');
        match bytes.first_chunk::<MARKED>() {
            Some(block) => hits.iter_mut().zip(block).for_each(|(hit, b)| *hit = mark(*b)),
            None => hits.iter_mut().zip(bytes).for_each(|(hit, b)| *hit = mark(*b)),
        }
        hits.as_chunks::<8>().0.iter().enumerate().fold(0, |word, (k, eight)| {
            // Multiplying gathers the lowest bits of eight bytes in the top byte.
            word | (u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * k)
        })
    }
}

impl Iterator for Marks<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.word == 0 {
            self.block += MARKED;
            if self.block >= self.bytes.len() {
                return None;
            }
            self.word = Self::word(&self.bytes[self.block..]);
        }
        let mark = self.block + self.word.trailing_zeros() as usize;
        self.word &= self.word - 1;
        Some(mark)
    }
}

/// End of the first record (without its line end) and start of the next; none when the record is not complete.
fn record_end(bytes: &[u8]) -> Option<(usize, usize)> {
    let end = bytes.iter().position(|b| *b == b'\n')?;
    let quotes = |b: &[u8]| b.iter().filter(|b| **b == b'"').count();
    if !bytes[..end].contains(&b'"') || quotes(&bytes[..end]) % 2 == 0 {
        return Some((without_return(bytes, end), end + 1));
    }
    // A line end inside quotes belongs to the value.
    let mut open = true;
    for (i, b) in bytes.iter().enumerate().skip(end + 1) {
        match b {
            b'"' => open = !open,
            b'\n' if !open => return Some((without_return(bytes, i), i + 1)),
            _ => {}
        }
    }
    None
}

fn without_return(bytes: &[u8], end: usize) -> usize {
    if end > 0 && bytes[end - 1] == b'\r' { end - 1 } else { end }
}

/// One field of a record with quotes, appended to `out`; gives what stands after its separator.
fn unquote<'b>(bytes: &'b [u8], out: &mut Vec<u8>) -> Option<&'b [u8]> {
    let mut quoted = false;
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'"' if quoted && bytes.get(i + 1) == Some(&b'"') => {
                out.push(b'"');
                i += 1;
            }
            b'"' => quoted = !quoted,
            b';' if !quoted => return Some(&bytes[i + 1..]),
            b => out.push(b),
        }
        i += 1;
    }
    None
}

/// Whether these bytes are UTF-8; most are ASCII.
fn is_text(bytes: &[u8]) -> bool {
    bytes.is_ascii() || std::str::from_utf8(bytes).is_ok()
}

/// A whole number. Up to eighteen digits cannot overflow; what has a sign or more of them is left to the library.
fn whole(text: &[u8]) -> Option<i64> {
    if text.is_empty() || text.len() > 18 || !text.iter().all(u8::is_ascii_digit) {
        return std::str::from_utf8(text).ok()?.parse().ok();
    }
    Some(text.iter().fold(0, |n, digit| n * 10 + i64::from(digit - b'0')))
}

fn trim(mut bytes: &[u8]) -> &[u8] {
    while let Some(rest) = bytes.strip_prefix(b" ") {
        bytes = rest;
    }
    while let Some(rest) = bytes.strip_suffix(b" ") {
        bytes = rest;
    }
    bytes
}

/// `YYYY-MM-DD`, years 1000 to 9999 (DATA-041), as days since 1970-01-01.
pub(crate) fn parse_date(text: &[u8]) -> Option<i32> {
    let &[a, b, c, d, b'-', e, f, b'-', g, h] = text else { return None };
    let digit = |x: u8| x.is_ascii_digit().then(|| i32::from(x - b'0'));
    let year = digit(a)? * 1000 + digit(b)? * 100 + digit(c)? * 10 + digit(d)?;
    let (month, day) = (digit(e)? * 10 + digit(f)?, digit(g)? * 10 + digit(h)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if year < 1000 || day < 1 || day > length {
        return None;
    }
    let y = if month <= 2 { year - 1 } else { year };
    let (era, yoe) = (y.div_euclid(400), y.rem_euclid(400));
    let doy = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    Some(era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str, value_type: ValueType) -> Result<RawRows, Vec<Finding>> {
        read_csv(text.as_bytes(), value_type, false).map_err(|e| match e {
            CsvError::Faults(f) => f,
            CsvError::Io(e) => panic!("{e}"),
        })
    }

    #[test]
    fn data_002_quotes_blanks_and_line_ends() {
        let rows =
            read("1;\"a;\"\"b\"\"\";;;\r\n\n 2 ; c ;2020-01-01;;x\r\n3;\"two\nlines\";;;\n4;d;;;", ValueType::String)
                .unwrap();
        assert_eq!(rows.len(), 4);
        assert_eq!(rows.value(0), "a;\"b\"");
        assert_eq!((rows.id(1), rows.value(1)), ("2".into(), "c".into()));
        assert_eq!(rows.value(2), "two\nlines");
        assert_eq!([0, 1, 2, 3].map(|r| rows.line(r)), [1, 3, 4, 6]);
        assert_eq!((rows.starts[1], rows.stops[1]), (18_262, NO_STOP));
    }

    #[test]
    fn data_029_the_first_bad_value_is_named_with_its_line() {
        let faults = read("1;5;;;\n2;x;;;\n3;y;;;\n", ValueType::Long).err().unwrap();
        assert_eq!(faults[0].line, Some(2));
        assert_eq!(faults[0].count, 2);
        assert_eq!(faults[0].message, "line 2, column 2: \"x\" is not a whole number");
        assert!(read("1;nan;;;\n", ValueType::Double).is_err());
        assert!(read("1;1e400;;;\n", ValueType::Double).is_err());
    }

    /// DATA-002: a line without quotes is the line that it is with them, wherever its separators stand.
    #[test]
    fn data_002_plain_and_quoted_lines_are_the_same() {
        let (mut plain, mut quoted) = (String::new(), String::new());
        for row in 0..500usize {
            let fields = [
                format!("{:0width$}", row / 3, width = 1 + row % 13),
                "x".repeat(1 + row * 7 % 150),
                if row % 5 == 0 { String::new() } else { format!("20{:02}-01-31", row % 100) },
                String::new(),
                "r".repeat(row % 70),
            ];
            let end = ["\n", "\r\n", "\n\n"][row % 3];
            plain += &(fields.join(";") + end);
            quoted += &(fields.map(|f| format!("\"{f}\"")).join(";") + end);
        }
        let all = |text: &str| {
            let rows = read(text, ValueType::String).unwrap();
            let row = |r| (rows.line(r), rows.id(r), rows.value(r), rows.starts[r], rows.stops[r]);
            (0..rows.len()).map(row).collect::<Vec<_>>()
        };
        assert_eq!(all(&plain).len(), 500);
        assert_eq!(all(&plain), all(&quoted));
        let wrong = plain.replace("\r\n", ";\r\n");
        let faults = read(&wrong, ValueType::String).err().unwrap();
        assert_eq!((faults[0].line, faults[0].count), (Some(2), 167));
    }

    #[test]
    fn data_029_whole_numbers_are_read_as_the_library_reads_them() {
        for text in
            ["0", "-7", "+7", "007", "999999999999999999", "9223372036854775807", "9223372036854775808", "", "1 ", "٣"]
        {
            assert_eq!(whole(text.as_bytes()), text.parse().ok(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn dates_agree_with_the_calendar(days in -354_000i32..2_932_000) {
            let text = kernel::Date::from_days(days).to_string();
            prop_assert_eq!(parse_date(text.as_bytes()), Some(days));
        }

        /// Whatever the bytes, reading ends with rows or with findings; cut into any pieces it is the same.
        #[test]
        fn data_116_any_bytes_are_read_or_refused(bytes in proptest::collection::vec(prop_oneof![Just(b';'), Just(b'"'), Just(b'\n'), Just(b'\r'), Just(b'1'), any::<u8>()], 0..200), cut in 1usize..20) {
            struct Pieces<'a>(&'a [u8], usize);
            impl Read for Pieces<'_> {
                fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
                    let n = self.1.min(self.0.len()).min(out.len());
                    out[..n].copy_from_slice(&self.0[..n]);
                    self.0 = &self.0[n..];
                    Ok(n)
                }
            }
            let whole = read_csv(&*bytes, ValueType::String, false);
            let pieces = read_csv(Pieces(&bytes, cut), ValueType::String, false);
            match (whole, pieces) {
                (Ok(a), Ok(b)) => {
                    prop_assert_eq!(a.units, b.units);
                    prop_assert_eq!(a.starts, b.starts);
                }
                (Err(CsvError::Faults(a)), Err(CsvError::Faults(b))) => prop_assert_eq!(a, b),
                _ => prop_assert!(false, "the pieces are read otherwise"),
            }
        }
    }
}
