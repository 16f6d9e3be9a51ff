//! One type for every kind of connection, so that the protocols are compiled once: TCP or Unix, in clear text or in TLS.
//!
//! Vectored writes go through to the socket; TLS packs them into its own records.

use crate::accepted_unix::AcceptedUnix;
use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsStream;

/// A socket.
#[derive(Debug)]
pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
    AcceptedUnix(AcceptedUnix),
}

/// A socket, or TLS over it.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(Socket),
    // Its buffers are a kilobyte of fields.
    Tls(Box<TlsStream<Socket>>),
}

impl Stream {
    /// Whether both sides agreed on HTTP/2 while they shook hands.
    pub(crate) fn negotiated_h2(&self) -> bool {
        match self {
            Stream::Plain(_) => false,
            Stream::Tls(stream) => stream.get_ref().1.alpn_protocol() == Some(b"h2"),
        }
    }
}

macro_rules! each {
    ($self:ident, $stream:ident => $call:expr) => {
        match $self.get_mut() {
            Self::Plain($stream) => $call,
            Self::Tls($stream) => $call,
        }
    };
}

macro_rules! each_socket {
    ($self:ident, $stream:ident => $call:expr) => {
        match $self.get_mut() {
            Self::Tcp($stream) => $call,
            Self::Unix($stream) => $call,
            Self::AcceptedUnix($stream) => $call,
        }
    };
}

macro_rules! forward {
    ($type:ty, $each:ident, $vectored:expr) => {
        impl AsyncRead for $type {
            fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
                $each!(self, stream => Pin::new(stream).poll_read(cx, buf))
            }
        }

        impl AsyncWrite for $type {
            fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
                $each!(self, stream => Pin::new(stream).poll_write(cx, buf))
            }
            fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<Result<usize>> {
                $each!(self, stream => Pin::new(stream).poll_write_vectored(cx, bufs))
            }
            fn is_write_vectored(&self) -> bool {
                $vectored(self)
            }
            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
                $each!(self, stream => Pin::new(stream).poll_flush(cx))
            }
            fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
                $each!(self, stream => Pin::new(stream).poll_shutdown(cx))
            }
        }
    };
}

forward!(Socket, each_socket, |_: &Socket| true);
forward!(Stream, each, |stream: &Stream| match stream {
    Stream::Plain(_) => true,
    Stream::Tls(stream) => stream.is_write_vectored(),
});
