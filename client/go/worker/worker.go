// Package worker makes functions into an agent that takes tasks from Genesis.
//
// A [Worker] joins, takes tasks under leases, runs their functions, reports, and leaves. docs/worker.md of the repository says what can
// go wrong and what a worker then does; it holds here as well.
package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"

	genesis "genesis-orchestrator.dev/client/go"
	genesisv1 "genesis-orchestrator.dev/client/go/genesis/v1"
	"google.golang.org/protobuf/proto"
)

const defaultGrace = 30 * time.Second

var noName = regexp.MustCompile(`[^A-Za-z0-9_]+`)

// Function does a task. The context ends when the task is not wanted any more: its plan was cancelled, its lease lost, its time is over,
// or the worker stops; context.Cause tells which.
//
// What it returns becomes the task's outputs: an object of JSON (a map, a struct) by its names, anything else as the task's only output.
// A [Reference] is a value that lies elsewhere. An error fails the task, see [Permanent] and [Decline]; so does a panic.
type Function func(ctx context.Context, task *Task) (any, error)

// Options say what the worker is like.
type Options struct {
	// Name is for people.
	Name string
	// Description says what the agent is for.
	Description string
	// Slots is how many tasks the worker does at once; 1 when zero.
	Slots int
	// Card is the rest of the agent's card: models, region, data class. Id, skills and what is given above replace what it has of these.
	Card *genesisv1.AgentCard
	// Grace is how long tasks under way have to finish when the worker stops, before they are handed back; 30 s when zero, none when
	// negative.
	Grace time.Duration
	// Log is where the worker tells what happens; slog.Default when nil.
	Log *slog.Logger
}

// Worker is an agent made of functions. Each process that runs it is one worker of the agent.
type Worker struct {
	card   *genesisv1.AgentCard
	skills map[string]skill
	grace  time.Duration
	log    *slog.Logger
}

type skill struct {
	entry *genesisv1.Skill
	do    Function
}

// New is an agent without skills yet.
func New(agentID string, options Options) *Worker {
	card := &genesisv1.AgentCard{}
	if options.Card != nil {
		card = proto.CloneOf(options.Card)
	}
	card.Id, card.Skills = agentID, nil
	if options.Name != "" {
		card.Name = options.Name
	}
	if options.Description != "" {
		card.Description = options.Description
	}
	if options.Slots > 0 {
		card.MaxConcurrentTasks = uint32(options.Slots)
	}
	card.MaxConcurrentTasks = max(1, card.MaxConcurrentTasks)
	worker := &Worker{card: card, skills: map[string]skill{}, grace: options.Grace, log: options.Log}
	if worker.grace == 0 {
		worker.grace = defaultGrace
	}
	if worker.log == nil {
		worker.log = slog.Default()
	}
	return worker
}

// Skill makes a function a skill of the agent, with its entry on the card. An entry without outputs gets one that is named after it, with
// an underscore for what cannot stand in a name. It panics when there is such a skill already, as that is a mistake of the program.
func (w *Worker) Skill(entry *genesisv1.Skill, do Function) {
	if _, twice := w.skills[entry.GetId()]; twice {
		panic(fmt.Sprintf("the skill %q is there twice", entry.GetId()))
	}
	entry = proto.CloneOf(entry)
	if len(entry.Outputs) == 0 {
		entry.Outputs = []*genesisv1.Artefact{{Name: noName.ReplaceAllString(entry.Id, "_")}}
	}
	w.skills[entry.Id] = skill{entry, do}
	w.card.Skills = append(w.card.Skills, entry)
}

// Run works until the context ends or SIGTERM or SIGINT comes: then it takes nothing more, finishes what it holds within the grace time,
// hands back what is left, and leaves. A second signal hands back at once. It returns an error only when the server refuses the worker
// for good before it ever joined, or the options contradict each other. With an AgentKey, the agent of the options is the worker's.
func (w *Worker) Run(ctx context.Context, target string, options genesis.Options) error {
	if len(w.skills) == 0 {
		return errors.New("the worker has no skill: give it one with Skill")
	}
	if options.AgentKey != "" {
		options.Agent = w.card.GetId()
	}
	client, err := genesis.Connect(target, options)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	defer signal.Stop(signals)

	engine := newEngine(client, w)
	ended := make(chan error, 1)
	go func() { ended <- engine.run() }()
	done := ctx.Done()
	for {
		select {
		case err := <-ended:
			return err
		case <-signals:
			engine.stop()
		case <-done:
			engine.stop()
			done = nil
		}
	}
}
