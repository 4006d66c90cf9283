//! What may be asked of a running carry: `POST /reload` and `POST /resync`.
//!
//! Promises that nothing is done without the token of `--admin-token-file`,
//! and that each answer says what becomes of the order. Deliberately takes the
//! token from a header alone: no page of another site can send that.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use super::answer;
use super::status::Status;
use super::token::TokenFile;
use crate::metrics::Phase;

/// How long an order may take before it is answered that it is under way.
const PATIENCE: Duration = Duration::from_secs(10);

/// So many tokens are looked at, at a time.
const LOOKS: usize = 4;

/// How often it is logged that an order was refused: anybody may send one.
const SAY_EVERY: Duration = Duration::from_secs(10);

/// What became of an order to read the rules anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RulesRead {
    /// They are in use from now on.
    Applied {
        /// Their digest.
        digest: String,
    },
    /// They mean what they meant before.
    Unchanged,
    /// They have errors; those before stay in use.
    Refused(String),
}

/// Where an order to read the rules anew comes in, with whom to tell.
pub type RulesOrders = mpsc::Receiver<oneshot::Sender<RulesRead>>;

/// Who takes orders.
#[derive(Clone)]
pub struct Orders {
    token: TokenFile,
    rules: mpsc::Sender<oneshot::Sender<RulesRead>>,
    resyncs: watch::Sender<u64>,
    looks: Arc<Semaphore>,
    wrong: Arc<Seldom>,
    unusable: Arc<Seldom>,
}

/// Something that anybody can bring about, and is said at most so often.
#[derive(Default)]
struct Seldom(Mutex<(Option<Instant>, u64)>);

impl Seldom {
    /// Whether to say it now: what to say of the other times since the last.
    fn say(&self, now: Instant) -> Option<String> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, unsaid) = &mut *state;
        if last.is_some_and(|last| now.saturating_duration_since(last) < SAY_EVERY) {
            *unsaid += 1;
            return None;
        }
        *last = Some(now);
        Some(match std::mem::take(unsaid) {
            0 => String::new(),
            unsaid => format!(" ({unsaid} more times since this was last said)"),
        })
    }
}

impl Orders {
    /// Orders from whoever has the token, and where they come out: to read
    /// the rules anew, and how often a resync was asked for.
    pub fn new(token: TokenFile) -> (Orders, RulesOrders, watch::Receiver<u64>) {
        let (rules, taken) = mpsc::channel(1);
        let (resyncs, asked) = watch::channel(0);
        let orders = Orders {
            token,
            rules,
            resyncs,
            looks: Arc::new(Semaphore::new(LOOKS)),
            wrong: Arc::default(),
            unusable: Arc::default(),
        };
        (orders, taken, asked)
    }

    /// Nothing where the token is right, else what is answered.
    async fn refused(&self, headers: &HeaderMap) -> Option<Response> {
        let Some(given) = bearer(headers) else {
            return Some(unauthorized(
                "give the token of `--admin-token-file` as `Authorization: Bearer TOKEN`",
            ));
        };
        let Ok(look) = self.looks.clone().try_acquire_owned() else {
            return Some(crowded());
        };
        let (token, given) = (self.token.clone(), given.to_vec());
        // The file may lie on a network.
        let known = tokio::task::spawn_blocking(move || {
            let _look = look;
            token.is(&given)
        });
        let known = known.await;
        match known {
            Ok(Ok(true)) => None,
            Ok(Ok(false)) => {
                if let Some(more) = self.wrong.say(Instant::now()) {
                    tracing::warn!(
                        "an order over the admin port was refused: its token is wrong{more}"
                    );
                }
                Some(unauthorized(
                    "that is not the token of `--admin-token-file`",
                ))
            }
            Ok(Err(why)) => {
                if let Some(more) = self.unusable.say(Instant::now()) {
                    let path = self.token.path().display();
                    tracing::error!("`--admin-token-file` `{path}` cannot be used: {why}{more}");
                }
                let why = "the file of `--admin-token-file` cannot be used: see the log";
                Some(answer(StatusCode::SERVICE_UNAVAILABLE, "refused", why))
            }
            Err(_) => Some(ending()),
        }
    }
}

/// The token of `Authorization: Bearer TOKEN`.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let given = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = given.split_at_checked(7)?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"bearer ") && !token.is_empty()).then_some(token)
}

fn answer(code: StatusCode, outcome: &str, message: &str) -> Response {
    let json = answer::json(&json!({ "outcome": outcome, "message": message }));
    (code, [(header::CACHE_CONTROL, "no-store")], json).into_response()
}

fn unauthorized(message: &str) -> Response {
    let challenge = [(header::WWW_AUTHENTICATE, r#"Bearer realm="carry""#)];
    let refused = answer(StatusCode::UNAUTHORIZED, "refused", message);
    (challenge, refused).into_response()
}

fn crowded() -> Response {
    let why = "too many orders at a time: try again";
    let refused = answer(StatusCode::SERVICE_UNAVAILABLE, "refused", why);
    ([(header::RETRY_AFTER, "1")], refused).into_response()
}

fn ending() -> Response {
    let why = "carry is ending";
    answer(StatusCode::SERVICE_UNAVAILABLE, "refused", why)
}

/// What is answered where no token file was given.
pub(super) async fn not_offered() -> Response {
    let why = "this carry takes no orders: it was started without `--admin-token-file`";
    answer(StatusCode::NOT_FOUND, "refused", why)
}

/// The rules file is read anew, as on SIGHUP.
pub(super) async fn reload(State(orders): State<Orders>, headers: HeaderMap) -> Response {
    if let Some(refused) = orders.refused(&headers).await {
        return refused;
    }
    tracing::info!("asked over the admin port to read the rules file again");
    let (told, read) = oneshot::channel();
    match orders.rules.try_send(told) {
        Ok(()) => {}
        Err(mpsc::error::TrySendError::Full(_)) => return under_way(),
        Err(mpsc::error::TrySendError::Closed(_)) => return ending(),
    }
    match tokio::time::timeout(PATIENCE, read).await {
        Err(_) => under_way(),
        Ok(Err(_)) => ending(),
        Ok(Ok(RulesRead::Applied { digest })) => {
            let message = "the rules are in use from now on: what they newly select is copied, and what they no longer select is kept and reported, or deleted with `--prune`";
            let json = json!({ "outcome": "applied", "rulesDigest": digest, "message": message });
            (StatusCode::OK, answer::json(&json)).into_response()
        }
        Ok(Ok(RulesRead::Unchanged)) => {
            let message = "the rules file means what it meant before: nothing changes";
            answer(StatusCode::OK, "unchanged", message)
        }
        Ok(Ok(RulesRead::Refused(why))) => {
            let message =
                format!("the rules file has errors, the rules before stay in use:\n{why}");
            answer(StatusCode::UNPROCESSABLE_ENTITY, "refused", &message)
        }
    }
}

fn under_way() -> Response {
    let message = "the rules file is read as soon as the mirror has begun; the log says what becomes of it, and /status names the rules in use (`rulesDigest`) and why those of the file are not (`rulesRefused`)";
    answer(StatusCode::ACCEPTED, "accepted", message)
}

/// Everything is compared with the destination again.
pub(super) async fn resync(
    State((status, orders)): State<(Status, Orders)>,
    headers: HeaderMap,
) -> Response {
    if let Some(refused) = orders.refused(&headers).await {
        return refused;
    }
    let now = status.report_naming(0);
    let follows = now.leader && now.phase == Phase::Tail.label();
    if !follows {
        let why = match now.led_by {
            Some(leader) => {
                format!("this carry stands by ({leader} leads): ask the one that leads")
            }
            None => format!(
                "a resync begins only while the source is followed: the mirror is in phase `{}` now",
                now.phase
            ),
        };
        return answer(StatusCode::CONFLICT, "refused", &why);
    }
    if orders.resyncs.is_closed() {
        return ending();
    }
    tracing::info!("asked over the admin port for a resync");
    orders.resyncs.send_modify(|asked| *asked += 1);
    let message = "everything is listed and compared with the destination, and what differs is written again; until that is done /readyz answers 503. /status says when it began, under `resyncs`";
    answer(StatusCode::ACCEPTED, "accepted", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_taken_from_its_header_alone() {
        let of = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().expect("a header"));
            bearer(&headers).map(<[u8]>::to_vec)
        };
        assert_eq!(of("Bearer abc"), Some(b"abc".to_vec()));
        assert_eq!(of("bearer  abc "), Some(b"abc".to_vec()));
        for other in ["abc", "Basic abc", "Bearer", "Bearer ", ""] {
            assert_eq!(of(other), None, "{other}");
        }
        assert_eq!(bearer(&HeaderMap::new()), None);
    }

    #[test]
    fn what_anybody_can_bring_about_is_said_seldom() {
        let (seldom, begin) = (Seldom::default(), Instant::now());
        let after = |millis| seldom.say(begin + Duration::from_millis(millis));
        assert_eq!(after(0).as_deref(), Some(""));
        for n in 1..=1000 {
            assert_eq!(after(n), None);
        }
        let more = " (1000 more times since this was last said)";
        assert_eq!(after(10_000).as_deref(), Some(more));
        assert_eq!(after(20_000).as_deref(), Some(""));
    }

    #[tokio::test]
    async fn few_tokens_are_looked_at_at_a_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("token");
        std::fs::write(&path, "0123456789abcdef").expect("a file");
        let token = TokenFile::new(path).expect("a token");
        let (orders, _rules, _resyncs) = Orders::new(token);
        let mut headers = HeaderMap::new();
        let right = "Bearer 0123456789abcdef".parse().expect("a header");
        headers.insert(header::AUTHORIZATION, right);
        let looks = orders.looks.clone().acquire_many_owned(LOOKS as u32).await;
        let refused = orders.refused(&headers).await.map(|answer| answer.status());
        assert_eq!(refused, Some(StatusCode::SERVICE_UNAVAILABLE));
        drop(looks);
        for _ in 0..=LOOKS {
            assert!(orders.refused(&headers).await.is_none());
        }
    }
}
