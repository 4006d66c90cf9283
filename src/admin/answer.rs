//! Answers in JSON.
//!
//! Promises a newline at the end: many of those who ask sit at a terminal.
//! Deliberately knows nothing of what is answered.

use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

/// One object on one line.
pub fn json(value: &impl Serialize) -> Response {
    // Texts, numbers and maps by texts: that cannot fail.
    let mut text = serde_json::to_string(value).unwrap_or_default();
    text.push('\n');
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}
