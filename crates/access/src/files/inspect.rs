//! The built-in checks of a file (ACC-026): true kind, macros, files inside files, encryption, the EICAR test text, and
//! places that look like identity numbers. What it is not: a malware scanner, which is asked over its socket.

use unpack::{Archive, Fault, pdf};

use super::kind::{Content, FileKind, clean_name, content};
use super::text::{Reading, of_text, of_xml};
use super::{MAX_FILE, Place, Refusal};

/// What is known of a file that is taken.
#[derive(Clone, PartialEq, Debug)]
pub struct Inspection {
    /// Name without folders and control characters.
    pub name: String,
    /// Kind.
    pub kind: FileKind,
    /// Places that look like identity numbers: the file waits until somebody says that they are none.
    pub places: Vec<Place>,
}

/// Names in a PDF that run something or carry files.
const ACTIVE: &[(&[u8], Refusal)] = &[
    (b"/Encrypt", Refusal::Encrypted),
    (b"/JavaScript", Refusal::Macros),
    (b"/Launch", Refusal::Macros),
    (b"/RichMedia", Refusal::Macros),
    (b"/EmbeddedFile", Refusal::Archive),
];

/// The test text of the anti-malware industry, in two parts so that this file is not taken for it.
const TEST_TEXT: [&str; 2] = ["X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD", "-ANTIVIRUS-TEST-FILE!$H+H*"];

/// Judges a file by its name and content.
///
/// # Errors
/// Why it is not taken.
pub fn inspect(name: &str, bytes: &[u8]) -> Result<Inspection, Refusal> {
    let name = clean_name(name)?;
    let kind = FileKind::of_name(&name)?;
    if bytes.is_empty() {
        return Err(Refusal::Empty);
    }
    if bytes.len() > MAX_FILE {
        return Err(Refusal::TooLarge);
    }
    no_test_text(bytes)?;
    let mut reading = Reading::default();
    match (kind, content(bytes)) {
        (_, Content::Compound) if has_wide(bytes, "EncryptedPackage") => return Err(Refusal::Encrypted),
        (_, Content::Compound) => return Err(Refusal::LegacyOffice),
        (_, Content::Foreign) => return Err(Refusal::Archive),
        (FileKind::Pdf, Content::Pdf) => document(bytes, &mut reading)?,
        (FileKind::Docx | FileKind::Xlsx | FileKind::Odt | FileKind::Ods, Content::Zip) => {
            package(kind, bytes, &mut reading)?;
        }
        (FileKind::Txt | FileKind::Csv, Content::Other) => of_text(kind, bytes, &mut reading)?,
        (FileKind::Png, Content::Png) | (FileKind::Jpg, Content::Jpg) => {}
        _ => return Err(Refusal::OtherThanNamed),
    }
    Ok(Inspection { name, kind, places: reading.places })
}

fn no_test_text(bytes: &[u8]) -> Result<(), Refusal> {
    let text = TEST_TEXT.concat();
    let found = bytes.windows(text.len()).any(|w| w[0] == b'X' && w == text.as_bytes());
    if found { Err(Refusal::TestText) } else { Ok(()) }
}

fn has_wide(bytes: &[u8], word: &str) -> bool {
    let wide: Vec<u8> = word.encode_utf16().flat_map(u16::to_le_bytes).collect();
    bytes.windows(wide.len()).any(|w| w == wide)
}

fn document(bytes: &[u8], reading: &mut Reading) -> Result<(), Refusal> {
    let mut active = None;
    let mut infected = false;
    pdf::parts(bytes, &mut |part| {
        active = active.or(ACTIVE.iter().find(|(name, _)| pdf::has_name(part, name)).map(|(_, refusal)| *refusal));
        infected |= no_test_text(part).is_err();
        reading.text("", &pdf::strings(part));
    });
    match active {
        _ if infected => Err(Refusal::TestText),
        Some(refusal) => Err(refusal),
        None => Ok(()),
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Unreadable => Refusal::Unreadable,
            Fault::Unsafe => Refusal::Archive,
            Fault::Encrypted => Refusal::Encrypted,
        }
    }
}

/// The member that makes an archive a document of this kind.
fn principal(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Docx => "word/document.xml",
        FileKind::Xlsx => "xl/workbook.xml",
        _ => "content.xml",
    }
}

/// A document that is a package of parts.
fn package(kind: FileKind, bytes: &[u8], reading: &mut Reading) -> Result<(), Refusal> {
    let mut archive = Archive::open(bytes)?;
    if archive.padded {
        return Err(Refusal::Unreadable);
    }
    if !archive.members.iter().any(|member| member.name == principal(kind)) {
        return Err(Refusal::OtherThanNamed);
    }
    if matches!(kind, FileKind::Odt | FileKind::Ods) {
        let said = archive.named("mimetype")?.unwrap_or_default();
        if said != kind.media_type().as_bytes() {
            return Err(Refusal::OtherThanNamed);
        }
    }
    for member in archive.members.clone() {
        let name = member.name.to_lowercase();
        if runs(&name) {
            return Err(Refusal::Macros);
        }
        if [".zip", ".7z", ".rar", ".gz", ".exe", ".dll", ".js", ".vbs", ".hta", ".lnk", ".jar"]
            .iter()
            .any(|ending| name.ends_with(ending))
        {
            return Err(Refusal::Archive);
        }
        let part = archive.unpack(&member)?;
        no_test_text(&part)?;
        if name == "[content_types].xml" && contains(&part, b"macroEnabled") {
            return Err(Refusal::Macros);
        }
        if name == "meta-inf/manifest.xml" && contains(&part, b"encryption-data") {
            return Err(Refusal::Encrypted);
        }
        if name.ends_with(".xml") {
            reading.text(&member.name, &of_xml(&part));
        }
    }
    Ok(())
}

/// Members that hold macros, controls or objects of programs.
fn runs(name: &str) -> bool {
    let oleobject = name.contains("embeddings/") && name.ends_with(".bin");
    name.ends_with("vbaproject.bin")
        || name.contains("activex/")
        || name.starts_with("basic/")
        || name.starts_with("scripts/")
        || oleobject
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|w| w == word)
}
