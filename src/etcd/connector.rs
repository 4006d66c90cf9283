//! Makes connections for one channel: the next endpoint in turn each time, so
//! that whoever lost a member gets another one.
//!
//! Promises to try every endpoint before it gives up, each for no longer than
//! the dial timeout. Deliberately keeps no health state: etcd's members change
//! theirs faster than we could know.

use std::future::Future;
use std::io::ErrorKind;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::Endpoint;
use super::tls;
use super::tls_files::TlsFiles;
use super::transport::{LastFailure, Stream, Transport};

/// No endpoint could be connected to; says of each one why.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct ConnectFailure(pub(super) String);

/// Everything that does not change from connection to connection.
#[derive(Clone)]
pub(super) struct Dialer {
    pub(super) endpoints: Arc<[Endpoint]>,
    pub(super) tls: Option<Arc<TlsFiles>>,
    pub(super) shows_certificate: bool,
    pub(super) dial_timeout: Duration,
}

/// The connector of one channel.
#[derive(Clone)]
pub(super) struct Connector {
    dialer: Dialer,
    turn: Arc<AtomicUsize>,
    cut: Arc<Mutex<CancellationToken>>,
    failure: LastFailure,
}

impl Connector {
    /// Begins with the endpoint at `first`.
    pub(super) fn new(dialer: Dialer, first: usize) -> Connector {
        Connector {
            dialer,
            turn: Arc::new(AtomicUsize::new(first)),
            cut: Arc::default(),
            failure: LastFailure::default(),
        }
    }

    /// Cuts the connection; the next request makes a new one, to the next
    /// endpoint.
    pub(super) fn cut(&self) {
        self.fresh_token().cancel();
    }

    /// Why the last connection broke, where that is known.
    pub(super) fn last_failure(&self) -> Option<String> {
        self.failure.get()
    }

    /// Puts a new token in place and returns the one before.
    fn fresh_token(&self) -> CancellationToken {
        let mut current = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *current)
    }

    fn token(&self) -> CancellationToken {
        self.cut
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    async fn connect(self) -> Result<TokioIo<Transport>, ConnectFailure> {
        let mut failures = Vec::new();
        for _ in 0..self.dialer.endpoints.len() {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed);
            let endpoint = &self.dialer.endpoints[turn % self.dialer.endpoints.len()];
            match self.dialer.dial(endpoint).await {
                Ok(stream) => return Ok(TokioIo::new(self.transport(stream))),
                Err(reason) => failures.push(format!("`{endpoint}`: {reason}")),
            }
        }
        Err(ConnectFailure(failures.join("; ")))
    }

    fn transport(&self, stream: Stream) -> Transport {
        let shows_certificate = self.dialer.shows_certificate;
        Transport::new(
            stream,
            self.token(),
            self.failure.clone(),
            shows_certificate,
        )
    }
}

impl tower::Service<Uri> for Connector {
    type Response = TokioIo<Transport>;
    type Error = ConnectFailure;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect())
    }
}

impl Dialer {
    /// The same for one endpoint alone.
    pub(super) fn only(&self, endpoint: &Endpoint) -> Dialer {
        Dialer {
            endpoints: [endpoint.clone()].into(),
            ..self.clone()
        }
    }

    async fn dial(&self, endpoint: &Endpoint) -> Result<Stream, String> {
        match tokio::time::timeout(self.dial_timeout, self.handshake(endpoint)).await {
            Ok(result) => result,
            Err(_) => Err(format!("no answer within {:?}", self.dial_timeout)),
        }
    }

    async fn handshake(&self, endpoint: &Endpoint) -> Result<Stream, String> {
        let tcp = TcpStream::connect((endpoint.host(), endpoint.port()))
            .await
            .map_err(|error| describe_dial(endpoint, &error))?;
        // Small requests must not wait for the answer to the one before.
        tcp.set_nodelay(true).map_err(|error| error.to_string())?;
        match (&self.tls, endpoint.tls()) {
            (Some(tls), true) => self.tls_handshake(tls, endpoint, tcp).await,
            (None, true) => Err("it wants TLS, and there are no TLS settings".to_owned()),
            (_, false) => Ok(Stream::Plain(tcp)),
        }
    }

    async fn tls_handshake(
        &self,
        files: &Arc<TlsFiles>,
        endpoint: &Endpoint,
        tcp: TcpStream,
    ) -> Result<Stream, String> {
        let name = ServerName::try_from(endpoint.host().to_owned())
            .map_err(|_| "the host is not a name that a certificate can have".to_owned())?;
        let files = files.clone();
        // They may lie on a network: off the threads that everything runs on.
        let tls = tokio::task::spawn_blocking(move || files.connector()).await;
        let tls = tls.map_err(|error| error.to_string())?;
        let stream = tls
            .connect(name, tcp)
            .await
            .map_err(|error| self.describe_tls(&error))?;
        Ok(Stream::Tls(Box::new(stream)))
    }

    fn describe_tls(&self, error: &std::io::Error) -> String {
        match error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>())
        {
            Some(error) => tls::describe(error, self.shows_certificate),
            None if is_closed(error.kind()) => {
                "the server closed the connection in the TLS handshake: if it does not speak TLS, write `http://`".to_owned()
            }
            None => format!("TLS handshake broken off: {error}"),
        }
    }
}

fn is_closed(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
    )
}

fn describe_dial(endpoint: &Endpoint, error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => {
            format!("nothing listens on port {} there", endpoint.port())
        }
        _ => error.to_string(),
    }
}
