//! Downloading a file: always as an attachment, never as a page of this site.

use access::CaseId;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::case_id;
use crate::frame::encode;
use crate::input::Path;
use crate::visitor::Visitor;
use crate::{Services, WebError};

pub(super) async fn download(
    State(services): State<Services>,
    visitor: Visitor,
    Path((id, file)): Path<(String, String)>,
) -> Result<Response, WebError> {
    let case = case_id(&visitor, &id)?;
    found(&services, &visitor, case, &file).await.map(attachment)
}

/// The file with this id, when the visitor may see the files of the case.
pub(crate) async fn found(
    services: &Services,
    visitor: &Visitor,
    case: CaseId,
    file: &str,
) -> Result<access::files::Download, WebError> {
    let actor = visitor.actor()?;
    match file.parse() {
        Ok(file) => services.access.file(actor, case, file).await.map_err(visitor.fail()),
        // Who may not see the case is told that, not what it holds.
        Err(_) => {
            services.access.files(actor, case).await.map_err(visitor.fail())?;
            Err(visitor.fail()(services.access.no_file(actor, case).await))
        }
    }
}

/// The answer with a file: a sandbox without scripts even if a browser were to show it.
pub(crate) fn attachment(download: access::files::Download) -> Response {
    let file = download.file;
    let plain: String =
        file.name.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' }).collect();
    let disposition =
        format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{}", encode(&file.name).replace('/', "%2F"));
    let headers = [
        (header::CONTENT_TYPE, file.kind.media_type().to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    (headers, download.bytes).into_response()
}
