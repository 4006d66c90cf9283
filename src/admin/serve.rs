//! The HTTP routes, and the port that they are served on.
//!
//! Promises that a port that cannot be had is explained, and that open pages
//! do not hold up the end. Deliberately offers neither TLS nor authentication
//! for what only reads: nothing of it is secret. Orders need a token.

use std::future::Future;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::doors::Door;
use super::events::{self, Listeners};
use super::live::Live;
use super::orders::{self, Orders};
use super::{Status, answer, page};
use crate::metrics::CONTENT_TYPE;

/// Why the admin port cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The port could not be had.
    #[error("cannot listen on `{address}`: {reason}")]
    Bind {
        /// `--bind-address` and `--bind-port`.
        address: SocketAddr,
        /// What is in the way.
        reason: String,
    },
    /// Serving ended with an error.
    #[error("serving health and metrics failed: {0}")]
    Serve(std::io::Error),
}

/// Listens on `address`; port 0 takes any free one. Logs the real address.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, AdminError> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| AdminError::Bind {
            address,
            reason: bind_reason(&error),
        })?;
    let local = listener.local_addr().unwrap_or(address);
    tracing::info!(address = %local, "serving health, status and metrics");
    Ok(listener)
}

fn bind_reason(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::AddrInUse => {
            "another process listens there: give another `--bind-port`".to_owned()
        }
        ErrorKind::AddrNotAvailable => {
            "this machine has no such address: give another `--bind-address`".to_owned()
        }
        ErrorKind::PermissionDenied => {
            "no permission for that port: give a `--bind-port` from 1024 up".to_owned()
        }
        _ => error.to_string(),
    }
}

/// Serves until `shutdown` is done, and what is under way then to its end.
pub async fn serve(
    listener: TcpListener,
    status: Status,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), AdminError> {
    serve_with(listener, status, None, shutdown).await
}

/// As [`serve`], and takes orders from whoever has the token.
pub async fn serve_with(
    listener: TcpListener,
    status: Status,
    orders: Option<Orders>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), AdminError> {
    let ended = CancellationToken::new();
    let pages = Pages {
        live: Arc::new(Live::start(status.clone())),
        listeners: Arc::default(),
        ended: ended.clone(),
    };
    let router = router(status, pages, orders);
    axum::serve(Door::new(listener), router)
        .with_graceful_shutdown(async move {
            shutdown.await;
            // Pages listen for as long as they are let.
            ended.cancel();
        })
        .await
        .map_err(AdminError::Serve)
}

/// What open pages share.
#[derive(Clone)]
struct Pages {
    live: Arc<Live>,
    listeners: Arc<Listeners>,
    ended: CancellationToken,
}

fn router(status: Status, pages: Pages, orders: Option<Orders>) -> Router {
    let reading = Router::new()
        .route("/livez", get(alive))
        .route("/healthz", get(alive))
        .route("/readyz", get(readyz))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .route("/status", get(report))
        .with_state(status.clone());
    let listening = Router::new()
        .route("/events", get(events))
        .with_state(pages);
    reading
        .merge(listening)
        .merge(page::routes())
        .merge(ordering(status, orders))
        .layer(map_response(nosniff))
}

/// No browser takes what is said of keys for anything but what it is.
async fn nosniff(mut response: Response) -> Response {
    let value = HeaderValue::from_static("nosniff");
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, value);
    response
}

/// The only routes that change anything.
fn ordering(status: Status, orders: Option<Orders>) -> Router {
    match orders {
        Some(orders) => Router::new()
            .route("/resync", post(orders::resync))
            .with_state((status, orders.clone()))
            .route("/reload", post(orders::reload))
            .with_state(orders),
        None => Router::new()
            .route("/resync", post(orders::not_offered))
            .route("/reload", post(orders::not_offered)),
    }
}

async fn events(State(pages): State<Pages>) -> Response {
    events::answer(&pages.live, &pages.listeners, pages.ended)
}

async fn alive(State(status): State<Status>) -> (StatusCode, String) {
    probe("not alive", status.not_alive())
}

async fn readyz(State(status): State<Status>) -> (StatusCode, String) {
    probe("not ready", status.not_ready())
}

fn probe(what: &str, reason: Option<String>) -> (StatusCode, String) {
    match reason {
        None => (StatusCode::OK, "ok\n".to_owned()),
        Some(reason) => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{what}: {reason}\n"),
        ),
    }
}

/// As etcd-carry answers.
async fn ready(State(status): State<Status>) -> Response {
    let ready = status.not_ready().is_none();
    let code = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (code, answer::json(&json!({ "ready": ready }))).into_response()
}

async fn metrics(State(status): State<Status>) -> Response {
    status.refresh_metrics();
    (
        [(header::CONTENT_TYPE, CONTENT_TYPE)],
        status.metrics().encode(),
    )
        .into_response()
}

async fn report(State(status): State<Status>) -> Response {
    answer::json(&status.report())
}
