//! Parquet files, row by row through the library's own record reader. The library may stop in the middle of a damaged
//! file; then the file is not read, and nothing else stops.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;

use super::Contents;
use crate::reason::Reason;
use crate::table::{MAX_CELLS, MAX_COLUMNS, Table};

/// Columns that say they are larger unpacked are not read.
const MAX_UNPACKED: i64 = 400 << 20;

pub(crate) fn read(bytes: &[u8], contents: &mut Contents) {
    let bytes = Bytes::copy_from_slice(bytes);
    // The library asserts on some damaged files. It holds nothing of ours, so that nothing half done is left behind.
    match catch_unwind(AssertUnwindSafe(|| table(bytes))) {
        Ok(Some((table, texts))) => {
            contents.add(table);
            contents.texts.extend(texts);
        }
        Ok(None) | Err(_) => contents.found(Reason::Unreadable),
    }
}

fn table(bytes: Bytes) -> Option<(Table, Vec<String>)> {
    let reader = SerializedFileReader::new(bytes).ok()?;
    let metadata = reader.metadata();
    let schema = metadata.file_metadata().schema();
    let columns = schema.get_fields().len();
    let unpacked = metadata.row_groups().iter().map(|g| g.total_byte_size().max(0)).fold(0i64, i64::saturating_add);
    let rows = metadata.row_groups().iter().map(|g| g.num_rows().max(0)).fold(0i64, i64::saturating_add);
    let cells = usize::try_from(rows).ok()?.saturating_mul(columns);
    if unpacked > MAX_UNPACKED || columns > MAX_COLUMNS || cells > MAX_CELLS {
        return None;
    }
    let about = metadata.file_metadata().key_value_metadata().into_iter().flatten();
    let texts = about.filter_map(|kv| kv.value.clone()).collect();
    let header = schema.get_fields().iter().map(|f| f.name().to_owned()).collect();
    let mut table = Table::new("1", header);
    for row in reader.get_row_iter(None).ok()? {
        let row = row.ok()?;
        let cells: Vec<String> = row.get_column_iter().map(|(_, field)| cell(field)).collect();
        table.push(cells.iter().map(String::as_str));
        if table.cut {
            break;
        }
    }
    Some((table, texts))
}

fn cell(field: &Field) -> String {
    match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        // Bytes that are text are what a string without its mark looks like.
        Field::Bytes(bytes) => String::from_utf8_lossy(bytes.data()).into_owned(),
        Field::Double(x) => x.to_string(),
        Field::Float(x) => x.to_string(),
        other => other.to_string(),
    }
}
