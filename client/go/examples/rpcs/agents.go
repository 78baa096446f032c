package main

import (
	"context"
	"fmt"

	genesisv1 "genesis-orchestrator.dev/client/go/genesis/v1"
	"google.golang.org/protobuf/types/known/structpb"
)

var agentExamples = []example{
	{"genesis.v1.AgentService/Register", register},
	{"genesis.v1.AgentService/Heartbeat", heartbeat},
	{"genesis.v1.AgentService/Work", work},
	{"genesis.v1.AgentService/List", agents},
	{"genesis.v1.AgentService/Deregister", deregister},
}

func register(ctx context.Context, told *story) error {
	client := told.client
	// example: genesis.v1.AgentService/Register
	skill := &genesisv1.Skill{Id: "docs.write", Description: "Write release notes"}
	card := &genesisv1.AgentCard{Id: "example-writer", Skills: []*genesisv1.Skill{skill}}
	joined, err := client.Agents.Register(ctx, &genesisv1.RegisterRequest{Card: card})
	if err != nil {
		return err
	}
	fmt.Println("session", joined.GetSessionId(), "alive every", joined.GetHeartbeatInterval().AsDuration())
	// end
	told.sessionID = joined.GetSessionId()
	return nil
}

func heartbeat(ctx context.Context, told *story) error {
	client, sessionID := told.client, told.sessionID
	// example: genesis.v1.AgentService/Heartbeat
	answer, err := client.Agents.Heartbeat(ctx, &genesisv1.HeartbeatRequest{SessionId: sessionID, Load: 0.2})
	if err != nil {
		return err
	}
	fmt.Println("leases hold for", answer.GetLeaseDuration().AsDuration())
	// end
	return nil
}

func work(ctx context.Context, told *story) error {
	client, sessionID := told.client, told.sessionID
	goal := &genesisv1.OrchestrateRequest{Goal: "Write release notes", Dispatch: &genesisv1.Dispatch{}}
	if _, err := client.Orchestrator.Orchestrate(ctx, goal); err != nil {
		return err
	}
	// example: genesis.v1.AgentService/Work
	// Package worker does all of this, and what can go wrong, by itself.
	stream, err := client.Agents.Work(ctx)
	if err != nil {
		return err
	}
	open := &genesisv1.WorkOpen{SessionId: sessionID, Slots: 1}
	if err := stream.Send(&genesisv1.WorkRequest{Message: &genesisv1.WorkRequest_Open{Open: open}}); err != nil {
		return err
	}
	message, err := stream.Recv()
	if err != nil {
		return err
	}
	task := message.GetAssignment() // or a notice about a lease, the answer to a report, or the wish to move
	_, err = client.Orchestrator.Report(ctx, &genesisv1.ReportRequest{
		PlanId: task.GetPlanId(),
		TaskId: task.GetTask().GetId(),
		Lease:  task.GetLease(),
		Outcome: &genesisv1.ReportRequest_Done{Done: &genesisv1.ReportedDone{Outputs: []*genesisv1.ArtefactValue{{
			Name:    "notes",
			Content: &genesisv1.ArtefactValue_Value{Value: structpb.NewStringValue("# 1.0")},
		}}}},
	})
	if err != nil {
		return err
	}
	return stream.CloseSend()
	// end
}

func agents(ctx context.Context, told *story) error {
	client := told.client
	// example: genesis.v1.AgentService/List
	page, err := client.Agents.List(ctx, &genesisv1.AgentServiceListRequest{SkillId: "docs.write"})
	if err != nil {
		return err
	}
	for _, entry := range page.GetAgents() {
		fmt.Println(entry.GetCard().GetId(), entry.GetState(), len(entry.GetWorkers()), "workers")
	}
	// end
	return nil
}

func deregister(ctx context.Context, told *story) error {
	client, sessionID := told.client, told.sessionID
	// example: genesis.v1.AgentService/Deregister
	// What the worker held goes to others.
	if _, err := client.Agents.Deregister(ctx, &genesisv1.DeregisterRequest{SessionId: sessionID}); err != nil {
		return err
	}
	// end
	return nil
}
