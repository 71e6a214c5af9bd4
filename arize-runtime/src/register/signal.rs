//! When the operating system wants the process to stop.

use std::future::pending;
use std::thread;

use tokio::sync::oneshot;

use crate::notice::{Notice, warn};

/// Waits for Ctrl-C or, on Unix, SIGTERM.
///
/// Made for graceful shutdown. It works under any executor and never panics; where signals cannot be
/// received it says so once and waits for ever.
///
/// ```no_run
/// # async fn stop_taking_requests() {}
/// # async fn f(arize: arize_runtime::Arize) -> Result<(), arize_runtime::FlushError> {
/// arize_runtime::shutdown_signal().await;
/// stop_taking_requests().await;
/// arize.shutdown(std::time::Duration::from_secs(5)).await?;
/// # Ok(())
/// # }
/// ```
pub async fn shutdown_signal() {
    // A thread of its own, since tokio's signals panic outside a runtime and in one without I/O.
    let (mut stopped, signal) = oneshot::channel();
    let listen = move || -> std::io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            tokio::select! {
                received = received() => received,
                () = stopped.closed() => Ok(()),
            }
        })?;
        let _gone = stopped.send(());
        Ok(())
    };
    let listen = move || {
        if let Err(error) = listen() {
            cannot_listen(&error);
        }
    };
    if let Err(error) = thread::Builder::new()
        .name("arize-signal".to_owned())
        .spawn(listen)
    {
        cannot_listen(&error);
    }
    if signal.await.is_err() {
        pending::<()>().await;
    }
}

#[cfg(unix)]
async fn received() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn received() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}

#[cold]
fn cannot_listen(error: &std::io::Error) {
    warn(Notice::Setting, || {
        format!("signals cannot be received: {error}; stop the process in another way")
    });
}
