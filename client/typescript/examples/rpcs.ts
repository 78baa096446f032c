// Every call of the contract once, as short as it can be: `node dist/examples/rpcs.js 127.0.0.1:50051`.
//
// It needs a server that takes everybody for an administrator, as `genesis serve` does on this machine. Prints `ok` and the name of each
// method; stops with the first error. docs/examples.md is made from what stands between the marks.
import { create } from "@bufbuild/protobuf";
import { FlagContextSchema } from "../src/gen/genesis/v1/flags_pb.js";
import type { Plan } from "../src/gen/genesis/v1/plan_pb.js";
import { ExplanationLevel } from "../src/gen/genesis/v1/routing_pb.js";
import { WorkRequestSchema, type WorkRequest } from "../src/gen/genesis/v1/agent_service_pb.js";
import { DecisionKind } from "../src/gen/genesis/v1/decision_pb.js";
import { connect, GenesisError, json } from "../src/index.js";

const client = connect(process.argv[2] ?? "127.0.0.1:50051");
let plan: Plan | undefined;
let planId = "";
let decisionId = "";
let sessionId = "";
let rulebook = "";
let flagVersion = 0n;

function ok(method: string): void {
  console.log("ok", method);
}

async function orchestrator(): Promise<void> {
  {
    // example: genesis.v1.OrchestratorService/Health
    const { components } = await client.orchestrator.health({});
    for (const { name, status, message } of components) console.log(name, status, message);
    // end
    ok("genesis.v1.OrchestratorService/Health");
  }
  {
    // example: genesis.v1.OrchestratorService/Plan
    const goal = "Run the tests, and if they pass email the customers, otherwise fix the code";
    const answer = await client.orchestrator.plan({ goal });
    for (const task of answer.plan?.tasks ?? []) console.log(task.id, task.goal);
    // end
    plan = answer.plan;
    planId = plan?.id ?? "";
    ok("genesis.v1.OrchestratorService/Plan");
  }
  {
    // example: genesis.v1.OrchestratorService/PlanStream
    for await (const { event } of client.orchestrator.planStream({
      plan: { goal: "Translate the manual, then print it" },
    })) {
      if (event.case === "progress") console.log(event.value.message);
      if (event.case === "result") console.log(event.value.plan?.id);
    }
    // end
    ok("genesis.v1.OrchestratorService/PlanStream");
  }
  {
    // example: genesis.v1.OrchestratorService/Route
    const { routes } = await client.orchestrator.route({
      source: { case: "planId", value: planId },
      constraints: { budget: { currencyCode: "USD", nanos: 500_000_000 } },
      explanation: ExplanationLevel.SUMMARY,
    });
    for (const { taskId, outcome } of routes) {
      if (outcome.case === "assignment") console.log(taskId, outcome.value.target?.id, outcome.value.reason);
    }
    // end
    ok("genesis.v1.OrchestratorService/Route");
  }
  {
    if (plan === undefined) throw new Error("no plan");
    // example: genesis.v1.OrchestratorService/Validate
    const { verdict } = await client.orchestrator.validate({ source: { case: "plan", value: plan } });
    console.log("passed:", verdict?.passed);
    for (const finding of verdict?.findings ?? []) console.log(finding.message);
    // end
    ok("genesis.v1.OrchestratorService/Validate");
  }
  {
    // example: genesis.v1.OrchestratorService/Orchestrate
    const answer = await client.orchestrator.orchestrate({
      goal: "Run the tests, and if they pass email the customers, otherwise fix the code",
      constraints: { budget: { currencyCode: "USD", nanos: 500_000_000 }, deadline: { seconds: 28_800n } },
    });
    for (const { taskId, outcome } of answer.routes) {
      if (outcome.case === "assignment") console.log(taskId, outcome.value.target?.id, outcome.value.reason);
    }
    console.log("passed:", answer.verdict?.passed);
    // end
    plan = answer.plan;
    planId = plan?.id ?? "";
    ok("genesis.v1.OrchestratorService/Orchestrate");
  }
  {
    // example: genesis.v1.OrchestratorService/GetPlan
    try {
      const stored = await client.orchestrator.getPlan({ planId });
      console.log(stored.plan?.goal, "is at version", stored.plan?.version);
    } catch (error) {
      if (!(error instanceof GenesisError)) throw error;
      console.log(error.reason, error.message);
    }
    // end
    ok("genesis.v1.OrchestratorService/GetPlan");
  }
  {
    // example: genesis.v1.OrchestratorService/ListPlans
    let pageToken = "";
    do {
      const page = await client.orchestrator.listPlans({ pageToken });
      for (const { id, taskCount, goal } of page.plans) console.log(id, taskCount, goal);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    // end
    ok("genesis.v1.OrchestratorService/ListPlans");
  }
  {
    // example: genesis.v1.OrchestratorService/WatchPlan
    const stop = new AbortController();
    for await (const news of client.orchestrator.watchPlan({ planId }, { signal: stop.signal, timeoutMs: 30_000 })) {
      console.log(news.version, news.event);
      break;
    }
    stop.abort(); // ends the stream
    // end
    ok("genesis.v1.OrchestratorService/WatchPlan");
  }
  const [first, second] = plan?.tasks.map((task) => task.id) ?? [];
  if (first === undefined || second === undefined) throw new Error("no tasks");
  {
    // example: genesis.v1.OrchestratorService/UpdatePlan
    const answer = await client.orchestrator.updatePlan({
      planId,
      event: { case: "done", value: { taskId: first } },
    });
    console.log("version", answer.version, "ready now:", answer.readyTaskIds);
    // end
    ok("genesis.v1.OrchestratorService/UpdatePlan");
  }
  {
    // example: genesis.v1.OrchestratorService/Report
    // Work that was done elsewhere; workers report under their lease.
    await client.orchestrator.report({
      planId,
      taskId: second,
      agentId: "newsletter-tool",
      outcome: { case: "done", value: {} },
      usage: { cost: { currencyCode: "USD", nanos: 20_000_000 } },
    });
    // end
    ok("genesis.v1.OrchestratorService/Report");
  }
  {
    // example: genesis.v1.OrchestratorService/ListDecisions
    const { decisions } = await client.orchestrator.listDecisions({ planId, kind: DecisionKind.ROUTE });
    for (const decision of decisions) console.log(decision.id, decision.goal);
    // end
    decisionId = decisions[0]?.id ?? "";
    ok("genesis.v1.OrchestratorService/ListDecisions");
  }
  {
    // example: genesis.v1.OrchestratorService/GetDecision
    const { replay } = await client.orchestrator.getDecision({
      decisionId,
      replay: true,
      explanation: ExplanationLevel.FULL,
    });
    console.log("the same again:", replay?.same);
    // end
    ok("genesis.v1.OrchestratorService/GetDecision");
  }
  {
    // example: genesis.v1.OrchestratorService/Flag
    const { flags } = await client.orchestrator.flag({
      keys: ["orchestration_enabled"],
      context: { targetingKey: "run-17", attributes: { region: "eu" } },
    });
    for (const { value, variant, source } of flags) console.log(value && json(value), variant, source);
    // end
    ok("genesis.v1.OrchestratorService/Flag");
  }
}

async function agents(): Promise<void> {
  {
    // example: genesis.v1.AgentService/Register
    const card = { id: "example-writer", skills: [{ id: "docs.write", description: "Write release notes" }] };
    const joined = await client.agents.register({ card });
    console.log("session", joined.sessionId, "alive every", joined.heartbeatInterval?.seconds, "s");
    // end
    sessionId = joined.sessionId;
    ok("genesis.v1.AgentService/Register");
  }
  {
    // example: genesis.v1.AgentService/Heartbeat
    const { leaseDuration } = await client.agents.heartbeat({ sessionId, load: 0.2 });
    console.log("leases hold for", leaseDuration?.seconds, "s");
    // end
    ok("genesis.v1.AgentService/Heartbeat");
  }
  await client.orchestrator.orchestrate({ goal: "Write release notes", dispatch: {} });
  {
    // example: genesis.v1.AgentService/Work
    // Worker does all of this, and what can go wrong, by itself.
    const stop = new AbortController();
    async function* say(): AsyncIterable<WorkRequest> {
      yield create(WorkRequestSchema, { message: { case: "open", value: { sessionId, slots: 1 } } });
      await new Promise((resolve) => stop.signal.addEventListener("abort", resolve));
    }
    for await (const { message } of client.agents.work(say(), { signal: stop.signal })) {
      if (message.case !== "assignment") continue;
      const { planId, task, lease } = message.value;
      const outputs = [
        {
          name: "notes",
          content: {
            case: "value" as const,
            value: { kind: { case: "stringValue" as const, value: "# 1.0" } },
          },
        },
      ];
      await client.orchestrator.report({
        planId,
        taskId: task?.id ?? "",
        ...(lease && { lease }),
        outcome: { case: "done", value: { outputs } },
      });
      break;
    }
    stop.abort();
    // end
    ok("genesis.v1.AgentService/Work");
  }
  {
    // example: genesis.v1.AgentService/List
    const { agents } = await client.agents.list({ skillId: "docs.write" });
    for (const { card, workers } of agents) console.log(card?.id, workers.length);
    // end
    ok("genesis.v1.AgentService/List");
  }
  {
    // example: genesis.v1.AgentService/Deregister
    await client.agents.deregister({ sessionId }); // what the worker held goes to others
    // end
    ok("genesis.v1.AgentService/Deregister");
  }
}

async function policy(): Promise<void> {
  {
    // example: genesis.admin.v1.PolicyService/GetRulebook
    const { version, ruleCount, text } = await client.policy.getRulebook({});
    console.log(version, "has", ruleCount, "rules");
    // end
    rulebook = text;
    ok("genesis.admin.v1.PolicyService/GetRulebook");
  }
  {
    // example: genesis.admin.v1.PolicyService/LintRulebook
    const { valid, findings } = await client.policy.lintRulebook({ text: rulebook });
    console.log("valid:", valid);
    for (const { line, message } of findings) console.log(`line ${line}: ${message}`);
    // end
    ok("genesis.admin.v1.PolicyService/LintRulebook");
  }
  {
    // example: genesis.admin.v1.PolicyService/PreviewRulebook
    const { changes } = await client.policy.previewRulebook({ rulebook: { case: "text", value: rulebook } });
    for (const { taskId, before, after, text } of changes) console.log(taskId, before?.id, "->", after?.id, text);
    // end
    ok("genesis.admin.v1.PolicyService/PreviewRulebook");
  }
  {
    // example: genesis.admin.v1.PolicyService/ActivateRulebook
    const { change } = await client.policy.activateRulebook({
      rulebook: { case: "text", value: rulebook },
      cause: "the one we reviewed today",
    });
    console.log(change?.fromVersion, "->", change?.toVersion);
    // end
    ok("genesis.admin.v1.PolicyService/ActivateRulebook");
  }
  {
    // example: genesis.admin.v1.PolicyService/ListRulebookChanges
    const { changes } = await client.policy.listRulebookChanges({});
    for (const { sequence, actor, toVersion, cause } of changes) console.log(sequence, actor, toVersion, cause);
    // end
    ok("genesis.admin.v1.PolicyService/ListRulebookChanges");
  }
  {
    // example: genesis.admin.v1.PolicyService/ListBreakers
    const { breakers } = await client.policy.listBreakers({});
    for (const { agentId, state, reason } of breakers) console.log(agentId, state, reason);
    // end
    ok("genesis.admin.v1.PolicyService/ListBreakers");
  }
  {
    // example: genesis.admin.v1.PolicyService/ResetBreaker
    const { breaker } = await client.policy.resetBreaker({
      agentId: "example-writer",
      cause: "its disk was replaced",
    });
    console.log("failures now:", breaker?.failures);
    // end
    ok("genesis.admin.v1.PolicyService/ResetBreaker");
  }
  {
    // example: genesis.admin.v1.PolicyService/ListSecurityEvents
    const { events } = await client.policy.listSecurityEvents({});
    for (const { kind, actor, message } of events) console.log(kind, actor, message);
    // end
    ok("genesis.admin.v1.PolicyService/ListSecurityEvents");
  }
}

async function flags(): Promise<void> {
  {
    // example: genesis.admin.v1.FlagAdminService/PutFlag
    const definition = {
      state: "ENABLED",
      variants: { on: true, off: false },
      defaultVariant: "off",
      targeting: { fractional: [["on", 10], ["off", 90]] }, // prettier-ignore
    };
    const { change } = await client.flags.putFlag({
      key: "new-checkout",
      definitionJson: JSON.stringify(definition),
      cause: "try it on a tenth",
    });
    console.log("version", change?.version);
    // end
    flagVersion = change?.version ?? 0n;
    ok("genesis.admin.v1.FlagAdminService/PutFlag");
  }
  {
    // example: genesis.admin.v1.FlagAdminService/GetFlag
    const { flag } = await client.flags.getFlag({ key: "new-checkout" });
    console.log(flag?.version, flag?.definitionJson);
    // end
    ok("genesis.admin.v1.FlagAdminService/GetFlag");
  }
  {
    // example: genesis.admin.v1.FlagAdminService/ListFlags
    const { flags } = await client.flags.listFlags({});
    for (const { key, layer, description } of flags) console.log(key, layer, description);
    // end
    ok("genesis.admin.v1.FlagAdminService/ListFlags");
  }
  {
    // example: genesis.admin.v1.FlagAdminService/PreviewFlag
    const answer = await client.flags.previewFlag({
      key: "new-checkout",
      change: { case: "percent", value: 50 },
      contexts: [create(FlagContextSchema, { targetingKey: "ann" })],
    });
    console.log(answer.diff);
    console.log(answer.movedShare, "would get another variant");
    // end
    ok("genesis.admin.v1.FlagAdminService/PreviewFlag");
  }
  {
    // example: genesis.admin.v1.FlagAdminService/SetFlagWeight
    const cause = "a day without complaints";
    await client.flags.setFlagWeight({ key: "new-checkout", percent: 50, cause, expectedVersion: flagVersion });
    // end
    ok("genesis.admin.v1.FlagAdminService/SetFlagWeight");
  }
  {
    // example: genesis.admin.v1.FlagAdminService/DisableFlag
    await client.flags.disableFlag({ key: "new-checkout", cause: "complaints" });
    // end
    ok("genesis.admin.v1.FlagAdminService/DisableFlag");
  }
  {
    // example: genesis.admin.v1.FlagAdminService/EnableFlag
    await client.flags.enableFlag({ key: "new-checkout", cause: "it was something else" });
    // end
    ok("genesis.admin.v1.FlagAdminService/EnableFlag");
  }
  {
    // example: genesis.admin.v1.FlagAdminService/DeleteFlag
    await client.flags.deleteFlag({ key: "new-checkout", cause: "it is the checkout now" });
    // end
    ok("genesis.admin.v1.FlagAdminService/DeleteFlag");
  }
  {
    // example: genesis.admin.v1.FlagAdminService/SetEmergencyFlag
    await client.flags.setEmergencyFlag({ key: "maintenance_mode", cause: "the disk is moved" });
    // end
    ok("genesis.admin.v1.FlagAdminService/SetEmergencyFlag");
  }
  {
    // example: genesis.admin.v1.FlagAdminService/ClearEmergencyFlag
    await client.flags.clearEmergencyFlag({ key: "maintenance_mode", cause: "the disk was moved" });
    // end
    ok("genesis.admin.v1.FlagAdminService/ClearEmergencyFlag");
  }
  {
    // example: genesis.admin.v1.FlagAdminService/ListAuditEntries
    const { entries } = await client.flags.listAuditEntries({ key: "new-checkout", oldestFirst: true });
    for (const { sequence, actor, action, cause } of entries) console.log(sequence, actor, action, cause);
    // end
    ok("genesis.admin.v1.FlagAdminService/ListAuditEntries");
  }
}

{
  // example: grpc.health.v1.Health/Check
  console.log("ready:", (await client.health("readiness")) === "SERVING");
  // end
  ok("grpc.health.v1.Health/Check");
}
await orchestrator();
await agents();
await policy();
await flags();
{
  // example: genesis.v1.OrchestratorService/DeletePlan
  await client.orchestrator.deletePlan({ planId });
  // end
  ok("genesis.v1.OrchestratorService/DeletePlan");
}
client.close();
