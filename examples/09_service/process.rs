//! The service as a process of its own: it serves until Ctrl-C, and closes the engine.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use wayfold::{Builder, Rules, StoreUrl};

use crate::service::{self, Service};

/// Serves until Ctrl-C; what was begun by then is answered, streams end, and a snapshot is written.
pub(crate) async fn serve(address: SocketAddr, store: &StoreUrl) -> anyhow::Result<()> {
    let service = Arc::new(Service::open(store.open().await?, Builder::new(Rules::default())?).await?);
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}; Ctrl-C ends it", listener.local_addr()?);
    let interrupted = async {
        // Without a handler there is nothing to wait for, and the service ends.
        let _ = tokio::signal::ctrl_c().await;
    };
    service::serve(listener, service.clone(), interrupted).await?;
    service.wayfold.close().await?;
    println!("ended; everything acknowledged is in {store}");
    Ok(())
}
