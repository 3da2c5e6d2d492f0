//! Noto Sans as the letters use it: advance widths, and the part of the font file that a letter needs. PDF/A embeds every
//! font (ISO 19005-2, 6.2.11.4), so outlines that no text uses are emptied; glyph ids stay as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use ttf_parser::{Face, GlyphId, RawFace, Tag};

/// One weight of the typeface.
pub(super) struct Font {
    #[cfg(test)]
    bytes: &'static [u8],
    face: Face<'static>,
}

pub(super) static REGULAR: LazyLock<Font> = LazyLock::new(|| Font::new(notosans::REGULAR_TTF));
pub(super) static BOLD: LazyLock<Font> = LazyLock::new(|| Font::new(notosans::BOLD_TTF));

/// The weight.
pub(super) fn font(bold: bool) -> &'static Font {
    if bold { &BOLD } else { &REGULAR }
}

/// What a descriptor says of a font, in thousandths of the size.
pub(super) struct Metrics {
    pub ascent: f32,
    pub descent: f32,
    pub cap_height: f32,
    pub bbox: [f32; 4],
}

impl Font {
    #[expect(clippy::expect_used, reason = "the font is part of the program and is read by its tests")]
    fn new(bytes: &'static [u8]) -> Self {
        Self {
            #[cfg(test)]
            bytes,
            face: Face::parse(bytes, 0).expect("Noto Sans can be read"),
        }
    }

    /// The glyph of a character; a question mark for one that the font does not have.
    pub(super) fn glyph(&self, c: char) -> u16 {
        let found = self.face.glyph_index(c).or_else(|| self.face.glyph_index('?'));
        found.map_or(0, |glyph| glyph.0)
    }

    /// Advance width in thousandths of the size.
    pub(super) fn advance(&self, glyph: u16) -> f32 {
        self.thousandths(f32::from(self.face.glyph_hor_advance(GlyphId(glyph)).unwrap_or(0)))
    }

    /// The width of a text at a size.
    pub(super) fn width(&self, text: &str, size: f32) -> f32 {
        text.chars().map(|c| self.advance(self.glyph(c))).sum::<f32>() * size / 1000.0
    }

    pub(super) fn metrics(&self) -> Metrics {
        let face = &self.face;
        let bbox = face.global_bounding_box();
        let of = |n: i16| self.thousandths(f32::from(n));
        Metrics {
            ascent: of(face.ascender()),
            descent: of(face.descender()),
            cap_height: of(face.capital_height().unwrap_or(face.ascender())),
            bbox: [of(bbox.x_min), of(bbox.y_min), of(bbox.x_max), of(bbox.y_max)],
        }
    }

    fn thousandths(&self, units: f32) -> f32 {
        units * 1000.0 / f32::from(self.face.units_per_em())
    }

    /// The font file with the outlines of `used` alone, and of the glyphs that those are put together from.
    pub(super) fn subset(&self, used: &BTreeSet<u16>) -> Vec<u8> {
        let raw = self.face.raw_face();
        let table = |tag: &[u8; 4]| raw.table(Tag::from_bytes(tag)).unwrap_or_default();
        let (glyf, outlines) = (table(b"glyf"), Outlines::new(raw));
        let mut kept = used.clone();
        kept.insert(0);
        let mut waiting: Vec<u16> = kept.iter().copied().collect();
        while let Some(glyph) = waiting.pop() {
            let parts = components(outlines.of(glyf, glyph));
            waiting.extend(parts.into_iter().filter(|part| kept.insert(*part)));
        }
        let (mut new_glyf, mut new_loca) = (Vec::new(), Vec::new());
        for glyph in 0..self.face.number_of_glyphs() {
            new_loca.extend((new_glyf.len() as u32).to_be_bytes());
            if kept.contains(&glyph) {
                new_glyf.extend_from_slice(outlines.of(glyf, glyph));
                new_glyf.resize(new_glyf.len().next_multiple_of(4), 0);
            }
        }
        new_loca.extend((new_glyf.len() as u32).to_be_bytes());
        let mut head = table(b"head").to_vec();
        // Long offsets; the checksum of the file is set when all of it is there.
        if let Some(format) = head.get_mut(50..52) {
            format.copy_from_slice(&[0, 1]);
        }
        let mut tables: BTreeMap<[u8; 4], Vec<u8>> = BTreeMap::new();
        for tag in [b"cvt ", b"fpgm", b"hhea", b"hmtx", b"maxp", b"prep"] {
            let bytes = table(tag);
            if !bytes.is_empty() {
                tables.insert(*tag, bytes.to_vec());
            }
        }
        tables.extend([(*b"glyf", new_glyf), (*b"loca", new_loca), (*b"head", head)]);
        assemble(tables)
    }

    /// Whether the font has the character.
    #[cfg(test)]
    pub(super) fn has(&self, c: char) -> bool {
        self.face.glyph_index(c).is_some()
    }

    #[cfg(test)]
    pub(super) const fn file(&self) -> &'static [u8] {
        self.bytes
    }
}

/// Where the outline of each glyph lies.
struct Outlines<'a> {
    loca: &'a [u8],
    long: bool,
}

impl<'a> Outlines<'a> {
    fn new(raw: &RawFace<'a>) -> Self {
        let table = |tag: &[u8; 4]| raw.table(Tag::from_bytes(tag)).unwrap_or_default();
        Self { loca: table(b"loca"), long: table(b"head").get(51) == Some(&1) }
    }

    fn of<'b>(&self, glyf: &'b [u8], glyph: u16) -> &'b [u8] {
        let at = |i: usize| -> Option<usize> {
            if self.long {
                let bytes = self.loca.get(4 * i..4 * i + 4)?;
                Some(u32::from_be_bytes(bytes.try_into().ok()?) as usize)
            } else {
                let bytes = self.loca.get(2 * i..2 * i + 2)?;
                Some(usize::from(u16::from_be_bytes(bytes.try_into().ok()?)) * 2)
            }
        };
        let range = at(usize::from(glyph)).zip(at(usize::from(glyph) + 1));
        range.and_then(|(from, to)| glyf.get(from..to)).unwrap_or_default()
    }
}

/// The glyphs that an outline is put together from (OpenType, table `glyf`, composite glyphs).
fn components(outline: &[u8]) -> Vec<u16> {
    const ARGUMENTS_ARE_WORDS: u16 = 0x0001;
    const HAS_SCALE: u16 = 0x0008;
    const MORE_COMPONENTS: u16 = 0x0020;
    const HAS_X_AND_Y_SCALE: u16 = 0x0040;
    const HAS_MATRIX: u16 = 0x0080;
    let word = |at: usize| outline.get(at..at + 2).map(|b| u16::from_be_bytes([b[0], b[1]]));
    let mut found = Vec::new();
    // A negative number of contours marks a composite.
    if word(0).is_none_or(|contours| contours < 0x8000) {
        return found;
    }
    let mut at = 10;
    while let (Some(flags), Some(glyph)) = (word(at), word(at + 2)) {
        found.push(glyph);
        at += 4 + if flags & ARGUMENTS_ARE_WORDS != 0 { 4 } else { 2 };
        at += match flags {
            f if f & HAS_SCALE != 0 => 2,
            f if f & HAS_X_AND_Y_SCALE != 0 => 4,
            f if f & HAS_MATRIX != 0 => 8,
            _ => 0,
        };
        if flags & MORE_COMPONENTS == 0 {
            break;
        }
    }
    found
}

/// A font file from its tables, with its checksums.
fn assemble(mut tables: BTreeMap<[u8; 4], Vec<u8>>) -> Vec<u8> {
    if let Some(adjustment) = tables.get_mut(b"head").and_then(|head| head.get_mut(8..12)) {
        adjustment.fill(0);
    }
    let n = tables.len() as u16;
    let power = n.checked_ilog2().unwrap_or(0);
    let mut file = vec![0, 1, 0, 0];
    for word in [n, 16 << power, power as u16, n * 16 - (16 << power)] {
        file.extend(word.to_be_bytes());
    }
    let mut offset = 12 + 16 * u32::from(n);
    let mut head_at = 0;
    for (tag, bytes) in &tables {
        if tag == b"head" {
            head_at = offset as usize;
        }
        file.extend(tag);
        for word in [checksum(bytes), offset, bytes.len() as u32] {
            file.extend(word.to_be_bytes());
        }
        offset += (bytes.len() as u32).next_multiple_of(4);
    }
    for bytes in tables.values() {
        file.extend_from_slice(bytes);
        file.resize(file.len().next_multiple_of(4), 0);
    }
    let adjustment = 0xb1b0_afba_u32.wrapping_sub(checksum(&file));
    if let Some(place) = file.get_mut(head_at + 8..head_at + 12) {
        place.copy_from_slice(&adjustment.to_be_bytes());
    }
    file
}

fn checksum(bytes: &[u8]) -> u32 {
    bytes.chunks(4).fold(0u32, |sum, chunk| {
        let mut word = [0u8; 4];
        word[..chunk.len()].copy_from_slice(chunk);
        sum.wrapping_add(u32::from_be_bytes(word))
    })
}

#[cfg(test)]
mod tests {
    use ttf_parser::OutlineBuilder;

    use super::*;

    #[derive(Default, PartialEq, Debug)]
    struct Count(usize);
    impl OutlineBuilder for Count {
        fn move_to(&mut self, _: f32, _: f32) {
            self.0 += 1;
        }
        fn line_to(&mut self, _: f32, _: f32) {
            self.0 += 1;
        }
        fn quad_to(&mut self, _: f32, _: f32, _: f32, _: f32) {
            self.0 += 1;
        }
        fn curve_to(&mut self, _: f32, _: f32, _: f32, _: f32, _: f32, _: f32) {
            self.0 += 1;
        }
        fn close(&mut self) {}
    }

    /// A subset has the same outlines as the whole font for what is used, none for the rest, and is much smaller.
    #[test]
    fn a_subset_keeps_what_is_used() {
        for bold in [false, true] {
            let font = font(bold);
            let text = "Vedtak om tilgang på Øya – Kárášjohka Čáhput đŋŧ";
            assert!(text.chars().all(|c| font.has(c)), "the letters of all languages of Norway");
            let used: BTreeSet<u16> = text.chars().map(|c| font.glyph(c)).collect();
            let subset = font.subset(&used);
            assert!(subset.len() < font.file().len() / 5, "{} of {}", subset.len(), font.file().len());
            assert_eq!(checksum(&subset), 0xb1b0_afba, "the file's checksum");
            // The reader wants a table of characters for a face, which an embedded font does not have.
            let raw = RawFace::parse(&subset, 0).unwrap();
            let glyf = raw.table(Tag::from_bytes(b"glyf")).unwrap();
            let outlines = Outlines::new(&raw);
            for glyph in &used {
                let whole = Outlines::new(font.face.raw_face());
                let before = whole.of(font.face.raw_face().table(Tag::from_bytes(b"glyf")).unwrap(), *glyph);
                let after = outlines.of(glyf, *glyph);
                assert_eq!(&after[..before.len()], before);
                for part in components(after) {
                    assert!(!outlines.of(glyf, part).is_empty(), "the parts of composites come along");
                }
            }
            assert!(outlines.of(glyf, font.glyph('Z')).is_empty());
            let mut count = Count::default();
            font.face.outline_glyph(GlyphId(font.glyph('V')), &mut count);
            assert!(count.0 > 3);
        }
    }
}
