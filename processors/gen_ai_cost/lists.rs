//! Price lists of the user: read at the start, and again when a file has changed.
//!
//! A changed file that cannot be read leaves the list that was read before in force, and is told once.

use super::config::PriceList;
use super::names::Book;
use chaperone_genai::prices::{PriceBook, PriceTable, read_price_file};
use chaperone_pipeline::{Host, StartError};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

/// The lists in force.
#[derive(Default)]
pub(super) struct Lists {
    // Shared with the batches that are being priced.
    book: RwLock<Arc<Book>>,
    files: Mutex<Vec<File>>,
    reading: AtomicBool,
}

struct File {
    list: PriceList,
    seen: Stamp,
    table: PriceTable,
}

/// What a file is known by: reading it again is worth while when one of them differs.
type Stamp = (Option<SystemTime>, u64);

impl Lists {
    /// The lists in force now.
    pub(super) fn book(&self) -> Arc<Book> {
        Arc::clone(&self.book.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads all files.
    pub(super) fn read(&self, lists: &[PriceList]) -> Result<(), StartError> {
        let files = lists.iter().map(|list| {
            let (table, seen) = read(list).map_err(|why| StartError::new(format!("price list `{}`: {why}", list.path)))?;
            Ok(File { list: list.clone(), seen, table })
        });
        *self.files() = files.collect::<Result<_, StartError>>()?;
        self.publish();
        Ok(())
    }

    /// Looks for changed files on a thread that may wait, unless it is being done already.
    pub(super) fn look_again(self: &Arc<Self>, host: &Host) {
        if self.reading.swap(true, Ordering::AcqRel) {
            return;
        }
        let (lists, on) = (Arc::clone(self), host.clone());
        host.spawn(async move {
            let looking = Arc::clone(&lists);
            on.blocking(move || looking.take_changes()).await;
            lists.reading.store(false, Ordering::Release);
        });
    }

    fn take_changes(&self) {
        let mut changed = false;
        for file in self.files().iter_mut() {
            let Ok(now) = stamp(&file.list.path) else { continue };
            if now == file.seen {
                continue;
            }
            file.seen = now;
            match read(&file.list) {
                Ok((table, seen)) => {
                    tracing::info!(path = %file.list.path, models = table.models(), "read a changed price list");
                    (file.table, file.seen, changed) = (table, seen, true);
                }
                Err(error) => {
                    tracing::warn!(path = %file.list.path, %error, "a changed price list cannot be used, the old one stays")
                }
            }
        }
        if changed {
            self.publish();
        }
    }

    fn publish(&self) {
        let tables = self.files().iter().map(|file| file.table.clone()).collect();
        *self.book.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Book::new(PriceBook::new(tables)));
    }

    fn files(&self) -> std::sync::MutexGuard<'_, Vec<File>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stamp(path: &str) -> std::io::Result<Stamp> {
    let metadata = std::fs::metadata(path)?;
    Ok((metadata.modified().ok(), metadata.len()))
}

fn read(list: &PriceList) -> Result<(PriceTable, Stamp), String> {
    // Before the text, so that a change in between is seen next time.
    let seen = stamp(&list.path).map_err(|error| error.to_string())?;
    let text = std::fs::read_to_string(&list.path).map_err(|error| error.to_string())?;
    let file = read_price_file(&text, list.name()).map_err(|error| error.to_string())?;
    if !file.skipped.is_empty() {
        let shown = file.skipped.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
        tracing::warn!(path = %list.path, left_out = file.skipped.len(), "models were not understood: {shown}");
    }
    Ok((file.table, seen))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaperone_genai::prices::Found;

    fn list(path: &std::path::Path) -> PriceList {
        PriceList { path: path.display().to_string(), name: String::new() }
    }

    fn file(price: &str) -> String {
        format!(r#"{{"m": {{"litellm_provider": "openai", "input_cost_per_token": {price}}}}}"#)
    }

    /// What a million tokens cost now, and by which entry.
    fn asked(lists: &Lists) -> (f64, String) {
        let book = lists.book();
        let Found::Listed(prices) = book.lists().find("openai", "m") else { panic!("not listed") };
        let tokens = chaperone_genai::prices::Tokens { input: 1_000_000, ..Default::default() };
        let cost = prices.cost(&tokens, &Default::default()).expect("a price of tokens");
        (cost.total.usd(), cost.price_id)
    }

    #[test]
    fn a_changed_file_holds_and_a_spoilt_one_leaves_the_old_prices() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own.json");
        std::fs::write(&path, file("1e-06")).unwrap();
        let lists = Lists::default();
        lists.read(&[list(&path)]).unwrap();
        assert_eq!(asked(&lists), (1.0, "own/openai/m".to_owned()));

        std::fs::write(&path, file("12.5e-06")).unwrap();
        assert_eq!(asked(&lists).0, 1.0, "not before it is looked at");
        lists.take_changes();
        assert_eq!(asked(&lists).0, 12.5);

        std::fs::write(&path, "{").unwrap();
        lists.take_changes();
        assert_eq!(asked(&lists).0, 12.5);
        std::fs::remove_file(&path).unwrap();
        lists.take_changes();
        assert_eq!(asked(&lists).0, 12.5);

        std::fs::write(&path, file("2.25e-06")).unwrap();
        lists.take_changes();
        assert_eq!(asked(&lists).0, 2.25, "mended");
    }

    #[test]
    fn a_list_that_cannot_be_read_at_the_start_says_which_and_why() {
        let folder = tempfile::tempdir().unwrap();
        let check = |name: &str, wanted: &str| {
            let error = Lists::default().read(&[list(&folder.path().join(name))]).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains(wanted), "{error}");
        };
        check("absent.json", "No such file");
        std::fs::write(folder.path().join("other.json"), "{}").unwrap();
        check("other.json", "neither a list of LiteLLM");
    }
}
