//! The content of a package on its way into the room: checks of the inside against order and permit (DEL-124), the
//! person table (DEL-125, DEL-126), and tables under dense ids (DEL-131). Pure but for reading the package.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use aes::Aes256;
use aes::cipher::{BlockEncrypt as _, KeyInit as _};
use protocol::documents::{ExtractionOrder, InnerFile, Permit, TableOrder};
use protocol::{Directory, Secret32};

use crate::DeliveryError;
use crate::codebook::{Codebook, Entry, Kind};
use crate::compile::order_fits_permit;
use crate::extract::{START, STOP, column_name};
use crate::granularity::CellKind;
use crate::package::{Inside, Outside, open_file};
use crate::persons::PersonTable;
use crate::table::{Column, KeyColumn, Table};

const fn schema() -> DeliveryError {
    DeliveryError::Rejected("schema_mismatch")
}

/// Opens the order that came along and compares tables, columns and periods with it and with the permit.
pub(super) fn check_inside(
    inside: &Inside,
    outside: &Outside,
    permit: &Permit,
    directory: &Directory,
) -> Result<ExtractionOrder, DeliveryError> {
    let order: ExtractionOrder = inside.order.open(directory).map_err(|_| schema())?;
    let m = &outside.manifest;
    let same = order.order_id == m.order_id
        && order.series == m.series
        && order.source == m.source
        && order.sequence == m.sequence
        && order.plan_no == m.plan_no
        && order.room.id == m.room
        && order.pseudonym.epoch == m.epoch
        && inside.inner.delivery_id == m.delivery_id
        && m.protocol == "P1"
        && m.id_form == "O";
    if !same {
        return Err(schema());
    }
    if !order_fits_permit(&order, permit) {
        return Err(DeliveryError::Rejected("permit_not_live"));
    }
    let files = &inside.inner.files;
    let mut seen = HashSet::new();
    for file in files {
        let expected = match file.role.as_str() {
            "persons" => Some(Vec::new()),
            "population" => Some(vec![KeyColumn::Pidx.name().to_owned()]),
            "table" => order.tables.iter().find(|t| t.table == file.table).map(|t| columns_of(t, &inside.codebook)),
            _ => None,
        };
        let known = m.files.iter().any(|f| f.name == file.name);
        if expected != Some(file.columns.clone()) || !known || !seen.insert((file.role.clone(), file.table.clone())) {
            return Err(schema());
        }
    }
    // Nothing missing, nothing more: person table, population, one file per ordered table, and no other object.
    let data_objects = m.files.iter().filter(|f| f.name.starts_with("data/")).count();
    let complete = files.len() == order.tables.len() + 2
        && data_objects == files.len() + 1
        && ["persons", "population"].iter().all(|role| files.iter().any(|f| f.role == *role));
    if complete { Ok(order) } else { Err(schema()) }
}

/// The columns that a table must have: the key, what was ordered, and the dates of rows that have dates.
fn columns_of(table: &TableOrder, codebook: &Codebook) -> Vec<String> {
    let mut names = vec![KeyColumn::Pidx.name().to_owned()];
    names.extend(table.columns.iter().map(|c| column_name(&c.id).to_owned()));
    // Whether rows have dates is a matter of the datasets, which the codebook tells of.
    if codebook.variables.iter().any(|v| v.table == table.table && v.id.is_none() && v.name == START) {
        names.extend([START.to_owned(), STOP.to_owned()]);
    }
    names
}

/// A package under dense ids, ready to be written.
pub(super) struct Opened {
    pub tables: Vec<Table>,
    /// Dense ids of everybody, in order.
    pub population: Vec<u32>,
    pub rows: BTreeMap<String, u64>,
}

/// The persons of a package: pseudonym per row of the person table that the population names.
pub(super) struct Persons {
    /// Row of the person table and pseudonym.
    pub kept: Vec<(u32, [u8; 16])>,
    /// One bit per row of the person table: kept or not.
    pub bitmap: Vec<u8>,
}

fn file<'a>(inside: &'a Inside, role: &str) -> Result<&'a InnerFile, DeliveryError> {
    inside.inner.files.iter().find(|f| f.role == role).ok_or_else(schema)
}

/// Reads the person table, checks its root, drops padding, and makes the pseudonyms: P = AES(k_out, y).
pub(super) fn persons(
    dir: &Path,
    inside: &Inside,
    outside: &Outside,
    secret: &[u8; 32],
    k_out: &Secret32,
    cap: u64,
) -> Result<Persons, DeliveryError> {
    let mismatch = || DeliveryError::Rejected("person_root_mismatch");
    let bytes = open_file(dir, file(inside, "persons")?, secret)?;
    let table = PersonTable::parse(&bytes).map_err(|_| mismatch())?;
    let m = &outside.manifest;
    if table.delivery != m.delivery_id
        || table.elements.len() as u64 != m.person_count_padded
        || table.root() != m.person_root
    {
        return Err(mismatch());
    }
    let bytes = open_file(dir, file(inside, "population")?, secret)?;
    let population = Table::from_parquet("population", KeyColumn::Pidx, bytes.into())?;
    let mut bitmap = vec![0u8; table.elements.len().div_ceil(8)];
    let cipher = Aes256::new(k_out.expose().into());
    let mut kept = Vec::with_capacity(population.keys.len());
    for pidx in population.keys {
        let i = pidx as usize;
        let y = table.elements.get(i).ok_or_else(mismatch)?;
        // KEY-045: an all-zero value is a failure; a person named twice would be two.
        if *y == [0u8; 16] || bitmap[i / 8] >> (i % 8) & 1 == 1 {
            return Err(mismatch());
        }
        bitmap[i / 8] |= 1 << (i % 8);
        let mut block = (*y).into();
        cipher.encrypt_block(&mut block);
        kept.push((pidx, block.into()));
    }
    let count = kept.len() as u64;
    if count != inside.inner.persons || count > cap {
        return Err(schema());
    }
    Ok(Persons { kept, bitmap })
}

/// Rewrites the tables: dense id instead of the row of the person table, sorted, checked against the codebook.
pub(super) fn rekey(
    dir: &Path,
    inside: &Inside,
    order: &ExtractionOrder,
    secret: &[u8; 32],
    ids: &HashMap<u32, u32>,
) -> Result<Opened, DeliveryError> {
    let mut population: Vec<u32> = ids.values().copied().collect();
    population.sort_unstable();
    let mut opened = Opened { tables: Vec::new(), population, rows: BTreeMap::new() };
    for wanted in &order.tables {
        let found = inside.inner.files.iter().find(|f| f.role == "table" && f.table == wanted.table);
        let found = found.ok_or_else(schema)?;
        let bytes = open_file(dir, found, secret)?;
        let mut table = Table::from_parquet(&wanted.table, KeyColumn::Pidx, bytes.into())?;
        if table.names(KeyColumn::Pidx) != found.columns || table.keys.len() as u64 != found.rows {
            return Err(schema());
        }
        for (name, column) in &table.columns {
            let entry = inside.codebook.variables.iter().find(|v| v.table == wanted.table && v.name == *name);
            check_column(column, entry.ok_or_else(schema)?, wanted)?;
        }
        for key in &mut table.keys {
            *key = *ids.get(key).ok_or_else(schema)?;
        }
        let sorted = table.arranged(&table.sorted_order());
        opened.rows.insert(sorted.name.clone(), sorted.keys.len() as u64);
        opened.tables.push(sorted);
    }
    Ok(opened)
}

/// The type is the codebook's, and the dates of the rows lie in the period (at the granularity ordered, a date may be
/// the first day of a month that begins before the period does).
fn check_column(column: &Column, entry: &Entry, table: &TableOrder) -> Result<(), DeliveryError> {
    let fits = match column.kind() {
        CellKind::Int => entry.kind == Kind::Integer,
        CellKind::Float => entry.kind == Kind::Number,
        CellKind::Text => entry.kind == Kind::String,
        CellKind::Date => entry.kind == Kind::Date,
    };
    let dates_inside = match column {
        Column::Date(days) if entry.id.is_none() => {
            let slack = if entry.granularity == "day" { 0 } else { 92 };
            let (from, to) = (table.period.0.days() - slack, table.period.1.days());
            days.iter().flatten().all(|d| from <= *d && *d <= to)
        }
        _ => true,
    };
    if fits && dates_inside { Ok(()) } else { Err(schema()) }
}
