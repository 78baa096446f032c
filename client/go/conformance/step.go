package main

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/grpc/metadata"
)

type step struct {
	Call               string            `json:"call"`
	Health             *string           `json:"health"`
	Request            json.RawMessage   `json:"request"`
	Exchange           []move            `json:"exchange"`
	StopAfterMessages  int               `json:"stop_after_messages"`
	Metadata           map[string]string `json:"metadata"`
	TimeoutSeconds     *float64          `json:"timeout_seconds"`
	CancelAfterSeconds *float64          `json:"cancel_after_seconds"`
	Save               map[string]string `json:"save"`
}

type move struct {
	Send    json.RawMessage `json:"send"`
	Receive bool            `json:"receive"`
	Close   bool            `json:"close"`
}

var name = regexp.MustCompile(`\$\{(\w+)\}`)

// filled is a step with saved values in the place of their names.
func filled(text json.RawMessage, saved map[string]string) (found step, err error) {
	var value any
	if err := decoded(text, &value); err != nil {
		return found, err
	}
	if value, err = replaced(value, saved); err != nil {
		return found, err
	}
	if text, err = json.Marshal(value); err != nil {
		return found, err
	}
	return found, json.Unmarshal(text, &found)
}

func replaced(value any, saved map[string]string) (any, error) {
	var err error
	switch value := value.(type) {
	case string:
		return name.ReplaceAllStringFunc(value, func(found string) string {
			word, known := saved[found[2:len(found)-1]]
			if !known {
				err = fmt.Errorf("%s was never saved", found)
			}
			return word
		}), err
	case []any:
		for i := range value {
			if value[i], err = replaced(value[i], saved); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for key := range value {
			if value[key], err = replaced(value[key], saved); err != nil {
				return nil, err
			}
		}
	}
	return value, nil
}

// save keeps values of a result by name: paths of dots below its answer, or from "messages" on.
func save(from result, paths, saved map[string]string) error {
	for word, path := range paths {
		var value any
		var err error
		if strings.HasPrefix(path, "messages.") {
			var text []byte
			if text, err = json.Marshal(from); err == nil {
				err = decoded(text, &value)
			}
		} else if from.Answer != nil {
			err = decoded(from.Answer, &value)
		}
		if err != nil {
			return err
		}
		found, there := at(value, path)
		if !there {
			return fmt.Errorf("there is no %s to save", path)
		}
		saved[word] = fmt.Sprint(found)
	}
	return nil
}

func at(value any, path string) (any, bool) {
	for _, word := range strings.Split(path, ".") {
		switch inner := value.(type) {
		case map[string]any:
			value = inner[word]
		case []any:
			index, err := strconv.Atoi(word)
			if err != nil || index < 0 || index >= len(inner) {
				return nil, false
			}
			value = inner[index]
		default:
			return nil, false
		}
	}
	return value, value != nil
}

func withMetadata(ctx context.Context, given map[string]string) context.Context {
	for key, value := range given {
		ctx = metadata.AppendToOutgoingContext(ctx, key, value)
	}
	return ctx
}
