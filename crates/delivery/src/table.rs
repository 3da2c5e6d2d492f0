//! A delivered table in memory, and its files: Parquet (canonical) and CSV (section 5). Writing the same table twice
//! gives the same bytes; nothing in them tells when, where or by which build they were made.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray as _, Date32Array, Float64Array, Int32Array, Int64Array, RecordBatch};
use arrow::array::{StringArray, UInt32Array};
use arrow::datatypes::{DataType, Date32Type, Field, Float64Type, Int32Type, Int64Type, Schema, UInt32Type};
use bytes::Bytes;
use kernel::Date;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::DeliveryError;
use crate::granularity::CellKind;

/// Rows of a Parquet row group.
const ROW_GROUP: usize = 1_048_576;
/// The program's name in the files; fixed, so that it tells nothing (DEL-031).
const CREATED_BY: &str = "hap";

/// A column without its name; none = missing.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Column {
    Int(Vec<Option<i64>>),
    Float(Vec<Option<f64>>),
    Text(Vec<Option<Arc<str>>>),
    Date(Vec<Option<i32>>),
}

/// What the first column of a table is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum KeyColumn {
    /// Row of the person table: on the way.
    Pidx,
    /// Dense id: in the room.
    Person,
}

impl KeyColumn {
    pub const fn name(self) -> &'static str {
        match self {
            KeyColumn::Pidx => "pidx",
            KeyColumn::Person => "person_id",
        }
    }
}

/// A table: key and named columns of equal length.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Table {
    pub name: String,
    pub keys: Vec<u32>,
    pub columns: Vec<(String, Column)>,
}

impl Column {
    pub fn empty(kind: CellKind, rows: usize) -> Self {
        match kind {
            CellKind::Int => Column::Int(vec![None; rows]),
            CellKind::Float => Column::Float(vec![None; rows]),
            CellKind::Text => Column::Text(vec![None; rows]),
            CellKind::Date => Column::Date(vec![None; rows]),
        }
    }

    pub const fn kind(&self) -> CellKind {
        match self {
            Column::Int(_) => CellKind::Int,
            Column::Float(_) => CellKind::Float,
            Column::Text(_) => CellKind::Text,
            Column::Date(_) => CellKind::Date,
        }
    }

    /// The rows in the order of `order`.
    fn arranged(&self, order: &[u32]) -> Self {
        fn pick<T: Clone>(v: &[T], order: &[u32]) -> Vec<T> {
            order.iter().map(|i| v[*i as usize].clone()).collect()
        }
        match self {
            Column::Int(v) => Column::Int(pick(v, order)),
            Column::Float(v) => Column::Float(pick(v, order)),
            Column::Text(v) => Column::Text(pick(v, order)),
            Column::Date(v) => Column::Date(pick(v, order)),
        }
    }

    fn array(&self) -> ArrayRef {
        match self {
            Column::Int(v) => Arc::new(Int64Array::from_iter(v.iter().copied())),
            Column::Float(v) => Arc::new(Float64Array::from_iter(v.iter().copied())),
            Column::Text(v) => Arc::new(StringArray::from_iter(v.iter().map(Option::as_deref))),
            Column::Date(v) => Arc::new(Date32Array::from_iter(v.iter().copied())),
        }
    }

    fn push_array(&mut self, array: &dyn Array) -> bool {
        match (self, array.data_type()) {
            (Column::Int(v), DataType::Int64) => v.extend(array.as_primitive::<Int64Type>().iter()),
            (Column::Float(v), DataType::Float64) => v.extend(array.as_primitive::<Float64Type>().iter()),
            (Column::Text(v), DataType::Utf8) => v.extend(array.as_string::<i32>().iter().map(|t| t.map(Arc::from))),
            (Column::Date(v), DataType::Date32) => v.extend(array.as_primitive::<Date32Type>().iter()),
            _ => return false,
        }
        true
    }

    /// The value in row `i` as CSV writes it; empty = missing.
    fn csv(&self, i: usize, out: &mut String) {
        use std::fmt::Write as _;
        // Writing to a string cannot fail.
        let _ = match self {
            Column::Int(v) => v[i].map_or(Ok(()), |n| write!(out, "{n}")),
            Column::Float(v) => v[i].map_or(Ok(()), |x| write!(out, "{x}")),
            Column::Date(v) => v[i].map_or(Ok(()), |d| write!(out, "{}", Date::from_days(d))),
            Column::Text(v) => {
                if let Some(text) = &v[i] {
                    quoted(text, out);
                }
                Ok(())
            }
        };
    }
}

/// Appends a CSV field, in quotes only when it needs them. An empty text is quoted: bare emptiness means missing.
fn quoted(text: &str, out: &mut String) {
    if text.is_empty() || text.contains([';', '"', '\n', '\r']) {
        out.push('"');
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(text);
    }
}

const fn arrow_type(kind: CellKind) -> DataType {
    match kind {
        CellKind::Int => DataType::Int64,
        CellKind::Float => DataType::Float64,
        CellKind::Text => DataType::Utf8,
        CellKind::Date => DataType::Date32,
    }
}

fn kind_of(data_type: &DataType) -> Option<CellKind> {
    Some(match data_type {
        DataType::Int64 => CellKind::Int,
        DataType::Float64 => CellKind::Float,
        DataType::Utf8 => CellKind::Text,
        DataType::Date32 => CellKind::Date,
        _ => return None,
    })
}

fn unwritable(_: impl std::error::Error) -> DeliveryError {
    DeliveryError::Internal("parquet")
}

impl Table {
    /// The rows in the order of `order`.
    pub fn arranged(&self, order: &[u32]) -> Self {
        Self {
            name: self.name.clone(),
            keys: order.iter().map(|i| self.keys[*i as usize]).collect(),
            columns: self.columns.iter().map(|(name, c)| (name.clone(), c.arranged(order))).collect(),
        }
    }

    /// The order of rows by key, then by the first date column.
    pub fn sorted_order(&self) -> Vec<u32> {
        let dates = self.columns.iter().find_map(|(_, c)| if let Column::Date(v) = c { Some(v) } else { None });
        let mut order: Vec<u32> = (0..self.keys.len() as u32).collect();
        order.sort_by_key(|i| (self.keys[*i as usize], dates.and_then(|d| d[*i as usize]), *i));
        order
    }

    /// Names of all columns, the key first.
    pub fn names(&self, key: KeyColumn) -> Vec<String> {
        std::iter::once(key.name().to_owned()).chain(self.columns.iter().map(|(n, _)| n.clone())).collect()
    }

    /// The Parquet file.
    pub fn to_parquet(&self, key: KeyColumn) -> Result<Vec<u8>, DeliveryError> {
        let (key_type, keys): (_, ArrayRef) = match key {
            KeyColumn::Pidx => (DataType::UInt32, Arc::new(UInt32Array::from_iter_values(self.keys.iter().copied()))),
            KeyColumn::Person => {
                let ids = self.keys.iter().map(|k| i32::try_from(*k)).collect::<Result<Vec<_>, _>>();
                (DataType::Int32, Arc::new(Int32Array::from(ids.map_err(unwritable)?)))
            }
        };
        let mut fields = vec![Field::new(key.name(), key_type, false)];
        let mut arrays = vec![keys];
        for (name, column) in &self.columns {
            fields.push(Field::new(name, arrow_type(column.kind()), true));
            arrays.push(column.array());
        }
        let schema = Arc::new(Schema::new(fields));
        let batch = RecordBatch::try_new(schema.clone(), arrays).map_err(unwritable)?;
        let properties = WriterProperties::builder()
            .set_created_by(CREATED_BY.to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).map_err(unwritable)?))
            .set_max_row_group_size(ROW_GROUP)
            .build();
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let mut out = Vec::new();
        let mut writer = ArrowWriter::try_new_with_options(&mut out, schema, options).map_err(unwritable)?;
        writer.write(&batch).map_err(unwritable)?;
        writer.close().map_err(unwritable)?;
        Ok(out)
    }

    /// Reads a Parquet file that [`Table::to_parquet`] made. Other shapes are refused.
    pub fn from_parquet(name: &str, key: KeyColumn, bytes: Bytes) -> Result<Self, DeliveryError> {
        let bad = || DeliveryError::Rejected("schema_mismatch");
        let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(|_| bad())?;
        let schema = builder.schema().clone();
        let (first, rest) = schema.fields().split_first().ok_or_else(bad)?;
        if first.name() != key.name() {
            return Err(bad());
        }
        let mut table = Self { name: name.to_owned(), keys: Vec::new(), columns: Vec::new() };
        for field in rest {
            let kind = kind_of(field.data_type()).ok_or_else(bad)?;
            table.columns.push((field.name().clone(), Column::empty(kind, 0)));
        }
        for batch in builder.build().map_err(|_| bad())? {
            let batch = batch.map_err(|_| bad())?;
            let keys = batch.column(0);
            if keys.null_count() > 0 {
                return Err(bad());
            }
            match (key, keys.data_type()) {
                (KeyColumn::Pidx, DataType::UInt32) => {
                    table.keys.extend(keys.as_primitive::<UInt32Type>().values());
                }
                (KeyColumn::Person, DataType::Int32) => {
                    for id in keys.as_primitive::<Int32Type>().values() {
                        table.keys.push(u32::try_from(*id).map_err(|_| bad())?);
                    }
                }
                _ => return Err(bad()),
            }
            for (i, (_, column)) in table.columns.iter_mut().enumerate() {
                if !column.push_array(batch.column(i + 1)) {
                    return Err(bad());
                }
            }
        }
        Ok(table)
    }

    /// The CSV file: UTF-8, `;`, LF, ISO dates, empty = missing.
    pub fn to_csv(&self, key: KeyColumn) -> String {
        let mut out = String::new();
        for (i, name) in self.names(key).iter().enumerate() {
            if i > 0 {
                out.push(';');
            }
            quoted(name, &mut out);
        }
        out.push('\n');
        for (row, id) in self.keys.iter().enumerate() {
            out.push_str(&id.to_string());
            for (_, column) in &self.columns {
                out.push(';');
                column.csv(row, &mut out);
            }
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn table() -> impl Strategy<Value = Table> {
        use proptest::collection::vec;
        use proptest::option::of;
        (0usize..40).prop_flat_map(|n| {
            (
                vec(0u32..100, n),
                vec(of(any::<i64>()), n),
                vec(of(-1e9f64..1e9), n),
                vec(of("[a-zæ;\"\n ]{0,6}"), n),
                vec(of(-10_000i32..30_000), n),
            )
                .prop_map(|(keys, ints, floats, texts, dates)| Table {
                    name: "t".into(),
                    keys,
                    columns: vec![
                        ("i".into(), Column::Int(ints)),
                        ("f".into(), Column::Float(floats)),
                        ("t".into(), Column::Text(texts.into_iter().map(|t| t.map(Arc::from)).collect())),
                        ("d".into(), Column::Date(dates)),
                    ],
                })
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn del_040_parquet_keeps_every_value(table in table()) {
            for key in [KeyColumn::Pidx, KeyColumn::Person] {
                let bytes = table.to_parquet(key).unwrap();
                prop_assert_eq!(&table.to_parquet(key).unwrap(), &bytes, "the same table gives the same bytes");
                prop_assert_eq!(&Table::from_parquet("t", key, bytes.into()).unwrap(), &table);
            }
        }

        #[test]
        fn del_040_csv_keeps_every_value(table in table()) {
            let text = table.to_csv(KeyColumn::Person);
            let mut reader = csv::ReaderBuilder::new().delimiter(b';').from_reader(text.as_bytes());
            prop_assert_eq!(reader.headers().unwrap(), vec!["person_id", "i", "f", "t", "d"]);
            let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
            prop_assert_eq!(rows.len(), table.keys.len());
            let (Column::Int(i), Column::Float(f)) = (&table.columns[0].1, &table.columns[1].1) else { panic!() };
            let (Column::Text(t), Column::Date(d)) = (&table.columns[2].1, &table.columns[3].1) else { panic!() };
            for (row, record) in rows.iter().enumerate() {
                prop_assert_eq!(&record[0], table.keys[row].to_string());
                prop_assert_eq!(record[1].parse().ok(), i[row]);
                prop_assert_eq!(record[2].parse().ok(), f[row]);
                prop_assert_eq!(&record[3], t[row].as_deref().unwrap_or(""));
                prop_assert_eq!(record[4].parse::<Date>().ok().map(Date::days), d[row]);
            }
        }

        #[test]
        fn garbage_is_no_table(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(Table::from_parquet("t", KeyColumn::Pidx, bytes.into()).is_err());
        }
    }

    #[test]
    fn rows_are_sorted_by_person_then_first_date() {
        let table = Table {
            name: "t".into(),
            keys: vec![2, 1, 2],
            columns: vec![("d".into(), Column::Date(vec![Some(9), Some(5), Some(3)]))],
        };
        assert_eq!(table.sorted_order(), [1, 2, 0]);
        assert_eq!(table.arranged(&[1, 2, 0]).keys, [1, 2, 2]);
    }
}
