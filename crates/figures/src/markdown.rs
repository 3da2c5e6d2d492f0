//! Markdown of text blocks and help texts as HTML (LANG-155): headings, paragraphs, lists, code, emphasis, tables and links.
//! No raw HTML passes, no picture is fetched, and links lead to addresses with `https:`, `http:` or `mailto:` alone.

use crate::html::escape;

/// Where headings begin, so that they stand below those of the page.
const TOP: usize = 4;

/// The text as HTML. Its highest heading is one of level [`TOP`].
pub(crate) fn html(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let highest = lines.iter().filter_map(|l| heading(l.trim())).map(|(level, _)| level).min().unwrap_or(1);
    let mut out = String::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at].trim();
        let rest = &lines[at..];
        at += if line.is_empty() {
            1
        } else if rest[0].starts_with("    ") {
            indented(&mut out, rest)
        } else if line.starts_with("```") {
            code(&mut out, rest)
        } else if let Some((level, title)) = heading(line) {
            let level = (level - highest + TOP).min(6);
            out.push_str(&format!("<h{level}>{}</h{level}>", inline(title)));
            1
        } else if item(line).is_some() {
            list(&mut out, rest)
        } else if line.starts_with('|') {
            table(&mut out, rest)
        } else {
            paragraph(&mut out, rest)
        };
    }
    out
}

fn heading(line: &str) -> Option<(usize, &str)> {
    let level = line.bytes().take_while(|b| *b == b'#').count();
    let title = line[level..].strip_prefix(' ')?;
    (1..=6).contains(&level).then(|| (level, title.trim()))
}

/// The text of a list item, and whether the list is numbered.
fn item(line: &str) -> Option<(&str, bool)> {
    let line = line.trim();
    if let Some(text) = line.strip_prefix("- ").or_else(|| line.strip_prefix("* ")) {
        return Some((text, false));
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let text = line[digits..].strip_prefix(". ")?;
    (digits > 0).then_some((text, true))
}

fn code(out: &mut String, lines: &[&str]) -> usize {
    let body: Vec<&str> = lines[1..].iter().take_while(|l| !l.trim().starts_with("```")).copied().collect();
    out.push_str(&format!("<pre><code>{}</code></pre>", body.iter().map(|l| escape(l) + "\n").collect::<String>()));
    (body.len() + 2).min(lines.len())
}

/// Lines that begin with four blanks.
fn indented(out: &mut String, lines: &[&str]) -> usize {
    let body: Vec<&str> = lines.iter().map_while(|l| l.strip_prefix("    ")).collect();
    out.push_str(&format!("<pre><code>{}</code></pre>", body.iter().map(|l| escape(l) + "\n").collect::<String>()));
    body.len()
}

fn list(out: &mut String, lines: &[&str]) -> usize {
    let numbered = item(lines[0]).is_some_and(|(_, numbered)| numbered);
    let items: Vec<&str> =
        lines.iter().map_while(|l| item(l).filter(|(_, n)| *n == numbered)).map(|(text, _)| text).collect();
    let tag = if numbered { "ol" } else { "ul" };
    let body: String = items.iter().map(|text| format!("<li>{}</li>", inline(text))).collect();
    out.push_str(&format!("<{tag}>{body}</{tag}>"));
    items.len()
}

fn table(out: &mut String, lines: &[&str]) -> usize {
    let rows: Vec<&str> = lines.iter().map(|l| l.trim()).take_while(|l| l.starts_with('|')).collect();
    let cells = |row: &str| -> Vec<String> { row.trim_matches('|').split('|').map(|c| inline(c.trim())).collect() };
    let rule = |row: &str| row.bytes().all(|b| matches!(b, b'|' | b'-' | b':' | b' '));
    let headed = rows.get(1).is_some_and(|r| rule(r));
    out.push_str("<div class=\"hap-table-wrap\" tabindex=\"0\"><table class=\"hap-table\">");
    for (i, row) in rows.iter().enumerate() {
        if headed && i == 1 {
            continue;
        }
        let tag = if headed && i == 0 { "th" } else { "td" };
        let body: String = cells(row).iter().map(|c| format!("<{tag}>{c}</{tag}>")).collect();
        out.push_str(&format!("<tr>{body}</tr>"));
    }
    out.push_str("</table></div>");
    rows.len()
}

fn paragraph(out: &mut String, lines: &[&str]) -> usize {
    let own = |l: &&&str| {
        let l = l.trim();
        !l.is_empty() && !l.starts_with("```") && !l.starts_with('|') && heading(l).is_none() && item(l).is_none()
    };
    let count = 1 + lines[1..].iter().take_while(own).count();
    let text: Vec<String> = lines[..count].iter().map(|l| inline(l.trim())).collect();
    out.push_str(&format!("<p>{}</p>", text.join(" ")));
    count
}

/// Emphasis, code and links within a line.
fn inline(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['`', '*', '[', '!']) {
        out.push_str(&escape(&rest[..at]));
        rest = &rest[at..];
        let used = span(&mut out, rest);
        if used == 0 {
            let first = rest.chars().next().map_or(1, char::len_utf8);
            out.push_str(&escape(&rest[..first]));
            rest = &rest[first..];
        } else {
            rest = &rest[used..];
        }
    }
    out.push_str(&escape(rest));
    out
}

/// Writes the span that `text` begins with; how many bytes it took, 0 when it begins with none.
fn span(out: &mut String, text: &str) -> usize {
    for (mark, tag) in [("`", "code"), ("**", "strong"), ("*", "em")] {
        let Some(inner) = text.strip_prefix(mark) else { continue };
        let Some(end) = inner.find(mark).filter(|end| *end > 0) else { continue };
        let body = if tag == "code" { escape(&inner[..end]) } else { inline(&inner[..end]) };
        out.push_str(&format!("<{tag}>{body}</{tag}>"));
        return end + 2 * mark.len();
    }
    let picture = text.strip_prefix('!');
    let Some(link) = picture.unwrap_or(text).strip_prefix('[') else { return 0 };
    let Some((label, address)) = link.split_once("](") else { return 0 };
    let Some((address, _)) = address.split_once(')') else { return 0 };
    if label.contains(']') {
        return 0;
    }
    let safe = ["https://", "http://", "mailto:"].iter().any(|scheme| address.starts_with(scheme));
    // A picture stands as its text: nothing is fetched from elsewhere.
    if picture.is_none() && safe {
        out.push_str(&format!("<a href=\"{}\" rel=\"noopener noreferrer\">{}</a>", escape(address), escape(label)));
    } else {
        out.push_str(&escape(label));
    }
    usize::from(picture.is_some()) + label.len() + address.len() + 4
}

#[cfg(test)]
mod tests {
    use super::html;

    /// LANG-155: no raw HTML, no remote picture, no address that runs.
    #[test]
    fn lang_155_markdown_is_harmless() {
        let text = "# Om *tallene*\nFørste <b>linje</b>\nmed `kode` og **vekt**.\n\n- en\n- [to](https://example.org/?a=1&b=2)\n\n\
            1. ![bilde](https://example.org/p.png)\n\n[x](javascript:alert(1))\n\n```\nimport <x>\n```\n| a | b |\n|---|---|\n| 1 | 2 |";
        let html = html(text);
        for part in [
            "<h4>Om <em>tallene</em></h4>",
            "<p>Første &lt;b&gt;linje&lt;/b&gt; med <code>kode</code> og <strong>vekt</strong>.</p>",
            "<ul><li>en</li><li><a href=\"https://example.org/?a=1&amp;b=2\" rel=\"noopener noreferrer\">to</a></li></ul>",
            "<ol><li>bilde</li></ol>",
            "<pre><code>import &lt;x&gt;\n</code></pre>",
            "<tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr>",
        ] {
            assert!(html.contains(part), "{part}\n{html}");
        }
        assert!(!html.contains("javascript") && !html.contains("<img") && !html.contains("<b>"));
    }

    #[test]
    fn edges() {
        for (text, expected) in [
            ("a * b [c ` d", "<p>a * b [c ` d</p>"),
            ("```\nx", "<pre><code>x\n</code></pre>"),
            ("!", "<p>!</p>"),
            ("## a\n### b", "<h4>a</h4><h5>b</h5>"),
            ("    keep if x < 1\n    drop y\nz", "<pre><code>keep if x &lt; 1\ndrop y\n</code></pre><p>z</p>"),
        ] {
            assert_eq!(html(text), expected);
        }
    }
}
