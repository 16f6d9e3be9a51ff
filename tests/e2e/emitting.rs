//! `docs/emitting.md`: its programs run against the binary, and what they say arrives as the page tells.

use crate::sdk_languages::{GO, JAVA, Language, NODE, PYTHON, run};
use crate::sdk_sent::Arrived;
use crate::{finish, sdk_sent};
use anyhow::{Context, Result, ensure};
use chaperone_genai::{event_names, keys};
use chaperone_testkit::collector::until;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const PAGE: &str = "docs/emitting.md";

/// Language of the page's code, program, and what makes the program runnable in a folder.
type Made = fn(&Path, &Path, &Path) -> Result<Command>;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(root().join(path)).with_context(|| format!("cannot read `{path}`"))
}

/// Events and attributes, what was added to them left out: ids, digests.
fn told(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &AnyValue| match &value.value {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::BoolValue(yes)) => yes.to_string(),
        Some(Value::DoubleValue(number)) => number.to_string(),
        Some(Value::ArrayValue(array)) => format!("{:?}", array.values.len()),
        other => format!("{other:?}"),
    };
    attributes.iter().map(|pair| (pair.key.clone(), pair.value.as_ref().map(text).unwrap_or_default())).collect()
}

fn says(language: &Language, program: &str, made: Made) -> Result<()> {
    let Some(home) = language.home()? else { return Ok(()) };
    let folder = tempfile::tempdir()?;
    let mut command = made(&home, folder.path(), &root().join(program))?;
    let processors = "service.pipelines.traces.processors=[gen_ai_normalizer, gen_ai_steps]";
    let of_logs = "service.pipelines.logs.processors=[gen_ai_normalizer, gen_ai_steps]";
    let sets = [processors, of_logs, "processors.gen_ai_normalizer={}", "processors.gen_ai_steps={}"];
    let mut collector = sdk_sent::keeping_with(&sets)?;
    let endpoint = format!("http://{}", collector.otlp_http()?);
    run(command.env("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint))?;
    let arrived = until(|| {
        let arrived = Arrived::read(&collector)?;
        ensure!((arrived.spans.len(), arrived.logs.len()) == (2, 1), "not everything arrived");
        Ok(arrived)
    })?;
    let events = |name: &str| {
        let events = arrived.spans.iter().flat_map(|span| &span.events);
        events.filter(|event| event.name == name).map(|event| told(&event.attributes)).collect::<Vec<_>>()
    };
    keys::install();
    let text = chaperone_proto::keys::name;
    let decision = events(event_names::DECISION).into_iter().next().context("no decision")?;
    assert_eq!(decision[text(keys::CHAPERONE_DECISION_OUTCOME)], "refund");
    assert_eq!(decision[text(keys::CHAPERONE_DECISION_CANDIDATES)], "2");
    assert_eq!(decision[text(keys::CHAPERONE_DECISION_CONFIDENCE)], "0.92");
    assert_eq!(decision[text(keys::CHAPERONE_DECISION_DERIVATION)], "reported");
    assert_eq!(decision[text(keys::CHAPERONE_DECISION_ID)].len(), 32);
    let approval = events(event_names::APPROVAL).into_iter().next().context("no approval")?;
    assert_eq!(approval[text(keys::CHAPERONE_APPROVAL_OUTCOME)], "approved");
    assert_eq!(approval[text(keys::CHAPERONE_DECISION_TYPE)], "approval");
    assert_eq!(approval[text(keys::CHAPERONE_DECISION_SUBJECT_ID)], "call_1");
    assert_eq!(approval[text(keys::CHAPERONE_APPROVAL_WAIT_DURATION)], "3.5");
    let failure = events(event_names::FAILURE).into_iter().next().context("no failure")?;
    assert_eq!(failure[text(keys::CHAPERONE_FAILURE_CODE)], "timeout");
    assert_eq!(failure[text(keys::CHAPERONE_FAILURE_RETRYABLE)], "true");
    // Others are worked out from the tool that failed.
    let reported = |signal: &BTreeMap<String, String>| {
        signal.get(text(keys::CHAPERONE_QUALITY_SIGNAL_CODE)).is_some_and(|code| code == "amount_missing")
    };
    let signal = events(event_names::QUALITY_SIGNAL).into_iter().find(reported).context("no quality signal")?;
    assert_eq!(signal[text(keys::CHAPERONE_QUALITY_SIGNAL_VALUE)], "false");

    // The log record joins the run of its trace.
    let log = arrived.logs.first().context("no log record")?;
    assert_eq!(log.event_name, event_names::EVENT);
    let run_of = |attributes: &[KeyValue]| told(attributes).get(text(keys::CHAPERONE_RUN_ID)).cloned();
    let runs: BTreeSet<Option<String>> =
        arrived.spans.iter().map(|span| run_of(&span.attributes)).chain([run_of(&log.attributes)]).collect();
    assert_eq!(runs.len(), 1, "{runs:?}");
    assert!(!runs.contains(&None), "everything belongs to a run");
    finish(collector)
}

#[test]
fn an_agent_in_python_says_what_it_decides() -> Result<()> {
    says(&PYTHON, "examples/emit-decisions-python/agent.py", |home, _, program| {
        let mut python = Command::new(home.join("bin/python"));
        python.arg(program);
        Ok(python)
    })
}

/// The program uses no types, so that it is JavaScript too; packages are looked for beside it.
#[cfg(unix)]
#[test]
fn an_agent_in_typescript_says_what_it_decides() -> Result<()> {
    says(&NODE, "examples/emit-decisions-typescript/agent.ts", |home, folder, program| {
        std::os::unix::fs::symlink(home.join("node_modules"), folder.join("node_modules"))?;
        let copy = folder.join("agent.mjs");
        fs::copy(program, &copy)?;
        let mut node = Command::new("node");
        node.arg(copy);
        Ok(node)
    })
}

#[test]
fn an_agent_in_go_says_what_it_decides() -> Result<()> {
    says(&GO, "examples/emit-decisions-go/main.go", |_, folder, program| {
        for file in ["go.mod", "go.sum"] {
            fs::copy(root().join("tests/e2e/clients/go").join(file), folder.join(file))?;
        }
        fs::copy(program, folder.join("main.go"))?;
        // Modules were fetched when the client was made.
        run(Command::new("go")
            .args(["build", "-o", "agent", "."])
            .current_dir(folder)
            .env("GOPROXY", "off")
            .env("GOFLAGS", "-mod=mod"))?;
        Ok(Command::new(folder.join("agent")))
    })
}

#[test]
fn an_agent_in_java_says_what_it_decides() -> Result<()> {
    says(&JAVA, "examples/emit-decisions-java/Agent.java", |home, folder, program| {
        let jars = format!("{}/jars/*", home.display());
        run(Command::new("javac").args(["-cp", &jars, "-d"]).arg(folder).arg(program))?;
        let mut java = Command::new("java");
        java.arg("-cp").arg(format!("{jars}:{}", folder.display())).arg("Agent");
        Ok(java)
    })
}

/// The page's code by language, with the program it links to above.
fn pieces(page: &str) -> Vec<(String, PathBuf)> {
    let mut pieces = Vec::new();
    let mut program = PathBuf::new();
    let mut code: Option<String> = None;
    for line in page.lines() {
        match &mut code {
            Some(text) if line == "```" => pieces.push((std::mem::take(text), program.clone())),
            Some(text) => {
                *text += line;
                text.push('\n');
            }
            None => {}
        }
        if let Some((_, rest)) = line.split_once("](../examples/") {
            program = Path::new("examples").join(rest.trim_end_matches("):"));
        }
        code = match line {
            "```" => None,
            fence if fence.starts_with("```") => Some(String::new()),
            _ => code,
        };
    }
    pieces
}

#[test]
fn the_code_of_the_page_is_that_of_the_programs() -> Result<()> {
    let page = read(PAGE)?;
    let pieces = pieces(&page);
    assert_eq!(pieces.len(), 4, "one a language");
    for (code, program) in pieces {
        let whole = read(&program.to_string_lossy())?;
        let lines: Vec<&str> = whole.lines().map(str::trim_start).collect();
        let wanted: Vec<&str> = code.lines().map(str::trim_start).collect();
        assert!(!wanted.is_empty() && lines.windows(wanted.len()).any(|part| part == wanted), "{}", program.display());
    }
    Ok(())
}

#[test]
fn the_page_names_only_keys_and_events_that_exist() -> Result<()> {
    let known: BTreeSet<&str> = keys::ALL.iter().copied().collect();
    let events = [
        event_names::DECISION,
        event_names::APPROVAL,
        event_names::FAILURE,
        event_names::QUALITY_SIGNAL,
        event_names::EVENT,
        event_names::EVALUATION_RESULT,
    ];
    let page = read(PAGE)?;
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_');
    let words = page.split(|c: char| !is_part(c)).map(|word| word.trim_end_matches('.'));
    let named: BTreeSet<&str> = words.filter(|word| word.starts_with("chaperone.") || word.starts_with("gen_ai.")).collect();
    assert!(named.len() > 20, "{named:?}");
    for name in named {
        assert!(known.contains(name) || events.contains(&name), "`{name}` is no key and no event");
    }
    Ok(())
}

/// What the example installs is what the quick start installs, which is what the tests ran with.
#[test]
fn the_example_installs_the_versions_that_are_tested() -> Result<()> {
    assert_eq!(read("examples/emit-decisions-python/requirements.txt")?, read("examples/quickstart-python/requirements.txt")?);
    Ok(())
}
