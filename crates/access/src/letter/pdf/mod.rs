//! The letter on A4 pages: headings, paragraphs, lists and facts in Noto Sans, laid out here and written by [`write`] as
//! tagged PDF/A-2. The same letter gives the same bytes.
//!
//! Every piece of text belongs to an element of the document's structure, in reading order; what is repeated on each page
//! is an artefact. Screen readers follow that structure, not the places on the page.

mod font;
mod write;

use font::font;

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
const FACT_COLUMN: f32 = 140.0;
const TEXT_SIZE: f32 = 9.5;
const LEADING: f32 = 1.45;

pub(super) fn render(letter: &Letter, frame: &Frame) -> Vec<u8> {
    write::write(letter, frame, &laid_out(letter, frame))
}

fn laid_out(letter: &Letter, frame: &Frame) -> Layout {
    let mut layout = Layout::new();
    let root = layout.element(None, Role::Document);
    let body = layout.element(Some(root), Role::Paragraph);
    layout.line(body, LEFT, 10.0, false, &frame.body);
    layout.gap(26.0);
    let title = layout.element(Some(root), Role::Heading(1));
    layout.paragraph(title, LEFT, RIGHT, 19.0, true, &frame.title);
    layout.gap(10.0);
    for section in &letter.sections {
        let part = layout.element(Some(root), Role::Section);
        if !section.heading.is_empty() {
            layout.heading(part, 2, 13.0, &section.heading);
        }
        for block in &section.blocks {
            layout.block(part, block);
        }
        layout.gap(8.0);
    }
    layout
}

/// What a piece of text is (ISO 32000-1, 14.8.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Role {
    Document,
    Section,
    Heading(u8),
    Paragraph,
    List,
    Item,
    Label,
    ItemBody,
}

/// A node of the document's structure.
struct Element {
    role: Role,
    parent: Option<usize>,
}

/// A line of text at its place.
struct Line {
    element: usize,
    x: f32,
    y: f32,
    size: f32,
    bold: bool,
    text: String,
}

struct Layout {
    elements: Vec<Element>,
    pages: Vec<Vec<Line>>,
    y: f32,
}

impl Layout {
    fn new() -> Self {
        Self { elements: Vec::new(), pages: vec![Vec::new()], y: TOP }
    }

    fn element(&mut self, parent: Option<usize>, role: Role) -> usize {
        self.elements.push(Element { role, parent });
        self.elements.len() - 1
    }

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

    fn line(&mut self, element: usize, x: f32, size: f32, bold: bool, text: &str) {
        let y = self.y;
        let line = Line { element, x, y, size, bold, text: cleaned(text) };
        if let Some(page) = self.pages.last_mut() {
            page.push(line);
        }
    }

    fn paragraph(&mut self, element: usize, left: f32, right: f32, size: f32, bold: bool, text: &str) {
        for line in wrap(text, right - left, size, bold) {
            self.room(size * LEADING);
            self.y -= size * LEADING;
            self.line(element, left, size, bold, &line);
        }
    }

    fn heading(&mut self, parent: usize, level: u8, size: f32, text: &str) {
        // A heading never stands alone at the foot of a page.
        self.room(size * 5.0);
        self.gap(6.0);
        let element = self.element(Some(parent), Role::Heading(level));
        self.paragraph(element, LEFT, RIGHT, size, true, text);
        self.gap(2.0);
    }

    fn block(&mut self, parent: usize, block: &Block) {
        match block {
            Block::Text(text) => {
                let element = self.element(Some(parent), Role::Paragraph);
                self.paragraph(element, LEFT, RIGHT, TEXT_SIZE, false, text);
                self.gap(3.0);
            }
            Block::Subheading(text) => self.heading(parent, 3, 11.0, text),
            Block::List(items) => self.list(parent, items),
            Block::Facts(facts) => self.facts(parent, facts),
        }
    }

    fn list(&mut self, parent: usize, items: &[String]) {
        let list = self.element(Some(parent), Role::List);
        for item in items {
            let (label, body) = self.item(list);
            self.room(TEXT_SIZE * LEADING);
            let (x, y) = (LEFT + 3.0, self.y);
            self.y -= TEXT_SIZE * LEADING;
            self.line(label, x, TEXT_SIZE, false, "•");
            self.y = y;
            self.paragraph(body, LEFT + 14.0, RIGHT, TEXT_SIZE, false, item);
        }
        self.gap(3.0);
    }

    /// Names and values are a list, too: the name is the label of its item.
    fn facts(&mut self, parent: usize, facts: &[(String, String)]) {
        let list = self.element(Some(parent), Role::List);
        for (name, value) in facts {
            let (label, body) = self.item(list);
            let names = wrap(name, FACT_COLUMN - 10.0, TEXT_SIZE, true);
            self.room(TEXT_SIZE * LEADING * names.len().max(1) as f32);
            let (pages, top) = (self.pages.len(), self.y);
            for line in names {
                self.y -= TEXT_SIZE * LEADING;
                self.line(label, LEFT, TEXT_SIZE, true, &line);
            }
            let lowest = std::mem::replace(&mut self.y, top);
            self.paragraph(body, LEFT + FACT_COLUMN, RIGHT, TEXT_SIZE, false, value);
            if self.pages.len() == pages {
                self.y = self.y.min(lowest);
            }
            self.gap(2.0);
        }
    }

    fn item(&mut self, list: usize) -> (usize, usize) {
        let item = self.element(Some(list), Role::Item);
        (self.element(Some(item), Role::Label), self.element(Some(item), Role::ItemBody))
    }
}

/// Lines of at most `width`, broken at blanks and line ends; a word that is too long is cut. A line that goes on ends in
/// a blank, so that copied text keeps its words apart.
fn wrap(text: &str, width: f32, size: f32, bold: bool) -> Vec<String> {
    let font = font(bold);
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            let candidate = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if font.width(&candidate, size) <= width {
                line = candidate;
                continue;
            }
            if !line.is_empty() {
                line.push(' ');
                lines.push(std::mem::take(&mut line));
            }
            for c in word.chars() {
                line.push(c);
                if line.chars().count() > 1 && font.width(&line, size) > width {
                    line.pop();
                    lines.push(std::mem::replace(&mut line, c.to_string()));
                }
            }
        }
        lines.push(line);
    }
    lines
}

/// Characters that have no glyph of their own: tabulators and special blanks become blanks, others go.
fn cleaned(text: &str) -> String {
    text.chars()
        .filter_map(|c| match c {
            '\t' | '\u{a0}' | '\u{2009}' | '\u{202f}' => Some(' '),
            c if c.is_control() => None,
            c => Some(c),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_their_width_and_keep_every_letter() {
        let text = "Personer kobles med en prosjektnøkkel fra nøkkeltjenesten. Aeiouaeiouaeiouaeiouaeiouaeiou\nslutt";
        let lines = wrap(text, 100.0, 10.0, false);
        for line in &lines {
            assert!(font(false).width(line.trim_end(), 10.0) <= 100.0, "{line}");
        }
        assert_eq!(lines.last().map(String::as_str), Some("slutt"));
        let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        assert_eq!(letters(&lines.concat()), letters(text));
        assert_eq!(
            lines.iter().filter(|line| line.ends_with(' ')).count(),
            lines.len() - 3,
            "words stay apart: {lines:?}"
        );
    }
}
