use arize_runtime::{chain, experiment_handler};

fn main() {
    #[chain]
    let number = 1;

    #[chain]
    println!("{number}");

    #[chain]
    drop(number);

    #[chain]
    {
        drop(number);
    }

    let closure = #[chain]
    || number;

    let moved = #[experiment_handler]
    async move || number;

    drop((closure, moved));
}
