//! ENG-040: random worlds, random scripts; engine and reference interpreter give the same columns, populations, tables
//! with their persons, and summaries.

use proptest::prelude::*;

use super::reference::Reference;
use super::world::{self, Dice, HEAD};
use crate::keys::RecordKeys;
use crate::raw::RawTable;
use crate::vector::Value;
use crate::{Outcome, RunError};

fn number(dice: &mut Dice, depth: u32) -> String {
    if depth == 0 || dice.roll(4) == 0 {
        let leaf = ["inntekt", "vekt", "nivaa", "foedt", "3", "0", "2.5", "-7", "100000", "inntekt20"];
        return dice.pick(&leaf).to_owned();
    }
    let (a, b) = (number(dice, depth - 1), number(dice, depth - 1));
    match dice.roll(12) {
        0 => format!("({a} + {b})"),
        1 => format!("({a} - {b})"),
        2 => format!("({a} * {b})"),
        3 => format!("({a} / {b})"),
        4 => format!("(-{a})"),
        5 => format!("rowmax({a}, {b})"),
        6 => format!("rowtotal({a}, {b}, vekt)"),
        7 => format!("round({a}, 10)"),
        8 => format!("int({a} / 7)"),
        9 => format!("year({a})"),
        10 => "length(kommune)".to_owned(),
        _ => format!("({a} * {b} * 9000000000)"),
    }
}

fn truth(dice: &mut Dice, depth: u32) -> String {
    if depth > 0 && dice.roll(2) == 0 {
        let (a, b) = (truth(dice, depth - 1), truth(dice, depth - 1));
        return match dice.roll(3) {
            0 => format!("({a} & {b})"),
            1 => format!("({a} | {b})"),
            _ => format!("!({a})"),
        };
    }
    let compare = dice.pick(&["==", "!=", "<", "<=", ">", ">="]);
    match dice.roll(7) {
        0 => format!("kjoenn {compare} '1'"),
        1 => "substr(kommune, 1, 2) == '03'".to_owned(),
        2 => "inlist(kommune, '5001', '4601')".to_owned(),
        3 => format!("sysmiss({})", dice.pick(&["kjoenn", "inntekt", "kommune"])),
        4 => "inrange(inntekt, 1000, 400000)".to_owned(),
        5 => "startswith(kommune, '50')".to_owned(),
        _ => format!("{} {compare} {}", number(dice, 1), number(dice, 1)),
    }
}

fn script(dice: &mut Dice) -> String {
    let mut out = format!(
        "{HEAD}import db/KOMMUNE 2020-01-01 as kommune\nimport db/KJOENN as kjoenn\nimport db/INNTEKT 2019-06-15 as inntekt{}\n\
         import db/INNTEKT 2020-12-31 as inntekt20\nimport db/VEKT as vekt\nimport db/NIVAA 2020-01-01 as nivaa\n\
         import db/FOEDT as foedt\n",
        if dice.roll(3) == 0 { ", outer_join" } else { "" }
    );
    let condition = |dice: &mut Dice| if dice.roll(2) == 0 { format!(" if {}", truth(dice, 2)) } else { String::new() };
    for i in 0..2 + dice.roll(4) {
        let line = match dice.roll(6) {
            0 => format!("generate g{i} = {}{}", number(dice, 3), condition(dice)),
            1 => format!("generate g{i} = {}{}", truth(dice, 2), condition(dice)),
            2 => format!("replace inntekt = {}{}", "inntekt20 + 1", condition(dice)),
            3 => format!("{} if {}", dice.pick(&["keep", "drop"]), truth(dice, 2)),
            4 => format!("recode nivaa (1 2 = 1 'Lavere') (missing = 0 'Ingen'){}", condition(dice)),
            _ => format!("recode kommune ('0301' = 'Oslo') ('1601' = .){}", condition(dice)),
        };
        out.push_str(&line);
        out.push('\n');
    }
    let missing = dice.pick(&["", ", missing"]);
    out.push_str(&format!("tabulate kjoenn kommune{}{missing}\n", condition(dice)));
    out.push_str(&format!("tabulate nivaa kjoenn kommune{missing}\n"));
    out.push_str(&format!("summarize inntekt vekt nivaa{}\n", condition(dice)));
    out
}

fn close(a: f64, b: f64) -> bool {
    a == b || (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1e-9)
}

fn equal(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(x), Some(y)) => close(x, y),
        _ => a == b,
    }
}

fn check_table(table: &RawTable, reference: &Reference, number: usize, keys: &RecordKeys, text: &str) {
    let expected = &reference.tables[number];
    let mut filled = 0;
    for (i, cell) in table.cells.iter().enumerate() {
        let position = table.position(i);
        let codes = table.dimensions.iter().zip(&position);
        let codes = codes.map(|(d, p)| d.categories.get(*p).map_or("*".to_owned(), |c| c.code.clone()));
        let codes: Vec<String> = codes.collect();
        let (rows, people) = expected.get(&codes).cloned().unwrap_or_default();
        assert_eq!(cell.rows, rows, "rows of {codes:?}\n{text}");
        assert_eq!(cell.set.persons, people.len() as u64, "persons of {codes:?}\n{text}");
        let print = people.iter().fold(0u128, |f, p| f.wrapping_add(keys.record()[*p as usize]));
        assert_eq!(cell.set.fingerprint, print, "set of {codes:?}\n{text}");
        filled += usize::from(rows > 0);
    }
    assert_eq!(filled, expected.len(), "no cell is lost\n{text}");
}

fn check(seed: u64, persons: u32) {
    let mut dice = Dice(seed);
    let text = script(&mut dice);
    let world = world::random(seed ^ 0x5555, persons);
    let program = world::plan(&world, &text);
    let reference = Reference::run(&world, &program);
    let keys = RecordKeys::derive(&[0x11; 32], persons);
    let done = world::run(world, &text);
    let dataset = done.run.dataset("d").unwrap();
    for (unit, expected) in reference.units.iter().enumerate() {
        assert_eq!(dataset.mask.get(unit), *expected, "unit {unit} in the population\n{text}");
    }
    for (name, expected) in &reference.columns {
        let column = dataset.column(name).unwrap();
        let found = column.data.read(0..persons as usize);
        for unit in 0..persons as usize {
            let (a, b) = (found.get(unit), &expected.values[unit]);
            assert!(equal(&a, b), "{name}, unit {unit}: {a:?} and {b:?}\n{text}");
        }
    }
    let (mut tables, mut summaries) = (0, 0);
    for outcome in done.outcomes {
        match outcome {
            Ok(Outcome::Table(raw)) => {
                check_table(raw.peek(), &reference, tables, &keys, &text);
                tables += 1;
            }
            Ok(Outcome::Summary(raw)) => {
                for (row, expected) in raw.peek().rows.iter().zip(&reference.summaries[summaries]) {
                    let m = &row.magnitude;
                    assert_eq!(m.rows, expected.len() as u64, "{text}");
                    assert!(close(m.plain.sum, expected.iter().sum()), "{text}");
                    let mean = expected.iter().sum::<f64>() / expected.len() as f64;
                    assert!(m.plain.mean.is_none_or(|x| close(x, mean)), "{text}");
                }
                summaries += 1;
            }
            Ok(_) => {}
            Err(error @ RunError::Statement { .. }) => panic!("{error}\n{text}"),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((tables, summaries), (2, 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn eng_040_engine_and_reference_agree(seed in any::<u64>(), persons in 0u32..90) {
        check(seed, persons);
    }
}

/// ENG-041: no units, one unit, two units.
#[test]
fn eng_041_hardly_anyone() {
    for persons in 0..3 {
        (0..30).for_each(|seed| check(seed, persons));
    }
}
