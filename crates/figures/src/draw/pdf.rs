//! A drawing as a PDF file of one page of its size, a point per unit. Text is outlines, so no font is needed and every printer shows
//! the same; so that it can be searched and copied, the same words lie over it unseen, in the typewriter face that every reader of PDF
//! knows, drawn out to the width of the outlines. The description stands in the file as the text of the figure, and where it comes from among its facts.

use std::collections::BTreeMap;
use std::io::Read as _;

use flate2::Compression;
use flate2::read::ZlibEncoder;
use pdf_writer::types::{LineJoinStyle, StructRole, TextRenderingMode};
use pdf_writer::writers::{ExtGraphicsState, StructTreeRoot};
use pdf_writer::{Content, Filter, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr};

use super::flat::{Colour, Outline, outlines, span};
use super::{Drawing, Shape, Step, WIDTH};

/// The name of the typewriter face, and how wide its letters are for their size.
const FACE: Name<'static> = Name(b"F1");
const ADVANCE: f64 = 0.6;

/// The bytes of the file.
pub(crate) fn pdf(drawing: &Drawing<'_>, about: &str) -> Vec<u8> {
    let [catalog, pages, page, content, info, structure, figure, parents, face] =
        [1, 2, 3, 4, 5, 6, 7, 8, 9].map(Ref::new);
    let outlines = outlines(drawing);
    let states = states(&outlines);
    let size = Rect::new(0.0, 0.0, WIDTH as f32, drawing.height as f32);
    let mut pdf = Pdf::new();
    let mut root = pdf.catalog(catalog);
    root.pages(pages).lang(TextStr(drawing.how.language.code())).pair(Name(b"StructTreeRoot"), structure);
    root.mark_info().marked(true);
    root.viewer_preferences().display_doc_title(true);
    root.finish();
    pdf.pages(pages).kids([page]).count(1);
    let mut sheet = pdf.page(page);
    sheet.parent(pages).media_box(size).contents(content).struct_parents(0);
    let mut resources = sheet.resources();
    let mut kept = resources.ext_g_states();
    for (opacity, name) in &states {
        let share = f32::from(*opacity) / 255.0;
        let mut state: ExtGraphicsState<'_> = kept.insert(Name(name.as_bytes())).start();
        state.stroking_alpha(share).non_stroking_alpha(share);
    }
    kept.finish();
    resources.fonts().pair(FACE, face);
    resources.finish();
    sheet.finish();
    let mut tree = pdf.struct_element(figure);
    tree.kind(StructRole::Figure).parent(structure).page(page).alt(TextStr(&drawing.description));
    tree.marked_content_child().page(page).marked_content_id(0);
    tree.finish();
    let mut tree: StructTreeRoot<'_> = pdf.indirect(structure).start();
    tree.child(figure).parent_tree_next_key(1).pair(Name(b"ParentTree"), parents);
    tree.finish();
    let mut numbers = pdf.indirect(parents).dict();
    let mut list = numbers.insert(Name(b"Nums")).array();
    list.item(0);
    list.push().array().item(figure);
    list.finish();
    numbers.finish();
    let mut facts = pdf.document_info(info);
    facts.title(TextStr(drawing.how.caption)).subject(TextStr(&drawing.description)).keywords(TextStr(about));
    facts.finish();
    pdf.type1_font(face).base_font(Name(b"Courier")).encoding_predefined(Name(b"WinAnsiEncoding"));
    let packed = packed(&operations(drawing, &outlines, &states));
    pdf.stream(content, &packed).filter(Filter::FlateDecode);
    pdf.finish()
}

/// Bytes in the form of zlib, which PDF calls FlateDecode.
fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut reader = ZlibEncoder::new(bytes, Compression::default());
    let mut out = Vec::new();
    // Reading from memory does not fail.
    let _ = reader.read_to_end(&mut out);
    out
}

/// A name for every opacity that occurs, in steps of 255.
fn states(outlines: &[Outline]) -> BTreeMap<u8, String> {
    outlines.iter().map(|o| step_of(o.opacity)).map(|step| (step, format!("G{step}"))).collect()
}

fn step_of(opacity: f64) -> u8 {
    (opacity.clamp(0.0, 1.0) * 255.0).round() as u8
}

fn operations(drawing: &Drawing<'_>, outlines: &[Outline], states: &BTreeMap<u8, String>) -> Vec<u8> {
    let mut content = Content::new();
    content.begin_marked_content_with_properties(Name(b"Figure")).properties().identify(0);
    // The axis of a page points upwards, that of a drawing downwards.
    content.transform([1.0, 0.0, 0.0, -1.0, 0.0, drawing.height as f32]);
    content.set_line_join(LineJoinStyle::RoundJoin);
    let mut opacity = None;
    for outline in outlines.iter().filter(|o| !o.steps.is_empty()) {
        let step = step_of(outline.opacity);
        if opacity != Some(step) {
            opacity = Some(step);
            if let Some(name) = states.get(&step) {
                content.set_parameters(Name(name.as_bytes()));
            }
        }
        draw(&mut content, outline);
    }
    drawing.marks.iter().for_each(|mark| unseen(&mut content, &mark.shape));
    content.end_marked_content();
    content.finish().into_vec()
}

/// The words of a text where its outlines are, to be found and not to be seen.
fn unseen(content: &mut Content, shape: &Shape) {
    let Shape::Text { at, anchor, text, size, bold } = shape else { return };
    let bytes: Vec<u8> = text.chars().map(code).collect();
    let [start, length] = span(text, at[0], *anchor, *size, *bold);
    if bytes.is_empty() || length <= 0.0 {
        return;
    }
    let own = ADVANCE * size * bytes.len() as f64;
    content.begin_text().set_text_rendering_mode(TextRenderingMode::Invisible).set_font(FACE, *size as f32);
    content.set_horizontal_scaling((100.0 * length / own) as f32);
    // The axis of letters points upwards.
    content.set_text_matrix([1.0, 0.0, 0.0, -1.0, start as f32, at[1] as f32]);
    content.show(Str(&bytes)).end_text();
}

/// A character in the encoding of the unseen words.
fn code(c: char) -> u8 {
    match c {
        '\u{2212}' | '\u{2010}' | '\u{2011}' => b'-',
        '\u{2009}' | '\u{202f}' => 0xa0,
        '…' => 0x85,
        '–' => 0x96,
        '—' => 0x97,
        '‘' => 0x91,
        '’' => 0x92,
        '“' => 0x93,
        '”' => 0x94,
        'Š' => 0x8a,
        'š' => 0x9a,
        'Ž' => 0x8e,
        'ž' => 0x9e,
        ' '..='~' | '\u{a0}'..='ÿ' => u8::try_from(u32::from(c)).unwrap_or(b'?'),
        _ => b'?',
    }
}

fn draw(content: &mut Content, outline: &Outline) {
    let part = |c: Colour| c.map(|x| f32::from(x) / 255.0);
    if let Some([r, g, b]) = outline.fill.map(part) {
        content.set_fill_rgb(r, g, b);
    }
    if let Some((colour, width, dash)) = outline.stroke {
        let [r, g, b] = part(colour);
        content.set_stroke_rgb(r, g, b).set_line_width(width as f32);
        content.set_dash_pattern(dash.iter().flatten().map(|x| *x as f32), 0.0);
    }
    for step in &outline.steps {
        let f = |at: [f64; 2]| at.map(|x| (x * 1000.0).round() as f32 / 1000.0);
        match *step {
            Step::Move(at) => content.move_to(f(at)[0], f(at)[1]),
            Step::Line(at) => content.line_to(f(at)[0], f(at)[1]),
            Step::Curve([a, b, end]) => {
                let [a, b, end] = [f(a), f(b), f(end)];
                content.cubic_to(a[0], a[1], b[0], b[1], end[0], end[1])
            }
            Step::Close => content.close_path(),
        };
    }
    match (outline.fill, outline.stroke) {
        (Some(_), Some(_)) => content.fill_nonzero_and_stroke(),
        (Some(_), None) => content.fill_nonzero(),
        (None, Some(_)) => content.stroke(),
        (None, None) => content.end_path(),
    };
}
