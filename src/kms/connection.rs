//! One connection to a unix socket, and unary gRPC calls over it from code
//! that cannot wait asynchronously.
//!
//! Promises an answer or an error within the timeout. Calls run on a thread of
//! the connection's own, so that a caller on a worker of another runtime blocks
//! at most itself. Deliberately does not retry: a later call connects anew.

use std::error::Error as _;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::uri::PathAndQuery;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::runtime::{Builder, Handle, Runtime, RuntimeFlavor};
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

use crate::k8s::crypto::kms::{PluginError, Socket};

/// For a thread that is late to notice that the time is up.
const GRACE: Duration = Duration::from_secs(1);

/// What a plugin says may be long.
const MAX_SHOWN: usize = 200;

/// A lazy connection.
pub(super) struct Connection {
    socket: Socket,
    timeout: Duration,
    worker: Mutex<Option<Worker>>,
}

struct Worker {
    /// Taken out only to be shut down.
    runtime: Option<Runtime>,
    client: Client,
}

/// Makes calls; cheap to clone.
#[derive(Clone)]
pub(super) struct Client(Channel);

impl Connection {
    pub fn new(socket: Socket, timeout: Duration) -> Connection {
        Connection {
            socket,
            timeout,
            worker: Mutex::new(None),
        }
    }

    /// Runs `calls` to their end, for at most the timeout.
    pub fn run<T, F>(&self, calls: impl FnOnce(Client) -> F) -> Result<T, PluginError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Status>> + Send + 'static,
    {
        let (client, on) = self.worker()?;
        let (sender, receiver) = sync_channel(1);
        let (calls, timeout) = (calls(client), self.timeout);
        on.spawn(async move {
            let outcome = tokio::time::timeout(timeout, calls).await;
            // Nobody listens any more where the grace was over before.
            let _ = sender.send(outcome);
        });
        match blocking(|| receiver.recv_timeout(self.timeout + GRACE)) {
            Ok(Ok(outcome)) => outcome.map_err(|status| plugin_error(&status)),
            Ok(Err(_)) | Err(_) => Err(PluginError::Unreachable(format!(
                "no answer within {:?}",
                self.timeout
            ))),
        }
    }

    /// The client and the thread that it lives on, started when first needed.
    fn worker(&self) -> Result<(Client, Handle), PluginError> {
        let mut worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
        let worker = match &mut *worker {
            Some(worker) => worker,
            none => none.insert(Worker::start(&self.socket, self.timeout)?),
        };
        let handle = worker.runtime.as_ref().map(Runtime::handle).cloned();
        let stopped = || PluginError::Unreachable("the connection is closed".to_owned());
        Ok((worker.client.clone(), handle.ok_or_else(stopped)?))
    }
}

impl Worker {
    fn start(socket: &Socket, timeout: Duration) -> Result<Worker, PluginError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("kms-plugin")
            .enable_all()
            .build()
            .map_err(|error| PluginError::Unreachable(format!("no thread for it: {error}")))?;
        let within = runtime.enter();
        let address = address(socket);
        let connect = tower::service_fn(move |_: Uri| {
            let address = address.clone();
            async move {
                UnixStream::connect(Path::new(&address))
                    .await
                    .map(TokioIo::new)
            }
        });
        // The name is what kube-apiserver calls plugins.
        let endpoint = Endpoint::from_static("http://localhost").connect_timeout(timeout);
        let client = Client(endpoint.connect_with_connector_lazy(connect));
        drop(within);
        Ok(Worker {
            runtime: Some(runtime),
            client,
        })
    }
}

/// May be dropped inside another runtime, where waiting is forbidden.
impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Client {
    /// One call of `/<package>.KeyManagementService/<method>`.
    pub async fn call<Q, R>(&self, path: &'static str, request: Q) -> Result<R, Status>
    where
        Q: prost::Message + Send + Sync + 'static,
        R: prost::Message + Default + Send + Sync + 'static,
    {
        let mut grpc = Grpc::new(self.0.clone());
        grpc.ready()
            .await
            .map_err(|error| Status::from_error(Box::new(error)))?;
        let path = PathAndQuery::from_static(path);
        let codec: ProstCodec<Q, R> = ProstCodec::default();
        let answer = grpc.unary(Request::new(request), path, codec).await?;
        Ok(answer.into_inner())
    }
}

/// The socket's address as the operating system takes it: names of the abstract
/// namespace begin with a zero byte.
fn address(socket: &Socket) -> String {
    match socket {
        Socket::Path(path) => path.clone(),
        Socket::Abstract(name) => format!("\0{name}"),
    }
}

/// Waits where waiting is allowed: a worker of a runtime hands its other tasks
/// over first. On a runtime of one thread that cannot be done, and all wait.
fn blocking<T>(wait: impl FnOnce() -> T) -> T {
    let flavor = Handle::try_current().map(|handle| handle.runtime_flavor());
    match flavor {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(wait),
        _ => wait(),
    }
}

fn plugin_error(status: &Status) -> PluginError {
    let mut text = format!("{}: {}", status.code().description(), status.message());
    let mut source = status.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    let shown = text.chars().take(MAX_SHOWN).flat_map(char::escape_debug);
    match status.code() {
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => {
            PluginError::Unreachable(shown.collect())
        }
        _ => PluginError::Refused(shown.collect()),
    }
}
