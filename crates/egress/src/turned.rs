//! Tables that stand on their side: a row per statistic and a column per variable, as descriptions of data are printed.
//! They are turned, so that one set of rules serves both.

use crate::output::{Role, named};
use crate::table::{Cell, Table};

/// The table with rows and columns exchanged, when its rows are named like statistics and its columns are not.
pub(crate) fn turn(table: &Table) -> Option<Table> {
    if table.rows < 2 || table.rows > 60 || table.columns.len() < 2 {
        return None;
    }
    let is_statistic = |name: &str| {
        named(name).is_some_and(|r| r.is_statistic() || matches!(r, Role::Single | Role::Count | Role::Sum))
    };
    let rows = (0..table.rows).filter(|r| is_statistic(table.columns[0].get(*r))).count();
    let columns = table.header.iter().skip(1).filter(|h| is_statistic(h)).count();
    let names = table.columns[0].iter().all(|n| is_statistic(n) || !matches!(Cell::read(n), Cell::Number(_)));
    if rows < 2 || rows * 2 < table.rows || columns * 2 > table.columns.len() - 1 || !names {
        return None;
    }
    let header = std::iter::once("variable".to_owned()).chain(table.columns[0].iter().map(str::to_owned)).collect();
    let mut turned = Table::new(table.name.clone(), header);
    for (column, name) in table.columns.iter().zip(&table.header).skip(1) {
        turned.push(std::iter::once(name.as_str()).chain(column.iter()));
    }
    Some(turned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_of_variables_is_turned() {
        let mut table = Table::new("1", vec![String::new(), "age".into(), "income".into()]);
        for (name, a, b) in [("count", "200", "200"), ("mean", "41.2", "500"), ("min", "18", "0"), ("50%", "40", "480")]
        {
            table.push([name, a, b]);
        }
        let turned = turn(&table).unwrap();
        assert_eq!(turned.header, ["variable", "count", "mean", "min", "50%"]);
        assert_eq!((turned.rows, turned.columns[2].get(1)), (2, "500"));
        assert!(turn(&turned).is_none());
    }
}
