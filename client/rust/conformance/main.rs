//! Conformance driver: runs the scenarios of a file through the client, and prints what came of each as one line of JSON.

mod calls;
mod messages;
mod steps;

use std::error::Error;
use std::time::Duration;

use genesis_client::{Client, Options, connect};
use serde_json::{Value, json};

use messages::Contract;

type Fault = Box<dyn Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Fault> {
    let file = std::env::args().nth(1).ok_or("usage: conformance SCENARIOS.json")?;
    let scenarios: Value = serde_json::from_slice(&std::fs::read(file)?)?;
    let contract = Contract::new()?;
    for scenario in scenarios["scenarios"].as_array().ok_or("the file has no list of scenarios")? {
        let mut results = Vec::new();
        let ran = run(&contract, scenario, &mut results).await;
        let fault = ran.err().map(|fault| fault.to_string());
        println!("{}", json!({"scenario": scenario["name"], "steps": results, "fault": fault}));
    }
    Ok(())
}

async fn run(contract: &Contract, scenario: &Value, results: &mut Vec<Value>) -> Result<(), Fault> {
    let client = client(&scenario["connect"])?;
    let mut saved = serde_json::Map::new();
    for step in scenario["steps"].as_array().ok_or("the scenario has no list of steps")? {
        let step = messages::filled(step, &saved)?;
        let result = steps::run(contract, &client, &step).await?;
        if let Some(paths) = step["save"].as_object() {
            let from = if result["answer"].is_null() { &result } else { &result["answer"] };
            for (name, path) in paths {
                let path = path.as_str().ok_or("a path to save is no text")?;
                saved.insert(name.clone(), messages::at(from, path).ok_or_else(|| format!("there is no {path} to save"))?);
            }
        }
        results.push(result);
    }
    Ok(())
}

fn client(how: &Value) -> Result<Client, Fault> {
    let mut options = Options::default();
    if let Some(path) = how["ca_file"].as_str() {
        options = options.ca_file(path)?;
    }
    if let Some(token) = how["token"].as_str() {
        options = options.token(token);
    }
    if let Some(key) = how["agent_key"].as_str() {
        options = options.agent_key(key, how["agent"].as_str().unwrap_or_default());
    }
    if let Some(seconds) = how["timeout_seconds"].as_f64() {
        options = options.timeout(Duration::try_from_secs_f64(seconds)?);
    }
    Ok(connect(how["target"].as_str().ok_or("the scenario has no target")?, options)?)
}
