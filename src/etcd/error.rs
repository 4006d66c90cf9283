//! What a failed request to etcd means: whether it may have been applied, and
//! whether the same request can succeed later.
//!
//! Promises that what is not recognised counts as "may have been applied".
//! Deliberately decides nothing about what to do next.

use std::error::Error as StdError;

use tonic::{Code, Status};

use super::connector::ConnectFailure;
use super::tls::TlsError;

/// Why a request to etcd failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EtcdError {
    /// No connection was made: nothing was sent.
    #[error("cannot reach etcd: {0}")]
    Unreachable(String),
    /// The connection broke or the member went away while the request was
    /// under way.
    #[error("etcd became unavailable: {0}")]
    Unavailable(String),
    /// The member has no leader and refused: nothing was applied.
    #[error("etcd has no leader")]
    NoLeader,
    /// No answer in time.
    #[error("etcd did not answer in time: {0}")]
    Timeout(String),
    /// The token was made before the last change of users or roles; the
    /// request was refused, and succeeds with a new token.
    #[error("etcd's users or roles have changed since the token was made")]
    StaleToken,
    /// Too many requests are under way; this one was refused.
    #[error("etcd is overloaded: {0}")]
    Busy(String),
    /// The request (or the answer) is larger than the limit.
    #[error("the request is too large for etcd: {0}")]
    TooLarge(String),
    /// The transaction has more operations than the server allows
    /// (`--max-txn-ops` there).
    #[error("the transaction has more operations than etcd allows")]
    TooManyOps,
    /// One key occurs twice in a transaction.
    #[error("one key occurs twice in a transaction")]
    DuplicateKey,
    /// The database is full: `NOSPACE`.
    #[error(
        "etcd's database is full: compact and defragment it or raise `--quota-backend-bytes`, then disarm the alarm"
    )]
    NoSpace,
    /// The revision asked for is compacted away.
    #[error("etcd has compacted the revision away")]
    Compacted {
        /// The oldest revision still there; 0 where etcd did not say.
        compacted: i64,
    },
    /// The revision asked for has not happened yet.
    #[error(
        "etcd has not reached the revision: it was restored from a backup; `--resync` takes it as it is now"
    )]
    FutureRevision,
    /// The newest revision is older than what was seen before.
    #[error(
        "etcd went back from revision {seen} to {found}: it was restored from a backup; `--resync` takes it as it is now"
    )]
    Rewound {
        /// A revision seen before.
        seen: i64,
        /// The newest revision now.
        found: i64,
    },
    /// What was written at a revision is not what was seen there before.
    #[error(
        "etcd did not write `{key}` at revision {revision}, where it was seen before: it was restored from a backup, and written since; `--resync` takes it as it is now"
    )]
    LostHistory {
        /// The whole key.
        key: String,
        /// The revision that wrote it once.
        revision: i64,
    },
    /// Another cluster answers than before.
    #[error("another etcd cluster answers: expected cluster id {expected:x}, found {found:x}")]
    OtherCluster {
        /// The cluster id seen before.
        expected: u64,
        /// The cluster id now.
        found: u64,
    },
    /// The lease is not there, or no longer.
    #[error("the lease has expired or was revoked")]
    LeaseNotFound,
    /// A lease of this id is there already.
    #[error("the lease exists already")]
    LeaseExists,
    /// Who we are is not accepted.
    #[error("etcd does not accept the user: {0}")]
    Unauthenticated(String),
    /// Who we are may not do this.
    #[error("etcd denies permission: {0}")]
    PermissionDenied(String),
    /// It speaks HTTP/2 and no gRPC: the address is of something else.
    #[error(
        "what answers{at} is no etcd (HTTP {code} instead of gRPC): give etcd's client port, usually 2379"
    )]
    NotEtcd {
        /// Where, as in " at `http://…`"; empty where that is not known.
        at: String,
        /// The status code of HTTP.
        code: u16,
    },
    /// Settings are wrong: nothing was tried.
    #[error("{0}")]
    Settings(String),
    /// The server refused it and will refuse it again.
    #[error("etcd refused the request: {0}")]
    Refused(String),
    /// Anything not recognised.
    #[error("etcd failed: {0}")]
    Other(String),
}

impl EtcdError {
    /// Whether a write that ended so may have been applied.
    pub fn outcome_unknown(&self) -> bool {
        matches!(
            self,
            EtcdError::Unavailable(_) | EtcdError::Timeout(_) | EtcdError::Other(_)
        )
    }

    /// Whether the same request can succeed later without anybody's changing
    /// it; for [`EtcdError::NoSpace`] once the operator has made room.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            EtcdError::Unreachable(_)
                | EtcdError::Unavailable(_)
                | EtcdError::NoLeader
                | EtcdError::Timeout(_)
                | EtcdError::Busy(_)
                | EtcdError::StaleToken
                | EtcdError::NoSpace
                | EtcdError::Other(_)
        )
    }

    /// What etcd means by `reason` where it comes without a status code.
    pub(crate) fn from_reason(reason: &str) -> EtcdError {
        from_message(reason).unwrap_or_else(|| EtcdError::Other(reason.to_owned()))
    }

    /// Whether another member may do better.
    pub fn blames_member(&self) -> bool {
        matches!(
            self,
            EtcdError::NoLeader
                | EtcdError::Timeout(_)
                | EtcdError::Unavailable(_)
                | EtcdError::Other(_)
        )
    }
}

impl From<etcd_client::Error> for EtcdError {
    fn from(error: etcd_client::Error) -> EtcdError {
        use etcd_client::Error;
        match error {
            Error::GRpcStatus(status) => status.into(),
            Error::TransportError(error) => {
                from_chain(&error).unwrap_or_else(|| EtcdError::Unavailable(chain_text(&error)))
            }
            Error::IoError(error) => EtcdError::Unavailable(error.to_string()),
            Error::WatchError(text) => EtcdError::Unavailable(text),
            Error::LeaseKeepAliveError(text) => EtcdError::Unavailable(text),
            Error::InvalidArgs(text) => EtcdError::Settings(text),
            other => EtcdError::Other(other.to_string()),
        }
    }
}

impl From<Status> for EtcdError {
    fn from(status: Status) -> EtcdError {
        if let Some(error) = status.source().and_then(from_chain) {
            return error;
        }
        let told = from_message(status.message()).or_else(|| from_http(status.message()));
        told.unwrap_or_else(|| from_code(&status))
    }
}

impl From<TlsError> for EtcdError {
    fn from(error: TlsError) -> EtcdError {
        EtcdError::Settings(error.to_string())
    }
}

/// Our own connector's failure, wherever the client library has packed it.
fn from_chain(error: &(dyn StdError + 'static)) -> Option<EtcdError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(failure) = error.downcast_ref::<ConnectFailure>() {
            return Some(EtcdError::Unreachable(failure.to_string()));
        }
        next = error.source();
    }
    None
}

/// The innermost cause says most.
fn chain_text(error: &(dyn StdError + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// etcd's own messages; its status codes alone are ambiguous.
fn from_message(message: &str) -> Option<EtcdError> {
    let has = |text: &str| message.contains(text);
    let text = || {
        message
            .strip_prefix("etcdserver: ")
            .unwrap_or(message)
            .to_owned()
    };
    Some(match () {
        () if has("required revision has been compacted") => EtcdError::Compacted { compacted: 0 },
        () if has("required revision is a future revision") => EtcdError::FutureRevision,
        () if has("database space exceeded") => EtcdError::NoSpace,
        () if has("too many operations in txn request") => EtcdError::TooManyOps,
        () if has("duplicate key given in txn request") => EtcdError::DuplicateKey,
        () if is_too_large(message) => EtcdError::TooLarge(text()),
        () if has("too many requests") => EtcdError::Busy(text()),
        () if has("requested lease not found") => EtcdError::LeaseNotFound,
        () if has("lease already exists") => EtcdError::LeaseExists,
        () if has("etcdserver: no leader") => EtcdError::NoLeader,
        () if has("request timed out") => EtcdError::Timeout(text()),
        // Our own deadline, in the words of the transport.
        () if message == "Timeout expired" => EtcdError::Timeout("no answer".to_owned()),
        () if has("leader changed") || has("server stopped") => EtcdError::Unavailable(text()),
        // The second is what 3.4 and 3.5 let through of their own words.
        () if has("revision of auth store is old") || has("revision in header is old") => {
            EtcdError::StaleToken
        }
        () if has("authentication is not enabled") => EtcdError::Unauthenticated(text()),
        () if has("permission denied") => EtcdError::PermissionDenied(text()),
        () if has("invalid auth token") || has("authentication failed") || has("user name is") => {
            EtcdError::Unauthenticated(text())
        }
        () => return None,
    })
}

/// What the transport says of an answer of HTTP alone. Only what says that this
/// is the wrong address: a proxy that has no etcd behind it for a while answers
/// with other codes, and a request it has passed on may have been applied.
fn from_http(message: &str) -> Option<EtcdError> {
    let (_, code) = message.split_once("mapped from HTTP status code ")?;
    let code = code.trim().parse().ok()?;
    let at = String::new();
    matches!(code, 401 | 403 | 404).then_some(EtcdError::NotEtcd { at, code })
}

fn is_too_large(message: &str) -> bool {
    let limits = [
        "request is too large",
        "message larger than max",
        "message length too large",
    ];
    limits.iter().any(|text| message.contains(text))
}

fn from_code(status: &Status) -> EtcdError {
    let text = match status.source() {
        Some(source) => chain_text(source),
        None => status.message().to_owned(),
    };
    match status.code() {
        Code::Unavailable | Code::Cancelled | Code::Aborted => EtcdError::Unavailable(text),
        Code::DeadlineExceeded => EtcdError::Timeout(text),
        Code::Unauthenticated => EtcdError::Unauthenticated(text),
        Code::PermissionDenied => EtcdError::PermissionDenied(text),
        Code::ResourceExhausted => EtcdError::Busy(text),
        Code::InvalidArgument
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::NotFound
        | Code::AlreadyExists
        | Code::Unimplemented => EtcdError::Refused(text),
        // A status that came with a cause of ours is a broken connection.
        _ if status.source().is_some() => EtcdError::Unavailable(text),
        _ => EtcdError::Other(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_http_alone() {
        let of = |code: Code, http: u16| {
            let text = format!("grpc-status header missing, mapped from HTTP status code {http}");
            EtcdError::from(Status::new(code, text))
        };
        for (code, http) in [
            (Code::Unauthenticated, 401),
            (Code::PermissionDenied, 403),
            (Code::Unimplemented, 404),
        ] {
            let at = String::new();
            assert_eq!(of(code, http), EtcdError::NotEtcd { at, code: http });
        }
        // A proxy may have passed them on, or will.
        for (code, http) in [
            (Code::Unknown, 200),
            (Code::Internal, 400),
            (Code::Unavailable, 503),
        ] {
            let error = of(code, http);
            assert!(error.is_retryable() && error.outcome_unknown(), "{error}");
        }
        let told = EtcdError::from(Status::permission_denied("etcdserver: permission denied"));
        assert!(matches!(told, EtcdError::PermissionDenied(_)), "{told}");
    }
}
