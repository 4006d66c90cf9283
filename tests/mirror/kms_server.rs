//! The toy KMS plugin behind a real unix socket: gRPC packages `v2` and
//! `v1beta1`, in a process' own thread. Its messages are written down here
//! again, so that a wrong number in carry's does not go unnoticed.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use carry::k8s::crypto::kms::{KmsPlugin as _, PluginError, Wrapped};
use futures::future::BoxFuture;
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::Runtime;
use tonic::body::Body;
use tonic::server::Grpc;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use crate::toy_kms::ToyKms;

/// A running server; stops when dropped.
pub struct KmsServer {
    /// What it answers with.
    pub toy: ToyKms,
    /// While set, calls are taken and never answered.
    pub stuck: Arc<AtomicBool>,
    /// The gRPC methods that were called.
    pub called: Arc<Mutex<Vec<String>>>,
    runtime: Option<Runtime>,
}

impl KmsServer {
    /// Listens on a path, which must not exist.
    pub fn start(path: &Path) -> KmsServer {
        KmsServer::listen(path, ToyKms::default())
    }

    /// Listens; the same toy may have been behind another server.
    pub fn listen(path: &Path, toy: ToyKms) -> KmsServer {
        let runtime = Runtime::new().expect("a runtime");
        let service = Service {
            toy: toy.clone(),
            stuck: Arc::default(),
            called: Arc::default(),
        };
        let (stuck, called) = (Arc::clone(&service.stuck), Arc::clone(&service.called));
        let listener = {
            let _within = runtime.enter();
            UnixListener::bind(path).expect("a free path")
        };
        let incoming = futures::stream::unfold(listener, |listener| async {
            let accepted: std::io::Result<UnixStream> =
                listener.accept().await.map(|(stream, _)| stream);
            Some((accepted, listener))
        });
        runtime.spawn(async move {
            let server = tonic::transport::Server::builder();
            server.serve_with_incoming(service, incoming).await
        });
        KmsServer {
            toy,
            stuck,
            called,
            runtime: Some(runtime),
        }
    }

    /// How often a method was called.
    pub fn count(&self, method: &str) -> usize {
        let called = self.called.lock().expect("called");
        called.iter().filter(|path| path.ends_with(method)).count()
    }
}

impl Drop for KmsServer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[derive(Clone)]
struct Service {
    toy: ToyKms,
    stuck: Arc<AtomicBool>,
    called: Arc<Mutex<Vec<String>>>,
}

impl tower::Service<http::Request<Body>> for Service {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { Ok(service.answer(request).await) })
    }
}

impl Service {
    async fn answer(self, request: http::Request<Body>) -> http::Response<Body> {
        let path = request.uri().path().to_owned();
        self.called.lock().expect("called").push(path.clone());
        if self.stuck.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        let toy = self.toy;
        match path.as_str() {
            "/v2.KeyManagementService/Status" => {
                unary(request, move |_: Nothing| {
                    let status = toy.status().map_err(refusal)?;
                    Ok(StatusResponse {
                        version: status.version,
                        healthz: status.healthz,
                        key_id: status.key_id,
                    })
                })
                .await
            }
            "/v2.KeyManagementService/Encrypt" => {
                unary(request, move |asked: EncryptRequest| {
                    check_uid(&asked.uid)?;
                    let wrapped = toy.encrypt(&asked.plaintext).map_err(refusal)?;
                    Ok(EncryptResponse {
                        ciphertext: wrapped.ciphertext,
                        key_id: wrapped.key_id,
                        annotations: wrapped.annotations,
                    })
                })
                .await
            }
            "/v2.KeyManagementService/Decrypt" => {
                unary(request, move |asked: DecryptRequest| {
                    check_uid(&asked.uid)?;
                    let wrapped = Wrapped {
                        ciphertext: asked.ciphertext,
                        key_id: asked.key_id,
                        annotations: asked.annotations,
                    };
                    let plain = toy.decrypt(&wrapped).map_err(refusal)?;
                    Ok(First {
                        bytes: plain.to_vec(),
                    })
                })
                .await
            }
            "/v1beta1.KeyManagementService/Version" => {
                unary(request, move |asked: Version| {
                    check_version(&asked.version)?;
                    let version = match toy.toy().status.version.as_str() {
                        "v2" => "v1beta1".to_owned(),
                        other => other.to_owned(),
                    };
                    Ok(Version { version })
                })
                .await
            }
            "/v1beta1.KeyManagementService/Decrypt" => {
                unary(request, move |asked: DecryptV1| {
                    check_version(&asked.version)?;
                    let plain = toy.decrypt_v1(&asked.cipher).map_err(refusal)?;
                    Ok(First {
                        bytes: plain.to_vec(),
                    })
                })
                .await
            }
            other => Status::unimplemented(other).into_http(),
        }
    }
}

/// Answers one call.
async fn unary<Q, R>(
    request: http::Request<Body>,
    answer: impl FnOnce(Q) -> Result<R, Status> + Clone + Send + 'static,
) -> http::Response<Body>
where
    Q: prost::Message + Default + Send + 'static,
    R: prost::Message + Send + 'static,
{
    let method = tower::service_fn(move |request: Request<Q>| {
        let answered = answer.clone()(request.into_inner()).map(Response::new);
        std::future::ready(answered)
    });
    let codec: ProstCodec<R, Q> = ProstCodec::default();
    Grpc::new(codec).unary(method, request).await
}

fn refusal(error: PluginError) -> Status {
    match error {
        PluginError::Unreachable(why) => Status::unavailable(why),
        PluginError::Refused(why) => Status::invalid_argument(why),
    }
}

/// A UUID of version 4.
fn check_uid(uid: &str) -> Result<(), Status> {
    let lengths: Vec<_> = uid.split('-').map(str::len).collect();
    let right = lengths == [8, 4, 4, 4, 12]
        && uid.as_bytes().get(14) == Some(&b'4')
        && uid
            .as_bytes()
            .get(19)
            .is_some_and(|byte| b"89ab".contains(byte));
    match right {
        true => Ok(()),
        false => Err(Status::invalid_argument(format!("uid {uid}"))),
    }
}

fn check_version(version: &str) -> Result<(), Status> {
    match version {
        "v1beta1" => Ok(()),
        other => Err(Status::invalid_argument(format!("version {other}"))),
    }
}

#[derive(Clone, PartialEq, prost::Message)]
struct Nothing {}

#[derive(Clone, PartialEq, prost::Message)]
struct StatusResponse {
    #[prost(string, tag = "1")]
    version: String,
    #[prost(string, tag = "2")]
    healthz: String,
    #[prost(string, tag = "3")]
    key_id: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct EncryptRequest {
    #[prost(bytes = "vec", tag = "1")]
    plaintext: Vec<u8>,
    #[prost(string, tag = "2")]
    uid: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct EncryptResponse {
    #[prost(bytes = "vec", tag = "1")]
    ciphertext: Vec<u8>,
    #[prost(string, tag = "2")]
    key_id: String,
    #[prost(btree_map = "string, bytes", tag = "3")]
    annotations: BTreeMap<String, Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct DecryptRequest {
    #[prost(bytes = "vec", tag = "1")]
    ciphertext: Vec<u8>,
    #[prost(string, tag = "2")]
    uid: String,
    #[prost(string, tag = "3")]
    key_id: String,
    #[prost(btree_map = "string, bytes", tag = "4")]
    annotations: BTreeMap<String, Vec<u8>>,
}

/// Both packages' DecryptResponse.
#[derive(Clone, PartialEq, prost::Message)]
struct First {
    #[prost(bytes = "vec", tag = "1")]
    bytes: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Version {
    #[prost(string, tag = "1")]
    version: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct DecryptV1 {
    #[prost(string, tag = "1")]
    version: String,
    #[prost(bytes = "vec", tag = "2")]
    cipher: Vec<u8>,
}
