//! Every 5 s: compares the heads of topics with Redis (a lost last message shows nowhere else), mends the epoch where Redis has
//! forgotten what readers saw, sends a probe round, lets go of topics that nobody reads.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::hub::Hub;
use super::subscriber::Order;
use super::topic::Topic;
use crate::domain::ids::WorkspaceId;
use crate::lifecycle::Lifecycle;
use crate::store::{Error, Kind};

const PERIOD: Duration = Duration::from_secs(5);
/// After a suspicion, how long until the next comparison may be asked for.
const BREATH: Duration = Duration::from_millis(100);
/// Heads asked for in one round trip.
const AT_ONCE: usize = 512;
/// Sweeps without a reader after which a topic is let go.
const LINGER: u32 = 3;

/// Sweeps until the hard stop.
pub async fn run(hub: Hub, life: Lifecycle) {
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut idle: HashMap<(WorkspaceId, Kind), u32> = HashMap::new();
    let (mut probe, mut sent) = (0u64, false);
    loop {
        let regular = tokio::select! {
            () = life.hard().cancelled() => return,
            _ = ticks.tick() => true,
            () = hub.suspicions.raised() => false,
        };
        if regular {
            let missed = if sent { probe.saturating_sub(hub.probes.heard()) } else { 0 };
            life.readiness().set_delivery(missed < 2);
            if missed == 2 {
                tracing::warn!("two probes have not come round; making another subscriber connection");
                hub.probes.rebuild();
            }
            probe += 1;
            sent = true;
            life.readiness().set_redis(hub.store.probe(hub.incarnation(), &probe.to_string()).await.is_ok());
            let_go(&hub, &mut idle).await;
        }
        if let Err(error) = compare(&hub).await {
            tracing::warn!(%error, "the heads of streams could not be compared with Redis");
        }
        tokio::time::sleep(BREATH).await;
    }
}

async fn compare(hub: &Hub) -> Result<(), Error> {
    let topics = hub.topics.all();
    for some in topics.chunks(AT_ONCE) {
        let names: Vec<_> = some.iter().map(|topic| (topic.workspace.clone(), topic.kind)).collect();
        let heads = hub.store.heads(&names).await?;
        for (topic, head) in some.iter().zip(heads) {
            let Some(known) = topic.lock().head else { continue };
            match head {
                Some(head) if head.epoch == known.epoch && head.seq < known.seq => mend(hub, topic, known.seq).await?,
                None => mend(hub, topic, known.seq).await?,
                Some(head) => topic.observe(head),
            }
        }
    }
    Ok(())
}

/// Redis has forgotten what was delivered from it: move the epoch past it, and tell the readers.
async fn mend(hub: &Hub, topic: &Arc<Topic>, seq: u64) -> Result<(), Error> {
    tracing::error!(stream.seq = seq, "Redis has lost history that was delivered; moving to a new epoch");
    hub.pages.forget();
    hub.store.fence(&topic.workspace, topic.kind, seq).await?;
    if let Some(Some(head)) = hub.store.heads(&[(topic.workspace.clone(), topic.kind)]).await?.first() {
        topic.observe(*head);
    }
    Ok(())
}

async fn let_go(hub: &Hub, idle: &mut HashMap<(WorkspaceId, Kind), u32>) {
    let unused = hub.topics.idle();
    idle.retain(|name, _| unused.contains(name));
    for name in unused {
        *idle.entry(name).or_default() += 1;
    }
    let long: Vec<_> = idle.iter().filter(|(_, sweeps)| **sweeps >= LINGER).map(|(name, _)| name.clone()).collect();
    for (workspace, kind) in hub.topics.take_idle(&long) {
        idle.remove(&(workspace.clone(), kind));
        if hub.orders.send(Order::Drop(workspace, kind)).await.is_err() {
            return;
        }
    }
}
