//! A TCP proxy that delays what passes through it, as distance does, without
//! limiting bandwidth: what is sent together arrives together, later.
//!
//! Setting up a connection is not delayed. Lives as long as the process.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Starts a proxy to `port` of 127.0.0.1 that delays each direction by
/// `one_way`; returns its port.
pub fn start(port: u16, one_way: Duration) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port for the proxy");
    let own = listener.local_addr().expect("the proxy's port").port();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            if let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
                join(client, server, one_way);
            }
        }
    });
    own
}

fn join(client: TcpStream, server: TcpStream, one_way: Duration) {
    for stream in [&client, &server] {
        stream.set_nodelay(true).expect("nodelay");
    }
    let clone = |stream: &TcpStream| stream.try_clone().expect("a second handle");
    pass(clone(&client), clone(&server), one_way);
    pass(server, client, one_way);
}

/// One direction: a reader that notes when each piece is due, and a writer
/// that waits for it.
fn pass(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let (pieces, due) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut buffer = vec![0; 256 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let piece = (Instant::now() + delay, buffer[..count].to_vec());
            if pieces.send(piece).is_err() {
                break;
            }
        }
    });
    thread::spawn(move || {
        for (at, bytes) in due {
            thread::sleep(at.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}
