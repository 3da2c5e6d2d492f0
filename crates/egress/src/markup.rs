//! Tags and texts of XML and HTML, in one pass and without recursion: what workbooks and pages need, nothing that can be
//! made to explode. There are no entities but the predefined ones and numbers.

/// A piece of a document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Piece<'a> {
    /// The start of an element: its name without prefix, lower case, and what stands behind it.
    Start(String, &'a str),
    /// The end of an element. An element without content has a start and an end.
    End(String),
    /// Text as written, with references.
    Text(&'a str),
    /// A comment.
    Comment(&'a str),
}

/// Elements of HTML whose content is no markup.
const RAW: &[&str] = &["script", "style"];

/// Reads pieces one by one.
pub(crate) struct Pieces<'a> {
    text: &'a str,
    ends: Option<String>,
    raw: Option<String>,
}

impl<'a> Pieces<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, ends: None, raw: None }
    }

    fn tag(&mut self) -> Option<Piece<'a>> {
        let rest = &self.text[1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            let (inside, after) = comment.split_once("-->").unwrap_or((comment, ""));
            self.text = after;
            return Some(Piece::Comment(inside));
        }
        if let Some(data) = rest.strip_prefix("![CDATA[") {
            let (inside, after) = data.split_once("]]>").unwrap_or((data, ""));
            self.text = after;
            return Some(Piece::Text(inside));
        }
        let end = end_of_tag(rest);
        let inside = &rest[..end];
        self.text = rest.get(end + 1..).unwrap_or("");
        if inside.starts_with(['!', '?']) {
            return Some(Piece::Comment(""));
        }
        if let Some(name) = inside.strip_prefix('/') {
            return Some(Piece::End(local(name)));
        }
        let (inside, closed) = inside.strip_suffix('/').map_or((inside, false), |i| (i, true));
        let at = inside.find(|c: char| c.is_whitespace()).unwrap_or(inside.len());
        let name = local(&inside[..at]);
        if closed {
            self.ends = Some(name.clone());
        } else if RAW.contains(&name.as_str()) {
            self.raw = Some(name.clone());
        }
        Some(Piece::Start(name, &inside[at..]))
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if let Some(name) = self.ends.take() {
            return Some(Piece::End(name));
        }
        if self.text.is_empty() {
            return None;
        }
        if let Some(name) = self.raw.take() {
            let end = find_end(self.text, &name);
            let (inside, after) = self.text.split_at(end);
            self.text = after;
            return Some(Piece::Text(inside));
        }
        let opens = self.text.as_bytes().get(1).is_some_and(|b| b.is_ascii_alphabetic() || b"/!?".contains(b));
        if self.text.starts_with('<') && opens {
            return self.tag();
        }
        let end = self.text.bytes().skip(1).position(|b| b == b'<').map_or(self.text.len(), |at| at + 1);
        let (inside, after) = self.text.split_at(end);
        self.text = after;
        Some(Piece::Text(inside))
    }
}

/// Where the tag ends: the first `>` outside quotes.
fn end_of_tag(text: &str) -> usize {
    let mut quote = None;
    for (at, b) in text.bytes().enumerate() {
        match (quote, b) {
            (None, b'>') => return at,
            (None, b'"' | b'\'') => quote = Some(b),
            (Some(q), b) if q == b => quote = None,
            _ => {}
        }
    }
    text.len()
}

/// Where the end tag of a raw element stands.
fn find_end(text: &str, name: &str) -> usize {
    let bytes = text.as_bytes();
    let closes = |at: usize| {
        bytes[at..].starts_with(b"</")
            && bytes.get(at + 2..at + 2 + name.len()).is_some_and(|n| n.eq_ignore_ascii_case(name.as_bytes()))
    };
    text.match_indices('<').map(|(at, _)| at).find(|at| closes(*at)).unwrap_or(text.len())
}

fn local(name: &str) -> String {
    name.trim().rsplit(':').next().unwrap_or_default().to_ascii_lowercase()
}

/// Attributes as name (lower case, without prefix) and value as written.
pub(crate) fn attributes(mut text: &str) -> Vec<(String, &str)> {
    let mut found = Vec::new();
    loop {
        text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        let end = text.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(text.len());
        if text.is_empty() {
            return found;
        }
        let name = local(&text[..end]);
        let rest = text[end..].trim_start();
        let Some(value) = rest.strip_prefix('=').map(str::trim_start) else {
            found.push((name, ""));
            // A lone `=` cannot stand here, so that something is always taken.
            text = if end == 0 { "" } else { rest };
            continue;
        };
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (inside, after) = match quote {
            Some(q) => value[1..].split_once(q).unwrap_or((&value[1..], "")),
            None => value.split_at(value.find(char::is_whitespace).unwrap_or(value.len())),
        };
        found.push((name, inside));
        text = after;
    }
}

/// The value of one attribute.
pub(crate) fn attribute<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    attributes(text).into_iter().find(|(n, _)| n == name).map(|(_, v)| v)
}

/// A text without references.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.bytes().take(12).position(|b| b == b';');
        let read = end.and_then(|end| reference(&rest[1..end]).map(|c| (c, end + 1)));
        match read {
            Some((c, length)) => {
                out.push(c);
                rest = &rest[length..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn reference(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code);
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "aring" => 'å',
        "oslash" => 'ø',
        "aelig" => 'æ',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pieces_come_in_order() {
        let text =
            r#"<?xml version="1.0"?><x:Row a='1>2' B="q&amp;"><c/>t&lt;<!-- n --></x:Row><script>if (a<b) {}</script>"#;
        let pieces: Vec<Piece<'_>> = Pieces::new(text).collect();
        assert_eq!(
            pieces,
            [
                Piece::Comment(""),
                Piece::Start("row".into(), r#" a='1>2' B="q&amp;""#),
                Piece::Start("c".into(), ""),
                Piece::End("c".into()),
                Piece::Text("t&lt;"),
                Piece::Comment(" n "),
                Piece::End("row".into()),
                Piece::Start("script".into(), ""),
                Piece::Text("if (a<b) {}"),
                Piece::End("script".into()),
            ]
        );
        assert_eq!(
            attributes(r#" a='1>2' B="q&amp;" c d=e"#),
            [("a".into(), "1>2"), ("b".into(), "q&amp;"), ("c".into(), ""), ("d".into(), "e")]
        );
        assert_eq!(plain("&#65;&#x42; &amp;lt; &unknown; &"), "AB &lt; &unknown; &");
    }

    proptest! {
        /// Nothing is lost from sight and nothing panics, whatever the text.
        #[test]
        fn any_text_is_read_to_its_end(text in "[<>/!a-c&;#\"'= ø\\-]{0,80}") {
            let pieces: Vec<Piece<'_>> = Pieces::new(&text).collect();
            prop_assert!(pieces.len() <= 2 * text.len() + 1);
            for piece in pieces {
                if let Piece::Start(_, inside) = piece {
                    attributes(inside);
                }
            }
            plain(&text);
        }
    }
}
