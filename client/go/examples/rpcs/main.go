// One example of every call: `rpcs TARGET`, against a server without access control. Prints "ok METHOD" after each.
package main

import (
	"context"
	"fmt"
	"os"

	genesis "genesis-orchestrator.dev/client/go"
	genesisv1 "genesis-orchestrator.dev/client/go/genesis/v1"
)

// story is what the examples make, for those that come after.
type story struct {
	client      *genesis.Client
	plan        *genesisv1.Plan
	decisionID  string
	sessionID   string
	rulebook    string
	flagVersion uint64
}

type example struct {
	method string
	run    func(context.Context, *story) error
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) != 1 {
		return fmt.Errorf("usage: rpcs TARGET")
	}
	client, err := genesis.Connect(arguments[0], genesis.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	told := &story{client: client}
	for _, examples := range [][]example{orchestratorExamples, agentExamples, policyExamples, flagExamples, farewellExamples} {
		for _, one := range examples {
			if err := one.run(context.Background(), told); err != nil {
				return fmt.Errorf("%s: %w", one.method, err)
			}
			fmt.Println("ok", one.method)
		}
	}
	return nil
}
