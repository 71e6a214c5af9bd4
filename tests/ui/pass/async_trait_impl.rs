//! Methods under `#[async_trait]`, which makes them functions that return boxed futures.

use arize_runtime::testing::capture;
use arize_runtime::tool;
use async_trait::async_trait;

#[async_trait]
trait Search: Send + Sync {
    async fn find(&self, query: &str, (low, high): (u32, u32)) -> Result<u32, std::fmt::Error>;

    #[tool]
    async fn provided(&self, query: String) -> usize {
        self.find(&query, (1, 2)).await.map_or(0, |_| query.len())
    }
}

struct Web;

#[async_trait]
impl Search for Web {
    #[tool]
    async fn find(&self, query: &str, (low, high): (u32, u32)) -> Result<u32, std::fmt::Error> {
        tokio::task::yield_now().await;
        if query.is_empty() {
            return Err(std::fmt::Error);
        }
        Ok(low + high)
    }
}

#[async_trait(?Send)]
trait Local {
    async fn here(&self) -> u32;
}

#[async_trait(?Send)]
impl Local for std::rc::Rc<u32> {
    #[tool]
    async fn here(&self) -> u32 {
        tokio::task::yield_now().await;
        **self
    }
}

#[tokio::test]
async fn it_is_traced() {
    let capture = capture();
    let search: Box<dyn Search> = Box::new(Web);
    let future = search.provided("rust".to_owned()); // starts nothing yet
    assert!(capture.spans().is_empty());
    assert_eq!(capture.scope(future).await, 4);
    assert!(capture.scope(search.find("", (0, 0))).await.is_err());
    assert_eq!(capture.scope(std::rc::Rc::new(7).here()).await, 7);
    capture.assert_tree(
        "
        provided [TOOL]
        └─ find [TOOL]
        find [TOOL]  ERROR Error: an error occurred when formatting an argument
        here [TOOL]
        ",
    );
    assert_eq!(
        capture.span("provided").input(),
        Some(r#"{"query":"rust"}"#)
    );
    assert_eq!(capture.span("provided").output(), Some("4"));
}
