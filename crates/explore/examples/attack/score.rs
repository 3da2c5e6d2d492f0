//! Scores of the attacks: hit rates on both classes, shares, and when a limit counts as broken (SDC-192).

/// Guesses about a secret bit.
#[derive(Clone, Copy, Default)]
pub struct Guesses {
    hits: [u64; 2],
    all: [u64; 2],
}

impl Guesses {
    pub fn add(&mut self, truth: bool, guess: bool) {
        let class = usize::from(truth);
        self.all[class] += 1;
        self.hits[class] += u64::from(truth == guess);
    }

    pub fn join(&mut self, other: &Guesses) {
        for class in 0..2 {
            self.hits[class] += other.hits[class];
            self.all[class] += other.all[class];
        }
    }

    /// Mean of the hit rates on both classes in per cent, and its standard error.
    pub fn score(&self) -> Score {
        let rate = |class: usize| self.hits[class] as f64 / self.all[class].max(1) as f64;
        let variance = |class: usize| rate(class) * (1.0 - rate(class)) / self.all[class].max(1) as f64;
        let error = 50.0 * (variance(0) + variance(1)).sqrt();
        Score { value: 50.0 * (rate(0) + rate(1)), error }
    }
}

/// A measured value with its standard error.
#[derive(Clone, Copy, Debug)]
pub struct Score {
    pub value: f64,
    pub error: f64,
}

impl Score {
    /// A share of so many cases, in per cent.
    pub fn share(hits: usize, all: usize) -> Self {
        let p = hits as f64 / all.max(1) as f64;
        Self { value: 100.0 * p, error: 100.0 * (p * (1.0 - p) / all.max(1) as f64).sqrt() }
    }

    /// A value that has no chance in it.
    pub fn exact(value: f64) -> Self {
        Self { value, error: 0.0 }
    }
}

/// What a measured value may be.
#[derive(Clone, Copy)]
pub enum Limit {
    AtMost(f64),
    AtLeast(f64),
    /// Told without a limit.
    Told,
}

/// How many points above the limit a mean of few cases may lie before it counts as broken whatever its error.
const MARGIN: f64 = 10.0;

/// One line of the table of attacks.
pub struct Line {
    pub id: &'static str,
    pub what: String,
    pub unit: &'static str,
    /// By mechanism; the gate is the last.
    pub scores: Vec<(&'static str, Score)>,
    pub limit: Limit,
}

impl Line {
    /// The gate as it is in use: with its budgets, where they matter.
    pub fn ours(&self) -> Option<Score> {
        let of = |wanted| self.scores.iter().find(|(name, _)| *name == wanted).map(|(_, score)| *score);
        of(super::answer::METERED).or_else(|| of("hap"))
    }

    /// Whether the measured value is beyond the limit at all.
    pub fn above(&self) -> bool {
        self.broken(true)
    }

    /// Whether the gate breaks the limit. In full the mean decides; with few cases the lower bound of its 95 % interval,
    /// or a mean that lies too far above.
    pub fn broken(&self, full: bool) -> bool {
        let Some(score) = self.ours() else { return false };
        let over = match self.limit {
            Limit::AtMost(limit) => score.value - limit,
            Limit::AtLeast(limit) => limit - score.value,
            Limit::Told => return false,
        };
        let margin = if self.unit == "AUC" { MARGIN / 100.0 } else { MARGIN };
        over > 1e-9 && (full || over > 1.96 * score.error || over > margin)
    }
}
