//! The page at `/`: one document, its style and its script, all of it in the
//! program.
//!
//! Promises that a browser loads nothing from anywhere else, runs no script
//! but this one, and shows it in no frame. Deliberately has no data of its
//! own: the script shows what `/events` tells.

use axum::Router;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY,
    X_FRAME_OPTIONS,
};
use axum::response::IntoResponse;
use axum::routing::get;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `/`, `/page.css` and `/page.js`.
pub(super) fn routes() -> Router {
    Router::new()
        .route("/", get(document))
        .route("/page.css", get(style))
        .route("/page.js", get(script))
}

async fn document() -> impl IntoResponse {
    serve("text/html; charset=utf-8", include_str!("page/page.html"))
}

async fn style() -> impl IntoResponse {
    serve("text/css; charset=utf-8", include_str!("page/page.css"))
}

async fn script() -> impl IntoResponse {
    let javascript = "text/javascript; charset=utf-8";
    serve(javascript, include_str!("page/page.js"))
}

type Headers = [(HeaderName, &'static str); 5];

fn serve(kind: &'static str, text: &'static str) -> (Headers, &'static str) {
    let headers = [
        (CONTENT_TYPE, kind),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        // After an upgrade the page is the new one's.
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, text)
}
