//! Population criteria: syntax, types, rows and persons (ACC-046, ACC-047, ACC-048).

use std::collections::BTreeMap;

use kernel::Date;
use kernel::criteria::{
    Atom, Cell, Codes, Comparison, Crit, Criteria, Item, Lookup, NoHierarchy, Persons, Position, PrefixHierarchy, Test,
    Value, VariableKind, nearest,
};
use proptest::prelude::*;

const STROKE: &str =
    "npr.somatikk.hovedtilstand in ('I60'..'I64') and npr.somatikk.innDato between 2018-01-01 and 2024-12-31";

struct Known;

impl Known {
    const IDS: [&str; 4] =
        ["npr.somatikk.hovedtilstand", "npr.somatikk.innDato", "dar.main.dodsdato", "lmr.main.antall"];
}

impl Lookup for Known {
    fn kind(&self, variable: &str) -> Option<VariableKind> {
        match variable {
            "npr.somatikk.hovedtilstand" => Some(VariableKind::Code),
            "npr.somatikk.innDato" | "dar.main.dodsdato" => Some(VariableKind::Date),
            "lmr.main.antall" => Some(VariableKind::Number),
            _ => None,
        }
    }
    fn nearest(&self, variable: &str) -> Vec<String> {
        nearest(Known::IDS, variable, 3)
    }
}

fn parse(text: &str) -> Criteria {
    Criteria::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn code(text: &str) -> &'static str {
    Criteria::parse(text).err().map_or("parses", |e| e.code)
}

fn collection(variable: &str) -> String {
    variable.rsplit_once('.').map_or(String::new(), |(before, _)| before.to_owned())
}

#[test]
fn the_example_of_the_specification_parses_and_checks() {
    let criteria = parse(STROKE);
    assert_eq!(criteria.to_string(), STROKE);
    assert_eq!(criteria.variables().len(), 2);
    criteria.check(&Known).unwrap();
    let json = serde_json::to_string(&criteria).unwrap();
    assert_eq!(serde_json::from_str::<Criteria>(&json).unwrap(), criteria);
}

#[test]
fn faults_are_named_at_their_place() {
    for (text, expected, at) in [
        ("", "syntax", 0),
        ("npr.somatikk.innDato =", "syntax", 22),
        ("npr.somatikk.innDato = 2018-02-30", "syntax", 23),
        ("npr.a.b = 'open", "syntax", 10),
        ("npr.a.b in ('a' 'b')", "syntax", 16),
        ("npr.a.b = 1 npr.a.c = 2", "syntax", 12),
        ("hovedtilstand = 'I63'", "syntax", 0),
        ("npr.a.b = 1; drop", "syntax", 11),
        ("(npr.a.b = 1", "syntax", 12),
        ("npr.a.b between 1 or 2", "syntax", 18),
    ] {
        let error = Criteria::parse(text).unwrap_err();
        assert_eq!((error.code, error.at), (expected, at), "{text}: {error}");
    }
    assert_eq!(code(&"(".repeat(40)), "too_deep");
    assert_eq!(code(&vec!["a.b = 1"; 51].join(" and ")), "too_many_atoms");
    assert_eq!(code(&format!("a.b in ({})", vec!["1"; 201].join(","))), "too_many_items");
    assert_eq!(code(&format!("a.b in ({})", vec!["1"; 200].join(","))), "parses");
    assert_eq!(code(&" ".repeat(20_001)), "too_long");
}

#[test]
fn acc_048_unknown_variables_come_with_the_nearest() {
    let faults = parse("npr.somatikk.hovedtilstan = 'I63'").check(&Known).unwrap_err();
    assert_eq!(faults[0].code, "unknown_variable");
    assert_eq!(faults[0].suggestions[0], "npr.somatikk.hovedtilstand");
    let text = "npr.somatikk.innDato = 'x' or lmr.main.antall between 3 and 1 or npr.somatikk.hovedtilstand > 'A'";
    let codes: Vec<&str> = parse(text).check(&Known).unwrap_err().iter().map(|e| e.code).collect();
    assert_eq!(codes, ["type_mismatch", "reversed_range", "type_mismatch"]);
}

#[test]
fn acc_046_a_code_stands_for_everything_below_it() {
    let test = |text: &str, value: &str, codes: &dyn Codes| parse(text).root.matches(&|_| Cell::Text(value), codes);
    let icd = &PrefixHierarchy;
    assert!(test("a.b = 'I63'", "I63.9", icd));
    assert!(!test("a.b = 'I63'", "I64", icd));
    assert!(!test("a.b != 'I63'", "I639", icd));
    for (value, inside) in
        [("I60", true), ("I62.1", true), ("I64", true), ("I64.9", true), ("I65", false), ("I5", false)]
    {
        assert_eq!(test("a.b in ('I60'..'I64')", value, icd), inside, "{value}");
        assert_eq!(test("a.b not in ('I60'..'I64')", value, icd), !inside, "{value}");
    }
    assert!(!test("a.b = '1'", "10", &NoHierarchy));
}

#[test]
fn acc_046_a_code_list_gives_hierarchy_and_order() {
    struct List(BTreeMap<&'static str, (usize, Option<&'static str>)>);
    impl Codes for List {
        fn parent(&self, _: &str, code: &str) -> Option<String> {
            self.0.get(code)?.1.map(str::to_owned)
        }
        fn position(&self, _: &str, code: &str) -> Option<usize> {
            Some(self.0.get(code)?.0)
        }
        fn prefixes_are_parents(&self, _: &str) -> bool {
            false
        }
    }
    let list = List(BTreeMap::from([
        ("north", (0, None)),
        ("tromso", (1, Some("north"))),
        ("middle", (2, None)),
        ("east", (3, None)),
        ("oslo", (4, Some("east"))),
    ]));
    let holds = |text: &str, value: &str| parse(text).root.matches(&|_| Cell::Text(value), &list);
    assert!(holds("a.b = 'north'", "tromso"));
    assert!(holds("a.b in ('middle'..'east')", "oslo"));
    assert!(holds("a.b in ('north'..'middle')", "tromso"));
    assert!(!holds("a.b in ('middle'..'east')", "tromso"));
}

#[test]
fn acc_047_a_missing_value_fails_the_atom_and_fulfils_its_negation() {
    let holds = |text: &str| parse(text).root.matches(&|_| Cell::Missing, &NoHierarchy);
    for text in ["a.b = 1", "a.b != 1", "a.b not in (1)", "a.b between 1 and 2", "a.b < 3"] {
        assert!(!holds(text), "{text}");
        assert!(holds(&format!("not {text}")), "not {text}");
    }
    assert!(holds("a.b is missing"));
}

#[test]
fn acc_047_one_row_fulfils_all_conditions_of_its_group() {
    let day = |text: &str| Cell::Date(text.parse::<Date>().unwrap());
    let rows = [("I63", day("2017-05-01")), ("J18", day("2019-05-01"))];
    let row_holds = |test: &Crit| {
        rows.iter().any(|(icd, date)| {
            let cell = |v: &str| if v.ends_with("hovedtilstand") { Cell::Text(icd) } else { *date };
            test.matches(&cell, &PrefixHierarchy)
        })
    };
    let person = |text: &str| parse(text).persons(&collection).holds(&mut |_, test| row_holds(test));
    assert!(!person(STROKE), "the stroke was before the years and the later episode is no stroke");
    assert!(person("npr.somatikk.hovedtilstand = 'I63'"));
    let two = "(npr.somatikk.hovedtilstand = 'I63' and npr.somatikk.innDato < 2018-01-01) and \
               (npr.somatikk.hovedtilstand = 'J18' and npr.somatikk.innDato > 2018-01-01)";
    assert!(person(two), "two groups may be two episodes");
    assert!(!person(
        "npr.somatikk.innDato > 2018-01-01 and (npr.somatikk.hovedtilstand = 'I63' or npr.somatikk.hovedtilstand = 'I64')"
    ));
}

#[test]
fn acc_047_parts_of_different_collections_are_combined_per_person() {
    let criteria = parse(
        "npr.somatikk.hovedtilstand = 'I63' and dar.main.dodsdato is missing and npr.somatikk.innDato > 2018-01-01",
    );
    let persons = criteria.persons(&collection);
    let tables: Vec<&str> = persons.rows().iter().map(|(table, _)| *table).collect();
    assert_eq!(tables, ["npr.somatikk", "dar.main"]);
    let Persons::All(parts) = &persons else { panic!("{persons:?}") };
    assert!(matches!(&parts[0], Persons::Row { test: Crit::And(tests), .. } if tests.len() == 2));
    let mixed =
        parse("not (npr.somatikk.hovedtilstand = 'I63' or dar.main.dodsdato > 2020-01-01)").persons(&collection);
    assert!(matches!(mixed, Persons::Not(_)));
    assert!(mixed.holds(&mut |_, _| false));
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        (-1_000_000i64..1_000_000).prop_map(|n| Value::Number(n as f64 / 8.0)),
        "[A-Za-z0-9 .'æøå-]{0,8}".prop_map(Value::Text),
        (-20_000i32..40_000).prop_map(|d| Value::Date(Date::from_days(d))),
    ]
}

fn tree() -> impl Strategy<Value = Crit> {
    let sign = prop_oneof![Just(Comparison::Equal), Just(Comparison::NotEqual), Just(Comparison::AtMost)];
    let item = prop_oneof![value().prop_map(Item::One), (value(), value()).prop_map(|(a, b)| Item::Range(a, b))];
    let test = prop_oneof![
        (sign, value()).prop_map(|(s, v)| Test::Compare(s, v)),
        (value(), value()).prop_map(|(a, b)| Test::Between(a, b)),
        Just(Test::Missing),
        (any::<bool>(), prop::collection::vec(item, 1..4)).prop_map(|(negated, items)| Test::In { negated, items }),
    ];
    let atom = ("[a-z]{1,5}(\\.[a-zA-Z][a-zA-Z0-9_]{0,5}){1,2}", test)
        .prop_map(|(variable, test)| Crit::Atom(Atom { variable, test, at: Position(0) }));
    atom.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Crit::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Crit::Or),
            inner.prop_map(|c| Crit::Not(Box::new(c))),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_parses_to_the_same(root in tree()) {
        let criteria = Criteria { root };
        let text = criteria.to_string();
        prop_assert_eq!(Criteria::parse(&text).map_err(|e| format!("{text}: {e}")), Ok(criteria));
    }

    #[test]
    fn no_text_makes_the_parser_fall(text in "[a-z.(),'=<> 0-9-]{0,60}") {
        if let Err(error) = Criteria::parse(&text) {
            prop_assert!(error.at <= text.chars().count());
        }
    }
}
