package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	genesisv1 "genesis-orchestrator.dev/client/go/genesis/v1"
	"google.golang.org/protobuf/types/known/structpb"
)

const (
	errorCharacters  = 5000
	reasonCharacters = 1000
)

// Reference is a value that lies elsewhere; whoever needs it fetches it.
type Reference struct {
	// URI says where it lies.
	URI string
	// SHA256 is that of its bytes, in lower-case hexadecimal.
	SHA256 string
	// MediaType is for example "text/csv".
	MediaType string
}

type declined struct{ reason string }

func (d declined) Error() string { return d.reason }

// Decline is the error for a task that this agent does not want: it counts for nothing, another agent gets the task, this one does not
// get it again.
func Decline(reason string) error { return declined{reason} }

type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// Permanent makes an error one that the same agent need not try again to get.
func Permanent(err error) error { return permanent{err} }

// perform runs the function of a task; what is to be reported of it.
func perform(ctx context.Context, do Function, task *Task, own *genesisv1.Skill) (report *genesisv1.ReportRequest, stack string) {
	defer func() {
		if fault := recover(); fault != nil {
			report, stack = failed(fmt.Sprintf("panic: %v", fault), false), string(debug.Stack())
		}
		if report.GetDeclined() == nil {
			report.Usage = task.usage()
		}
	}()
	result, err := do(ctx, task)
	if err == nil {
		var outputs []*genesisv1.ArtefactValue
		if outputs, err = outputsOf(result, task.Task.GetOutputs(), own.GetOutputs()); err == nil {
			done := &genesisv1.ReportedDone{Outputs: outputs}
			return &genesisv1.ReportRequest{Outcome: &genesisv1.ReportRequest_Done{Done: done}}, ""
		}
	}
	if reason := (declined{}); errors.As(err, &reason) {
		return givenUp(reason.reason, false), ""
	}
	return failed(err.Error(), errors.As(err, &permanent{})), ""
}

// failed is the report of a failure.
func failed(why string, permanent bool) *genesisv1.ReportRequest {
	failed := &genesisv1.ReportedFailed{Error: cut(why, errorCharacters), Permanent: permanent}
	return &genesisv1.ReportRequest{Outcome: &genesisv1.ReportRequest_Failed{Failed: failed}}
}

// givenUp is the report of a task that is not wanted, or handed back.
func givenUp(why string, handBack bool) *genesisv1.ReportRequest {
	given := &genesisv1.ReportedDeclined{Reason: cut(why, reasonCharacters), HandBack: handBack}
	return &genesisv1.ReportRequest{Outcome: &genesisv1.ReportRequest_Declined{Declined: given}}
}

func inputsOf(given *genesisv1.WorkAssignment) map[string]any {
	found := map[string]any{}
	for _, one := range given.GetInputs() {
		if reference := one.GetReference(); reference != nil {
			found[one.GetName()] = Reference{reference.GetUri(), reference.GetSha256(), reference.GetMediaType()}
		} else {
			found[one.GetName()] = one.GetValue().AsInterface()
		}
	}
	return found
}

// outputsOf is what a function returned, by artefact name: an object by its names, anything else as the task's only output. `own` are the
// outputs of the skill, for tasks that declare none. The error is permanent.
func outputsOf(result any, declared, own []*genesisv1.Artefact) ([]*genesisv1.ArtefactValue, error) {
	named, err := byName(result, declared, own)
	if err != nil {
		return nil, Permanent(err)
	}
	found := make([]*genesisv1.ArtefactValue, 0, len(named))
	for name, one := range named {
		value := &genesisv1.ArtefactValue{Name: name}
		if reference, elsewhere := one.(Reference); elsewhere {
			value.Content = &genesisv1.ArtefactValue_Reference{
				Reference: &genesisv1.ArtefactReference{Uri: reference.URI, Sha256: reference.SHA256, MediaType: reference.MediaType},
			}
		} else {
			plain, err := jsonValue(one)
			if err != nil {
				return nil, Permanent(fmt.Errorf("the result cannot be sent: %w", err))
			}
			value.Content = &genesisv1.ArtefactValue_Value{Value: plain}
		}
		found = append(found, value)
	}
	return found, nil
}

func byName(result any, declared, own []*genesisv1.Artefact) (map[string]any, error) {
	if result == nil {
		return nil, nil
	}
	fields, err := object(result)
	if err != nil {
		return nil, fmt.Errorf("the result cannot be sent: %w", err)
	}
	if fields != nil {
		if len(declared) != 1 {
			return fields, nil
		}
		if _, there := fields[declared[0].GetName()]; there {
			return fields, nil
		}
		return map[string]any{declared[0].GetName(): result}, nil
	}
	names := declared
	if len(names) == 0 {
		names = own
	}
	if len(names) != 1 {
		words := make([]string, 0, len(names))
		for _, one := range names {
			words = append(words, one.GetName())
		}
		return nil, fmt.Errorf(
			"the function returned one value (%T), and its task has the outputs %s: return a map", result, strings.Join(words, ", "),
		)
	}
	return map[string]any{names[0].GetName(): result}, nil
}

// object is a result as fields by name; nil when it is none.
func object(result any) (map[string]any, error) {
	switch result := result.(type) {
	case Reference:
		return nil, nil
	case map[string]any:
		return result, nil
	}
	value, err := jsonValue(result)
	if err != nil || value.GetStructValue() == nil {
		return nil, err
	}
	return value.GetStructValue().AsMap(), nil
}

// jsonValue is any value that encoding/json takes, as a message.
func jsonValue(value any) (*structpb.Value, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	found := &structpb.Value{}
	return found, found.UnmarshalJSON(text)
}
