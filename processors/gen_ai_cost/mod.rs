//! The `gen_ai_cost` processor: makes token counts canonical, counts each call once, and says what it cost.
//!
//! What it knows is in `genai::usage` and `genai::prices`. Here are the window's shards and the order of the work: ids are claimed
//! among the records of a trace, calls are decided sender by sender, then records are written. No two locks are held at a time.

mod config;
mod counters;
mod lists;
mod memory;
#[cfg(test)]
mod tests;
mod window;

pub use config::Config;

use chaperone_genai::prices::{Found, PriceBook, Rates, embedded};
use chaperone_genai::record::{is_gen_ai, model};
use chaperone_genai::usage::{self, Costing, OwnPrice, Reported, Role, Senders, Usage, Verdict};
use chaperone_genai::{dialects, keys};
use chaperone_pipeline::{
    Batch, BuildContext, ConfigError, Host, Meta, Next, Now, Outbox, ProcessError, Processor, ProcessorFactory, Signals,
    Stability, StartError,
};
use chaperone_proto::{Data, RecordRef, Signal, Value};
use counters::Counters;
use lists::Lists;
use memory::Memory;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use window::SharedWindow;

/// How often decisions are stored, where there is a store.
const CHECKPOINT: Duration = Duration::from_secs(1);

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
    verdict: Verdict,
}

/// Prices found for the names that occur in one batch.
type PriceMemo<'t> = Vec<(String, String, Found<'t>)>;

impl Processor for Processing {
    fn start(&self, host: &Host) -> Result<(), StartError> {
        // The list is read when first asked for: not by the first request.
        tracing::debug!(models = embedded().models(), "read the embedded price list");
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
            let mut memo = PriceMemo::new();
            for item in self.decide(&batch.data) {
                let record = batch.data.record(item.at);
                let costing = item.usage.filter(|_| !is_priced(record)).map(|usage| self.price(record, &usage, &book, &mut memo));
                self.counters.count(&item.verdict, item.role, costing.as_ref());
                let mut record = batch.data.edit(item.at);
                usage::write(&mut record, item.role, &item.reported, item.usage.as_ref(), item.verdict);
                if let Some(Costing { source, attributes, .. }) = costing {
                    record.append(keys::CHAPERONE_COST_SOURCE, source.as_str());
                    for (key, value) in &attributes {
                        record.set(*key, value);
                    }
                }
            }
        }
        out.pass(batch);
        Ok(())
    }
}

impl Processing {
    fn decide(&self, data: &Data) -> Vec<Item> {
        let mut senders = Senders::default();
        let mut asked = Vec::new();
        let mut items = Vec::new();
        for at in 0..data.records() {
            let record = data.record(at);
            if !is_gen_ai(record) {
                continue;
            }
            let (role, reported, usage) = read(record);
            if role == Role::Untracked {
                continue;
            }
            asked.push(window::Question::of(record, senders.of(record), role, usage.as_ref()));
            items.push(Item { at, role, reported, usage, verdict: window::UNDECIDED });
        }
        let evicted = self.window.decide(asked, self.config.max_records, |at, verdict| items[at].verdict = verdict);
        self.counters.evicted.add(evicted);
        items
    }

    fn price<'t>(&self, record: RecordRef<'_>, usage: &Usage, book: &'t PriceBook, memo: &mut PriceMemo<'t>) -> Costing {
        let attrs = record.attrs();
        let provider = attrs.str(keys::GEN_AI_PROVIDER_NAME).unwrap_or("");
        let model = model(record).unwrap_or("");
        let own = self.own.iter().find(|(price, _)| price.fits(provider, model));
        let own = own.map(|(_, (rates, price_id))| OwnPrice { rates, price_id });
        let settings = settings(record);
        let listed = find(provider, model, book, memo);
        let mut costing = usage::cost(record, usage, settings, own, listed);
        let ratio = usage::context_ratio(usage, listed).map(|ratio| (keys::CHAPERONE_LLM_CONTEXT_RATIO, Value::Double(ratio)));
        costing.attributes.extend(ratio);
        costing
    }
}

/// What a record is for counting, and its canonical usage.
fn read(record: RecordRef<'_>) -> (Role, Reported, Option<Usage>) {
    let settings = settings(record);
    let reported = Reported::read(record.attrs());
    let usage = usage::usage_of(record, &reported, settings);
    // An earlier pass, here or in another collector, or the sender's own words decided.
    let role = match record.attrs().str(keys::CHAPERONE_USAGE_SCOPE) {
        Some("aggregate") => Role::Aggregate,
        Some("duplicate") => Role::Other,
        _ => usage::role(record, &reported, settings),
    };
    (role, reported, usage)
}

fn settings(record: RecordRef<'_>) -> &'static dialects::Settings {
    dialects::settings(chaperone_genai::record::dialect(record).unwrap_or(""), record.scope().name())
}

fn is_priced(record: RecordRef<'_>) -> bool {
    record.attrs().get(keys::CHAPERONE_COST_SOURCE).is_some()
}

fn find<'t>(provider: &str, model: &str, book: &'t PriceBook, memo: &mut PriceMemo<'t>) -> Found<'t> {
    if let Some((.., found)) = memo.iter().find(|(p, m, _)| p == provider && m == model) {
        return *found;
    }
    let found = book.find(provider, model);
    if memo.len() < 16 {
        memo.push((provider.to_owned(), model.to_owned(), found));
    }
    found
}
