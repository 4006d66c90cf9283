//! The byte stream under one HTTP/2 connection.
//!
//! Promises that the connection can be cut from outside, and that the reason
//! for which it broke is kept: HTTP/2 forgets it, and a server that refuses
//! our certificate says so only after the handshake.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::tls;

/// Why the last connection of a channel broke, in words.
#[derive(Clone, Debug, Default)]
pub(super) struct LastFailure(Arc<Mutex<Option<String>>>);

impl LastFailure {
    pub(super) fn set(&self, text: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }

    pub(super) fn get(&self) -> Option<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

pub(super) struct Transport {
    stream: Stream,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    failure: LastFailure,
    shows_certificate: bool,
    /// Whether the server has said anything yet.
    answered: bool,
}

impl Transport {
    pub(super) fn new(
        stream: Stream,
        cut: CancellationToken,
        failure: LastFailure,
        shows_certificate: bool,
    ) -> Transport {
        let cut = Box::pin(cut.cancelled_owned());
        Transport {
            stream,
            cut,
            failure,
            shows_certificate,
            answered: false,
        }
    }

    fn is_cut(&mut self, cx: &mut Context<'_>) -> bool {
        self.cut.as_mut().poll(cx).is_ready()
    }

    fn stream(&mut self) -> Pin<&mut dyn Duplex> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream),
            Stream::Tls(stream) => Pin::new(stream.as_mut()),
        }
    }

    fn note_read(&mut self, result: &io::Result<()>, new: &[u8]) {
        match (result, new.first()) {
            (Err(error), _) => self.note_error(error),
            (Ok(()), _) if self.answered => {}
            (Ok(()), None) => self.failure.set(Some(self.closed_at_once())),
            (Ok(()), Some(first)) => self.note_first(*first),
        }
    }

    /// HTTP/2 begins with a frame's length, whose first byte is 0; an alert of
    /// TLS or a line of HTTP/1 does not.
    fn note_first(&mut self, first: u8) {
        self.answered = true;
        let wrong = matches!(self.stream, Stream::Plain(_)) && first != 0;
        if !wrong {
            self.failure.set(None);
        } else {
            let text =
                "what answers does not speak plain HTTP/2: if it wants TLS, write `https://`";
            self.failure.set(Some(text.to_owned()));
        }
    }

    fn note_error(&self, error: &io::Error) {
        let tls = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match tls {
            Some(tls) => self
                .failure
                .set(Some(tls::describe(tls, self.shows_certificate))),
            None if !self.answered && self.failure.get().is_none() => {
                self.failure
                    .set(Some(format!("{} ({error})", self.closed_at_once())));
            }
            None => {}
        }
    }

    /// What writing came to, its error noted.
    fn noted<T>(&self, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if let Poll::Ready(Err(error)) = &polled {
            self.note_error(error);
        }
        polled
    }

    fn closed_at_once(&self) -> String {
        let may = match &self.stream {
            Stream::Plain(_) => "if it wants TLS, write `https://`",
            Stream::Tls(_) if self.shows_certificate => "it may not accept our client certificate",
            Stream::Tls(_) => tls::MAY_DEMAND_CERTIFICATE,
        };
        format!("the server closed the connection without a word: {may}")
    }
}

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

fn cut() -> io::Error {
    io::Error::new(
        io::ErrorKind::ConnectionAborted,
        "given up to try another endpoint",
    )
}

impl AsyncRead for Transport {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_cut(cx) {
            return Poll::Ready(Err(cut()));
        }
        let before = buf.filled().len();
        let polled = self.stream().poll_read(cx, buf);
        if let Poll::Ready(result) = &polled {
            self.note_read(result, buf.filled().get(before..).unwrap_or_default());
        }
        polled
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = self.stream().poll_write(cx, buf);
        self.noted(polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = self.stream().poll_flush(cx);
        self.noted(polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = self.stream().poll_write_vectored(cx, bufs);
        self.noted(polled)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
        }
    }
}
