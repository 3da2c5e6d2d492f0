//! A form that may bring files: the fields as of any form, and the files with the field that each belongs to. A form without
//! files is sent as usual, so that what was written in it can be given back (`held`).

use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Multipart, Request};
use axum::http::{HeaderMap, header};
use kernel::Problem;

use crate::WebError;
use crate::visitor::{Fields, Visitor};

/// Largest form with files, in bytes: a few of the largest files that are taken.
const LIMIT: usize = 80 << 20;
/// Most parts of such a form.
const MOST_PARTS: usize = 5_000;

/// One file of a form.
pub(crate) struct Upload {
    /// Name of the input.
    pub(crate) input: String,
    /// Name of the file as the browser gave it.
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// What a form brought.
pub(crate) struct Sent {
    pub(crate) fields: Fields,
    pub(crate) files: Vec<Upload>,
}

/// Whether a request brings a form in parts.
pub(crate) fn in_parts(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    kind.starts_with("multipart/form-data")
}

impl<S: Send + Sync> FromRequest<S> for Sent {
    type Rejection = WebError;
    async fn from_request(mut request: Request, state: &S) -> Result<Self, WebError> {
        if !in_parts(request.headers()) {
            return Ok(Self { fields: Fields::from_request(request, state).await?, files: Vec::new() });
        }
        DefaultBodyLimit::max(LIMIT).apply(&mut request);
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, state).await?;
        let unreadable =
            || visitor.fail()(Problem::invalid("form", "unreadable", "the form cannot be read: send it again"));
        let request = Request::from_parts(parts, body);
        let mut form = Multipart::from_request(request, state).await.map_err(|_| unreadable())?;
        let (mut pairs, mut files) = (Vec::new(), Vec::new());
        loop {
            let part = match form.next_field().await {
                Ok(Some(part)) => part,
                Ok(None) => break,
                Err(error) => return Err(too_large(&visitor, &error)),
            };
            if pairs.len() + files.len() >= MOST_PARTS {
                return Err(unreadable());
            }
            let input = part.name().unwrap_or_default().to_owned();
            let name = part.file_name().map(str::to_owned);
            let bytes = part.bytes().await.map_err(|error| too_large(&visitor, &error))?;
            match name {
                // An input in which no file was chosen.
                Some(name) if name.is_empty() && bytes.is_empty() => {}
                Some(name) => files.push(Upload { input, name, bytes: bytes.into() }),
                None => pairs.push((input, String::from_utf8_lossy(&bytes).into_owned())),
            }
        }
        Ok(Self { fields: Fields::checked(pairs, &visitor)?, files })
    }
}

fn too_large(visitor: &Visitor, error: &axum::extract::multipart::MultipartError) -> WebError {
    if error.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
        let refusal = access::files::Refusal::TooLarge;
        return WebError::file_refused(refusal, visitor);
    }
    visitor.fail()(Problem::invalid("form", "unreadable", "the form cannot be read: send it again"))
}
