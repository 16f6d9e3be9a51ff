//! Builds instances and draws the edges between them.
//!
//! One processor a (pipeline, id), one connector an id over all signals, one exporter an id with a queue a signal.

use crate::engine::EngineSettings;
use crate::engine::accounted::Accounted;
use crate::engine::bond::Bond;
use crate::engine::counters::{Place, SignalCounters, edge};
use crate::engine::flow::{Edge, Flow, Node, Route, Work, slot};
use crate::engine::instance::{Instance, Pulse, Recipe};
use crate::extension::{ExtensionInstance, Known};
use crate::front::{FrontSettings, Lane, LaneContext};
use crate::graph::read::Part;
use crate::graph::{Parts, error, extensions, signal_of};
use crate::status::Topology;
use crate::{BuildContext, Exporter, Kind, Meta, Processor, Receiver, Signals};
use chaperone_config::{ComponentId, Document, Pipeline, Problems, Reference};
use chaperone_proto::Signal;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// What a graph is built for.
#[derive(Clone, Copy)]
pub(crate) enum Purpose<'a> {
    /// In the place of another graph, whose unchanged components are kept.
    Run(Option<&'a Assembled>),
    /// No receivers, and sinks in the place of exporters.
    Replay,
}

/// A graph and what has to be started and stopped around it.
pub(crate) struct Assembled {
    // Shared by the doors that lead into it and by everything that runs in it.
    pub flow: Arc<Flow>,
    pub lanes: Vec<Arc<Lane>>,
    /// With connectors.
    pub processors: Vec<Arc<Instance<dyn Processor>>>,
    pub exporters: Vec<Arc<Instance<dyn Exporter>>>,
    pub receivers: Vec<Arc<Instance<dyn Receiver>>>,
    /// Stores first.
    pub extensions: Vec<ExtensionInstance>,
    pub topology: Topology,
}

/// A document whose settings and wiring are good.
pub(crate) struct Plan<'a> {
    document: &'a Document,
    parts: &'a Parts,
    settings: &'a EngineSettings,
    accounted: Arc<Accounted>,
    // Shared by the contexts of all components.
    known: Arc<Known>,
    /// The graph that this one takes the place of.
    former: Option<&'a Assembled>,
    /// Extensions of the former graph that go: whoever names one is built anew.
    stale: Vec<String>,
}

pub(crate) fn assemble(
    document: &Document,
    parts: &Parts,
    settings: &EngineSettings,
    purpose: Purpose<'_>,
    problems: &mut Problems,
) -> Option<Assembled> {
    let known = Arc::new(extensions::known(document, parts));
    let former = purpose.former();
    let accounted = former.map(|former| Arc::clone(&former.flow.accounted)).unwrap_or_default();
    let mut plan = Plan { document, parts, settings, accounted, known, former, stale: Vec::new() };
    let extensions = match purpose {
        Purpose::Run(_) => plan.extensions(problems),
        Purpose::Replay => Vec::new(),
    };
    plan.stale = plan.stale_extensions(&extensions);
    let exporters = match purpose {
        Purpose::Run(_) => plan.exporters(problems),
        Purpose::Replay => Vec::new(),
    };
    let receivers = match purpose {
        Purpose::Run(_) => plan.receivers(problems),
        Purpose::Replay => Vec::new(),
    };
    let lanes = plan.lanes(&exporters);
    let (mut nodes, of_pipelines) = plan.nodes(&lanes, purpose, problems);
    if problems.has_errors() {
        return None;
    }
    plan.edges(&mut nodes, &of_pipelines);
    let order = upstream_first(&nodes);
    let routes = plan.routes(&nodes, &of_pipelines);
    let telemetry = &settings.telemetry;
    let lost = "Shares of acknowledgements that a component dropped: a bug.";
    let flow = Flow {
        in_flight: Arc::default(),
        lost_shares: telemetry.counter("chaperone_acknowledgement_lost_shares", lost, &[]),
        panics: telemetry.counter("chaperone_component_panics", "Calls of components that panicked: a bug.", &[]),
        clock: settings.clock.clone(),
        accounted: plan.accounted,
        nodes,
        order,
        routes,
        sink: Mutex::new(None),
    };
    let topology = extensions::topology(document, parts);
    let processors = processors(&flow);
    Some(Assembled { flow: Arc::new(flow), lanes, processors, exporters, receivers, extensions, topology })
}

impl Assembled {
    /// What runs before the start.
    pub(crate) fn nothing(settings: &EngineSettings) -> Assembled {
        let flow = Flow {
            nodes: Vec::new(),
            order: Vec::new(),
            routes: Vec::new(),
            clock: settings.clock.clone(),
            accounted: Arc::default(),
            lost_shares: Default::default(),
            panics: Default::default(),
            sink: Mutex::new(None),
            in_flight: Arc::default(),
        };
        Assembled {
            flow: Arc::new(flow),
            lanes: Vec::new(),
            processors: Vec::new(),
            exporters: Vec::new(),
            receivers: Vec::new(),
            extensions: Vec::new(),
            topology: Topology::default(),
        }
    }
}

impl<'a> Purpose<'a> {
    fn former(self) -> Option<&'a Assembled> {
        match self {
            Purpose::Run(former) => former,
            Purpose::Replay => None,
        }
    }
}

fn processors(flow: &Flow) -> Vec<Arc<Instance<dyn Processor>>> {
    let instance = |node: &Node| match &node.work {
        Work::Process(instance) => Some(Arc::clone(instance)),
        Work::Export(_) | Work::Sink(_) => None,
    };
    flow.nodes.iter().filter_map(instance).collect()
}

/// Nodes of one pipeline.
#[derive(Default)]
struct OfPipeline {
    processors: Vec<usize>,
    /// Exporters and connectors, acknowledging ones first.
    ends: Vec<usize>,
}

impl OfPipeline {
    fn heads(&self) -> Vec<usize> {
        self.processors.first().map_or_else(|| self.ends.clone(), |first| vec![*first])
    }
}

impl Plan<'_> {
    fn pipelines(&self) -> impl Iterator<Item = (&Pipeline, Signal)> {
        self.document.service.pipelines.iter().filter_map(|pipeline| Some((pipeline, signal_of(&pipeline.id)?)))
    }
    fn context(&self, id: &ComponentId, signals: Signals) -> BuildContext {
        BuildContext {
            id: id.clone(),
            signals,
            clock: self.settings.clock.clone(),
            telemetry: self.settings.telemetry.clone(),
            hash_key: self.settings.hash_key,
            shared: self.settings.shared.clone(),
            known: Arc::clone(&self.known),
        }
    }
    /// The former graph's instance at this place, if it was made from the same settings; else a new one.
    fn instance<P: ?Sized>(
        &self,
        part: &Part<P>,
        pipeline: &str,
        former: &[Arc<Instance<P>>],
        problems: &mut Problems,
    ) -> Option<Arc<Instance<P>>> {
        let place = Place { id: part.id.clone(), kind: part.entry.meta.kind, pipeline: pipeline.to_owned() };
        let recipe = self.recipe(part);
        let is_kept = |one: &&Arc<Instance<P>>| one.place == place && one.recipe.is_same(&recipe);
        if let Some(kept) = former.iter().find(is_kept)
            && !self.stale.iter().any(|extension| recipe.mentions(extension))
        {
            return Some(Arc::clone(kept));
        }
        let component = self.build(part, self.signals(&part.id, pipeline), problems)?;
        Some(Arc::new(Instance { place, recipe, component, bond: Bond::default(), pulse: Pulse::default() }))
    }
    fn recipe<P: ?Sized>(&self, part: &Part<P>) -> Recipe {
        Recipe {
            kind: part.entry.meta.name,
            settings: (part.entry.effective)(&part.node, &part.path, true, &mut Problems::new()),
            front: part.front.clone(),
        }
    }
    /// Of the pipeline of that name; without one, of all pipelines that receive from or give to the component.
    fn signals(&self, id: &ComponentId, pipeline: &str) -> Signals {
        let is_meant = |of: &Pipeline| match pipeline {
            "" => names(&of.receivers, id) || names(&of.exporters, id),
            name => of.id.to_string() == name,
        };
        let has = |signal| self.pipelines().any(|(of, its)| its == signal && is_meant(of));
        Signals { traces: has(Signal::Traces), metrics: has(Signal::Metrics), logs: has(Signal::Logs) }
    }
    fn build<P: ?Sized>(&self, part: &Part<P>, signals: Signals, problems: &mut Problems) -> Option<Arc<P>> {
        // Settings were read once for their problems; each instance gets values of its own.
        let config = (part.entry.read)(&part.node, &part.path, &mut Problems::new())?;
        match (part.entry.build)(config, &self.context(&part.id, signals)) {
            Ok(built) => Some(built),
            Err(refused) => {
                let path = if refused.path.is_empty() { part.path.clone() } else { format!("{}.{}", part.path, refused.path) };
                let found = error(path, part.node.locate(&refused.path), refused.message, None);
                // A processor of several pipelines is refused in each of them for the same reason.
                if !problems.iter().any(|problem| *problem == found) {
                    problems.push(found);
                }
                None
            }
        }
    }
    fn extensions(&self, problems: &mut Problems) -> Vec<ExtensionInstance> {
        let used = |id: &ComponentId| names(&self.document.service.extensions, id);
        let former: Vec<_> =
            self.former.iter().flat_map(|former| &former.extensions).map(|one| Arc::clone(&one.instance)).collect();
        let mut built = Vec::new();
        for part in self.parts.extensions.iter().filter(|part| used(&part.id)) {
            if let Some(instance) = self.instance(part, "", &former, problems) {
                built.push(ExtensionInstance { instance, stores: part.entry.meta.stores });
            }
        }
        built.sort_by_key(|extension| !extension.stores);
        built
    }
    fn stale_extensions(&self, extensions: &[ExtensionInstance]) -> Vec<String> {
        let former = self.former.iter().flat_map(|former| &former.extensions);
        let stays = |one: &&ExtensionInstance| extensions.iter().any(|kept| Arc::ptr_eq(&kept.instance, &one.instance));
        former.filter(|one| !stays(one)).map(|one| one.instance.place.id.to_string()).collect()
    }
    fn exporters(&self, problems: &mut Problems) -> Vec<Arc<Instance<dyn Exporter>>> {
        let used = |id: &ComponentId| self.pipelines().any(|(pipeline, _)| names(&pipeline.exporters, id));
        let former = self.former.map_or(&[][..], |former| &former.exporters);
        let parts = self.parts.exporters.iter().filter(|part| used(&part.id));
        parts.filter_map(|part| self.instance(part, "", former, problems)).collect()
    }
    fn receivers(&self, problems: &mut Problems) -> Vec<Arc<Instance<dyn Receiver>>> {
        let used = |id: &ComponentId| self.pipelines().any(|(pipeline, _)| names(&pipeline.receivers, id));
        let former = self.former.map_or(&[][..], |former| &former.receivers);
        let parts = self.parts.receivers.iter().filter(|part| used(&part.id));
        parts.filter_map(|part| self.instance(part, "", former, problems)).collect()
    }
    fn lanes(&self, exporters: &[Arc<Instance<dyn Exporter>>]) -> Vec<Arc<Lane>> {
        let settings = self.settings;
        let cx = LaneContext {
            telemetry: &settings.telemetry,
            clock: &settings.clock,
            accounted: &self.accounted,
            status: settings.shared.status(),
        };
        let mut lanes: Vec<Arc<Lane>> = Vec::new();
        let former = self.former.map_or(&[][..], |former| &former.lanes);
        for instance in exporters {
            let id = &instance.place.id;
            let front = self.parts.exporters.iter().find(|part| part.id == *id).and_then(|part| part.front.clone());
            let front: FrontSettings = front.expect("invariant: an exporter is built only when its settings are good");
            for signal in Signal::ALL {
                if !self.pipelines().any(|(pipeline, of)| of == signal && names(&pipeline.exporters, id)) {
                    continue;
                }
                let is_kept = |lane: &&Arc<Lane>| lane.signal == signal && Arc::ptr_eq(&lane.exporter, &instance.component);
                lanes.push(match former.iter().find(is_kept) {
                    Some(kept) => Arc::clone(kept),
                    None => {
                        let exporter = Arc::clone(&instance.component);
                        Arc::new(Lane::new(id, signal, settings.shared.next_queue(), exporter, front.clone(), &cx))
                    }
                });
            }
        }
        lanes
    }
    fn nodes(&self, lanes: &[Arc<Lane>], purpose: Purpose<'_>, problems: &mut Problems) -> (Vec<Node>, Vec<OfPipeline>) {
        let mut nodes: Vec<Node> = Vec::new();
        let mut connectors: HashMap<&ComponentId, usize> = HashMap::new();
        let former = self.former.map_or(&[][..], |former| &former.processors);
        for part in &self.parts.connectors {
            let used = self.pipelines().any(|(pipeline, _)| names(&pipeline.exporters, &part.id));
            if used && let Some(instance) = self.instance(part, "", former, problems) {
                connectors.insert(&part.id, nodes.len());
                let meta = &part.entry.meta;
                nodes.push(self.node(instance.place.clone(), Work::Process(instance), meta.passes, touched(meta)));
            }
        }
        let mut of_pipelines = Vec::new();
        for (pipeline, signal) in self.pipelines() {
            let mut found = OfPipeline::default();
            for reference in &pipeline.processors {
                let Some(part) = self.parts.processors.iter().find(|part| part.id == reference.id) else { continue };
                if let Some(instance) = self.instance(part, &pipeline.id.to_string(), former, problems) {
                    found.processors.push(nodes.len());
                    let place = instance.place.clone();
                    nodes.push(self.node(place, Work::Process(instance), part.entry.meta.passes, vec![signal]));
                }
            }
            for reference in &pipeline.exporters {
                if let Some(index) = connectors.get(&reference.id) {
                    found.ends.push(*index);
                    continue;
                }
                let place = Place { id: reference.id.clone(), kind: Kind::Exporter, pipeline: pipeline.id.to_string() };
                let lane = lanes.iter().find(|lane| lane.id == reference.id && lane.signal == signal);
                let work = match (purpose, lane) {
                    (Purpose::Replay, _) => Work::Sink(pipeline.id.clone()),
                    (Purpose::Run(_), Some(lane)) => Work::Export(Arc::clone(lane)),
                    (Purpose::Run(_), None) => continue,
                };
                found.ends.push(nodes.len());
                nodes.push(self.node(place, work, Signals::NONE, vec![signal]));
            }
            // An id that is named twice has no extra effect.
            let mut seen = Vec::new();
            found.ends.retain(|end| {
                !seen.contains(&nodes[*end].place.id) && {
                    seen.push(nodes[*end].place.id.clone());
                    true
                }
            });
            found.ends.sort_by_key(|end| !acknowledges(&nodes[*end], signal));
            of_pipelines.push(found);
        }
        (nodes, of_pipelines)
    }
    fn node(&self, place: Place, work: Work, passes: Signals, signals: Vec<Signal>) -> Node {
        let mut counters = [None, None, None];
        for signal in signals {
            counters[slot(signal)] = Some(SignalCounters::new(&self.settings.telemetry, &place, signal));
        }
        Node { place, work, passes, counters, next: Default::default() }
    }
    fn edges(&self, nodes: &mut [Node], of_pipelines: &[OfPipeline]) {
        let mut drawn: Vec<(usize, Signal, usize)> = Vec::new();
        for ((_, signal), nodes_of) in self.pipelines().zip(of_pipelines) {
            for pair in nodes_of.processors.windows(2) {
                drawn.push((pair[0], signal, pair[1]));
            }
            if let Some(last) = nodes_of.processors.last() {
                drawn.extend(nodes_of.ends.iter().map(|end| (*last, signal, *end)));
            }
        }
        for (from, node) in nodes.iter().enumerate().filter(|(_, node)| node.place.kind == Kind::Connector) {
            for ((pipeline, signal), nodes_of) in self.pipelines().zip(of_pipelines) {
                if names(&pipeline.receivers, &node.place.id) {
                    drawn.extend(nodes_of.heads().into_iter().map(|head| (from, signal, head)));
                }
            }
        }
        for (from, signal, to) in drawn {
            let items = edge(&self.settings.telemetry, &nodes[from].place, &nodes[to].place, signal);
            nodes[from].next[slot(signal)].push(Edge { to, items });
        }
        for from in 0..nodes.len() {
            for signal in Signal::ALL {
                let mut next = std::mem::take(&mut nodes[from].next[slot(signal)]);
                next.sort_by_key(|edge| !acknowledges(&nodes[edge.to], signal));
                nodes[from].next[slot(signal)] = next;
            }
        }
    }
    fn routes(&self, nodes: &[Node], of_pipelines: &[OfPipeline]) -> Vec<((ComponentId, Signal), Route)> {
        let mut routes: HashMap<(ComponentId, Signal), Route> = HashMap::new();
        for ((pipeline, signal), nodes_of) in self.pipelines().zip(of_pipelines) {
            let mut seen: Vec<&ComponentId> = Vec::new();
            for reference in &pipeline.receivers {
                let is_receiver = self.parts.receivers.iter().any(|part| part.id == reference.id);
                if !is_receiver || seen.contains(&&reference.id) {
                    continue;
                }
                seen.push(&reference.id);
                let place = Place { id: reference.id.clone(), kind: Kind::Receiver, pipeline: String::new() };
                let route = routes.entry((reference.id.clone(), signal)).or_default();
                let telemetry = &self.settings.telemetry;
                route.counters.get_or_insert_with(|| SignalCounters::new(telemetry, &place, signal));
                for head in nodes_of.heads() {
                    let items = edge(telemetry, &place, &nodes[head].place, signal);
                    route.heads.push(Edge { to: head, items });
                }
            }
        }
        for ((_, signal), route) in &mut routes {
            route.heads.sort_by_key(|edge| !acknowledges(&nodes[edge.to], *signal));
            let heads: Vec<usize> = route.heads.iter().map(|edge| edge.to).collect();
            for head in heads {
                reach(nodes, head, *signal, route);
            }
        }
        routes.into_iter().collect()
    }
}

/// What the acknowledged data reach from a node on.
fn reach(nodes: &[Node], at: usize, signal: Signal, route: &mut Route) {
    match &nodes[at].work {
        Work::Export(lane) => route.queues.push(Arc::clone(lane)),
        Work::Sink(_) => {}
        Work::Process(_) => {
            if !route.admit.contains(&at) {
                route.admit.push(at);
            }
            if nodes[at].passes.has(signal) {
                for edge in &nodes[at].next[slot(signal)] {
                    reach(nodes, edge.to, signal, route);
                }
            }
        }
    }
}

/// Whether a node takes the data over: exporters, and components that pass the signal on.
fn acknowledges(node: &Node, signal: Signal) -> bool {
    node.place.kind == Kind::Exporter || node.passes.has(signal)
}

fn names(list: &[Reference], id: &ComponentId) -> bool {
    list.iter().any(|reference| reference.id == *id)
}

fn touched(meta: &Meta) -> Vec<Signal> {
    let has = |signal: &Signal| meta.signals.has(*signal) || meta.passes.has(*signal) || meta.derives.has(*signal);
    Signal::ALL.into_iter().filter(has).collect()
}

/// Processors and connectors so that everybody comes after whoever feeds them.
fn upstream_first(nodes: &[Node]) -> Vec<usize> {
    fn visit(nodes: &[Node], at: usize, seen: &mut [bool], order: &mut Vec<usize>) {
        if std::mem::replace(&mut seen[at], true) {
            return;
        }
        for edge in nodes[at].next.iter().flatten() {
            visit(nodes, edge.to, seen, order);
        }
        order.push(at);
    }
    let (mut seen, mut order) = (vec![false; nodes.len()], Vec::new());
    for at in (0..nodes.len()).rev() {
        visit(nodes, at, &mut seen, &mut order);
    }
    order.reverse();
    order.retain(|at| matches!(nodes[*at].work, Work::Process(_)));
    order
}
