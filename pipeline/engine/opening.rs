//! Starts what a graph has and the one before it has not.
//!
//! All of it works before anything is taken away: new components are started beside those that they replace, and when one
//! does not start, what was started is stopped again and the former graph goes on as if nothing had been.

use crate::engine::door::Door;
use crate::engine::flow::Work;
use crate::engine::instance::Instance;
use crate::engine::leaving::Leaving;
use crate::engine::running::{Consumers, Running, failed, subject_of};
use crate::extension::ExtensionInstance;
use crate::graph::Assembled;
use crate::status::Subject;
use crate::{Entrance, Host, Kind, Processor, StartError, Status};
use std::sync::Arc;

/// A graph on its way to replace the running one.
pub(crate) struct Opening {
    pub next: Assembled,
    /// Of the next graph's receivers, as far as they have one.
    pub doors: Vec<Arc<Door>>,
    /// Of the lanes that the running graph has not.
    pub consumers: Vec<Consumers>,
    /// What was started and is not part of the running graph.
    started: Vec<Started>,
}

/// One component that was started.
enum Started {
    Extension(ExtensionInstance),
    Exporter(Arc<Instance<dyn crate::Exporter>>),
    Processor(Arc<Instance<dyn Processor>>),
    Receiver(Arc<Instance<dyn crate::Receiver>>),
}

/// Whether a list holds this very thing.
pub(crate) fn holds<T: ?Sized>(list: &[Arc<T>], one: &Arc<T>) -> bool {
    list.iter().any(|other| Arc::ptr_eq(other, one))
}

impl Opening {
    pub(crate) fn of(next: Assembled, running: &Running) -> Opening {
        let opening = Opening { next, doors: Vec::new(), consumers: Vec::new(), started: Vec::new() };
        opening.set_leaving(running, true);
        opening
    }

    /// Marks the running components that this graph has no use for: what they hold may be taken over.
    fn set_leaving(&self, running: &Running, leaving: bool) {
        let (now, next) = (&running.current, &self.next);
        let extensions: Vec<_> = next.extensions.iter().map(|one| Arc::clone(&one.instance)).collect();
        now.extensions
            .iter()
            .filter(|one| !holds(&extensions, &one.instance))
            .for_each(|one| one.instance.bond.set_leaving(leaving));
        now.exporters.iter().filter(|one| !holds(&next.exporters, one)).for_each(|one| one.bond.set_leaving(leaving));
        now.processors.iter().filter(|one| !holds(&next.processors, one)).for_each(|one| one.bond.set_leaving(leaving));
        now.receivers.iter().filter(|one| !holds(&next.receivers, one)).for_each(|one| one.bond.set_leaving(leaving));
    }

    /// At the start of the collector: everybody is seen while it starts.
    pub(crate) fn everybody_is_starting(&self, running: &Running) {
        let topology = &self.next.topology;
        let members = topology.pipelines.iter().flat_map(|pipeline| pipeline.members.iter().map(|(_, subject)| subject));
        let all: Vec<Subject> = topology.extensions.iter().chain(members).cloned().collect();
        running.services.status.set_topology(topology.clone());
        for subject in all {
            running.is(&subject, Status::Starting);
        }
    }

    /// Extensions, exporters, connectors and processors, queues, receivers.
    pub(crate) async fn start(&mut self, running: &Running) -> Result<(), StartError> {
        self.start_extensions(running).await?;
        self.start_exporters(running).await?;
        self.start_processors(running).await?;
        for lane in self.next.lanes.iter().filter(|lane| !holds(&running.current.lanes, lane)) {
            self.consumers.push(Consumers::of(lane));
        }
        self.start_receivers(running).await
    }

    async fn start_extensions(&mut self, running: &Running) -> Result<(), StartError> {
        let is_kept =
            |one: &ExtensionInstance| running.current.extensions.iter().any(|kept| Arc::ptr_eq(&kept.instance, &one.instance));
        let mut open: Vec<ExtensionInstance> = self.next.extensions.iter().filter(|one| is_kept(one)).cloned().collect();
        running.services.set_extensions(open.clone());
        for extension in self.next.extensions.clone().into_iter().filter(|one| !is_kept(one)) {
            let instance = &extension.instance;
            let host = Host::new(Kind::Extension, instance.place.id.clone(), &instance.bond, Arc::clone(&running.services));
            let id = &instance.place.id;
            instance.component.start(&host).await.map_err(|error| failed(Kind::Extension, id, error))?;
            running.is(&Subject::whole(Kind::Extension, id), Status::Ok);
            self.started.push(Started::Extension(extension.clone()));
            open.push(extension.clone());
            running.services.set_extensions(open.clone());
        }
        Ok(())
    }

    async fn start_exporters(&mut self, running: &Running) -> Result<(), StartError> {
        for instance in self.next.exporters.iter().filter(|one| !holds(&running.current.exporters, one)) {
            let id = &instance.place.id;
            let host = Host::new(Kind::Exporter, id.clone(), &instance.bond, Arc::clone(&running.services));
            instance.component.start(&host).await.map_err(|error| failed(Kind::Exporter, id, error))?;
            self.started.push(Started::Exporter(Arc::clone(instance)));
            for lane in self.next.lanes.iter().filter(|lane| lane.id == *id) {
                running.is(&Subject::of_signal(&lane.id, lane.signal), Status::Ok);
            }
        }
        Ok(())
    }

    /// Downstream first, so that whoever starts finds its consumers ready.
    async fn start_processors(&mut self, running: &Running) -> Result<(), StartError> {
        let flow = Arc::clone(&self.next.flow);
        for index in flow.order.iter().rev() {
            let node = &flow.nodes[*index];
            let Work::Process(instance) = &node.work else { continue };
            if holds(&running.current.processors, instance) {
                continue;
            }
            let former = running.current.processors.iter().find(|former| former.place == instance.place).cloned();
            let host = Host::new(node.place.kind, node.place.id.clone(), &instance.bond, Arc::clone(&running.services));
            let (component, now) = (Arc::clone(&instance.component), running.services.clock.now());
            // Storing and restoring state may use files; the threads that serve connections must not.
            let started = tokio::task::spawn_blocking(move || {
                if let Some(former) = former {
                    former.component.checkpoint(now);
                }
                component.start(&host)
            });
            let started = started.await.unwrap_or_else(|_| Err(StartError::new("it panicked")));
            started.map_err(|error| failed(node.place.kind, &node.place.id, error))?;
            self.started.push(Started::Processor(Arc::clone(instance)));
            running.is(&subject_of(node), Status::Ok);
        }
        Ok(())
    }

    async fn start_receivers(&mut self, running: &Running) -> Result<(), StartError> {
        for instance in &self.next.receivers {
            let kept = running.current.receivers.iter().zip(&running.doors).find(|(one, _)| Arc::ptr_eq(one, instance));
            if let Some((_, door)) = kept {
                self.doors.push(Arc::clone(door));
                continue;
            }
            let id = &instance.place.id;
            let host = Host::new(Kind::Receiver, id.clone(), &instance.bond, Arc::clone(&running.services));
            let door = Arc::new(Door::new(id.clone(), &running.hall, &self.next.flow));
            let entrance = Entrance { door: Arc::clone(&door) };
            instance.component.start(&host, entrance).await.map_err(|error| failed(Kind::Receiver, id, error))?;
            self.started.push(Started::Receiver(Arc::clone(instance)));
            running.is(&Subject::whole(Kind::Receiver, id), Status::Ok);
            self.doors.push(door);
        }
        Ok(())
    }

    /// Extensions hear that all receivers listen.
    pub(crate) fn say_ready(&self) {
        for started in &self.started {
            if let Started::Extension(extension) = started {
                extension.instance.component.ready();
            }
        }
    }

    /// What has to be stopped again because something did not start; the running graph stays as it was.
    pub(crate) fn undone(self, running: &Running) -> Leaving {
        self.set_leaving(running, false);
        let now = &running.current;
        running.services.set_extensions(now.extensions.clone());
        running.services.status.set_topology(now.topology.clone());
        let mut leaving = Leaving::nothing(&self.next.flow, &self.next.lanes);
        leaving.consumers = self.consumers;
        for started in self.started {
            match started {
                Started::Extension(extension) => {
                    extension.instance.component.not_ready();
                    leaving.extensions.push(extension);
                }
                Started::Exporter(instance) => leaving.exporters.push(instance),
                Started::Processor(instance) => leaving.processors.push(instance),
                Started::Receiver(instance) => leaving.receivers.push(instance),
            }
        }
        // What it holds by now goes out through the graph that was to be; state that both share stays.
        leaving.places = now.processors.iter().map(|one| one.place.clone()).collect();
        leaving
    }
}
