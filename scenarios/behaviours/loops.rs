//! `loop`: an agent looks for an order that does not exist, twelve times in the same way, before it gives up.

use super::agent::Recorder;
use super::normal::orders;
use serde_json::json;

/// How often the agent asks the same.
pub const REPEATS: usize = 12;

/// Tells the story.
pub fn tell(recorder: &mut Recorder) {
    let mut run = recorder.run("support_agent", "Find the latest order of customer C-1042 and tell me its state.");
    for _ in 0..REPEATS {
        run.use_tools(&[orders("C-1042", json!([]))]);
    }
    run.answer("I could not find any order of customer C-1042.");
}
