//! The front page and the pages that explain: help, privacy, accessibility.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use identity::Persona;

use super::draw;
use crate::frame::Frame;
use crate::site::{Site, Who};
use crate::visitor::Visitor;
use crate::{Services, WebError};

pub(super) fn endpoints(site: Site) -> Site {
    site.get("/", Who::Anyone, front)
        .get("/help", Who::Anyone, |v: Visitor| about(v, "help"))
        .get("/privacy", Who::Anyone, |v: Visitor| about(v, "privacy"))
        .get("/accessibility", Who::Anyone, |v: Visitor| about(v, "accessibility"))
        .get("/api", Who::Anyone, |v: Visitor| about(v, "api"))
}

#[derive(Template)]
#[template(path = "public/front.html")]
struct Front {
    f: Frame,
    personas: Vec<Persona>,
}

async fn front(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    let personas = if services.demo { services.identity.personas() } else { Vec::new() };
    draw(&visitor, &Front { f: Frame::of(&visitor), personas })
}

/// A page of headings and paragraphs: `about-NAME-title`, then `about-NAME-h1`, `about-NAME-p1` and so on.
#[derive(Template)]
#[template(path = "public/about.html")]
struct About {
    f: Frame,
    title: String,
    sections: Vec<(String, String)>,
}

async fn about(visitor: Visitor, name: &'static str) -> Result<Response, WebError> {
    let f = Frame::of(&visitor);
    let part = |kind: &str, n: usize| f.t(format!("about-{name}-{kind}{n}"));
    let sections = (1..=4).map(|n| (part("h", n), part("p", n))).collect();
    draw(&visitor, &About { title: f.t(format!("about-{name}-title")), sections, f })
}
