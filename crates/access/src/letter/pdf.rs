//! The letter on A4 pages: headings, paragraphs, lists and facts in the standard fonts Helvetica and Helvetica Bold,
//! which every reader has (no font file in the program). The same letter gives the same bytes.
//!
//! What it is not: PDF/A. The standard fonts are not embedded; see the record of the choice in `docs/adr`.

use kernel::Language;
use pdf_writer::{Content, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr};

use super::{Block, Letter};

/// What stands around the text.
pub(super) struct Frame {
    /// Who writes.
    pub body: String,
    /// What the letter is.
    pub title: String,
    /// The word for page.
    pub page: String,
    /// A notice at the foot; empty for none.
    pub notice: String,
}

const WIDTH: f32 = 595.0;
const HEIGHT: f32 = 842.0;
const LEFT: f32 = 70.0;
const RIGHT: f32 = 525.0;
const TOP: f32 = 770.0;
const BOTTOM: f32 = 80.0;
const FACT_COLUMN: f32 = 135.0;
const REGULAR: Name<'static> = Name(b"F1");
const BOLD: Name<'static> = Name(b"F2");

pub(super) fn render(letter: &Letter, frame: &Frame) -> Vec<u8> {
    let mut layout = Layout { pages: Vec::new(), y: 0.0 };
    layout.new_page();
    layout.line(LEFT, 10.0, false, &frame.body);
    layout.gap(26.0);
    layout.paragraph(LEFT, RIGHT, 20.0, true, &frame.title);
    layout.gap(10.0);
    for section in &letter.sections {
        if !section.heading.is_empty() {
            layout.heading(13.0, &section.heading);
        }
        for block in &section.blocks {
            layout.block(block);
        }
        layout.gap(8.0);
    }
    write(letter, frame, &layout.pages)
}

/// A line of text at its place.
struct Line {
    x: f32,
    y: f32,
    size: f32,
    bold: bool,
    bytes: Vec<u8>,
}

struct Layout {
    pages: Vec<Vec<Line>>,
    y: f32,
}

impl Layout {
    fn new_page(&mut self) {
        self.pages.push(Vec::new());
        self.y = TOP;
    }

    fn gap(&mut self, height: f32) {
        self.y -= height;
    }

    /// Begins a new page when less than `height` is left.
    fn room(&mut self, height: f32) {
        if self.y - height < BOTTOM {
            self.new_page();
        }
    }

    fn line(&mut self, x: f32, size: f32, bold: bool, text: &str) {
        self.put(x, size, bold, encode(text));
    }

    fn put(&mut self, x: f32, size: f32, bold: bool, bytes: Vec<u8>) {
        let y = self.y;
        if let Some(page) = self.pages.last_mut() {
            page.push(Line { x, y, size, bold, bytes });
        }
    }

    fn paragraph(&mut self, left: f32, right: f32, size: f32, bold: bool, text: &str) {
        for line in wrap(&encode(text), right - left, size, bold) {
            self.room(size * 1.4);
            self.y -= size * 1.4;
            self.put(left, size, bold, line);
        }
    }

    fn heading(&mut self, size: f32, text: &str) {
        // A heading never stands alone at the foot of a page.
        self.room(size * 5.0);
        self.gap(6.0);
        self.paragraph(LEFT, RIGHT, size, true, text);
        self.gap(2.0);
    }

    fn block(&mut self, block: &Block) {
        const SIZE: f32 = 10.0;
        match block {
            Block::Text(text) => {
                self.paragraph(LEFT, RIGHT, SIZE, false, text);
                self.gap(3.0);
            }
            Block::Subheading(text) => self.heading(11.0, text),
            Block::List(items) => {
                for item in items {
                    self.room(SIZE * 1.4);
                    let before = (self.pages.len(), self.y);
                    self.paragraph(LEFT + 14.0, RIGHT, SIZE, false, item);
                    self.at(before, SIZE, |layout| layout.line(LEFT + 3.0, SIZE, false, "•"));
                }
                self.gap(3.0);
            }
            Block::Facts(facts) => {
                for (name, value) in facts {
                    let lines = wrap(&encode(name), FACT_COLUMN - 10.0, SIZE, true);
                    self.room(SIZE * 1.4 * lines.len().max(1) as f32);
                    let before = (self.pages.len(), self.y);
                    let least = self.y - lines.len() as f32 * SIZE * 1.4;
                    self.paragraph(LEFT + FACT_COLUMN, RIGHT, SIZE, false, value);
                    let after = self.y;
                    self.at(before, 0.0, |layout| {
                        for line in lines {
                            layout.y -= SIZE * 1.4;
                            layout.put(LEFT, SIZE, true, line);
                        }
                    });
                    self.y = if before.0 == self.pages.len() { after.min(least) } else { after };
                    self.gap(2.0);
                }
            }
        }
    }

    /// Draws at an earlier place of the same page, and comes back. `(number of pages, y)` is the place.
    fn at(&mut self, (pages, y): (usize, f32), size: f32, draw: impl FnOnce(&mut Self)) {
        let later = self.pages.split_off(pages);
        let back = std::mem::replace(&mut self.y, y - size * 1.4);
        draw(self);
        self.y = back;
        self.pages.extend(later);
    }
}

fn write(letter: &Letter, frame: &Frame, pages: &[Vec<Line>]) -> Vec<u8> {
    let (catalog, tree, info, regular, bold) = (Ref::new(1), Ref::new(2), Ref::new(3), Ref::new(4), Ref::new(5));
    let page_ref = |i: usize| Ref::new(6 + 2 * i as i32);
    let content_ref = |i: usize| Ref::new(7 + 2 * i as i32);
    let mut pdf = Pdf::new();
    let language = match letter.language {
        Language::Nb => "nb-NO",
        Language::Nn => "nn-NO",
        Language::En => "en-GB",
    };
    let mut root = pdf.catalog(catalog);
    root.pages(tree).lang(TextStr(language));
    root.viewer_preferences().display_doc_title(true);
    root.finish();
    let title = format!("{} {}", frame.title, letter.decision);
    pdf.document_info(info).title(TextStr(&title)).author(TextStr(&frame.body)).producer(TextStr("hap"));
    pdf.pages(tree).kids((0..pages.len()).map(page_ref)).count(pages.len() as i32);
    for (id, name) in [(regular, Name(b"Helvetica")), (bold, Name(b"Helvetica-Bold"))] {
        pdf.type1_font(id).base_font(name).encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    for (i, lines) in pages.iter().enumerate() {
        let mut page = pdf.page(page_ref(i));
        page.media_box(Rect::new(0.0, 0.0, WIDTH, HEIGHT)).parent(tree).contents(content_ref(i));
        page.resources().fonts().pair(REGULAR, regular).pair(BOLD, bold);
        page.finish();
        let mut content = Content::new();
        let foot = format!("{}   {} {} / {}", letter.decision, frame.page, i + 1, pages.len());
        let foot = if frame.notice.is_empty() { foot } else { format!("{foot}   {}", frame.notice) };
        let footer = Line { x: LEFT, y: 45.0, size: 8.0, bold: false, bytes: encode(&foot) };
        for line in lines.iter().chain([&footer]) {
            content.begin_text();
            content.set_font(if line.bold { BOLD } else { REGULAR }, line.size);
            content.next_line(line.x, line.y);
            content.show(Str(&line.bytes));
            content.end_text();
        }
        pdf.stream(content_ref(i), &content.finish());
    }
    pdf.finish()
}

/// Lines of at most `width`, broken at blanks and line ends; a word that is too long is cut.
fn wrap(text: &[u8], width: f32, size: f32, bold: bool) -> Vec<Vec<u8>> {
    let measure = |bytes: &[u8]| bytes.iter().map(|b| f32::from(advance(*b, bold))).sum::<f32>() * size / 1000.0;
    let mut lines = Vec::new();
    for paragraph in text.split(|b| *b == b'\n') {
        let mut line: Vec<u8> = Vec::new();
        for word in paragraph.split(|b| *b == b' ').filter(|w| !w.is_empty()) {
            let mut candidate = line.clone();
            if !candidate.is_empty() {
                candidate.push(b' ');
            }
            candidate.extend_from_slice(word);
            if measure(&candidate) <= width {
                line = candidate;
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            for byte in word {
                line.push(*byte);
                if measure(&line) > width && line.len() > 1 {
                    line.pop();
                    lines.push(std::mem::replace(&mut line, vec![*byte]));
                }
            }
        }
        lines.push(line);
    }
    lines
}

/// The text in the encoding WinAnsi; characters that it does not have lose their mark, or become a question mark.
fn encode(text: &str) -> Vec<u8> {
    text.chars()
        .filter(|c| *c != '\r')
        .map(|c| match c {
            '\n' => b'\n',
            '\t' | '\u{a0}' | '\u{2009}' | '\u{202f}' => b' ',
            ' '..='~' => c as u8,
            '\u{a1}'..='\u{ff}' => c as u8,
            '€' => 0x80,
            '…' => 0x85,
            'Š' => 0x8a,
            'Ž' => 0x8e,
            '‘' => 0x91,
            '’' => 0x92,
            '“' => 0x93,
            '”' => 0x94,
            '•' => 0x95,
            '–' => 0x96,
            '—' | '−' => 0x97,
            'š' => 0x9a,
            'ž' => 0x9e,
            'Č' | 'Ć' => b'C',
            'č' | 'ć' => b'c',
            'Đ' => b'D',
            'đ' => b'd',
            'Ŋ' => b'N',
            'ŋ' => b'n',
            'Ŧ' => b'T',
            'ŧ' => b't',
            'Ł' => b'L',
            'ł' => b'l',
            _ => b'?',
        })
        .collect()
}

/// Advance widths of Helvetica and Helvetica Bold for the characters 32 to 126, in thousandths of the size.
const HELVETICA: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
    260, 334, 584,
];
const HELVETICA_BOLD: [u16; 95] = [
    278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556, 333, 556, 611, 556, 611,
    556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611, 611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389,
    280, 389, 584,
];

fn advance(byte: u8, bold: bool) -> u16 {
    let table = if bold { &HELVETICA_BOLD } else { &HELVETICA };
    let ascii = |c: u8| table.get(usize::from(c) - 32).copied().unwrap_or(556);
    match byte {
        32..=126 => ascii(byte),
        0xc0..=0xc5 => ascii(b'A'),
        0xc6 => 1000,
        0xc7 => ascii(b'C'),
        0xc8..=0xcb => ascii(b'E'),
        0xcc..=0xcf => ascii(b'I'),
        0xd0 => ascii(b'D'),
        0xd1 => ascii(b'N'),
        0xd2..=0xd6 | 0xd8 => ascii(b'O'),
        0xd9..=0xdc => ascii(b'U'),
        0xe6 => 889,
        0xe7 => ascii(b'c'),
        0xec..=0xef => ascii(b'i'),
        0xe0..=0xe5 | 0xe8..=0xeb => ascii(b'a'),
        0xf8 => 611,
        0xf1..=0xf6 => ascii(b'o'),
        0x85 | 0x97 => 1000,
        0x91 | 0x92 => 278,
        0x95 => 350,
        _ => 556,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn norwegian_letters_have_their_place_in_the_encoding() {
        assert_eq!(encode("Blåbær på Øya – 1 €\t"), b"Bl\xe5b\xe6r p\xe5 \xd8ya \x96 1 \x80 ");
        assert_eq!(encode("Kárášjohka Čáhput ☂"), b"K\xe1r\xe1\x9ajohka C\xe1hput ?");
    }

    #[test]
    fn lines_fit_their_width() {
        let text =
            encode("Personer kobles med en prosjektnøkkel fra nøkkeltjenesten. Aeiouaeiouaeiouaeiouaeiouaeiou\nslutt");
        let lines = wrap(&text, 100.0, 10.0, false);
        for line in &lines {
            let width: f32 = line.iter().map(|b| f32::from(advance(*b, false))).sum::<f32>() / 100.0;
            assert!(width <= 100.0, "{}", String::from_utf8_lossy(line));
        }
        assert_eq!(lines.last().unwrap(), b"slutt");
        let kept: usize = lines.iter().map(|l| l.iter().filter(|b| **b != b' ').count()).sum();
        assert_eq!(kept, text.iter().filter(|b| **b != b' ' && **b != b'\n').count());
    }
}
