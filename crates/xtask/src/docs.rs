//! The page about the commands, `docs/commands.md`: written from the table of commands, the help texts that the editor shows, and
//! the examples that are run as tests. It is in English with bokmål beside it.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use kernel::{LangMap, Language};
use script::{COMMANDS, CommandSpec, OptionShape, OptionSpec, help};

use crate::files::with_ending;
use crate::workspace::root;

/// The parts of the page: the first command of each, and its title.
const PARTS: &[(&str, &str)] = &[
    ("require", "Stores and datasets"),
    ("import", "Import"),
    ("generate", "Shaping variables and units"),
    ("define-labels", "Code lists"),
    ("let", "Constants, loops and text"),
    ("summarize", "Descriptive statistics and tests"),
    ("barchart", "Figures"),
    ("regress", "Regression models"),
    ("regress-predict", "Predictions"),
    ("kaplan-meier", "Survival"),
    ("help", "Support"),
    ("param", "Beyond microdata.no"),
];

const HEAD: &str = "\
# Commands

<!-- Written by `cargo xtask docs` from the table of commands, the help texts of the editor and `docs/examples`. -->

Each command with what it does, how it is written, its options and an example, in English and bokmål. The editor of the script page
shows the same texts, there in nynorsk too.

In the forms `v` is a variable, `n` a new name, `d` a dataset and `D` a new one, `l` a code list, `y` the response, `x` a term, `g` a
group, `(s)` a statistic, `e` an expression, `a/NAME` a variable of a store, `t` a date; `…` says that more may follow, and what stands in
brackets may be left out. Options stand behind a comma, in any order.

The examples of analytic commands are whole scripts over synthetic registers: `hap synth --persons 8000 --out registers` makes the
registers, and `hap explore run FILE --store no.ssb.fdb=registers/no.ssb.fdb` runs a script of [the folder](examples) on them. Tests
run every one. Pictures are what the example shows in the demo; `node crates/web/assets/e2e/figures.mjs` draws them anew, and
`export last, format(svg)` below an example gives its own.
";

/// Endings of the pictures that examples may have.
const PICTURES: [&str; 2] = ["svg", "png"];

fn file() -> PathBuf {
    root().join("docs/commands.md")
}

/// Writes the page.
pub(crate) fn write() -> anyhow::Result<Vec<String>> {
    std::fs::write(file(), page()?).context("docs/commands.md")?;
    Ok(Vec::new())
}

/// Whether the page is as it would be written, every page has its place in the contents, and links lead to files.
pub(crate) fn check() -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    if std::fs::read_to_string(file()).unwrap_or_default() != page()? {
        found.push("docs/commands.md is not what the help says: run cargo xtask docs".to_owned());
    }
    let contents = std::fs::read_to_string(root().join("docs/SUMMARY.md")).context("docs/SUMMARY.md")?;
    for source in with_ending(&[".md"])? {
        let broken = links(&source.text).filter(|link| !leads(&source.path, link));
        found.extend(broken.map(|link| format!("{}: the link {link} leads nowhere", source.path)));
        let Some(name) = source.path.strip_prefix("docs/").filter(|name| *name != "SUMMARY.md") else { continue };
        if !contents.contains(&format!("]({name})")) {
            found.push(format!("docs/{name} does not stand in docs/SUMMARY.md"));
        }
    }
    Ok(found)
}

/// Targets of the links and pictures of a page that are files: no addresses, no places on the page itself.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    let prose = text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    });
    let outside_code = prose.flat_map(|line| line.split('`').step_by(2));
    let targets =
        outside_code.flat_map(|part| part.split("](").skip(1)).filter_map(|rest| rest.split([')', ' ']).next());
    targets.filter(|target| !target.is_empty() && !target.starts_with('#') && !target.contains(':'))
}

/// Whether a link of the page leads to something; from the site also to something of the site.
fn leads(page: &str, link: &str) -> bool {
    let target = link.split('#').next().unwrap_or(link);
    let path = root().join(page).parent().map(|folder| folder.join(target)).and_then(|path| path.canonicalize().ok());
    let site = root().join("docs").canonicalize().ok();
    path.is_some_and(|path| !page.starts_with("docs/") || site.is_some_and(|site| path.starts_with(site)))
}

fn page() -> anyhow::Result<String> {
    let mut text = HEAD.to_owned();
    for spec in COMMANDS {
        if let Some((_, title)) = PARTS.iter().find(|(first, _)| *first == spec.word) {
            write!(text, "\n## {title}\n")?;
        }
        text.push_str(&command(spec, example(spec)?.as_deref()));
    }
    Ok(text)
}

/// The example script of a command, where it has one.
fn example(spec: &CommandSpec) -> anyhow::Result<Option<String>> {
    let path = root().join(format!("docs/examples/{}.mdata", spec.word));
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}

/// The piece about one command.
fn command(spec: &CommandSpec, example: Option<&str>) -> String {
    let [nb, nn, en] = spec.about;
    let about = LangMap::of(nb, nn, en);
    let help = help::command(spec);
    let said = |language| {
        let more = help.map_or("", |help| help.text.text(language));
        format!("{} {more}", about.text(language)).trim_end().to_owned()
    };
    let mut text = format!("\n### {}\n\n{}\n\n", spec.word, said(Language::En));
    text.push_str(&format!("*Bokmål:* {}\n\n```text\n{}\n```\n", said(Language::Nb), spec.signature()));
    if !spec.options.is_empty() {
        text.push_str("\n| option | | bokmål |\n|---|---|---|\n");
        text.extend(spec.options.iter().map(|one| option(spec, one)));
    }
    match (example, help) {
        (Some(script), _) => text.push_str(&format!("\n```text\n{script}```\n")),
        (None, Some(help)) if !help.examples.is_empty() => {
            text.push_str(&format!("\n```text\n{}\n```\n", help.examples.join("\n")));
        }
        _ => {}
    }
    if let Some(picture) = PICTURES.iter().map(|ending| format!("img/figure-{}.{ending}", spec.word)).find(|p| there(p))
    {
        text.push_str(&format!("\n![{} What the example shows.]({picture})\n", about.text(Language::En)));
    }
    text
}

/// Whether the site has this file.
fn there(file: &str) -> bool {
    root().join("docs").join(file).exists()
}

/// The row of an option.
fn option(spec: &CommandSpec, option: &OptionSpec) -> String {
    let brackets = if option.shape == OptionShape::Flag { "" } else { "()" };
    let said = |language| help::option(spec, option).map_or("", |help| help.text.text(language)).replace('|', "\\|");
    format!("| `{}{brackets}` | {} | {} |\n", option.name, said(Language::En), said(Language::Nb))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every part begins with a command of the table, and the first command opens a part.
    #[test]
    fn every_part_begins_with_a_command() {
        assert!(PARTS.iter().all(|(first, _)| CommandSpec::of(first).is_some()));
        assert_eq!(PARTS.first().map(|(first, _)| *first), COMMANDS.first().map(|spec| spec.word));
    }

    #[test]
    fn links_lead_to_files_of_the_site() {
        let text = "[a](adr/b.md#c) `[no](code.md)` [w](https://example.org)\n```text\n[no](fence.md)\n```\n![p](img/p.png) [h](#here)";
        assert_eq!(links(text).collect::<Vec<_>>(), ["adr/b.md#c", "img/p.png"]);
        assert!(leads("docs/SUMMARY.md", "commands.md#regress") && leads("README.md", "docs/commands.md"));
        assert!(!leads("docs/SUMMARY.md", "no-such-page.md") && !leads("docs/commands.md", "../README.md"));
    }

    #[test]
    fn a_command_stands_with_texts_form_options_and_example() {
        let spec = CommandSpec::of("ci").unwrap();
        let text = command(spec, Some("// Hvor sikkert?\nci lønn\n"));
        let option = "| `level()` | Confidence level in percent; 95 when not given. | Konfidensnivå i prosent; 95 når det ikke er gitt. |";
        for part in [
            "### ci\n\nConfidence intervals of means. ",
            "*Bokmål:* Konfidens",
            option,
            "```text\n// Hvor sikkert?\nci lønn\n```",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        assert!(!text.contains("!["), "{text}");
        let drawn = command(CommandSpec::of("sankey").unwrap(), None);
        assert!(drawn.contains(" What the example shows.](img/figure-sankey.svg)"), "{drawn}");
        let without = command(spec, None);
        assert!(without.contains("```text\nci inntekt, level(99)\n```"), "{without}");
    }
}
