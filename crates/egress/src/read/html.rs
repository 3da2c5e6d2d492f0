//! Pages: tables and texts, and whatever makes a page more than a page: scripts, content from elsewhere, pictures, parts
//! that are not shown.

use super::Contents;
use crate::markup::{Piece, Pieces, attributes, plain};
use crate::reason::Reason;
use crate::table::Table;

/// Elements that run, fetch or frame something.
const ACTIVE: &[&str] = &["script", "iframe", "object", "embed", "applet", "frame", "base"];
/// A wider span than this is no table of people.
const MAX_SPAN: usize = 100;
/// At most so many cells of one page.
const MAX_PAGE: usize = 2_000_000;

pub(crate) fn read(text: &str, contents: &mut Contents) {
    let mut grid: Option<Vec<Vec<String>>> = None;
    let mut cell: Option<(String, usize)> = None;
    let mut cells = 0;
    let mut style = false;
    for piece in Pieces::new(text) {
        match piece {
            Piece::Start(name, inside) => {
                style = name == "style";
                element(&name, inside, contents);
                match name.as_str() {
                    "table" => {
                        grid.take().into_iter().for_each(|g| contents.add(table(g, contents.tables.len() + 1)));
                        grid = Some(Vec::new());
                    }
                    "tr" => {
                        finish(&mut cell, &mut grid);
                        grid.iter_mut().for_each(|g| g.push(Vec::new()));
                    }
                    "td" | "th" => {
                        finish(&mut cell, &mut grid);
                        let span = crate::markup::attribute(inside, "colspan").and_then(|s| s.parse().ok());
                        let span = span.unwrap_or(1).clamp(1, MAX_SPAN);
                        cells += span;
                        if cells > MAX_PAGE {
                            return contents.found(Reason::Unreadable);
                        }
                        cell = Some((String::new(), span));
                    }
                    "br" => cell.iter_mut().for_each(|(t, _)| t.push(' ')),
                    _ => {}
                }
            }
            Piece::End(name) => match name.as_str() {
                "td" | "th" | "tr" => finish(&mut cell, &mut grid),
                "table" => {
                    finish(&mut cell, &mut grid);
                    grid.take().into_iter().for_each(|g| contents.add(table(g, contents.tables.len() + 1)));
                }
                _ => {}
            },
            Piece::Text(inside) if style => styles(inside, contents),
            Piece::Text(inside) => match &mut cell {
                Some((text, _)) => text.push_str(&plain(inside)),
                None if inside.trim().is_empty() => {}
                None => contents.texts.push(plain(inside)),
            },
            Piece::Comment(inside) if !inside.trim().is_empty() => {
                contents.found(Reason::HiddenContent);
                contents.texts.push(inside.to_owned());
            }
            Piece::Comment(_) => {}
        }
    }
    finish(&mut cell, &mut grid);
    grid.into_iter().for_each(|g| contents.add(table(g, contents.tables.len() + 1)));
}

fn finish(cell: &mut Option<(String, usize)>, grid: &mut Option<Vec<Vec<String>>>) {
    let Some((text, span)) = cell.take() else { return };
    let Some(grid) = grid else { return };
    if grid.is_empty() {
        grid.push(Vec::new());
    }
    if let Some(row) = grid.last_mut() {
        for i in 0..span {
            row.push(if i == 0 { text.split_whitespace().collect::<Vec<_>>().join(" ") } else { String::new() });
        }
    }
}

fn table(rows: Vec<Vec<String>>, number: usize) -> Table {
    let mut rows = rows.into_iter().filter(|r| !r.is_empty());
    let (header, first) = super::delimited::named(rows.next().unwrap_or_default());
    let mut table = Table::new(number.to_string(), header);
    for row in first.into_iter().chain(rows) {
        table.push(row.iter().map(String::as_str));
    }
    table
}

fn styles(text: &str, contents: &mut Contents) {
    let text = text.to_ascii_lowercase();
    if text.contains("url(") || text.contains("@import") {
        contents.found(Reason::External);
    }
}

fn element(name: &str, inside: &str, contents: &mut Contents) {
    if ACTIVE.contains(&name) {
        contents.found(Reason::Script);
    }
    if matches!(name, "svg" | "img" | "picture" | "canvas" | "video" | "audio") {
        contents.found(Reason::Image);
    }
    if name == "template" {
        contents.found(Reason::HiddenContent);
    }
    for (attribute, value) in attributes(inside) {
        let value = plain(value);
        let address: String = value.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
        let address = address.to_ascii_lowercase();
        let fetches = matches!(attribute.as_str(), "src" | "srcset" | "data" | "background" | "poster")
            || (attribute == "href" && matches!(name, "link" | "use" | "image"));
        match attribute.as_str() {
            a if a.starts_with("on") => contents.found(Reason::Script),
            "srcdoc" => contents.found(Reason::Script),
            "style" => {
                let style = address.replace(' ', "");
                if style.contains("url(") {
                    contents.found(Reason::External);
                }
                if style.contains("display:none") || style.contains("visibility:hidden") {
                    contents.found(Reason::HiddenContent);
                }
            }
            "hidden" => contents.found(Reason::HiddenContent),
            "http-equiv" if address == "refresh" => contents.found(Reason::External),
            _ if address.starts_with("javascript:") || address.starts_with("vbscript:") => {
                contents.found(Reason::Script)
            }
            _ if fetches && address.starts_with("data:image/") => contents.found(Reason::Image),
            _ if fetches && address.starts_with("data:") => contents.found(Reason::Embedded),
            _ if fetches && !address.is_empty() && !address.starts_with('#') => contents.found(Reason::External),
            _ => {}
        }
        if !value.is_empty() {
            contents.texts.push(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(text: &str) -> Vec<Reason> {
        let mut contents = Contents::default();
        read(text, &mut contents);
        contents.findings.into_iter().map(|f| f.reason).collect()
    }

    /// SDC-301: html without scripts.
    #[test]
    fn pages_that_do_something_are_told() {
        let page = "<html><table><tr><th>sex<th>n</tr><tr><td>m<td>20</table><p>x</p></html>";
        assert_eq!(reasons(page), []);
        for (text, wanted) in [
            ("<script>1</script>", Reason::Script),
            ("<p OnClick='x'>", Reason::Script),
            ("<a href=' java&#115;cript:x'>", Reason::Script),
            ("<iframe src=x>", Reason::Script),
            ("<link rel=stylesheet href='https://x'>", Reason::External),
            ("<img src='https://x/y'>", Reason::External),
            ("<img src='data:image/png;base64,AAAA'>", Reason::Image),
            ("<style>p{background:url(x)}</style>", Reason::External),
            ("<svg></svg>", Reason::Image),
            ("<p style='display: none'>x", Reason::HiddenContent),
            ("<!-- 12 -->", Reason::HiddenContent),
        ] {
            assert!(reasons(text).contains(&wanted), "{text}");
        }
    }

    #[test]
    fn tables_of_a_page_are_read() {
        let mut contents = Contents::default();
        read(
            "<table><tr><th>sex</th><th>n</th></tr><tr><td>m &amp; f</td><td> 20 </td></tr></table><table><tr><td>1</td></tr></table>",
            &mut contents,
        );
        assert_eq!(contents.tables.len(), 2);
        assert_eq!(
            (contents.tables[0].header.as_slice(), contents.tables[0].columns[0].get(0)),
            (&["sex".to_owned(), "n".into()][..], "m & f")
        );
    }
}
