// A worker: it joins as an agent, does one skill, and leaves when it is told to stop (Ctrl-C, SIGTERM).
//
// GENESIS_TARGET, GENESIS_AGENT_ID, GENESIS_SKILL and, where the server wants one, GENESIS_AGENT_KEY say where and as whom.
package main

import (
	"cmp"
	"context"
	"log"
	"os"

	genesis "genesis-orchestrator.dev/client/go"
	genesisv1 "genesis-orchestrator.dev/client/go/genesis/v1"
	"genesis-orchestrator.dev/client/go/worker"
)

func greet(ctx context.Context, task *worker.Task) (any, error) {
	task.Progress(0.5, "thinking of words")
	return "Hello from Go, about: " + task.Task.GetGoal(), nil
}

func main() {
	greeter := worker.New(cmp.Or(os.Getenv("GENESIS_AGENT_ID"), "go-greeter"), worker.Options{Description: "Greets, in Go."})
	greeter.Skill(&genesisv1.Skill{
		Id:          cmp.Or(os.Getenv("GENESIS_SKILL"), "example.greet"),
		Description: "Greet somebody",
		Outputs:     []*genesisv1.Artefact{{Name: "greeting", Type: "text"}},
	}, greet)
	target := cmp.Or(os.Getenv("GENESIS_TARGET"), "127.0.0.1:50051")
	if err := greeter.Run(context.Background(), target, genesis.Options{AgentKey: os.Getenv("GENESIS_AGENT_KEY")}); err != nil {
		log.Fatal(err)
	}
}
