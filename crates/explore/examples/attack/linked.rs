//! Attacks on hidden cells of linked tables (A12): three attributes with all their margins, and the same with one of them
//! grouped, which is a level of a hierarchy above it. Every shown number bounds the cells that it is the sum of; the bounds
//! are carried to and fro until none changes any more (the shuttle algorithm).

use super::Failure;
use super::answer::{Answer, Told};
use super::register::{ATTRIBUTES, COLUMNS, PRELUDE, Register};

/// Persons with numbers below this are tabulated, so that some cells are small.
const PERSONS: u32 = 4000;
/// Rounds after which bounds that still change are taken as they are.
const ROUNDS: usize = 60;

/// Cells that lie within a range together.
struct Sum {
    cells: Vec<usize>,
    low: f64,
    high: f64,
}

/// What shown numbers say of cells: every number is within `noise` of the truth, a hidden one at most `most`.
struct Shown<'a> {
    table: &'a Told,
    noise: f64,
    most: f64,
}

impl Shown<'_> {
    /// What a number may be.
    fn range(&self, codes: &[&str]) -> (f64, f64) {
        match self.table.count(codes) {
            Some(n) => ((n - self.noise).max(0.0), n + self.noise),
            None => (0.0, self.most),
        }
    }
}

/// A12: of the hidden cells of tables of three attributes how many are pinned down to less than a tenth of them, and how
/// many there are.
pub fn pinned(answer: &dyn Answer, register: &Register, noise: f64) -> Result<(usize, usize), Failure> {
    let (mut found, mut hidden) = (0, 0);
    for a in 0..5 {
        for b in a + 1..5 {
            for c in b + 1..5 {
                let (pinned, all) = of_three(answer, register, noise, [a, b, c])?;
                found += pinned;
                hidden += all;
            }
        }
    }
    Ok((found, hidden))
}

fn of_three(answer: &dyn Answer, register: &Register, noise: f64, of: [usize; 3]) -> Result<(usize, usize), Failure> {
    let [a, b, c] = of.map(|i| COLUMNS[i]);
    let script = format!(
        "{PRELUDE}generate top = inlist({a}, '1', '2')\ntabulate {a} {b} {c} if nr < {PERSONS}\n\
         tabulate top {b} {c} if nr < {PERSONS}\n"
    );
    let answers = answer.ask("first", &script)?;
    let Some(table) = answers.told.first() else { return Ok((0, 0)) };
    let codes = &table.codes;
    // A category that is not shown is in the totals all the same.
    if codes.len() != 3 || of.iter().zip(codes).any(|(i, codes)| codes.len() as u64 != ATTRIBUTES[*i].1) {
        return Ok((0, 0));
    }
    let told = Shown { table, noise, most: 9.0 + noise };
    let sizes = [codes[0].len(), codes[1].len(), codes[2].len()];
    let at = |[x, y, z]: [usize; 3]| (x * sizes[1] + y) * sizes[2] + z;
    let places: Vec<[usize; 3]> =
        (0..sizes[0]).flat_map(|x| (0..sizes[1]).flat_map(move |y| (0..sizes[2]).map(move |z| [x, y, z]))).collect();
    let name = |d: usize, place: Option<usize>| place.map_or("", |p| codes[d][p].as_str());
    let mut sums = Vec::new();
    // Every margin: some of the three are fixed, the others summed over.
    for fixed in 0..7usize {
        let mut margins: Vec<[Option<usize>; 3]> = Vec::new();
        for place in &places {
            let margin: [Option<usize>; 3] = std::array::from_fn(|d| (fixed >> d & 1 == 1).then_some(place[d]));
            if !margins.contains(&margin) {
                margins.push(margin);
            }
        }
        for margin in margins {
            let within = |place: &&[usize; 3]| (0..3).all(|d| margin[d].is_none_or(|m| m == place[d]));
            let (low, high) = told.range(&[name(0, margin[0]), name(1, margin[1]), name(2, margin[2])]);
            sums.push(Sum { cells: places.iter().filter(within).map(|p| at(*p)).collect(), low, high });
        }
    }
    if let Some(table) =
        answers.told.get(1).filter(|t| t.codes.len() == 3 && t.codes[1] == codes[1] && t.codes[2] == codes[2])
    {
        let grouped = Shown { table, ..told };
        for (y, z) in (0..sizes[1]).flat_map(|y| (0..sizes[2]).map(move |z| (y, z))) {
            for (code, top) in [("1", true), ("0", false)] {
                let cells = (0..sizes[0]).filter(|x| matches!(codes[0][*x].as_str(), "1" | "2") == top);
                let (low, high) = grouped.range(&[code, name(1, Some(y)), name(2, Some(z))]);
                sums.push(Sum { cells: cells.map(|x| at([x, y, z])).collect(), low, high });
            }
        }
    }
    let shown = |p: &[usize; 3]| [name(0, Some(p[0])), name(1, Some(p[1])), name(2, Some(p[2]))];
    let bounds = shuttle(places.iter().map(|p| told.range(&shown(p))).collect(), &sums);
    let hidden: Vec<&[usize; 3]> = places.iter().filter(|p| table.count(&shown(p)).is_none()).collect();
    let pins = hidden.iter().filter(|place| {
        let is = |d: usize, p: &super::register::Person| p.attributes[of[d]].to_string() == codes[d][place[d]];
        let members = register.persons.iter().filter(|p| p.number < PERSONS && (0..3).all(|d| is(d, p)));
        let (truth, (low, high)) = (members.count() as f64, bounds[at(***place)]);
        truth > 0.0 && low <= truth && truth <= high && high - low < 0.1 * truth
    });
    Ok((pins.count(), hidden.len()))
}

/// Bounds that follow from the bounds of cells and of their sums.
fn shuttle(mut cells: Vec<(f64, f64)>, sums: &[Sum]) -> Vec<(f64, f64)> {
    for _ in 0..ROUNDS {
        let before = cells.clone();
        for sum in sums {
            let (least, most) = sum.cells.iter().fold((0.0, 0.0), |(l, m), c| (l + cells[*c].0, m + cells[*c].1));
            // A cell is in a sum once, so that what the others leave is still that of the start.
            for c in &sum.cells {
                let (low, high) = cells[*c];
                let (others_least, others_most) = (least - low, most - high);
                cells[*c] = (low.max((sum.low - others_most).ceil()), high.min((sum.high - others_least).floor()));
            }
        }
        if cells == before {
            break;
        }
    }
    cells
}
