//! Rules for the size of a population (SDC-140) and for edits (SDC-141).

use engine::raw::{Keyed, RawEdit, RawPopulation};

use crate::gate::private::Rules;
use crate::gate::{Desk, Stopped};
use crate::reason::Reason;
use crate::released::{Edit, Population};

impl Rules for RawPopulation {
    type Out = Population;

    fn decide(self, desk: &mut Desk<'_>) -> Result<Population, Stopped> {
        let persons = desk.count(&self.set, 0)?;
        let rules = desk.policy().rules();
        let floor = match self.set.keyed {
            Keyed::Persons => rules.population_floor,
            Keyed::Units => rules.unit_floor,
        };
        if persons.shown < floor {
            return Err(Reason::Floor.into());
        }
        let units = if self.set.keyed == Keyed::Persons && self.unit_type != "PERSON" {
            let units = desk.units(&self.unit_type, &self.set, self.units, 0)?;
            Some(desk.show(units))
        } else {
            None
        };
        Ok(Population { dataset: self.dataset, unit_type: self.unit_type, persons: desk.show(persons), units })
    }
}

impl Rules for RawEdit {
    type Out = Edit;

    fn decide(self, desk: &mut Desk<'_>) -> Result<Edit, Stopped> {
        let touched = desk.count(&self.touched, 0)?;
        if self.conditional {
            let untouched = desk.count(&self.untouched, 1)?;
            let least = desk.policy().rules().min_edit;
            // Touching all is fine: the rest is then truly empty, as a zero in a table is.
            if touched.shown < least || (!untouched.empty && untouched.shown < least) {
                return Err(Reason::Edit.into());
            }
        }
        Ok(Edit { dataset: self.dataset, columns: self.columns, touched: desk.show(touched) })
    }
}
