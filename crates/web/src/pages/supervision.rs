//! Supervision for everybody to read: fines, audits and labels, with the forms of those who enter them; and the data of
//! the activity report (ACC-184).

use std::collections::BTreeMap;

use access::model::Hearing;
use access::{
    ActivityReport, AuditOf, Finding, Ground, LabelElement, Matter, SUPERVISION_KINDS, Supervised, SupervisionInput,
    SupervisionRecord,
};
use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use identity::Role;
use kernel::{Date, Problem};
use serde::Deserialize;

use super::draw;
use super::publicity::{NEWS, address, channel, csv, item};
use crate::frame::{Frame, Pager};
use crate::input::{Path, Query};
use crate::site::{Site, Who};
use crate::visitor::{Fields, Visitor};
use crate::{Services, WebError};

/// Who enters records: those who decide for the body.
pub(crate) const ENTERS: Who = Who::Roles(&[Role::DecisionMaker]);

/// Who reads how those who were fined were heard.
const READS_GROUNDS: &[Role] = &[Role::CaseHandler, Role::DecisionMaker, Role::Auditor];

pub(super) fn endpoints(site: Site) -> Site {
    site.get("/register/supervision", Who::Anyone, page)
        .post("/register/supervision", ENTERS, add)
        .post("/register/supervision/{number}/withdraw", ENTERS, withdraw)
        .get("/register/supervision.csv", Who::Anyone, as_csv)
        .get("/register/supervision.rss", Who::Anyone, as_rss)
        .get("/register/activity", Who::Anyone, activity)
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    from: i64,
}

/// A record in words.
struct Line {
    record: SupervisionRecord,
    who: String,
    /// What it is about: labels and values.
    facts: Vec<(String, String)>,
    /// How the one who was fined was heard, for those who may know.
    ground: Option<String>,
}

#[derive(Template)]
#[template(path = "oversight/supervision.html")]
struct SupervisionPage {
    f: Frame,
    lines: Vec<Line>,
    kind: String,
    kinds: [&'static str; 3],
    pager: Pager,
    /// Whether the reader enters records.
    enters: bool,
    today: Date,
    /// Collections of the catalogue, for labels.
    datasets: Vec<(String, String)>,
}

impl SupervisionPage {
    fn looked_at(&self) -> Vec<&'static str> {
        AuditOf::ALL.iter().map(|of| of.slug()).collect()
    }

    fn findings(&self) -> Vec<&'static str> {
        Finding::ALL.iter().map(|finding| finding.slug()).collect()
    }

    fn elements(&self) -> Vec<&'static str> {
        LabelElement::ALL.iter().map(|element| element.slug()).collect()
    }
}

async fn page(
    State(services): State<Services>,
    visitor: Visitor,
    Query(wanted): Query<Wanted>,
) -> Result<Response, WebError> {
    let found = services.access.supervision(&wanted.kind, wanted.from, 25).await.map_err(visitor.fail())?;
    let f = Frame::of(&visitor);
    let model = services.catalogue.model();
    let title = |id: &str| model.collections.get(id).map_or_else(|| id.to_owned(), |c| f.l(&c.title));
    let mut datasets: Vec<(String, String)> = model.collections.keys().map(|id| (id.clone(), title(id))).collect();
    datasets.sort_by(|a, b| a.1.cmp(&b.1));
    let shown = found.items.len();
    // How somebody was heard is told to those who handle cases alone.
    let grounds = match visitor.actor() {
        Ok(actor) if READS_GROUNDS.iter().any(|role| actor.has(*role)) => {
            services.access.supervision_grounds(actor).await.map_err(visitor.fail())?
        }
        _ => BTreeMap::new(),
    };
    let lines = found.items.into_iter().map(|record| {
        let ground = grounds.get(&record.number).map(|ground| ground_in_words(&f, ground));
        line(&f, record, ground, &title)
    });
    let lines = lines.collect();
    let pager =
        f.pager(&format!("/register/supervision?kind={}", wanted.kind), found.from, shown, found.size, found.total);
    let enters = visitor.actor().is_ok_and(|actor| actor.has(Role::DecisionMaker));
    let today = services.clock.today();
    let crumb = f.t("task-register");
    let f = f.crumb("/register", crumb);
    draw(
        &visitor,
        &SupervisionPage { f, lines, kind: wanted.kind, kinds: SUPERVISION_KINDS, pager, enters, today, datasets },
    )
}

fn line(f: &Frame, record: SupervisionRecord, ground: Option<String>, title: &impl Fn(&str) -> String) -> Line {
    let of = &record.record;
    let who = match &of.organisation {
        Some(organisation) => format!("{} ({})", organisation.name, organisation.number),
        None => f.t("supervision-unnamed"),
    };
    let mut facts = match &of.matter {
        Matter::Fine { amount_ore, legal_basis } => {
            vec![(f.t("supervision-amount"), kroner(f, *amount_ore)), (f.t("supervision-basis"), legal_basis.clone())]
        }
        Matter::Audit { of, finding } => vec![
            (f.t("supervision-of"), f.t(f.key("supervision-of", of.slug()))),
            (f.t("supervision-finding"), f.t(f.key("supervision-finding", finding.slug()))),
        ],
        Matter::Label { dataset, elements } => {
            let words: Vec<String> =
                elements.iter().map(|element| f.t(f.key("supervision-element", element.slug()))).collect();
            vec![(f.t("supervision-dataset"), title(dataset)), (f.t("supervision-elements"), words.join("; "))]
        }
    };
    facts.extend(of.permit.clone().map(|series| (f.t("supervision-permit"), series)));
    Line { who, facts, ground, record }
}

fn kroner(f: &Frame, ore: i64) -> String {
    f.tv("supervision-kroner", "amount", f.number(ore / 100))
}

async fn add(State(services): State<Services>, visitor: Visitor, fields: Fields) -> Result<Response, WebError> {
    let input = input(&fields, visitor.lang).map_err(visitor.fail())?;
    services.access.record_supervision(visitor.actor()?, &input).await.map_err(visitor.fail())?;
    Ok(Redirect::to("/register/supervision").into_response())
}

/// The record that a form tells of.
fn input(fields: &Fields, language: kernel::Language) -> Result<SupervisionInput, Problem> {
    let text = |name: &str| fields.get(name).to_owned();
    let unknown = |name: &str| Problem::invalid(name, "unknown", "choose one of the list");
    let matter = match fields.get("kind") {
        "fine" => {
            let kroner: Option<i64> = fields.get("amount").replace(' ', "").parse().ok();
            let ore = kroner.and_then(|kroner| kroner.checked_mul(100));
            let amount_ore = ore.ok_or_else(|| Problem::invalid("amount", "number", "whole kroner"))?;
            Matter::Fine { amount_ore, legal_basis: text("legal_basis") }
        }
        "audit" => Matter::Audit {
            of: AuditOf::parse(fields.get("of")).ok_or_else(|| unknown("of"))?,
            finding: Finding::parse(fields.get("finding")).ok_or_else(|| unknown("finding"))?,
        },
        "label" => {
            let elements = fields.all("element").map(|one| LabelElement::parse(one).ok_or_else(|| unknown("element")));
            Matter::Label { dataset: text("dataset"), elements: elements.collect::<Result<_, _>>()? }
        }
        _ => return Err(unknown("kind")),
    };
    let organisation = match (fields.get("number"), fields.get("name")) {
        ("", "") => None,
        _ => Some(Supervised { number: text("number"), name: text("name") }),
    };
    let on = fields.get("on").parse().map_err(|_| Problem::invalid("on", "date", "write the day as 2026-12-31"))?;
    let permit = Some(text("permit")).filter(|series| !series.is_empty());
    let ground = ground(fields)?;
    Ok(SupervisionInput { on, organisation, permit, summary: text("summary"), language, matter, ground })
}

/// How the one whom a reaction hits was heard, as a form tells it; none when it does not.
pub(super) fn ground(fields: &Fields) -> Result<Option<Ground>, Problem> {
    let text = || fields.get("heard_what").to_owned();
    let hearing = match fields.get("heard") {
        "" => return Ok(None),
        "notice" => {
            let number = fields.get("heard_notice").trim().parse();
            let fault = |_| Problem::invalid("heard_notice", "number", "the number of the notice in the case");
            Hearing::Notice { notice: number.map_err(fault)? }
        }
        "held" => {
            let fault = |_| Problem::invalid("heard_on", "date", "the day on which they were heard, as 2026-12-31");
            Hearing::Held { on: fields.get("heard_on").parse().map_err(fault)?, statement: text() }
        }
        "left_out" => Hearing::LeftOut { why: text() },
        _ => return Err(Problem::invalid("heard", "unknown", "choose one of the list")),
    };
    let case = Some(fields.get("heard_case").trim().to_owned()).filter(|case| !case.is_empty());
    Ok(Some(Ground { hearing, case }))
}

/// How somebody was heard, in words.
pub(super) fn ground_in_words(f: &Frame, ground: &Ground) -> String {
    match &ground.hearing {
        Hearing::Notice { notice } => {
            f.tv2("ground-noticed", "n", notice.to_string(), "case", ground.case.clone().unwrap_or_default())
        }
        Hearing::Held { on, statement } => f.tv2("ground-held", "date", f.date(on), "text", statement),
        Hearing::LeftOut { why } => f.tv("ground-left-out", "text", why),
    }
}

async fn withdraw(
    State(services): State<Services>,
    visitor: Visitor,
    Path(number): Path<String>,
    fields: Fields,
) -> Result<Response, WebError> {
    let done = services.access.withdraw_supervision(visitor.actor()?, &number, fields.get("reason")).await;
    done.map_err(visitor.fail())?;
    Ok(Redirect::to("/register/supervision").into_response())
}

/// Every record of a kind, page by page.
async fn all(services: &Services, kind: &str) -> Result<Vec<SupervisionRecord>, Problem> {
    let mut records = Vec::new();
    loop {
        let from = i64::try_from(records.len()).unwrap_or(i64::MAX);
        let found = services.access.supervision(kind, from, 100).await?;
        if found.items.is_empty() {
            return Ok(records);
        }
        records.extend(found.items);
    }
}

async fn as_csv(
    State(services): State<Services>,
    visitor: Visitor,
    Query(wanted): Query<Wanted>,
) -> Result<Response, WebError> {
    let head = "number,kind,date,organisation,name,permit,summary,amount,legal_basis,audit_of,finding,dataset,elements,\
                withdrawn,withdraw_reason";
    let mut rows = vec![head.split(',').map(str::to_owned).collect::<Vec<_>>()];
    for found in all(&services, &wanted.kind).await.map_err(visitor.fail())? {
        let SupervisionRecord { number, record, withdrawn, .. } = found;
        let about = match &record.matter {
            Matter::Fine { amount_ore, legal_basis } => {
                let amount = format!("{}.{:02}", amount_ore / 100, amount_ore % 100);
                [amount, legal_basis.clone(), String::new(), String::new(), String::new(), String::new()]
            }
            Matter::Audit { of, finding } => {
                let mut about = <[String; 6]>::default();
                (about[2], about[3]) = (of.slug().to_owned(), finding.slug().to_owned());
                about
            }
            Matter::Label { dataset, elements } => {
                let mut about = <[String; 6]>::default();
                let elements: Vec<&str> = elements.iter().map(|element| element.slug()).collect();
                (about[4], about[5]) = (dataset.clone(), elements.join(" "));
                about
            }
        };
        let (orgnr, name) = record.organisation.map(|o| (o.number, o.name)).unwrap_or_default();
        let mut row = vec![number, record.matter.kind().to_owned(), record.on.to_string(), orgnr, name];
        row.extend([record.permit.unwrap_or_default(), record.summary]);
        row.extend(about);
        row.extend(withdrawn.map_or_else(<[String; 2]>::default, |w| [w.at.date_in_oslo().to_string(), w.reason]));
        rows.push(row);
    }
    Ok(csv("supervision.csv", &rows))
}

/// A record is news when it is published, and again when it is withdrawn.
async fn as_rss(
    State(services): State<Services>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(wanted): Query<Wanted>,
) -> Result<Response, WebError> {
    let mut records = all(&services, &wanted.kind).await.map_err(visitor.fail())?;
    let changed = |record: &SupervisionRecord| record.withdrawn.as_ref().map_or(record.published_at, |w| w.at);
    records.sort_by_key(|record| std::cmp::Reverse((changed(record), record.number.clone())));
    let (f, site) = (Frame::of(&visitor), address(&services, &headers));
    let link = format!("{site}/register/supervision");
    let mut items = String::new();
    for record in records.iter().take(NEWS) {
        let kind = f.t(f.key("supervision-kind", record.record.matter.kind()));
        let (state, text) = match &record.withdrawn {
            Some(withdrawn) => ("withdrawn", &withdrawn.reason),
            None => ("published", &record.record.summary),
        };
        let title = match &record.withdrawn {
            Some(_) => f.tv("supervision-news-withdrawn", "title", format!("{}: {kind}", record.number)),
            None => format!("{}: {kind}", record.number),
        };
        let id = format!("{}-{state}", record.number);
        items.push_str(&item(&title, &format!("{link}#{}", record.number), &id, changed(record).date_in_oslo(), text));
    }
    Ok(channel(&f, ("supervision-title", "supervision-lead"), &link, &items))
}

#[derive(Deserialize)]
struct Years {
    #[serde(default)]
    from: Option<i16>,
    #[serde(default)]
    to: Option<i16>,
}

#[derive(Template)]
#[template(path = "oversight/activity.html")]
struct ActivityPage {
    f: Frame,
    report: ActivityReport,
    /// Figures under their heading.
    parts: Vec<(String, Vec<(String, String)>)>,
}

async fn activity(
    State(services): State<Services>,
    visitor: Visitor,
    Query(years): Query<Years>,
) -> Result<Response, WebError> {
    let this = services.clock.today().year();
    let (from, to) = (years.from.unwrap_or(this - 2), years.to.unwrap_or(this - 1));
    let report = services.access.activity_report(from, to).await.map_err(visitor.fail())?;
    let f = Frame::of(&visitor);
    let sources: BTreeMap<String, String> =
        services.catalogue.sources().into_iter().map(|s| (s.id.clone(), f.l(&s.name))).collect();
    let n = |n: usize| f.number(i64::try_from(n).unwrap_or(i64::MAX));
    let lines = |of: &BTreeMap<String, usize>, word: &dyn Fn(&String) -> String| -> Vec<(String, String)> {
        of.iter().map(|(value, count)| (f.t(word(value)), n(*count))).collect()
    };
    let named = |(id, count): (&String, &usize)| (sources.get(id).unwrap_or(id).clone(), n(*count));
    let days = match report.days_to_access {
        None => f.t("activity-days-none"),
        // On the same day is not no case at all.
        Some(days) if days < 0.5 => f.t("activity-days-same"),
        Some(days) => f.number(days.round() as i64),
    };
    let reported = report.reported.iter().map(|(kind, count)| {
        (f.t(f.key("activity-reported", kind)), f.number(i64::try_from(*count).unwrap_or(i64::MAX)))
    });
    let part = |title: &str, lines: Vec<(String, String)>| (f.t(title), lines);
    let parts = vec![
        part(
            "activity-cases",
            vec![
                (f.t("activity-permits"), n(report.permits)),
                (f.t("activity-refusals"), n(report.refusals)),
                (f.t("activity-withdrawn"), n(report.withdrawn)),
                (f.t("activity-days"), days),
                (f.t("activity-revenue"), kroner(&f, report.revenue_ore)),
            ],
        ),
        part("activity-applicants", lines(&report.applications, &|value| f.key("activity-applicant", value))),
        part("activity-purposes", lines(&report.purposes, &|value| f.key("activity-purpose", value))),
        part("activity-sources", report.sources.iter().map(named).collect()),
        part(
            "activity-results",
            [(f.t("activity-registered"), n(report.results))].into_iter().chain(reported).collect(),
        ),
        part(
            "activity-fines",
            vec![(f.t("activity-fines-n"), n(report.fines)), (f.t("activity-fines-sum"), kroner(&f, report.fines_ore))],
        ),
        part("activity-audits", lines(&report.audits, &|value| f.key("supervision-of", value))),
        part("activity-findings", lines(&report.findings, &|value| f.key("supervision-finding", value))),
        part(
            "activity-labels",
            [(f.t("activity-labels-n"), n(report.labels))]
                .into_iter()
                .chain(lines(&report.label_elements, &|value| f.key("supervision-element", value)))
                .collect(),
        ),
    ];
    let parts = parts.into_iter().filter(|(_, lines)| !lines.is_empty()).collect();
    let crumb = f.t("task-register");
    let f = f.crumb("/register", crumb);
    draw(&visitor, &ActivityPage { f, report, parts })
}
