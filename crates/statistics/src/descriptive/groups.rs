//! Means with their limits (STAT-055), and tests whether groups differ: Student's and Welch's t (STAT-360), Kruskal and Wallis's H
//! (STAT-361), Bartlett's K² of variances and Welch's one-way F (STAT-362).

use super::correlate::mid_ranks;
use super::moments::Moments;
use crate::fit::{Test, TestKind};
use crate::problem::Problem;
use crate::rows::{Frame, Rows};

/// A mean with its limits.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Mean {
    /// Rows.
    pub n: u64,
    /// Not a number without rows.
    pub mean: f64,
    /// sd/√n; none below two rows.
    pub se: Option<f64>,
    /// Limits by Student's distribution with n − 1 degrees of freedom.
    pub limits: Option<(f64, f64)>,
}

/// The mean of each variable over its own rows.
///
/// # Errors
/// `E_STOPPED`.
pub fn ci(rows: &dyn Rows, variables: &[usize], level: f64) -> Result<Vec<Mean>, Problem> {
    let mut means = Vec::new();
    for variable in variables {
        if rows.stopped() {
            return Err(Problem::new("E_STOPPED"));
        }
        let moments = Moments::of(&Frame::of(rows, &[*variable]).columns[0]);
        let se = moments.sd().map(|sd| sd / moments.n.sqrt());
        let spread = se.map(|se| distributions::t_critical(level, moments.n - 1.0) * se);
        means.push(Mean {
            n: moments.n as u64,
            mean: moments.mean,
            se,
            limits: spread.map(|s| (moments.mean - s, moments.mean + s)),
        });
    }
    Ok(means)
}

/// The values of a variable by category, each in the order of the rows. Categories without rows are left out.
///
/// # Errors
/// `E_NEEDS_TWO_GROUPS`.
fn groups(rows: &dyn Rows, y: usize, by: usize) -> Result<Vec<Vec<f64>>, Problem> {
    let frame = Frame::of(rows, &[y, by]);
    let mut groups = vec![Vec::new(); rows.categories(by).map_or(0, |c| c.len())];
    for (x, category) in frame.columns[0].iter().zip(&frame.columns[1]) {
        if let Some(group) = groups.get_mut(*category as usize) {
            group.push(*x);
        }
    }
    groups.retain(|g| !g.is_empty());
    if groups.len() < 2 { Err(Problem::with("E_NEEDS_TWO_GROUPS", rows.name(by))) } else { Ok(groups) }
}

/// t tests of two groups, the first less the second.
#[derive(Clone, PartialEq, Debug)]
pub struct TTests {
    /// With a variance for each group (Satterthwaite's degrees of freedom); none where nothing varies.
    pub welch: Option<Test>,
    /// With one variance.
    pub pooled: Option<Test>,
    /// Of the differences in row order; none where the groups have different numbers of rows.
    pub paired: Option<Test>,
}

/// t tests of two groups.
///
/// # Errors
/// `E_NEEDS_TWO_GROUPS` when there are not exactly two.
pub fn ttest(rows: &dyn Rows, y: usize, by: usize) -> Result<TTests, Problem> {
    let groups = groups(rows, y, by)?;
    let [first, second] = groups.as_slice() else {
        return Err(Problem::with("E_NEEDS_TWO_GROUPS", rows.name(by)));
    };
    let (a, b) = (Moments::of(first), Moments::of(second));
    let difference = a.mean - b.mean;
    let welch = a.sd().zip(b.sd()).and_then(|(sa, sb)| {
        let (va, vb) = (sa * sa / a.n, sb * sb / b.n);
        let df = (va + vb).powi(2) / (va * va / (a.n - 1.0) + vb * vb / (b.n - 1.0));
        student("welch", difference / (va + vb).sqrt(), df)
    });
    let df = a.n + b.n - 2.0;
    let variance = (a.squares + b.squares) / df;
    let pooled = student("pooled", difference / (variance * (1.0 / a.n + 1.0 / b.n)).sqrt(), df);
    let paired = (first.len() == second.len()).then(|| {
        let differences: Vec<f64> = first.iter().zip(second).map(|(a, b)| a - b).collect();
        let d = Moments::of(&differences);
        student("paired", d.mean / (d.sd()? / d.n.sqrt()), d.n - 1.0)
    });
    Ok(TTests { welch, pooled, paired: paired.flatten() })
}

fn student(name: &str, t: f64, df: f64) -> Option<Test> {
    let test = Test { name: name.to_owned(), statistic: t, kind: TestKind::Student(df) };
    (t.is_finite() && df > 0.0).then_some(test)
}

/// Kruskal and Wallis's H = 12/(n(n+1)) Σ R²/nᵢ − 3(n+1), divided by 1 − Σ(t³−t)/(n³−n).
///
/// # Errors
/// `E_NEEDS_TWO_GROUPS`, `E_NO_VARIATION`.
pub fn kruskal(rows: &dyn Rows, y: usize, by: usize) -> Result<Test, Problem> {
    let groups = groups(rows, y, by)?;
    let values = groups.concat();
    let n = values.len() as f64;
    let ranks = mid_ranks(&values);
    let mut at = 0;
    let mut sum = 0.0;
    for group in &groups {
        let size = group.len() as f64;
        // About the mean rank, so that nothing is lost of many rows.
        let rest: f64 = ranks[at..at + group.len()].iter().map(|r| r - (n + 1.0) / 2.0).sum();
        sum += rest * rest / size;
        at += group.len();
    }
    let mut sorted = values;
    sorted.sort_unstable_by(f64::total_cmp);
    let cubes = |t: f64| t * t * t - t;
    let ties: f64 = sorted.chunk_by(|a, b| a == b).map(|run| cubes(run.len() as f64)).sum();
    let correction = 1.0 - ties / cubes(n);
    if correction <= 0.0 {
        return Err(Problem::with("E_NO_VARIATION", rows.name(y)));
    }
    let statistic = 12.0 / (n * (n + 1.0)) * sum / correction;
    Ok(Test { name: "chi2".to_owned(), statistic, kind: TestKind::ChiSquare(groups.len() as f64 - 1.0) })
}

/// Bartlett's K² and Welch's F.
#[derive(Clone, PartialEq, Debug)]
pub struct EqualVariance {
    /// That the variances are the same.
    pub bartlett: Test,
    /// That the means are, whatever the variances.
    pub welch: Test,
}

/// Whether groups have the same variance, and whether they have the same mean if they have not.
///
/// # Errors
/// `E_NEEDS_TWO_GROUPS`; `E_NO_RESIDUAL_DF` when a group has one row; `E_NO_VARIATION` when one does not vary.
pub fn equal_variance(rows: &dyn Rows, y: usize, by: usize) -> Result<EqualVariance, Problem> {
    let groups = groups(rows, y, by)?;
    let moments: Vec<Moments> = groups.iter().map(|g| Moments::of(g)).collect();
    if moments.iter().any(|m| m.n < 2.0) {
        return Err(Problem::new("E_NO_RESIDUAL_DF"));
    }
    if moments.iter().any(|m| m.squares <= 0.0) {
        return Err(Problem::with("E_NO_VARIATION", rows.name(y)));
    }
    let k = moments.len() as f64;
    let over = |f: &dyn Fn(&Moments) -> f64| moments.iter().map(f).sum::<f64>();
    let df = over(&|m| m.n - 1.0);
    let pooled = over(&|m| m.squares) / df;
    let raw = df * pooled.ln() - over(&|m| (m.n - 1.0) * (m.squares / (m.n - 1.0)).ln());
    let correction = 1.0 + (over(&|m| 1.0 / (m.n - 1.0)) - 1.0 / df) / (3.0 * (k - 1.0));
    let weight = |m: &Moments| m.n * (m.n - 1.0) / m.squares;
    let weights = over(&weight);
    let mean = over(&|m| weight(m) * m.mean) / weights;
    let spread = over(&|m| (1.0 - weight(m) / weights).powi(2) / (m.n - 1.0)) / (k * k - 1.0);
    let above = over(&|m| weight(m) * (m.mean - mean).powi(2)) / (k - 1.0);
    Ok(EqualVariance {
        bartlett: Test { name: "bartlett".to_owned(), statistic: raw / correction, kind: TestKind::ChiSquare(k - 1.0) },
        welch: Test {
            name: "welch".to_owned(),
            statistic: above / (1.0 + 2.0 * (k - 2.0) * spread),
            kind: TestKind::F(k - 1.0, 1.0 / (3.0 * spread)),
        },
    })
}

/// How often each category is followed by each, from the first to the second (STAT-046): pairs of a unit's rows at neighbouring
/// times of the grid that all times form. A missing category is NaN. The rows are those of the slices, in any order.
pub fn transitions(units: &[u32], times: &[f64], categories: &[f64], number: usize) -> Vec<Vec<u64>> {
    let mut grid = times.to_vec();
    grid.sort_unstable_by(f64::total_cmp);
    grid.dedup();
    let mut seen: Vec<(u32, usize, f64)> = (0..units.len())
        .filter(|i| !categories[*i].is_nan())
        .map(|i| (units[i], grid.partition_point(|t| *t < times[i]), categories[i]))
        .collect();
    seen.sort_unstable_by_key(|(unit, time, _)| (*unit, *time));
    let mut counts = vec![vec![0; number]; number];
    for pair in seen.windows(2) {
        if pair[0].0 == pair[1].0 && pair[0].1 + 1 == pair[1].1 {
            counts[pair[0].2 as usize][pair[1].2 as usize] += 1;
        }
    }
    counts
}
