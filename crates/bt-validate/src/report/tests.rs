#[path = "tests/synthetic.rs"]
mod synthetic;
