//! Who may be connected to the admin port, and for how long.
//!
//! Promises that connections never take the file descriptors that the mirror
//! needs: so many at a time, and none that is answered nothing for long.
//! Deliberately lets others wait rather than refuse them: a probe that comes
//! late is better than one that fails.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

/// So many at a time: 32 pages, and whatever scrapes and probes.
const MOST: usize = 256;

/// Who is answered nothing for so long is sent away. Longer than most scrape:
/// they keep their connections.
const IDLE: Duration = Duration::from_secs(90);

/// The same once half of the places are taken. Longer than any answer takes.
const CROWDED: Duration = Duration::from_secs(15);

/// How often it is said that there is no place.
const SAY_EVERY: Duration = Duration::from_secs(600);

/// Lets so many in.
pub(super) struct Door {
    listener: TcpListener,
    places: Places,
    said: Option<Instant>,
}

#[derive(Clone)]
struct Places {
    free: Arc<Semaphore>,
    all: usize,
}

impl Places {
    fn crowded(&self) -> bool {
        self.free.available_permits() < self.all / 2
    }
}

impl Door {
    pub fn new(listener: TcpListener) -> Door {
        Door::with_places(listener, MOST)
    }

    fn with_places(listener: TcpListener, all: usize) -> Door {
        let free = Arc::new(Semaphore::new(all));
        Door {
            listener,
            places: Places { free, all },
            said: None,
        }
    }

    async fn place(&mut self) -> OwnedSemaphorePermit {
        let free = self.places.free.clone();
        if let Ok(place) = free.clone().try_acquire_owned() {
            return place;
        }
        if self.said.is_none_or(|said| said.elapsed() >= SAY_EVERY) {
            self.said = Some(Instant::now());
            let all = self.places.all;
            tracing::warn!(
                "{all} connections to the admin port are open: others wait until one of them ends"
            );
        }
        match free.acquire_owned().await {
            Ok(place) => place,
            // Nobody closes it.
            Err(_) => std::future::pending().await,
        }
    }
}

impl Listener for Door {
    type Io = Guest;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Guest, SocketAddr) {
        let place = self.place().await;
        let (stream, address) = Listener::accept(&mut self.listener).await;
        let guest = Guest {
            stream,
            places: self.places.clone(),
            _place: place,
            answered: Instant::now(),
            look: Box::pin(sleep(CROWDED)),
        };
        (guest, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection, and its place.
pub(super) struct Guest {
    stream: TcpStream,
    places: Places,
    _place: OwnedSemaphorePermit,
    /// Only what is sent counts: who asks a byte at a time is not waited for.
    answered: Instant,
    /// When it is looked at next whether it may stay.
    look: Pin<Box<Sleep>>,
}

impl Guest {
    /// Ready once it may stay no longer.
    fn poll_sent_away(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        loop {
            ready!(self.look.as_mut().poll(context));
            if self.places.crowded() || self.answered.elapsed() >= IDLE {
                return Poll::Ready(io::ErrorKind::TimedOut.into());
            }
            self.look.as_mut().reset(Instant::now() + CROWDED);
        }
    }

    fn sent(
        &mut self,
        context: &mut Context<'_>,
        sent: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match &sent {
            Poll::Pending => return self.poll_sent_away(context).map(Err),
            Poll::Ready(Ok(bytes)) if *bytes > 0 => {
                self.answered = Instant::now();
                let next = self.answered + CROWDED;
                self.look.as_mut().reset(next);
            }
            Poll::Ready(_) => {}
        }
        sent
    }
}

impl AsyncRead for Guest {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_read(context, into) {
            Poll::Pending => self.poll_sent_away(context).map(Err),
            read => read,
        }
    }
}

impl AsyncWrite for Guest {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.sent(context, sent)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.sent(context, sent)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn served(places: usize) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new().route("/", get(|| async { "ok" }));
        let door = Door::with_places(listener, places);
        tokio::spawn(async { axum::serve(door, router).await });
        address
    }

    async fn connected(address: SocketAddr) -> TcpStream {
        TcpStream::connect(address).await.expect("connected")
    }

    /// Seconds until the other side has closed it, and what it has said.
    async fn until_closed(stream: &mut TcpStream, begin: Instant) -> (u64, String) {
        let mut said = Vec::new();
        // One that is reset has ended as well.
        let _ = stream.read_to_end(&mut said).await;
        let said = String::from_utf8_lossy(&said).into_owned();
        (begin.elapsed().as_secs(), said)
    }

    const ASK: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

    #[tokio::test(start_paused = true)]
    async fn who_is_answered_nothing_for_long_is_sent_away() {
        let address = served(MOST).await;
        // One says nothing, one never ends its question, one was answered.
        let begin = Instant::now();
        let mut silent = connected(address).await;
        let (took, _) = until_closed(&mut silent, begin).await;
        assert!((90..=105).contains(&took), "{took}");

        let begin = Instant::now();
        let (mut reading, mut asking) = connected(address).await.into_split();
        let drip = tokio::spawn(async move {
            for byte in ASK.iter().cycle().take_while(|byte| **byte != b'\r') {
                let _ = asking.write_all(&[*byte]).await;
                tokio::time::sleep(Duration::from_secs(10)).await;
            }
        });
        let _ = reading.read_to_end(&mut Vec::new()).await;
        let took = begin.elapsed().as_secs();
        drip.abort();
        assert!((90..=105).contains(&took), "{took}");

        let mut answered = connected(address).await;
        tokio::time::sleep(Duration::from_secs(80)).await;
        answered.write_all(ASK).await.expect("asked");
        let begin = Instant::now();
        let (took, said) = until_closed(&mut answered, begin).await;
        assert!(said.ends_with("ok"), "{said}");
        assert!((90..=105).contains(&took), "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn where_all_places_are_taken_others_come_soon() {
        let address = served(8).await;
        let begin = Instant::now();
        let mut idle = Vec::new();
        for _ in 0..20 {
            idle.push(connected(address).await);
        }
        let mut probe = connected(address).await;
        probe.write_all(ASK).await.expect("asked");
        let mut answer = [0; 12];
        probe.read_exact(&mut answer).await.expect("an answer");
        assert_eq!(&answer, b"HTTP/1.1 200");
        let took = begin.elapsed().as_secs();
        assert!((15..60).contains(&took), "{took}");
    }
}
