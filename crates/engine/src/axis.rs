//! A column as a dimension of a table: which category each row has, and the categories in order (LANG-163, LANG-040).

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use kernel::{Date, Language};
use script::DataType;

use crate::control::{Control, by_chunk};
use crate::data::{Data, Dictionary};
use crate::dataset::Column;
use crate::error::RunError;
use crate::expression::entries;
use crate::lookup::{Condition, Span};
use crate::mask::Mask;
use crate::params::Parameters;
use crate::people::NONE;
use crate::raw::{RawCategory, RawDimension};
use crate::vector::{Content, Value};

/// A dimension, and how the category of a row is found.
pub(crate) struct Axis {
    places: Places,
    pub(crate) dimension: RawDimension,
    /// Whether rows may have values that are no category: fractions, or more values than there is room for.
    pub(crate) unlisted: bool,
}

/// A number for every row: that of its category, or one made of it.
pub(crate) struct Places {
    data: Arc<Data>,
    slots: Slots,
}

/// A condition on the numbers of rows.
pub(crate) struct Where {
    data: Arc<Data>,
    span: Span,
    condition: Condition,
}

/// What the command says about categories.
#[derive(Clone, Copy)]
pub(crate) struct AxisOptions {
    pub(crate) missing: bool,
    pub(crate) nolabels: bool,
    pub(crate) language: Language,
}

impl Axis {
    /// The categories of a column over some rows. Where there is no room for all its values those that most rows have are
    /// categories; whoever has others is for the gate to judge ([`Axis::unlisted`]).
    pub(crate) fn of(
        name: &str,
        column: &Column,
        rows: &Mask,
        options: AxisOptions,
        parameters: &Parameters,
        control: &dyn Control,
    ) -> Result<Self, RunError> {
        let span = column.data.span();
        let (values, unlisted) = distinct(column, span, rows, parameters, control)?;
        let labels = if options.nolabels { HashMap::new() } else { column.label_texts(options.language) };
        let category = |value: &Value, missing: bool| {
            let code = code_text(value, &column.data_type);
            RawCategory { label: labels.get(&code).filter(|l| !l.is_empty()).cloned(), code, missing }
        };
        // Flagged categories come after the others, system missing last of all.
        let (flagged, plain): (Vec<_>, Vec<_>) = values.iter().enumerate().partition(|(_, v)| column.is_flagged(v));
        let mut categories = Vec::new();
        let mut slot_of = vec![NONE; values.len()];
        let flagged = if options.missing { flagged } else { Vec::new() };
        for (i, value) in plain.into_iter().chain(flagged) {
            slot_of[i] = categories.len() as u32;
            categories.push(category(value, column.is_flagged(value)));
        }
        let nothing = if options.missing {
            categories.push(RawCategory { code: String::new(), label: None, missing: true });
            (categories.len() - 1) as u32
        } else {
            NONE
        };
        let slots = Slots::new(&column.data, span, &values, slot_of, nothing);
        let label = column.title.as_ref().map(|t| t.text(options.language).to_owned()).filter(|t| !t.is_empty());
        let places = Places { data: Arc::clone(&column.data), slots };
        Ok(Self { places, dimension: RawDimension { name: name.to_owned(), label, categories }, unlisted })
    }

    /// Number of categories.
    pub(crate) fn len(&self) -> usize {
        self.dimension.categories.len()
    }

    /// The category of each row, [`NONE`] where it has none.
    pub(crate) fn places(&self) -> &Places {
        &self.places
    }

    /// The values of the column under numbers of their own: that of each row, how many there are (which rows without a value
    /// have), and that of each category. None where values have no table, or several of them are one category.
    pub(crate) fn by_value(&self) -> Option<(Places, usize, Vec<usize>)> {
        let Slots::Table(span, table) = &self.places.slots else { return None };
        let mut of_slot = vec![None; self.len()];
        for (value, slot) in table.iter().enumerate() {
            if let Some(known) = of_slot.get_mut(*slot as usize)
                && known.replace(value).is_some()
            {
                return None;
            }
        }
        let slots = Slots::Table(*span, (0..=span.len() as u32).collect());
        let places = Places { data: Arc::clone(&self.places.data), slots };
        Some((places, span.len(), of_slot.into_iter().collect::<Option<_>>()?))
    }

    /// Drops the categories that are not `observed` (STAT-040).
    pub(crate) fn keep(&mut self, observed: &[bool]) {
        let mut to = vec![NONE; observed.len()];
        for (new, (old, _)) in observed.iter().enumerate().filter(|(_, seen)| **seen).enumerate() {
            to[old] = new as u32;
        }
        let mut seen = observed.iter().copied();
        self.dimension.categories.retain(|_| seen.next().unwrap_or(false));
        self.places.slots.each(|slot| to.get(slot as usize).copied().unwrap_or(NONE));
    }
}

impl Places {
    /// These numbers, all below `count`; [`NONE`] where a row is missing.
    #[cfg(test)]
    pub(crate) fn listed(numbers: &[u32], count: usize) -> Self {
        let valid: Vec<bool> = numbers.iter().map(|n| *n != NONE).collect();
        let values: Vec<i64> = numbers.iter().map(|n| if *n == NONE { 0 } else { i64::from(*n) }).collect();
        let values = crate::source::Values::Int64(values.into());
        let data = Data::new(values, Some(valid.into()), None);
        let slots = match data.span() {
            Some(span) => {
                let numbers = (0..span.len()).map(|place| span.number(place) as u32);
                Slots::Table(span, numbers.chain([count as u32]).collect())
            }
            None => Slots::Number { slot_of: HashMap::new(), other: count as u32, nothing: count as u32 },
        };
        Self { data: Arc::new(data), slots }
    }

    /// What `f` makes of the number of each row.
    pub(crate) fn map(&self, f: impl Fn(u32) -> u32) -> Self {
        let mut slots = self.slots.clone();
        slots.each(f);
        Self { data: Arc::clone(&self.data), slots }
    }

    /// Bytes of the column behind them.
    pub(crate) fn bytes(&self) -> usize {
        self.data.bytes()
    }

    /// The rows for whose number something holds; none where numbers have no table.
    pub(crate) fn holding(&self, holds: impl Fn(u32) -> bool) -> Option<Where> {
        let Slots::Table(span, table) = &self.slots else { return None };
        let condition = Condition::new(table.iter().map(|number| holds(*number)));
        Some(Where { data: Arc::clone(&self.data), span: *span, condition })
    }

    /// The numbers of some of the rows from `first` on.
    pub(crate) fn pick(&self, first: usize, chosen: &[u16], out: &mut [u32]) {
        match &self.slots {
            Slots::Table(span, table) => span.pick(&self.data, table, first, chosen, out),
            Slots::Number { .. } => {
                for (slot, row) in out.chunks_mut(1).zip(chosen) {
                    let row = first + usize::from(*row);
                    self.read(row..row + 1, slot);
                }
            }
        }
    }

    /// The numbers of the rows of `range`.
    pub(crate) fn read(&self, range: std::ops::Range<usize>, out: &mut [u32]) {
        match &self.slots {
            Slots::Table(span, table) => span.gather(&self.data, table, range, out),
            Slots::Number { slot_of, other, nothing } => {
                let vector = self.data.read(range);
                let slot = |i: usize| whole(&vector.content, i).and_then(|n| slot_of.get(&n)).copied();
                for (i, out) in out.iter_mut().enumerate() {
                    *out = if vector.valid[i] { slot(i).unwrap_or(*other) } else { *nothing };
                }
            }
        }
    }
}

impl Where {
    /// Whether it holds for every row.
    pub(crate) fn is_everywhere(&self) -> bool {
        self.condition.is_everywhere()
    }

    /// The rows of `range`, which starts at a multiple of 64, 64 a word.
    pub(crate) fn words(&self, range: std::ops::Range<usize>) -> Vec<u64> {
        self.span.words(&self.data, &self.condition, range)
    }
}

/// The distinct values of a column in the order of its categories, and whether rows have others: fractions, or more values
/// than there is room for.
fn distinct(
    column: &Column,
    span: Option<Span>,
    rows: &Mask,
    parameters: &Parameters,
    control: &dyn Control,
) -> Result<(Vec<Value>, bool), RunError> {
    let labelled = column.labels.is_some();
    if let Some(dictionary) = &column.data.dictionary {
        let text = matches!(**dictionary, Dictionary::Text(_));
        let mut values = entries(dictionary);
        let mut unlisted = false;
        if !labelled && text && dictionary.len() > parameters.max_text_categories {
            let counts = of_codes(&column.data, dictionary.len(), rows, control)?;
            let kept = most_frequent(counts.iter().copied().enumerate(), parameters.max_text_categories);
            unlisted = counts.iter().filter(|n| **n > 0).count() > kept.len();
            values = values.into_iter().enumerate().filter(|(code, _)| kept.contains(code)).map(|(_, v)| v).collect();
        }
        // An imported column keeps the order of its code list; a made one is ordered by code.
        if column.import.is_none() {
            order_texts(&mut values);
        }
        return Ok((values, unlisted));
    }
    let most = if labelled { parameters.max_cells } else { parameters.max_integer_categories };
    if let Some(span) = span
        && span.len() <= parameters.max_integer_categories.min(most)
    {
        // So few that those which do not occur may be left in until the rows are counted.
        return Ok(((0..span.len()).map(|p| Value::Integer(span.number(p))).collect(), false));
    }
    let (counts, others) = whole_numbers(&column.data, rows, most, control)?;
    let kept = most_frequent(counts.iter().map(|(number, n)| (*number, *n)), most);
    let unlisted = others || counts.len() > kept.len();
    Ok((kept.into_iter().map(Value::Integer).collect(), unlisted))
}

/// The so many keys with the largest counts above 0, ascending; of equal ones the first.
fn most_frequent<K: Ord + Copy>(counts: impl Iterator<Item = (K, u64)>, most: usize) -> BTreeSet<K> {
    let mut all: Vec<(u64, K)> = counts.filter(|(_, n)| *n > 0).map(|(key, n)| (n, key)).collect();
    all.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    all.into_iter().take(most).map(|(_, key)| key).collect()
}

/// How many rows have each code of a dictionary.
fn of_codes(data: &Data, codes: usize, rows: &Mask, control: &dyn Control) -> Result<Vec<u64>, RunError> {
    let parts = by_chunk(control, rows.len(), |range| {
        let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
        let valid = rows.iter(range).filter(|i| data.is_valid(*i));
        valid.filter_map(|i| data.code(i)).for_each(|code| *counts.entry(code).or_default() += 1);
        counts
    })?;
    let mut all = vec![0; codes];
    for (code, n) in parts.into_iter().flatten() {
        all.get_mut(code as usize).into_iter().for_each(|all| *all += n);
    }
    Ok(all)
}

/// Values beyond those that there is room for, up to which all are counted: a column with more of them is continuous whatever
/// single persons have.
const COUNTED: usize = 4096;

/// How many rows have each whole number, up to so many numbers, and whether there are others.
fn whole_numbers(
    data: &Data,
    rows: &Mask,
    most: usize,
    control: &dyn Control,
) -> Result<(BTreeMap<i64, u64>, bool), RunError> {
    let room = most + COUNTED;
    let parts = by_chunk(control, rows.len(), |range| {
        let vector = data.read(range.clone());
        let (mut counts, mut others): (BTreeMap<i64, u64>, bool) = (BTreeMap::new(), false);
        for i in rows.iter(range.clone()).map(|row| row - range.start).filter(|i| vector.valid[*i]) {
            let Some(number) = whole(&vector.content, i) else {
                others = true;
                continue;
            };
            let full = counts.len() >= room;
            match counts.entry(number) {
                Entry::Occupied(mut n) => *n.get_mut() += 1,
                Entry::Vacant(_) if full => others = true,
                Entry::Vacant(place) => _ = place.insert(1),
            }
        }
        (counts, others)
    })?;
    let (mut all, mut others): (BTreeMap<i64, u64>, bool) = (BTreeMap::new(), false);
    for (counts, more) in parts {
        others |= more;
        for (number, n) in counts {
            let full = all.len() >= room;
            match all.entry(number) {
                Entry::Occupied(mut all) => *all.get_mut() += n,
                Entry::Vacant(_) if full => others = true,
                Entry::Vacant(place) => _ = place.insert(n),
            }
        }
    }
    Ok((all, others))
}

fn whole(content: &Content, i: usize) -> Option<i64> {
    match content {
        Content::Integer(v) => Some(v[i]),
        Content::Decimal(v) if v[i].fract() == 0.0 && v[i].abs() < 9e15 => Some(v[i] as i64),
        _ => None,
    }
}

/// By code: by number when every code is digits, else by code point (LANG-040).
fn order_texts(values: &mut [Value]) {
    let number = |v: &Value| match v {
        Value::Text(t) if !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit()) => t.parse::<u64>().ok(),
        Value::Integer(n) => u64::try_from(*n).ok(),
        _ => None,
    };
    let text = |v: &Value| match v {
        Value::Text(t) => t.to_string(),
        _ => String::new(),
    };
    if values.iter().all(|v| number(v).is_some()) {
        // The text decides between `01` and `1`.
        values.sort_by(|a, b| number(a).cmp(&number(b)).then_with(|| text(a).cmp(&text(b))));
    } else {
        values.sort_by_key(text);
    }
}

fn code_text(value: &Value, data_type: &DataType) -> String {
    match value {
        Value::Integer(n) if *data_type == DataType::Date => {
            i32::try_from(*n).map_or_else(|_| n.to_string(), |days| Date::from_days(days).to_string())
        }
        Value::Integer(n) => n.to_string(),
        Value::Decimal(x) => x.to_string(),
        Value::Text(t) => t.to_string(),
        Value::Missing | Value::Key(_) => String::new(),
    }
}

/// Finds the number of a row.
#[derive(Clone)]
enum Slots {
    /// By the place of the value in the span of the column.
    Table(Span, Vec<u32>),
    /// By the value; `other` for a value that is not listed, `nothing` for none.
    Number { slot_of: HashMap<i64, u32>, other: u32, nothing: u32 },
}

impl Slots {
    fn new(data: &Data, span: Option<Span>, values: &[Value], slot_of: Vec<u32>, nothing: u32) -> Self {
        let number = |v: &Value| if let Value::Integer(n) = v { Some(*n) } else { None };
        let (Some(dictionary), Some(span)) = (data.dictionary.as_deref(), span) else {
            let slot_of: HashMap<i64, u32> =
                values.iter().zip(slot_of).filter_map(|(v, s)| Some((number(v)?, s))).collect();
            let Some(span) = span else { return Slots::Number { slot_of, other: NONE, nothing } };
            let of = |place| slot_of.get(&span.number(place)).copied().unwrap_or(NONE);
            return Slots::Table(span, (0..span.len()).map(of).chain([nothing]).collect());
        };
        // `values` may be ordered otherwise than the dictionary.
        let place: HashMap<String, u32> =
            values.iter().zip(&slot_of).map(|(v, s)| (code_text(v, &DataType::Integer), *s)).collect();
        let of = |v: &Value| place.get(&code_text(v, &DataType::Integer)).copied().unwrap_or(NONE);
        Slots::Table(span, entries(dictionary).iter().map(of).chain([nothing]).collect())
    }

    /// Changes every number.
    fn each(&mut self, f: impl Fn(u32) -> u32) {
        match self {
            Slots::Table(_, table) => table.iter_mut().for_each(|slot| *slot = f(*slot)),
            Slots::Number { slot_of, other, nothing } => {
                slot_of.values_mut().chain([other, nothing]).for_each(|slot| *slot = f(*slot));
            }
        }
    }
}
