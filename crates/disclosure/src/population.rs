//! Rules for the size of a population (SDC-140), for edits (SDC-141) and for failures that lie in the data (LANG-245).

use engine::raw::{Keyed, RawEdit, RawPopulation, RawVerdict};

use crate::analyses::enough;
use crate::gate::private::Rules;
use crate::gate::{Desk, Filed, Stopped};
use crate::ledger::Stored;
use crate::reason::Reason;
use crate::released::{Edit, Population, Verdict};

impl Rules for RawPopulation {
    type Out = Population;

    fn decide(self, desk: &mut Desk<'_>) -> Result<Population, Stopped> {
        desk.shows(1);
        let persons = desk.population(&self.set, 0)?;
        let rules = desk.policy().rules();
        let floor = match self.set.keyed {
            Keyed::Persons => rules.population_floor,
            Keyed::Units => rules.unit_floor,
        };
        if persons.shown < floor {
            return Err(Reason::Floor.into());
        }
        let units = if self.set.keyed == Keyed::Persons && self.unit_type != "PERSON" {
            Some(desk.units(&self.unit_type, &self.set, self.units, 0)?)
        } else {
            None
        };
        // What the dataset was before has been released before: the ledger knows it.
        let before = match &self.before {
            Some(before) => Some(desk.population(before, 1)?),
            None => None,
        };
        Ok(Population {
            dataset: self.dataset,
            dataset_kind: Some(self.kind.into()),
            unit_type: self.unit_type,
            persons: desk.show(persons),
            units: units.map(|u| desk.show(u)),
            before: before.map(|b| desk.show(b)),
        })
    }
}

impl Rules for RawEdit {
    type Out = Edit;

    fn decide(self, desk: &mut Desk<'_>) -> Result<Edit, Stopped> {
        desk.shows(if self.conditional { 2 } else { 1 });
        let touched = desk.count(&self.touched, 0)?;
        let mut untouched = None;
        if self.conditional {
            let rest = desk.count(&self.untouched, 1)?;
            let rules = desk.policy().rules();
            // Touching all is fine. Whether nobody is left must not be told from whether a few are, so few count as none.
            let leaves_some = rest.shown >= rules.low_cell;
            if touched.shown < rules.min_edit || (leaves_some && rest.shown < rules.min_edit) {
                return Err(Reason::Edit.into());
            }
            untouched = Some(desk.show(rest));
        }
        Ok(Edit { dataset: self.dataset, columns: self.columns, touched: desk.show(touched), untouched })
    }
}

impl Rules for RawVerdict {
    type Out = Verdict;

    /// LANG-245, SDC-181: the cause is there where its released count is large enough to be shown; a few are told as nobody is. The
    /// verdict belongs to the set, like a value: the first one counts for everyone and for ever. It shows no number.
    fn decide(self, desk: &mut Desk<'_>) -> Result<Verdict, Stopped> {
        let kind = format!("verdict/{}", self.cause);
        let variable = self.origin.join(" ");
        let filed = Filed { kind: &kind, variable: &variable, column: self.column_key, cell: 0 };
        let found = f64::from(u8::from(enough(desk, &self.who)?));
        let stored = desk.value(&self.set, filed, |_, _| Stored::Number(found))?;
        Ok(Verdict { cause: self.cause, found: stored != Stored::Number(0.0) })
    }
}
