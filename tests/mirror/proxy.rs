//! A TCP proxy in front of one server that makes bad weather on command.
//!
//! Promises that what it delays or holds back arrives in order once the
//! weather is better, unless the connection is cut. Deliberately knows nothing
//! of what it carries.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::harness::free_port;

/// What happens to the bytes of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Path {
    /// How long each byte is under way.
    pub delay: Duration,
    /// The most bytes in a second.
    pub rate: Option<u32>,
    /// Nothing arrives; what is sent waits here.
    pub hole: bool,
}

/// Both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    /// From the client to the server.
    pub there: Path,
    /// From the server to the client.
    pub back: Path,
}

impl Weather {
    /// A round trip takes this much longer, half of it in each direction.
    pub fn slow(round_trip: Duration) -> Weather {
        let path = Path {
            delay: round_trip / 2,
            ..Path::default()
        };
        Weather {
            there: path,
            back: path,
        }
    }

    /// No more than so many bytes a second in each direction.
    pub fn narrow(rate: u32) -> Weather {
        let path = Path {
            rate: Some(rate),
            ..Path::default()
        };
        Weather {
            there: path,
            back: path,
        }
    }

    /// Connections stay, and new ones are taken, but nothing arrives.
    pub fn black_hole() -> Weather {
        Weather {
            there: HOLE,
            back: HOLE,
        }
    }

    /// Requests arrive, and their answers do not.
    pub fn no_answers() -> Weather {
        Weather {
            there: Path::default(),
            back: HOLE,
        }
    }
}

const HOLE: Path = Path {
    delay: Duration::ZERO,
    rate: None,
    hole: true,
};

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// RST: at once, and what is under way is lost.
    Reset,
    /// FIN: in good order, as if the other side had ended it.
    Finish,
}

/// A running proxy; gone when dropped.
pub struct Proxy {
    port: u16,
    weather: watch::Sender<Weather>,
    cuts: broadcast::Sender<Cut>,
    taken: Arc<AtomicUsize>,
    runtime: Option<Runtime>,
}

/// What each connection needs.
#[derive(Clone)]
struct Lane {
    weather: watch::Receiver<Weather>,
    cuts: broadcast::Sender<Cut>,
}

impl Proxy {
    /// A proxy on a free port of 127.0.0.1 that goes to `port` there.
    pub fn before(port: u16) -> Proxy {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime for the proxy");
        let (weather, _) = watch::channel(Weather::default());
        let (cuts, _) = broadcast::channel(64);
        let proxy = Proxy {
            port: free_port(),
            weather,
            cuts,
            taken: Arc::default(),
            runtime: Some(runtime),
        };
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, proxy.port));
        let listener = listener.expect("the proxy's port");
        listener.set_nonblocking(true).expect("a listener");
        let lane = Lane {
            weather: proxy.weather.subscribe(),
            cuts: proxy.cuts.clone(),
        };
        let taken = proxy.taken.clone();
        let runtime = proxy.runtime.as_ref().expect("it runs");
        runtime.spawn(listen(listener, port, lane, taken));
        proxy
    }

    /// What a client connects to.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Changes the weather of all connections, and of those to come.
    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// Ends all connections.
    pub fn cut(&self, how: Cut) {
        // Nobody listens where there is no connection.
        let _ = self.cuts.send(how);
    }

    /// How many connections it has taken so far.
    pub fn connections(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn listen(listener: std::net::TcpListener, port: u16, lane: Lane, taken: Arc<AtomicUsize>) {
    let listener = TcpListener::from_std(listener).expect("a listener");
    loop {
        if let Ok((client, _)) = listener.accept().await {
            taken.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(carry_over(client, port, lane.clone()));
        }
    }
}

/// One connection, until either side or a cut ends it.
async fn carry_over(client: TcpStream, port: u16, lane: Lane) {
    let mut cuts = lane.cuts.subscribe();
    let server = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let Ok(server) = TcpStream::connect(server).await else {
        let _ = client.set_zero_linger();
        return;
    };
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    let (mut client_reads, mut client_writes) = client.into_split();
    let (mut server_reads, mut server_writes) = server.into_split();
    let there = Pipe {
        weather: lane.weather.clone(),
        of: |weather| weather.there,
        from: &mut client_reads,
        to: &mut server_writes,
    };
    let back = Pipe {
        weather: lane.weather.clone(),
        of: |weather| weather.back,
        from: &mut server_reads,
        to: &mut client_writes,
    };
    let both = async { tokio::try_join!(there.run(), back.run()) };
    let in_order = tokio::select! {
        ended = both => ended.is_ok(),
        how = cuts.recv() => matches!(how, Ok(Cut::Finish)),
    };
    if !in_order {
        for (reads, writes) in [(client_reads, client_writes), (server_reads, server_writes)] {
            let _ = reads.as_ref().set_zero_linger();
            // Else it would say FIN before.
            writes.forget();
        }
    }
}

/// One direction of one connection.
struct Pipe<'a> {
    weather: watch::Receiver<Weather>,
    of: fn(&Weather) -> Path,
    from: &'a mut OwnedReadHalf,
    to: &'a mut OwnedWriteHalf,
}

type Chunk = (Instant, Vec<u8>);

impl Pipe<'_> {
    /// Ends in good order when the sender has ended, and with an error when
    /// the connection broke.
    async fn run(self) -> std::io::Result<()> {
        let Pipe {
            weather,
            of,
            from,
            to,
        } = self;
        // What is under way is bounded, as on a real line.
        let (chunks, arriving) = mpsc::channel(256);
        tokio::try_join!(take(from, chunks), deliver(arriving, to, weather, of)).map(drop)
    }
}

async fn take(from: &mut OwnedReadHalf, chunks: mpsc::Sender<Chunk>) -> std::io::Result<()> {
    loop {
        let mut bytes = Vec::with_capacity(16 << 10);
        if from.read_buf(&mut bytes).await? == 0
            || chunks.send((Instant::now(), bytes)).await.is_err()
        {
            return Ok(());
        }
    }
}

async fn deliver(
    mut arriving: mpsc::Receiver<Chunk>,
    to: &mut OwnedWriteHalf,
    mut weather: watch::Receiver<Weather>,
    of: fn(&Weather) -> Path,
) -> std::io::Result<()> {
    while let Some((sent, bytes)) = arriving.recv().await {
        let path = passable(&mut weather, of).await;
        sleep_until(sent + path.delay).await;
        // The weather may have changed meanwhile.
        let path = passable(&mut weather, of).await;
        to.write_all(&bytes).await?;
        if let Some(rate) = path.rate {
            sleep(Duration::from_secs_f64(
                bytes.len() as f64 / f64::from(rate),
            ))
            .await;
        }
    }
    passable(&mut weather, of).await;
    to.shutdown().await
}

/// The way as it is, once anything gets through at all.
async fn passable(weather: &mut watch::Receiver<Weather>, of: fn(&Weather) -> Path) -> Path {
    let passes = weather.wait_for(|weather| !of(weather).hole).await;
    passes.map(|weather| of(&weather)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that answers everything with itself.
    async fn echo() -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a port");
        let port = listener.local_addr().expect("a port").port();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut reads, mut writes) = client.split();
                    let _ = tokio::io::copy(&mut reads, &mut writes).await;
                });
            }
        });
        port
    }

    async fn connect(proxy: &Proxy) -> TcpStream {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, proxy.port));
        TcpStream::connect(address).await.expect("the proxy")
    }

    async fn answer(stream: &mut TcpStream, word: &[u8]) -> std::io::Result<Vec<u8>> {
        stream.write_all(word).await?;
        let mut answer = vec![0; word.len()];
        stream.read_exact(&mut answer).await?;
        Ok(answer)
    }

    #[tokio::test]
    async fn delays_holds_back_and_cuts() {
        let proxy = Proxy::before(echo().await);
        let mut stream = connect(&proxy).await;
        assert_eq!(answer(&mut stream, b"one").await.expect("echo"), b"one");
        proxy.set(Weather::slow(Duration::from_millis(60)));
        let begin = Instant::now();
        assert_eq!(answer(&mut stream, b"two").await.expect("echo"), b"two");
        assert!(begin.elapsed() >= Duration::from_millis(60));

        for hole in [Weather::black_hole(), Weather::no_answers()] {
            proxy.set(hole);
            let mut waits = std::pin::pin!(answer(&mut stream, b"three"));
            let early = tokio::time::timeout(Duration::from_millis(50), &mut waits).await;
            assert!(early.is_err(), "nothing comes through a black hole");
            proxy.set(Weather::default());
            assert_eq!(waits.await.expect("it was kept"), b"three");
        }

        proxy.cut(Cut::Reset);
        let gone = answer(&mut stream, b"four").await.expect_err("it was cut");
        assert_eq!(gone.kind(), std::io::ErrorKind::ConnectionReset);
        let mut stream = connect(&proxy).await;
        assert_eq!(answer(&mut stream, b"five").await.expect("echo"), b"five");
        proxy.cut(Cut::Finish);
        assert_eq!(stream.read(&mut [0]).await.expect("FIN"), 0);
        assert_eq!(proxy.connections(), 2);
    }

    #[tokio::test]
    async fn lets_so_much_through_and_no_more() {
        let proxy = Proxy::before(echo().await);
        let mut stream = connect(&proxy).await;
        proxy.set(Weather::narrow(1 << 20));
        let word = vec![7; 256 << 10];
        let begin = Instant::now();
        let (mut reads, mut writes) = stream.split();
        let mut back = vec![0; word.len()];
        let (sent, got) = tokio::join!(writes.write_all(&word), reads.read_exact(&mut back));
        sent.and(got.map(drop)).expect("echo");
        assert_eq!(back, word);
        // Both directions at the same time; what is on its way at the end is
        // not waited for.
        assert!(begin.elapsed() >= Duration::from_millis(200));
    }
}
