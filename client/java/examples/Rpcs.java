import com.google.protobuf.Duration;
import com.google.protobuf.Struct;
import dev.genesis.admin.v1.ActivateRulebookRequest;
import dev.genesis.admin.v1.AgentBreaker;
import dev.genesis.admin.v1.AuditEntry;
import dev.genesis.admin.v1.ClearEmergencyFlagRequest;
import dev.genesis.admin.v1.DecisionChange;
import dev.genesis.admin.v1.DeleteFlagRequest;
import dev.genesis.admin.v1.DisableFlagRequest;
import dev.genesis.admin.v1.EnableFlagRequest;
import dev.genesis.admin.v1.Flag;
import dev.genesis.admin.v1.GetFlagRequest;
import dev.genesis.admin.v1.GetRulebookRequest;
import dev.genesis.admin.v1.GetRulebookResponse;
import dev.genesis.admin.v1.LintRulebookRequest;
import dev.genesis.admin.v1.LintRulebookResponse;
import dev.genesis.admin.v1.ListAuditEntriesRequest;
import dev.genesis.admin.v1.ListBreakersRequest;
import dev.genesis.admin.v1.ListFlagsRequest;
import dev.genesis.admin.v1.ListRulebookChangesRequest;
import dev.genesis.admin.v1.ListRulebookChangesResponse;
import dev.genesis.admin.v1.ListSecurityEventsRequest;
import dev.genesis.admin.v1.ListSecurityEventsResponse;
import dev.genesis.admin.v1.PreviewFlagRequest;
import dev.genesis.admin.v1.PreviewFlagResponse;
import dev.genesis.admin.v1.PreviewRulebookRequest;
import dev.genesis.admin.v1.PreviewRulebookResponse;
import dev.genesis.admin.v1.PutFlagRequest;
import dev.genesis.admin.v1.ResetBreakerRequest;
import dev.genesis.admin.v1.RulebookChange;
import dev.genesis.admin.v1.RulebookFinding;
import dev.genesis.admin.v1.SecurityEvent;
import dev.genesis.admin.v1.SetEmergencyFlagRequest;
import dev.genesis.admin.v1.SetFlagWeightRequest;
import dev.genesis.client.GenesisClient;
import dev.genesis.client.GenesisException;
import dev.genesis.client.JsonValues;
import dev.genesis.v1.AgentCard;
import dev.genesis.v1.AgentEntry;
import dev.genesis.v1.AgentServiceGrpc;
import dev.genesis.v1.AgentServiceListRequest;
import dev.genesis.v1.AgentServiceListResponse;
import dev.genesis.v1.ArtefactValue;
import dev.genesis.v1.ComponentHealth;
import dev.genesis.v1.Decision;
import dev.genesis.v1.DecisionKind;
import dev.genesis.v1.DeletePlanRequest;
import dev.genesis.v1.DeregisterRequest;
import dev.genesis.v1.Dispatch;
import dev.genesis.v1.ExplanationLevel;
import dev.genesis.v1.Finding;
import dev.genesis.v1.FlagContext;
import dev.genesis.v1.FlagEvaluation;
import dev.genesis.v1.FlagRequest;
import dev.genesis.v1.GetDecisionRequest;
import dev.genesis.v1.GetPlanRequest;
import dev.genesis.v1.GetPlanResponse;
import dev.genesis.v1.HealthRequest;
import dev.genesis.v1.HealthResponse;
import dev.genesis.v1.HeartbeatRequest;
import dev.genesis.v1.HeartbeatResponse;
import dev.genesis.v1.ListDecisionsRequest;
import dev.genesis.v1.ListDecisionsResponse;
import dev.genesis.v1.ListPlansRequest;
import dev.genesis.v1.ListPlansResponse;
import dev.genesis.v1.Money;
import dev.genesis.v1.OrchestrateRequest;
import dev.genesis.v1.OrchestrateResponse;
import dev.genesis.v1.Plan;
import dev.genesis.v1.PlanRequest;
import dev.genesis.v1.PlanResponse;
import dev.genesis.v1.PlanStreamRequest;
import dev.genesis.v1.PlanStreamResponse;
import dev.genesis.v1.PlanSummary;
import dev.genesis.v1.RegisterRequest;
import dev.genesis.v1.RegisterResponse;
import dev.genesis.v1.ReportRequest;
import dev.genesis.v1.ReportedDone;
import dev.genesis.v1.RouteRequest;
import dev.genesis.v1.RoutingConstraints;
import dev.genesis.v1.Skill;
import dev.genesis.v1.Task;
import dev.genesis.v1.TaskDone;
import dev.genesis.v1.TaskRoute;
import dev.genesis.v1.UpdatePlanRequest;
import dev.genesis.v1.UpdatePlanResponse;
import dev.genesis.v1.Usage;
import dev.genesis.v1.ValidateRequest;
import dev.genesis.v1.Verdict;
import dev.genesis.v1.WatchPlanRequest;
import dev.genesis.v1.WatchPlanResponse;
import dev.genesis.v1.WorkAcknowledgement;
import dev.genesis.v1.WorkAssignment;
import dev.genesis.v1.WorkOpen;
import dev.genesis.v1.WorkRequest;
import dev.genesis.v1.WorkResponse;
import dev.genesis.v1.Worker;
import io.grpc.Context;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.stub.BlockingClientCall;
import java.time.Instant;
import java.util.Iterator;

/**
 * Every call of the contract once, as short as it can be, with the target as the argument: 127.0.0.1:50051.
 *
 * <p>It needs a server that takes everybody for an administrator, as {@code genesis serve} does on this machine. Prints {@code ok} and the
 * name of each method; stops with the first error. docs/examples.md is made from what stands between the marks.
 */
public final class Rpcs {
  private final GenesisClient genesis;
  private Plan plan;
  private String decisionId;
  private String sessionId;
  private String text;
  private long version;

  private Rpcs(GenesisClient genesis) {
    this.genesis = genesis;
  }

  /** Runs them all against the server that is named. */
  public static void main(String[] arguments) throws Exception {
    try (GenesisClient genesis = GenesisClient.connect(arguments[0])) {
      Rpcs rpcs = new Rpcs(genesis);
      did("grpc.health.v1.Health/Check", rpcs::check);
      did("genesis.v1.OrchestratorService/Health", rpcs::health);
      did("genesis.v1.OrchestratorService/Plan", rpcs::plan);
      did("genesis.v1.OrchestratorService/PlanStream", rpcs::planStream);
      did("genesis.v1.OrchestratorService/Route", rpcs::route);
      did("genesis.v1.OrchestratorService/Validate", rpcs::validate);
      did("genesis.v1.OrchestratorService/Orchestrate", rpcs::orchestrate);
      did("genesis.v1.OrchestratorService/GetPlan", rpcs::getPlan);
      did("genesis.v1.OrchestratorService/ListPlans", rpcs::listPlans);
      did("genesis.v1.OrchestratorService/WatchPlan", rpcs::watchPlan);
      did("genesis.v1.OrchestratorService/UpdatePlan", rpcs::updatePlan);
      did("genesis.v1.OrchestratorService/Report", rpcs::report);
      did("genesis.v1.OrchestratorService/ListDecisions", rpcs::listDecisions);
      did("genesis.v1.OrchestratorService/GetDecision", rpcs::getDecision);
      did("genesis.v1.OrchestratorService/Flag", rpcs::flag);
      did("genesis.v1.AgentService/Register", rpcs::register);
      did("genesis.v1.AgentService/Heartbeat", rpcs::heartbeat);
      did("genesis.v1.AgentService/Work", rpcs::work);
      did("genesis.v1.AgentService/List", rpcs::agents);
      did("genesis.v1.AgentService/Deregister", rpcs::deregister);
      did("genesis.admin.v1.PolicyService/GetRulebook", rpcs::getRulebook);
      did("genesis.admin.v1.PolicyService/LintRulebook", rpcs::lintRulebook);
      did("genesis.admin.v1.PolicyService/PreviewRulebook", rpcs::previewRulebook);
      did("genesis.admin.v1.PolicyService/ActivateRulebook", rpcs::activateRulebook);
      did("genesis.admin.v1.PolicyService/ListRulebookChanges", rpcs::listRulebookChanges);
      did("genesis.admin.v1.PolicyService/ListBreakers", rpcs::listBreakers);
      did("genesis.admin.v1.PolicyService/ResetBreaker", rpcs::resetBreaker);
      did("genesis.admin.v1.PolicyService/ListSecurityEvents", rpcs::listSecurityEvents);
      did("genesis.admin.v1.FlagAdminService/PutFlag", rpcs::putFlag);
      did("genesis.admin.v1.FlagAdminService/GetFlag", rpcs::getFlag);
      did("genesis.admin.v1.FlagAdminService/ListFlags", rpcs::listFlags);
      did("genesis.admin.v1.FlagAdminService/PreviewFlag", rpcs::previewFlag);
      did("genesis.admin.v1.FlagAdminService/SetFlagWeight", rpcs::setFlagWeight);
      did("genesis.admin.v1.FlagAdminService/DisableFlag", rpcs::disableFlag);
      did("genesis.admin.v1.FlagAdminService/EnableFlag", rpcs::enableFlag);
      did("genesis.admin.v1.FlagAdminService/DeleteFlag", rpcs::deleteFlag);
      did("genesis.admin.v1.FlagAdminService/SetEmergencyFlag", rpcs::setEmergencyFlag);
      did("genesis.admin.v1.FlagAdminService/ClearEmergencyFlag", rpcs::clearEmergencyFlag);
      did("genesis.admin.v1.FlagAdminService/ListAuditEntries", rpcs::listAuditEntries);
      did("genesis.v1.OrchestratorService/DeletePlan", rpcs::deletePlan);
    }
  }

  private interface Example {
    void run() throws Exception;
  }

  private static void did(String method, Example example) throws Exception {
    example.run();
    System.out.println("ok " + method);
  }

  private void check() {
    // example: grpc.health.v1.Health/Check
    ServingStatus status = genesis.health("readiness");
    System.out.println("ready: " + (status == ServingStatus.SERVING));
    // end
  }

  private void health() {
    // example: genesis.v1.OrchestratorService/Health
    HealthResponse answer = genesis.orchestrator().health(HealthRequest.getDefaultInstance());
    for (ComponentHealth component : answer.getComponentsList()) {
      System.out.println(component.getName() + " " + component.getStatus() + " " + component.getMessage());
    }
    // end
  }

  private void plan() {
    // example: genesis.v1.OrchestratorService/Plan
    PlanRequest request =
        PlanRequest.newBuilder().setGoal("Run the tests, and if they pass email the customers, otherwise fix the code").build();
    PlanResponse answer = genesis.orchestrator().plan(request);
    for (Task task : answer.getPlan().getTasksList()) {
      System.out.println(task.getId() + " " + task.getGoal());
    }
    // end
    plan = answer.getPlan();
  }

  private void planStream() {
    // example: genesis.v1.OrchestratorService/PlanStream
    PlanStreamRequest request =
        PlanStreamRequest.newBuilder().setPlan(PlanRequest.newBuilder().setGoal("Translate the manual, then print it")).build();
    for (Iterator<PlanStreamResponse> events = genesis.orchestrator().planStream(request); events.hasNext(); ) {
      PlanStreamResponse event = events.next();
      System.out.println(event.hasResult() ? event.getResult().getPlan().getId() : event.getProgress().getMessage());
    }
    // end
  }

  private void route() {
    // example: genesis.v1.OrchestratorService/Route
    Money budget = Money.newBuilder().setCurrencyCode("USD").setNanos(500_000_000).build();
    RouteRequest request =
        RouteRequest.newBuilder().setPlanId(plan.getId()).setConstraints(RoutingConstraints.newBuilder().setBudget(budget)).build();
    for (TaskRoute one : genesis.orchestrator().route(request).getRoutesList()) {
      System.out.println(one.getTaskId() + " " + one.getAssignment().getTarget().getId() + " " + one.getAssignment().getReason());
    }
    // end
  }

  private void validate() {
    // example: genesis.v1.OrchestratorService/Validate
    Verdict verdict = genesis.orchestrator().validate(ValidateRequest.newBuilder().setPlan(plan).build()).getVerdict();
    System.out.println("passed: " + verdict.getPassed());
    for (Finding finding : verdict.getFindingsList()) {
      System.out.println(finding.getMessage());
    }
    // end
  }

  private void orchestrate() {
    // example: genesis.v1.OrchestratorService/Orchestrate
    OrchestrateRequest request =
        OrchestrateRequest.newBuilder()
            .setGoal("Run the tests, and if they pass email the customers, otherwise fix the code")
            .setConstraints(RoutingConstraints.newBuilder().setDeadline(Duration.newBuilder().setSeconds(8 * 3600)))
            .build();
    OrchestrateResponse answer = genesis.orchestrator().orchestrate(request);
    for (TaskRoute route : answer.getRoutesList()) {
      System.out.println(route.getTaskId() + " " + route.getAssignment().getTarget().getId() + " " + route.getAssignment().getReason());
    }
    System.out.println("passed: " + answer.getVerdict().getPassed());
    // end
    plan = answer.getPlan();
  }

  private void getPlan() {
    // example: genesis.v1.OrchestratorService/GetPlan
    try {
      GetPlanResponse stored = genesis.orchestrator().getPlan(GetPlanRequest.newBuilder().setPlanId(plan.getId()).build());
      System.out.println(stored.getPlan().getGoal() + " is at version " + stored.getPlan().getVersion());
    } catch (StatusRuntimeException failed) {
      GenesisException error = GenesisException.of(failed);
      System.out.println(error.reason() + " " + error.getMessage());
    }
    // end
  }

  private void listPlans() {
    // example: genesis.v1.OrchestratorService/ListPlans
    String page = "";
    do {
      ListPlansResponse answer = genesis.orchestrator().listPlans(ListPlansRequest.newBuilder().setPageToken(page).build());
      for (PlanSummary summary : answer.getPlansList()) {
        System.out.println(summary.getId() + " " + summary.getTaskCount() + " " + summary.getGoal());
      }
      page = answer.getNextPageToken();
    } while (!page.isEmpty());
    // end
  }

  private void watchPlan() throws Exception {
    // example: genesis.v1.OrchestratorService/WatchPlan
    WatchPlanRequest request = WatchPlanRequest.newBuilder().setPlanId(plan.getId()).setAfterVersion(plan.getVersion() - 1).build();
    try (Context.CancellableContext watching = Context.current().withCancellation()) { // leaving it ends the stream
      WatchPlanResponse news = watching.call(() -> genesis.orchestrator().watchPlan(request).next());
      System.out.println(news.getVersion() + " " + news.getEvent());
    }
    // end
  }

  private void updatePlan() {
    // example: genesis.v1.OrchestratorService/UpdatePlan
    TaskDone done = TaskDone.newBuilder().setTaskId(plan.getTasks(0).getId()).build();
    UpdatePlanResponse answer =
        genesis.orchestrator().updatePlan(UpdatePlanRequest.newBuilder().setPlanId(plan.getId()).setDone(done).build());
    System.out.println("version " + answer.getVersion() + ", ready now: " + answer.getReadyTaskIdsList());
    // end
  }

  private void report() {
    // example: genesis.v1.OrchestratorService/Report
    // Work that was done elsewhere; workers report under their lease.
    ReportRequest request =
        ReportRequest.newBuilder()
            .setPlanId(plan.getId())
            .setTaskId(plan.getTasks(1).getId())
            .setDone(ReportedDone.getDefaultInstance())
            .setAgentId("newsletter-tool")
            .setUsage(Usage.newBuilder().setCost(Money.newBuilder().setCurrencyCode("USD").setNanos(20_000_000)))
            .build();
    System.out.println(genesis.orchestrator().report(request).getNext());
    // end
  }

  private void listDecisions() {
    // example: genesis.v1.OrchestratorService/ListDecisions
    ListDecisionsRequest request =
        ListDecisionsRequest.newBuilder().setPlanId(plan.getId()).setKind(DecisionKind.DECISION_KIND_ROUTE).build();
    ListDecisionsResponse answer = genesis.orchestrator().listDecisions(request);
    for (Decision decision : answer.getDecisionsList()) {
      System.out.println(decision.getId() + " " + Instant.ofEpochSecond(decision.getTime().getSeconds()));
    }
    // end
    decisionId = answer.getDecisions(0).getId();
  }

  private void getDecision() {
    // example: genesis.v1.OrchestratorService/GetDecision
    GetDecisionRequest request =
        GetDecisionRequest.newBuilder()
            .setDecisionId(decisionId)
            .setReplay(true)
            .setExplanation(ExplanationLevel.EXPLANATION_LEVEL_FULL)
            .build();
    System.out.println("the same again: " + genesis.orchestrator().getDecision(request).getReplay().getSame());
    // end
  }

  private void flag() {
    // example: genesis.v1.OrchestratorService/Flag
    Struct attributes = Struct.newBuilder().putFields("region", JsonValues.of("eu")).build();
    FlagContext who = FlagContext.newBuilder().setTargetingKey("run-17").setAttributes(attributes).build();
    FlagEvaluation flag =
        genesis.orchestrator().flag(FlagRequest.newBuilder().addKeys("orchestration_enabled").setContext(who).build()).getFlags(0);
    System.out.println(flag.getValue().getBoolValue() + " " + flag.getVariant() + " " + flag.getSource());
    // end
  }

  private void register() {
    // example: genesis.v1.AgentService/Register
    Skill skill = Skill.newBuilder().setId("docs.write").setDescription("Write release notes").build();
    AgentCard card = AgentCard.newBuilder().setId("example-writer").addSkills(skill).build();
    RegisterResponse joined = genesis.agents().register(RegisterRequest.newBuilder().setCard(card).build());
    System.out.println("session " + joined.getSessionId() + " alive every " + joined.getHeartbeatInterval().getSeconds() + " s");
    // end
    sessionId = joined.getSessionId();
  }

  private void heartbeat() {
    // example: genesis.v1.AgentService/Heartbeat
    HeartbeatResponse answer =
        genesis.agents().heartbeat(HeartbeatRequest.newBuilder().setSessionId(sessionId).setLoad(0.2).build());
    System.out.println("leases hold for " + answer.getLeaseDuration().getSeconds() + " s");
    // end
  }

  private void work() throws Exception {
    OrchestrateRequest work =
        OrchestrateRequest.newBuilder().setGoal("Write release notes").setDispatch(Dispatch.getDefaultInstance()).build();
    genesis.orchestrator().orchestrate(work);
    // example: genesis.v1.AgentService/Work
    // Worker does all of this, and what can go wrong, by itself.
    BlockingClientCall<WorkRequest, WorkResponse> stream = AgentServiceGrpc.newBlockingV2Stub(genesis.channel()).work();
    stream.write(WorkRequest.newBuilder().setOpen(WorkOpen.newBuilder().setSessionId(sessionId).setSlots(1)).build());
    WorkAssignment given = stream.read().getAssignment();
    String leaseId = given.getLease().getLeaseId();
    stream.write(WorkRequest.newBuilder().setAcknowledge(WorkAcknowledgement.newBuilder().setLeaseId(leaseId)).build());
    ArtefactValue notes = ArtefactValue.newBuilder().setName("notes").setValue(JsonValues.of("# 1.0")).build();
    ReportRequest.Builder report = ReportRequest.newBuilder().setPlanId(given.getPlanId()).setTaskId(given.getTask().getId());
    report.setLease(given.getLease()).setDone(ReportedDone.newBuilder().addOutputs(notes));
    stream.write(WorkRequest.newBuilder().setReport(report).build());
    System.out.println(stream.read().getReported().getAccepted().getNext());
    stream.cancel("no more work today", null);
    // end
  }

  private void agents() {
    // example: genesis.v1.AgentService/List
    AgentServiceListResponse answer = genesis.agents().list(AgentServiceListRequest.newBuilder().setSkillId("docs.write").build());
    for (AgentEntry entry : answer.getAgentsList()) {
      System.out.println(entry.getCard().getId() + " has " + entry.getWorkersCount() + " workers");
    }
    // end
  }

  private void deregister() {
    // example: genesis.v1.AgentService/Deregister
    genesis.agents().deregister(DeregisterRequest.newBuilder().setSessionId(sessionId).build()); // what it held goes to others
    // end
  }

  private void getRulebook() {
    // example: genesis.admin.v1.PolicyService/GetRulebook
    GetRulebookResponse rulebook = genesis.policy().getRulebook(GetRulebookRequest.getDefaultInstance());
    System.out.println(rulebook.getVersion() + " has " + rulebook.getRuleCount() + " rules");
    // end
    text = rulebook.getText();
  }

  private void lintRulebook() {
    // example: genesis.admin.v1.PolicyService/LintRulebook
    LintRulebookResponse answer = genesis.policy().lintRulebook(LintRulebookRequest.newBuilder().setText(text).build());
    System.out.println("valid: " + answer.getValid());
    for (RulebookFinding finding : answer.getFindingsList()) {
      System.out.println("line " + finding.getLine() + ": " + finding.getMessage());
    }
    // end
  }

  private void previewRulebook() {
    // example: genesis.admin.v1.PolicyService/PreviewRulebook
    PreviewRulebookResponse answer = genesis.policy().previewRulebook(PreviewRulebookRequest.newBuilder().setText(text).build());
    for (DecisionChange change : answer.getChangesList()) {
      System.out.println(change.getTaskId() + " " + change.getBefore().getId() + " -> " + change.getAfter().getId());
    }
    // end
  }

  private void activateRulebook() {
    // example: genesis.admin.v1.PolicyService/ActivateRulebook
    ActivateRulebookRequest request =
        ActivateRulebookRequest.newBuilder().setText(text).setCause("the one we reviewed today").build();
    RulebookChange change = genesis.policy().activateRulebook(request).getChange();
    System.out.println(change.getFromVersion() + " -> " + change.getToVersion());
    // end
  }

  private void listRulebookChanges() {
    // example: genesis.admin.v1.PolicyService/ListRulebookChanges
    ListRulebookChangesResponse answer = genesis.policy().listRulebookChanges(ListRulebookChangesRequest.getDefaultInstance());
    for (RulebookChange change : answer.getChangesList()) {
      System.out.println(change.getSequence() + " " + change.getActor() + " " + change.getToVersion() + " " + change.getCause());
    }
    // end
  }

  private void listBreakers() {
    // example: genesis.admin.v1.PolicyService/ListBreakers
    for (AgentBreaker breaker : genesis.policy().listBreakers(ListBreakersRequest.getDefaultInstance()).getBreakersList()) {
      System.out.println(breaker.getAgentId() + " " + breaker.getState() + " " + breaker.getReason());
    }
    // end
  }

  private void resetBreaker() {
    // example: genesis.admin.v1.PolicyService/ResetBreaker
    ResetBreakerRequest request =
        ResetBreakerRequest.newBuilder().setAgentId("example-writer").setCause("its disk was replaced").build();
    System.out.println("failures now: " + genesis.policy().resetBreaker(request).getBreaker().getFailures());
    // end
  }

  private void listSecurityEvents() {
    // example: genesis.admin.v1.PolicyService/ListSecurityEvents
    ListSecurityEventsResponse answer = genesis.policy().listSecurityEvents(ListSecurityEventsRequest.getDefaultInstance());
    for (SecurityEvent event : answer.getEventsList()) {
      System.out.println(Instant.ofEpochSecond(event.getTime().getSeconds()) + " " + event.getKind() + " " + event.getMessage());
    }
    // end
  }

  private void putFlag() {
    // example: genesis.admin.v1.FlagAdminService/PutFlag
    String definition =
        """
        {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
         "targeting": {"fractional": [["on", 10], ["off", 90]]}}""";
    PutFlagRequest request =
        PutFlagRequest.newBuilder().setKey("new-checkout").setDefinitionJson(definition).setCause("try it on a tenth").build();
    long version = genesis.flags().putFlag(request).getChange().getVersion();
    System.out.println("version " + version);
    // end
    this.version = version;
  }

  private void getFlag() {
    // example: genesis.admin.v1.FlagAdminService/GetFlag
    Flag flag = genesis.flags().getFlag(GetFlagRequest.newBuilder().setKey("new-checkout").build()).getFlag();
    System.out.println(flag.getVersion() + " " + flag.getDefinitionJson());
    // end
  }

  private void listFlags() {
    // example: genesis.admin.v1.FlagAdminService/ListFlags
    for (Flag flag : genesis.flags().listFlags(ListFlagsRequest.getDefaultInstance()).getFlagsList()) {
      System.out.println(flag.getKey() + " " + flag.getLayer() + " " + flag.getDescription());
    }
    // end
  }

  private void previewFlag() {
    // example: genesis.admin.v1.FlagAdminService/PreviewFlag
    FlagContext ann = FlagContext.newBuilder().setTargetingKey("ann").build();
    PreviewFlagRequest request = PreviewFlagRequest.newBuilder().setKey("new-checkout").setPercent(50).addContexts(ann).build();
    PreviewFlagResponse answer = genesis.flags().previewFlag(request);
    System.out.println(answer.getDiff());
    System.out.println(Math.round(100 * answer.getMovedShare()) + " % would get another variant");
    // end
  }

  private void setFlagWeight() {
    // example: genesis.admin.v1.FlagAdminService/SetFlagWeight
    SetFlagWeightRequest request =
        SetFlagWeightRequest.newBuilder()
            .setKey("new-checkout")
            .setPercent(50)
            .setCause("a day without complaints")
            .setExpectedVersion(version)
            .build();
    genesis.flags().setFlagWeight(request);
    // end
  }

  private void disableFlag() {
    // example: genesis.admin.v1.FlagAdminService/DisableFlag
    genesis.flags().disableFlag(DisableFlagRequest.newBuilder().setKey("new-checkout").setCause("complaints").build());
    // end
  }

  private void enableFlag() {
    // example: genesis.admin.v1.FlagAdminService/EnableFlag
    genesis.flags().enableFlag(EnableFlagRequest.newBuilder().setKey("new-checkout").setCause("it was something else").build());
    // end
  }

  private void deleteFlag() {
    // example: genesis.admin.v1.FlagAdminService/DeleteFlag
    genesis.flags().deleteFlag(DeleteFlagRequest.newBuilder().setKey("new-checkout").setCause("it is the checkout now").build());
    // end
  }

  private void setEmergencyFlag() {
    // example: genesis.admin.v1.FlagAdminService/SetEmergencyFlag
    SetEmergencyFlagRequest request =
        SetEmergencyFlagRequest.newBuilder().setKey("maintenance_mode").setCause("the disk is moved").build();
    genesis.flags().setEmergencyFlag(request);
    // end
  }

  private void clearEmergencyFlag() {
    // example: genesis.admin.v1.FlagAdminService/ClearEmergencyFlag
    ClearEmergencyFlagRequest request =
        ClearEmergencyFlagRequest.newBuilder().setKey("maintenance_mode").setCause("the disk was moved").build();
    genesis.flags().clearEmergencyFlag(request);
    // end
  }

  private void listAuditEntries() {
    // example: genesis.admin.v1.FlagAdminService/ListAuditEntries
    ListAuditEntriesRequest request = ListAuditEntriesRequest.newBuilder().setKey("new-checkout").setOldestFirst(true).build();
    for (AuditEntry entry : genesis.flags().listAuditEntries(request).getEntriesList()) {
      System.out.println(entry.getSequence() + " " + entry.getActor() + " " + entry.getAction() + " " + entry.getCause());
    }
    // end
  }

  private void deletePlan() {
    // example: genesis.v1.OrchestratorService/DeletePlan
    genesis.orchestrator().deletePlan(DeletePlanRequest.newBuilder().setPlanId(plan.getId()).build());
    // end
  }
}
