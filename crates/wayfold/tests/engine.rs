//! Tests of the engine through its public interface.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "engine/asking.rs"]
mod asking;
#[path = "engine/backtest.rs"]
mod backtest;
#[path = "engine/broken.rs"]
mod broken;
#[cfg(all(unix, feature = "cluster"))]
#[path = "engine/cluster.rs"]
mod cluster;
#[cfg(all(unix, feature = "cluster"))]
#[path = "engine/cluster_faults.rs"]
mod cluster_faults;
#[cfg(all(unix, feature = "cluster"))]
#[path = "engine/cluster_moves.rs"]
mod cluster_moves;
#[path = "engine/deciding.rs"]
mod deciding;
#[cfg(all(unix, feature = "postgres"))]
#[path = "engine/faults.rs"]
mod faults;
#[path = "engine/following.rs"]
mod following;
#[cfg(feature = "parquet")]
#[path = "engine/importing.rs"]
mod importing;
#[cfg(all(feature = "insight", feature = "sqlite"))]
#[path = "engine/measuring.rs"]
mod measuring;
#[path = "engine/notices.rs"]
mod notices;
#[path = "engine/online_retail.rs"]
mod online_retail;
#[cfg(all(unix, feature = "postgres"))]
#[path = "engine/postgres.rs"]
mod postgres;
#[path = "engine/rebuilds.rs"]
mod rebuilds;
#[cfg(feature = "insight")]
#[path = "engine/recommending.rs"]
mod recommending;
#[path = "engine/rfm_package.rs"]
mod rfm_package;
#[path = "engine/snapshots.rs"]
mod snapshots;
#[cfg(all(unix, feature = "postgres"))]
#[path = "engine/spread.rs"]
mod spread;
#[path = "engine/support.rs"]
mod support;
#[cfg(all(unix, feature = "postgres", feature = "insight"))]
#[path = "engine/tenants.rs"]
mod tenants;
#[path = "engine/unreadable.rs"]
mod unreadable;
#[path = "engine/workload_w.rs"]
mod workload_w;
