//! Rules for plots (SDC-210): bars with few persons are hidden, hexagons with few are not there, colours follow from released counts, and no
//! point, outlier or single value is ever drawn. Boxes are percentiles, pies and flows are tables.

use engine::raw::{RawHexbin, RawHistogram};

use crate::gate::private::Rules;
use crate::gate::{Desk, Stopped};
use crate::reason::Reason;
use crate::released::{Bar, Category, Hexagon, Hexbin, Histogram, Panel, Value};
use crate::tables::category;

/// Most classes of colour.
const MOST_CLASSES: u8 = 10;

impl Rules for RawHistogram {
    type Out = Histogram;

    fn decide(self, desk: &mut Desk<'_>) -> Result<Histogram, Stopped> {
        let least = desk.policy().rules().plot.hist_min;
        let whole = self.whole.decide(desk)?;
        let groups: Vec<&Category> = whole.dimensions.iter().flat_map(|d| &d.categories).collect();
        let mut panels = Vec::new();
        for (number, panel) in self.panels.iter().enumerate() {
            let group = panel.group.as_ref().map(category);
            let mut bars = Vec::new();
            for (at, set) in panel.bins.iter().enumerate() {
                let count = desk.count(set, number * panel.bins.len() + at)?;
                let count = match desk.show(count) {
                    Value::Value(n) if n < least as f64 => Value::Hidden(Reason::Small),
                    count => count,
                };
                let from = self.limits.get(at).copied().unwrap_or(f64::NAN);
                let to = self.limits.get(at + 1).copied().filter(|_| !self.discrete).unwrap_or(from);
                bars.push(Bar { from, to, count });
            }
            // A group whose own number is not shown has no panel, as it has no row in a table.
            if group.as_ref().is_none_or(|g| groups.contains(&g)) {
                desk.shows(bars.iter().filter(|bar| bar.count.hidden().is_none()).count().max(1));
                panels.push(Panel { group, bars });
            }
        }
        let (number, discrete) = (self.kind.into(), self.discrete);
        Ok(Histogram { name: self.name, title: self.title, number, discrete, panels, whole })
    }
}

impl Rules for RawHexbin {
    type Out = Hexbin;

    fn decide(self, desk: &mut Desk<'_>) -> Result<Hexbin, Stopped> {
        let least = desk.policy().rules().plot.hex_min;
        let mut hexagons = Vec::new();
        for (place, hexagon) in self.hexagons.iter().enumerate() {
            let count = desk.count(&hexagon.set, place)?;
            if let Some(shown) = desk.show(count).number().filter(|n| *n >= least as f64) {
                hexagons.push(Hexagon { at: hexagon.at, count: Value::Value(shown), class: 0 });
            }
        }
        desk.shows(hexagons.len().max(1));
        classify(&mut hexagons, self.classes.clamp(1, MOST_CLASSES));
        let RawHexbin { names, titles, limits, grid, .. } = self;
        Ok(Hexbin { names, titles, limits, grid, hexagons, typical_error: desk.policy().typical_error() })
    }
}

/// Classes of equal width between the smallest and the largest released count.
fn classify(hexagons: &mut [Hexagon], classes: u8) {
    let counts = || hexagons.iter().filter_map(|h| h.count.number());
    let (low, high) = counts().fold((f64::INFINITY, 0.0f64), |(low, high), n| (low.min(n), high.max(n)));
    let width = (high - low) / f64::from(classes);
    for hexagon in hexagons {
        let above = hexagon.count.number().map_or(0.0, |n| n - low);
        let class = if width > 0.0 { (above / width) as u8 } else { 0 };
        hexagon.class = class.min(classes - 1);
    }
}
