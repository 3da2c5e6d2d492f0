//! A table in long form as a Parquet file in memory: the columns of the CSV file, typed, and where they come from in the
//! key-value metadata of the file.

use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::Result;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};

use crate::long::{Cell, Column, Holds, Long};

/// The bytes of the file. `provenance` stands in the metadata of the file too.
///
/// # Errors
/// Only a column that has another length than the others, which [`Long`] does not have.
pub(crate) fn bytes(long: &Long, provenance: &[(&'static str, String)]) -> Result<Vec<u8>> {
    let fields = long.columns.iter().map(field).collect::<Result<Vec<TypePtr>>>()?;
    let schema = Arc::new(Type::group_type_builder("result").with_fields(fields).build()?);
    let about = provenance.iter().map(|(key, text)| KeyValue::new(format!("hap.{key}"), text.clone())).collect();
    let properties = WriterProperties::builder()
        .set_compression(Compression::UNCOMPRESSED)
        .set_created_by("hap".to_owned())
        .set_key_value_metadata(Some(about))
        .build();
    let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
    let mut group = file.next_row_group()?;
    let mut at = 0;
    while let Some(mut writer) = group.next_column()? {
        write(&mut writer, long, at)?;
        writer.close()?;
        at += 1;
    }
    group.close()?;
    file.into_inner()
}

fn field(column: &Column) -> Result<TypePtr> {
    let (physical, logical) = match column.holds {
        Holds::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Holds::Flag => (Physical::BOOLEAN, None),
        Holds::Whole => (Physical::INT64, None),
        Holds::Number => (Physical::DOUBLE, None),
    };
    let builder = Type::primitive_type_builder(&column.id, physical);
    Ok(Arc::new(builder.with_repetition(Repetition::OPTIONAL).with_logical_type(logical).build()?))
}

fn write(writer: &mut SerializedColumnWriter<'_>, long: &Long, at: usize) -> Result<()> {
    let cells = || long.rows.iter().map(|row| &row[at]);
    let levels: Vec<i16> = cells().map(|c| i16::from(*c != Cell::None)).collect();
    match long.columns[at].holds {
        Holds::Text => {
            let text = |c: &Cell| if let Cell::Text(t) = c { Some(ByteArray::from(t.as_str())) } else { None };
            let values: Vec<ByteArray> = cells().filter_map(text).collect();
            writer.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None)?;
        }
        Holds::Flag => {
            let values: Vec<bool> =
                cells().filter_map(|c| if let Cell::Flag(f) = c { Some(*f) } else { None }).collect();
            writer.typed::<BoolType>().write_batch(&values, Some(&levels), None)?;
        }
        Holds::Whole => {
            let values: Vec<i64> =
                cells().filter_map(|c| if let Cell::Number(x) = c { Some(x.round() as i64) } else { None }).collect();
            writer.typed::<Int64Type>().write_batch(&values, Some(&levels), None)?;
        }
        Holds::Number => {
            let values: Vec<f64> =
                cells().filter_map(|c| if let Cell::Number(x) = c { Some(*x) } else { None }).collect();
            writer.typed::<DoubleType>().write_batch(&values, Some(&levels), None)?;
        }
    }
    Ok(())
}
