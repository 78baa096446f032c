// The conformance driver of the Go client: does what a file of scenarios says, through the client, and tells what came of it, one line of
// JSON each. It judges nothing.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

type scenario struct {
	Name    string            `json:"name"`
	Connect connect           `json:"connect"`
	Steps   []json.RawMessage `json:"steps"`
}

type outcome struct {
	Scenario string   `json:"scenario"`
	Steps    []result `json:"steps"`
	Fault    *string  `json:"fault"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) != 1 {
		return fmt.Errorf("usage: conformance FILE")
	}
	text, err := os.ReadFile(arguments[0])
	if err != nil {
		return err
	}
	var file struct {
		Scenarios []scenario `json:"scenarios"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return fmt.Errorf("the file of scenarios cannot be read: %w", err)
	}
	lines := json.NewEncoder(os.Stdout)
	for _, one := range file.Scenarios {
		told := outcome{Scenario: one.Name, Steps: []result{}}
		if told.Steps, err = play(one); err != nil {
			fault := err.Error()
			told.Fault = &fault
		}
		if err := lines.Encode(told); err != nil {
			return err
		}
	}
	return nil
}
