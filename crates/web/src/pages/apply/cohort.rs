//! The count of persons beside the criteria (ACC-045): the button, the last answer, how many counts are left, the script.

use access::{CountAnswer, FeasibilityView, NotCounted};
use askama::Template;

use crate::frame::{Frame, encode};

/// Longest script that goes into an address; a longer one is opened by its run.
const LONGEST_ADDRESS: usize = 4_000;

/// What is drawn below the field of the criteria.
#[derive(Template)]
#[template(path = "apply/cohort.html")]
struct Cohort<'a> {
    f: &'a Frame,
    view: &'a FeasibilityView,
    /// The answer in words, and in which population.
    answer: Option<(String, String)>,
    /// Why the last count, or the criteria as they stand, give no number.
    why: Option<String>,
    /// Why the request that was just made gave nothing.
    failed: Option<String>,
    /// Where the script is opened.
    address: Option<String>,
}

/// The number in words; none when there is no number.
pub(super) fn in_words(f: &Frame, persons: Option<u64>) -> String {
    match persons {
        Some(n) => f.tv("cohort-persons", "count", number(f, n)),
        None => f.t("cohort-few"),
    }
}

fn number(f: &Frame, n: u64) -> String {
    f.number(i64::try_from(n).unwrap_or(i64::MAX))
}

fn reason(f: &Frame, why: &NotCounted) -> String {
    format!("{} {}", f.tv(&f.key("cohort-why", &why.code), "detail", &why.detail), f.t("cohort-not-blocking"))
}

/// Draws it; `failed` is what the last request was answered with.
pub(super) fn draw(f: &Frame, view: &FeasibilityView, failed: Option<&str>) -> String {
    let last = view.last.as_ref();
    let (mut answer, mut why) = (None, view.not_countable.as_ref().map(|why| reason(f, why)));
    match last.map(|count| &count.answer) {
        Some(CountAnswer::Counted { persons, population }) => {
            let of = population.map(|n| f.tv("cohort-of", "population", number(f, n))).unwrap_or_default();
            answer = Some((in_words(f, *persons), of));
        }
        Some(CountAnswer::NotCountable(told)) if view.current && why.is_none() => why = Some(reason(f, told)),
        _ => {}
    }
    let run = last.filter(|_| view.current).and_then(|count| count.run.clone());
    let address = view.script.as_ref().and_then(|script| {
        let address = format!("/explore?script={}", encode(script));
        if address.len() <= LONGEST_ADDRESS { Some(address) } else { run.map(|run| format!("/explore?run={run}")) }
    });
    let failed = failed.map(|code| f.t(f.key("cohort-failed", code)));
    let page = Cohort { f, view, answer, why, failed, address };
    page.render().unwrap_or_else(|error| {
        tracing::error!(%error, "cohort");
        String::new()
    })
}
