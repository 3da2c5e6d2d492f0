//! Canonical JSON (RFC 8785): the one byte string that is hashed and signed.

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// A value that has no canonical form.
#[derive(Debug, thiserror::Error)]
pub enum CanonicalError {
    /// The value cannot be written as JSON.
    #[error("not representable as JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    /// RFC 8785 writes numbers as ECMAScript does, which knows no whole numbers beyond 2^53: write them as text.
    #[error("a whole number beyond 2^53 has no canonical form")]
    TooLarge,
}

/// The canonical bytes of `value`: keys sorted by UTF-16 code units, no blanks, shortest escapes.
///
/// # Errors
/// [`CanonicalError`] when the value is not JSON or holds a whole number beyond 2^53.
pub fn canonical_json<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, CanonicalError> {
    let value = serde_json::to_value(value)?;
    let mut out = Vec::with_capacity(512);
    write(&value, &mut out)?;
    Ok(out)
}

/// SHA-256 of `bytes` as `sha256:` and 64 hex digits (KEY-022).
pub fn sha256_hex(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

fn write(value: &Value, out: &mut Vec<u8>) -> Result<(), CanonicalError> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(b) => out.extend_from_slice(if *b { b"true" } else { b"false" }),
        Value::Number(n) => {
            const SAFE: u64 = 1 << 53;
            match (n.as_i64(), n.as_f64()) {
                (Some(i), _) if i.unsigned_abs() <= SAFE => out.extend_from_slice(i.to_string().as_bytes()),
                (None, Some(x)) if n.is_f64() => out.extend_from_slice(ryu_js::Buffer::new().format(x).as_bytes()),
                _ => return Err(CanonicalError::TooLarge),
            }
        }
        // serde_json escapes exactly what RFC 8785 asks for: the quote, the backslash and control characters.
        Value::String(s) => serde_json::to_writer(out, s)?,
        Value::Array(items) => {
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write(item, out)?;
            }
            out.push(b']');
        }
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            // The map has them by their bytes, which is the same order as long as they are ASCII.
            if !keys.iter().all(|key| key.is_ascii()) || !keys.is_sorted() {
                keys.sort_by(|a, b| a.encode_utf16().cmp(b.encode_utf16()));
            }
            out.push(b'{');
            for (i, key) in keys.into_iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                serde_json::to_writer(&mut *out, key)?;
                out.push(b':');
                write(&map[key], out)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_sorted_and_blanks_are_gone() {
        let v = json!({"b": [1, null, true], "a": "æ\n\u{1}", "€": 1, "\u{1F600}": 2, "\u{fb33}": 3});
        let text = String::from_utf8(canonical_json(&v).unwrap()).unwrap();
        assert_eq!(text, "{\"a\":\"æ\\n\\u0001\",\"b\":[1,null,true],\"€\":1,\"\u{1F600}\":2,\"\u{fb33}\":3}");
    }

    #[test]
    fn numbers_are_written_as_ecmascript_does() {
        let v = json!([0.5, 1e21, 1e-7, 100.0, -0.0, 511]);
        assert_eq!(canonical_json(&v).unwrap(), b"[0.5,1e+21,1e-7,100,0,511]");
        assert!(matches!(canonical_json(&json!(1u64 << 60)), Err(CanonicalError::TooLarge)));
    }

    #[test]
    fn the_canonical_form_is_a_fixed_point() {
        let v = json!({"z": {"y": -3, "x": ["", "\"", "\\"]}});
        let once = canonical_json(&v).unwrap();
        let again: Value = serde_json::from_slice(&once).unwrap();
        assert_eq!(canonical_json(&again).unwrap(), once);
        assert_eq!(sha256_hex(b""), "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
