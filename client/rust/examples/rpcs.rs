//! Every call of the contract once, as short as it can be: `cargo run --example rpcs 127.0.0.1:50051`.
//!
//! It needs a server that takes everybody for an administrator, as `genesis serve` does on this machine. Prints `ok` and the name of each
//! method; stops with the first error. docs/examples.md is made from what stands between the marks.

use std::process::ExitCode;

use genesis_client::v1::{self, task_route, work_request, work_response};
use genesis_client::{Client, Code, Error, Options, admin, connect, values};
use serde_json::json;

/// What later examples take from earlier ones.
#[derive(Default)]
struct Story {
    plan: v1::Plan,
    decision_id: String,
    rulebook: String,
    session_id: String,
    flag_version: u64,
}

type Done = Result<(), Error>;

async fn check(client: &Client, _: &mut Story) -> Done {
    // example: grpc.health.v1.Health/Check
    let status = client.health("readiness").await?;
    println!("ready: {}", status.as_str_name());
    // end
    Ok(())
}

async fn health(client: &Client, _: &mut Story) -> Done {
    // example: genesis.v1.OrchestratorService/Health
    let answer = client.orchestrator().health(v1::HealthRequest {}).await?.into_inner();
    for component in &answer.components {
        println!("{} {} {}", component.name, component.status().as_str_name(), component.message);
    }
    // end
    Ok(())
}

async fn plan(client: &Client, story: &mut Story) -> Done {
    // example: genesis.v1.OrchestratorService/Plan
    let goal = "Run the tests, and if they pass email the customers, otherwise fix the code".to_owned();
    let answer = client.orchestrator().plan(v1::PlanRequest { goal, ..Default::default() }).await?.into_inner();
    let plan = answer.plan.unwrap_or_default();
    for task in &plan.tasks {
        println!("{} {}", task.id, task.goal);
    }
    // end
    story.plan = plan;
    Ok(())
}

async fn plan_stream(client: &Client, _: &mut Story) -> Done {
    // example: genesis.v1.OrchestratorService/PlanStream
    use v1::plan_stream_response::Event;

    let plan = v1::PlanRequest { goal: "Translate the manual, then print it".into(), ..Default::default() };
    let mut events = client.orchestrator().plan_stream(v1::PlanStreamRequest { plan: Some(plan) }).await?.into_inner();
    while let Some(message) = events.message().await? {
        match message.event {
            Some(Event::Progress(progress)) => println!("{}", progress.message),
            Some(Event::Result(result)) => println!("{}", result.plan.unwrap_or_default().id),
            None => {}
        }
    }
    // end
    Ok(())
}

async fn route(client: &Client, story: &mut Story) -> Done {
    let plan = &story.plan;
    // example: genesis.v1.OrchestratorService/Route
    let budget = v1::Money { currency_code: "USD".into(), units: 0, nanos: 500_000_000 };
    let request = v1::RouteRequest {
        source: Some(v1::route_request::Source::PlanId(plan.id.clone())),
        constraints: Some(v1::RoutingConstraints { budget: Some(budget), ..Default::default() }),
        ..Default::default()
    };
    for route in client.orchestrator().route(request).await?.into_inner().routes {
        if let Some(task_route::Outcome::Assignment(found)) = route.outcome {
            println!("{} {} {}", route.task_id, found.target.unwrap_or_default().id, found.reason);
        }
    }
    // end
    Ok(())
}

async fn validate(client: &Client, story: &mut Story) -> Done {
    let plan = &story.plan;
    // example: genesis.v1.OrchestratorService/Validate
    let source = Some(v1::validate_request::Source::Plan(plan.clone()));
    let answer = client.orchestrator().validate(v1::ValidateRequest { source, ..Default::default() }).await?.into_inner();
    let verdict = answer.verdict.unwrap_or_default();
    println!("passed: {}", verdict.passed);
    for finding in &verdict.findings {
        println!("{}", finding.message);
    }
    // end
    Ok(())
}

async fn orchestrate(client: &Client, story: &mut Story) -> Done {
    // example: genesis.v1.OrchestratorService/Orchestrate
    let goal = "Run the tests, and if they pass email the customers, otherwise fix the code".to_owned();
    let request = v1::OrchestrateRequest { goal, ..Default::default() };
    let answer = client.orchestrator().orchestrate(request).await?.into_inner();
    for route in &answer.routes {
        if let Some(task_route::Outcome::Assignment(found)) = &route.outcome {
            println!("{} {}", route.task_id, found.reason);
        }
    }
    println!("passed: {}", answer.verdict.is_some_and(|verdict| verdict.passed));
    // end
    story.plan = answer.plan.unwrap_or_default();
    Ok(())
}

async fn get_plan(client: &Client, story: &mut Story) -> Done {
    let plan = &story.plan;
    // example: genesis.v1.OrchestratorService/GetPlan
    let request = v1::GetPlanRequest { plan_id: plan.id.clone(), ..Default::default() };
    match client.orchestrator().get_plan(request).await.map_err(Error::from) {
        Ok(answer) => {
            let stored = answer.into_inner().plan.unwrap_or_default();
            println!("{} is at version {}", stored.goal, stored.version);
        }
        Err(error) if error.code == Code::NotFound => println!("{} {}", error.reason, error.message),
        Err(error) => return Err(error),
    }
    // end
    Ok(())
}

async fn list_plans(client: &Client, _: &mut Story) -> Done {
    // example: genesis.v1.OrchestratorService/ListPlans
    let mut request = v1::ListPlansRequest::default();
    loop {
        let page = client.orchestrator().list_plans(request.clone()).await?.into_inner();
        for plan in &page.plans {
            println!("{} {} {}", plan.id, plan.task_count, plan.goal);
        }
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    // end
    Ok(())
}

async fn watch_plan(client: &Client, story: &mut Story) -> Done {
    let plan = &story.plan;
    // example: genesis.v1.OrchestratorService/WatchPlan
    let request = v1::WatchPlanRequest { plan_id: plan.id.clone(), after_version: plan.version - 1, include_runs: false };
    let mut news = client.orchestrator().watch_plan(request).await?.into_inner();
    if let Some(message) = news.message().await? {
        println!("{} {}", message.version, message.event);
    }
    drop(news); // ends the stream
    // end
    Ok(())
}

async fn update_plan(client: &Client, story: &mut Story) -> Done {
    let plan = &story.plan;
    // example: genesis.v1.OrchestratorService/UpdatePlan
    let done = v1::TaskDone { task_id: plan.tasks[0].id.clone(), outputs: None };
    let event = Some(v1::update_plan_request::Event::Done(done));
    let request = v1::UpdatePlanRequest { plan_id: plan.id.clone(), event, ..Default::default() };
    let answer = client.orchestrator().update_plan(request).await?.into_inner();
    println!("version {}, ready now: {:?}", answer.version, answer.ready_task_ids);
    // end
    Ok(())
}

async fn report(client: &Client, story: &mut Story) -> Done {
    let plan = &story.plan;
    // example: genesis.v1.OrchestratorService/Report
    // Work that was done elsewhere; workers report under their lease.
    let request = v1::ReportRequest {
        plan_id: plan.id.clone(),
        task_id: plan.tasks[1].id.clone(),
        agent_id: "newsletter-tool".into(),
        outcome: Some(v1::report_request::Outcome::Done(v1::ReportedDone::default())),
        usage: Some(v1::Usage { tokens: 900, ..Default::default() }),
        ..Default::default()
    };
    let answer = client.orchestrator().report(request).await?.into_inner();
    println!("version {}", answer.plan_version);
    // end
    Ok(())
}

async fn list_decisions(client: &Client, story: &mut Story) -> Done {
    let plan = &story.plan;
    // example: genesis.v1.OrchestratorService/ListDecisions
    let kind = v1::DecisionKind::Route.into();
    let request = v1::ListDecisionsRequest { plan_id: plan.id.clone(), kind, ..Default::default() };
    let page = client.orchestrator().list_decisions(request).await?.into_inner();
    for decision in &page.decisions {
        println!("{} {}", decision.id, decision.time.unwrap_or_default());
    }
    // end
    story.decision_id = page.decisions.into_iter().next().unwrap_or_default().id;
    Ok(())
}

async fn get_decision(client: &Client, story: &mut Story) -> Done {
    let decision_id = story.decision_id.clone();
    // example: genesis.v1.OrchestratorService/GetDecision
    let explanation = v1::ExplanationLevel::Full.into();
    let request = v1::GetDecisionRequest { decision_id, replay: true, explanation, ..Default::default() };
    let answer = client.orchestrator().get_decision(request).await?.into_inner();
    println!("the same again: {}", answer.replay.is_some_and(|replay| replay.same));
    // end
    Ok(())
}

async fn flag(client: &Client, _: &mut Story) -> Done {
    // example: genesis.v1.OrchestratorService/Flag
    let attributes = json!({"region": "eu"}).as_object().cloned().map(values::to_struct);
    let context = Some(v1::FlagContext { targeting_key: "run-17".into(), attributes });
    let request = v1::FlagRequest { keys: vec!["orchestration_enabled".into()], context, ..Default::default() };
    for flag in client.orchestrator().flag(request).await?.into_inner().flags {
        println!("{} {} {}", values::to_json(flag.value.unwrap_or_default()), flag.variant, flag.source);
    }
    // end
    Ok(())
}

async fn register(client: &Client, story: &mut Story) -> Done {
    // example: genesis.v1.AgentService/Register
    let skill = v1::Skill { id: "docs.write".into(), description: "Write release notes".into(), ..Default::default() };
    let card = v1::AgentCard { id: "example-writer".into(), skills: vec![skill], ..Default::default() };
    let request = v1::RegisterRequest { card: Some(card), ..Default::default() };
    let joined = client.agents().register(request).await?.into_inner();
    println!("session {}, alive every {}", joined.session_id, joined.heartbeat_interval.unwrap_or_default());
    // end
    story.session_id = joined.session_id;
    Ok(())
}

async fn heartbeat(client: &Client, story: &mut Story) -> Done {
    let session_id = story.session_id.clone();
    // example: genesis.v1.AgentService/Heartbeat
    let request = v1::HeartbeatRequest { session_id, load: 0.2, ..Default::default() };
    let answer = client.agents().heartbeat(request).await?.into_inner();
    println!("leases hold for {}", answer.lease_duration.unwrap_or_default());
    // end
    Ok(())
}

async fn work(client: &Client, story: &mut Story) -> Done {
    let session_id = story.session_id.clone();
    let dispatch = Some(v1::Dispatch::default());
    let request = v1::OrchestrateRequest { goal: "Write release notes".into(), dispatch, ..Default::default() };
    client.orchestrator().orchestrate(request).await?;
    // example: genesis.v1.AgentService/Work
    // genesis_client::Worker does all of this, and what can go wrong, by itself.
    let (say, said) = tokio::sync::mpsc::unbounded_channel();
    let say = |message| say.send(v1::WorkRequest { message: Some(message) }).ok();
    say(work_request::Message::Open(v1::WorkOpen { session_id, slots: 1, ..Default::default() }));
    let requests = tokio_stream::wrappers::UnboundedReceiverStream::new(said);
    let mut answers = client.agents().work(requests).await?.into_inner();
    while let Some(answer) = answers.message().await? {
        let Some(work_response::Message::Assignment(given)) = answer.message else { continue };
        let lease = given.lease.unwrap_or_default();
        say(work_request::Message::Acknowledge(v1::WorkAcknowledgement { lease_id: lease.lease_id.clone() }));
        let content = v1::artefact_value::Content::Value(values::to_proto(json!("# 1.0")));
        let notes = v1::ArtefactValue { name: "notes".into(), content: Some(content) };
        let report = v1::ReportRequest {
            plan_id: given.plan_id,
            task_id: given.task.unwrap_or_default().id,
            lease: Some(lease),
            outcome: Some(v1::report_request::Outcome::Done(v1::ReportedDone { outputs: vec![notes] })),
            ..Default::default()
        };
        client.orchestrator().report(report).await?;
        break;
    }
    // end
    Ok(())
}

async fn agents(client: &Client, _: &mut Story) -> Done {
    // example: genesis.v1.AgentService/List
    let request = v1::AgentServiceListRequest { skill_id: "docs.write".into(), ..Default::default() };
    for entry in client.agents().list(request).await?.into_inner().agents {
        println!("{} has {} workers", entry.card.unwrap_or_default().id, entry.workers.len());
    }
    // end
    Ok(())
}

async fn deregister(client: &Client, story: &mut Story) -> Done {
    let session_id = story.session_id.clone();
    // example: genesis.v1.AgentService/Deregister
    client.agents().deregister(v1::DeregisterRequest { session_id }).await?; // what the worker held goes to others
    // end
    Ok(())
}

async fn get_rulebook(client: &Client, story: &mut Story) -> Done {
    // example: genesis.admin.v1.PolicyService/GetRulebook
    let rulebook = client.policy().get_rulebook(admin::GetRulebookRequest::default()).await?.into_inner();
    println!("{} has {} rules", rulebook.version, rulebook.rule_count);
    // end
    story.rulebook = rulebook.text;
    Ok(())
}

async fn lint_rulebook(client: &Client, story: &mut Story) -> Done {
    let text = story.rulebook.clone();
    // example: genesis.admin.v1.PolicyService/LintRulebook
    let answer = client.policy().lint_rulebook(admin::LintRulebookRequest { text }).await?.into_inner();
    println!("valid: {}", answer.valid);
    for finding in &answer.findings {
        println!("line {}: {}", finding.line, finding.message);
    }
    // end
    Ok(())
}

async fn preview_rulebook(client: &Client, story: &mut Story) -> Done {
    let text = story.rulebook.clone();
    // example: genesis.admin.v1.PolicyService/PreviewRulebook
    let rulebook = Some(admin::preview_rulebook_request::Rulebook::Text(text));
    let request = admin::PreviewRulebookRequest { rulebook, ..Default::default() };
    for change in client.policy().preview_rulebook(request).await?.into_inner().changes {
        println!("{} {}", change.task_id, change.text);
    }
    // end
    Ok(())
}

async fn activate_rulebook(client: &Client, story: &mut Story) -> Done {
    let text = story.rulebook.clone();
    // example: genesis.admin.v1.PolicyService/ActivateRulebook
    let rulebook = Some(admin::activate_rulebook_request::Rulebook::Text(text));
    let request = admin::ActivateRulebookRequest { cause: "the one we reviewed today".into(), rulebook, ..Default::default() };
    let change = client.policy().activate_rulebook(request).await?.into_inner().change.unwrap_or_default();
    println!("{} -> {}", change.from_version, change.to_version);
    // end
    Ok(())
}

async fn rulebook_changes(client: &Client, _: &mut Story) -> Done {
    // example: genesis.admin.v1.PolicyService/ListRulebookChanges
    let request = admin::ListRulebookChangesRequest::default();
    for change in client.policy().list_rulebook_changes(request).await?.into_inner().changes {
        println!("{} {} {} {}", change.sequence, change.actor, change.to_version, change.cause);
    }
    // end
    Ok(())
}

async fn breakers(client: &Client, _: &mut Story) -> Done {
    // example: genesis.admin.v1.PolicyService/ListBreakers
    for breaker in client.policy().list_breakers(admin::ListBreakersRequest::default()).await?.into_inner().breakers {
        println!("{} {} {}", breaker.agent_id, breaker.state().as_str_name(), breaker.reason);
    }
    // end
    Ok(())
}

async fn reset_breaker(client: &Client, _: &mut Story) -> Done {
    // example: genesis.admin.v1.PolicyService/ResetBreaker
    let request =
        admin::ResetBreakerRequest { agent_id: "example-writer".into(), cause: "its disk was replaced".into(), ..Default::default() };
    let breaker = client.policy().reset_breaker(request).await?.into_inner().breaker.unwrap_or_default();
    println!("failures now: {}", breaker.failures);
    // end
    Ok(())
}

async fn security_events(client: &Client, _: &mut Story) -> Done {
    // example: genesis.admin.v1.PolicyService/ListSecurityEvents
    let request = admin::ListSecurityEventsRequest::default();
    for event in client.policy().list_security_events(request).await?.into_inner().events {
        println!("{} {} {} {}", event.time.unwrap_or_default(), event.kind, event.actor, event.message);
    }
    // end
    Ok(())
}

async fn put_flag(client: &Client, story: &mut Story) -> Done {
    // example: genesis.admin.v1.FlagAdminService/PutFlag
    let definition = json!({
        "state": "ENABLED",
        "variants": {"on": true, "off": false},
        "defaultVariant": "off",
        "targeting": {"fractional": [["on", 10], ["off", 90]]},
    });
    let (key, cause) = ("new-checkout".into(), "try it on a tenth".into());
    let request = admin::PutFlagRequest { key, definition_json: definition.to_string(), cause, ..Default::default() };
    let change = client.flags().put_flag(request).await?.into_inner().change.unwrap_or_default();
    println!("version {}", change.version);
    // end
    story.flag_version = change.version;
    Ok(())
}

async fn get_flag(client: &Client, _: &mut Story) -> Done {
    // example: genesis.admin.v1.FlagAdminService/GetFlag
    let answer = client.flags().get_flag(admin::GetFlagRequest { key: "new-checkout".into() }).await?.into_inner();
    let flag = answer.flag.unwrap_or_default();
    println!("{} {}", flag.version, flag.definition_json);
    // end
    Ok(())
}

async fn list_flags(client: &Client, _: &mut Story) -> Done {
    // example: genesis.admin.v1.FlagAdminService/ListFlags
    for flag in client.flags().list_flags(admin::ListFlagsRequest::default()).await?.into_inner().flags {
        println!("{} {} {}", flag.key, flag.layer().as_str_name(), flag.description);
    }
    // end
    Ok(())
}

async fn preview_flag(client: &Client, _: &mut Story) -> Done {
    // example: genesis.admin.v1.FlagAdminService/PreviewFlag
    let ann = v1::FlagContext { targeting_key: "ann".into(), ..Default::default() };
    let change = Some(admin::preview_flag_request::Change::Percent(50.0));
    let request = admin::PreviewFlagRequest { key: "new-checkout".into(), contexts: vec![ann], change };
    let answer = client.flags().preview_flag(request).await?.into_inner();
    println!("{}", answer.diff);
    println!("{:.0} % would get another variant", 100.0 * answer.moved_share());
    // end
    Ok(())
}

async fn set_flag_weight(client: &Client, story: &mut Story) -> Done {
    let version = story.flag_version;
    // example: genesis.admin.v1.FlagAdminService/SetFlagWeight
    let (key, cause) = ("new-checkout".into(), "a day without complaints".into());
    let request = admin::SetFlagWeightRequest { key, percent: 50.0, expected_version: Some(version), cause, ..Default::default() };
    client.flags().set_flag_weight(request).await?;
    // end
    Ok(())
}

async fn disable_flag(client: &Client, _: &mut Story) -> Done {
    // example: genesis.admin.v1.FlagAdminService/DisableFlag
    let (key, cause) = ("new-checkout".into(), "complaints".into());
    client.flags().disable_flag(admin::DisableFlagRequest { key, cause, ..Default::default() }).await?;
    // end
    Ok(())
}

async fn enable_flag(client: &Client, _: &mut Story) -> Done {
    // example: genesis.admin.v1.FlagAdminService/EnableFlag
    let (key, cause) = ("new-checkout".into(), "it was something else".into());
    client.flags().enable_flag(admin::EnableFlagRequest { key, cause, ..Default::default() }).await?;
    // end
    Ok(())
}

async fn delete_flag(client: &Client, _: &mut Story) -> Done {
    // example: genesis.admin.v1.FlagAdminService/DeleteFlag
    let (key, cause) = ("new-checkout".into(), "it is the checkout now".into());
    client.flags().delete_flag(admin::DeleteFlagRequest { key, cause, ..Default::default() }).await?;
    // end
    Ok(())
}

async fn set_emergency_flag(client: &Client, _: &mut Story) -> Done {
    // example: genesis.admin.v1.FlagAdminService/SetEmergencyFlag
    let (key, cause) = ("maintenance_mode".into(), "the disk is moved".into());
    client.flags().set_emergency_flag(admin::SetEmergencyFlagRequest { key, cause, ..Default::default() }).await?;
    // end
    Ok(())
}

async fn clear_emergency_flag(client: &Client, _: &mut Story) -> Done {
    // example: genesis.admin.v1.FlagAdminService/ClearEmergencyFlag
    let (key, cause) = ("maintenance_mode".into(), "the disk was moved".into());
    client.flags().clear_emergency_flag(admin::ClearEmergencyFlagRequest { key, cause, ..Default::default() }).await?;
    // end
    Ok(())
}

async fn audit_entries(client: &Client, _: &mut Story) -> Done {
    // example: genesis.admin.v1.FlagAdminService/ListAuditEntries
    let request = admin::ListAuditEntriesRequest { key: "new-checkout".into(), oldest_first: true, ..Default::default() };
    for entry in client.flags().list_audit_entries(request).await?.into_inner().entries {
        println!("{} {} {} {}", entry.sequence, entry.actor, entry.action, entry.cause);
    }
    // end
    Ok(())
}

async fn delete_plan(client: &Client, story: &mut Story) -> Done {
    let plan_id = story.plan.id.clone();
    // example: genesis.v1.OrchestratorService/DeletePlan
    client.orchestrator().delete_plan(v1::DeletePlanRequest { plan_id, ..Default::default() }).await?;
    // end
    Ok(())
}

macro_rules! run {
    ($client:expr, $story:expr, $($service:literal: { $($method:literal => $function:ident),* $(,)? })*) => {
        $($(
            $function($client, $story).await?;
            println!("ok {}/{}", $service, $method);
        )*)*
    };
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run_all().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run_all() -> Done {
    let target = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:50051".into());
    let client = &connect(&target, Options::default())?;
    let story = &mut Story::default();
    run! { client, story,
        "grpc.health.v1.Health": { "Check" => check }
        "genesis.v1.OrchestratorService": {
            "Health" => health, "Plan" => plan, "PlanStream" => plan_stream, "Route" => route, "Validate" => validate,
            "Orchestrate" => orchestrate, "GetPlan" => get_plan, "ListPlans" => list_plans, "WatchPlan" => watch_plan,
            "UpdatePlan" => update_plan, "Report" => report, "ListDecisions" => list_decisions, "GetDecision" => get_decision,
            "Flag" => flag,
        }
        "genesis.v1.AgentService": {
            "Register" => register, "Heartbeat" => heartbeat, "Work" => work, "List" => agents, "Deregister" => deregister,
        }
        "genesis.admin.v1.PolicyService": {
            "GetRulebook" => get_rulebook, "LintRulebook" => lint_rulebook, "PreviewRulebook" => preview_rulebook,
            "ActivateRulebook" => activate_rulebook, "ListRulebookChanges" => rulebook_changes, "ListBreakers" => breakers,
            "ResetBreaker" => reset_breaker, "ListSecurityEvents" => security_events,
        }
        "genesis.admin.v1.FlagAdminService": {
            "PutFlag" => put_flag, "GetFlag" => get_flag, "ListFlags" => list_flags, "PreviewFlag" => preview_flag,
            "SetFlagWeight" => set_flag_weight, "DisableFlag" => disable_flag, "EnableFlag" => enable_flag,
            "DeleteFlag" => delete_flag, "SetEmergencyFlag" => set_emergency_flag,
            "ClearEmergencyFlag" => clear_emergency_flag, "ListAuditEntries" => audit_entries,
        }
        "genesis.v1.OrchestratorService": { "DeletePlan" => delete_plan }
    }
    Ok(())
}
