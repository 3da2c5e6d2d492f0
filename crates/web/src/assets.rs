//! Bundled styles and scripts, served under an address that changes with their content.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

const FILES: &[(&str, &str, &[u8])] = &[
    ("hap.css", "text/css; charset=utf-8", include_bytes!("../assets/dist/hap.css")),
    ("hap.js", "text/javascript; charset=utf-8", include_bytes!("../assets/dist/hap.js")),
    ("editor.js", "text/javascript; charset=utf-8", include_bytes!("../assets/dist/editor.js")),
    ("icon.svg", "image/svg+xml", include_bytes!("../assets/src/icon.svg")),
];

/// A short digest of all files: part of their address, so that a browser keeps them for ever.
pub(crate) fn version() -> &'static str {
    static VERSION: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        let all: Vec<u8> = FILES.iter().flat_map(|(_, _, bytes)| bytes.iter().copied()).collect();
        kernel::sha256_hex(&all).trim_start_matches("sha256:").chars().take(12).collect()
    });
    &VERSION
}

pub(crate) async fn serve(Path((_version, name)): Path<(String, String)>) -> Response {
    match FILES.iter().find(|(file, _, _)| *file == name) {
        Some((_, kind, bytes)) => {
            ([(header::CONTENT_TYPE, *kind), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")], *bytes)
                .into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
