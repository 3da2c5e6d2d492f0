//! Statements that are wrong in one known way, for the diagnostic code that they must get (language.md section 7.2).

use script::{Code, DataType};

use super::dice::Dice;
use super::statements::{Script, Writer};
use crate::source::VariableSource;

/// A random valid script that ends in a statement with a mistake, and the code of it.
pub fn mistaken(dice: &mut Dice, source: &dyn VariableSource, length: usize) -> (Script, Code) {
    let mut writer = Writer::new(source);
    writer.write(dice, length);
    let (statement, code) = mistake(dice, &writer);
    let mut script = writer.script;
    script.statements.push(statement);
    (script, code)
}

fn mistake(dice: &mut Dice, writer: &Writer<'_>) -> (String, Code) {
    let anywhere: [(&str, Code); 12] = [
        ("tabulat x", Code::E101),
        ("use nosuch", Code::E202),
        ("clone-dataset nosuch other", Code::E202),
        ("import db/NOSUCH as q", Code::E205),
        ("require no.such:1 as other", Code::E205),
        ("import nosuch/KJOENN as q", Code::E204),
        ("generate q = (1 + 2", Code::E103),
        ("generate q = 'a", Code::E104),
        ("generate q = ", Code::E105),
        ("create-dataset 9q", Code::E108),
        ("let q = $nosuch", Code::E206),
        ("for i in 1 : 2", Code::E106),
    ];
    let of = |(text, code): (&str, Code)| (text.to_owned(), code);
    let at_random = |dice: &mut Dice| of(anywhere[dice.roll(anywhere.len())]);
    let Some(dataset) = writer.shape().dataset() else {
        return if dice.once_in(2) { at_random(dice) } else { of(("generate q = 1", Code::E203)) };
    };
    let in_dataset: [(&str, Code); 9] = [
        ("summarize nosuch", Code::E201),
        ("generate q = nosuch + 1", Code::E201),
        ("generate q = nosuch(1)", Code::E207),
        ("generate q = abs(1, 2)", Code::E210),
        ("generate q = abs('a')", Code::E301),
        ("generate q = 1 == .", Code::E302),
        ("keep if 'a'", Code::E301),
        ("generate q = 1 < 'a'", Code::E301),
        ("import-event db/BOSTED 2020-01-02 to 2020-01-01 as q", Code::E306),
    ];
    let own = dataset.names(|_| true).into_iter().filter(|n| !n.contains('@')).collect::<Vec<_>>();
    let known = dice.choose(&own).cloned();
    let texts = dice.choose(&dataset.names(|c| c.data_type == DataType::Text)).cloned();
    let keys = dice.choose(&dataset.names(|c| matches!(c.data_type, DataType::Key(_)))).cloned();
    match (dice.roll(9), known, texts, keys) {
        (0 | 1, ..) => at_random(dice),
        (2, Some(name), ..) => (format!("generate {name} = 1"), Code::E209),
        (3, _, Some(text), _) => (format!("summarize {text}"), Code::E301),
        (4, _, Some(text), _) => (format!("generate q = {text} + 1"), Code::E301),
        (5, _, _, Some(key)) => (format!("generate q = {key} + 1"), Code::E303),
        (6, ..) if !dataset.panel => of(("summarize-panel q", Code::E310)),
        (7, _, _, Some(key)) => (format!("tabulate {key}"), Code::E303),
        _ => of(in_dataset[dice.roll(in_dataset.len())]),
    }
}
