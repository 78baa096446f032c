package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	genesis "genesis-orchestrator.dev/client/go"
	"google.golang.org/genproto/googleapis/rpc/code"
)

type connect struct {
	Target         string   `json:"target"`
	CAFile         string   `json:"ca_file"`
	Token          string   `json:"token"`
	AgentKey       string   `json:"agent_key"`
	Agent          string   `json:"agent"`
	TimeoutSeconds *float64 `json:"timeout_seconds"`
}

type result struct {
	Status   string            `json:"status"`
	Answer   json.RawMessage   `json:"answer,omitempty"`
	Messages []json.RawMessage `json:"messages,omitempty"`
	Message  string            `json:"message,omitempty"`
	Error    *failure          `json:"error,omitempty"`
	Seconds  float64           `json:"seconds"`
}

type failure struct {
	Reason            string            `json:"reason"`
	Metadata          map[string]string `json:"metadata"`
	Violations        []violation       `json:"violations"`
	RetryAfterSeconds *float64          `json:"retry_after_seconds"`
}

type violation struct {
	Field       string `json:"field"`
	Description string `json:"description"`
}

// play runs the steps of a scenario; its error is a fault of the driver.
func play(one scenario) ([]result, error) {
	options := genesis.Options{
		RootCertificatesFile: one.Connect.CAFile,
		Token:                one.Connect.Token,
		AgentKey:             one.Connect.AgentKey,
		Agent:                one.Connect.Agent,
	}
	if one.Connect.TimeoutSeconds != nil {
		options.Timeout = seconds(*one.Connect.TimeoutSeconds)
	}
	client, err := genesis.Connect(one.Connect.Target, options)
	if err != nil {
		return []result{}, err
	}
	defer func() { _ = client.Close() }()
	results := []result{}
	saved := map[string]string{}
	for number, given := range one.Steps {
		step, err := filled(given, saved)
		if err != nil {
			return results, fmt.Errorf("step %d: %w", number, err)
		}
		begin := time.Now()
		found, err := step.do(client)
		if err != nil {
			if found, err = refused(found, err); err != nil {
				return results, fmt.Errorf("step %d: %w", number, err)
			}
		}
		found.Seconds = time.Since(begin).Seconds()
		results = append(results, found)
		if err := save(found, step.Save, saved); err != nil {
			return results, fmt.Errorf("step %d: %w", number, err)
		}
	}
	return results, nil
}

// refused is the result of a step that ended with an error of the client; other errors are the driver's.
func refused(found result, err error) (result, error) {
	var told *genesis.Error
	if !errors.As(err, &told) {
		return found, err
	}
	found.Status, found.Message = code.Code(told.Code).String(), told.Message
	found.Error = &failure{Reason: told.Reason, Metadata: told.Metadata, Violations: []violation{}}
	for _, one := range told.FieldViolations {
		found.Error.Violations = append(found.Error.Violations, violation{one.Field, one.Description})
	}
	if told.RetryAfter > 0 {
		after := told.RetryAfter.Seconds()
		found.Error.RetryAfterSeconds = &after
	}
	return found, nil
}

func (s step) do(client *genesis.Client) (result, error) {
	ctx, cancel := s.context()
	defer cancel()
	if s.Health != nil {
		status, err := client.Health(ctx, *s.Health)
		if err != nil {
			return result{}, err
		}
		return result{Status: "OK", Answer: json.RawMessage(fmt.Sprintf(`{"status": %q}`, status))}, nil
	}
	method, err := methodOf(s.Call)
	if err != nil {
		return result{}, err
	}
	switch {
	case s.Exchange != nil:
		return method.exchange(ctx, client.Conn(), s.Exchange)
	case method.IsStreamingServer():
		return method.stream(ctx, client.Conn(), s.Request, s.StopAfterMessages)
	default:
		return method.unary(ctx, client.Conn(), s.Request)
	}
}

func (s step) context() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(withMetadata(context.Background(), s.Metadata))
	ends := func() {}
	if s.TimeoutSeconds != nil {
		ctx, ends = context.WithTimeout(ctx, seconds(*s.TimeoutSeconds))
	}
	if s.CancelAfterSeconds != nil {
		time.AfterFunc(seconds(*s.CancelAfterSeconds), cancel)
	}
	return ctx, func() { ends(); cancel() }
}

func seconds(number float64) time.Duration { return time.Duration(number * float64(time.Second)) }

func decoded(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	return decoder.Decode(into)
}
