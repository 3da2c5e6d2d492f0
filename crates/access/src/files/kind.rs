//! Which files an application takes (ACC-026), told by their content first and their name second.

use serde::{Deserialize, Serialize};

use super::Refusal;

/// A kind of file that is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// PDF document.
    Pdf,
    /// Word document.
    Docx,
    /// Excel workbook.
    Xlsx,
    /// OpenDocument text.
    Odt,
    /// OpenDocument spreadsheet.
    Ods,
    /// Plain text.
    Txt,
    /// Delimited text.
    Csv,
    /// PNG picture.
    Png,
    /// JPEG picture.
    Jpg,
}

/// What the first bytes say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Content {
    Pdf,
    Zip,
    Png,
    Jpg,
    /// Office documents before 2007, and encrypted ones of all years.
    Compound,
    /// Packed or executable files of other kinds.
    Foreign,
    /// None of these.
    Other,
}

const MAGIC: &[(&[u8], Content)] = &[
    (b"%PDF-", Content::Pdf),
    (b"PK\x03\x04", Content::Zip),
    (b"\x89PNG\r\n\x1a\n", Content::Png),
    (b"\xff\xd8\xff", Content::Jpg),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Content::Compound),
    (b"PK\x05\x06", Content::Foreign),
    (b"\x1f\x8b", Content::Foreign),
    (b"BZh", Content::Foreign),
    (b"\xfd7zXZ", Content::Foreign),
    (b"7z\xbc\xaf", Content::Foreign),
    (b"\x28\xb5\x2f\xfd", Content::Foreign),
    (b"Rar!", Content::Foreign),
    (b"MZ", Content::Foreign),
    (b"\x7fELF", Content::Foreign),
    (b"#!", Content::Foreign),
];

pub(super) fn content(bytes: &[u8]) -> Content {
    MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)).map_or(Content::Other, |(_, content)| *content)
}

impl FileKind {
    /// Every kind, in the order in which they are named to people.
    pub const ALL: [FileKind; 9] = [
        FileKind::Pdf,
        FileKind::Docx,
        FileKind::Xlsx,
        FileKind::Odt,
        FileKind::Ods,
        FileKind::Txt,
        FileKind::Csv,
        FileKind::Png,
        FileKind::Jpg,
    ];

    /// The usual ending, which is also the name in interfaces.
    pub const fn slug(self) -> &'static str {
        match self {
            FileKind::Pdf => "pdf",
            FileKind::Docx => "docx",
            FileKind::Xlsx => "xlsx",
            FileKind::Odt => "odt",
            FileKind::Ods => "ods",
            FileKind::Txt => "txt",
            FileKind::Csv => "csv",
            FileKind::Png => "png",
            FileKind::Jpg => "jpg",
        }
    }

    /// The media type that a download is sent with.
    pub const fn media_type(self) -> &'static str {
        match self {
            FileKind::Pdf => "application/pdf",
            FileKind::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            FileKind::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            FileKind::Odt => "application/vnd.oasis.opendocument.text",
            FileKind::Ods => "application/vnd.oasis.opendocument.spreadsheet",
            FileKind::Txt => "text/plain; charset=utf-8",
            FileKind::Csv => "text/csv; charset=utf-8",
            FileKind::Png => "image/png",
            FileKind::Jpg => "image/jpeg",
        }
    }

    /// The kind that a name promises.
    ///
    /// # Errors
    /// Other kinds; documents of Office before 2007 have a refusal of their own.
    pub fn of_name(name: &str) -> Result<Self, Refusal> {
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase()).unwrap_or_default();
        match ending.as_str() {
            "jpeg" => return Ok(FileKind::Jpg),
            "doc" | "xls" | "ppt" | "dot" | "xlt" => return Err(Refusal::LegacyOffice),
            "docm" | "xlsm" | "dotm" | "xltm" | "xlsb" => return Err(Refusal::Macros),
            "zip" | "7z" | "rar" | "gz" | "tar" | "tgz" => return Err(Refusal::Archive),
            _ => {}
        }
        Self::ALL.into_iter().find(|kind| kind.slug() == ending).ok_or(Refusal::Kind)
    }
}

/// A name without folders, control characters and marks that turn the direction of writing, at most 120 characters.
///
/// # Errors
/// Nothing is left, or the name holds an identity number.
pub fn clean_name(name: &str) -> Result<String, Refusal> {
    const MOST: usize = 120;
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let turns =
        |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    let kept: String = last.chars().filter(|c| !c.is_control() && !turns(*c)).collect();
    let kept = kept.trim().trim_start_matches('.');
    if kept.is_empty() {
        return Err(Refusal::Name);
    }
    if crate::service::holds_identity_number(kept) {
        return Err(Refusal::NumberInName);
    }
    let length = kept.chars().count();
    if length <= MOST {
        return Ok(kept.to_owned());
    }
    // The ending stays, so that the kind is still told.
    let (stem, ending) = kept.rsplit_once('.').unwrap_or((kept, ""));
    let ending: String = ending.chars().take(8).collect();
    let stem: String = stem.chars().take(MOST - 1 - ending.chars().count()).collect();
    Ok(format!("{stem}.{ending}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cleaned_and_kinds_are_told() {
        assert_eq!(clean_name("C:\\temp\\plan\u{202e}.pdf").unwrap(), "plan.pdf");
        assert_eq!(clean_name("../../etc/passwd").unwrap(), "passwd");
        assert_eq!(clean_name("..."), Err(Refusal::Name));
        let long = clean_name(&format!("{}.docx", "å".repeat(300))).unwrap();
        assert!(long.ends_with(".docx") && long.chars().count() == 120);
        let number = kernel::identity_number::IdentityNumber::synthetic(10, 11, 55, 967).unwrap();
        assert_eq!(clean_name(&format!("samtykke {}.pdf", number.reveal())), Err(Refusal::NumberInName));
        assert_eq!(FileKind::of_name("Plan.PDF"), Ok(FileKind::Pdf));
        assert_eq!(FileKind::of_name("bilde.jpeg"), Ok(FileKind::Jpg));
        assert_eq!(FileKind::of_name("gammel.doc"), Err(Refusal::LegacyOffice));
        assert_eq!(FileKind::of_name("ny.docm"), Err(Refusal::Macros));
        assert_eq!(FileKind::of_name("uten"), Err(Refusal::Kind));
    }
}
