//! A laid-out letter as a file that conforms to PDF/A-2 level A (ISO 19005-2) and PDF/UA-1 (ISO 14289-1): fonts embedded
//! with their characters, every text in the structure or marked as an artefact, colours independent of the device,
//! language and title given, metadata as XMP.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use kernel::{Language, sha256_hex};
use pdf_writer::types::{ArtifactType, CidFontType, FontFlags, ListNumbering, StructRole, SystemInfo, UnicodeCmap};
use pdf_writer::writers::{ColorSpace, StructElement, StructTreeRoot};
use pdf_writer::{Content, Filter, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr};

use super::font::font;
use super::{Element, Frame, HEIGHT, LEFT, Layout, Letter, Line, Role, WIDTH};

const GRAY: Name<'static> = Name(b"G0");
const REGULAR: Name<'static> = Name(b"F1");
const BOLD: Name<'static> = Name(b"F2");
/// CID 0 to 65 535 are the glyphs themselves.
const IDENTITY: SystemInfo<'static> = SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// Numbers of the objects.
struct Refs {
    next: i32,
}

impl Refs {
    fn one(&mut self) -> Ref {
        self.next += 1;
        Ref::new(self.next)
    }

    fn many(&mut self, n: usize) -> Vec<Ref> {
        (0..n).map(|_| self.one()).collect()
    }
}

/// What an element holds, in reading order.
#[derive(Clone, Copy)]
enum Kid {
    Element(usize),
    /// Marked content: number of the page, number on the page.
    Marked(usize, i32),
}

pub(super) fn write(letter: &Letter, frame: &Frame, layout: &Layout) -> Vec<u8> {
    let mut refs = Refs { next: 0 };
    let (catalog, tree, metadata, root) = (refs.one(), refs.one(), refs.one(), refs.one());
    let pages = refs.many(layout.pages.len());
    let elements = refs.many(layout.elements.len());
    let lists = refs.many(layout.pages.len());
    let mut pdf = Pdf::new();
    let language = tag(letter.language);
    let mut top = pdf.catalog(catalog);
    top.pages(tree).metadata(metadata).lang(TextStr(language));
    top.viewer_preferences().display_doc_title(true);
    top.mark_info().marked(true);
    top.pair(Name(b"StructTreeRoot"), root);
    top.finish();
    pdf.pages(tree).kids(pages.iter().copied()).count(pages.len() as i32);

    let fonts = [(false, refs.one()), (true, refs.one())];
    let mut kids: Vec<Vec<Kid>> = vec![Vec::new(); layout.elements.len()];
    let mut owners: Vec<Vec<usize>> = Vec::new();
    let mut used: BTreeMap<bool, BTreeMap<u16, char>> = BTreeMap::new();
    for (i, lines) in layout.pages.iter().enumerate() {
        let content_ref = refs.one();
        let mut page = pdf.page(pages[i]);
        page.media_box(Rect::new(0.0, 0.0, WIDTH, HEIGHT)).parent(tree).contents(content_ref);
        page.struct_parents(i as i32);
        let mut resources = page.resources();
        resources.fonts().pair(REGULAR, fonts[0].1).pair(BOLD, fonts[1].1);
        // Grey by the eye and not by the device; white as of sRGB (D65).
        resources.color_spaces().insert(GRAY).start::<ColorSpace<'_>>().cal_gray([0.9505, 1.0, 1.089], None, None);
        resources.finish();
        page.finish();
        let mut content = Content::new();
        content.set_fill_color_space(pdf_writer::types::ColorSpaceOperand::Named(GRAY)).set_fill_color([0.0]);
        let mut on_page = Vec::new();
        for group in lines.chunk_by(|a, b| a.element == b.element) {
            let element = group[0].element;
            let number = on_page.len() as i32;
            on_page.push(element);
            kids[element].push(Kid::Marked(i, number));
            let role = layout.elements[element].role;
            content.begin_marked_content_with_properties(struct_role(role).to_name()).properties().identify(number);
            for line in group {
                show(&mut content, line, &mut used);
            }
            content.end_marked_content();
        }
        content
            .begin_marked_content_with_properties(Name(b"Artifact"))
            .properties()
            .artifact()
            .kind(ArtifactType::Pagination);
        show(&mut content, &foot(letter, frame, i + 1, pages.len()), &mut used);
        content.end_marked_content();
        stream(&mut pdf, content_ref, &content.finish());
        owners.push(on_page);
    }
    structure(&mut pdf, layout, &mut kids, &owners, &lists, root, &elements, &pages);
    for (bold, id) in fonts {
        embed(&mut pdf, &mut refs, id, bold, used.get(&bold).unwrap_or(&BTreeMap::new()));
    }
    let title = format!("{} {}", frame.title, letter.decision);
    pdf.metadata(metadata, xmp(&title, &frame.body, language, letter).as_bytes());
    let id = sha256_hex(format!("{title} {}", letter.date).as_bytes());
    let id = id.as_bytes()[id.len() - 16..].to_vec();
    pdf.set_file_id((id.clone(), id));
    pdf.finish()
}

fn tag(language: Language) -> &'static str {
    match language {
        Language::Nb => "nb-NO",
        Language::Nn => "nn-NO",
        Language::En => "en-GB",
    }
}

fn foot(letter: &Letter, frame: &Frame, page: usize, pages: usize) -> Line {
    let text = format!("{}   {} {page} / {pages}", letter.decision, frame.page);
    let text = if frame.notice.is_empty() { text } else { format!("{text}   {}", frame.notice) };
    Line { element: 0, x: LEFT, y: 45.0, size: 7.5, bold: false, text }
}

fn show(content: &mut Content, line: &Line, used: &mut BTreeMap<bool, BTreeMap<u16, char>>) {
    let font = font(line.bold);
    let used = used.entry(line.bold).or_default();
    let mut bytes = Vec::new();
    for c in line.text.chars() {
        let glyph = font.glyph(c);
        used.entry(glyph).or_insert(c);
        bytes.extend(glyph.to_be_bytes());
    }
    content.begin_text();
    content.set_font(if line.bold { BOLD } else { REGULAR }, line.size);
    content.next_line(line.x, line.y);
    content.show(Str(&bytes));
    content.end_text();
}

const fn struct_role(role: Role) -> StructRole {
    match role {
        Role::Document => StructRole::Document,
        Role::Section => StructRole::Sect,
        Role::Heading(1) => StructRole::H1,
        Role::Heading(2) => StructRole::H2,
        Role::Heading(_) => StructRole::H3,
        Role::Paragraph => StructRole::P,
        Role::List => StructRole::L,
        Role::Item => StructRole::LI,
        Role::Label => StructRole::Lbl,
        Role::ItemBody => StructRole::LBody,
    }
}

/// The tree of elements, and from each piece of each page back to its element.
#[expect(clippy::too_many_arguments, reason = "the numbers of the objects that refer to each other")]
fn structure(
    pdf: &mut Pdf,
    layout: &Layout,
    kids: &mut [Vec<Kid>],
    owners: &[Vec<usize>],
    lists: &[Ref],
    root: Ref,
    elements: &[Ref],
    pages: &[Ref],
) {
    // Elements are made in reading order, and an element with texts of its own has no elements below it.
    for (i, element) in layout.elements.iter().enumerate() {
        if let Some(parent) = element.parent {
            kids[parent].push(Kid::Element(i));
        }
    }
    for (on_page, id) in owners.iter().zip(lists) {
        pdf.indirect(*id).array().items(on_page.iter().map(|element| elements[*element]));
    }
    let mut tree = pdf.indirect(root).start::<StructTreeRoot<'_>>();
    tree.child(elements[0]);
    let mut back = tree.parent_tree();
    let mut numbers = back.nums();
    for (page, id) in lists.iter().enumerate() {
        numbers.insert(page as i32, *id);
    }
    numbers.finish();
    back.finish();
    tree.parent_tree_next_key(lists.len() as i32);
    tree.finish();
    for (i, Element { role, parent }) in layout.elements.iter().enumerate() {
        let mut element = pdf.struct_element(elements[i]);
        element.kind(struct_role(*role)).parent(parent.map_or(root, |parent| elements[parent]));
        if *role == Role::List {
            list_attributes(&mut element);
        }
        let mut children = element.children();
        for kid in &kids[i] {
            match kid {
                Kid::Element(kid) => children.struct_element(elements[*kid]),
                Kid::Marked(page, number) => {
                    children.marked_content_ref().page(pages[*page]).marked_content_id(*number);
                    &mut children
                }
            };
        }
    }
}

/// The marks of a list are those that stand before its items.
fn list_attributes(element: &mut StructElement<'_>) {
    element.attributes().push().list().list_numbering(ListNumbering::None);
}

fn stream(pdf: &mut Pdf, id: Ref, bytes: &[u8]) {
    let packed = packed(bytes);
    pdf.stream(id, &packed).filter(Filter::FlateDecode);
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail; should it, the stream is empty and the file's own check says so.
    if encoder.write_all(bytes).is_err() {
        return Vec::new();
    }
    encoder.finish().unwrap_or_default()
}

/// One weight with the glyphs that are used, their widths and their characters.
fn embed(pdf: &mut Pdf, refs: &mut Refs, id: Ref, bold: bool, used: &BTreeMap<u16, char>) {
    let (cid, descriptor, file, cmap) = (refs.one(), refs.one(), refs.one(), refs.one());
    let font = font(bold);
    // Six letters before the name mark a subset.
    let name = if bold { Name(b"HAPABB+NotoSans-Bold") } else { Name(b"HAPAAA+NotoSans-Regular") };
    let mut composite = pdf.type0_font(id);
    composite.base_font(name).encoding_predefined(Name(b"Identity-H")).descendant_font(cid).to_unicode(cmap);
    composite.finish();
    let mut simple = pdf.cid_font(cid);
    simple.subtype(CidFontType::Type2).base_font(name).system_info(IDENTITY).font_descriptor(descriptor);
    simple.cid_to_gid_map_predefined(Name(b"Identity")).default_width(0.0);
    let mut widths = simple.widths();
    for glyph in used.keys() {
        widths.consecutive(*glyph, [font.advance(*glyph)]);
    }
    widths.finish();
    simple.finish();
    let metrics = font.metrics();
    let [left, bottom, right, top] = metrics.bbox;
    pdf.font_descriptor(descriptor)
        .name(name)
        .flags(FontFlags::NON_SYMBOLIC)
        .bbox(Rect::new(left, bottom, right, top))
        .italic_angle(0.0)
        .ascent(metrics.ascent)
        .descent(metrics.descent)
        .cap_height(metrics.cap_height)
        .stem_v(if bold { 160.0 } else { 90.0 })
        .font_file2(file);
    let subset = font.subset(&used.keys().copied().collect::<BTreeSet<u16>>());
    let small = packed(&subset);
    let mut stream = pdf.stream(file, &small);
    stream.filter(Filter::FlateDecode);
    stream.pair(Name(b"Length1"), subset.len() as i32);
    stream.finish();
    let mut characters = UnicodeCmap::new(Name(b"Custom"), IDENTITY);
    for (glyph, c) in used {
        characters.pair(*glyph, *c);
    }
    let characters = characters.finish();
    pdf.cmap(cmap, characters.as_slice());
}

/// The metadata. PDF/UA's part number is not among the properties that PDF/A knows, so its schema is described.
fn xmp(title: &str, author: &str, language: &str, letter: &Letter) -> String {
    let (title, author, number) = (escaped(title), escaped(author), escaped(&letter.decision));
    let date = letter.date;
    format!(
        r#"<?xpacket begin="{bom}" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:pdf="http://ns.adobe.com/pdf/1.3/" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/"
 xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/">
<dc:format>application/pdf</dc:format>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator>
<dc:language><rdf:Bag><rdf:li>{language}</rdf:li></rdf:Bag></dc:language>
<dc:identifier>{number}</dc:identifier>
<xmp:CreateDate>{date}</xmp:CreateDate>
<pdf:Producer>hap</pdf:Producer>
<pdfaid:part>2</pdfaid:part>
<pdfaid:conformance>A</pdfaid:conformance>
<pdfuaid:part>1</pdfuaid:part>
</rdf:Description>
<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"
 xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">
<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
<pdfaSchema:schema>PDF/UA identification schema</pdfaSchema:schema>
<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>
<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">
<pdfaProperty:name>part</pdfaProperty:name>
<pdfaProperty:valueType>Integer</pdfaProperty:valueType>
<pdfaProperty:category>internal</pdfaProperty:category>
<pdfaProperty:description>Part of ISO 14289 that the file conforms to</pdfaProperty:description>
</rdf:li></rdf:Seq></pdfaSchema:property>
</rdf:li></rdf:Bag></pdfaExtension:schemas>
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"#,
        bom = '\u{feff}',
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::super::render;
    use super::*;
    use crate::letter::{Block, LetterSection};
    use crate::model::Outcome;

    fn sample() -> Letter {
        let section = |heading: &str, blocks| LetterSection { heading: heading.into(), blocks };
        let facts =
            |n: usize| (0..n).map(|i| (format!("Navn {i}"), "Verdi med en lang forklaring. ".repeat(6))).collect();
        Letter {
            texts: "1.0.0",
            language: Language::Nn,
            case: "A-2026-000001".into(),
            decision: "A-2026-000001/V1".into(),
            permit: None,
            date: "2026-11-26".parse().unwrap(),
            title: "Dødelighet & <hjerneslag>".into(),
            synthetic: true,
            outcome: Outcome::Granted,
            sections: vec![
                section("", vec![Block::Facts(facts(3))]),
                section("Avgjerda", vec![Block::Text("Søknaden er innvilga. Kárášjohka, Čáhput, đŋŧ.".into())]),
                section("Kjelder", vec![Block::Subheading("NPR".into()), Block::List(vec!["éin".into(), "to".into()])]),
                section("Grunngjeving", vec![Block::Facts(facts(60))]),
            ],
        }
    }

    fn pdf() -> Vec<u8> {
        let frame = Frame {
            body: "Helsedataservice".into(),
            title: "Vedtak om tilgang".into(),
            page: "Side".into(),
            notice: "Syntetisk".into(),
        };
        render(&sample(), &frame)
    }

    fn count(pdf: &[u8], what: &str) -> usize {
        pdf.windows(what.len()).filter(|window| *window == what.as_bytes()).count()
    }

    /// ACC-160: what PDF/A-2 level A and PDF/UA-1 ask for and what can be seen in the file itself.
    #[test]
    fn acc_160_letters_are_tagged_and_carry_their_fonts() {
        let pdf = pdf();
        let pages = count(&pdf, "/Type /Page\n") + count(&pdf, "/Type /Page ");
        assert!(pages >= 3, "{pages}");
        for (what, least) in [
            ("%PDF-1.7", 1),
            ("/Marked true", 1),
            ("/Lang (nn-NO)", 1),
            ("/DisplayDocTitle true", 1),
            ("<pdfaid:part>2</pdfaid:part>", 1),
            ("<pdfaid:conformance>A</pdfaid:conformance>", 1),
            ("<pdfuaid:part>1</pdfuaid:part>", 1),
            ("/FontFile2", 2),
            ("/ToUnicode", 2),
            ("/CalGray", pages),
            ("/StructParents", pages),
            ("/S /H1", 1),
            ("/S /H2", 3),
            ("/S /H3", 1),
            ("/S /LI", 65),
        ] {
            assert!(count(&pdf, what) >= least, "{what}: {}", count(&pdf, what));
        }
        // Nothing that PDF/A forbids: encryption, scripts, links to the outside, fonts of the reader, device colours.
        for forbidden in ["/Encrypt", "/JavaScript", "/URI", "/Type1", "/DeviceRGB", "/LZWDecode", "/AA", "/OpenAction"]
        {
            assert_eq!(count(&pdf, forbidden), 0, "{forbidden}");
        }
        assert_eq!(pdf, super::tests::pdf(), "the same letter gives the same bytes");
    }
}
