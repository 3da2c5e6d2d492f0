//! Who may use whom: the table of `docs/architecture.md` as data. A crate uses only crates in rows above its own.

/// One row: a crate, and the crates of the workspace that it may use.
pub(crate) struct Row {
    pub name: &'static str,
    pub may_use: &'static [&'static str],
}

const fn row(name: &'static str, may_use: &'static [&'static str]) -> Row {
    Row { name, may_use }
}

/// The table, from the ground up.
pub(crate) const TABLE: &[Row] = &[
    row("kernel", &[]),
    row("distributions", &[]),
    row("statistics", &["kernel", "distributions"]),
    row("script", &["kernel", "distributions"]),
    row("engine", &["kernel", "distributions", "statistics", "script"]),
    row("protocol", &["kernel"]),
    row("disclosure", &["kernel", "distributions", "protocol", "engine"]),
    row("figures", &["kernel", "disclosure"]),
    row("unpack", &[]),
    row("egress", &["kernel", "disclosure", "unpack"]),
    row("store", &["kernel"]),
    row("audit", &["kernel", "store"]),
    row("identity", &["kernel", "store", "audit"]),
    row("datastore", &["kernel", "store", "audit", "protocol", "engine"]),
    row("synth", &["kernel", "datastore"]),
    row("catalogue", &["kernel", "store", "audit", "identity", "protocol"]),
    row(
        "explore",
        &[
            "kernel",
            "script",
            "engine",
            "disclosure",
            "figures",
            "datastore",
            "catalogue",
            "identity",
            "store",
            "audit",
            "protocol",
        ],
    ),
    row("access", &["kernel", "unpack", "store", "audit", "identity", "catalogue", "protocol"]),
    row("keys", &["kernel", "store", "audit", "identity", "protocol"]),
    row(
        "delivery",
        &[
            "kernel",
            "store",
            "audit",
            "identity",
            "protocol",
            "catalogue",
            "datastore",
            "engine",
            "disclosure",
            "egress",
        ],
    ),
    row("citizen", &["kernel", "store", "audit", "identity", "protocol", "catalogue"]),
    row("ecosystem", &["kernel", "store", "audit", "identity", "catalogue", "protocol"]),
    row("node", &["kernel", "store", "audit", "identity", "protocol", "datastore", "engine", "delivery"]),
    row("cluster", &["kernel", "engine"]),
    row(
        "web",
        &[
            "kernel",
            "protocol",
            "script",
            "disclosure",
            "figures",
            "audit",
            "identity",
            "catalogue",
            "explore",
            "access",
            "delivery",
            "citizen",
            "ecosystem",
        ],
    ),
    row(
        "hap",
        &[
            "kernel",
            "script",
            "engine",
            "protocol",
            "disclosure",
            "figures",
            "egress",
            "store",
            "audit",
            "identity",
            "datastore",
            "synth",
            "catalogue",
            "explore",
            "access",
            "keys",
            "delivery",
            "citizen",
            "ecosystem",
            "node",
            "web",
        ],
    ),
    row("testkit", &["kernel", "store", "audit", "identity", "protocol", "synth", "datastore"]),
    row("xtask", &["kernel", "script"]),
];

/// Crates that only tests may use, and any test may.
pub(crate) const FOR_TESTS: &[&str] = &["testkit", "synth"];

/// Anonymous analysis, which has no road to identifiable people.
pub(crate) const ANONYMOUS: &[&str] =
    &["explore", "script", "engine", "disclosure", "figures", "datastore", "catalogue"];

/// What anonymous analysis never reaches, directly or through others.
pub(crate) const IDENTIFIABLE: &[&str] = &["keys", "access", "delivery", "citizen"];

/// Crates without I/O, clock and randomness.
pub(crate) const PURE: &[&str] =
    &["kernel", "script", "engine", "disclosure", "figures", "unpack", "egress", "protocol"];
