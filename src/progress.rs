//! A line on a terminal that tells how far a command is; nothing where nobody looks.
//!
//! Drawn again only when the figure in it changes, so that it costs nothing.

use std::io::{self, IsTerminal, Write};

/// Of steps known beforehand.
pub(crate) struct Progress<W: Write> {
    /// `None` where there is no terminal.
    out: Option<W>,
    total: usize,
    done: usize,
    drawn: Option<usize>,
}

const WIDTH: usize = 30;

impl Progress<io::Stderr> {
    /// On standard error, if that is a terminal which standard output does not share.
    pub fn on_terminal(total: usize, quiet_output: bool) -> Self {
        let alone = quiet_output || !io::stdout().is_terminal();
        Progress::new((io::stderr().is_terminal() && alone).then(io::stderr), total)
    }
}

impl<W: Write> Progress<W> {
    fn new(out: Option<W>, total: usize) -> Self {
        Progress { out, total, done: 0, drawn: None }
    }
    /// One step more.
    pub fn step(&mut self) {
        self.done += 1;
        let percent = self.done * 100 / self.total.max(1);
        if self.drawn != Some(percent) {
            self.drawn = Some(percent);
            let full = WIDTH * percent.min(100) / 100;
            let (done, total) = (self.done, self.total);
            self.draw(&format!("\r[{}{}] {done} of {total}", "=".repeat(full), " ".repeat(WIDTH - full)));
        }
    }
    /// Takes the line away, so that something else can be said.
    pub fn clear(&mut self) {
        if self.drawn.take().is_some() {
            self.draw("\r\x1b[K");
        }
    }
    fn draw(&mut self, text: &str) {
        // A terminal that went away is no reason to stop.
        if let Some(out) = &mut self.out {
            let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fills_and_goes_away() {
        let mut out = Vec::new();
        let mut progress = Progress::new(Some(&mut out), 2);
        progress.step();
        progress.step();
        progress.clear();
        progress.clear();
        let text = String::from_utf8(out).unwrap();
        let expected =
            ["", &format!("[{}{}] 1 of 2", "=".repeat(15), " ".repeat(15)), &format!("[{}] 2 of 2", "=".repeat(30)), "\x1b[K"];
        assert_eq!(text.split('\r').collect::<Vec<_>>(), expected);
    }

    #[test]
    fn it_is_drawn_again_only_when_its_figure_changes() {
        let mut out = Vec::new();
        let mut progress = Progress::new(Some(&mut out), 100_000);
        (0..100_000).for_each(|_| progress.step());
        assert_eq!(String::from_utf8(out).unwrap().matches('\r').count(), 101);
    }

    #[test]
    fn nothing_is_said_where_there_is_no_terminal() {
        let mut progress = Progress::<Vec<u8>>::new(None, 1);
        progress.step();
        progress.clear();
        assert!(progress.out.is_none());
    }
}
