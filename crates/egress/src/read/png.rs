//! PNG pictures: decoded within bounds and written again from their points alone (SDC-301), so that no text, profile,
//! second picture or byte behind the end goes along. What was left out is told, and texts in it are searched.

use std::io::Cursor;

use png::{BitDepth, ColorType, Decoder, Encoder, Limits, Transformations};

use super::Contents;
use crate::reason::Reason;

/// At most so many bytes of points.
const MAX_POINTS: usize = 128 << 20;
/// At most so many bytes of text are unpacked of one picture.
const MAX_TEXT: u64 = 16 << 20;
/// Chunks that a picture needs, and what tells how large and how bright a point is.
const PLAIN: &[&[u8; 4]] =
    &[b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"pHYs", b"sBIT", b"bKGD"];

pub(crate) fn read(bytes: &[u8], contents: &mut Contents) {
    contents.found(Reason::Image);
    chunks(bytes, contents);
    match again(bytes) {
        Some(clean) => contents.reencoded = Some(clean),
        None => contents.found(Reason::Unreadable),
    }
}

/// Walks over the chunks: those that are no part of the picture, and what stands behind its end.
fn chunks(bytes: &[u8], contents: &mut Contents) {
    let (mut at, mut left) = (8, MAX_TEXT);
    while let Some(head) = bytes.get(at..at + 8) {
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let data = bytes.get(at + 8..(at + 8).saturating_add(length)).unwrap_or_default();
        if !PLAIN.iter().any(|kind| kind[..] == head[4..8]) {
            contents.found(Reason::Metadata);
            let text = inflated(&head[4..8], data, left).unwrap_or_else(|| data.to_vec());
            left = left.saturating_sub(text.len() as u64);
            contents.texts.push(text.iter().map(|b| char::from(*b)).collect());
        }
        at = at.saturating_add(12).saturating_add(length);
        if &head[4..8] == b"IEND" {
            if at < bytes.len() {
                contents.found(Reason::Trailing);
            }
            return;
        }
    }
    contents.found(Reason::Unreadable);
}

/// The text of a packed text chunk.
fn inflated(kind: &[u8], data: &[u8], limit: u64) -> Option<Vec<u8>> {
    use std::io::Read as _;
    if !matches!(kind, b"zTXt" | b"iTXt") {
        return None;
    }
    // The packed part begins somewhere behind the keyword: where a stream of zlib can begin.
    let start =
        data.windows(2).position(|w| w[0] == 0x78 && (u16::from(w[0]) * 256 + u16::from(w[1])).is_multiple_of(31))?;
    let mut out = data[..start].to_vec();
    flate2::read::ZlibDecoder::new(&data[start..]).take(limit).read_to_end(&mut out).ok()?;
    Some(out)
}

/// The picture from its points, without anything else.
fn again(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: MAX_POINTS });
    decoder.set_transformations(Transformations::EXPAND);
    decoder.set_ignore_text_chunk(true);
    let mut reader = decoder.read_info().ok()?;
    let size = reader.output_buffer_size().filter(|size| *size <= MAX_POINTS)?;
    let mut points = vec![0; size];
    let frame = reader.next_frame(&mut points).ok()?;
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, frame.width, frame.height);
    encoder.set_color(frame.color_type);
    encoder.set_depth(frame.bit_depth);
    if frame.color_type == ColorType::Indexed || (frame.bit_depth as u8) < BitDepth::Eight as u8 {
        return None;
    }
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(points.get(..frame.buffer_size())?).ok()?;
    writer.finish().ok()?;
    Some(out)
}
