//! A collector under test as a child process: in a folder of its own, on free ports, killed when dropped.

use crate::clock;
use crate::process::Watch;
use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A collector that listens.
pub struct Running {
    child: Child,
    folder: TempDir,
    pub watch: Watch,
}

impl Running {
    /// Starts a command in `folder` and waits until all `ports` are open.
    pub fn start(mut command: Command, folder: TempDir, ports: &[SocketAddr]) -> Result<Running> {
        let said = File::create(folder.path().join("output.txt"))?;
        let program = command.get_program().to_string_lossy().into_owned();
        command.current_dir(folder.path()).env_remove("RUST_LOG").stdin(Stdio::null());
        let child =
            command.stdout(said.try_clone()?).stderr(said).spawn().with_context(|| format!("cannot start `{program}`"))?;
        let watch = Watch::start(child.id());
        let mut running = Running { child, folder, watch };
        for port in ports {
            let open = clock::wait_for(PATIENCE, || match running.child.try_wait() {
                Ok(None) => TcpStream::connect(port).ok().map(|_| true),
                _ended => Some(false),
            });
            if open != Some(true) {
                bail!("`{program}` does not listen on {port}; it said:\n{}", running.output());
            }
        }
        Ok(running)
    }

    /// Everything it said.
    pub fn output(&self) -> String {
        fs::read_to_string(self.folder.path().join("output.txt")).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; either way nothing is left of it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Ports that nobody listens on, each another one: all are held until all are chosen.
pub fn free_ports<const N: usize>() -> Result<[SocketAddr; N]> {
    let mut held = Vec::with_capacity(N);
    for _ in 0..N {
        held.push(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?);
    }
    let addresses = held.iter().map(TcpListener::local_addr).collect::<std::io::Result<Vec<_>>>()?;
    Ok(addresses.try_into().expect("invariant: one address a listener"))
}
