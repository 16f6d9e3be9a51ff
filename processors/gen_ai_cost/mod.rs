//! The `gen_ai_cost` processor: makes token counts canonical, counts each call once, and says what it cost.
//!
//! What it knows is in `genai::usage` and `genai::prices`. Here are the window's shards and the order of the work: ids are claimed
//! among the records of a trace, calls are decided sender by sender, then records are written. No two locks are held at a time.

mod config;
mod counters;
mod lists;
mod memory;
#[cfg(test)]
mod mistakes_tests;
mod names;
mod pricing;
#[cfg(test)]
mod tests;
mod window;

pub use config::Config;
pub use pricing::{Entry, Pricing};

use chaperone_genai::dialects::{Settings, SettingsMemo};
use chaperone_genai::keys;
use chaperone_genai::prices::{Rates, embedded};
use chaperone_genai::record::{is_gen_ai, model};
use chaperone_genai::usage::{self, CostSource, Reported, Role, Senders, Usage, Verdict};
use chaperone_pipeline::{
    Batch, BuildContext, ConfigError, Host, Meta, Next, Now, Outbox, ProcessError, Processor, ProcessorFactory, Signals,
    Stability, StartError,
};
use chaperone_proto::{Data, RecordRef, Signal};
use config::EstimateTokens;
use counters::Counters;
use lists::Lists;
use memory::Memory;
use names::{Asked, Book, Known};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use window::SharedWindow;

/// How often decisions are stored, where there is a store.
const CHECKPOINT: Duration = Duration::from_secs(1);

/// Records for which room is made at once.
const AT_ONCE: usize = 512;

/// Factory of the processor.
pub struct GenAiCost;

impl ProcessorFactory for GenAiCost {
    type Config = Config;
    const META: Meta = Meta::processor(
        "gen_ai_cost",
        "Makes token counts canonical, counts each model call once, and says what it cost.",
        Signals::RECORDS,
    )
    .stability(Stability::Alpha)
    .readme(include_str!("README.md"));

    fn build(config: Config, ctx: &BuildContext) -> Result<Arc<dyn Processor>, ConfigError> {
        let own = config.prices.iter().map(|price| (price.clone(), price.rates())).collect();
        ctx.check_storage(config.storage.as_deref())?;
        // Shared by the instances of this id in all pipelines and signals: spans and logs tell of the same calls.
        let (window, memory) = (ctx.shared(SharedWindow::default), ctx.shared(Memory::default));
        let (lists, host) = (Arc::default(), OnceLock::new());
        Ok(Arc::new(Processing {
            own,
            lists,
            host,
            window,
            memory,
            looked: AtomicU64::new(0),
            counters: Counters::new(ctx),
            config,
        }))
    }
}

struct Processing {
    own: Vec<(config::OwnPrice, (Rates, String))>,
    // Shared with the thread that reads changed files.
    lists: Arc<Lists>,
    host: OnceLock<Host>,
    window: Arc<SharedWindow>,
    // Shared by the same instances.
    memory: Arc<Memory>,
    /// When the files of price lists were last looked at, in nanoseconds of the engine's clock.
    looked: AtomicU64,
    counters: Counters,
    config: Config,
}

/// A GenAI record of the batch, read and decided.
struct Item {
    at: usize,
    role: Role,
    reported: Reported,
    usage: Option<Usage>,
    /// The usage is a guess from its messages.
    is_estimate: bool,
    verdict: Verdict,
    settings: &'static Settings,
    /// What its provider and model mean; where it stands for a call or has usage.
    known: Option<Known>,
}

impl Processor for Processing {
    fn start(&self, host: &Host) -> Result<(), StartError> {
        // The list is read when first asked for: not by the first request.
        // Before the line of the log, which evaluates nothing where nobody reads it.
        let models = embedded().models();
        tracing::debug!(models, "read the embedded price list");
        self.host.get_or_init(|| host.clone());
        if let Some(storage) = self.config.storage.as_deref() {
            let failures = self.counters.store_failures.clone();
            self.memory.start(Some(storage), host, &self.window, self.config.max_records, failures)?;
        }
        self.lists.read(&self.config.price_lists)
    }

    fn tick(&self, now: Now, _out: &mut Outbox) -> Next {
        // Woken by the next batch: when nothing was decided, nothing is to be stored.
        self.memory.checkpoint(&self.window, self.config.max_records);
        let every = self.config.reload_interval.get();
        let Some(host) = self.host.get().filter(|_| !every.is_zero() && !self.config.price_lists.is_empty()) else {
            return if self.config.storage.is_some() { Next::After(CHECKPOINT) } else { Next::Done };
        };
        let since = now.mono.saturating_sub(Duration::from_nanos(self.looked.load(Ordering::Relaxed)));
        if since >= every {
            self.looked.store(now.mono.as_nanos() as u64, Ordering::Relaxed);
            self.lists.look_again(host);
        }
        Next::After(if self.config.storage.is_some() { every.min(CHECKPOINT) } else { every })
    }

    fn drain(&self, _now: Now, _out: &mut Outbox) -> Next {
        self.memory.checkpoint(&self.window, self.config.max_records);
        self.memory.flush();
        Next::Done
    }

    fn process(&self, mut batch: Batch, out: &mut Outbox) -> Result<(), ProcessError> {
        if batch.signal() != Signal::Metrics {
            // One book a batch, whatever happens to the files meanwhile.
            let book = self.lists.book();
            for item in &self.decide(&batch.data, &book) {
                self.write(&mut batch.data, item, &book);
            }
        }
        out.pass(batch);
        Ok(())
    }
}

impl Processing {
    fn decide(&self, data: &Data, book: &Book) -> Vec<Item> {
        let (mut senders, mut settings) = (Senders::default(), SettingsMemo::default());
        let mut names = book.ask(&self.own, &self.config.model_aliases);
        let (mut asked, mut items) = (Vec::new(), Vec::new());
        for at in 0..data.records() {
            let record = data.record(at);
            if !is_gen_ai(record) {
                continue;
            }
            let Some(mut item) = read(at, record, settings.of(record), &mut names) else { continue };
            if items.is_empty() {
                // Where one is, most are; what is known of a record is large, and moving it costs more than room for a few in vain.
                let most = (data.records() - at).min(AT_ONCE);
                items.reserve(most);
                asked.reserve(most);
            }
            let sender = (senders.of(record), senders.scope_of(record));
            let model = item.known.as_ref().and_then(|known| known.model);
            asked.push(window::Question::of(record, sender, model, item.role, item.usage.as_ref()));
            // Guessed numbers match nothing: who reports usage of this call owns it.
            if item.usage.is_none() && self.config.estimate_tokens == EstimateTokens::On {
                item.usage = self.estimate(record, item.role);
                item.is_estimate = item.usage.is_some();
            }
            items.push(item);
        }
        let evicted = self.window.decide(asked, self.config.max_records, |at, verdict| items[at].verdict = verdict);
        self.counters.evicted.add(evicted);
        items
    }

    fn estimate(&self, record: RecordRef<'_>, role: Role) -> Option<Usage> {
        let is_own_call = matches!(role, Role::Call { may_own: true }) && !record.attrs().has(keys::ERROR_TYPE);
        usage::estimate(record).filter(|_| is_own_call)
    }

    fn write(&self, data: &mut Data, item: &Item, book: &Book) {
        let Item { role, reported, usage, verdict, settings, known, .. } = item;
        let record = data.record(item.at);
        let priced = usage.as_ref().zip(known.as_ref()).filter(|_| !is_priced(record)).map(|(usage, known)| {
            let (mut costed, listed) = pricing::costed(record, usage, settings, (&self.own, book, known), &mut |_| {});
            if item.is_estimate && costed.source == CostSource::Computed {
                costed.source = CostSource::Estimated;
            }
            (costed, usage::context_ratio(usage, listed), &*known.price_id)
        });
        self.counters.count(verdict, *role, priced.as_ref().map(|(costed, ..)| costed));
        let mut record = data.edit(item.at);
        if let Some(usage) = usage.as_ref().filter(|_| item.is_estimate) {
            usage::write_estimate(&mut record, usage);
        }
        usage::write(&mut record, *role, reported, usage.as_ref(), *verdict);
        if let Some((costed, ratio, price_id)) = priced {
            costed.write(price_id, &mut record);
            if let Some(ratio) = ratio {
                record.set(keys::CHAPERONE_LLM_CONTEXT_RATIO, ratio);
            }
        }
    }
}

/// What a record is for counting, its canonical usage, and what its names mean. `None` for records that are not followed.
fn read(at: usize, record: RecordRef<'_>, settings: &'static Settings, names: &mut Asked<'_>) -> Option<Item> {
    let attrs = record.attrs();
    let reported = Reported::read(attrs);
    let usage = usage::usage_of(record, &reported, settings);
    // An earlier pass, here or in another collector, or the sender's own words decided.
    let role = match attrs.str(keys::CHAPERONE_USAGE_SCOPE) {
        Some("aggregate") => Role::Aggregate,
        Some("duplicate") => Role::Other,
        _ => usage::role(record, &reported, settings),
    };
    if role == Role::Untracked {
        return None;
    }
    let needs_names = usage.is_some() || matches!(role, Role::Call { .. });
    let known =
        needs_names.then(|| names.about(attrs.str(keys::GEN_AI_PROVIDER_NAME).unwrap_or(""), model(record).unwrap_or("")));
    Some(Item { at, role, reported, usage, is_estimate: false, verdict: window::UNDECIDED, settings, known })
}

fn is_priced(record: RecordRef<'_>) -> bool {
    record.attrs().has(keys::CHAPERONE_COST_SOURCE)
}
