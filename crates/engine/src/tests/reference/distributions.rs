//! Distribution functions: the domain of every argument as language.md section 9.2 has it; inside it the value is that of
//! the numeric library.

use script::Function as F;

use super::value::V;
use crate::vector::Value;

pub(super) fn call(function: F, args: &[V]) -> V {
    let Some(mut x) = args.iter().map(V::number).collect::<Option<Vec<f64>>>() else { return V::Missing };
    match edge(function, &mut x) {
        Edge::Outside => V::Missing,
        Edge::Is(value) => V::real(value),
        Edge::Inside => {
            let args: Vec<Value> = x.iter().map(|x| Value::Decimal(*x)).collect();
            match crate::functions::call(function, &args) {
                Value::Decimal(y) => V::real(y),
                Value::Integer(n) => V::real(n as f64),
                _ => V::Missing,
            }
        }
    }
}

enum Edge {
    Outside,
    Is(f64),
    Inside,
}

fn edge(function: F, x: &mut [f64]) -> Edge {
    let inside = |ok: bool| if ok { Edge::Inside } else { Edge::Outside };
    // A point below zero has nothing below it and everything above it.
    let positive = |ok: bool, point: f64, below: f64| match (ok, point < 0.0) {
        (false, _) => Edge::Outside,
        (true, true) => Edge::Is(below),
        (true, false) => Edge::Inside,
    };
    match (function, &mut *x) {
        (F::Binomial | F::BinomialP | F::BinomialTail, [n, k, p]) => {
            (*n, *k) = (n.floor(), k.floor());
            inside(*n >= 1.0 && (0.0..=*n).contains(k) && (0.0..=1.0).contains(p))
        }
        (F::Normal, [_]) | (F::NormalDen, [_] | [_, _]) => Edge::Inside,
        (F::NormalDen, [_, _, sd]) => inside(*sd > 0.0),
        (F::F | F::FDen, [a, b, f]) => positive(*a > 0.0 && *b > 0.0, *f, 0.0),
        (F::FTail, [a, b, f]) => positive(*a > 0.0 && *b > 0.0, *f, 1.0),
        (F::InvF, [a, b, p]) => inside(*a > 0.0 && *b > 0.0 && (0.0..1.0).contains(p)),
        (F::InvFTail, [a, b, p]) => inside(*a > 0.0 && *b > 0.0 && *p > 0.0 && *p <= 1.0),
        (F::InvNFTail, [a, b, l, p]) => inside(*a > 0.0 && *b > 0.0 && *l >= 0.0 && *p > 0.0 && *p <= 1.0),
        (F::NF | F::NFDen, [a, b, l, f]) => positive(*a > 0.0 && *b > 0.0 && *l >= 0.0, *f, 0.0),
        (F::NFTail, [a, b, l, f]) => positive(*a > 0.0 && *b > 0.0 && *l >= 0.0, *f, 1.0),
        (F::Chi2 | F::Chi2Den, [v, p]) => positive(*v > 0.0, *p, 0.0),
        (F::Chi2Tail, [v, p]) => positive(*v > 0.0, *p, 1.0),
        (F::InvChi2, [v, p]) => inside(*v > 0.0 && (0.0..1.0).contains(p)),
        (F::InvChi2Tail, [v, p]) => inside(*v > 0.0 && *p > 0.0 && *p <= 1.0),
        (F::NChi2 | F::NChi2Den, [v, l, p]) => positive(*v > 0.0 && *l >= 0.0, *p, 0.0),
        (F::NChi2Tail, [v, l, p]) => positive(*v > 0.0 && *l >= 0.0, *p, 1.0),
        (F::BetaDen | F::IBeta | F::IBetaTail, [a, b, _]) if *a <= 0.0 || *b <= 0.0 => Edge::Outside,
        (F::BetaDen, [_, _, p]) if !(0.0..=1.0).contains(p) => Edge::Is(0.0),
        (F::IBeta, [_, _, p]) if !(0.0..=1.0).contains(p) => Edge::Is(if *p < 0.0 { 0.0 } else { 1.0 }),
        (F::IBetaTail, [_, _, p]) if !(0.0..=1.0).contains(p) => Edge::Is(if *p < 0.0 { 1.0 } else { 0.0 }),
        (F::InvIBeta | F::InvIBetaTail, [a, b, p]) => inside(*a > 0.0 && *b > 0.0 && (0.0..=1.0).contains(p)),
        (F::InvT | F::InvTTail, [v, p]) | (F::InvNtTail, [v, _, p]) => inside(*v > 0.0 && *p > 0.0 && *p < 1.0),
        (_, [v, ..]) => inside(*v > 0.0),
        _ => Edge::Outside,
    }
}
