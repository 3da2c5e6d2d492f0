//! The forty checks before submission, each with a draft that breaks it alone (CHK-01 to CHK-40, `access.md` section 10).
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{SmallCatalogue, answers, cart};
use access::form::{
    self, Counted, Decides, DraftContent, Environment, Fault, FileState, Level, NobodyToAsk, OrganisationState,
    Outside, RoomFacts, check,
};
use access::{CartItem, VariableFacts};
use serde_json::{Value, json};

/// Registers that answer; every answer can be changed.
#[derive(Clone)]
struct Registers {
    organisation: Option<OrganisationState>,
    excluded: Vec<&'static str>,
    receives: bool,
    file: FileState,
    room: RoomFacts,
    counted: Option<Counted>,
    similar: Vec<String>,
    collection: usize,
    peer: Option<&'static str>,
    forwarded: Option<&'static str>,
    small_cells: u32,
}

impl Default for Registers {
    fn default() -> Self {
        let tools = ["r", "python"].map(str::to_owned).to_vec();
        Self {
            organisation: Some(OrganisationState::Active),
            excluded: Vec::new(),
            receives: true,
            file: FileState::Good,
            room: RoomFacts { person_level: true, approved_until: None, tools, third_countries: false },
            counted: Some(Counted { persons: 65_200, population: Some(5_500_000) }),
            similar: Vec::new(),
            collection: 100,
            peer: None,
            forwarded: None,
            small_cells: 0,
        }
    }
}

impl Outside for Registers {
    fn organisation(&self, _: &str) -> Option<OrganisationState> {
        self.organisation
    }
    fn excluded(&self, who: &str) -> Option<bool> {
        Some(self.excluded.contains(&who))
    }
    fn receives_invoice(&self, _: &str) -> Option<bool> {
        Some(self.receives)
    }
    fn file(&self, _: &str) -> Option<FileState> {
        Some(self.file)
    }
    fn room(&self, _: &str) -> Option<RoomFacts> {
        Some(self.room.clone())
    }
    fn counted(&self) -> Option<Counted> {
        self.counted
    }
    fn similar_cases(&self) -> Option<Vec<String>> {
        Some(self.similar.clone())
    }
    fn collection_size(&self, _: &str) -> Option<usize> {
        Some(self.collection)
    }
    fn peer_granularity(&self, _: &str) -> Option<String> {
        self.peer.map(str::to_owned)
    }
    fn decides(&self, _: &str) -> Option<Decides> {
        Some(self.forwarded.map_or(Decides::ThisBody, |body| Decides::Other(body.to_owned())))
    }
    fn small_cells(&self, _: usize) -> Option<u32> {
        Some(self.small_cells)
    }
}

/// A draft, the registers and the profile that a case of a test changes.
struct World {
    form: &'static str,
    profile: &'static str,
    draft: DraftContent,
    registers: Registers,
}

impl World {
    fn new() -> Self {
        let draft = DraftContent { fields: answers(), cart: cart() };
        Self { form: form::PERSON_LEVEL, profile: "NO/1", draft, registers: Registers::default() }
    }

    fn set(&mut self, field: &str, value: Value) {
        self.draft.fields.insert(field.into(), value);
    }

    fn faults(&self, outside: &dyn Outside) -> Vec<Fault> {
        let mut variables: BTreeMap<String, VariableFacts> =
            SmallCatalogue::all().into_iter().map(|facts| (facts.id.clone(), facts)).collect();
        let mut municipality = variables["dar.main.dodssted"].clone();
        municipality.id = "dar.main.bostedskommune".into();
        variables.insert(municipality.id.clone(), municipality);
        let rooms = ["room:tsd".to_owned()];
        check(
            form::latest(self.form),
            &self.draft,
            &Environment {
                today: "2026-11-21".parse().unwrap(),
                profile: self.profile,
                rooms: &rooms,
                variables: &variables,
                holds_identity_number: &|text| text.contains("1506"),
                near: &|_| Vec::new(),
                given: &BTreeMap::new(),
                outside,
            },
        )
        .faults
    }
}

type Change = fn(&mut World);

/// A change that breaks a check, and the level at which it is told.
fn breaking() -> Vec<(&'static str, Level, Change)> {
    use Level::{Block, Warn};
    vec![
        ("CHK-01", Block, |w| w.set("use.aim", json!("kort"))),
        ("CHK-02", Block, |w| w.draft.cart[0].variable_id = "npr.somatikk.pasientId".into()),
        ("CHK-03", Block, |w| {
            w.draft.fields["cart.periods"]["dar.main"] = json!({"from": "1990-01-01", "to": "2020-12-31"});
        }),
        ("CHK-04", Block, |w| {
            w.set("pub.purposes", json!(["c"]));
            w.set("app.public_body", json!(false));
        }),
        ("CHK-05", Block, |w| w.draft.fields["use.prohibited"]["marketing"] = json!(true)),
        ("CHK-06", Block, |w| w.set("no.gdpr9", json!([]))),
        ("CHK-07", Block, |w| w.set("proc.gdpr6", json!(["a"]))),
        ("CHK-08", Block, |w| w.set("no.rek", json!({"status": "approved", "reference": "2026/1"}))),
        ("CHK-09", Warn, |w| w.draft.fields["no.rek"]["valid_to"] = json!("2028-01-01")),
        ("CHK-10", Block, |w| w.set("no.dispensation", json!(false))),
        ("CHK-11", Block, |w| w.set("no.disp_ethics", json!(null))),
        ("CHK-12", Block, |w| w.set("use.responsible", json!("en@annen.no"))),
        ("CHK-13", Warn, |w| w.draft.fields["proc.persons"][0]["affiliation"] = json!("Et annet sted")),
        ("CHK-14", Block, |w| w.registers.excluded = vec!["arne@universitetet.no"]),
        ("CHK-15", Block, |w| {
            w.draft.fields["cart.periods"]["dar.main"] = json!({"from": "2018-01-01", "to": "2031-01-01"});
        }),
        ("CHK-16", Block, |w| {
            w.set("pop.recur", json!("other"));
            w.set("pop.recur_desc", json!("Månedlig så lenge prosjektet varer."));
        }),
        ("CHK-17", Block, |w| w.set("pop.linkage", json!("none"))),
        ("CHK-18", Warn, |w| {
            w.draft.cart.remove(1);
        }),
        ("CHK-19", Warn, |w| w.registers.counted = Some(Counted { persons: 0, population: None })),
        ("CHK-20", Warn, |w| w.registers.counted = Some(Counted { persons: 20_000, population: None })),
        ("CHK-21", Warn, |w| {
            w.set("pop.method", json!("random_sample"));
            w.set("pop.sample_size", json!({"amount": 70_000, "unit": "persons"}));
        }),
        ("CHK-22", Warn, |w| {
            w.draft.cart[1].granularity = "day".into();
            w.draft.cart.push(CartItem { variable_id: "dar.main.bostedskommune".into(), ..w.draft.cart[3].clone() });
        }),
        ("CHK-23", Warn, |w| w.draft.cart[2].role = "control_matching".into()),
        ("CHK-24", Warn, |w| {
            w.registers.collection = 10;
            let line = w.draft.cart[3].clone();
            w.draft.cart.extend(std::iter::repeat_n(line, 7));
        }),
        ("CHK-25", Block, |w| w.set("no.direct_ids", json!(true))),
        ("CHK-26", Block, |w| w.set("no.dpia", json!("not_required"))),
        ("CHK-27", Block, |w| {
            w.set("proc.third_country", json!(true));
            let detail =
                json!({"countries": "US", "why": "En forsker arbeider derfra i et halvt år.", "basis": "art45"});
            w.set("proc.third_country_detail", detail);
        }),
        ("CHK-28", Block, |w| w.registers.room.approved_until = Some("2028-01-01".parse().unwrap())),
        ("CHK-29", Warn, |w| w.set("proc.room_needs", json!("Stata og 64 GB minne, ingen GPU."))),
        ("CHK-30", Block, |w| w.registers.organisation = Some(OrganisationState::Deleted)),
        ("CHK-31", Block, |w| w.registers.receives = false),
        ("CHK-32", Warn, |w| w.set("pub.summary", json!("Epidemiologiske kohortundersøkelser ".repeat(12)))),
        ("CHK-33", Block, |w| w.registers.file = FileState::Protected),
        ("CHK-34", Block, |w| w.set("no.delete_date", json!("2029-01-01"))),
        ("CHK-35", Warn, |w| w.registers.similar = vec!["A-2026-000001".into()]),
        ("CHK-36", Block, |w| {
            w.profile = "EHDS/1";
            w.set("app.public_body", json!(false));
            w.set("proc.optout_exception", json!(true));
        }),
        ("CHK-37", Warn, |w| w.registers.forwarded = Some("Statistisk sentralbyrå")),
        ("CHK-38", Block, |w| w.set("pop.controls", json!({"yes_no": true, "same_data": true}))),
        ("CHK-39", Block, |w| {
            w.set("ext.combine", json!(true));
            let item = json!({"country": "NO", "holder": "Klinikken", "register": "Studien", "dataset": "Prøver",
                              "identifiers": "direct", "method": "Fødselsnummer hos kilden"});
            w.set("ext.items", json!([item]));
        }),
        ("CHK-40", Warn, |w| {
            w.form = form::STATISTICS;
            w.set("tab.tables", json!([{"title": "Slag etter fylke og alder"}]));
            w.registers.small_cells = 40;
        }),
    ]
}

#[test]
fn an_application_that_says_everything_passes_all_forty() {
    let world = World::new();
    assert_eq!(world.faults(&world.registers), vec![]);
}

#[test]
fn chk_01_to_40_each_is_told_with_its_remedy_and_field() {
    let cases = breaking();
    let ids: BTreeSet<&str> = cases.iter().map(|(id, _, _)| *id).collect();
    let listed: BTreeSet<&str> = form::checks().iter().map(|check| check.id.as_str()).collect();
    assert_eq!((ids, form::checks().len()), (listed, 40));
    for (id, level, change) in cases {
        let mut world = World::new();
        change(&mut world);
        let found = world.faults(&world.registers);
        let own = found.iter().find(|fault| fault.check == id).unwrap_or_else(|| panic!("{id}: {found:?}"));
        assert_eq!(own.level, level, "{id}");
        assert_eq!((own.text.0.len(), own.remedy.0.len()), (3, 3), "{id}: texts in all languages");
        // The link leads to a field of the form, or to a part of one.
        let form = form::latest(world.form);
        let leads = form.fields().any(|f| own.field == f.id || own.field.starts_with(&format!("{}.", f.id)));
        assert!(leads, "{id}: {}", own.field);
    }
}

#[test]
fn every_check_names_a_field_and_says_what_to_do_in_all_languages() {
    for check in form::checks() {
        assert_eq!((check.title.0.len(), check.remedy.0.len()), (3, 3), "{}", check.id);
        let known = form::forms().iter().flat_map(form::Form::fields).any(|field| check.field.starts_with(&field.id));
        assert!(known, "{}: {}", check.id, check.field);
    }
}

/// ACC-203: what nobody could be asked about warns, and holds nothing up.
#[test]
fn acc_203_without_registers_the_checks_say_not_verified() {
    let world = World::new();
    let found = world.faults(&NobodyToAsk);
    let checks: Vec<&str> = found.iter().map(|fault| fault.check.as_str()).collect();
    assert_eq!(checks, ["CHK-14", "CHK-28", "CHK-30", "CHK-31", "CHK-37"]);
    assert!(found.iter().all(|fault| fault.rule == "not_verified" && fault.level == Level::Warn));
    let report = form::Report { faults: found };
    assert!(report.blocks().is_empty() && !report.warns());
    // A table of which nobody knows the small cells says so, in words of its own.
    let mut world = World::new();
    world.form = form::STATISTICS;
    world.set("tab.tables", json!([{"title": "Slag etter fylke og alder"}]));
    let found = world.faults(&NobodyToAsk);
    let table = found.iter().find(|fault| fault.check == "CHK-40").unwrap();
    assert_eq!((table.rule.as_str(), table.field.as_str()), ("not_verified", "tab.tables.0"));
    assert!(table.text.text(kernel::Language::Nb).contains("celler"));
}

/// Section 5, `tab.cells`: above 2 000 cells warns, above 100 000 stops.
#[test]
fn the_size_of_tables_warns_and_stops() {
    let rule = |rows: usize| {
        let mut world = World::new();
        world.form = form::STATISTICS;
        let variables = ["npr.somatikk.hovedtilstand", "dar.main.dodssted"];
        let table =
            json!({"title": "Slag etter tilstand og sted", "rows": &variables[..1], "columns": &variables[1..]});
        world.set("tab.tables", Value::Array(vec![table; rows]));
        let found = world.faults(&world.registers);
        found.into_iter().find(|f| f.field == "tab.cells").map(|f| (f.rule, f.level))
    };
    // Twenty codes each: 400 cells in a table.
    assert_eq!(rule(5), None);
    assert_eq!(rule(6), Some(("many_cells".to_owned(), Level::Warn)));
    assert_eq!(rule(251), Some(("too_many_cells".to_owned(), Level::Block)));
}

#[test]
fn levels_follow_the_circumstances() {
    let level = |change: Change, check: &str| {
        let mut world = World::new();
        change(&mut world);
        let found = world.faults(&world.registers);
        found.iter().find(|fault| fault.check == check).map(|fault| fault.level)
    };
    let exact: Change = |w| {
        w.set("pop.method", json!("random_sample"));
        w.set("pop.size_kind", json!("exact"));
        w.set("pop.sample_size", json!({"amount": 70_000, "unit": "persons"}));
    };
    assert_eq!(level(exact, "CHK-21"), Some(Level::Block));
    assert_eq!(level(|w| w.set("no.dpia", json!("in_progress")), "CHK-26"), Some(Level::Warn));
    assert_eq!(level(|w| w.registers.organisation = Some(OrganisationState::Bankrupt), "CHK-30"), Some(Level::Warn));
    for stopped in
        ["Skriv til kari@universitetet.no for mer.", "Ring oss på 22 33 44 55 for mer.", "Ring +47 22334455."]
    {
        let mut world = World::new();
        world.set("pub.summary", json!(format!("Vi vil vite hvem som dør etter et slag. {stopped}")));
        let found = world.faults(&world.registers);
        assert!(found.iter().any(|f| f.check == "CHK-32" && f.level == Level::Block), "{stopped}");
    }
    // Years, amounts and dates are no telephone numbers.
    let mut world = World::new();
    let years = "Vi ser på 65 000 personer fra 2018 til 2024, og igjen 2019-2020. Vi vil vite hvem som dør.";
    world.set("pub.summary", json!(years));
    assert_eq!(world.faults(&world.registers), vec![]);
    // Free text with what looks like an identity number is stopped, in parts of fields too.
    world.draft.fields["proc.persons"][0]["name"] = json!("Liv 15069012345");
    assert_eq!(world.faults(&world.registers)[0].rule, "identity_number");
}
