//! One connected etcd: a channel each for requests, for the watch and for
//! leases, since what one of them moves must not hold up the others.
//!
//! Promises that a [`Connection`] was answered by at least one endpoint, and
//! that each channel goes on to the next endpoint whenever it has to
//! reconnect.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use etcd_client::{
    Channel, Client, ConnectOptions, GetOptions, KvClient, LeaseClient, MaintenanceClient,
    ResponseHeader, WatchClient,
};
use http::Uri;

use super::connector::{Connector, Dialer};
use super::tls_files::TlsFiles;
use super::{Endpoint, EtcdError, OnReload, TlsSettings};

/// How an etcd is reached.
#[derive(Clone, Debug)]
pub struct TransportSettings {
    /// At least one.
    pub endpoints: Vec<Endpoint>,
    /// For the endpoints with TLS.
    pub tls: Option<TlsSettings>,
    /// How long one endpoint may take to answer a new connection.
    pub dial_timeout: Duration,
    /// Quiet time after which a connection in use is tested; see
    /// [`MIN_KEEPALIVE`].
    pub keepalive_time: Duration,
    /// How long the answer to that test may take.
    pub keepalive_timeout: Duration,
    /// Who we are, where etcd asks.
    pub credentials: Option<Credentials>,
    /// A key that we may read: what etcd says of itself comes with the answer
    /// to a read, and it answers nobody who reads what they may not.
    pub asks_for: Vec<u8>,
    /// Who is told that files of `tls` have changed: they are read again for
    /// each new connection, and looked at every few seconds between.
    pub on_reload: Option<OnReload>,
}

impl TransportSettings {
    /// These endpoints with the defaults of the command line.
    pub fn new(endpoints: Vec<Endpoint>) -> TransportSettings {
        TransportSettings {
            endpoints,
            tls: None,
            dial_timeout: Duration::from_secs(2),
            keepalive_time: Duration::from_secs(2),
            keepalive_timeout: Duration::from_secs(6),
            credentials: None,
            asks_for: vec![0],
            on_reload: None,
        }
    }

    /// Asks for this key to learn how etcd is.
    pub fn asking_for(mut self, key: impl Into<Vec<u8>>) -> TransportSettings {
        self.asks_for = key.into();
        self
    }
}

/// A user of etcd with its password, which is never printed.
#[derive(Clone)]
pub struct Credentials {
    /// The user's name.
    pub user: String,
    /// Its password.
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// etcd closes connections that are tested more often than every five
/// seconds; its own client never does so more often than every ten, whatever
/// it is told.
pub const MIN_KEEPALIVE: Duration = Duration::from_secs(10);

/// At 20 ms of round-trip time a window of 4 MiB still carries 200 MB/s.
const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 8 << 20;

/// Far above what etcd sends: one value is 1.5 MiB unless the operator raised
/// that. A page that is larger is asked for again in parts.
const MAX_MESSAGE: usize = 64 << 20;

/// How long an answer may take to begin: past the time after which etcd itself
/// gives up on a request (seven seconds unless the operator raised them), and
/// past that after which a dead connection is noticed. What hangs longer hangs
/// in a member that still answers pings.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// What a cluster says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClusterStatus {
    /// etcd's cluster id.
    pub cluster_id: u64,
    /// The newest revision.
    pub revision: i64,
}

/// A connected etcd. Cheap to clone; clones share the connections.
#[derive(Clone)]
pub struct Connection {
    kv: Line,
    watch: Line,
    lease: Line,
    endpoints: Arc<[Endpoint]>,
    asks_for: Arc<[u8]>,
    has_user: bool,
    refreshing: Arc<AtomicBool>,
}

/// One channel and its connector.
#[derive(Clone)]
struct Line {
    client: Client,
    connector: Connector,
}

/// Connects to the first endpoint that answers a linearizable read within the
/// dial timeout; the error says of every endpoint why it did not.
pub async fn connect(settings: &TransportSettings) -> Result<Connection, EtcdError> {
    if settings.endpoints.is_empty() {
        return Err(EtcdError::Settings("no endpoints given".to_owned()));
    }
    let dialer = dialer(settings)?;
    let first = first_answering(settings, &dialer).await?;
    Ok(Connection {
        kv: Line::open(settings, &dialer, first).await?,
        watch: Line::open(settings, &dialer, first).await?,
        lease: Line::open(settings, &dialer, first).await?,
        endpoints: dialer.endpoints.clone(),
        asks_for: settings.asks_for.as_slice().into(),
        has_user: settings.credentials.is_some(),
        refreshing: Arc::default(),
    })
}

impl Connection {
    /// For reads and transactions.
    pub fn kv(&self) -> KvClient {
        self.kv
            .client
            .kv_client()
            .max_decoding_message_size(MAX_MESSAGE)
    }

    /// For watches, on a connection of their own. With a user, it has a new
    /// token each time: to a watch with an expired one etcd answers that
    /// permission is denied, which the client library does not mend.
    pub async fn watch(&self) -> Result<WatchClient, EtcdError> {
        if self.has_user {
            self.watch.client.refresh_token().await?;
        }
        let client = self.watch.client.watch_client();
        Ok(client.max_decoding_message_size(MAX_MESSAGE))
    }

    /// For leases, on a connection of their own.
    pub fn lease(&self) -> LeaseClient {
        self.lease.client.lease_client()
    }

    /// For questions to the very member that serves requests.
    pub fn maintenance(&self) -> MaintenanceClient {
        self.kv.client.maintenance_client()
    }

    /// For questions to the very member that serves the watch.
    pub fn watch_maintenance(&self) -> MaintenanceClient {
        self.watch.client.maintenance_client()
    }

    /// Where it goes, in turn.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// Cluster id and newest revision (linearizable).
    pub async fn status(&self) -> Result<ClusterStatus, EtcdError> {
        let answer = cluster_status(&mut self.kv(), &self.asks_for).await;
        answer.inspect_err(|error| self.reconsider(error))
    }

    /// Takes note of how a request through [`Connection::kv`] failed: where
    /// another member may do better, the next request goes to one.
    pub fn reconsider(&self, error: &EtcdError) {
        self.reconsider_token(error);
        if error.blames_member() && self.endpoints.len() > 1 {
            self.kv.connector.cut();
        }
    }

    /// Takes note of how a request of any kind failed: where the token is too
    /// old, a new one is on its way. The client library does that by itself only
    /// for a token that has expired.
    pub fn reconsider_token(&self, error: &EtcdError) {
        let stale = self.has_user && *error == EtcdError::StaleToken;
        if !stale || self.refreshing.swap(true, Ordering::Relaxed) {
            return;
        }
        let (kv, lease) = (self.kv.client.clone(), self.lease.client.clone());
        let refreshing = self.refreshing.clone();
        tokio::spawn(async move {
            // Where it fails, the next request that is refused asks again.
            let _ = tokio::join!(kv.refresh_token(), lease.refresh_token());
            refreshing.store(false, Ordering::Relaxed);
        });
    }

    /// Cuts the connection of the watches; the next one is opened through the
    /// next endpoint.
    pub fn cut_watch(&self) {
        self.watch.connector.cut();
    }

    /// Cuts the connection of the leases; the next request goes through the
    /// next endpoint.
    pub fn cut_lease(&self) {
        self.lease.connector.cut();
    }
}

impl Line {
    async fn open(
        settings: &TransportSettings,
        dialer: &Dialer,
        first: usize,
    ) -> Result<Line, EtcdError> {
        let connector = Connector::new(dialer.clone(), first);
        let channel = tonic_channel(settings, dialer, connector.clone())?;
        let client = Client::from_channel(channel, Some(options(settings))).await?;
        Ok(Line { client, connector })
    }
}

fn dialer(settings: &TransportSettings) -> Result<Dialer, EtcdError> {
    let wants_tls = settings.endpoints.iter().any(Endpoint::tls);
    let tls = settings.tls.clone().unwrap_or_default();
    let files = match wants_tls {
        true => Some(TlsFiles::open(tls.clone(), settings.on_reload.clone())?),
        false => None,
    };
    let files = files.map(Arc::new);
    if let Some(files) = &files {
        files.watch();
    }
    Ok(Dialer {
        endpoints: settings.endpoints.as_slice().into(),
        tls: files,
        shows_certificate: tls.shows_certificate(),
        dial_timeout: settings.dial_timeout,
    })
}

fn tonic_channel(
    settings: &TransportSettings,
    dialer: &Dialer,
    connector: Connector,
) -> Result<Channel, EtcdError> {
    let endpoint = tonic::transport::Endpoint::from(origin(dialer)?)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .http2_keep_alive_interval(settings.keepalive_time.max(MIN_KEEPALIVE))
        .keep_alive_timeout(settings.keepalive_timeout)
        .timeout(ANSWER_WITHIN)
        // etcd refuses tests of a connection without requests.
        .keep_alive_while_idle(false);
    Ok(Channel::Tonic(tonic::transport::Channel::new(
        connector, endpoint,
    )))
}

/// What requests name as their authority; where they go is the connector's.
fn origin(dialer: &Dialer) -> Result<Uri, EtcdError> {
    let endpoint = dialer
        .endpoints
        .first()
        .map(Endpoint::to_string)
        .unwrap_or_default();
    endpoint
        .parse()
        .map_err(|_| EtcdError::Settings(format!("endpoint `{endpoint}` is no URL")))
}

fn options(settings: &TransportSettings) -> ConnectOptions {
    // Without a leader a member answers nothing that we could use.
    let options = ConnectOptions::new().with_require_leader(true);
    match &settings.credentials {
        None => options,
        Some(Credentials { user, password }) => options
            .with_user(user, password)
            .with_auto_token_refresh(true),
    }
}

async fn first_answering(
    settings: &TransportSettings,
    dialer: &Dialer,
) -> Result<usize, EtcdError> {
    let mut failures = Vec::new();
    for (at, endpoint) in dialer.endpoints.iter().enumerate() {
        match probe(settings, dialer.only(endpoint)).await {
            Ok(()) => return Ok(at),
            Err(EtcdError::Unreachable(reason)) => failures.push(reason),
            Err(error) if error.is_retryable() => failures.push(format!("`{endpoint}`: {error}")),
            Err(fatal) => return Err(fatal),
        }
    }
    Err(EtcdError::Unreachable(failures.join("; ")))
}

/// One linearizable read through one endpoint.
async fn probe(settings: &TransportSettings, dialer: Dialer) -> Result<(), EtcdError> {
    let connector = Connector::new(dialer.clone(), 0);
    let read = async {
        let channel = tonic_channel(settings, &dialer, connector.clone())?;
        let client = Client::from_channel(channel, Some(options(settings))).await?;
        match cluster_status(&mut client.kv_client(), &settings.asks_for).await {
            // It answers; what we may not do is told by whoever wants to.
            Err(EtcdError::PermissionDenied(_)) => Ok(()),
            answer => answer.map(drop),
        }
    };
    // The dial has that long by itself, and its own words for it.
    let limit = settings.dial_timeout + settings.dial_timeout;
    let answer = match tokio::time::timeout(limit, read).await {
        Ok(answer) => answer,
        Err(_) => Err(EtcdError::Timeout(format!("no answer within {limit:?}"))),
    };
    answer.map_err(|error| explain(error, &connector, &dialer))
}

/// The transport knows better than HTTP/2 why a connection broke.
fn explain(error: EtcdError, connector: &Connector, dialer: &Dialer) -> EtcdError {
    match (connector.last_failure(), dialer.endpoints.first()) {
        (Some(reason), Some(endpoint)) if error.is_retryable() => {
            EtcdError::Unreachable(format!("`{endpoint}`: {reason}"))
        }
        (_, Some(endpoint)) => match error {
            EtcdError::NotEtcd { code, .. } => EtcdError::NotEtcd {
                at: format!(" at `{endpoint}`"),
                code,
            },
            error => error,
        },
        (_, None) => error,
    }
}

async fn cluster_status(kv: &mut KvClient, key: &[u8]) -> Result<ClusterStatus, EtcdError> {
    let options = GetOptions::new().with_limit(1).with_keys_only();
    let answer = Box::pin(kv.get(key, Some(options))).await?;
    let header = answer.header().ok_or_else(no_header)?;
    Ok(status_of(header))
}

fn status_of(header: &ResponseHeader) -> ClusterStatus {
    ClusterStatus {
        cluster_id: header.cluster_id(),
        revision: header.revision(),
    }
}

fn no_header() -> EtcdError {
    EtcdError::Other("an answer without a header".to_owned())
}
