//! What the caller decides about statistics: taken from the disclosure policy, never from the script.

/// How much of a group's values goes along for the gate's rules.
#[derive(Clone, PartialEq, Debug)]
pub struct Parameters {
    /// Shares at which values are winsorised over the whole dataset version (SDC-101): 0.01 and 0.99.
    pub winsor: (f64, f64),
    /// Order statistics round each percentile (SDC-121): 10.
    pub window: usize,
    /// Cells of a table (LANG section 11): 20 000.
    pub max_cells: usize,
    /// Distinct values of a text column in a table (LANG-163): 2 000.
    pub max_text_categories: usize,
    /// Distinct values of a whole-number column in a table (LANG-163): 200.
    pub max_integer_categories: usize,
    /// Bytes of generated columns and work of one run (LANG section 11): 2 GiB.
    pub memory: usize,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            winsor: (0.01, 0.99),
            window: 10,
            max_cells: 20_000,
            max_text_categories: 2_000,
            max_integer_categories: 200,
            memory: 2 << 30,
        }
    }
}
