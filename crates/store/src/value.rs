//! Values that go into statements and come out of rows.

use rusqlite::types::Value as Cell;

use crate::StoreError;

/// A parameter of a statement. Nulls are typed, because PostgreSQL wants to know.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// BIGINT.
    Int(Option<i64>),
    /// TEXT.
    Text(Option<String>),
    /// BLOB (BYTEA).
    Blob(Option<Vec<u8>>),
    /// DOUBLE PRECISION.
    Real(Option<f64>),
}

macro_rules! value_from {
    ($($type:ty => $variant:ident, $convert:expr);* $(;)?) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                let convert: fn($type) -> _ = $convert;
                Value::$variant(Some(convert(value)))
            }
        }
        impl From<Option<$type>> for Value {
            fn from(value: Option<$type>) -> Self {
                let convert: fn($type) -> _ = $convert;
                Value::$variant(value.map(convert))
            }
        }
    )*};
}
value_from! {
    i64 => Int, |v| v;
    i32 => Int, i64::from;
    u32 => Int, i64::from;
    bool => Int, i64::from;
    f64 => Real, |v| v;
    String => Text, |v| v;
    &str => Text, str::to_owned;
    &String => Text, String::clone;
    Vec<u8> => Blob, |v| v;
    &[u8] => Blob, <[u8]>::to_vec;
    kernel::Timestamp => Int, kernel::Timestamp::micros;
    kernel::Date => Int, |d| i64::from(d.days());
}
impl<K> From<kernel::Id<K>> for Value {
    fn from(id: kernel::Id<K>) -> Self {
        Value::Text(Some(id.to_string()))
    }
}

/// One row of an answer.
pub struct Row(pub(crate) Inner);

pub(crate) enum Inner {
    Sqlite(Vec<Cell>),
    Postgres(tokio_postgres::Row),
}

/// A type that a column can be read as.
pub trait FromColumn: Sized {
    /// The column at `index` (from 0).
    ///
    /// # Errors
    /// [`StoreError::Column`] when the column holds another type, or null where none is allowed.
    fn from_column(row: &Row, index: usize) -> Result<Self, StoreError>;
}

impl Row {
    /// The column at `index` (from 0) as `T`: `i64`, `f64`, `bool`, `String`, `Vec<u8>`, `Timestamp`, `Date`, `Id<_>`,
    /// or an `Option` of these.
    ///
    /// # Errors
    /// [`StoreError::Column`] when the column holds another type, or null where none is allowed.
    pub fn get<T: FromColumn>(&self, index: usize) -> Result<T, StoreError> {
        T::from_column(self, index)
    }
}

/// PostgreSQL gives a literal or a truth value its own type, where SQLite knows one whole number.
fn whole_number(row: &tokio_postgres::Row, index: usize) -> Result<Option<i64>, tokio_postgres::Error> {
    row.try_get::<_, Option<i64>>(index)
        .or_else(|_| row.try_get::<_, Option<i32>>(index).map(|v| v.map(i64::from)))
        .or_else(|_| row.try_get::<_, Option<bool>>(index).map(|v| v.map(i64::from)))
}

impl FromColumn for Option<i64> {
    fn from_column(row: &Row, index: usize) -> Result<Self, StoreError> {
        let found = match &row.0 {
            Inner::Sqlite(cells) => match cells.get(index) {
                Some(Cell::Integer(v)) => Some(Some(*v)),
                Some(Cell::Null) => Some(None),
                _ => None,
            },
            Inner::Postgres(r) => whole_number(r, index).ok(),
        };
        found.ok_or(StoreError::Column { column: index, wanted: "i64" })
    }
}

impl FromColumn for i64 {
    fn from_column(row: &Row, index: usize) -> Result<Self, StoreError> {
        Option::<i64>::from_column(row, index)?.ok_or(StoreError::Column { column: index, wanted: "i64" })
    }
}

macro_rules! column {
    ($($type:ty => $cell:ident),*) => {$(
        impl FromColumn for Option<$type> {
            fn from_column(row: &Row, index: usize) -> Result<Self, StoreError> {
                let found = match &row.0 {
                    Inner::Sqlite(cells) => match cells.get(index) {
                        Some(Cell::$cell(v)) => Some(Some(v.clone())),
                        Some(Cell::Null) => Some(None),
                        _ => None,
                    },
                    Inner::Postgres(r) => r.try_get(index).ok(),
                };
                found.ok_or(StoreError::Column { column: index, wanted: stringify!($type) })
            }
        }
        impl FromColumn for $type {
            fn from_column(row: &Row, index: usize) -> Result<Self, StoreError> {
                Option::<$type>::from_column(row, index)?
                    .ok_or(StoreError::Column { column: index, wanted: stringify!($type) })
            }
        }
    )*};
}
column!(f64 => Real, String => Text, Vec<u8> => Blob);

macro_rules! derived {
    ($type:ty, $base:ty, $convert:expr $(, $generic:ident)?) => {
        impl$(<$generic: kernel::Kind>)? FromColumn for $type {
            fn from_column(row: &Row, index: usize) -> Result<Self, StoreError> {
                let convert: fn($base) -> Option<$type> = $convert;
                convert(row.get(index)?).ok_or(StoreError::Column { column: index, wanted: stringify!($type) })
            }
        }
        impl$(<$generic: kernel::Kind>)? FromColumn for Option<$type> {
            fn from_column(row: &Row, index: usize) -> Result<Self, StoreError> {
                if row.get::<Option<$base>>(index)?.is_none() { Ok(None) } else { row.get::<$type>(index).map(Some) }
            }
        }
    };
}
derived!(bool, i64, |v| Some(v != 0));
derived!(kernel::Timestamp, i64, |v| Some(kernel::Timestamp::from_micros(v)));
derived!(kernel::Date, i64, |v| i32::try_from(v).ok().map(kernel::Date::from_days));
derived!(kernel::Id<K>, String, |v| v.parse().ok(), K);
