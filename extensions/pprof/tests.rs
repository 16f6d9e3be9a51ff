//! A profile of this test, what is refused, and what is not there.

use super::encode::Profile;
use super::*;
use chaperone_config::{Node, Problems, read_settings};
use chaperone_pipeline::MemoryStorage;
use flate2::read::GzDecoder;
use http_body_util::BodyExt;
use prost::Message;
use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};

fn host() -> Host {
    Host::for_tests(Clock::system(), Arc::new(MemoryStorage::default()))
}

fn answers() -> Arc<Answers> {
    Arc::new(Answers { clock: Clock::system(), host: OnceLock::from(host()) })
}

async fn ask(answers: &Arc<Answers>, path: &str) -> (u16, Vec<u8>) {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let answer = Arc::clone(answers).answer(Ask::new(Method::GET, path, query)).await;
    (answer.status().as_u16(), answer.into_body().collect().await.unwrap().to_bytes().to_vec())
}

/// Burns CPU time under a name that a profile must show.
#[inline(never)]
fn work_that_a_profile_shows(until: &AtomicBool) -> u64 {
    let mut sum = 0u64;
    while !until.load(Ordering::Relaxed) {
        for number in 0..10_000u64 {
            sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(number));
        }
    }
    sum
}

fn read(zipped: &[u8]) -> Profile {
    let mut bytes = Vec::new();
    GzDecoder::new(zipped).read_to_end(&mut bytes).unwrap();
    Profile::decode(bytes.as_slice()).unwrap()
}

fn names(profile: &Profile) -> Vec<String> {
    profile.function.iter().map(|function| profile.string_table[function.name as usize].clone()).collect()
}

/// All that needs the one place, in one test: tests run side by side.
#[tokio::test]
async fn a_profile_names_what_the_process_did_and_no_other_is_taken_meanwhile() {
    let done = Arc::new(AtomicBool::new(false));
    let working = std::thread::spawn({
        let done = Arc::clone(&done);
        move || work_that_a_profile_shows(&done)
    });
    let answers = answers();
    let first = ask(&answers, "/debug/pprof/profile?seconds=1");
    let second = async {
        // The first has begun when this is asked: both run on one thread, in turn.
        tokio::task::yield_now().await;
        ask(&answers, "/debug/pprof/profile?seconds=1").await
    };
    let ((status, bytes), refused) = tokio::join!(first, second);
    assert_eq!(refused, (409, b"another CPU profile is being taken\n".to_vec()));
    assert_eq!(status, 200);
    let profile = read(&bytes);
    assert!(names(&profile).iter().any(|name| name.contains("work_that_a_profile_shows")), "{:?}", names(&profile));
    let of_sample = |sample: &super::encode::Sample| -> Vec<String> {
        let place = &profile.location[sample.location_id[0] as usize - 1];
        place.line.iter().map(|line| names(&profile)[line.function_id as usize - 1].clone()).collect()
    };
    let samples = profile.sample.iter().filter(|sample| !sample.location_id.is_empty());
    let innermost: Vec<String> = samples.flat_map(of_sample).collect();
    assert!(innermost.iter().any(|name| name.contains("work_that_a_profile_shows")), "{innermost:?}");
    assert!(!names(&profile).iter().any(|name| name.contains("perf_signal_handler")), "the sampler shows itself");
    assert!(profile.duration_nanos >= 1_000_000_000 && profile.time_nanos > 0);

    // From the start to the end, into a file.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cpu.pprof");
    let config = Config {
        endpoint: chaperone_config::Endpoint::new("127.0.0.1:0"),
        save_to_file: file.display().to_string(),
        ..Config::default()
    };
    let extension = Pprof::build(config, &BuildContext::for_tests("pprof", Clock::system())).unwrap();
    extension.start(&host()).await.unwrap();
    assert_eq!(ask(&answers, "/debug/pprof/profile?seconds=1").await.0, 409);
    extension.stop().await;
    assert!(read(&std::fs::read(&file).unwrap()).sample_type.len() == 2);
    done.store(true, Ordering::Relaxed);
    working.join().unwrap();
}

#[tokio::test]
async fn lengths_without_sense_and_other_profiles_are_refused() {
    let answers = answers();
    for seconds in ["0", "301", "-1", "1.5", "x"] {
        let (status, text) = ask(&answers, &format!("/debug/pprof/profile?seconds={seconds}")).await;
        assert_eq!((status, text), (400, b"`seconds` must be a whole number from 1 to 300\n".to_vec()), "{seconds}");
    }
    for path in ["/", "/debug/pprof/heap", "/debug/pprof/cmdline", "/debug/pprof/goroutine"] {
        assert_eq!(ask(&answers, path).await.0, 404, "{path}");
    }
    assert_eq!(ask(&answers, "/debug/pprof/").await.0, 200);
}

#[test]
fn settings_without_effect_are_warned_of() {
    let warned = |text: &str| -> Vec<String> {
        let mut problems = Problems::new();
        read_settings::<Config>(&Node::parse(text, "t.yaml").unwrap(), "p", &mut problems).expect("no errors");
        problems.iter().map(|problem| problem.path.clone()).collect()
    };
    assert_eq!(warned("mutex_profile_fraction: 5"), ["p.mutex_profile_fraction"]);
    assert_eq!(warned("endpoint: ''"), ["p.endpoint"]);
    assert!(warned("{endpoint: '', save_to_file: cpu.pprof}").is_empty());
}
