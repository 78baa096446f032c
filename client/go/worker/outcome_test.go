package worker

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	genesisv1 "genesis-orchestrator.dev/client/go/genesis/v1"
	"google.golang.org/protobuf/types/known/structpb"
)

func artefacts(names ...string) []*genesisv1.Artefact {
	found := []*genesisv1.Artefact{}
	for _, name := range names {
		found = append(found, &genesisv1.Artefact{Name: name})
	}
	return found
}

// What a function returns goes by its names, or to the only output there is.
func TestWhatAFunctionReturnsBecomesOutputs(t *testing.T) {
	type verdict struct {
		Passed bool   `json:"passed"`
		Words  string `json:"words"`
	}
	page := Reference{URI: "s3://pages/1", SHA256: strings.Repeat("a", 64), MediaType: "text/html"}
	for _, one := range []struct {
		about         string
		result        any
		declared, own []*genesisv1.Artefact
		want          string
	}{
		{"nothing", nil, artefacts("a", "b"), nil, "map[]"},
		{"a text to the only output", "x", artefacts("notes"), artefacts("own"), "map[notes:x]"},
		{"a list to the skill's output, when the task declares none", []string{"x"}, nil, artefacts("own"), "map[own:[x]]"},
		{"a map by its names", map[string]any{"a": 1, "b": true}, artefacts("a", "b"), nil, "map[a:1 b:true]"},
		{"a struct by its names", verdict{true, "ok"}, nil, artefacts("own"), "map[passed:true words:ok]"},
		{"a map to the only output, which it does not name", map[string]any{"x": 1}, artefacts("notes"), nil, "map[notes:map[x:1]]"},
		{"a map that names the only output", map[string]any{"notes": 1, "more": 2}, artefacts("notes"), nil, "map[more:2 notes:1]"},
		{"a reference", page, artefacts("page"), nil, "map[page:s3://pages/1]"},
		{"a reference in a map", map[string]any{"page": page, "size": 3}, artefacts("page", "size"), nil, "map[page:s3://pages/1 size:3]"},
	} {
		outputs, err := outputsOf(one.result, one.declared, one.own)
		found := map[string]any{}
		for _, output := range outputs {
			found[output.Name] = output.GetValue().AsInterface()
			if reference := output.GetReference(); reference != nil {
				found[output.Name] = reference.Uri
			}
		}
		if err != nil || fmt.Sprint(found) != one.want {
			t.Errorf("%s: %v, %v", one.about, found, err)
		}
	}
}

// A result nobody can name or send fails the task for good, with what to do.
func TestResultsThatCannotBeSentFailForGood(t *testing.T) {
	for words, one := range map[string]struct {
		result   any
		declared []*genesisv1.Artefact
	}{
		"return a map":   {"x", artefacts("a", "b")},
		"cannot be sent": {math.NaN(), artefacts("a")},
		"unsupported":    {map[string]any{"a": func() {}}, artefacts("a")},
	} {
		_, err := outputsOf(one.result, one.declared, nil)
		if err == nil || !strings.Contains(err.Error(), words) || !errors.As(err, &permanent{}) {
			t.Errorf("%s: %v", words, err)
		}
	}
}

// An error, a refusal and a panic are told as what they are.
func TestWhatIsReportedOfAFunction(t *testing.T) {
	for want, do := range map[string]Function{
		`failed:{error:"disk full"}`: func(context.Context, *Task) (any, error) { return nil, errors.New("disk full") },
		`failed:{error:"no such page" permanent:true}`: func(context.Context, *Task) (any, error) {
			return nil, fmt.Errorf("%w", Permanent(errors.New("no such page")))
		},
		`declined:{reason:"not today"}`:                       func(context.Context, *Task) (any, error) { return nil, Decline("not today") },
		`failed:{error:"panic: oh"}`:                          func(context.Context, *Task) (any, error) { panic("oh") },
		`done:{outputs:{name:"own" value:{bool_value:true}}}`: func(context.Context, *Task) (any, error) { return true, nil },
	} {
		report, _ := perform(t.Context(), do, &Task{}, &genesisv1.Skill{Outputs: artefacts("own")})
		if got := strings.ReplaceAll(report.String(), "  ", " "); got != want {
			t.Errorf("%s, not %s", got, want)
		}
	}
}

// Words that are no UTF-8 or too long are mended, so that the server takes the report.
func TestLongAndBrokenWordsAreMended(t *testing.T) {
	got := failed("\xff"+strings.Repeat("ü", 6000), false).GetFailed().GetError()
	if len([]rune(got)) != errorCharacters || !strings.HasPrefix(got, "\uFFFDü") {
		t.Errorf("%d characters, %q", len([]rune(got)), got[:8])
	}
}

// Inputs are read into variables; one that is missing or of another type fails the task for good.
func TestInputsAreReadIntoVariables(t *testing.T) {
	sizes, err := structpb.NewValue([]any{1.0, 2.0})
	if err != nil {
		t.Fatal(err)
	}
	task := newTask(&genesisv1.WorkAssignment{Inputs: []*genesisv1.ArtefactValue{
		{Name: "sizes", Content: &genesisv1.ArtefactValue_Value{Value: sizes}},
		{Name: "page", Content: &genesisv1.ArtefactValue_Reference{Reference: &genesisv1.ArtefactReference{Uri: "s3://pages/1"}}},
	}}, func() {})
	var numbers []int
	var page Reference
	err = errors.Join(task.Input("sizes", &numbers), task.Input("page", &page))
	if err != nil || len(numbers) != 2 || page.URI != "s3://pages/1" {
		t.Errorf("%v, %v, %v", numbers, page, err)
	}
	var words string
	for _, name := range []string{"sizes", "page", "none"} {
		if err := task.Input(name, &words); !errors.As(err, &permanent{}) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What a task used is added up exactly, in one currency.
func TestWhatATaskUsedIsAddedUp(t *testing.T) {
	task := newTask(&genesisv1.WorkAssignment{}, func() {})
	cost := &genesisv1.Money{CurrencyCode: "USD", Units: 1, Nanos: 600_000_000}
	if err := errors.Join(task.Use(cost, 5), task.Use(cost, 0), task.Use(nil, 7)); err != nil {
		t.Fatal(err)
	}
	if used := task.usage(); used.Cost.Units != 3 || used.Cost.Nanos != 200_000_000 || used.Tokens != 12 || cost.Units != 1 {
		t.Errorf("%v", used)
	}
	if err := task.Use(&genesisv1.Money{CurrencyCode: "EUR"}, 0); err == nil {
		t.Error("two currencies were added")
	}
}
