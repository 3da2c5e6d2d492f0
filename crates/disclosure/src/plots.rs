//! Rules for plots (SDC-210): bars and hexagons with few persons are not there, colours follow from released counts, and no
//! point, outlier or single value is ever drawn. Boxes are percentiles, pies and flows are tables.

use engine::raw::{RawHexbin, RawHistogram};

use crate::gate::private::Rules;
use crate::gate::{Desk, Stopped};
use crate::released::{Bar, Hexagon, Hexbin, Histogram, Value};

/// Most classes of colour.
const MOST_CLASSES: u8 = 10;

impl Rules for RawHistogram {
    type Out = Histogram;

    fn decide(self, desk: &mut Desk<'_>) -> Result<Histogram, Stopped> {
        let least = desk.policy().rules().plot.hist_min;
        let mut bars = Vec::new();
        for (at, (set, limits)) in self.bins.iter().zip(self.limits.windows(2)).enumerate() {
            let count = desk.count(set, at)?;
            if let Some(shown) = desk.show(count).number().filter(|n| *n >= least as f64) {
                bars.push(Bar { from: limits[0], to: limits[1], count: Value::Value(shown) });
            }
        }
        Ok(Histogram { name: self.name, bars, typical_error: desk.policy().typical_error() })
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
        classify(&mut hexagons, self.classes.clamp(1, MOST_CLASSES));
        Ok(Hexbin { names: self.names, limits: self.limits, hexagons })
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
