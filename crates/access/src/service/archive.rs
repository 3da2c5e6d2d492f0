//! The archive package of a case (ACC-192): a ZIP with the event log, the revisions, the letter, the permit, the files and
//! a manifest with checksums. It stands until the exchange format of the archives (Noark 5) is built.

use identity::Actor;
use kernel::{Problem, sha256_hex};
use serde_json::{Value, json};
use store::{Tx, params};

use super::{Access, audit_actor};
use crate::AccessError;
use crate::model::{Case, CaseId};
use crate::permissions::View;
use crate::sql;

const ARCHIVE: audit::Action = audit::Action::new(
    audit::Kind::Decision,
    "case.archive",
    &[("package", audit::Detail::Digest), ("files", audit::Detail::Int)],
);

/// A package as it is given out.
#[derive(Clone, PartialEq, Eq)]
pub struct Package {
    /// Name of the file: `A-2026-000123.zip`.
    pub name: String,
    /// The archive.
    pub bytes: Vec<u8>,
}

impl Access {
    /// The archive package of a submitted case, for those who see all of it. The history is checked first: a damaged case
    /// gives no package.
    ///
    /// # Errors
    /// Not found, forbidden, `Unavailable` when the history does not hold.
    pub async fn archive(&self, actor: &Actor, id: CaseId) -> Result<Package, Problem> {
        self.verify(actor, id).await?;
        let (loaded, view, _) = self.seen(actor, id).await?;
        let number = loaded.case.dossier().map(|d| d.number.clone()).ok_or_else(|| Problem::not_found("case"))?;
        if view != View::ViewFull {
            return Err(self.refusal(actor, audit::Object::new("case", id)).await);
        }
        let read = self.zone.store.read("access.archive", async |tx: &mut Tx| self.documents(tx, &loaded).await);
        let mut members: Vec<(String, Vec<u8>)> = read.await.map_err(Problem::from)?;
        for about in self.files_of(id).await.map_err(Problem::from)? {
            // What was removed or is held stays in the list of the manifest's events, without content.
            if let Ok(file) = self.file(actor, id, about.id).await {
                members.push((format!("files/{}-{}", about.id, plain_name(&about.name)), file.bytes));
            }
        }
        let listed: Vec<Value> = members
            .iter()
            .map(|(name, bytes)| json!({"name": name, "bytes": bytes.len(), "sha256": sha256_hex(bytes)}))
            .collect();
        let manifest = json!({
            "format": "hap-case-archive/1", "case": id, "number": number, "state": loaded.case.name(),
            "version": loaded.version, "head": loaded.head, "made_at": self.zone.now(), "files": listed,
        });
        let sums: String = members
            .iter()
            .map(|(name, bytes)| format!("{}  {name}\n", sha256_hex(bytes).trim_start_matches("sha256:")))
            .collect();
        let manifest = serde_json::to_vec_pretty(&manifest).map_err(|_| Problem::unavailable("the archive"))?;
        members.insert(0, ("manifest.json".to_owned(), manifest));
        members.insert(1, ("SHA256SUMS".to_owned(), sums.into_bytes()));
        let bytes = zip(&members).ok_or_else(|| Problem::unavailable("the archive"))?;
        let entry = audit::Entry::new(&ARCHIVE, audit_actor(actor, None), audit::Object::new("case", id));
        let entry = entry.purpose(audit::Purpose::Case).detail("package", sha256_hex(&bytes));
        self.record(entry.detail("files", members.len() as i64)).await.map_err(Problem::from)?;
        Ok(Package { name: format!("{number}.zip"), bytes })
    }

    async fn documents(&self, tx: &mut Tx, loaded: &sql::Loaded) -> Result<Vec<(String, Vec<u8>)>, AccessError> {
        let mut members = Vec::new();
        let mut log = Vec::new();
        for event in sql::events(tx, loaded.id, 0).await? {
            let line = json!({"seq": event.recorded.seq, "at": event.recorded.at, "actor": event.recorded.actor,
                "role": event.role, "event": event.recorded.event, "prev": event.prev, "hash": event.hash});
            log.extend_from_slice(line.to_string().as_bytes());
            log.push(b'\n');
        }
        members.push(("events.jsonl".to_owned(), log));
        let last = loaded.case.dossier().map_or(0, |d| d.revision);
        for n in 1..=last {
            if let Some(content) = sql::revision(tx, &self.zone, loaded.id, n).await? {
                let (bytes, _) = content.canonical().map_err(|e| AccessError::Damaged(e.to_string()))?;
                members.push((format!("application/revision-{n}.json"), bytes));
            }
        }
        if let Case::Decided(decided) = &loaded.case
            && let Some((letter, pdf, statement)) = sql::decision(tx, &self.zone, &decided.number).await?
        {
            members.push(("decision/letter.json".to_owned(), letter));
            members.push(("decision/letter.pdf".to_owned(), pdf));
            members.push(("decision/statement.json".to_owned(), statement.into_bytes()));
            if let Some(seals) = super::seal::seals(tx, &decided.number).await? {
                members.push(("decision/letter.pdf.p7s".to_owned(), seals.pdf));
                members.push(("decision/letter.json.p7s".to_owned(), seals.json));
            }
        }
        let rows = tx
            .query(
                "SELECT permit_id, envelope FROM access_permit WHERE case_id = $1 ORDER BY permit_id",
                params![loaded.id],
            )
            .await?;
        for row in &rows {
            members.push((format!("permit/{}.json", row.get::<String>(0)?), row.get::<String>(1)?.into_bytes()));
        }
        Ok(members)
    }
}

/// The end of a path in a package: letters, digits, point, hyphen and underscore.
fn plain_name(name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' }).take(80).collect();
    plain.trim_start_matches('.').to_owned()
}

/// A ZIP archive of stored members with fixed times, so that the same case gives the same package. None beyond 4 GiB.
fn zip(members: &[(String, Vec<u8>)]) -> Option<Vec<u8>> {
    const VERSION: u16 = 20;
    const UTF8: u16 = 1 << 11;
    // 1 January 1980: the first day that the format knows.
    const DAY: u16 = 0x21;
    let mut out = Vec::new();
    let mut directory = Vec::new();
    for (name, bytes) in members {
        let (at, size) = (u32::try_from(out.len()).ok()?, u32::try_from(bytes.len()).ok()?);
        let length = u16::try_from(name.len()).ok()?;
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        let mut common = Vec::new();
        for word in [VERSION, UTF8, 0, 0, DAY] {
            common.extend_from_slice(&word.to_le_bytes());
        }
        for word in [crc.sum(), size, size] {
            common.extend_from_slice(&word.to_le_bytes());
        }
        common.extend_from_slice(&length.to_le_bytes());
        common.extend_from_slice(&0u16.to_le_bytes());
        out.extend_from_slice(b"PK\x03\x04");
        out.extend_from_slice(&common);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(bytes);
        directory.extend_from_slice(b"PK\x01\x02");
        directory.extend_from_slice(&VERSION.to_le_bytes());
        directory.extend_from_slice(&common);
        // No comment, disk 0, no attributes.
        directory.extend_from_slice(&[0; 10]);
        directory.extend_from_slice(&at.to_le_bytes());
        directory.extend_from_slice(name.as_bytes());
    }
    let (at, n) = (u32::try_from(out.len()).ok()?, u16::try_from(members.len()).ok()?);
    let size = u32::try_from(directory.len()).ok()?;
    out.extend_from_slice(&directory);
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    for word in [n, n] {
        out.extend_from_slice(&word.to_le_bytes());
    }
    for word in [size, at] {
        out.extend_from_slice(&word.to_le_bytes());
    }
    out.extend_from_slice(&0u16.to_le_bytes());
    Some(out)
}
