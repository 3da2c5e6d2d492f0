//! PDF documents, as far as they can be read without their fonts: the parts of the file with its packed streams unpacked, the
//! names in them and the texts in parentheses.

use std::io::Read as _;

use flate2::read::ZlibDecoder;

/// At most so many bytes are unpacked of one document.
const MAX_UNPACKED: usize = 100 << 20;
/// At most so many streams.
const MAX_STREAMS: usize = 20_000;
/// How far from its end a document says that it ends.
const TAIL: usize = 2_048;

/// Hands the document and then each stream that could be unpacked to `visit`. True when the document was read to its end
/// within bounds.
pub fn parts(bytes: &[u8], visit: &mut dyn FnMut(&[u8])) -> bool {
    visit(bytes);
    let (mut at, mut left, mut streams) = (0, MAX_UNPACKED, 0);
    while let Some(start) = find(bytes.get(at..).unwrap_or_default(), b"stream").map(|s| s + at + 6) {
        at = start;
        // `endstream` has the word in it too.
        if bytes[..start].ends_with(b"endstream") {
            continue;
        }
        streams += 1;
        if streams > MAX_STREAMS || left == 0 {
            return false;
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
            visit(&out);
        }
    }
    bytes.windows(5).rev().take(TAIL).any(|w| w == b"%%EOF")
}

/// Whether a part has this name, e.g. `/Encrypt`; a longer name that only begins like it does not count.
pub fn has_name(part: &[u8], name: &[u8]) -> bool {
    let mut at = 0;
    while let Some(found) = find(part.get(at..).unwrap_or_default(), name).map(|s| s + at) {
        at = found + name.len();
        if part.get(at).is_none_or(|b| !b.is_ascii_alphanumeric()) {
            return true;
        }
    }
    false
}

/// The texts in parentheses of a part; those of one array follow each other as on the page, others begin a line.
pub fn strings(part: &[u8]) -> String {
    let (mut text, mut depth, mut escaped) = (String::new(), 0usize, false);
    for b in part {
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
    text
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_whole_and_texts_of_one_array_follow_each_other() {
        assert!(has_name(b"<< /Encrypt 5 0 R >>", b"/Encrypt") && has_name(b"/JS", b"/JS"));
        assert!(!has_name(b"<< /Encryption true >>", b"/Encrypt"));
        assert_eq!(strings(b"BT [(01) -250 (02)] TJ ET\n(x \\) y) Tj"), "\n0102\nx  y\n");
    }

    proptest! {
        #[test]
        fn whatever_the_bytes_there_is_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let mut seen = 0;
            parts(&bytes, &mut |part| seen += strings(part).len());
            prop_assert!(seen <= bytes.len() * 3);
        }
    }
}
