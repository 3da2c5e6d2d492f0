//! Why numbers are perturbed, in plain language, with an example that the real gate computes on made-up persons.

use askama::Template;
use axum::response::Response;
use disclosure::{Example, Value};
use serde::Deserialize;

use super::draw;
use crate::WebError;
use crate::frame::Frame;
use crate::input::Query;
use crate::site::{Site, Who};
use crate::visitor::Visitor;

pub(super) fn endpoints(site: Site) -> Site {
    site.get("/help/why-perturbed", Who::Anyone, why)
}

/// How many persons the example begins with.
const BEGIN: u32 = 127;

#[derive(Deserialize)]
struct Chosen {
    n: Option<u32>,
}

/// A question to the gate, and its answer.
struct Asked {
    /// Key of what is asked.
    what: &'static str,
    truth: String,
    told: String,
    hidden: bool,
}

#[derive(Template)]
#[template(path = "public/why.html")]
struct Why {
    f: Frame,
    n: u32,
    most: u32,
    asked: Vec<Asked>,
    error: String,
}

async fn why(visitor: Visitor, Query(chosen): Query<Chosen>) -> Result<Response, WebError> {
    let f = Frame::of(&visitor);
    let n = chosen.n.unwrap_or(BEGIN).min(Example::MOST);
    let mut example = Example::default();
    let error = figures::number(example.typical_error(), f.lang);
    let others = Example::MOST..Example::MOST + n;
    // In this order: the first question settles the answer for what is near it.
    let questions: [(&'static str, std::ops::Range<u32>); 4] =
        [("first", 0..n), ("again", 0..n), ("without", 0..n.saturating_sub(1)), ("others", others)];
    let asked = questions.into_iter().map(|(what, persons)| {
        let truth = f.number(i64::try_from(persons.len()).unwrap_or(0));
        let value = example.count(persons);
        let (told, hidden) = match value {
            Some(Value::Value(x)) => (figures::number(x, f.lang), false),
            Some(Value::Hidden(reason)) => (format!("{} {}", reason.text(f.lang), reason.remedy().text(f.lang)), true),
            _ => ("–".to_owned(), false),
        };
        Asked { what, truth, told, hidden }
    });
    let asked = asked.collect();
    let crumb = f.t("about-help-title");
    draw(&visitor, &Why { f: f.crumb("/help", crumb), n, most: Example::MOST, asked, error })
}
