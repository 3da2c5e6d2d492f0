//! The public register as files and news, handling times, and the administrator's page of messages and subscriptions.

use access::views::{Page, RegisterEntry};
use access::{Durations, Hook, OutboxEntry, Statistics, StatisticsRow};
use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use identity::Role;
use kernel::{Date, Problem};
use serde::Deserialize;
use serde_json::Value;

use super::apply::plain;
use super::draw;
use crate::frame::{Frame, Pager};
use crate::input::Query;
use crate::site::{Site, Who};
use crate::visitor::{Fields, Visitor};
use crate::{Services, WebError};

const ADMINISTRATOR: Who = Who::Roles(&[Role::Administrator]);
/// How many entries the feed of news holds.
pub(super) const NEWS: usize = 50;

pub(super) fn endpoints(site: Site) -> Site {
    site.get("/register/statistics", Who::Anyone, statistics)
        .get("/register/statistics.csv", Who::Anyone, statistics_csv)
        .get("/register.csv", Who::Anyone, register_csv)
        .get("/register.rss", Who::Anyone, register_rss)
        .get("/outbox", ADMINISTRATOR, outbox)
        .post("/outbox/subscribe", ADMINISTRATOR, subscribe)
        .post("/outbox/change", ADMINISTRATOR, change)
}

#[derive(Template)]
#[template(path = "oversight/statistics.html")]
struct StatisticsPage {
    f: Frame,
    made_on: Option<kernel::Date>,
    dimensions: Vec<(&'static str, Vec<StatisticsRow>)>,
}

impl StatisticsPage {
    /// Whether it was calculated and there was nothing to count.
    fn is_empty(&self) -> bool {
        self.made_on.is_some() && self.dimensions.iter().all(|(_, rows)| rows.is_empty())
    }

    fn days(&self, row: &StatisticsRow, of: fn(&Durations) -> Option<i32>) -> String {
        let days = row.durations.as_ref().and_then(of);
        days.map_or_else(|| "–".to_owned(), |days| self.f.number(i64::from(days)))
    }

    fn median(&self, row: &StatisticsRow) -> String {
        self.days(row, |d| Some(d.median))
    }

    fn p80(&self, row: &StatisticsRow) -> String {
        self.days(row, |d| Some(d.p80))
    }

    fn net(&self, row: &StatisticsRow) -> String {
        self.days(row, |d| d.net)
    }

    fn applicant(&self, row: &StatisticsRow) -> String {
        self.days(row, |d| Some(d.applicant))
    }

    fn inside(&self, row: &StatisticsRow) -> String {
        per_cent(row.durations.as_ref().and_then(|d| d.inside_decision))
    }

    fn refused(&self, row: &StatisticsRow) -> String {
        per_cent(row.refused)
    }

    fn forecast(&self, row: &StatisticsRow) -> String {
        per_cent(row.durations.as_ref().and_then(|d| d.forecast_p80))
    }

    fn value(&self, row: &StatisticsRow) -> String {
        match (row.dimension.as_str(), row.value.as_str()) {
            ("all", _) => self.f.t("statistics-all"),
            ("form", form) => self.f.t(self.f.key("statistics-form", form)),
            ("track", track) => self.f.t(self.f.key("statistics-track", track)),
            (_, value) => value.to_owned(),
        }
    }

    fn quarter(&self, row: &StatisticsRow) -> String {
        if row.quarter == "all" { self.f.t("statistics-whole") } else { row.quarter.clone() }
    }
}

fn per_cent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:.0} %", share * 100.0))
}

async fn statistics(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    let Statistics { made_on, rows } = services.access.statistics().await.map_err(visitor.fail())?;
    let of = |dimension: &'static str| {
        let mut own: Vec<StatisticsRow> = rows.iter().filter(|row| row.dimension == dimension).cloned().collect();
        // The newest quarter first, the whole before it.
        own.sort_by(|a, b| (&a.value, b.quarter == "all", &b.quarter).cmp(&(&b.value, a.quarter == "all", &a.quarter)));
        (dimension, own)
    };
    let dimensions = ["all", "form", "track", "sources", "source"].map(of).into();
    let f = Frame::of(&visitor);
    let crumb = f.t("task-register");
    draw(&visitor, &StatisticsPage { f: f.crumb("/register", crumb), made_on, dimensions })
}

/// A cell of a CSV file: quoted when it must be, and never read as a formula by a spreadsheet.
fn cell(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

pub(super) fn csv(name: &str, rows: &[Vec<String>]) -> Response {
    let lines = rows.iter().map(|row| row.iter().map(|text| cell(text)).collect::<Vec<_>>().join(","));
    let body = lines.collect::<Vec<_>>().join("\r\n") + "\r\n";
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (headers, body).into_response()
}

async fn statistics_csv(State(services): State<Services>, visitor: Visitor) -> Result<Response, WebError> {
    let statistics = services.access.statistics().await.map_err(visitor.fail())?;
    let head = "dimension,value,quarter,n,median,p80,gross,net,inside_decision,inside_data,applicant,sources,body,\
                forecast_p50,forecast_p80,extensions,refused,changes,appeals,appeals_changed";
    let mut rows = vec![head.split(',').map(str::to_owned).collect::<Vec<_>>()];
    let share = |share: Option<f64>| share.map(|share| format!("{share:.3}")).unwrap_or_default();
    for row in statistics.rows {
        let d = row.durations.as_ref();
        let days = |of: fn(&Durations) -> Option<i32>| d.and_then(of).map(|days| days.to_string()).unwrap_or_default();
        rows.push(vec![
            row.dimension.clone(),
            row.value.clone(),
            row.quarter.clone(),
            row.n.to_string(),
            days(|d| Some(d.median)),
            days(|d| Some(d.p80)),
            days(|d| d.gross),
            days(|d| d.net),
            share(d.and_then(|d| d.inside_decision)),
            share(d.and_then(|d| d.inside_data)),
            days(|d| Some(d.applicant)),
            days(|d| Some(d.sources)),
            days(|d| Some(d.body)),
            share(d.and_then(|d| d.forecast_p50)),
            share(d.and_then(|d| d.forecast_p80)),
            row.extensions.to_string(),
            share(row.refused),
            share(row.changes),
            row.appeals.to_string(),
            row.appeals_changed.to_string(),
        ]);
    }
    Ok(csv("statistics.csv", &rows))
}

#[derive(Deserialize)]
struct Search {
    #[serde(default)]
    q: String,
}

fn field(entry: &RegisterEntry, name: &str) -> String {
    let value = entry.application.get("fields").and_then(|fields| fields.get(name));
    match value {
        Some(Value::Array(items)) => items.iter().map(plain).collect::<Vec<_>>().join(" "),
        Some(value) => plain(value),
        None => String::new(),
    }
}

async fn register_csv(
    State(services): State<Services>,
    visitor: Visitor,
    Query(search): Query<Search>,
) -> Result<Response, WebError> {
    let entries = services.access.whole_register(&search.q).await.map_err(visitor.fail())?;
    let head = "number,title,status,published_on,decided_on,applicant,leader,country,purposes,sources,variables,\
                cohort_size,outcome,permit,valid_from,valid_to,room,results";
    let mut rows = vec![head.split(',').map(str::to_owned).collect::<Vec<_>>()];
    for entry in entries {
        let decision = entry.decision.clone().unwrap_or_default();
        let ids = |name: &str| {
            let items = entry.application.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
            items.iter().map(|item| plain(&item["id"])).collect::<Vec<_>>().join(" ")
        };
        let permit = |name: &str| plain(&decision["permit"][name]);
        rows.push(vec![
            entry.number.clone(),
            entry.title.clone(),
            entry.status.to_owned(),
            entry.published_on.to_string(),
            entry.decided_on.map(|day| day.to_string()).unwrap_or_default(),
            field(&entry, "app.name"),
            field(&entry, "pub.leader_org"),
            field(&entry, "pub.domicile"),
            field(&entry, "pub.purposes"),
            ids("sources"),
            ids("variables"),
            field(&entry, "pop.size"),
            plain(&decision["outcome"]),
            permit("permit_id"),
            permit("valid_from"),
            permit("valid_to"),
            permit("room"),
            entry.results.len().to_string(),
        ]);
    }
    Ok(csv("register.csv", &rows))
}

/// A text inside XML.
fn xml(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The newest entries as RSS 2.0: a case is news when it is published and again when its decision is.
async fn register_rss(
    State(services): State<Services>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(search): Query<Search>,
) -> Result<Response, WebError> {
    let mut entries = services.access.whole_register(&search.q).await.map_err(visitor.fail())?;
    entries.sort_by_key(|entry| std::cmp::Reverse((access::changed_on(entry), entry.number.clone())));
    let f = Frame::of(&visitor);
    let site = address(&services, &headers);
    let mut items = String::new();
    for entry in entries.iter().take(NEWS) {
        let day = access::changed_on(entry);
        let status = f.t(f.key("register", entry.status));
        items.push_str(&item(
            &format!("{}: {} – {status}", entry.number, entry.title),
            &format!("{site}/register/{}", entry.number),
            &format!("{}-{}", entry.number, entry.status),
            day,
            &field(entry, "pub.summary"),
        ));
    }
    Ok(channel(&f, ("task-register", "register-lead"), &format!("{site}/register"), &items))
}

/// The address of this site as the request names it; nothing for a name that is no host.
pub(super) fn address(services: &Services, headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let is_host = host.chars().all(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(c));
    let scheme = if services.secure_cookies { "https" } else { "http" };
    if is_host { format!("{scheme}://{host}") } else { String::new() }
}

/// One item of a feed of news.
pub(super) fn item(title: &str, link: &str, id: &str, day: kernel::Date, text: &str) -> String {
    format!(
        "<item><title>{}</title><link>{}</link><guid isPermaLink=\"false\">{}</guid><pubDate>{}</pubDate>\
         <description>{}</description></item>\n",
        xml(title),
        xml(link),
        xml(id),
        rfc822(day),
        xml(text),
    )
}

/// A feed of news in RSS 2.0, under the texts of its title and description.
pub(super) fn channel(f: &Frame, (title, lead): (&str, &str), link: &str, items: &str) -> Response {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\"><channel><title>{}</title><link>{}</link>\
         <description>{}</description><language>{}</language>\n{items}</channel></rss>\n",
        xml(&f.t(title)),
        xml(link),
        xml(&f.t(lead)),
        f.lang.code(),
    );
    ([(header::CONTENT_TYPE, "application/rss+xml; charset=utf-8")], body).into_response()
}

/// A day as RSS wants it, at its beginning.
fn rfc822(day: kernel::Date) -> String {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (y, m, d) = day.ymd();
    let weekday = DAYS[usize::from(kernel::workdays::weekday(day) - 1) % 7];
    format!("{weekday}, {d:02} {} {y:04} 00:00:00 GMT", MONTHS[(m as usize + 11) % 12])
}

#[derive(Deserialize)]
struct From {
    #[serde(default)]
    from: i64,
}

#[derive(Template)]
#[template(path = "oversight/outbox.html")]
struct OutboxPage {
    f: Frame,
    configured: bool,
    page: Page<OutboxEntry>,
    pager: Pager,
    hooks: Vec<Hook>,
    secret: String,
    /// Last day of a seal of letters that ends soon and is not renewed by itself.
    seal_ends: Option<Date>,
}

impl OutboxPage {
    fn failing(&self, hook: &Hook) -> String {
        hook.failing_since.as_ref().map(|at| self.f.time(at)).unwrap_or_default()
    }

    fn next(&self, entry: &OutboxEntry) -> String {
        entry.next_at.as_ref().map(|at| self.f.time(at)).unwrap_or_default()
    }

    fn list(&self, names: &[String]) -> String {
        names.join(", ")
    }
}

async fn outbox(
    State(services): State<Services>,
    visitor: Visitor,
    Query(query): Query<From>,
) -> Result<Response, WebError> {
    outbox_page(&services, &visitor, query.from, String::new()).await
}

async fn outbox_page(services: &Services, visitor: &Visitor, from: i64, secret: String) -> Result<Response, WebError> {
    let actor = visitor.actor()?;
    let page = services.access.outbox(actor, from, 25).await.map_err(visitor.fail())?;
    let hooks = services.access.hooks(actor).await.map_err(visitor.fail())?;
    let f = Frame::of(visitor);
    let pager = f.pager("/outbox", page.from, page.items.len(), page.size, page.total);
    let configured = services.access.sends_mail();
    let seal_ends = services.access.seal_validity().filter(|s| s.ends_soon && !s.renewed_here).map(|s| s.until);
    draw(visitor, &OutboxPage { f, configured, page, pager, hooks, secret, seal_ends })
}

/// The answer shows the secret, this once.
async fn subscribe(State(services): State<Services>, visitor: Visitor, fields: Fields) -> Result<Response, WebError> {
    let words = |name: &str| {
        let words = fields.get(name).split([',', ' ']).map(str::trim).filter(|word| !word.is_empty());
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    let input = access::HookInput {
        organisation: fields.get("organisation").to_owned(),
        url: fields.get("url").to_owned(),
        kinds: words("kinds"),
        sources: words("sources"),
    };
    let made = services.access.create_hook(visitor.actor()?, input).await.map_err(visitor.fail())?;
    outbox_page(&services, &visitor, 0, made.secret).await
}

async fn change(State(services): State<Services>, visitor: Visitor, fields: Fields) -> Result<Response, WebError> {
    let hook = fields.get("hook").parse::<access::HookId>();
    let hook = hook.map_err(|_| visitor.fail()(Problem::invalid("hook", "id", "choose a subscription of the page")))?;
    let done = services.access.change_hook(visitor.actor()?, hook, fields.get("change")).await;
    done.map_err(visitor.fail())?;
    Ok(Redirect::to("/outbox").into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_never_formulas() {
        assert_eq!(cell("a"), "a");
        assert_eq!(cell("a,b \"c\""), "\"a,b \"\"c\"\"\"");
        assert_eq!(cell("=HYPERLINK(\"x\")"), "\"'=HYPERLINK(\"\"x\"\")\"");
        assert_eq!(cell("-1"), "'-1");
    }

    #[test]
    fn days_of_news_are_those_of_the_calendar() {
        assert_eq!(rfc822("2026-11-26".parse().unwrap()), "Thu, 26 Nov 2026 00:00:00 GMT");
        assert_eq!(xml("<a> & \"b\"\u{0}"), "&lt;a&gt; &amp; &quot;b&quot;");
    }
}
