package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	genesis "genesis-orchestrator.dev/client/go"
	genesisv1 "genesis-orchestrator.dev/client/go/genesis/v1"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
)

var orchestratorExamples = []example{
	{"grpc.health.v1.Health/Check", check},
	{"genesis.v1.OrchestratorService/Health", health},
	{"genesis.v1.OrchestratorService/Plan", plan},
	{"genesis.v1.OrchestratorService/PlanStream", planStream},
	{"genesis.v1.OrchestratorService/Route", route},
	{"genesis.v1.OrchestratorService/Validate", validate},
	{"genesis.v1.OrchestratorService/Orchestrate", orchestrate},
	{"genesis.v1.OrchestratorService/GetPlan", getPlan},
	{"genesis.v1.OrchestratorService/ListPlans", listPlans},
	{"genesis.v1.OrchestratorService/WatchPlan", watchPlan},
	{"genesis.v1.OrchestratorService/UpdatePlan", updatePlan},
	{"genesis.v1.OrchestratorService/Report", report},
	{"genesis.v1.OrchestratorService/ListDecisions", listDecisions},
	{"genesis.v1.OrchestratorService/GetDecision", getDecision},
	{"genesis.v1.OrchestratorService/Flag", flag},
}

var farewellExamples = []example{
	{"genesis.v1.OrchestratorService/DeletePlan", deletePlan},
}

func check(ctx context.Context, told *story) error {
	client := told.client
	// example: grpc.health.v1.Health/Check
	status, err := client.Health(ctx, "readiness")
	if err != nil {
		return err
	}
	fmt.Println("ready:", status) // SERVING
	// end
	return nil
}

func health(ctx context.Context, told *story) error {
	client := told.client
	// example: genesis.v1.OrchestratorService/Health
	answer, err := client.Orchestrator.Health(ctx, &genesisv1.HealthRequest{})
	if err != nil {
		return err
	}
	for _, component := range answer.GetComponents() {
		fmt.Println(component.GetName(), component.GetStatus(), component.GetMessage())
	}
	// end
	return nil
}

func plan(ctx context.Context, told *story) error {
	client := told.client
	// example: genesis.v1.OrchestratorService/Plan
	goal := "Run the tests, and if they pass email the customers, otherwise fix the code"
	answer, err := client.Orchestrator.Plan(ctx, &genesisv1.PlanRequest{Goal: goal})
	if err != nil {
		return err
	}
	for _, task := range answer.GetPlan().GetTasks() {
		fmt.Println(task.GetId(), task.GetGoal())
	}
	// end
	told.plan = answer.GetPlan()
	return nil
}

func planStream(ctx context.Context, told *story) error {
	client := told.client
	// example: genesis.v1.OrchestratorService/PlanStream
	request := &genesisv1.PlanStreamRequest{Plan: &genesisv1.PlanRequest{Goal: "Translate the manual, then print it"}}
	events, err := client.Orchestrator.PlanStream(ctx, request)
	for err == nil {
		var event *genesisv1.PlanStreamResponse
		if event, err = events.Recv(); err == nil {
			fmt.Println(event.GetProgress().GetMessage(), event.GetResult().GetPlan().GetId())
		}
	}
	if !errors.Is(err, io.EOF) {
		return err
	}
	// end
	return nil
}

func route(ctx context.Context, told *story) error {
	client, plan := told.client, told.plan
	// example: genesis.v1.OrchestratorService/Route
	answer, err := client.Orchestrator.Route(ctx, &genesisv1.RouteRequest{
		Source:      &genesisv1.RouteRequest_PlanId{PlanId: plan.GetId()},
		Constraints: &genesisv1.RoutingConstraints{Budget: &genesisv1.Money{CurrencyCode: "USD", Nanos: 500_000_000}},
		Explanation: genesisv1.ExplanationLevel_EXPLANATION_LEVEL_SUMMARY,
	})
	if err != nil {
		return err
	}
	for _, one := range answer.GetRoutes() {
		fmt.Println(one.GetTaskId(), one.GetAssignment().GetTarget().GetId(), one.GetAssignment().GetReason())
	}
	// end
	return nil
}

func validate(ctx context.Context, told *story) error {
	client, plan := told.client, told.plan
	// example: genesis.v1.OrchestratorService/Validate
	answer, err := client.Orchestrator.Validate(ctx, &genesisv1.ValidateRequest{Source: &genesisv1.ValidateRequest_Plan{Plan: plan}})
	if err != nil {
		return err
	}
	fmt.Println("passed:", answer.GetVerdict().GetPassed())
	for _, finding := range answer.GetVerdict().GetFindings() {
		fmt.Println(finding.GetMessage())
	}
	// end
	return nil
}

func orchestrate(ctx context.Context, told *story) error {
	client := told.client
	// example: genesis.v1.OrchestratorService/Orchestrate
	answer, err := client.Orchestrator.Orchestrate(ctx, &genesisv1.OrchestrateRequest{
		Goal:        "Run the tests, and if they pass email the customers, otherwise fix the code",
		Constraints: &genesisv1.RoutingConstraints{Deadline: durationpb.New(8 * time.Hour)},
	})
	if err != nil {
		return err
	}
	for _, one := range answer.GetRoutes() {
		fmt.Println(one.GetTaskId(), one.GetAssignment().GetTarget().GetId(), one.GetAssignment().GetReason())
	}
	fmt.Println("passed:", answer.GetVerdict().GetPassed())
	// end
	told.plan = answer.GetPlan()
	return nil
}

func getPlan(ctx context.Context, told *story) error {
	client, plan := told.client, told.plan
	// example: genesis.v1.OrchestratorService/GetPlan
	stored, err := client.Orchestrator.GetPlan(ctx, &genesisv1.GetPlanRequest{PlanId: plan.GetId()})
	if genesis.Reason(err) == "PLAN_NOT_FOUND" {
		fmt.Println("somebody deleted it")
	} else if err != nil {
		return err
	}
	fmt.Println(stored.GetPlan().GetGoal(), "is at version", stored.GetPlan().GetVersion())
	// end
	return nil
}

func listPlans(ctx context.Context, told *story) error {
	client := told.client
	// example: genesis.v1.OrchestratorService/ListPlans
	request := &genesisv1.ListPlansRequest{PageSize: 100}
	for more := true; more; more = request.GetPageToken() != "" {
		page, err := client.Orchestrator.ListPlans(ctx, request)
		if err != nil {
			return err
		}
		for _, summary := range page.GetPlans() {
			fmt.Println(summary.GetId(), summary.GetTaskCount(), summary.GetGoal())
		}
		request.PageToken = page.GetNextPageToken()
	}
	// end
	return nil
}

func watchPlan(ctx context.Context, told *story) error {
	client, plan := told.client, told.plan
	// example: genesis.v1.OrchestratorService/WatchPlan
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the stream
	request := &genesisv1.WatchPlanRequest{PlanId: plan.GetId(), AfterVersion: plan.GetVersion() - 1}
	news, err := client.Orchestrator.WatchPlan(ctx, request)
	if err != nil {
		return err
	}
	first, err := news.Recv() // and so on, until io.EOF
	if err != nil {
		return err
	}
	fmt.Println(first.GetVersion(), first.GetEvent())
	// end
	return nil
}

func updatePlan(ctx context.Context, told *story) error {
	client, plan := told.client, told.plan
	// example: genesis.v1.OrchestratorService/UpdatePlan
	answer, err := client.Orchestrator.UpdatePlan(ctx, &genesisv1.UpdatePlanRequest{
		PlanId: plan.GetId(),
		Event:  &genesisv1.UpdatePlanRequest_Done{Done: &genesisv1.TaskDone{TaskId: plan.GetTasks()[0].GetId()}},
	})
	if err != nil {
		return err
	}
	fmt.Println("version", answer.GetVersion(), "ready now:", answer.GetReadyTaskIds())
	// end
	return nil
}

func report(ctx context.Context, told *story) error {
	client, plan := told.client, told.plan
	// example: genesis.v1.OrchestratorService/Report
	// Work that was done elsewhere; workers report under their lease.
	_, err := client.Orchestrator.Report(ctx, &genesisv1.ReportRequest{
		PlanId:  plan.GetId(),
		TaskId:  plan.GetTasks()[1].GetId(),
		Outcome: &genesisv1.ReportRequest_Done{Done: &genesisv1.ReportedDone{}},
		AgentId: "newsletter-tool",
		Usage:   &genesisv1.Usage{Cost: &genesisv1.Money{CurrencyCode: "USD", Nanos: 20_000_000}},
	})
	if err != nil {
		return err
	}
	// end
	return nil
}

func listDecisions(ctx context.Context, told *story) error {
	client, plan := told.client, told.plan
	// example: genesis.v1.OrchestratorService/ListDecisions
	page, err := client.Orchestrator.ListDecisions(ctx, &genesisv1.ListDecisionsRequest{
		PlanId: plan.GetId(),
		Kind:   genesisv1.DecisionKind_DECISION_KIND_ROUTE,
	})
	if err != nil {
		return err
	}
	for _, decision := range page.GetDecisions() {
		fmt.Println(decision.GetId(), decision.GetTime().AsTime())
	}
	// end
	told.decisionID = page.GetDecisions()[0].GetId()
	return nil
}

func getDecision(ctx context.Context, told *story) error {
	client, decisionID := told.client, told.decisionID
	// example: genesis.v1.OrchestratorService/GetDecision
	answer, err := client.Orchestrator.GetDecision(ctx, &genesisv1.GetDecisionRequest{
		DecisionId:  decisionID,
		Replay:      true,
		Explanation: genesisv1.ExplanationLevel_EXPLANATION_LEVEL_FULL,
	})
	if err != nil {
		return err
	}
	fmt.Println("the same again:", answer.GetReplay().GetSame())
	// end
	return nil
}

func flag(ctx context.Context, told *story) error {
	client := told.client
	// example: genesis.v1.OrchestratorService/Flag
	attributes, err := structpb.NewStruct(map[string]any{"region": "eu"})
	if err != nil {
		return err
	}
	answer, err := client.Orchestrator.Flag(ctx, &genesisv1.FlagRequest{
		Keys:    []string{"orchestration_enabled"},
		Context: &genesisv1.FlagContext{TargetingKey: "run-17", Attributes: attributes},
	})
	if err != nil {
		return err
	}
	one := answer.GetFlags()[0]
	fmt.Println(one.GetValue().GetBoolValue(), one.GetVariant(), one.GetSource())
	// end
	return nil
}

func deletePlan(ctx context.Context, told *story) error {
	client, plan := told.client, told.plan
	// example: genesis.v1.OrchestratorService/DeletePlan
	if _, err := client.Orchestrator.DeletePlan(ctx, &genesisv1.DeletePlanRequest{PlanId: plan.GetId()}); err != nil {
		return err
	}
	// end
	return nil
}
