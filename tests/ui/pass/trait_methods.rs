//! Methods of traits: provided ones, and those of an impl, sync and natively async.

use arize_runtime::testing::capture;
use arize_runtime::tool;

trait Search {
    fn name(&self) -> String;

    #[tool]
    fn provided(&self, query: &str) -> String {
        format!("{} for {query}", self.name())
    }

    fn later(&self, query: &str) -> impl Future<Output = String> + Send;
}

struct Web;

impl Search for Web {
    #[tool]
    fn name(&self) -> String {
        "web".to_owned()
    }

    #[tool]
    async fn later(&self, query: &str) -> String {
        tokio::task::yield_now().await;
        self.provided(query)
    }
}

async fn over<S: Search + Sync>(search: &S) -> String {
    search.later("rust").await
}

#[tokio::test]
async fn it_is_traced() {
    let capture = capture();
    assert_eq!(capture.scope(over(&Web)).await, "web for rust");
    capture.assert_tree(
        "
        later [TOOL]
        └─ provided [TOOL]
           └─ name [TOOL]
        ",
    );
}
