//! The package (section 7): a BagIt bag of Crypt4GH objects whose names and sizes tell nothing, an inner manifest inside
//! the first object, and a signed outer manifest that is written last. Building and taking apart; no network.

use std::fs::{self, File};
use std::io::{Read as _, Write};
use std::path::Path;

use kernel::{Date, Random, Timestamp};
use protocol::crypt4gh;
use protocol::documents::{InnerFile, InnerManifest};
use protocol::documents::{Manifest, ManifestFile};
use protocol::form::Digest;
use protocol::ids::DeliveryId;
use protocol::{Directory, Envelope};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::codebook::{self, Codebook};
use crate::transfer::{MANIFEST, is_object_name, sync_folder};
use crate::{DeliveryError, persons};

/// 1980-01-01: the only time that any file carries (DEL-031).
const FIXED_TIME: u64 = 315_532_800;
/// The first object.
pub(crate) const INNER: &str = "data/0000.c4gh";
/// The largest object that is opened into memory.
const MAX_PLAIN: u64 = 1 << 32;

/// A file before it is sealed.
pub(crate) struct Plain {
    pub table: String,
    /// `persons`, `population` or `table`.
    pub role: &'static str,
    pub rows: u64,
    pub columns: Vec<String>,
    pub bytes: Vec<u8>,
}

/// What goes into the first object beside the inner manifest.
pub(crate) struct Papers {
    pub codebook: Codebook,
    pub order: Envelope,
    pub readme: String,
}

/// What the outside of the bag says.
pub(crate) struct BagInfo<'a> {
    pub delivery: DeliveryId,
    pub series: &'a str,
    pub source: &'a str,
    pub date: Date,
}

/// For whom and how objects are sealed.
pub(crate) struct Sealing<'a> {
    /// X25519 key of the room's intake.
    pub recipient: [u8; 32],
    pub pad: bool,
    pub random: &'a dyn Random,
}

/// What was written.
pub(crate) struct Built {
    pub inner_sha256: Digest,
    pub files: Vec<ManifestFile>,
}

/// The length to which `n` plain bytes are padded (DEL-055): the next power of two, above one MiB the next MiB.
pub(crate) fn padded_len(n: usize) -> usize {
    const MIB: usize = 1 << 20;
    if n < MIB { n.max(1).next_power_of_two() } else { n.next_multiple_of(MIB) }
}

/// Writes everything but the outer manifest into `dir`, which is new. `inner` is completed with the list of files.
pub(crate) fn build(
    dir: &Path,
    bag: &BagInfo<'_>,
    mut plains: Vec<Plain>,
    mut inner: InnerManifest,
    papers: &Papers,
    sealing: &Sealing<'_>,
) -> Result<Built, DeliveryError> {
    let Sealing { recipient, pad, random } = *sealing;
    fs::create_dir_all(dir.join("data")).map_err(DeliveryError::file("package"))?;
    persons::shuffle(&mut plains, random);
    let mut files = Vec::new();
    for (i, plain) in plains.iter_mut().enumerate() {
        let name = format!("data/{:04}.c4gh", i + 1);
        inner.files.push(InnerFile {
            name: name.clone(),
            table: plain.table.clone(),
            role: plain.role.to_owned(),
            plain_bytes: plain.bytes.len() as u64,
            plain_sha256: Digest::sha256(&plain.bytes),
            rows: plain.rows,
            columns: plain.columns.clone(),
            sorted: false,
        });
        if pad {
            plain.bytes.resize(padded_len(plain.bytes.len()), 0);
        }
        files.push(seal_file(dir, &name, &plain.bytes, recipient, random)?);
        plain.bytes = Vec::new();
    }
    let codebook = canonical(&papers.codebook)?;
    inner.codebook_sha256 = Digest::sha256(&codebook);
    let inner_bytes = canonical(&inner)?;
    let mut tar = tar_of(&[
        ("inner.json", &inner_bytes),
        ("order.dsse.json", &papers.order.to_bytes()),
        ("codebook.json", &codebook),
        ("codebook.html", codebook::html(&papers.codebook).as_bytes()),
        ("datapackage.json", &canonical(&codebook::datapackage(&papers.codebook, "pidx", ""))?),
        ("README.txt", papers.readme.as_bytes()),
    ])?;
    if pad {
        tar.resize(padded_len(tar.len()), 0);
    }
    files.insert(0, seal_file(dir, INNER, &tar, recipient, random)?);
    files.extend(bag_files(dir, bag, &files)?);
    sync_folder(&dir.join("data")).and_then(|()| sync_folder(dir)).map_err(DeliveryError::file("package"))?;
    Ok(Built { inner_sha256: Digest::sha256(&inner_bytes), files })
}

/// Writes the outer manifest: with it the package exists.
pub(crate) fn write_manifest(dir: &Path, manifest: &Envelope) -> Result<(), DeliveryError> {
    write_file(dir, MANIFEST, &manifest.to_bytes())?;
    sync_folder(dir).map_err(DeliveryError::file("package"))
}

fn canonical<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, DeliveryError> {
    kernel::canonical_json(value).map_err(|_| DeliveryError::Internal("canonical form"))
}

/// Passes bytes on and hashes them in the same pass (DEL-053).
struct Hashing<W> {
    inner: W,
    sha256: Sha256,
    blake3: blake3::Hasher,
    bytes: u64,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        let n = self.inner.write(buf)?;
        self.sha256.update(&buf[..n]);
        self.blake3.update(&buf[..n]);
        self.bytes += n as u64;
        Ok(n)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

fn hashing_file(dir: &Path, name: &str) -> Result<Hashing<File>, DeliveryError> {
    let inner = File::create(dir.join(name)).map_err(DeliveryError::file(name))?;
    Ok(Hashing { inner, sha256: Sha256::new(), blake3: blake3::Hasher::new(), bytes: 0 })
}

fn finish(name: &str, out: Hashing<File>) -> Result<ManifestFile, DeliveryError> {
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(FIXED_TIME);
    out.inner.set_modified(time).and_then(|()| out.inner.sync_all()).map_err(DeliveryError::file(name))?;
    Ok(ManifestFile {
        name: name.to_owned(),
        bytes: out.bytes,
        sha256: Digest::from_sha256(out.sha256.finalize().into()),
        blake3: Digest::from_blake3(*out.blake3.finalize().as_bytes()),
    })
}

fn write_file(dir: &Path, name: &str, bytes: &[u8]) -> Result<ManifestFile, DeliveryError> {
    let mut out = hashing_file(dir, name)?;
    out.write_all(bytes).map_err(DeliveryError::file(name))?;
    finish(name, out)
}

fn seal_file(
    dir: &Path,
    name: &str,
    plain: &[u8],
    recipient: [u8; 32],
    random: &dyn Random,
) -> Result<ManifestFile, DeliveryError> {
    let out = hashing_file(dir, name)?;
    let written = |e: crypt4gh::Crypt4ghError| match e {
        crypt4gh::Crypt4ghError::Io(kind) => DeliveryError::file(name)(kind.into()),
        _ => DeliveryError::Stopped("bad_room_key"),
    };
    let mut writer = crypt4gh::Writer::new(out, &[recipient], random).map_err(written)?;
    writer.write_all(plain).map_err(DeliveryError::file(name))?;
    finish(name, writer.finish().map_err(written)?)
}

fn tar_of(files: &[(&str, &[u8])]) -> Result<Vec<u8>, DeliveryError> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(FIXED_TIME);
        tar.append_data(&mut header, name, *bytes).map_err(DeliveryError::file(*name))?;
    }
    tar.into_inner().map_err(DeliveryError::file("inner"))
}

/// The tag files of the bag. Nothing in them tells tables, columns or rows (DEL-060).
fn bag_files(dir: &Path, bag: &BagInfo<'_>, files: &[ManifestFile]) -> Result<Vec<ManifestFile>, DeliveryError> {
    let hex = |d: &Digest| d.as_str().split_once(':').map_or("", |(_, h)| h).to_owned();
    let lines = |files: &[ManifestFile]| -> String {
        files.iter().map(|f| format!("{}  {}\n", hex(&f.sha256), f.name)).collect()
    };
    let octets: u64 = files.iter().map(|f| f.bytes).sum();
    let info = format!(
        "Bagging-Date: {}\nExternal-Identifier: {}\nHap-Series: {}\nPayload-Oxum: {octets}.{}\nSource-Organization: {}\n",
        bag.date,
        bag.delivery,
        bag.series,
        files.len(),
        bag.source
    );
    let tags = vec![
        write_file(dir, "bagit.txt", b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")?,
        write_file(dir, "bag-info.txt", info.as_bytes())?,
        write_file(dir, "manifest-sha256.txt", lines(files).as_bytes())?,
        write_file(
            dir,
            "ro-crate-metadata.json",
            &serde_json::to_vec_pretty(&crate_metadata(bag, files)).unwrap_or_default(),
        )?,
    ];
    let last = write_file(dir, "tagmanifest-sha256.txt", lines(&tags).as_bytes())?;
    Ok(tags.into_iter().chain([last]).collect())
}

/// RO-Crate 1.1, outer view: phases with their agents, no table names (DEL-062).
fn crate_metadata(bag: &BagInfo<'_>, files: &[ManifestFile]) -> serde_json::Value {
    let mut graph = vec![
        json!({"@id": "ro-crate-metadata.json", "@type": "CreativeWork", "about": {"@id": "./"},
               "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"}}),
        json!({"@id": "./", "@type": "Dataset", "name": format!("Delivery {}", bag.delivery),
               "description": "Encrypted delivery to an analysis room", "datePublished": bag.date.to_string(),
               "license": "Use is governed by the permit",
               "identifier": bag.delivery.to_string(), "sourceOrganization": {"@id": "#source"},
               "hasPart": files.iter().map(|f| json!({"@id": f.name})).collect::<Vec<_>>(),
               "mentions": [{"@id": "#request"}, {"@id": "#sign-off"}, {"@id": "#validation"}, {"@id": "#disclosure"}]}),
        json!({"@id": "#source", "@type": "Organization", "name": bag.source}),
    ];
    for (id, name) in [
        ("#request", "Request: permit series"),
        ("#sign-off", "Sign-off: signed permit"),
        ("#validation", "Validation: minimisation at the source"),
        ("#disclosure", "Disclosure: sealed for the room's intake"),
    ] {
        graph.push(json!({"@id": id, "@type": "AssessAction", "name": format!("{name} {}", bag.series),
                          "agent": {"@id": "#source"}, "endTime": bag.date.to_string()}));
    }
    for file in files {
        graph.push(json!({"@id": file.name, "@type": "File", "contentSize": file.bytes.to_string(),
                          "encodingFormat": "application/octet-stream", "sha256": file.sha256.as_str()}));
    }
    json!({"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph})
}

/// A package whose outside was verified: signature and digests (DEL-120, DEL-121), receipt of the ledger (DEL-123).
#[derive(Clone, Debug)]
pub(crate) struct Outside {
    pub manifest: Manifest,
    pub envelope: Envelope,
}

impl Outside {
    /// Digest of the signed payload: what the next delivery's manifest names.
    pub fn digest(&self) -> Digest {
        Digest::sha256(&self.envelope.payload.0)
    }
}

/// Checks everything about a package that needs no key: by itself, offline (DEL-061).
pub(crate) fn verify_outside(dir: &Path, directory: &Directory) -> Result<Outside, DeliveryError> {
    let rejected = DeliveryError::Rejected;
    let bytes = fs::read(dir.join(MANIFEST)).map_err(|_| rejected("missing_file"))?;
    let by_code = |e: protocol::dsse::DsseError| match e {
        protocol::dsse::DsseError::UnknownKey => rejected("unknown_key"),
        _ => rejected("bad_signature"),
    };
    let envelope = Envelope::parse(&bytes).map_err(by_code)?;
    let manifest: Manifest = envelope.open(directory).map_err(by_code)?;
    let signed_by_source = envelope.signatures.iter().all(|s| {
        let party = directory.party_of(&s.keyid, &[protocol::KeyRole::Source]);
        party.is_some_and(|p| p.speaks_for(&manifest.source))
    });
    if !signed_by_source || manifest.manifest_version != 1 {
        return Err(rejected("unknown_key"));
    }
    if manifest.files.iter().all(|f| f.name != INNER) {
        return Err(rejected("missing_file"));
    }
    for file in &manifest.files {
        verify_file(dir, file)?;
    }
    let receipt: protocol::documents::Receipt =
        manifest.ledger_receipt.open(directory).map_err(|_| rejected("no_ledger_receipt"))?;
    let by_ledger = manifest
        .ledger_receipt
        .signatures
        .iter()
        .all(|s| directory.party_of(&s.keyid, &[protocol::KeyRole::Ledger]).is_some());
    let same = receipt.kind == protocol::documents::ReceiptKind::Ledger
        && receipt.delivery_id == manifest.delivery_id
        && receipt.release_id == Some(manifest.ledger_release_id)
        && receipt.person_root.as_ref() == Some(&manifest.person_root)
        && receipt.source == manifest.source
        && receipt.series == manifest.series;
    if !by_ledger || !same {
        return Err(rejected("no_ledger_receipt"));
    }
    Ok(Outside { manifest, envelope })
}

fn verify_file(dir: &Path, file: &ManifestFile) -> Result<(), DeliveryError> {
    let rejected = DeliveryError::Rejected;
    if !is_object_name(&file.name) {
        return Err(rejected("missing_file"));
    }
    let mut input = File::open(dir.join(&file.name)).map_err(|_| rejected("missing_file"))?;
    if input.metadata().map_err(DeliveryError::file(&file.name))?.len() != file.bytes {
        return Err(rejected("digest_mismatch"));
    }
    let (mut sha256, mut blake3) = (Sha256::new(), blake3::Hasher::new());
    let mut buffer = vec![0u8; 1 << 20];
    loop {
        let n = input.read(&mut buffer).map_err(DeliveryError::file(&file.name))?;
        if n == 0 {
            break;
        }
        sha256.update(&buffer[..n]);
        blake3.update(&buffer[..n]);
    }
    let same = Digest::from_sha256(sha256.finalize().into()) == file.sha256
        && Digest::from_blake3(*blake3.finalize().as_bytes()) == file.blake3;
    if same { Ok(()) } else { Err(rejected("digest_mismatch")) }
}

/// The papers of the first object.
pub(crate) struct Inside {
    pub inner: InnerManifest,
    pub order: Envelope,
    pub codebook: Codebook,
    pub readme: String,
}

/// Opens the first object and checks it against the outer manifest (DEL-124, first half).
pub(crate) fn open_inside(dir: &Path, outside: &Outside, secret: &[u8; 32]) -> Result<Inside, DeliveryError> {
    let bad = || DeliveryError::Rejected("schema_mismatch");
    let tar = decrypt(dir, INNER, secret)?;
    let mut files = std::collections::BTreeMap::new();
    for entry in tar::Archive::new(tar.as_slice()).entries().map_err(|_| bad())? {
        let mut entry = entry.map_err(|_| bad())?;
        let name = entry.path().map_err(|_| bad())?.to_string_lossy().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(|_| bad())?;
        files.insert(name, bytes);
    }
    let mut take = |name: &str| files.remove(name).ok_or_else(bad);
    let inner_bytes = take("inner.json")?;
    let codebook_bytes = take("codebook.json")?;
    let inner: InnerManifest = serde_json::from_slice(&inner_bytes).map_err(|_| bad())?;
    if Digest::sha256(&inner_bytes) != outside.manifest.inner_sha256
        || Digest::sha256(&codebook_bytes) != inner.codebook_sha256
    {
        return Err(DeliveryError::Rejected("digest_mismatch"));
    }
    Ok(Inside {
        inner,
        order: Envelope::parse(&take("order.dsse.json")?).map_err(|_| bad())?,
        codebook: serde_json::from_slice(&codebook_bytes).map_err(|_| bad())?,
        readme: String::from_utf8(take("README.txt")?).map_err(|_| bad())?,
    })
}

/// The content of an object, without padding, checked against the inner manifest.
pub(crate) fn open_file(dir: &Path, file: &InnerFile, secret: &[u8; 32]) -> Result<Vec<u8>, DeliveryError> {
    let mut plain = decrypt(dir, &file.name, secret)?;
    let length = usize::try_from(file.plain_bytes).unwrap_or(usize::MAX);
    if length > plain.len() {
        return Err(DeliveryError::Rejected("digest_mismatch"));
    }
    plain.truncate(length);
    if Digest::sha256(&plain) != file.plain_sha256 {
        return Err(DeliveryError::Rejected("digest_mismatch"));
    }
    Ok(plain)
}

fn decrypt(dir: &Path, name: &str, secret: &[u8; 32]) -> Result<Vec<u8>, DeliveryError> {
    if !is_object_name(name) {
        return Err(DeliveryError::Rejected("missing_file"));
    }
    let file = File::open(dir.join(name)).map_err(|_| DeliveryError::Rejected("missing_file"))?;
    let failed = |_: crypt4gh::Crypt4ghError| DeliveryError::Rejected("decrypt_failed");
    let mut plain = Vec::new();
    crypt4gh::Reader::new(std::io::BufReader::new(file), secret)
        .map_err(failed)?
        .take(MAX_PLAIN)
        .read_to_end(&mut plain)
        .map_err(|e| failed(e.into()))?;
    Ok(plain)
}

/// The day of an instant in UTC, for the outside of the bag.
pub(crate) fn day(at: Timestamp) -> Date {
    at.date()
}
