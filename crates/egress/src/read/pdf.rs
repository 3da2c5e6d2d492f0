//! PDF documents: what they can do (scripts, attachments, actions) and the texts that can be read without their fonts. A
//! machine reads a PDF in part only, so that a human always does too.

use std::io::Read as _;

use flate2::read::ZlibDecoder;

use super::Contents;
use crate::reason::Reason;

/// At most so many bytes are unpacked of one document.
const MAX_UNPACKED: usize = 100 << 20;
/// At most so many streams.
const MAX_STREAMS: usize = 20_000;

/// Names in the structure, and what they tell.
const NAMES: &[(&[u8], Reason)] = &[
    (b"/JavaScript", Reason::Script),
    (b"/JS", Reason::Script),
    (b"/Launch", Reason::Script),
    (b"/XFA", Reason::Script),
    (b"/EmbeddedFile", Reason::Embedded),
    (b"/RichMedia", Reason::Embedded),
    (b"/GoToR", Reason::External),
    (b"/SubmitForm", Reason::External),
    (b"/ImportData", Reason::External),
    (b"/Encrypt", Reason::Encrypted),
    (b"/Annots", Reason::HiddenContent),
    (b"/OCProperties", Reason::HiddenContent),
];

pub(crate) fn read(bytes: &[u8], contents: &mut Contents) {
    contents.found(Reason::Pdf);
    structure(bytes, contents);
    strings(bytes, contents);
    let (mut at, mut left, mut streams) = (0, MAX_UNPACKED, 0);
    while let Some(start) = find(bytes.get(at..).unwrap_or_default(), b"stream").map(|s| s + at + 6) {
        at = start;
        // `endstream` has the word in it too.
        if bytes[..start].ends_with(b"endstream") {
            continue;
        }
        streams += 1;
        if streams > MAX_STREAMS || left == 0 {
            return contents.found(Reason::Unreadable);
        }
        let data =
            bytes[start..].strip_prefix(b"\r\n").or(bytes[start..].strip_prefix(b"\n")).unwrap_or(&bytes[start..]);
        let data = &data[..find(data, b"endstream").unwrap_or(data.len())];
        at += data.len();
        let mut out = Vec::new();
        // What is no packed stream (a picture, a font of another kind) gives nothing here.
        let read = ZlibDecoder::new(data).take(left as u64).read_to_end(&mut out);
        left = left.saturating_sub(out.len());
        if read.is_ok() && !out.is_empty() {
            structure(&out, contents);
            strings(&out, contents);
        }
    }
    if !bytes.windows(5).rev().take(2_048).any(|w| w == b"%%EOF") {
        contents.found(Reason::Unreadable);
    }
}

fn find(bytes: &[u8], word: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(start) = bytes[at..].iter().position(|b| *b == word[0]).map(|s| s + at) {
        if bytes[start..].starts_with(word) {
            return Some(start);
        }
        at = start + 1;
    }
    None
}

fn structure(bytes: &[u8], contents: &mut Contents) {
    for at in bytes.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(at, _)| at) {
        for (name, reason) in NAMES {
            let ends = bytes.get(at + name.len()).is_none_or(|b| !b.is_ascii_alphanumeric());
            let plural = *name == b"/EmbeddedFile" && bytes.get(at + name.len()) == Some(&b's');
            if bytes[at..].starts_with(name)
                && (ends || plural)
                && !contents.findings.iter().any(|f| f.reason == *reason)
            {
                contents.found(*reason);
            }
        }
    }
}

/// The strings in parentheses; those of one array follow each other as on the page.
fn strings(bytes: &[u8], contents: &mut Contents) {
    let (mut text, mut depth, mut escaped) = (String::new(), 0usize, false);
    for b in bytes {
        match b {
            _ if escaped => escaped = false,
            b'\\' if depth > 0 => escaped = true,
            b'(' => depth += 1,
            b')' if depth > 0 => depth -= 1,
            b'\n' | b'T' if depth == 0 && !text.ends_with('\n') => text.push('\n'),
            _ if depth > 0 => text.push(char::from(*b)),
            _ => {}
        }
    }
    if text.bytes().any(|b| b.is_ascii_digit()) {
        contents.texts.push(text);
    }
}
