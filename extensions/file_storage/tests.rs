//! Files that are cut, damaged, foreign, full, locked: what was stored stays, or it is said why not.

use super::store::{OpenError, Store, StoreSettings};
use super::*;
use chaperone_config::{ComponentId, Node, parse_settings};
use chaperone_pipeline::storage::{Change, Stored};
use chaperone_pipeline::{Clock, Kind, MemoryStorage};
use std::fs;
use tempfile::TempDir;

const PLAIN: StoreSettings = StoreSettings { fsync: false, compact_on_start: false, recreate: false, max_size: 0 };

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open_with(path: &Path, settings: StoreSettings) -> Result<Store, OpenError> {
    let lock = OpenOptions::new().write(true).create(true).truncate(false).open(path.with_extension("lock")).unwrap();
    Store::open(path, lock, settings)
}

fn open(path: &Path) -> Store {
    open_with(path, PLAIN).unwrap_or_else(|error| panic!("{error}"))
}

fn set(key: &str, value: &str) -> Change {
    Change::Set { key: key.into(), stored: Stored { version: 3, value: value.into() } }
}

fn texts(store: &Store, namespace: &str) -> Vec<(String, String)> {
    let list = store.list(namespace).unwrap();
    list.into_iter().map(|(key, stored)| (key, String::from_utf8(stored.value).unwrap())).collect()
}

/// Several batches, each replacing all keys: the states that a reader may find.
fn states() -> Vec<Vec<Change>> {
    vec![
        vec![set("a", "1"), set("b", "one")],
        vec![set("a", "22"), Change::Delete { key: "b".into() }, set("c", "")],
        vec![set("a", "333"), set("c", "three"), set("d", "x")],
    ]
}

#[test]
fn what_was_stored_is_there_after_the_store_was_closed() {
    let folder = folder();
    let path = folder.path().join("s");
    let store = open(&path);
    for changes in states() {
        store.batch("n", &changes).unwrap();
    }
    store.set("other", "a", Stored { version: 9, value: vec![0, 255] }).unwrap();
    store.delete("n", "d").unwrap();
    drop(store);
    let store = open(&path);
    assert_eq!(texts(&store, "n"), [("a".into(), "333".into()), ("c".into(), "three".into())]);
    assert_eq!(store.get("other", "a").unwrap(), Some(Stored { version: 9, value: vec![0, 255] }));
    assert_eq!(store.get("n", "absent").unwrap(), None);
    assert_eq!(store.get("n", "a").unwrap().map(|stored| stored.version), Some(3));
}

/// Where a record ends, and what the store holds then.
type Seen = Vec<(usize, Vec<(String, String)>)>;

/// Every state that a store goes through.
fn made(path: &Path) -> (Vec<u8>, Seen) {
    let store = open(path);
    let mut seen = vec![(0, Vec::new()), (store.length() as usize, Vec::new())];
    for changes in states() {
        store.batch("n", &changes).unwrap();
        seen.push((store.length() as usize, texts(&store, "n")));
    }
    drop(store);
    (fs::read(path).unwrap(), seen)
}

#[test]
fn a_file_cut_at_any_byte_holds_every_batch_that_was_whole_and_can_be_written_on() {
    let folder = folder();
    let path = folder.path().join("s");
    let (whole, seen) = made(&path);
    for length in 0..=whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let expected = &seen.iter().rev().find(|(end, _)| *end <= length).expect("the first ends at 0").1;
        let store = open(&path);
        assert_eq!(texts(&store, "n"), *expected, "cut at {length}");
        store.batch("n", &[set("new", "1")]).unwrap();
        drop(store);
        assert!(texts(&open(&path), "n").contains(&("new".into(), "1".into())), "cut at {length}");
    }
}

#[test]
fn a_file_damaged_at_any_byte_holds_the_batches_before_or_is_refused() {
    let folder = folder();
    let path = folder.path().join("s");
    let (whole, seen) = made(&path);
    let header = log::HEADER.len();
    for at in 0..whole.len() {
        for flip in [0x01, 0x80, 0xFF] {
            let mut damaged = whole.clone();
            damaged[at] ^= flip;
            fs::write(&path, &damaged).unwrap();
            if at < header {
                assert!(matches!(open_with(&path, PLAIN), Err(OpenError::Foreign { .. })), "damaged at {at}");
                continue;
            }
            let expected = &seen.iter().rev().find(|(end, _)| *end <= at).expect("the header is good").1;
            assert_eq!(texts(&open(&path), "n"), *expected, "damaged at {at}");
            assert_eq!(texts(&open(&path), "n"), *expected, "opened again after the end was dropped");
        }
    }
}

#[test]
fn a_record_of_another_file_does_not_count_in_this_one() {
    let folder = folder();
    let (path, other) = (folder.path().join("s"), folder.path().join("o"));
    let (whole, seen) = made(&path);
    let (_, _) = made(&other);
    // The last record of an equal file fits; moved one place further on it does not.
    let last = &whole[seen[3].0..];
    fs::write(&path, [&whole[..], last].concat()).unwrap();
    assert_eq!(texts(&open(&path), "n"), seen[4].1);
    assert_eq!(fs::metadata(&path).unwrap().len() as usize, whole.len(), "the strange record is dropped");
}

#[test]
fn a_file_that_is_not_a_store_is_refused_or_put_aside() {
    let folder = folder();
    let path = folder.path().join("s");
    fs::write(&path, "something that somebody wants to keep").unwrap();
    let error = open_with(&path, PLAIN).err().unwrap().to_string();
    assert!(error.contains("is not a store of this program") && error.contains("`recreate: true`"), "{error}");
    let store = open_with(&path, StoreSettings { recreate: true, ..PLAIN }).unwrap();
    store.batch("n", &[set("a", "1")]).unwrap();
    assert_eq!(fs::read_to_string(path.with_extension("backup")).unwrap(), "something that somebody wants to keep");
    drop(store);
    assert_eq!(texts(&open(&path), "n").len(), 1);
}

#[test]
fn a_store_that_is_written_again_and_again_stays_small() {
    let folder = folder();
    let path = folder.path().join("s");
    let store = open(&path);
    let value = "v".repeat(50_000);
    for round in 0..400 {
        store.batch("n", &[set(&format!("k{}", round % 4), &format!("{round}{value}"))]).unwrap();
    }
    // Twenty megabytes were written.
    let length = fs::metadata(&path).unwrap().len();
    assert!(length < 1_200_000, "{length}");
    assert!(
        texts(&store, "n").iter().all(|(key, text)| text.starts_with(&format!("39{}", 6 + key[1..].parse::<u32>().unwrap())))
    );
    drop(store);
    assert_eq!(texts(&open(&path), "n").len(), 4);
    assert!(!path.with_extension("compact").exists());
}

#[test]
fn what_an_interrupted_compaction_left_is_removed_and_on_start_compacts() {
    let folder = folder();
    let path = folder.path().join("s");
    let (whole, seen) = made(&path);
    fs::write(path.with_extension("compact"), &whole[..whole.len() / 2]).unwrap();
    let store = open_with(&path, StoreSettings { compact_on_start: true, ..PLAIN }).unwrap();
    assert!(!path.with_extension("compact").exists());
    assert_eq!(texts(&store, "n"), seen[4].1);
    assert!((store.length() as usize) < whole.len());
    store.batch("n", &[set("after", "1")]).unwrap();
    drop(store);
    assert_eq!(texts(&open(&path), "n").len(), seen[4].1.len() + 1);
}

#[test]
fn a_full_store_refuses_and_keeps_what_it_has() {
    let folder = folder();
    let path = folder.path().join("s");
    let store = open_with(&path, StoreSettings { max_size: 400, ..PLAIN }).unwrap();
    let value = "v".repeat(100);
    for round in 0..20 {
        store.batch("n", &[set("same", &format!("{round}{value}"))]).unwrap();
    }
    let error = store.batch("n", &[set("a", &value), set("b", &value), set("c", &value)]).unwrap_err().to_string();
    assert!(error.contains("is full: it may have 400 bytes"), "{error}");
    assert_eq!(texts(&store, "n"), [("same".into(), format!("19{value}"))]);
    drop(store);
    assert_eq!(texts(&open(&path), "n").len(), 1);
}

#[test]
fn keys_that_a_reader_would_take_for_damage_are_refused() {
    let folder = folder();
    let store = open(&folder.path().join("s"));
    let long = "k".repeat(70_000);
    assert!(store.batch("n", &[set(&long, "1")]).unwrap_err().to_string().contains("longer than"));
    assert!(texts(&store, "n").is_empty());
}

/// Writes until the disk takes no more: run by the test below in a process that may write little.
#[test]
#[ignore = "run by another test, in a process that may not write large files"]
fn writes_until_the_disk_is_full() {
    let path = PathBuf::from(std::env::var_os("CHAPERONE_TEST_STORE").expect("set by the other test"));
    let store = open(&path);
    let mut stored = 0;
    let error = loop {
        match store.batch("n", &[set(&format!("k{stored:05}"), &"v".repeat(1000))]) {
            Ok(()) => stored += 1,
            Err(error) => break error,
        }
    };
    assert!(error.to_string().contains("cannot write"), "{error}");
    assert_eq!(texts(&store, "n").len(), stored, "what was stored is still there");
    // A smaller batch may fit; one of the same size does not, and harms nothing.
    assert!(store.batch("n", &[set("again", &"v".repeat(1000))]).is_err());
    println!("stored {stored}");
}

#[cfg(unix)]
#[test]
fn a_full_disk_leaves_what_was_stored_before() {
    let folder = folder();
    let path = folder.path().join("s");
    let this = std::env::current_exe().unwrap();
    // The limit of the shell is the disk's end: a write beyond it fails half-way, as on a full disk.
    let script = r#"trap "" XFSZ; ulimit -f 64; exec "$0" --exact file_storage::tests::writes_until_the_disk_is_full --ignored --nocapture"#;
    let out =
        std::process::Command::new("sh").args(["-c", script]).arg(&this).env("CHAPERONE_TEST_STORE", &path).output().unwrap();
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success(), "{said}\n{}", String::from_utf8_lossy(&out.stderr));
    let stored: usize = said.lines().find_map(|line| line.strip_prefix("stored ")).expect("it says so").parse().unwrap();
    assert!(stored > 10, "{stored}");
    let store = open(&path);
    assert_eq!(texts(&store, "n").len(), stored);
    store.batch("n", &[set("after", "1")]).unwrap();
}

fn config(text: &str) -> Config {
    parse_settings(&Node::parse(text, "test.yaml").unwrap(), "file_storage").unwrap_or_else(|error| panic!("{error}"))
}

fn extension(text: &str, ctx: &BuildContext) -> Arc<dyn Extension> {
    FileStorage::build(config(text), ctx).unwrap()
}

fn ctx() -> BuildContext {
    BuildContext::for_tests("file_storage", Clock::manual(1))
}

fn host() -> Host {
    Host::for_tests(Clock::manual(1), Arc::new(MemoryStorage::default()))
}

fn owner(id: &str) -> Owner {
    Owner { kind: Kind::Connector, id: ComponentId::parse(id).unwrap() }
}

fn store_of(extension: &Arc<dyn Extension>, id: &str) -> Result<Arc<dyn Storage>, StartError> {
    extension.store_of(&owner(id)).expect("it stores")
}

fn whole(error: &StartError) -> String {
    let cause = error.source.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}

#[tokio::test]
async fn the_folder_is_made_only_if_asked_for_and_must_be_writable() {
    let folder = folder();
    let below = folder.path().join("a/b");
    let text = format!("directory: {}", below.display());
    let error = extension(&text, &ctx()).start(&host()).await.unwrap_err();
    let expected = format!(
        "directory must exist: stat {}: no such file or directory. \
         You can enable the create_directory option to automatically create it",
        below.display()
    );
    assert_eq!(error.to_string(), expected);
    let text = format!("{text}\ncreate_directory: true\ndirectory_permissions: '0700'");
    extension(&text, &ctx()).start(&host()).await.unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&below).unwrap().permissions().mode() & 0o777, 0o700);
    }
    assert_eq!(fs::read_dir(&below).unwrap().count(), 0, "nothing is left of the look");
    // A folder whose name is a file's cannot be made.
    fs::write(folder.path().join("file"), "").unwrap();
    let text = format!("directory: {}/file/x\ncreate_directory: true", folder.path().display());
    let error = whole(&extension(&text, &ctx()).start(&host()).await.unwrap_err());
    assert!(error.starts_with("cannot make the directory `"), "{error}");
}

#[tokio::test]
async fn components_have_stores_of_their_own_and_a_second_process_is_refused() {
    let folder = folder();
    let text = format!("directory: {}\ntimeout: 30ms", folder.path().display());
    let one = extension(&text, &ctx());
    one.start(&host()).await.unwrap();
    let alerts = store_of(&one, "alerts").unwrap();
    alerts.batch("n", &[set("a", "1")]).unwrap();
    assert_eq!(store_of(&one, "alerts/two").unwrap().get("n", "a").unwrap(), None);
    let mut files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["connector_alerts_", "connector_alerts_.lock", "connector_alerts_two", "connector_alerts_two.lock"]);
    // Another collector has another set of open stores; locks tell open files apart, whoever opened them.
    let second = extension(&text, &ctx());
    let error = store_of(&second, "alerts").err().expect("it is locked").to_string();
    assert!(error.starts_with("another process keeps its state here: `"), "{error}");
    one.stop().await;
    drop((one, alerts));
    assert_eq!(store_of(&second, "alerts").unwrap().get("n", "a").unwrap().map(|stored| stored.value), Some(b"1".to_vec()));
}

#[tokio::test]
async fn a_reload_goes_on_with_the_store_that_is_open() {
    let folder = folder();
    let (ctx, text) = (ctx(), format!("directory: {}\ntimeout: 30ms", folder.path().display()));
    let old = extension(&text, &ctx);
    let before = store_of(&old, "alerts").unwrap();
    let new = extension(&format!("{text}\nfsync: true"), &ctx);
    let after = store_of(&new, "alerts").unwrap();
    before.batch("n", &[set("a", "1")]).unwrap();
    assert!(after.get("n", "a").unwrap().is_some());
    old.stop().await;
    drop((old, before));
    after.batch("n", &[set("a", "2")]).unwrap();
}

#[test]
fn a_missing_folder_and_settings_without_effect_are_warned_of() {
    let folder = folder();
    let warnings = |text: &str| -> Vec<String> {
        let mut problems = chaperone_config::Problems::new();
        let node = Node::parse(text, "test.yaml").unwrap();
        chaperone_config::read_settings::<Config>(&node, "file_storage", &mut problems).expect("no errors");
        problems.iter().map(|problem| problem.path.clone()).collect()
    };
    let directory = format!("directory: {}", folder.path().display());
    assert!(warnings(&directory).is_empty());
    assert_eq!(warnings(&format!("{directory}/absent")), ["file_storage.directory"]);
    assert!(warnings(&format!("{directory}/absent\ncreate_directory: true")).is_empty());
    let compaction = "compaction: {on_start: true, on_rebound: true, directory: /tmp, cleanup_on_start: true}";
    let found = warnings(&format!("{directory}\n{compaction}"));
    assert_eq!(found, ["file_storage.compaction.on_rebound", "file_storage.compaction.directory"]);
}
