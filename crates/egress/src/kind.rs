//! What a file is, by its content first and its name second (SDC-301): the list of what may leave, what is blocked by name,
//! and files that are something else than they are called.

use serde::Serialize;

use crate::reason::Reason;

/// What a file is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Delimited text: comma, semicolon, bar.
    Csv,
    /// Text with tabulators.
    Tsv,
    /// Workbook.
    Xlsx,
    /// Apache Parquet.
    Parquet,
    /// JSON, JSON lines, notebooks.
    Json,
    /// Plain text.
    Text,
    /// Markdown.
    Markdown,
    /// A page.
    Html,
    /// PNG picture.
    Png,
    /// PDF document.
    Pdf,
    /// Code.
    Code,
    /// ZIP archive.
    Archive,
    /// A released document of the gate, or a file made from one.
    Released,
    /// SVG picture.
    Svg,
    /// The file of a trained model.
    Model,
    /// Blocked by name: pickle, rds, h5, gph and their like.
    Blocked,
    /// Not on the list.
    Other,
}

/// What the content says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Content {
    Zip,
    Is(Kind),
    Text,
    Binary,
}

/// Starts of binary files.
const MAGIC: &[(&[u8], Content)] = &[
    (b"PK\x03\x04", Content::Zip),
    (b"PK\x05\x06", Content::Zip),
    (b"PAR1", Content::Is(Kind::Parquet)),
    (b"\x89PNG\r\n\x1a\n", Content::Is(Kind::Png)),
    (b"%PDF-", Content::Is(Kind::Pdf)),
    // HDF5, R data plain and packed, NumPy, old Office, SQLite.
    (b"\x89HDF\r\n\x1a\n", Content::Is(Kind::Blocked)),
    (b"RDX", Content::Is(Kind::Blocked)),
    (b"RDA", Content::Is(Kind::Blocked)),
    (b"RDS", Content::Is(Kind::Blocked)),
    (b"X\n\0\0\0", Content::Is(Kind::Blocked)),
    (b"A\n2\n", Content::Is(Kind::Blocked)),
    (b"A\n3\n", Content::Is(Kind::Blocked)),
    (b"\x93NUMPY", Content::Is(Kind::Blocked)),
    (b"\xd0\xcf\x11\xe0", Content::Is(Kind::Blocked)),
    (b"GGUF", Content::Is(Kind::Model)),
    // Gzip (also rds), bzip2, xz, 7z, zstd, rar.
    (b"\x1f\x8b", Content::Is(Kind::Other)),
    (b"BZh", Content::Is(Kind::Other)),
    (b"\xfd7zXZ", Content::Is(Kind::Other)),
    (b"7z\xbc\xaf", Content::Is(Kind::Other)),
    (b"\x28\xb5\x2f\xfd", Content::Is(Kind::Other)),
    (b"Rar!", Content::Is(Kind::Other)),
];

/// Endings that are blocked, whatever the content.
const BLOCKED: &[&str] = &[
    "svg", "svgz", "gph", "rds", "rda", "rdata", "pkl", "pickle", "joblib", "h5", "hdf5", "hdf", "npy", "npz", "xlsm",
    "xlsb", "xls", "xltm", "docm", "pptm", "dta", "sav", "sas7bdat", "feather", "arrow", "sqlite", "db", "duckdb",
    "exe", "dll", "so", "jar", "msi", "bat", "cmd", "lnk", "fig",
];
/// Endings of models.
const MODELS: &[&str] =
    &["onnx", "safetensors", "pt", "pth", "ckpt", "keras", "tflite", "pb", "pmml", "gguf", "bin", "ubj"];
/// Endings of code.
const CODE: &[&str] = &[
    "r",
    "rmd",
    "qmd",
    "py",
    "do",
    "ado",
    "sas",
    "sps",
    "sql",
    "jl",
    "m",
    "rs",
    "sh",
    "ps1",
    "js",
    "ts",
    "java",
    "scala",
    "cpp",
    "c",
    "h",
    "mdata",
    "stan",
    "bugs",
    "yaml",
    "yml",
    "toml",
    "ini",
    "tex",
    "bib",
    "rproj",
    "dockerfile",
    "makefile",
];

/// The ending of a name, lower case.
pub(crate) fn ending(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
    last.rsplit_once('.').map(|(_, e)| e.to_lowercase()).unwrap_or_default()
}

/// What a file is, and what speaks against it already.
pub(crate) fn tell(name: &str, bytes: &[u8]) -> (Kind, Option<Reason>) {
    let ending = ending(name);
    let content = content(bytes);
    if BLOCKED.contains(&ending.as_str()) {
        let kind = if ending == "svg" && content == Content::Text { Kind::Svg } else { Kind::Blocked };
        return (kind, Some(Reason::Blocked));
    }
    let kind = match content {
        Content::Is(kind) => kind,
        Content::Zip if ending == "xlsx" => Kind::Xlsx,
        Content::Zip if ending == "zip" => Kind::Archive,
        Content::Zip if MODELS.contains(&ending.as_str()) => Kind::Blocked,
        Content::Zip => return (Kind::Archive, Some(Reason::OtherThanNamed)),
        Content::Text => text_kind(&ending, bytes),
        Content::Binary if is_pickle(bytes) => Kind::Blocked,
        Content::Binary if MODELS.contains(&ending.as_str()) || is_safetensors(bytes) => Kind::Model,
        Content::Binary => Kind::Other,
    };
    let wrong = named_kind(&ending).is_some_and(|named| !agree(named, kind));
    let reason = match kind {
        Kind::Blocked | Kind::Svg => Some(Reason::Blocked),
        Kind::Other if named_kind(&ending).is_some() => Some(Reason::OtherThanNamed),
        Kind::Other => Some(Reason::NotListed),
        _ if wrong => Some(Reason::OtherThanNamed),
        _ => None,
    };
    (kind, reason)
}

/// What an ending promises, where it promises something.
fn named_kind(ending: &str) -> Option<Kind> {
    Some(match ending {
        "csv" => Kind::Csv,
        "tsv" | "tab" => Kind::Tsv,
        "xlsx" => Kind::Xlsx,
        "parquet" => Kind::Parquet,
        "json" | "jsonl" | "ndjson" | "ipynb" => Kind::Json,
        "txt" | "log" | "text" => Kind::Text,
        "md" => Kind::Markdown,
        "html" | "htm" => Kind::Html,
        "png" => Kind::Png,
        "pdf" => Kind::Pdf,
        "zip" => Kind::Archive,
        e if CODE.contains(&e) => Kind::Code,
        _ => return None,
    })
}

fn agree(named: Kind, found: Kind) -> bool {
    let text = |k| matches!(k, Kind::Csv | Kind::Tsv | Kind::Text | Kind::Markdown | Kind::Code);
    named == found || (text(named) && text(found))
}

fn content(bytes: &[u8]) -> Content {
    if let Some((_, content)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return *content;
    }
    if decode(bytes).is_some() { Content::Text } else { Content::Binary }
}

fn text_kind(ending: &str, bytes: &[u8]) -> Kind {
    let start = decode(&bytes[..bytes.len().min(4096)]).unwrap_or_default();
    let start = start.trim_start_matches('\u{feff}').trim_start().to_lowercase();
    if start.starts_with("<svg")
        || (start.starts_with("<?xml") && start.contains("<svg"))
        || start.starts_with("<!doctype svg")
    {
        return Kind::Svg;
    }
    if start.contains("<pmml") && start.starts_with('<') {
        return Kind::Model;
    }
    // Pickle of protocol 0 is plain text.
    if start.starts_with("(dp0")
        || start.starts_with("(lp0")
        || start.starts_with("cnumpy")
        || start.starts_with("ccopy_reg")
    {
        return Kind::Blocked;
    }
    if start.starts_with("<!doctype html") || start.starts_with("<html") {
        return Kind::Html;
    }
    match named_kind(ending) {
        Some(kind @ (Kind::Csv | Kind::Tsv | Kind::Text | Kind::Markdown | Kind::Code | Kind::Json | Kind::Html)) => {
            kind
        }
        Some(_) => Kind::Text,
        None if MODELS.contains(&ending) => Kind::Model,
        None if start.starts_with('{') || start.starts_with('[') => Kind::Json,
        None => Kind::Text,
    }
}

/// The pickle protocols 2 to 5: a mark, the protocol, and a full stop at the end.
fn is_pickle(bytes: &[u8]) -> bool {
    matches!(bytes, [0x80, 2..=5, .., b'.'])
}

/// A header of JSON behind its length.
fn is_safetensors(bytes: &[u8]) -> bool {
    bytes.len() > 9 && bytes[8] == b'{' && bytes[3..8].iter().all(|b| *b == 0)
}

/// The text of a file: UTF-8, UTF-16 with its mark, else Windows-1252 as Norwegian files have it. None when it is no text.
pub(crate) fn decode(bytes: &[u8]) -> Option<String> {
    let utf16 = |of: fn([u8; 2]) -> u16| {
        let units = bytes[2..].chunks_exact(2).map(|pair| of([pair[0], pair[1]]));
        char::decode_utf16(units).collect::<Result<String, _>>().ok()
    };
    match bytes {
        [0xff, 0xfe, ..] => return utf16(u16::from_le_bytes),
        [0xfe, 0xff, ..] => return utf16(u16::from_be_bytes),
        _ => {}
    }
    let control = |b: &u8| matches!(b, 0..=8 | 14..=26 | 28..=31);
    if bytes.iter().any(control) {
        return None;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text.to_owned()),
        // Cut in the middle of a character, as the start of a file may be.
        Err(e) if e.error_len().is_none() => Some(String::from_utf8_lossy(&bytes[..e.valid_up_to()]).into_owned()),
        // Many high bytes are no text of a Western language.
        Err(_) if bytes.iter().filter(|b| **b >= 0x80).count() * 2 > bytes.len() => None,
        Err(_) => Some(bytes.iter().map(|b| char::from(*b)).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SDC-301: content decides, and a name that promises something else is told.
    #[test]
    fn content_and_name_are_compared() {
        for (name, bytes, wanted) in [
            ("a.csv", &b"sex,n\nm,20\n"[..], (Kind::Csv, None)),
            ("a.csv", b"PK\x03\x04....", (Kind::Archive, Some(Reason::OtherThanNamed))),
            ("a.csv", b"\x80\x04\x95K.", (Kind::Blocked, Some(Reason::Blocked))),
            ("a.txt", b"<svg xmlns='x'></svg>", (Kind::Svg, Some(Reason::Blocked))),
            ("a.png", b"sex,n\n", (Kind::Text, Some(Reason::OtherThanNamed))),
            ("a.svg", b"<svg/>", (Kind::Svg, Some(Reason::Blocked))),
            ("a.rds", b"\x1f\x8b\x08", (Kind::Blocked, Some(Reason::Blocked))),
            ("a.gph", b"anything", (Kind::Blocked, Some(Reason::Blocked))),
            ("a.h5", b"\x89HDF\r\n\x1a\n", (Kind::Blocked, Some(Reason::Blocked))),
            ("model", b"(dp0\nS'a'\n", (Kind::Blocked, Some(Reason::Blocked))),
            ("a.jpg", b"\xff\xd8\xff\xe0\0\0", (Kind::Other, Some(Reason::NotListed))),
            ("a.csv", b"\xff\xd8\xff\xe0\0\0", (Kind::Other, Some(Reason::OtherThanNamed))),
            ("fit.R", b"lm(y ~ x)", (Kind::Code, None)),
            ("tabell", b"{\"a\": 1}", (Kind::Json, None)),
            ("w.safetensors", b"\x10\0\0\0\0\0\0\0{\"a\":1}\0\0", (Kind::Model, None)),
        ] {
            assert_eq!(tell(name, bytes), wanted, "{name}");
        }
    }

    #[test]
    fn texts_are_decoded_as_they_were_written() {
        assert_eq!(decode("år".as_bytes()).as_deref(), Some("år"));
        assert_eq!(decode(b"\xe5r").as_deref(), Some("år"));
        assert_eq!(decode(b"\xff\xfea\0b\0").as_deref(), Some("ab"));
        assert_eq!(decode(b"a\0b"), None);
    }
}
