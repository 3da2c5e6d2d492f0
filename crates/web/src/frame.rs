//! What every page shows around its content, and the small functions that templates use.

use identity::Role;
use kernel::{Date, Language, Timestamp};

use crate::visitor::Visitor;
use crate::{assets, texts};

/// The frame of a page: language, theme, account, cart, breadcrumbs.
pub(crate) struct Frame {
    pub(crate) lang: Language,
    pub(crate) theme: &'static str,
    pub(crate) account: Option<String>,
    pub(crate) csrf: String,
    pub(crate) cart: usize,
    pub(crate) here: String,
    pub(crate) demo: bool,
    pub(crate) crumbs: Vec<(String, String)>,
    pub(crate) notice: Option<String>,
    /// Whether the visitor acts for somebody else, e.g. a child.
    pub(crate) on_behalf: bool,
    roles: Vec<Role>,
}

impl Frame {
    /// The frame for this visitor.
    pub(crate) fn of(visitor: &Visitor) -> Self {
        Self {
            lang: visitor.lang,
            theme: visitor.theme,
            account: visitor.actor.as_ref().map(|a| a.display_name(visitor.lang)),
            csrf: visitor.csrf.clone(),
            cart: visitor.cart_count,
            here: visitor.here.clone(),
            demo: visitor.demo,
            crumbs: Vec::new(),
            notice: visitor.notice.as_ref().map(|key| texts::text(visitor.lang, key)),
            on_behalf: visitor.actor.as_ref().is_some_and(|a| a.on_behalf_of.is_some()),
            roles: visitor.actor.as_ref().map(|a| a.roles().collect()).unwrap_or_default(),
        }
    }

    /// Adds a breadcrumb: address and text.
    pub(crate) fn crumb(mut self, address: &str, text: impl Into<String>) -> Self {
        self.crumbs.push((address.to_owned(), text.into()));
        self
    }

    /// The text of a key.
    pub(crate) fn t(&self, key: impl AsRef<str>) -> String {
        texts::text(self.lang, key.as_ref())
    }

    /// The text of a key where there is one.
    pub(crate) fn known(&self, key: &str) -> Option<String> {
        texts::known(self.lang, key)
    }

    /// The text of a described thing in this language.
    pub(crate) fn l(&self, map: &kernel::LangMap) -> String {
        map.text(self.lang).to_owned()
    }

    /// Whether two texts are the same.
    pub(crate) fn same(&self, a: impl AsRef<str>, b: impl AsRef<str>) -> bool {
        a.as_ref() == b.as_ref()
    }

    /// Where in a script, in words.
    pub(crate) fn place(&self, line: &u32, column: &u32) -> String {
        self.tvv("explore-place", ("line", &line.to_string()), ("column", &column.to_string()))
    }

    /// Lines of a script, in words.
    pub(crate) fn lines(&self, from: &str, to: &str) -> String {
        match from == to {
            true => self.tv("explore-line", "line", from),
            false => self.tv2("explore-lines", "from", from, "to", to),
        }
    }

    /// Who a run may be shared with.
    pub(crate) fn share_choices(&self) -> [&'static str; 3] {
        explore::Share::ALL.map(explore::Share::text)
    }

    /// The text of a key with one value.
    pub(crate) fn tv(&self, key: &str, name: &str, value: impl ToString) -> String {
        texts::text_with(self.lang, key, &[(name, &value.to_string())])
    }

    /// The text of a key with two values.
    pub(crate) fn tvv(&self, key: &str, a: (&str, &str), b: (&str, &str)) -> String {
        texts::text_with(self.lang, key, &[a, b])
    }

    /// As [`Frame::tvv`], with values as templates hold them.
    pub(crate) fn tv2(&self, key: &str, a: &str, x: impl AsRef<str>, b: &str, y: impl AsRef<str>) -> String {
        self.tvv(key, (a, x.as_ref()), (b, y.as_ref()))
    }

    /// The key of a value's text: `key("type", "code_list_multi")` is `type-code-list-multi`.
    pub(crate) fn key(&self, group: &str, value: impl AsRef<str>) -> String {
        format!("{group}-{}", value.as_ref().replace('_', "-"))
    }

    /// Roles that a variable may play in a project, in the order of the form.
    pub(crate) fn cart_roles(&self) -> [&'static str; 7] {
        ["population", "exposure", "outcome", "covariate", "control_matching", "linkage", "other"]
    }

    /// Levels of detail that a variable may have, the finest first.
    pub(crate) fn levels(&self) -> [&'static str; 7] {
        ["as_is", "day", "month", "quarter", "year", "5_year_band", "10_year_band"]
    }

    /// A size in bytes as people write it: 12 kB, 2,5 MB.
    pub(crate) fn size(&self, bytes: &i64) -> String {
        if *bytes < 1_000_000 {
            return format!("{} kB", self.number((bytes + 999) / 1000));
        }
        let tenths = (bytes + 50_000) / 100_000;
        let comma = if self.lang == Language::En { '.' } else { ',' };
        format!("{}{comma}{} MB", tenths / 10, tenths % 10)
    }

    /// What people call an analysis room.
    pub(crate) fn room(&self, id: &str) -> String {
        id.strip_prefix("room:").map_or_else(|| id.to_owned(), str::to_uppercase)
    }

    /// The way from page to page of a list: addresses of the one before and the one after, first and last of this one.
    pub(crate) fn pager(&self, address: &str, from: i64, shown: usize, size: i64, total: i64) -> Pager {
        let to = |from: i64| format!("{address}{}from={from}", if address.contains('?') { '&' } else { '?' });
        let last = from.saturating_add(i64::try_from(shown).unwrap_or(0));
        Pager {
            earlier: (from > 0).then(|| to((from - size).max(0))),
            later: (last < total).then(|| to(last)),
            first: from + 1,
            last,
            total,
        }
    }

    pub(crate) fn assets(&self) -> &'static str {
        assets::version()
    }

    pub(crate) fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    pub(crate) fn languages(&self) -> [(&'static str, &'static str); 3] {
        [("nb", "Bokmål"), ("nn", "Nynorsk"), ("en", "English")]
    }

    pub(crate) fn other_theme(&self) -> &'static str {
        if self.theme == "dark" { "light" } else { "dark" }
    }

    pub(crate) fn theme_label(&self) -> &'static str {
        if self.theme == "dark" { "theme-to-light" } else { "theme-to-dark" }
    }

    pub(crate) fn is_here(&self, address: &&str) -> bool {
        self.here == **address
            || self.here.starts_with(&format!("{address}/"))
            || self.here.starts_with(&format!("{address}?"))
    }

    /// Whether an address is exactly this page.
    pub(crate) fn is_this(&self, address: &&str) -> bool {
        self.here.split('?').next() == Some(*address)
    }

    /// The main menu: tasks that this visitor can do something with.
    pub(crate) fn tasks(&self) -> Vec<(&'static str, &'static str)> {
        let has = |roles: &[Role]| roles.iter().any(|r| self.roles.contains(r));
        let mut tasks = vec![("/find", "task-find"), ("/explore", "task-explore"), ("/apply", "task-apply")];
        if has(&[Role::DecisionMaker]) {
            tasks.push(("/proposals", "task-proposals"));
        }
        if has(&[Role::RegistryHandler]) {
            tasks.push(("/tasks", "task-tasks"));
        }
        if has(&[Role::Reviewer]) {
            tasks.push(("/reviews", "task-reviews"));
        }
        if has(&[Role::CaseHandler, Role::DecisionMaker, Role::RegistryHandler, Role::Auditor]) {
            tasks.push(("/cases", "task-cases"));
        }
        if has(&[Role::Researcher, Role::DataPreparer, Role::RegistryHandler, Role::RoomIntake, Role::CaseHandler]) {
            tasks.push(("/deliveries", "task-deliveries"));
        }
        if has(&[Role::CaseHandler, Role::DecisionMaker, Role::AppealHandler]) {
            tasks.push(("/appeals", "appeals"));
        }
        if has(&[Role::Citizen]) {
            tasks.push(("/me", "task-me"));
        }
        if has(&[Role::DisclosureSteward, Role::RegistryHandler]) {
            tasks.push(("/alerts", "task-alerts"));
        }
        if has(&[Role::Auditor]) {
            tasks.push(("/audit", "task-audit"));
        }
        if has(&[Role::Administrator, Role::Auditor]) {
            tasks.push(("/roles", "task-roles"));
        }
        if has(&[Role::Administrator]) {
            tasks.push(("/outbox", "task-outbox"));
        }
        tasks.push(("/register", "task-register"));
        tasks
    }

    /// The pages beside the inbox that this visitor can do something with.
    pub(crate) fn desk(&self) -> Vec<(&'static str, &'static str)> {
        let has = |roles: &[Role]| roles.iter().any(|r| self.roles.contains(r));
        let mut pages = vec![("/cases", "task-cases")];
        if has(&[Role::Auditor]) {
            pages.push(("/proposals", "task-proposals"));
        }
        pages.push(("/cases/delegations", "desk-delegations"));
        if has(&[Role::CaseHandler, Role::DecisionMaker, Role::Auditor]) {
            pages.push(("/cases/exclusions", "desk-exclusions"));
            pages.push(("/register/supervision", "desk-supervision"));
        }
        pages
    }

    /// A date as people write it: 21.11.2026, or 2026-11-21 in English.
    pub(crate) fn date(&self, date: &Date) -> String {
        let (y, m, d) = date.ymd();
        match self.lang {
            Language::En => date.to_string(),
            _ => format!("{d:02}.{m:02}.{y:04}"),
        }
    }

    /// Date and time in Oslo, to the minute.
    pub(crate) fn time(&self, at: &Timestamp) -> String {
        let local = at.plus_seconds(at.oslo_offset_seconds());
        let text = local.to_string();
        format!("{} {}", self.date(&local.date()), text.get(11..16).unwrap_or_default())
    }

    /// A whole number with the language's thousands separator.
    pub(crate) fn number(&self, n: impl Into<i64>) -> String {
        let n: i64 = n.into();
        let digits = n.unsigned_abs().to_string();
        let separator = if self.lang == Language::En { "," } else { "\u{a0}" };
        let groups: Vec<&str> =
            digits.as_bytes().rchunks(3).rev().map(|g| std::str::from_utf8(g).unwrap_or_default()).collect();
        format!("{}{}", if n < 0 { "−" } else { "" }, groups.join(separator))
    }
}

/// The links under a list of which a part is shown.
pub(crate) struct Pager {
    pub(crate) earlier: Option<String>,
    pub(crate) later: Option<String>,
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) total: i64,
}

/// Percent-encodes a text for use inside an address.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
