//! A worker: `cargo run --example worker`, with GENESIS_TARGET, GENESIS_AGENT_ID, GENESIS_SKILL and GENESIS_AGENT_KEY as you need them.

use std::env;

use genesis_client::v1::{Artefact, Skill};
use genesis_client::{Error, Options, TaskContext, Worker};
use serde_json::json;

fn setting(name: &str, default: &str) -> String {
    env::var(name).unwrap_or_else(|_| default.into())
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let agent = setting("GENESIS_AGENT_ID", "rust-greeter");
    let skill = Skill {
        id: setting("GENESIS_SKILL", "example.greet"),
        description: "Greet somebody".into(),
        outputs: vec![Artefact { name: "greeting".into(), r#type: "text".into() }],
        ..Default::default()
    };
    let mut options = Options::default();
    if let Ok(key) = env::var("GENESIS_AGENT_KEY") {
        options = options.agent_key(key, &agent);
    }
    let worker = Worker::new(agent).description("Greets, in Rust.").skill(skill, |task: TaskContext| async move {
        task.progress(0.5, "thinking of words");
        let goal = task.task.as_ref().map_or("", |task| &task.goal);
        Ok(json!({"greeting": format!("Hello from Rust, about: {goal}")}).into())
    });
    worker.run(&setting("GENESIS_TARGET", "127.0.0.1:50051"), options).await
}
