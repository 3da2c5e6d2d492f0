//! Random edits of a script: what somebody does between two runs (LANG-374).

use super::dice::Dice;
use super::statements::{Script, Writer};
use crate::source::VariableSource;

/// The script with a statement taken out, put in, changed or moved, or with another layout; valid again.
pub fn edited(dice: &mut Dice, source: &dyn VariableSource, script: &Script) -> Script {
    for _ in 0..20 {
        let mut next = script.clone();
        // The first two statements connect the store and make a dataset.
        let at = 2 + dice.roll(script.statements.len().saturating_sub(2));
        match dice.roll(6) {
            0 if next.statements.len() > 3 => {
                next.statements.remove(at.min(script.statements.len() - 1));
            }
            1 if next.statements.len() > 3 => {
                let other = 2 + dice.roll(next.statements.len() - 2);
                next.statements.swap(at.min(script.statements.len() - 1), other);
            }
            2 => next.statements.insert(at.min(next.statements.len()), "// a comment\n".to_owned()),
            3 => next.statements.truncate(at),
            _ => {
                let at = at.min(next.statements.len());
                let head = Script { statements: next.statements[..at].to_vec() };
                let Some(mut writer) = Writer::after(source, head) else { continue };
                let statement = writer.draw(dice);
                let replaces = dice.once_in(2) && at < next.statements.len();
                next.statements.splice(at..at + usize::from(replaces), [statement]);
            }
        }
        if next != *script && next.plan(source).is_some() {
            return next;
        }
    }
    let mut next = script.clone();
    next.statements.push("// the end".to_owned());
    next
}
