package main

import (
	"context"
	"fmt"

	genesisadminv1 "genesis-orchestrator.dev/client/go/genesis/admin/v1"
)

var policyExamples = []example{
	{"genesis.admin.v1.PolicyService/GetRulebook", getRulebook},
	{"genesis.admin.v1.PolicyService/LintRulebook", lintRulebook},
	{"genesis.admin.v1.PolicyService/PreviewRulebook", previewRulebook},
	{"genesis.admin.v1.PolicyService/ActivateRulebook", activateRulebook},
	{"genesis.admin.v1.PolicyService/ListRulebookChanges", rulebookChanges},
	{"genesis.admin.v1.PolicyService/ListBreakers", breakers},
	{"genesis.admin.v1.PolicyService/ResetBreaker", resetBreaker},
	{"genesis.admin.v1.PolicyService/ListSecurityEvents", securityEvents},
}

func getRulebook(ctx context.Context, told *story) error {
	client := told.client
	// example: genesis.admin.v1.PolicyService/GetRulebook
	rulebook, err := client.Policy.GetRulebook(ctx, &genesisadminv1.GetRulebookRequest{})
	if err != nil {
		return err
	}
	fmt.Println(rulebook.GetVersion(), "has", rulebook.GetRuleCount(), "rules")
	// end
	told.rulebook = rulebook.GetText()
	return nil
}

func lintRulebook(ctx context.Context, told *story) error {
	client, text := told.client, told.rulebook
	// example: genesis.admin.v1.PolicyService/LintRulebook
	answer, err := client.Policy.LintRulebook(ctx, &genesisadminv1.LintRulebookRequest{Text: text})
	if err != nil {
		return err
	}
	fmt.Println("valid:", answer.GetValid())
	for _, finding := range answer.GetFindings() {
		fmt.Printf("line %d: %s\n", finding.GetLine(), finding.GetMessage())
	}
	// end
	return nil
}

func previewRulebook(ctx context.Context, told *story) error {
	client, text := told.client, told.rulebook
	// example: genesis.admin.v1.PolicyService/PreviewRulebook
	page, err := client.Policy.PreviewRulebook(ctx, &genesisadminv1.PreviewRulebookRequest{
		Rulebook: &genesisadminv1.PreviewRulebookRequest_Text{Text: text},
	})
	if err != nil {
		return err
	}
	for _, change := range page.GetChanges() {
		fmt.Println(change.GetTaskId(), change.GetBefore().GetId(), "->", change.GetAfter().GetId(), change.GetText())
	}
	// end
	return nil
}

func activateRulebook(ctx context.Context, told *story) error {
	client, text := told.client, told.rulebook
	// example: genesis.admin.v1.PolicyService/ActivateRulebook
	answer, err := client.Policy.ActivateRulebook(ctx, &genesisadminv1.ActivateRulebookRequest{
		Rulebook: &genesisadminv1.ActivateRulebookRequest_Text{Text: text},
		Cause:    "the one we reviewed today",
	})
	if err != nil {
		return err
	}
	fmt.Println(answer.GetChange().GetFromVersion(), "->", answer.GetChange().GetToVersion())
	// end
	return nil
}

func rulebookChanges(ctx context.Context, told *story) error {
	client := told.client
	// example: genesis.admin.v1.PolicyService/ListRulebookChanges
	page, err := client.Policy.ListRulebookChanges(ctx, &genesisadminv1.ListRulebookChangesRequest{})
	if err != nil {
		return err
	}
	for _, change := range page.GetChanges() {
		fmt.Println(change.GetSequence(), change.GetActor(), change.GetToVersion(), change.GetCause())
	}
	// end
	return nil
}

func breakers(ctx context.Context, told *story) error {
	client := told.client
	// example: genesis.admin.v1.PolicyService/ListBreakers
	page, err := client.Policy.ListBreakers(ctx, &genesisadminv1.ListBreakersRequest{})
	if err != nil {
		return err
	}
	for _, breaker := range page.GetBreakers() {
		fmt.Println(breaker.GetAgentId(), breaker.GetState(), breaker.GetReason())
	}
	// end
	return nil
}

func resetBreaker(ctx context.Context, told *story) error {
	client := told.client
	// example: genesis.admin.v1.PolicyService/ResetBreaker
	answer, err := client.Policy.ResetBreaker(ctx, &genesisadminv1.ResetBreakerRequest{
		AgentId: "example-writer",
		Cause:   "its disk was replaced",
	})
	if err != nil {
		return err
	}
	fmt.Println("failures now:", answer.GetBreaker().GetFailures())
	// end
	return nil
}

func securityEvents(ctx context.Context, told *story) error {
	client := told.client
	// example: genesis.admin.v1.PolicyService/ListSecurityEvents
	page, err := client.Policy.ListSecurityEvents(ctx, &genesisadminv1.ListSecurityEventsRequest{})
	if err != nil {
		return err
	}
	for _, event := range page.GetEvents() {
		fmt.Println(event.GetTime().AsTime(), event.GetKind(), event.GetActor(), event.GetMessage())
	}
	// end
	return nil
}
