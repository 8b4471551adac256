//! Styles and scripts, by name and content hash, kept by browsers for good.

use std::sync::LazyLock;

use axum::{
    Router,
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use remit_kernel::hash::Digest;

use crate::edge::Edge;

include!(concat!(env!("OUT_DIR"), "/scripts.rs"));

/// Our own files.
const OWN: &[(&str, &[u8])] = &[
    ("app.css", include_bytes!("../../assets/app.css")),
    ("icon.svg", include_bytes!("../../assets/icon.svg")),
    ("desk.js", include_bytes!("../../assets/islands/desk.js")),
    ("sign.js", include_bytes!("../../assets/islands/sign.js")),
    ("review.js", include_bytes!("../../assets/islands/review.js")),
    ("rows.js", include_bytes!("../../assets/islands/rows.js")),
    ("once.js", include_bytes!("../../assets/islands/once.js")),
];

pub(super) fn router() -> Router<Edge> {
    Router::new().route("/assets/{hash}/{name}", get(asset))
}

/// Returns the address of a file; its hash makes it safe to keep.
pub(crate) fn address(name: &str) -> String {
    format!("/assets/{}/{name}", hash(name).unwrap_or_default())
}

fn hash(name: &str) -> Option<&'static str> {
    /// Every page names them, so their digests are taken once.
    static HASHES: LazyLock<Vec<(&str, String)>> = LazyLock::new(|| {
        OWN.iter().map(|(name, bytes)| (*name, Digest::of(bytes).to_string()[..16].to_owned())).collect()
    });
    let own = HASHES.iter().find(|(known, _)| *known == name).map(|(_, hash)| hash.as_str());
    own.or_else(|| SCRIPTS.iter().find(|(known, ..)| *known == name).map(|(_, hash, _)| *hash))
}

async fn asset(Path((_, name)): Path<(String, String)>) -> Response {
    let own = OWN.iter().find(|(known, _)| *known == name).map(|(_, bytes)| *bytes);
    let Some(bytes) = own.or_else(|| SCRIPTS.iter().find(|(known, ..)| *known == name).map(|(_, _, bytes)| *bytes))
    else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kind = match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")], bytes)
        .into_response()
}
