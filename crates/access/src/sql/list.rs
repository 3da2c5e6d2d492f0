//! Lists of cases: what is due first stands first, and words find cases among hundreds of thousands (ACC-008, ACC-106).
//!
//! Every case has a rank: the day on which something is due while it is open; behind all open ones, the last changed
//! first, when it is over. Words of title, number and the like stand in a table of their own, as bytes, so that both
//! databases compare them alike. No query reads more than a few thousand rows, whatever is asked.

use std::cmp::Reverse;

use kernel::{Date, Timestamp};
use store::{Migration, Row, Tx, Value, params};

use super::{CASE_COLUMNS, Loaded, loaded};
use crate::AccessError;
use crate::model::{Case, CaseId, WaitsFor};
use crate::views;

pub(crate) const INBOX: Migration = Migration {
    name: "010_inbox",
    sql: "ALTER TABLE access_case ADD COLUMN rank BIGINT NOT NULL DEFAULT 0;
          ALTER TABLE access_case ADD COLUMN track TEXT NOT NULL DEFAULT 'normal';
          CREATE INDEX access_case_rank ON access_case (rank, id);
          CREATE INDEX access_case_state_rank ON access_case (state, rank, id);
          CREATE INDEX access_case_handler_rank ON access_case (handler, rank, id);
          CREATE TABLE access_word (
            word BLOB NOT NULL, case_id TEXT NOT NULL REFERENCES access_case (id), PRIMARY KEY (word, case_id));
          CREATE INDEX access_word_case ON access_word (case_id, word);
          CREATE TABLE access_saved_view (
            id TEXT PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL, filter TEXT NOT NULL, shared BIGINT NOT NULL);
          CREATE INDEX access_saved_view_owner ON access_saved_view (owner)",
};

/// Most cases of a list. Who wants others narrows it.
pub(crate) const MOST: usize = 1_000;
/// Most cases that a word is looked up in before it counts as one that does not narrow.
const COMMON: i64 = 5_000;
/// So few cases that no other word needs to be looked up.
const FEW: i64 = 100;
/// Cases that such words are looked for in: those that stand first. A word that stands in one of sixty cases fills a page
/// out of so many.
const FIRST: i64 = 1_500;
/// Most words of a case, and of a search.
const WORDS: usize = 60;
/// Ranks of open cases lie below, those of finished ones above.
pub(crate) const OVER: i64 = 1 << 59;

/// What a list is narrowed to.
#[derive(Clone, Default)]
pub(crate) struct ListQuery<'a> {
    /// Takes part in the case as applicant or co-applicant.
    pub party: Option<&'a str>,
    /// Any of these sources.
    pub sources: Option<&'a [String]>,
    /// Without drafts.
    pub submitted_only: bool,
    pub state: Option<&'a str>,
    pub handler: Option<&'a str>,
    pub source: Option<&'a str>,
    pub track: Option<&'a str>,
    /// Due on this day or before.
    pub due_by: Option<Date>,
    /// Only cases that are open, or over.
    pub open: Option<bool>,
    /// Beginnings of words.
    pub search: &'a str,
    pub from: usize,
    pub size: usize,
}

/// A range of words, both ends included.
struct Term {
    from: Vec<u8>,
    to: Vec<u8>,
}

impl Term {
    fn beginning(word: &str) -> Self {
        let from = [b"w", word.as_bytes()].concat();
        let to = [&from[..], &[0xff]].concat();
        Self { from, to }
    }

    fn source(id: &str) -> Self {
        let word = source_word(id);
        Self { from: word.clone(), to: word }
    }
}

fn source_word(id: &str) -> Vec<u8> {
    [b"s", id.as_bytes()].concat()
}

/// The words of a text: letters and digits in lower case; a number like `A-2026-000123` as one word and its parts.
fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let mut found: Vec<String> = Vec::new();
    for whole in lower.split(|c: char| !(c.is_alphanumeric() || c == '-')) {
        let whole = whole.trim_matches('-');
        let parts = whole.split('-').filter(|part| *part != whole);
        for word in std::iter::once(whole).chain(parts).filter(|word| !word.is_empty()) {
            if found.len() < WORDS && !found.iter().any(|known| known == word) {
                found.push(word.to_owned());
            }
        }
    }
    found
}

/// Where a case stands in the lists.
pub(super) fn rank(case: &Case, today: Date, now: Timestamp) -> i64 {
    if case.waits_for() == WaitsFor::Nobody {
        return 2 * OVER - now.micros();
    }
    let clock = views::clock(case, today);
    let due = views::due(case, clock.as_ref());
    due.map_or(OVER - 1, day_rank)
}

/// The rank of what is due on a day.
fn day_rank(day: Date) -> i64 {
    i64::from(day.days())
}

/// Writes the words of a case anew.
pub(super) async fn put_words(tx: &mut Tx, id: CaseId, text: &str, sources: &[&str]) -> Result<(), AccessError> {
    tx.execute("DELETE FROM access_word WHERE case_id = $1", params![id]).await?;
    let text = words(text).into_iter().map(|word| [b"w", word.as_bytes()].concat());
    let all: Vec<Vec<u8>> = text.chain(sources.iter().map(|source| source_word(source))).collect();
    let mut values = vec![Value::from(id)];
    let mut rows = Vec::new();
    for word in all {
        values.push(word.into());
        rows.push(format!("(${}, $1)", values.len()));
    }
    if !rows.is_empty() {
        let sql = format!("INSERT INTO access_word (word, case_id) VALUES {}", rows.join(", "));
        tx.execute(&sql, &values).await?;
    }
    Ok(())
}

/// Conditions with their parameters.
#[derive(Default)]
struct Filter {
    conditions: Vec<String>,
    values: Vec<Value>,
}

impl Filter {
    /// `?` in the condition stands for the value.
    fn add(&mut self, condition: &str, value: impl Into<Value>) {
        let place = self.place(value);
        self.conditions.push(condition.replace('?', &place));
    }

    fn place(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    /// Asked for case by case: with EXISTS, PostgreSQL may instead collect all cases that have a common word.
    fn has(&mut self, term: &Term) {
        let (from, to) = (self.place(term.from.clone()), self.place(term.to.clone()));
        self.conditions.push(format!(
            "(SELECT 1 FROM access_word w WHERE w.case_id = c.id AND w.word >= {from} AND w.word <= {to} LIMIT 1) = 1"
        ));
    }

    fn text(&self) -> String {
        if self.conditions.is_empty() { "1 = 1".to_owned() } else { self.conditions.join(" AND ") }
    }
}

/// A page of cases and how many there are, at most [`MOST`] + 1.
pub(crate) async fn list(tx: &mut Tx, query: &ListQuery<'_>) -> Result<(Vec<Loaded>, usize), AccessError> {
    let ids = ids(tx, query).await?;
    let page: Vec<&String> = ids.iter().take(MOST).skip(query.from).take(query.size).collect();
    let mut filter = Filter::default();
    let places: Vec<String> = page.iter().map(|id| filter.place(id.as_str())).collect();
    if places.is_empty() {
        return Ok((Vec::new(), ids.len()));
    }
    let sql = format!("SELECT {CASE_COLUMNS} FROM access_case c WHERE c.id IN ({})", places.join(", "));
    let rows = tx.query(&sql, &filter.values).await?;
    let mut cases = rows.iter().map(loaded).collect::<Result<Vec<_>, _>>()?;
    cases.sort_by_key(|case| page.iter().position(|id| **id == case.id.to_string()));
    Ok((cases, ids.len()))
}

async fn ids(tx: &mut Tx, query: &ListQuery<'_>) -> Result<Vec<String>, AccessError> {
    let mut filter = Filter::default();
    if let Some(account) = query.party {
        let place = filter.place(account);
        filter.conditions.push(format!(
            "(c.applicant = {place} OR c.id IN (SELECT case_id FROM access_party WHERE account = {place}))"
        ));
    }
    if let Some(state) = query.state {
        filter.add("c.state = ?", state);
    }
    if let Some(handler) = query.handler {
        filter.add("c.handler = ?", handler);
    }
    if let Some(track) = query.track {
        filter.add("c.track = ?", track);
    }
    if let Some(day) = query.due_by {
        filter.add("c.rank <= ?", day_rank(day));
    }
    match query.open {
        Some(true) => filter.add("c.rank < ?", OVER),
        Some(false) => filter.add("c.rank >= ?", OVER),
        None => {}
    }
    if query.submitted_only {
        filter.conditions.push("c.number IS NOT NULL".to_owned());
    } else {
        filter.conditions.push("c.state <> 'lapsed'".to_owned());
    }
    if let Some(sources) = query.sources {
        let places: Vec<String> = sources.iter().map(|source| filter.place(source_word(source))).collect();
        filter.conditions.push(if places.is_empty() {
            "1 = 0".to_owned()
        } else {
            format!("EXISTS (SELECT 1 FROM access_word w WHERE w.case_id = c.id AND w.word IN ({}))", places.join(", "))
        });
    }
    let order = if query.party.is_some() { "c.updated_at DESC, c.id" } else { "c.rank, c.id" };
    let mut terms: Vec<Term> = words(query.search).iter().map(|word| Term::beginning(word)).collect();
    terms.extend(query.source.map(Term::source));
    let narrowest = narrowest(tx, &terms).await?;
    let base = filter.text();
    filter.conditions.clear();
    for (at, term) in terms.iter().enumerate() {
        if narrowest != Some(Narrow::By(at)) {
            filter.has(term);
        }
    }
    let most = MOST + 1;
    let sql = match narrowest {
        Some(Narrow::By(at)) => {
            let (from, to) = (filter.place(terms[at].from.clone()), filter.place(terms[at].to.clone()));
            format!(
                "SELECT c.id FROM (SELECT DISTINCT case_id FROM access_word WHERE word >= {from} AND word <= {to}) AS found
                 JOIN access_case c ON c.id = found.case_id WHERE {base} AND {} ORDER BY {order} LIMIT {most}",
                filter.text()
            )
        }
        // Words that stand in many cases: looked for in those that come first.
        Some(Narrow::Common) => format!(
            "SELECT c.id FROM (SELECT c.id, c.rank, c.updated_at FROM access_case c WHERE {base} ORDER BY {order} LIMIT {FIRST}) AS c
             WHERE {} ORDER BY {order} LIMIT {most}",
            filter.text()
        ),
        None => format!("SELECT c.id FROM access_case c WHERE {base} ORDER BY {order} LIMIT {most}"),
    };
    let rows = tx.query(&sql, &filter.values).await?;
    Ok(rows.iter().map(|row: &Row| row.get(0)).collect::<Result<_, _>>()?)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Narrow {
    /// By the term at this place.
    By(usize),
    /// No term narrows enough.
    Common,
}

/// The term that the fewest cases have; none without terms.
async fn narrowest(tx: &mut Tx, terms: &[Term]) -> Result<Option<Narrow>, AccessError> {
    let mut least = None;
    for at in longest_first(terms) {
        let term = &terms[at];
        let sql = format!(
            "SELECT COUNT(*) FROM (SELECT 1 FROM access_word WHERE word >= $1 AND word <= $2 LIMIT {}) AS n",
            COMMON + 1
        );
        let n: i64 = tx.query_one(&sql, params![term.from.clone(), term.to.clone()]).await?.get(0)?;
        if n <= COMMON && least.is_none_or(|(_, fewest)| n < fewest) {
            least = Some((at, n));
        }
        if n <= FEW {
            break;
        }
    }
    Ok(match (terms.is_empty(), least) {
        (true, _) => None,
        (false, Some((at, _))) => Some(Narrow::By(at)),
        (false, None) => Some(Narrow::Common),
    })
}

/// The places of the terms, longer words before shorter ones and words before sources: what is likely to stand in few cases
/// first, so that what stands in many need not be counted.
fn longest_first(terms: &[Term]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..terms.len()).collect();
    order.sort_by_key(|at| (terms[*at].from == terms[*at].to, Reverse(terms[*at].from.len())));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_words_and_parts() {
        assert_eq!(words("Slag i A-2026-000123, slag"), ["slag", "i", "a-2026-000123", "a", "2026", "000123"]);
        assert_eq!(words("Ærlig Ønske–Åre"), ["ærlig", "ønske", "åre"]);
        assert!(words(" -- ,").is_empty());
    }

    /// ACC-008: a rare word is found before a common one and a source are counted.
    #[test]
    fn long_words_are_counted_first() {
        let mut terms: Vec<Term> = ["barn", "hjerneslag", "og"].into_iter().map(Term::beginning).collect();
        terms.push(Term::source("no.fhi.helseregister"));
        assert_eq!(longest_first(&terms), [1, 0, 2, 3]);
    }
}
