//! Tasks and threads that take the current [`Context`] along: the parent span, the route, the baggage and
//! whatever else is in it.

use std::future::Future;
use std::thread;

use opentelemetry::Context;
use opentelemetry::context::FutureExt as _;
use tokio::task::{AbortHandle, JoinHandle, JoinSet};

/// [`tokio::spawn`] with the current [`Context`]: the task's spans are children of the span that is
/// current here, and go to the same space and project.
///
/// Nothing else differs. A panic of the task comes with the handle, and spans that are open when the
/// task is aborted say that they were cancelled.
///
/// ```
/// # use arize_runtime::tool;
/// #[tool]
/// async fn search(city: String) -> usize {
///     city.len()
/// }
///
/// async fn in_a_handler() -> Result<usize, tokio::task::JoinError> {
///     let rome = arize_runtime::spawn(search("Rome".to_owned()));
///     let oslo = arize_runtime::spawn(search("Oslo".to_owned()));
///     Ok(rome.await? + oslo.await?)
/// }
/// ```
///
/// Tasks that start in another way take the Context along with OpenTelemetry's own means:
/// `tokio::task::spawn_local(future.with_current_context())`
/// ([`FutureExt`](opentelemetry::context::FutureExt)), and where a closure runs elsewhere, as in `rayon`,
/// [`Context::current`] before it and [`Context::attach`] in it.
///
/// # Panics
/// As [`tokio::spawn`] does: where no Tokio runtime is.
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(future.with_current_context())
}

/// [`tokio::task::spawn_blocking`] with the current [`Context`], as [`spawn`] has it.
///
/// ```
/// # async fn in_a_handler() -> Result<(), tokio::task::JoinError> {
/// let sum = arize_runtime::spawn_blocking(|| (0..1000).sum::<u64>()).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Panics
/// As [`tokio::task::spawn_blocking`] does: where no Tokio runtime is.
#[track_caller]
pub fn spawn_blocking<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    tokio::task::spawn_blocking(in_current_context(f))
}

/// [`std::thread::spawn`] with the current [`Context`], as [`spawn`] has it.
///
/// ```
/// let thread = arize_runtime::spawn_thread(|| 6 * 7);
/// assert_eq!(thread.join().ok(), Some(42));
/// ```
///
/// # Panics
/// As [`std::thread::spawn`] does: where the system cannot make a thread.
pub fn spawn_thread<F, T>(f: F) -> thread::JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    thread::spawn(in_current_context(f))
}

/// [`spawn`] and [`spawn_blocking`] for the tasks of a [`JoinSet`].
///
/// ```
/// use arize_runtime::{JoinSetExt, tool};
/// use tokio::task::JoinSet;
///
/// #[tool]
/// async fn search(city: String) -> usize {
///     city.len()
/// }
///
/// async fn in_a_handler() -> usize {
///     let mut searches = JoinSet::new();
///     for city in ["Rome", "Oslo", "Lima"] {
///         searches.spawn_with_context(search(city.to_owned()));
///     }
///     searches.join_all().await.into_iter().sum()
/// }
/// ```
pub trait JoinSetExt<T> {
    /// [`JoinSet::spawn`] with the current [`Context`].
    ///
    /// # Panics
    /// As [`JoinSet::spawn`] does: where no Tokio runtime is.
    #[track_caller]
    fn spawn_with_context<F>(&mut self, future: F) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static;

    /// [`JoinSet::spawn_blocking`] with the current [`Context`].
    ///
    /// # Panics
    /// As [`JoinSet::spawn_blocking`] does: where no Tokio runtime is.
    #[track_caller]
    fn spawn_blocking_with_context<F>(&mut self, f: F) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static;
}

impl<T: Send + 'static> JoinSetExt<T> for JoinSet<T> {
    fn spawn_with_context<F>(&mut self, future: F) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
    {
        self.spawn(future.with_current_context())
    }

    fn spawn_blocking_with_context<F>(&mut self, f: F) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
    {
        self.spawn_blocking(in_current_context(f))
    }
}

/// `f`, to be called inside the Context that is current now.
fn in_current_context<T>(f: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let context = Context::current();
    move || {
        let _guard = context.attach();
        f()
    }
}
