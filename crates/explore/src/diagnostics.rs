//! Diagnostics on their way between zones: code, place and one text that holds cause, hint and nearest names.

use kernel::{LangMap, Language};
use protocol::calls::Diagnostic as Wire;
use script::Diagnostic;

/// The diagnostic as it stands in an answer.
pub fn to_wire(diagnostic: &Diagnostic) -> Wire {
    let mut message = LangMap::default();
    for language in Language::ALL {
        let mut text = diagnostic.message.text(language).to_owned();
        if let Some(hint) = &diagnostic.hint {
            text.push(' ');
            text.push_str(hint.text(language));
        }
        message.0.insert(language, text);
    }
    Wire {
        code: diagnostic.code.to_string(),
        severity: if diagnostic.is_error() { "error" } else { "warning" }.to_owned(),
        line: diagnostic.span.line,
        column: diagnostic.span.column,
        length: diagnostic.span.length(),
        message,
        candidates: diagnostic.candidates.clone(),
        replacement: diagnostic.replacement.clone(),
    }
}
