//! Entries and damage for the tests of the log.

use std::fs;
use std::path::{Path, PathBuf};

use audit::{Action, Actor, Counts, Detail, Entry, Kind, Object, Options, Purpose, Report, Zone, verify};
use store::Tx;

pub const ISSUE: Action =
    Action::new(Kind::Decision, "permit.issue", &[("decision", Detail::Digest), ("note", Detail::Text)]);

/// The `n`-th entry of a test.
pub fn entry(n: usize) -> Entry {
    Entry::new(&ISSUE, Actor::person("01JCZK0000000000000000ACT1"), Object::new("permit", format!("permit-{n}")))
        .purpose(Purpose::Case)
        .counts(Counts::default().persons(5).rows(n as u64))
        .detail("decision", "a".repeat(64))
}

/// Records entries `from..to` in one transaction and integrates them.
pub async fn write(zone: &Zone, from: usize, to: usize) {
    let done: Result<(), audit::AuditError> = zone
        .store
        .tx("test", async |tx: &mut Tx| {
            for n in from..to {
                zone.log.record(tx, entry(n)).await?;
            }
            Ok(())
        })
        .await;
    done.unwrap();
    zone.log.integrate().await.unwrap();
}

pub fn everything() -> Options {
    Options { bodies: true, ..Options::default() }
}

pub fn check(folder: &Path) -> Report {
    verify(folder, &everything()).unwrap()
}

/// Every file of a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(f) = folders.pop() {
        for item in fs::read_dir(f).unwrap() {
            let path = item.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// A copy of a folder.
pub fn copy(folder: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for file in files(folder) {
        let target = to.path().join(file.strip_prefix(folder).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(&file, target).unwrap();
    }
    to
}
