//! PDF documents: what they can do (scripts, attachments, actions) and the texts that can be read without their fonts. A
//! machine reads a PDF in part only, so that a human always does too.

use unpack::pdf::{parts, strings};

use super::Contents;
use crate::reason::Reason;

/// Names in the structure, and what they tell.
const NAMES: &[(&[u8], Reason)] = &[
    (b"/JavaScript", Reason::Script),
    (b"/JS", Reason::Script),
    (b"/Launch", Reason::Script),
    (b"/XFA", Reason::Script),
    (b"/EmbeddedFile", Reason::Embedded),
    (b"/RichMedia", Reason::Embedded),
    (b"/GoToR", Reason::External),
    (b"/SubmitForm", Reason::External),
    (b"/ImportData", Reason::External),
    (b"/Encrypt", Reason::Encrypted),
    (b"/Annots", Reason::HiddenContent),
    (b"/OCProperties", Reason::HiddenContent),
];

pub(crate) fn read(bytes: &[u8], contents: &mut Contents) {
    contents.found(Reason::Pdf);
    let whole = parts(bytes, &mut |part| {
        structure(part, contents);
        let text = strings(part);
        if text.bytes().any(|b| b.is_ascii_digit()) {
            contents.texts.push(text);
        }
    });
    if !whole {
        contents.found(Reason::Unreadable);
    }
}

fn structure(bytes: &[u8], contents: &mut Contents) {
    for at in bytes.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(at, _)| at) {
        for (name, reason) in NAMES {
            let ends = bytes.get(at + name.len()).is_none_or(|b| !b.is_ascii_alphanumeric());
            let plural = *name == b"/EmbeddedFile" && bytes.get(at + name.len()) == Some(&b's');
            if bytes[at..].starts_with(name)
                && (ends || plural)
                && !contents.findings.iter().any(|f| f.reason == *reason)
            {
                contents.found(*reason);
            }
        }
    }
}
