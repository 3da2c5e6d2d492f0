//! Two open changes of one permit (ACC-066): they may not touch the same place, and when one is decided the other is put
//! on top of it.

use std::collections::BTreeMap;

use super::{Op, apply, diff};
use crate::content::Content;

/// The first place that both changes touch.
pub fn clash<'a>(one: &'a [Op], other: &[Op]) -> Option<&'a str> {
    let same = |a: &str, b: &str| {
        let inside = |outer: &str, inner: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'));
        a == b || inside(a, b) || inside(b, a)
    };
    one.iter().find(|op| other.iter().any(|o| same(&op.path, &o.path))).map(|op| op.path.as_str())
}

/// An open change on top of a new base: the content that it wants now, and its operations with new befores. Reasons stay.
pub fn rebased(new_base: &Content, wanted: &Content, ops: &[Op]) -> (Content, Vec<Op>) {
    let content = apply(new_base, wanted, ops);
    let reasons: BTreeMap<String, String> = ops.iter().map(|op| (op.path.clone(), op.reason.clone())).collect();
    let ops = diff(new_base, &content, &reasons);
    (content, ops)
}
