//! The files of one data version of a dataset (DATA-090): long-term form (Parquet, zstd) and hot form (Arrow, mapped),
//! written into a work folder, made durable, then renamed to the place that its digest names. Written once, never changed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Float64Array, Int8Array, Int16Array, Int32Array, Int64Array, RecordBatch, StringArray,
    UInt8Array, UInt16Array, UInt32Array,
};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::{ArrowPrimitiveType, Field, Schema};
use arrow::ipc::MetadataVersion;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions};
use engine::source::Temporality;
use kernel::Date;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::by_code::{self, BY_CODE, DIRECTORY};
use crate::error::DatastoreError;
use crate::header::{DICTIONARY, FORMAT, HEADER, Header, LONG_TERM, Layout, META, Part, Stored};
use crate::mapped::digests;
use crate::metadata::Metadata;
use crate::prepared::{Prepared, Typed};

/// More distinct periods than this are kept as spells.
const MOST_PERIODS: usize = 600;
/// Rows of a Parquet row group.
const ROW_GROUP: usize = 1 << 18;

/// Writes a dataset below `root`; `work` is a folder of this job's own. Gives the header; when the same dataset is there
/// already, nothing new is kept.
pub(crate) fn write(root: &Path, work: &Path, metadata: &Metadata, rows: &Prepared) -> Result<Header, DatastoreError> {
    fs::create_dir_all(work).map_err(DatastoreError::io(work))?;
    let mut writer = Writer { work, names: Vec::new() };
    writer.json(META, metadata)?;
    writer.long_term(rows, metadata.temporality)?;
    let (stored, parts) = writer.hot(rows, metadata)?;
    let entries = digests(work, &writer.names)?;
    let files: BTreeMap<_, _> = writer.names.iter().cloned().zip(entries).collect();
    let fixed = metadata.temporality == Temporality::Fixed;
    let last = |stops: &[i32], starts: &[i32]| {
        let stop = stops.iter().filter(|s| **s != i32::MAX).max();
        stop.copied().max(starts.iter().max().copied())
    };
    let header = Header {
        format: FORMAT,
        stored,
        parts,
        dates: match metadata.temporality {
            Temporality::Status if metadata.carries() => metadata.status_dates.clone(),
            Temporality::Status => dates(&rows.starts),
            _ => Vec::new(),
        },
        rows: rows.len() as u64,
        length: rows.ordinals.iter().max().map_or(0, |o| o + 1),
        targets: match &rows.values {
            Typed::Unit(targets) => Some(targets.iter().max().map_or(0, |o| o + 1)),
            _ => None,
        },
        from: if fixed { None } else { rows.starts.iter().min().map(|d| Date::from_days(*d)) },
        to: if fixed { None } else { last(&rows.stops, &rows.starts).map(Date::from_days) },
        files,
    };
    writer.json(HEADER, &header)?;
    settle(root, work, &header)?;
    Ok(header)
}

/// New metadata beside files that are already in the work folder.
pub(crate) fn rewrite_metadata(
    root: &Path,
    work: &Path,
    mut header: Header,
    metadata: &Metadata,
) -> Result<Header, DatastoreError> {
    let mut writer = Writer { work, names: Vec::new() };
    writer.json(META, metadata)?;
    let entries = digests(work, &writer.names)?;
    header.files.extend(writer.names.iter().cloned().zip(entries));
    writer.json(HEADER, &header)?;
    settle(root, work, &header)?;
    Ok(header)
}

/// The folder of a digest.
pub(crate) fn place(root: &Path, digest: &[u8; 32]) -> PathBuf {
    let hex = hex::encode(digest);
    root.join("datasets").join(&hex[..2]).join(hex)
}

/// Makes the work folder durable and gives it its name.
fn settle(root: &Path, work: &Path, header: &Header) -> Result<(), DatastoreError> {
    let target = place(root, &header.digest());
    if target.is_dir() {
        return fs::remove_dir_all(work).map_err(DatastoreError::io(work));
    }
    for name in header.files.keys().map(String::as_str).chain([HEADER]) {
        let path = work.join(name);
        File::open(&path).and_then(|f| f.sync_all()).map_err(DatastoreError::io(&path))?;
    }
    let parent = target.parent().unwrap_or(root);
    fs::create_dir_all(parent).map_err(DatastoreError::io(parent))?;
    let sync = |folder: &Path| File::open(folder).and_then(|f| f.sync_all()).map_err(DatastoreError::io(folder));
    sync(work)?;
    match fs::rename(work, &target) {
        Ok(()) => sync(parent),
        // Another job wrote the same bytes first.
        Err(_) if target.is_dir() => fs::remove_dir_all(work).map_err(DatastoreError::io(work)),
        Err(e) => Err(DatastoreError::io(&target)(e)),
    }
}

struct Writer<'a> {
    work: &'a Path,
    names: Vec<String>,
}

fn damaged(name: &str) -> impl Fn(arrow::error::ArrowError) -> DatastoreError {
    let name = name.to_owned();
    move |e| DatastoreError::Io { path: name.clone(), source: std::io::Error::other(e) }
}

impl Writer<'_> {
    fn json<T: serde::Serialize>(&mut self, name: &str, value: &T) -> Result<(), DatastoreError> {
        let path = self.work.join(name);
        let bytes = serde_json::to_vec_pretty(value)
            .map_err(|e| DatastoreError::Io { path: name.to_owned(), source: std::io::Error::other(e) })?;
        fs::write(&path, bytes).map_err(DatastoreError::io(&path))?;
        if name != HEADER {
            self.names.push(name.to_owned());
        }
        Ok(())
    }

    fn long_term(&mut self, rows: &Prepared, temporality: Temporality) -> Result<(), DatastoreError> {
        let mut columns: Vec<(&str, ArrayRef)> = vec![
            ("unit", Arc::new(UInt32Array::from_iter_values(rows.ordinals.iter().copied()))),
            ("value", long_values(&rows.values)),
        ];
        if temporality != Temporality::Fixed {
            columns.push(("start", Arc::new(Date32Array::from_iter_values(rows.starts.iter().copied()))));
            let stops = rows.stops.iter().map(|s| (*s != i32::MAX).then_some(*s));
            columns.push(("stop", Arc::new(Date32Array::from_iter(stops))));
        }
        let batch = RecordBatch::try_from_iter(columns).map_err(damaged(LONG_TERM))?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by("hap".into())
            .set_max_row_group_size(ROW_GROUP)
            .build();
        let path = self.work.join(LONG_TERM);
        let file = File::create(&path).map_err(DatastoreError::io(&path))?;
        let failed = |e| DatastoreError::Io { path: LONG_TERM.to_owned(), source: std::io::Error::other(e) };
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).map_err(failed)?;
        writer.write(&batch).map_err(failed)?;
        writer.close().map_err(failed)?;
        self.names.push(LONG_TERM.to_owned());
        Ok(())
    }

    fn hot(&mut self, rows: &Prepared, metadata: &Metadata) -> Result<(Stored, Vec<Part>), DatastoreError> {
        let stored = match &rows.values {
            Typed::Code(..) => Stored::Code,
            Typed::Int(_) => Stored::Int,
            Typed::Float(_) => Stored::Float,
            Typed::Date(_) => Stored::Date,
            Typed::Text(_, words) => {
                self.arrow(DICTIONARY, vec![("text", Arc::new(StringArray::from_iter_values(words)))])?;
                Stored::Text
            }
            Typed::Unit(_) => Stored::Unit,
        };
        let all = 0..rows.len();
        let parts = match metadata.temporality {
            Temporality::Fixed => vec![self.dense("values.arrow", rows, all, None)?],
            Temporality::Event => {
                if let Some((copy, directory)) = by_code::columns(rows) {
                    self.arrow(BY_CODE, copy)?;
                    self.arrow(DIRECTORY, directory)?;
                }
                vec![self.spells(rows)?]
            }
            Temporality::Status if metadata.carries() => vec![self.spells(rows)?],
            Temporality::Status | Temporality::Accumulated => {
                let periods = periods(rows);
                if periods.len() > MOST_PERIODS {
                    let mut by_unit: Vec<usize> = all.collect();
                    by_unit.sort_by_key(|r| (rows.ordinals[*r], rows.starts[*r]));
                    vec![self.spells(&arranged(rows, &by_unit))?]
                } else {
                    let mut parts = Vec::new();
                    for (k, (period, members)) in periods.into_iter().enumerate() {
                        parts.push(self.dense_of(&format!("period-{k}.arrow"), rows, &members, Some(period))?);
                    }
                    parts
                }
            }
        };
        Ok((stored, parts))
    }

    fn dense(
        &mut self,
        name: &str,
        rows: &Prepared,
        range: std::ops::Range<usize>,
        period: Option<(i32, i32)>,
    ) -> Result<Part, DatastoreError> {
        let members: Vec<usize> = range.collect();
        self.dense_of(name, rows, &members, period)
    }

    /// One value per ordinal, or pairs when few have one. `members` are in the order of their ordinals.
    fn dense_of(
        &mut self,
        name: &str,
        rows: &Prepared,
        members: &[usize],
        period: Option<(i32, i32)>,
    ) -> Result<Part, DatastoreError> {
        let length = members.last().map_or(0, |r| rows.ordinals[*r] + 1);
        let sparse = members.len() * 8 < length as usize;
        if sparse {
            let ordinals = UInt32Array::from_iter_values(members.iter().map(|r| rows.ordinals[*r]));
            let values = narrow(&rows.values, &Rows::Some(members));
            self.arrow(name, vec![("ordinal", Arc::new(ordinals)), ("value", values)])?;
        } else {
            let mut at = vec![usize::MAX; length as usize];
            for row in members {
                at[rows.ordinals[*row] as usize] = *row;
            }
            self.arrow(name, vec![("value", narrow(&rows.values, &Rows::ByOrdinal(&at)))])?;
        }
        Ok(Part {
            file: name.to_owned(),
            from: period.map(|p| Date::from_days(p.0)),
            to: period.map(|p| Date::from_days(p.1)),
            layout: if sparse { Layout::Sparse } else { Layout::Dense },
            rows: members.len() as u64,
            length,
        })
    }

    fn spells(&mut self, rows: &Prepared) -> Result<Part, DatastoreError> {
        let all: Vec<usize> = (0..rows.len()).collect();
        let length = rows.ordinals.last().map_or(0, |o| o + 1);
        self.arrow(
            "spells.arrow",
            vec![
                ("ordinal", Arc::new(UInt32Array::from_iter_values(rows.ordinals.iter().copied()))),
                ("start", Arc::new(Int32Array::from_iter_values(rows.starts.iter().copied()))),
                ("stop", Arc::new(Int32Array::from_iter_values(rows.stops.iter().copied()))),
                ("value", narrow(&rows.values, &Rows::Some(&all))),
            ],
        )?;
        Ok(Part {
            file: "spells.arrow".into(),
            from: None,
            to: None,
            layout: Layout::Spells,
            rows: rows.len() as u64,
            length,
        })
    }

    fn arrow(&mut self, name: &str, columns: Vec<(&str, ArrayRef)>) -> Result<(), DatastoreError> {
        let fields: Vec<Field> =
            columns.iter().map(|(n, a)| Field::new(*n, a.data_type().clone(), a.null_count() > 0)).collect();
        let arrays = columns.into_iter().map(|(_, a)| a).collect();
        let schema = Arc::new(Schema::new(fields));
        let failed = damaged(name);
        let batch = RecordBatch::try_new(schema.clone(), arrays).map_err(&failed)?;
        let options = IpcWriteOptions::try_new(64, false, MetadataVersion::V5).map_err(&failed)?;
        let path = self.work.join(name);
        let file = File::create(&path).map_err(DatastoreError::io(&path))?;
        let buffered = std::io::BufWriter::with_capacity(1 << 18, file);
        let mut writer = FileWriter::try_new_with_options(buffered, &schema, options).map_err(&failed)?;
        writer.write(&batch).map_err(&failed)?;
        writer.finish().map_err(&failed)?;
        self.names.push(name.to_owned());
        Ok(())
    }
}

/// A period (start, stop) and its rows.
type Period = ((i32, i32), Vec<usize>);

/// Distinct dates; STATUS rows stand by date.
fn dates(starts: &[i32]) -> Vec<Date> {
    let mut dates = starts.to_vec();
    dates.dedup();
    dates.into_iter().map(Date::from_days).collect()
}

/// The distinct periods (start, stop) with their rows, by start; rows stay in the order of their ordinals.
fn periods(rows: &Prepared) -> Vec<Period> {
    let mut periods: BTreeMap<(i32, i32), Vec<usize>> = BTreeMap::new();
    for row in 0..rows.len() {
        periods.entry((rows.starts[row], rows.stops[row])).or_default().push(row);
    }
    periods.into_iter().collect()
}

fn arranged(rows: &Prepared, order: &[usize]) -> Prepared {
    fn pick<T: Copy>(v: &[T], order: &[usize]) -> Vec<T> {
        order.iter().map(|r| v[*r]).collect()
    }
    let values = match &rows.values {
        Typed::Code(v, n) => Typed::Code(pick(v, order), *n),
        Typed::Int(v) => Typed::Int(pick(v, order)),
        Typed::Float(v) => Typed::Float(pick(v, order)),
        Typed::Date(v) => Typed::Date(pick(v, order)),
        Typed::Text(v, words) => Typed::Text(pick(v, order), words.clone()),
        Typed::Unit(v) => Typed::Unit(pick(v, order)),
    };
    Prepared {
        ordinals: pick(&rows.ordinals, order),
        starts: pick(&rows.starts, order),
        stops: pick(&rows.stops, order),
        values,
        dropped: rows.dropped,
        merged: rows.merged,
    }
}

fn long_values(values: &Typed) -> ArrayRef {
    match values {
        Typed::Code(v, _) | Typed::Unit(v) => Arc::new(UInt32Array::from_iter_values(v.iter().copied())),
        Typed::Int(v) => Arc::new(Int64Array::from_iter_values(v.iter().copied())),
        Typed::Float(v) => Arc::new(Float64Array::from_iter_values(v.iter().copied())),
        Typed::Date(v) => Arc::new(Date32Array::from_iter_values(v.iter().copied())),
        Typed::Text(v, words) => Arc::new(StringArray::from_iter_values(v.iter().map(|n| &words[*n as usize]))),
    }
}

/// Which rows go into a column.
enum Rows<'a> {
    /// These, in this order.
    Some(&'a [usize]),
    /// For each ordinal its row, or none.
    ByOrdinal(&'a [usize]),
}

fn column<T, P>(values: &[T], rows: &Rows<'_>, convert: impl Fn(T) -> P::Native) -> ArrayRef
where
    T: Copy,
    P: ArrowPrimitiveType,
{
    let (buffer, nulls): (ScalarBuffer<P::Native>, Option<NullBuffer>) = match rows {
        Rows::Some(rows) => (rows.iter().map(|r| convert(values[*r])).collect(), None),
        Rows::ByOrdinal(at) => {
            let data = at.iter().map(|r| if *r == usize::MAX { P::Native::default() } else { convert(values[*r]) });
            let valid: Vec<bool> = at.iter().map(|r| *r != usize::MAX).collect();
            (data.collect(), Some(NullBuffer::from(valid)).filter(|n| n.null_count() > 0))
        }
    };
    Arc::new(arrow::array::PrimitiveArray::<P>::new(buffer, nulls))
}

/// A column of the smallest width that holds the values (ENG-011).
fn narrow(values: &Typed, rows: &Rows<'_>) -> ArrayRef {
    use arrow::datatypes::{Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type};
    match values {
        Typed::Code(v, n) if *n <= 1 << 8 => column::<_, UInt8Type>(v, rows, |x| x as u8),
        Typed::Code(v, n) if *n <= 1 << 16 => column::<_, UInt16Type>(v, rows, |x| x as u16),
        Typed::Code(v, _) | Typed::Unit(v) | Typed::Text(v, _) => column::<_, UInt32Type>(v, rows, |x| x),
        Typed::Float(v) => column::<_, Float64Type>(v, rows, |x| x),
        Typed::Date(v) => column::<_, Int32Type>(v, rows, |x| x),
        Typed::Int(v) => {
            let (least, most) = (v.iter().min().copied().unwrap_or(0), v.iter().max().copied().unwrap_or(0));
            let fits = |low: i64, high: i64| low <= least && most <= high;
            if fits(i8::MIN.into(), i8::MAX.into()) {
                column::<_, Int8Type>(v, rows, |x| x as i8)
            } else if fits(i16::MIN.into(), i16::MAX.into()) {
                column::<_, Int16Type>(v, rows, |x| x as i16)
            } else if fits(i32::MIN.into(), i32::MAX.into()) {
                column::<_, Int32Type>(v, rows, |x| x as i32)
            } else {
                column::<_, Int64Type>(v, rows, |x| x)
            }
        }
    }
}

/// The values of a column of a file, as the engine has them.
pub(crate) fn values(
    array: &ArrayRef,
    stored: Stored,
    dictionary: &Arc<Vec<String>>,
) -> Option<engine::source::Values> {
    use engine::source::Values;
    macro_rules! buffer {
        ($array:ty) => {
            array.as_any().downcast_ref::<$array>().map(|a| a.values().clone())
        };
    }
    Some(match stored {
        Stored::Code => match (buffer!(UInt8Array), buffer!(UInt16Array), buffer!(UInt32Array)) {
            (Some(v), ..) => Values::Code8(v),
            (_, Some(v), _) => Values::Code16(v),
            (.., Some(v)) => Values::Code32(v),
            _ => return None,
        },
        Stored::Int => match (buffer!(Int8Array), buffer!(Int16Array), buffer!(Int32Array), buffer!(Int64Array)) {
            (Some(v), ..) => Values::Int8(v),
            (_, Some(v), ..) => Values::Int16(v),
            (_, _, Some(v), _) => Values::Int32(v),
            (.., Some(v)) => Values::Int64(v),
            _ => return None,
        },
        Stored::Float => Values::Float(buffer!(Float64Array)?),
        Stored::Date => Values::Date(buffer!(Int32Array)?),
        Stored::Text => Values::Text { index: buffer!(UInt32Array)?, dictionary: dictionary.clone() },
        Stored::Unit => Values::Unit(buffer!(UInt32Array)?),
    })
}
