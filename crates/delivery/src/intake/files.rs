//! The files of a room: written beside, made durable, verified by reading again, then renamed into place and made
//! read-only (DEL-132, DEL-133).

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use protocol::Digest;
use protocol::documents::Permit;
use serde::Serialize;

use super::opening::Opened;
use crate::DeliveryError;
use crate::codebook::{self, Codebook};
use crate::table::{KeyColumn, Table};
use crate::transfer::{restrict, sync_folder};

/// A file in the room.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, serde::Deserialize)]
pub(super) struct RoomFile {
    pub name: String,
    pub bytes: u64,
    pub sha256: Digest,
}

/// The folder of one delivery below the room's folder.
pub(super) fn folder(out: &Path, series: &str, source: &str, sequence: u32) -> PathBuf {
    out.join(series).join(source).join(sequence.to_string())
}

/// Writes the content of a delivery into `work` (a new folder) and renames it to `target`.
pub(super) fn write(
    work: &Path,
    target: &Path,
    opened: &Opened,
    codebook: &Codebook,
    readme: &str,
    csv: bool,
) -> Result<Vec<RoomFile>, DeliveryError> {
    remove(work)?;
    fs::create_dir_all(work).map_err(DeliveryError::file("room folder"))?;
    let mut files = Vec::new();
    let mut put = |name: String, bytes: &[u8]| -> Result<(), DeliveryError> {
        files.push(write_one(work, name, bytes)?);
        Ok(())
    };
    let population = Table { name: "population".into(), keys: opened.population.clone(), columns: Vec::new() };
    for table in opened.tables.iter().chain([&population]) {
        put(format!("{}.parquet", table.name), &table.to_parquet(KeyColumn::Person)?)?;
        if csv {
            put(format!("{}.csv", table.name), table.to_csv(KeyColumn::Person).as_bytes())?;
        }
    }
    let canonical = kernel::canonical_json(codebook).map_err(|_| DeliveryError::Internal("canonical form"))?;
    put("codebook.json".into(), &canonical)?;
    put("codebook.html".into(), codebook::html(codebook).as_bytes())?;
    let package = codebook::datapackage(codebook, KeyColumn::Person.name(), "");
    put("datapackage.json".into(), &serde_json::to_vec_pretty(&package).unwrap_or_default())?;
    put("README.txt".into(), readme.as_bytes())?;
    for file in &files {
        let read = fs::read(work.join(&file.name)).map_err(DeliveryError::file(&file.name))?;
        if Digest::sha256(&read) != file.sha256 {
            return Err(DeliveryError::File { what: file.name.clone(), kind: std::io::ErrorKind::InvalidData });
        }
        restrict(&work.join(&file.name), 0o440).map_err(DeliveryError::file(&file.name))?;
    }
    sync_folder(work).map_err(DeliveryError::file("room folder"))?;
    let above = target.parent().unwrap_or(target);
    fs::create_dir_all(above).map_err(DeliveryError::file("room folder"))?;
    // A folder that is there already is one whose opening was cut off before it was acknowledged.
    remove(target)?;
    fs::rename(work, target).map_err(DeliveryError::file("room folder"))?;
    restrict(target, 0o550).map_err(DeliveryError::file("room folder"))?;
    sync_folder(above).map_err(DeliveryError::file("room folder"))?;
    Ok(files)
}

fn write_one(dir: &Path, name: String, bytes: &[u8]) -> Result<RoomFile, DeliveryError> {
    let mut file = File::create(dir.join(&name)).map_err(DeliveryError::file(&name))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(DeliveryError::file(&name))?;
    Ok(RoomFile { bytes: bytes.len() as u64, sha256: Digest::sha256(bytes), name })
}

/// Removes a folder of ours, also a read-only one.
pub(super) fn remove(dir: &Path) -> Result<(), DeliveryError> {
    if !dir.exists() {
        return Ok(());
    }
    restrict(dir, 0o750).map_err(DeliveryError::file("room folder"))?;
    fs::remove_dir_all(dir).map_err(DeliveryError::file("room folder"))
}

/// Writes what belongs to the whole project: views over all opened tables, and the permit's conditions.
pub(super) fn write_project(out: &Path, permit: &Permit) -> Result<(), DeliveryError> {
    let project = out.join(&permit.series);
    replace(&project, "CONDITIONS.md", conditions(permit).as_bytes())?;
    replace(&project, "room.duckdb.sql", views(&project).as_bytes())
}

fn replace(dir: &Path, name: &str, bytes: &[u8]) -> Result<(), DeliveryError> {
    let part = dir.join(format!(".{name}.tmp"));
    let mut file = File::create(&part).map_err(DeliveryError::file(name))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(DeliveryError::file(name))?;
    restrict(&part, 0o440).map_err(DeliveryError::file(name))?;
    fs::rename(&part, dir.join(name)).map_err(DeliveryError::file(name))?;
    sync_folder(dir).map_err(DeliveryError::file(name))
}

/// One view per source and table, over the Parquet files of all its sequences.
fn views(project: &Path) -> String {
    let mut tables: BTreeSet<(String, String)> = BTreeSet::new();
    let names = |dir: &Path| -> Vec<String> {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten();
        entries.map(|e| e.file_name().to_string_lossy().into_owned()).filter(|n| !n.starts_with('.')).collect()
    };
    for source in names(project) {
        for sequence in names(&project.join(&source)) {
            for file in names(&project.join(&source).join(sequence)) {
                if let Some(table) = file.strip_suffix(".parquet") {
                    tables.insert((source.clone(), table.to_owned()));
                }
            }
        }
    }
    let mut out = String::from("-- Run in this folder: duckdb -init room.duckdb.sql\n");
    for (source, table) in tables {
        let name = if table == "population" { format!("{source}.population") } else { table.clone() };
        let (path_source, path_table) = (source.replace('\'', "''"), table.replace('\'', "''"));
        out.push_str(&format!(
            "CREATE OR REPLACE VIEW \"{}\" AS SELECT * FROM read_parquet('{path_source}/*/{path_table}.parquet', union_by_name = true);\n",
            name.replace('"', "\"\"")
        ));
    }
    out
}

/// The permit's conditions, in Norwegian and English.
fn conditions(permit: &Permit) -> String {
    let mut out = format!(
        "# Vilkår / Conditions\n\n\
         Tillatelse / Permit: {}\n\
         Formål / Purpose: {}\n\
         Gyldig / Valid: {} – {}\n\
         Data slettes senest / Data deleted by: {}\n\n\
         - Det er forbudt å prøve å finne ut hvem noen er. / Trying to identify anybody is forbidden.\n\
         - Bare resultater uten personopplysninger kan tas ut; minste antall i en celle er {}. / \
         Only non-personal results may leave; the smallest count in a cell is {}.\n\
         - Funn av stor betydning for en person meldes til tilgangsorganet. / \
         Significant findings are reported to the access body.\n",
        permit.permit_id,
        permit.purpose.text.replace('\n', " "),
        permit.valid_from,
        permit.valid_to,
        permit.delete_by,
        permit.output.min_cell,
        permit.output.min_cell,
    );
    for condition in &permit.conditions {
        let fields: Vec<String> = condition.fields.iter().map(|(k, v)| format!("{k}: {}", plain(v))).collect();
        out.push_str(&format!("- {} ({})\n", condition.kind, fields.join(", ")));
    }
    out
}

fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), |t| t.replace('\n', " "))
}
