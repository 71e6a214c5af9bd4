//! `self` in all its forms.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use arize_runtime::testing::capture;
use arize_runtime::tool;

#[derive(Clone)]
struct Counter {
    n: u32,
}

impl Counter {
    #[tool]
    fn of(n: u32) -> u32 {
        Self { n }.n
    }

    #[tool]
    fn shared(&self, by: u32) -> u32 {
        self.n + by
    }

    #[tool]
    fn mutable(&mut self, by: u32) -> &mut u32 {
        self.n += by;
        &mut self.n
    }

    #[tool]
    fn owned(self, by: u32) -> u32 {
        self.n + by
    }

    #[tool]
    fn owned_mut(mut self, by: u32) -> u32 {
        self.n += by;
        self.n
    }

    #[tool]
    fn boxed(self: Box<Self>) -> u32 {
        self.n
    }

    #[tool]
    fn counted(self: Rc<Self>) -> u32 {
        self.n
    }

    #[tool]
    async fn shared_across(self: Arc<Self>) -> u32 {
        tokio::task::yield_now().await;
        self.n
    }

    #[tool]
    async fn pinned(self: Pin<&mut Self>) -> u32 {
        tokio::task::yield_now().await;
        self.get_mut().n
    }

    #[tool(input = self.n)]
    async fn typed(&self) -> u32 {
        tokio::task::yield_now().await;
        self.n
    }
}

#[tokio::test]
async fn it_is_traced() {
    let capture = capture();
    let mut counter = Counter { n: 1 };
    let c = || counter.clone();
    let sync =
        || Counter::of(1) + c().shared(1) + c().owned(1) + c().owned_mut(1) + Box::new(c()).boxed();
    assert_eq!(capture.run(sync), 8);
    assert_eq!(capture.run(|| Rc::new(c()).counted()), 1);
    let later = async { Arc::new(c()).shared_across().await + c().typed().await };
    assert_eq!(capture.scope(later).await, 2);
    *capture.run(|| counter.mutable(1)) += 1;
    let pinned = Pin::new(&mut counter).pinned();
    assert_eq!(capture.scope(pinned).await, 3);
    assert_eq!(capture.spans().len(), 10);
    assert_eq!(capture.span("shared").input(), Some(r#"{"by":1}"#));
    assert_eq!(capture.span("mutable").output(), Some("2"));
    assert_eq!(capture.span("typed").input(), Some("1"));
}
