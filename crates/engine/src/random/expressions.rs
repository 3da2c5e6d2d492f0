//! Random expressions over the columns of a dataset: numbers, truths and texts, with constants at the edges.

use script::DataType;

use super::dice::Dice;
use super::shape::Dataset;

/// Draws expressions over one dataset.
pub(super) struct Expressions<'a> {
    numbers: Vec<String>,
    texts: Vec<String>,
    keys: Vec<String>,
    labelled: Vec<String>,
    dice: &'a mut Dice,
}

const NUMBERS: [&str; 14] =
    ["0", "1", "2", "7", "100", "2.5", "0.1", "-1", "-9", "18262", "-25568", "9000000000000000", "100000", "1000000.5"];
const TEXTS: [&str; 10] = ["'1'", "'2'", "'0301'", "'5001'", "'A00'", "'a'", "''", "' 7 '", "'Bærum'", "'12'"];
const COMPARISONS: [&str; 6] = ["==", "!=", "<", "<=", ">", ">="];

impl<'a> Expressions<'a> {
    pub(super) fn new(dataset: &Dataset, dice: &'a mut Dice) -> Self {
        Self {
            numbers: dataset.names(|c| c.data_type.is_numeric()),
            texts: dataset.names(|c| c.data_type == DataType::Text),
            keys: dataset.names(|c| matches!(c.data_type, DataType::Key(_))),
            labelled: dataset.names(|c| c.labelled),
            dice,
        }
    }

    fn column(&mut self, numeric: bool) -> String {
        let names = if numeric { &self.numbers } else { &self.texts };
        match self.dice.choose(names) {
            Some(name) if !self.dice.once_in(8) => name.clone(),
            _ if self.dice.once_in(20) => ".".to_owned(),
            _ if numeric => self.dice.pick(&NUMBERS).to_owned(),
            _ => self.dice.pick(&TEXTS).to_owned(),
        }
    }

    /// Any column.
    fn any(&mut self) -> String {
        let all: Vec<String> = [&self.numbers[..], &self.texts, &self.keys].concat();
        self.dice.choose(&all).cloned().unwrap_or_else(|| "1".to_owned())
    }

    /// A number.
    pub(super) fn number(&mut self, depth: u32) -> String {
        if depth == 0 || self.dice.once_in(4) {
            return self.column(true);
        }
        let a = self.number(depth - 1);
        match self.dice.roll(30) {
            0..=2 => format!("({a} {} {})", self.dice.pick(&["+", "-", "*", "/"]), self.number(depth - 1)),
            3 => format!("({a} * {} * 9000000000)", self.number(depth - 1)),
            4 => format!("-{a}"),
            5 => format!("({a} ^ {})", self.dice.pick(&["2", "0.5", "-1", "3"])),
            6..=9 => {
                let f = self.dice.pick(&["day", "month", "week", "year", "halfyear", "quarter", "dow", "doy"]);
                format!("{f}({a})")
            }
            10 => format!("date({a}, {}, {})", self.number(depth - 1), self.number(depth - 1)),
            11 => format!("date({}, {}, {})", self.some(2000, 60), self.some(0, 14), self.some(0, 32)),
            12..=14 => {
                let f = self.dice.pick(&["rowmax", "rowmin", "rowmean", "rowmedian", "rowtotal", "rowstd"]);
                let rest: String = (0..self.dice.roll(4)).map(|_| format!(", {}", self.number(depth - 1))).collect();
                format!("{f}({a}{rest})")
            }
            15 => format!("{}({}, {})", self.dice.pick(&["rowmissing", "rowvalid"]), self.any(), self.any()),
            16..=18 => format!("{}({a})", self.dice.pick(&["ceil", "floor", "int", "abs", "round", "round"])),
            19 => format!("round({a}, {})", self.dice.pick(&["10", "0.1", "100", "3", "0.25", "-1", "0"])),
            20..=22 => {
                let functions =
                    ["sqrt", "exp", "ln", "log10", "logit", "lnfactorial", "acos", "asin", "atan", "cos", "sin", "tan"];
                format!("{}({a})", self.dice.pick(&functions))
            }
            23 => format!("comb({}, {})", self.some(0, 9), self.some(0, 9)),
            24 => format!("quantile({a}, {})", self.some(2, 9)),
            25 => format!("length({})", self.text(depth - 1)),
            26 => "pi()".to_owned(),
            27 => self.distribution(&a),
            _ => self.truth(depth - 1),
        }
    }

    /// A distribution function at a point that may lie outside its domain.
    fn distribution(&mut self, a: &str) -> String {
        let p = self.dice.pick(&["0", "0.025", "0.5", "0.95", "1", "1.5", "-0.1"]);
        let v = self.dice.pick(&["1", "2", "10", "0", "-3"]);
        match self.dice.roll(10) {
            0 => format!("normal({a})"),
            1 => format!("chi2({v}, {a})"),
            2 => format!("t({v}, {a})"),
            3 => format!("F({v}, 5, {a})"),
            4 => format!("binomial({v}, 1, {p})"),
            5 => format!("invt({v}, {p})"),
            6 => format!("invchi2({v}, {p})"),
            7 => format!("ibeta({v}, 2, {p})"),
            8 => format!("normalden({a}, 1, {v})"),
            _ => format!("nchi2({v}, 1, {a})"),
        }
    }

    /// A whole number from `least`, `spread` of them.
    fn some(&mut self, least: usize, spread: usize) -> String {
        (least + self.dice.roll(spread)).to_string()
    }

    /// A truth value.
    pub(super) fn truth(&mut self, depth: u32) -> String {
        if depth > 0 && self.dice.once_in(2) {
            let a = self.truth(depth - 1);
            return match self.dice.roll(3) {
                0 => format!("({a} & {})", self.truth(depth - 1)),
                1 => format!("({a} | {})", self.truth(depth - 1)),
                _ => format!("!({a})"),
            };
        }
        let compare = self.dice.pick(&COMPARISONS);
        match self.dice.roll(12) {
            0..=2 => format!("({} {compare} {})", self.column(true), self.number(depth.min(1))),
            3 | 4 => format!("({} {compare} {})", self.column(false), self.text(depth.min(1))),
            5 => format!("sysmiss({})", self.any()),
            6 => format!("inrange({}, {}, {})", self.column(true), self.number(0), self.number(0)),
            7 => {
                let rest: String = (0..self.dice.roll(3)).map(|_| format!(", {}", self.text(0))).collect();
                format!("inlist({}, {}{rest})", self.column(false), self.text(0))
            }
            8 => format!("inlist({}, {}, {})", self.column(true), self.number(0), self.number(0)),
            9 => format!("{}({}, {})", self.dice.pick(&["startswith", "endswith"]), self.text(0), self.text(0)),
            10 => match (self.dice.choose(&self.labelled).cloned(), self.dice.choose(&self.keys).cloned()) {
                (Some(v), _) if self.dice.once_in(2) => {
                    let label = self.dice.pick(&["Mann", "Oslo", "Gift", "Gift (ny)", "Kvinne (ny)", "Lav (ny)"]);
                    format!("{}({v}, '{label}')", self.dice.pick(&["inlabels", "labelcontains"]))
                }
                (_, Some(k)) => format!("({k} {} {})", self.dice.pick(&["==", "!="]), self.any()),
                _ => format!("({} > 0)", self.column(true)),
            },
            _ => self.number(0),
        }
    }

    /// A text.
    pub(super) fn text(&mut self, depth: u32) -> String {
        if depth == 0 || self.dice.once_in(3) {
            return self.column(false);
        }
        let a = self.text(depth - 1);
        match self.dice.roll(6) {
            0 => format!("{}({a})", self.dice.pick(&["lower", "upper", "trim", "ltrim", "rtrim"])),
            1 | 2 => {
                let (from, n) = (self.dice.roll(9) as i64 - 4, self.dice.roll(6) as i64 - 1);
                format!("substr({a}, {from}, {n})")
            }
            3 => format!("rowconcat({a}, '-', {})", self.text(depth - 1)),
            4 => format!("string({})", self.number(depth - 1)),
            _ => format!("isoformatdate({})", self.number(depth - 1)),
        }
    }
}
