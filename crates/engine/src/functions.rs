//! Functions over the values of one row: their meaning is `script::scalar`'s, here they get columns' values.

use script::Function;
use script::scalar::{self, Scalar};

use crate::vector::Value;

/// The value of a function on one row; missing for a function that the checker does not let through.
pub(crate) fn call(function: Function, args: &[Value]) -> Value {
    let args: Vec<Scalar> = args.iter().map(scalar).collect();
    match scalar::call(function, &args) {
        None | Some(Scalar::Missing) => Value::Missing,
        Some(Scalar::Integer(n)) => Value::Integer(n),
        Some(Scalar::Decimal(x)) => Value::Decimal(x),
        Some(Scalar::Text(t)) => Value::Text(t),
    }
}

fn scalar(value: &Value) -> Scalar {
    match value {
        Value::Missing => Scalar::Missing,
        Value::Integer(n) => Scalar::Integer(*n),
        Value::Decimal(x) => Scalar::Decimal(*x),
        Value::Text(t) => Scalar::Text(t.clone()),
        // Only functions that ask whether there is a value take keys (LANG-038).
        Value::Key(_) => Scalar::Integer(0),
    }
}
