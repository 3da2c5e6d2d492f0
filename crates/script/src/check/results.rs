//! Commands that give results: tables, descriptive statistics, figures, support (language.md 8.6, 8.7, 8.10).

use super::shape::numeric_columns;
use super::state::{Column, LabelState};
use super::{Checker, Parse, Placed, head_names};
use crate::constants::Constant;
use crate::messages;
use crate::program::{
    Action, BarVariable, Barchart, Content, DataType, Describe, DescribeKind, Literal, Name, Publish, SortBy,
    Statistic, Summarize, Tabulate,
};
use crate::tree::{Command, Expr, Head};

fn names(columns: &[(Placed, Column)]) -> Vec<Name> {
    columns.iter().map(|(name, _)| Name::from(name.node.as_str())).collect()
}

impl Checker<'_> {
    /// The variables of an option.
    fn option_variables(&self, command: &Command, option: &str) -> Parse<Vec<(Placed, Column)>> {
        let exprs: Vec<Expr> = command
            .option(option)
            .map(|o| o.arguments.iter().filter_map(|a| a.value().cloned()).collect())
            .unwrap_or_default();
        self.existing(&exprs)
    }

    /// Columns that are shown by value: no unit keys (LANG-038).
    fn shown(&self, columns: &[(Placed, Column)]) -> Parse<()> {
        match columns.iter().find(|(_, c)| matches!(c.data_type, Some(DataType::Key(_)))) {
            Some((name, _)) => Self::fail(messages::key_in_expression(name.span)),
            None => Ok(()),
        }
    }

    /// Columns that statistics are computed of.
    fn numeric(&self, columns: &[(Placed, Column)]) -> Parse<()> {
        self.shown(columns)?;
        match columns.iter().find(|(_, c)| c.data_type == Some(DataType::Text)) {
            Some((name, _)) => Self::fail(messages::needs_number(name.span)),
            None => Ok(()),
        }
    }

    /// `summarize` and `summarize-panel`.
    pub(super) fn summarize(&mut self, command: &Command) -> Parse<Action> {
        let panel = command.spec.node.word == "summarize-panel";
        if panel {
            self.panel_only(command)?;
        }
        let dataset = self.state.dataset(command.spec.span)?;
        let (variables, skipped) = if head_names(command).is_empty() {
            numeric_columns(dataset)
        } else {
            let columns = self.existing(head_names(command))?;
            self.numeric(&columns)?;
            (names(&columns), Vec::new())
        };
        let condition = self.condition(command.condition.as_ref())?;
        let given = |option: &str| command.option(option).is_some();
        let plan = Summarize { variables, skipped, condition, gini: given("gini"), iqr: given("iqr") };
        Ok(if panel { Action::SummarizePanel(plan) } else { Action::Summarize(plan) })
    }

    /// `tabulate` and `tabulate-panel`, which is `tabulate v1 date@panel v2 …` (LANG-165).
    pub(super) fn tabulate(&mut self, command: &Command) -> Parse<Action> {
        let panel = command.spec.node.word == "tabulate-panel";
        if panel {
            self.panel_only(command)?;
        }
        self.state.dataset(command.spec.span)?;
        let columns = self.existing(head_names(command))?;
        self.shown(&columns)?;
        let condition = self.condition(command.condition.as_ref())?;
        let given = |option: &str| command.option(option).is_some();
        let summarized = self.option_variables(command, "summarize")?;
        self.numeric(&summarized)?;
        let mut variables = names(&columns);
        if panel {
            variables.insert(variables.len().min(1), Name::from("date@panel"));
        }
        let layout = self.layout(command, &variables)?;
        let mut contents = Vec::new();
        for (option, content) in [
            ("freq", Content::Freq),
            ("rowpct", Content::RowPct),
            ("colpct", Content::ColPct),
            ("cellpct", Content::CellPct),
        ] {
            if given(option) {
                contents.push(content);
            }
        }
        let mut statistics: Vec<Statistic> = Vec::new();
        for option in &command.options {
            statistics.extend(match option.name.node.as_str() {
                "mean" => Some(Statistic::Mean),
                "std" => Some(Statistic::Sd),
                "sum" => Some(Statistic::Sum),
                "p25" => Some(Statistic::P25),
                "p50" => Some(Statistic::P50),
                "p75" => Some(Statistic::P75),
                "gini" => Some(Statistic::Gini),
                "iqr" => Some(Statistic::Iqr),
                _ => None,
            });
        }
        if statistics.is_empty() {
            statistics.push(Statistic::Mean);
        }
        let summarize = names(&summarized).first().map(|variable| (variable.clone(), statistics));
        if contents.is_empty() && summarize.is_none() {
            contents.push(Content::Freq);
        }
        Ok(Action::Tabulate(Tabulate {
            variables,
            layout,
            condition,
            contents,
            summarize,
            missing: given("missing"),
            nolabels: given("nolabels"),
            chi2: given("chi2"),
            additive: given("additive"),
            publish: if given("publish") { Some(Publish { base: self.base(command)? }) } else { None },
            flatten: ["flatten", "rowsort", "colsort", "top", "bottom"].iter().any(|o| given(o)),
            row_sort: self.sort_by(command, "rowsort")?,
            column_sort: self.sort_by(command, "colsort")?,
            top: self.row_count(command, "top")?,
            bottom: self.row_count(command, "bottom")?,
        }))
    }

    /// `rows()` and `cols()`: each variable stands in exactly one of them (LANG-312).
    fn layout(&self, command: &Command, variables: &[Name]) -> Parse<Option<(Vec<Name>, Vec<Name>)>> {
        let (rows, cols) = (self.option_variables(command, "rows")?, self.option_variables(command, "cols")?);
        let Some(option) = command.option("rows").or(command.option("cols")) else { return Ok(None) };
        let mut placed: Vec<&str> = Vec::new();
        for (name, _) in rows.iter().chain(&cols) {
            if placed.contains(&name.node.as_str()) {
                return Self::fail(messages::options_exclude(name.span, "rows", "cols"));
            }
            if !variables.iter().any(|v| v.as_ref() == name.node) {
                return Self::fail(messages::not_in_the_list(name.span, &name.node));
            }
            placed.push(&name.node);
        }
        match variables.iter().find(|v| !placed.contains(&v.as_ref())) {
            Some(missing) => Self::fail(messages::not_placed(option.name.span, missing)),
            None => Ok(Some((names(&rows), names(&cols)))),
        }
    }

    fn sort_by(&self, command: &Command, option: &str) -> Parse<Option<SortBy>> {
        let Some(option) = command.option(option) else { return Ok(None) };
        let mut codes = Vec::new();
        for argument in option.arguments.iter().filter_map(|a| a.value()) {
            codes.push(match self.bindings.value(argument)? {
                Constant::Integer(n) => Literal::Integer(n),
                Constant::Decimal(x) => Literal::Decimal(x),
                other => Literal::Text(other.text().into()),
            });
        }
        Ok(Some(codes))
    }

    /// `base()`: from 2, which is the least that changes anything, to 1 000.
    fn base(&self, command: &Command) -> Parse<Option<u32>> {
        let argument = command.option("base").and_then(|o| o.arguments.first()).and_then(|a| a.value());
        let Some(argument) = argument else { return Ok(None) };
        match self.bindings.value(argument)? {
            Constant::Integer(n @ 2..=1000) => Ok(u32::try_from(n).ok()),
            other => Self::fail(messages::out_of_range(argument.span, &other.text(), "2", "1000")),
        }
    }

    fn row_count(&self, command: &Command, option: &str) -> Parse<Option<u32>> {
        let argument = command.option(option).and_then(|o| o.arguments.first()).and_then(|a| a.value());
        let Some(argument) = argument else { return Ok(None) };
        match self.bindings.value(argument)? {
            Constant::Integer(n) if n >= 1 => Ok(Some(u32::try_from(n).unwrap_or(u32::MAX))),
            other => Self::fail(messages::out_of_range(argument.span, &other.text(), "1", "…")),
        }
    }

    pub(super) fn barchart(&mut self, command: &Command) -> Parse<Action> {
        let Head::Chart { statistic, variables } = &command.head else {
            return Self::fail(messages::no_active_dataset(command.spec.span));
        };
        self.state.dataset(command.spec.span)?;
        let statistic_kind = match statistic.node.as_str() {
            "count" => Statistic::Count,
            "percent" => Statistic::Percent,
            "min" => Statistic::Min,
            "max" => Statistic::Max,
            "median" => Statistic::Median,
            "sum" => Statistic::Sum,
            "sd" => Statistic::Sd,
            _ => Statistic::Mean,
        };
        let counted = matches!(statistic_kind, Statistic::Count | Statistic::Percent);
        let columns = self.existing(variables)?;
        if counted {
            self.shown(&columns)?
        } else {
            self.numeric(&columns)?
        }
        if counted && columns.len() > 1 {
            self.warnings.push(messages::bars_of_several(command.spec.span));
        }
        // A variable with labels or of text type shows its categories, another one bar (LANG-182).
        let categories = |column: &Column| {
            counted
                && (columns.len() == 1 || column.labels != LabelState::None || column.data_type == Some(DataType::Text))
        };
        let bars = columns
            .iter()
            .map(|(name, column)| BarVariable { column: name.node.as_str().into(), categories: categories(column) });
        let variables = bars.collect();
        let over = self.option_variables(command, "over")?;
        let by = self.option_variables(command, "by")?;
        self.shown(&over)?;
        self.shown(&by)?;
        let condition = self.condition(command.condition.as_ref())?;
        Ok(Action::Barchart(Barchart {
            statistic: statistic_kind,
            variables,
            condition,
            over: names(&over),
            by: names(&by).into_iter().next(),
            stack: command.option("stack").is_some(),
            horizontal: command.option("horizontal").is_some(),
        }))
    }

    /// The other commands on a list of variables: names, types, ranges of options.
    pub(super) fn descriptive(&mut self, command: &Command) -> Parse<Option<Action>> {
        let word = command.spec.node.word;
        self.state.dataset(command.spec.span)?;
        if word.ends_with("-panel") {
            self.panel_only(command)?;
        }
        let columns = self.existing(head_names(command))?;
        match word {
            "transitions-panel" | "piechart" | "sankey" => self.shown(&columns)?,
            _ => self.numeric(&columns)?,
        }
        let variables = if columns.is_empty() {
            numeric_columns(self.state.dataset(command.spec.span)?).0
        } else {
            names(&columns)
        };
        let mut groups = Vec::new();
        for option in ["over", "by"] {
            let named = self.option_variables(command, option)?;
            self.shown(&named)?;
            groups.push(names(&named));
        }
        self.ranges(command)?;
        let condition = self.condition(command.condition.as_ref())?;
        let Some(kind) = DescribeKind::of(word) else { return Ok(None) };
        let options = self.options(command)?;
        let by = groups.pop().and_then(|names| names.into_iter().next());
        let over = groups.pop().unwrap_or_default();
        Ok(Some(Action::Describe(Describe { kind, variables, over, by, condition, options })))
    }

    /// Values of options outside their range (`E316`).
    pub(super) fn ranges(&self, command: &Command) -> Parse<()> {
        for option in &command.options {
            let (low, high, ends) = match option.name.node.as_str() {
                "level" => (10.0, 99.99, ("10", "99.99")),
                "gridsize" => (1.0, 25.0, ("1", "25")),
                "groups" => (1.0, 10.0, ("1", "10")),
                _ => continue,
            };
            let Some(argument) = option.arguments.first().and_then(|a| a.value()) else { continue };
            let value = self.bindings.value(argument)?;
            let number = match &value {
                Constant::Integer(n) => *n as f64,
                Constant::Decimal(x) => *x,
                other => return Self::fail(messages::not_an_integer(argument.span, &other.text())),
            };
            // Confidence levels lie strictly between their ends.
            let inside = if option.name.node == "level" {
                number > low && number < high
            } else {
                number >= low && number <= high
            };
            if !inside {
                return Self::fail(messages::out_of_range(argument.span, &value.text(), ends.0, ends.1));
            }
        }
        Ok(())
    }
}
