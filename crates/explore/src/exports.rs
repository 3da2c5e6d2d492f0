//! The statement `export` (LANG-330): which released results it asks for, in which format and under which names. Said as a
//! table among the results, so that it is sealed with them and stands under its command; whoever shows the document makes
//! the files of it, on the page as downloads, on the command line in the folder of `--out`.
//!
//! Only results that the document holds can be named, so nothing leaves this way that has not left already.

use std::str::FromStr as _;

use disclosure::{Document, Entry, Info, View};
use figures::{File, Format, Origin, export, has_form};
use kernel::{LangMap, Language};
use script::program::{Export, ExportWhich, Step};
use script::{Code, Diagnostic};

/// The columns of the table.
const COLUMNS: [&str; 3] = ["result", "format", "file"];
/// What its command begins with.
const COMMAND: &str = "export";

/// Whether a result is that of an `export`.
fn is_export(entry: &Entry) -> bool {
    let of_command = entry.command.strip_prefix(COMMAND).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric));
    of_command && matches!(entry.info(), Some(Info::Table { columns, .. }) if columns == &COLUMNS)
}

/// What the rows of an `export` say: result, format and name without ending.
fn rows(entry: &Entry) -> Vec<(u32, Format, &str)> {
    let Some(Info::Table { rows, .. }) = entry.info().filter(|_| is_export(entry)) else { return Vec::new() };
    rows.iter().filter_map(|cells| row(cells)).collect()
}

fn row(cells: &[LangMap]) -> Option<(u32, Format, &str)> {
    let [result, format, file] = cells else { return None };
    let format = Format::from_str(format.text(Language::En)).ok()?;
    let stem = file.text(Language::En).strip_suffix(format.ending())?.strip_suffix('.')?;
    Some((result.text(Language::En).parse().ok()?, format, stem))
}

/// The files that a result asks for: those of an `export`, none of any other. Several tables of one result have a file each.
pub fn exported(document: &Document, entry: &Entry, language: Language) -> Vec<File> {
    let of = |(id, format, stem): (u32, Format, &str)| {
        let result = document.results.iter().find(|e| e.id == id)?;
        export(result, Origin(&document.head), format, language, stem).ok()
    };
    rows(entry).into_iter().filter_map(of).flatten().collect()
}

/// What `export` says, given the results before it.
pub(crate) fn said(plan: &Export, step: &Step, results: &[Entry]) -> Result<Info, Box<Diagnostic>> {
    let Ok(format) = plan.format.parse::<Format>() else { return Err(Box::new(not_yet(step, &plan.format))) };
    let chosen = chosen(plan, step, results, format)?;
    let stem = |entry: &Entry| match (&plan.name, chosen.as_slice()) {
        (Some(name), [_]) => name.clone(),
        (Some(name), _) => format!("{name}-{}", entry.id),
        (None, _) => format!("{:03}", entry.id),
    };
    let taken: Vec<(Format, &str)> =
        results.iter().flat_map(|entry| rows(entry).into_iter().map(|(_, format, stem)| (format, stem))).collect();
    let mut table = Vec::new();
    for entry in &chosen {
        let stem = stem(entry);
        let file = format!("{stem}.{}", format.ending());
        // Without a name the same result asks for the same file again, which does no harm.
        if plan.name.is_some() && taken.contains(&(format, stem.as_str())) {
            return Err(Box::new(taken_name(step, &file)));
        }
        let cells = [entry.id.to_string(), plan.format.clone(), file];
        table.push(cells.map(|text| LangMap::of(&text, &text, &text)).to_vec());
    }
    Ok(Info::Table { columns: COLUMNS.map(str::to_owned).to_vec(), rows: table })
}

fn chosen<'r>(
    plan: &Export,
    step: &Step,
    results: &'r [Entry],
    format: Format,
) -> Result<Vec<&'r Entry>, Box<Diagnostic>> {
    // Receipts say what became of a dataset; they are no results to hand on, unless one is named.
    let shown = |entry: &&Entry| !is_export(entry) && (entry.view != View::Receipt || has_form(entry, Format::Csv));
    match &plan.which {
        ExportWhich::Last => {
            let last = results.iter().rev().find(shown).ok_or_else(|| Box::new(nothing(step)))?;
            if has_form(last, format) { Ok(vec![last]) } else { Err(Box::new(no_form(step, last.id, format))) }
        }
        ExportWhich::All => {
            let all: Vec<&Entry> = results.iter().filter(shown).filter(|e| has_form(e, format)).collect();
            if all.is_empty() { Err(Box::new(nothing(step))) } else { Ok(all) }
        }
        ExportWhich::Ids(ids) => ids
            .iter()
            .map(|id| match results.iter().find(|e| e.id == *id) {
                None => Err(Box::new(no_result(step, *id))),
                Some(entry) if has_form(entry, format) => Ok(entry),
                Some(_) => Err(Box::new(no_form(step, *id, format))),
            })
            .collect(),
    }
}

fn told(code: Code, step: &Step, [nb, nn, en]: [&str; 3]) -> Diagnostic {
    Diagnostic::new(code, step.span, LangMap::of(nb, nn, en))
}

fn nothing(step: &Step) -> Diagnostic {
    let texts = [
        "Det er ikke noe resultat før denne linjen å eksportere i dette formatet.",
        "Det er ikkje noko resultat før denne linja å eksportere i dette formatet.",
        "There is no result before this line to export in this format.",
    ];
    told(Code::E316, step, texts)
}

fn no_result(step: &Step, id: u32) -> Diagnostic {
    let texts = [
        &format!("Det er ikke noe resultat {id} før denne linjen."),
        &format!("Det er ikkje noko resultat {id} før denne linja."),
        &format!("There is no result {id} before this line."),
    ];
    told(Code::E316, step, texts.map(String::as_str))
}

fn no_form(step: &Step, id: u32, format: Format) -> Diagnostic {
    let ending = format.ending();
    let texts = [
        &format!("Resultat {id} har ingen form som {ending}. Alle resultater kan skrives som json og html."),
        &format!("Resultat {id} har inga form som {ending}. Alle resultat kan skrivast som json og html."),
        &format!("Result {id} has no form as {ending}. Every result can be written as json and html."),
    ];
    told(Code::E316, step, texts.map(String::as_str))
}

fn taken_name(step: &Step, file: &str) -> Diagnostic {
    let texts = [
        &format!("Filen «{file}» er allerede skrevet av en annen export. Velg et annet navn."),
        &format!("Fila «{file}» er alt skriven av ein annan export. Vel eit anna namn."),
        &format!("The file \"{file}\" is written by another export already. Choose another name."),
    ];
    told(Code::E209, step, texts.map(String::as_str))
}

fn not_yet(step: &Step, format: &str) -> Diagnostic {
    let texts = [
        &format!("export som {format} er ikke tilgjengelig ennå."),
        &format!("export som {format} er ikkje tilgjengeleg enno."),
        &format!("export as {format} is not yet available."),
    ];
    told(Code::E605, step, texts.map(String::as_str))
}
