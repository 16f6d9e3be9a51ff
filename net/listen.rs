//! Opens the sockets that servers accept from: TCP of both families or one, and Unix sockets.
//!
//! A Unix socket whose owner died leaves its file behind: it is replaced, but only after nobody answered there.
//! The file is open to the owner and its group, since the processes of one pod share a group more often than a user.

use crate::accepted_unix::AcceptedUnix;
use crate::stream::Socket;
use chaperone_config::{Endpoint, Transport};
use std::fmt;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::{TcpListener, TcpSocket, UnixListener};

/// Connections that wait to be accepted. When a thousand agents start at once, a shorter queue has the system refuse some.
const BACKLOG: u32 = 4096;
/// Owner and group may connect.
const SOCKET_MODE: u32 = 0o660;

/// A socket could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The endpoint is not `host:port`.
    #[error("`{endpoint}` is not an address to listen on, expected `host:port`")]
    Endpoint { endpoint: String },
    /// The endpoint of a Unix socket is its path.
    #[error("`{endpoint}` is not a path for a Unix socket")]
    Path { endpoint: String },
    /// The name has no address.
    #[error("cannot resolve `{endpoint}`")]
    Resolve {
        endpoint: String,
        #[source]
        source: std::io::Error,
    },
    /// The name has addresses, but none of the family that was asked for.
    #[error("`{endpoint}` has no address of the family `{transport}` asks for")]
    Family { endpoint: String, transport: &'static str },
    /// There is something at the path that is not a socket, and it is not ours to remove.
    #[error("cannot listen on `{endpoint}`: there is a file which is no socket")]
    Occupied { endpoint: String },
    /// Mostly: the port is taken.
    #[error("cannot listen on `{endpoint}`")]
    Bind {
        endpoint: String,
        #[source]
        source: std::io::Error,
    },
}

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    /// Address and port, as the system chose them.
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl ListenAddress {
    /// Address and port; `None` of a Unix socket.
    pub fn tcp(&self) -> Option<SocketAddr> {
        if let ListenAddress::Tcp(address) = self { Some(*address) } else { None }
    }
    /// The port; `None` of a Unix socket.
    pub fn port(&self) -> Option<u16> {
        self.tcp().map(|address| address.port())
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListenAddress::Tcp(address) => address.fmt(f),
            ListenAddress::Unix(path) => write!(f, "unix://{}", path.display()),
        }
    }
}

/// Who sent a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Peer {
    /// Absent over a Unix socket.
    pub address: Option<SocketAddr>,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(address) => address.fmt(f),
            None => f.write_str("a Unix socket"),
        }
    }
}

/// An open socket that does not accept yet.
#[derive(Debug)]
pub struct Listener {
    door: Door,
    address: ListenAddress,
    /// What a successor may take over, as long as this is open.
    pub(crate) left: Option<Arc<Bound>>,
}

#[derive(Debug)]
enum Door {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A bound socket, for whoever listens on it next.
#[derive(Debug)]
pub(crate) enum Bound {
    Tcp(std::net::TcpListener),
    Unix(std::os::unix::net::UnixListener, #[expect(dead_code, reason = "removes the file when it is dropped")] SocketFile),
}

impl Bound {
    /// Another handle of the same socket: connections that wait to be accepted are everybody's.
    pub(crate) fn listener(self: &Arc<Self>, address: ListenAddress) -> std::io::Result<Listener> {
        let door = match &**self {
            Bound::Tcp(socket) => Door::Tcp(TcpListener::from_std(socket.try_clone()?)?),
            Bound::Unix(socket, _) => Door::Unix(UnixListener::from_std(socket.try_clone()?)?),
        };
        Ok(Listener { door, address, left: Some(Arc::clone(self)) })
    }
}

/// Listens on the first address that is free.
fn listen_on_first(addresses: &[SocketAddr]) -> std::io::Result<TcpListener> {
    let mut failed = std::io::Error::from(std::io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match listen_on(*address) {
            Ok(listener) => return Ok(listener),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn listen_on(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // As everybody does: connections of a process that ended must not keep the next one from its port.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

impl Listener {
    /// Opens a TCP socket. Port 0 lets the system choose; `address` tells.
    pub async fn bind(endpoint: &Endpoint) -> Result<Listener, BindError> {
        Listener::bind_on(Transport::Tcp, endpoint).await
    }

    /// Opens a socket of any kind.
    pub async fn bind_on(transport: Transport, endpoint: &Endpoint) -> Result<Listener, BindError> {
        if transport == Transport::Unix {
            return bind_unix(endpoint.as_str());
        }
        let addresses = resolve(transport, endpoint).await?;
        let bind = |source| BindError::Bind { endpoint: endpoint.as_str().to_owned(), source };
        let listener = listen_on_first(&addresses).map_err(bind)?;
        let address = ListenAddress::Tcp(listener.local_addr().map_err(bind)?);
        let bound = listener.into_std().map(Bound::Tcp).map_err(bind)?;
        Arc::new(bound).listener(address).map_err(bind)
    }

    /// Where it listens.
    pub fn address(&self) -> &ListenAddress {
        &self.address
    }

    pub(crate) async fn accept(&self) -> std::io::Result<(Socket, Peer)> {
        match &self.door {
            Door::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // Answers are small: waiting to fill a packet only delays them.
                let _ = stream.set_nodelay(true);
                Ok((Socket::Tcp(stream), Peer { address: Some(address) }))
            }
            Door::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                Ok((Socket::AcceptedUnix(AcceptedUnix::new(stream)), Peer::default()))
            }
        }
    }
}

type IsOfFamily = fn(&SocketAddr) -> bool;

/// The addresses of a TCP endpoint, the older family first.
pub(crate) async fn resolve(transport: Transport, endpoint: &Endpoint) -> Result<Vec<SocketAddr>, BindError> {
    let text = endpoint.as_str();
    let family: Option<(&'static str, IsOfFamily)> = match transport {
        Transport::Tcp | Transport::Unix => None,
        Transport::Tcp4 => Some(("tcp4", SocketAddr::is_ipv4)),
        Transport::Tcp6 => Some(("tcp6", SocketAddr::is_ipv6)),
    };
    let shaped = text.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    if !shaped || text.contains('/') {
        return Err(BindError::Endpoint { endpoint: text.to_owned() });
    }
    // An empty host means all interfaces, as in Go.
    let all = if transport == Transport::Tcp6 { "[::]" } else { "0.0.0.0" };
    let resolvable = if text.starts_with(':') { format!("{all}{text}") } else { text.to_owned() };
    let resolve = |source| BindError::Resolve { endpoint: text.to_owned(), source };
    let mut addresses: Vec<SocketAddr> = tokio::net::lookup_host(&resolvable).await.map_err(resolve)?.collect();
    if let Some((transport, is_wanted)) = family {
        addresses.retain(is_wanted);
        if addresses.is_empty() {
            return Err(BindError::Family { endpoint: text.to_owned(), transport });
        }
    }
    // `localhost` is both families; clients that know only one know the older.
    addresses.sort_by_key(SocketAddr::is_ipv6);
    Ok(addresses)
}

/// The path that an endpoint of a Unix socket names.
pub(crate) fn unix_path(endpoint: &str) -> &Path {
    Path::new(endpoint.strip_prefix("unix://").unwrap_or(endpoint))
}

fn bind_unix(endpoint: &str) -> Result<Listener, BindError> {
    let path = unix_path(endpoint);
    if path.as_os_str().is_empty() || path.file_name().is_none() {
        return Err(BindError::Path { endpoint: endpoint.to_owned() });
    }
    let bind = |source| BindError::Bind { endpoint: endpoint.to_owned(), source };
    if let Ok(found) = std::fs::symlink_metadata(path) {
        if !found.file_type().is_socket() {
            return Err(BindError::Occupied { endpoint: endpoint.to_owned() });
        }
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(bind(std::io::ErrorKind::AddrInUse.into()));
        }
        std::fs::remove_file(path).map_err(bind)?;
    }
    let listener = UnixListener::bind(path).and_then(UnixListener::into_std).map_err(bind)?;
    let file = SocketFile::of(path).map_err(bind)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(SOCKET_MODE)).map_err(bind)?;
    Arc::new(Bound::Unix(listener, file)).listener(ListenAddress::Unix(path.to_owned())).map_err(bind)
}

/// The file of a Unix socket, removed in the end if it is still the one that was made.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl SocketFile {
    fn of(path: &Path) -> std::io::Result<SocketFile> {
        let made = std::fs::symlink_metadata(path)?;
        Ok(SocketFile { path: path.to_owned(), device: made.dev(), inode: made.ino() })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours =
            |found: &std::fs::Metadata| found.file_type().is_socket() && (found.dev(), found.ino()) == (self.device, self.inode);
        if std::fs::symlink_metadata(&self.path).is_ok_and(|found| is_ours(&found)) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_cannot_be_listened_on_says_why() {
        for bad in ["", "localhost", "localhost:http", "unix:/tmp/x", "http://localhost:1"] {
            let error = Listener::bind(&Endpoint::new(bad)).await.unwrap_err();
            assert!(matches!(error, BindError::Endpoint { .. }), "{bad}: {error}");
        }
        let taken = Listener::bind(&Endpoint::new("localhost:0")).await.unwrap();
        let again = Endpoint::new(format!("127.0.0.1:{}", taken.address().port().unwrap()));
        let error = Listener::bind(&again).await.unwrap_err();
        assert!(matches!(error, BindError::Bind { .. }), "{error}");
    }

    #[tokio::test]
    async fn a_family_is_obeyed() {
        let four = Listener::bind_on(Transport::Tcp4, &Endpoint::new("localhost:0")).await.unwrap();
        assert!(four.address().tcp().unwrap().is_ipv4());
        let error = Listener::bind_on(Transport::Tcp6, &Endpoint::new("127.0.0.1:0")).await.unwrap_err();
        assert!(matches!(error, BindError::Family { transport: "tcp6", .. }), "{error}");
    }

    async fn on(path: &Path) -> Result<Listener, BindError> {
        Listener::bind_on(Transport::Unix, &Endpoint::new(path.to_str().unwrap())).await
    }

    #[tokio::test]
    async fn a_socket_left_behind_is_replaced_but_one_in_use_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("otlp.sock");
        // The standard library leaves the file behind, as a process that was killed does.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let listener = on(&path).await.unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, SOCKET_MODE);
        let error = on(&path).await.unwrap_err();
        assert!(matches!(error, BindError::Bind { .. }), "{error}");
        drop(listener);
        assert!(!path.exists(), "the file outlived its listener");
    }

    #[tokio::test]
    async fn other_files_are_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("precious");
        std::fs::write(&path, "text").unwrap();
        let error = on(&path).await.unwrap_err();
        assert!(matches!(error, BindError::Occupied { .. }), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), b"text");
        for bad in ["", "/", "unix://"] {
            let error = on(Path::new(bad)).await.unwrap_err();
            assert!(matches!(error, BindError::Path { .. }), "{bad}: {error}");
        }
    }

    #[tokio::test]
    async fn a_file_that_somebody_else_made_meanwhile_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("otlp.sock");
        let listener = on(&path).await.unwrap();
        std::fs::remove_file(&path).unwrap();
        let other = std::os::unix::net::UnixListener::bind(&path).unwrap();
        drop(listener);
        assert!(path.exists());
        drop(other);
    }
}
