//! The stubs by the names of their methods. Messages come and go as bytes.

use genesis_client::v1::WorkRequest;
use genesis_client::{Client, Error, Request, Streaming};
use prost::Message;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;

use crate::Fault;

/// What comes on a stream, until it ends.
pub type Messages = mpsc::UnboundedReceiver<Result<Vec<u8>, Error>>;

macro_rules! by_name {
    ($name:expr, $client:expr, $request:expr, $answer:ident => $use:expr, {
        $($service:literal: $stub:ident { $($method:literal: $function:ident),* $(,)? })*
    }) => {
        match $name {
            $($(concat!($service, "/", $method) => {
                let $answer = $client.$stub().$function(typed($request)?).await;
                $use
            })*)*
            other => return Err(format!("the driver has no stub for {other}").into()),
        }
    };
}

/// Call a method with one answer.
pub async fn unary(client: &Client, name: &str, request: Request<Vec<u8>>) -> Result<Result<Vec<u8>, Error>, Fault> {
    Ok(by_name!(name, client, request, answer => answer.map(|answer| answer.into_inner().encode_to_vec()).map_err(Error::from), {
        "genesis.v1.OrchestratorService": orchestrator {
            "Plan": plan, "Route": route, "Validate": validate, "Orchestrate": orchestrate, "GetPlan": get_plan,
            "ListPlans": list_plans, "DeletePlan": delete_plan, "UpdatePlan": update_plan, "Report": report,
            "GetDecision": get_decision, "ListDecisions": list_decisions, "Flag": flag, "Health": health,
        }
        "genesis.v1.AgentService": agents { "Register": register, "Heartbeat": heartbeat, "Deregister": deregister, "List": list }
        "genesis.admin.v1.PolicyService": policy {
            "GetRulebook": get_rulebook, "LintRulebook": lint_rulebook, "PreviewRulebook": preview_rulebook,
            "ActivateRulebook": activate_rulebook, "ListRulebookChanges": list_rulebook_changes,
            "ListBreakers": list_breakers, "ResetBreaker": reset_breaker, "ListSecurityEvents": list_security_events,
        }
        "genesis.admin.v1.FlagAdminService": flags {
            "GetFlag": get_flag, "ListFlags": list_flags, "PutFlag": put_flag, "DeleteFlag": delete_flag,
            "SetFlagWeight": set_flag_weight, "EnableFlag": enable_flag, "DisableFlag": disable_flag,
            "PreviewFlag": preview_flag, "SetEmergencyFlag": set_emergency_flag, "ClearEmergencyFlag": clear_emergency_flag,
            "ListAuditEntries": list_audit_entries,
        }
        "grpc.health.v1.Health": health_service { "Check": check, "List": list }
    }))
}

/// Call a method with a stream of answers.
pub async fn stream(client: &Client, name: &str, request: Request<Vec<u8>>) -> Result<Result<Messages, Error>, Fault> {
    Ok(by_name!(name, client, request, answer => answer.map(|answer| passed_on(answer.into_inner())).map_err(Error::from), {
        "genesis.v1.OrchestratorService": orchestrator { "PlanStream": plan_stream, "WatchPlan": watch_plan }
        "grpc.health.v1.Health": health_service { "Watch": watch }
    }))
}

/// Open a stream of work: what to say on it, and what comes.
pub fn work(client: &Client, options: Request<()>) -> (mpsc::UnboundedSender<WorkRequest>, Messages) {
    let (sender, sent) = mpsc::unbounded_channel();
    let (news, messages) = mpsc::unbounded_channel();
    let mut agents = client.agents();
    tokio::spawn(async move {
        // The head of the answer may come with the first message only, which may be an answer to the second one sent.
        match agents.work(options.map(|()| UnboundedReceiverStream::new(sent))).await {
            Ok(answer) => pass_on(answer.into_inner(), news).await,
            // Whoever reads it may be gone.
            Err(status) => drop(news.send(Err(status.into()))),
        }
    });
    (sender, messages)
}

/// A message from its bytes.
pub fn decoded<M: Message + Default>(bytes: &[u8]) -> Result<M, Fault> {
    Ok(M::decode(bytes)?)
}

fn typed<M: Message + Default>(request: Request<Vec<u8>>) -> Result<Request<M>, Fault> {
    let (metadata, extensions, bytes) = request.into_parts();
    Ok(Request::from_parts(metadata, extensions, decoded(&bytes)?))
}

fn passed_on<M: Message + Default + 'static>(answers: Streaming<M>) -> Messages {
    let (news, messages) = mpsc::unbounded_channel();
    tokio::spawn(pass_on(answers, news));
    messages
}

/// Tell what comes until nobody listens any more, which cancels the stream.
async fn pass_on<M: Message>(mut answers: Streaming<M>, news: mpsc::UnboundedSender<Result<Vec<u8>, Error>>) {
    loop {
        let told = tokio::select! {
            () = news.closed() => return,
            answer = answers.message() => match answer {
                Ok(Some(message)) => news.send(Ok(message.encode_to_vec())),
                Ok(None) => return,
                Err(status) => {
                    drop(news.send(Err(status.into())));
                    return;
                }
            },
        };
        if told.is_err() {
            return;
        }
    }
}
