//! The data behind pictures (statistics.md section 7) as far as they follow from values alone: which bar and which hexagon a value
//! falls into. Limits are those that the policy fixes for a version of a dataset; counts are the caller's.

/// Shares that a box with whiskers shows: ends of the whiskers, sides of the box and its middle.
pub const BOX: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];

/// Most bars whose number is not asked for.
const BARS: f64 = 50.0;
/// Most bars of a discrete variable.
const VALUES: usize = 200;

/// How many bars `n` values are shown in: the lesser of ⌈10·log₁₀ n⌉ and ⌈√n⌉, 50 at most.
pub fn bars(n: u64) -> usize {
    let n = n as f64;
    (10.0 * n.log10()).ceil().min(n.sqrt().ceil()).clamp(1.0, BARS) as usize
}

/// The bars of a histogram: each holds the values from its lower limit up to its upper one, the last also that.
#[derive(Clone, PartialEq, Debug)]
pub struct Bins {
    /// Ascending; one more than there are bars.
    pub limits: Vec<f64>,
}

impl Bins {
    /// So many bars of the same width; none when the limits are not in order or there is no bar.
    pub fn number(low: f64, high: f64, number: usize) -> Option<Self> {
        let width = (high - low) / number as f64;
        let limits = (0..=number).map(|i| if i == number { high } else { low + width * i as f64 }).collect();
        (number > 0 && low < high && width.is_finite()).then_some(Self { limits })
    }

    /// Bars of this width from the lower limit on, until the upper one is covered; none when that takes more than `most` of them.
    pub fn width(low: f64, high: f64, width: f64, most: usize) -> Option<Self> {
        // A width that divides the range but for rounding.
        let number = ((high - low) / width * (1.0 - 1e-12)).ceil();
        let limits = (0..=number as usize).map(|i| low + width * i as f64).collect();
        (width > 0.0 && number >= 1.0 && number <= most as f64).then_some(Self { limits })
    }

    /// The bar of a value; values outside go to the end bars.
    pub fn place(&self, x: f64) -> usize {
        self.limits.partition_point(|limit| *limit <= x).saturating_sub(1).min(self.limits.len() - 2)
    }
}

/// The distinct values of a discrete variable, ascending, a bar each; none when there are more than 200.
pub fn discrete(values: &[f64]) -> Option<Vec<f64>> {
    let mut distinct: Vec<f64> = Vec::new();
    for x in values {
        if let Err(at) = distinct.binary_search_by(|d| d.total_cmp(x)) {
            distinct.insert(at, *x);
            if distinct.len() > VALUES {
                return None;
            }
        }
    }
    Some(distinct)
}

/// Regular hexagons that stand on a corner. Their centres are two interleaved rectangular grids: whole steps, and halves.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Hexagons {
    /// Lowest and highest value to the right, and upwards.
    pub limits: [[f64; 2]; 2],
    /// Steps between them.
    pub grid: [u16; 2],
}

impl Hexagons {
    /// So many hexagons side by side; upwards the number of steps that makes them most regular in a square.
    pub fn of(limits: [[f64; 2]; 2], gridsize: u16) -> Self {
        let up = (f64::from(gridsize) / 3f64.sqrt()).round().max(1.0);
        Self { limits, grid: [gridsize.max(1), up as u16] }
    }

    /// The hexagon of a row: column and half row; its centre is at (column + ½·(half row mod 2), half row / 2) in steps. Values outside
    /// the limits are moved to them. Of centres as near as each other the lower half row counts, then the lower column.
    pub fn place(&self, x: f64, y: f64) -> [u16; 2] {
        let steps = |value: f64, [low, high]: [f64; 2], steps: u16| {
            let share = if high > low { (value - low) / (high - low) } else { 0.0 };
            share.clamp(0.0, 1.0) * f64::from(steps)
        };
        let (u, v) = (steps(x, self.limits[0], self.grid[0]), steps(y, self.limits[1], self.grid[1]));
        // Halves belong to the lower of two.
        let whole = ((u - 0.5).ceil().max(0.0), (v - 0.5).ceil().max(0.0));
        let last = |steps: u16| f64::from(steps - 1);
        let half = (u.floor().min(last(self.grid[0])), v.floor().min(last(self.grid[1])));
        // On a boundary of half rows the lower one is as near.
        let half = [half, (half.0, (v.ceil() - 1.0).max(0.0)), ((u.ceil() - 1.0).max(0.0), half.1)];
        let [first, second, third] = half.map(|(column, row)| {
            let away = (u - column - 0.5).powi(2) + 3.0 * (v - row - 0.5).powi(2);
            (away, [column, 2.0 * row + 1.0])
        });
        let away = (u - whole.0).powi(2) + 3.0 * (v - whole.1).powi(2);
        let places = [(away, [whole.0, 2.0 * whole.1]), first, second, third];
        let order = |a: &(f64, [f64; 2]), b: &(f64, [f64; 2])| {
            a.0.total_cmp(&b.0).then(a.1[1].total_cmp(&b.1[1])).then(a.1[0].total_cmp(&b.1[0]))
        };
        let nearest = places.into_iter().min_by(order).map_or([0.0; 2], |(_, at)| at);
        nearest.map(|x| x as u16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// STAT-300: numbers of bars, their limits, and where values fall.
    #[test]
    fn stat_300_bars_of_a_histogram() {
        assert_eq!([1, 10, 100, 400, 1_000_000].map(bars), [1, 4, 10, 20, 50]);
        let bins = Bins::number(0.0, 10.0, 4).unwrap();
        assert_eq!(bins.limits, [0.0, 2.5, 5.0, 7.5, 10.0]);
        assert_eq!([-3.0, 0.0, 2.4, 2.5, 9.9, 10.0, 80.0].map(|x| bins.place(x)), [0, 0, 0, 1, 3, 3, 3]);
        assert_eq!(Bins::width(0.0, 0.3, 0.1, 50).unwrap().limits.len(), 4);
        assert_eq!(Bins::width(0.0, 10.0, 4.0, 50).unwrap().limits, [0.0, 4.0, 8.0, 12.0]);
        assert!(Bins::number(1.0, 1.0, 5).is_none() && Bins::number(0.0, 1.0, 0).is_none());
        assert!(Bins::width(0.0, 10.0, 0.001, 50).is_none() && Bins::width(0.0, 10.0, -1.0, 50).is_none());
        assert_eq!(discrete(&[3.0, 1.0, 3.0]), Some(vec![1.0, 3.0]));
        assert_eq!(discrete(&(0..201).map(f64::from).collect::<Vec<_>>()), None);
    }

    /// STAT-300: the hexagon of a row is that of the nearest centre of all.
    #[test]
    fn stat_300_hexagon_of_the_nearest_centre() {
        let hexagons = Hexagons::of([[0.0, 7.0], [-1.0, 1.0]], 7);
        assert_eq!(hexagons.grid, [7, 4]);
        let mut centres = Vec::new();
        for row in 0..=8u16 {
            let columns = if row % 2 == 0 { 7 } else { 6 };
            (0..=columns).for_each(|column| centres.push([column, row]));
        }
        for i in 0..=140 {
            for j in 0..=80 {
                let (x, y) = (f64::from(i) / 20.0, f64::from(j) / 40.0 - 1.0);
                let (u, v) = (x, (y + 1.0) * 2.0);
                let away = |at: &[u16; 2]| {
                    let (column, row) = (f64::from(at[0]), f64::from(at[1]));
                    (u - column - f64::from(at[1] % 2) / 2.0).powi(2) + 3.0 * (v - row / 2.0).powi(2)
                };
                let least = centres.iter().map(away).fold(f64::INFINITY, f64::min);
                assert!((away(&hexagons.place(x, y)) - least).abs() < 1e-12, "{x} {y}");
            }
        }
        // Clamped, and the lower of two on a tie.
        assert_eq!(hexagons.place(-9.0, -9.0), [0, 0]);
        assert_eq!(hexagons.place(99.0, 99.0), [7, 8]);
        assert_eq!(hexagons.place(0.5, -1.0), [0, 0]);
        assert_eq!(Hexagons::of([[1.0, 1.0], [0.0, 1.0]], 20).place(1.0, 0.0), [0, 0]);
    }
}
