//! A destination for OTLP/HTTP that keeps what it gets and answers one status, or nothing.

use anyhow::{Context, Result};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Bodies in the order in which they came.
pub type Bodies = Arc<Mutex<Vec<Vec<u8>>>>;

/// A server in threads of its own, which end with the test.
pub struct Sink {
    pub address: String,
    bodies: Bodies,
    /// 0 never answers.
    status: Arc<AtomicU16>,
}

impl Sink {
    /// Answers with this status; `None` never answers.
    pub fn start(status: Option<u16>) -> Result<Sink> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let bodies = Bodies::default();
        let status = Arc::new(AtomicU16::new(status.unwrap_or(0)));
        let (shared, answer) = (Arc::clone(&bodies), Arc::clone(&status));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(std::io::Result::ok) {
                let (bodies, status) = (Arc::clone(&shared), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, &status, &bodies));
            }
        });
        Ok(Sink { address, bodies, status })
    }

    /// Answers with another status from now on.
    pub fn answer(&self, status: u16) {
        self.status.store(status, Ordering::Release);
    }

    pub fn bodies(&self) -> Vec<Vec<u8>> {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn serve(stream: TcpStream, status: &AtomicU16, bodies: &Bodies) -> Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            anyhow::ensure!(reader.read_line(&mut line)? > 0, "the client has gone");
            let Some((name, value)) = line.trim_end().split_once(':') else {
                if line.trim_end().is_empty() {
                    break;
                } else {
                    continue;
                };
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().context("a length")?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        bodies.lock().unwrap_or_else(PoisonError::into_inner).push(body);
        let status = status.load(Ordering::Acquire);
        if status > 0 {
            let head = format!("HTTP/1.1 {status} x\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n");
            reader.get_mut().write_all(head.as_bytes())?;
        }
    }
}
