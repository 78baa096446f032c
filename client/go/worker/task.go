package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	genesisv1 "genesis-orchestrator.dev/client/go/genesis/v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

const (
	messageCharacters = 500
	nanosOfUnit       = 1_000_000_000
)

// Task is a task under way, as its function sees it. Its methods are safe to use by many goroutines.
type Task struct {
	// Task is the task as the plan has it: goal, acceptance, declared inputs and outputs.
	Task *genesisv1.Task
	// PlanID is the plan.
	PlanID string
	// PlanGoal is the plan's goal.
	PlanGoal string
	// Attempt is the how manieth attempt at the task this is, from 1.
	Attempt uint32
	// Inputs are the values by name as encoding/json has them (numbers are float64), and a [Reference] for values that lie elsewhere.
	Inputs map[string]any
	// Target is what the task was routed to, with its skill and model.
	Target *genesisv1.Target
	// Expected is what it is expected to use.
	Expected *genesisv1.Usage
	// Traceparent is the W3C trace context of whoever asked for the plan; empty when that is not recorded. The context of the function
	// carries it to gRPC calls that are made with it.
	Traceparent string
	// CorrelationID is that of whoever asked for the plan.
	CorrelationID string

	mu     sync.Mutex
	paused bool
	told   *told
	used   *genesisv1.Usage
	news   func()
}

type told struct {
	fraction float64
	message  string
}

func newTask(given *genesisv1.WorkAssignment, news func()) *Task {
	return &Task{
		Task:          given.GetTask(),
		PlanID:        given.GetPlanId(),
		PlanGoal:      given.GetPlanGoal(),
		Attempt:       given.GetAttempt(),
		Inputs:        inputsOf(given),
		Target:        given.GetTarget(),
		Expected:      given.GetExpected(),
		Traceparent:   given.GetTraceparent(),
		CorrelationID: given.GetCorrelationId(),
		news:          news,
	}
}

// Input reads an input into a variable, as encoding/json does. Its error, returned by the function, fails the task for good.
func (t *Task) Input(name string, into any) error {
	value, there := t.Inputs[name]
	if !there {
		return Permanent(fmt.Errorf("the input %q is missing", name))
	}
	if reference, elsewhere := value.(Reference); elsewhere {
		if into, ok := into.(*Reference); ok {
			*into = reference
			return nil
		}
		return Permanent(fmt.Errorf("the input %q lies elsewhere, at %s", name, reference.URI))
	}
	text, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		return Permanent(fmt.Errorf("the input %q cannot be used: %w", name, err))
	}
	return nil
}

// Progress tells how far the task is, 0 to 1, and what it does just now; it shows within half a second.
func (t *Task) Progress(fraction float64, message string) {
	if !(fraction > 0) {
		fraction = 0
	}
	t.mu.Lock()
	t.told = &told{min(fraction, 1), cut(message, messageCharacters)}
	t.mu.Unlock()
	t.news()
}

// Use adds to what the task used: money, which may be nil, and tokens. It is told with the result; what is never told counts as what was
// expected. It fails when the money is of another currency than before.
func (t *Task) Use(cost *genesisv1.Money, tokens uint64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.used == nil {
		t.used = &genesisv1.Usage{}
	}
	if cost != nil {
		sum := t.used.Cost
		if sum == nil {
			sum = &genesisv1.Money{CurrencyCode: cost.GetCurrencyCode()}
		}
		if sum.CurrencyCode != cost.GetCurrencyCode() {
			return fmt.Errorf("the cost is in %s, and what was told before in %s", cost.GetCurrencyCode(), sum.CurrencyCode)
		}
		nanos := int64(sum.Nanos) + int64(cost.GetNanos())
		sum.Units += cost.GetUnits() + nanos/nanosOfUnit
		sum.Nanos = int32(nanos % nanosOfUnit)
		t.used.Cost = sum
	}
	t.used.Tokens += tokens
	return nil
}

// Paused tells whether the plan is paused: hold on where you can.
func (t *Task) Paused() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.paused
}

func (t *Task) setPaused(paused bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.paused = paused
}

// takeNews gives the last progress once; nil when there is none.
func (t *Task) takeNews() *told {
	t.mu.Lock()
	defer t.mu.Unlock()
	found := t.told
	t.told = nil
	return found
}

// keepNews puts progress back that was not heard, unless there is newer.
func (t *Task) keepNews(old *told) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.told == nil {
		t.told = old
	}
}

func (t *Task) usage() *genesisv1.Usage {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.used == nil {
		return nil
	}
	return proto.CloneOf(t.used)
}

// traced is a context whose gRPC calls continue the trace.
func (t *Task) traced(ctx context.Context) context.Context {
	if t.Traceparent == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, "traceparent", t.Traceparent)
}

func cut(text string, characters int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if runes := []rune(text); len(runes) > characters {
		return string(runes[:characters])
	}
	return text
}
