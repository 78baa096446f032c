package genesis

import (
	"encoding/json"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
)

// All methods can be repeated but the stream of work, which the worker opens anew by itself.
func TestOnlyTheStreamOfWorkIsNeverRepeated(t *testing.T) {
	total := 0
	for _, file := range contract {
		for i := range file.Services().Len() {
			total += file.Services().Get(i).Methods().Len()
		}
	}
	if safe["/genesis.v1.AgentService/Work"] {
		t.Error("Work is repeated")
	}
	if len(safe) != total {
		t.Errorf("%d methods are safe, and the contract has %d with the stream of work", len(safe), total)
	}
	if !safe["/genesis.v1.OrchestratorService/PlanStream"] || !safe["/grpc.health.v1.Health/Check"] {
		t.Errorf("%v", safe)
	}
}

// gRPC is told to repeat what is safe, and nothing when retries are off or calls are signed.
func TestServiceConfigRepeatsWhatIsSafe(t *testing.T) {
	var config struct {
		MethodConfig []struct {
			Name        []struct{ Service, Method string }
			RetryPolicy struct {
				MaxAttempts                int
				InitialBackoff, MaxBackoff string
			}
		}
		HealthCheckConfig *struct{ ServiceName string }
	}
	if err := json.Unmarshal([]byte(serviceConfig(true, true)), &config); err != nil {
		t.Fatal(err)
	}
	policy := config.MethodConfig[0].RetryPolicy
	if policy.MaxAttempts != 5 || policy.InitialBackoff != "0.1s" || policy.MaxBackoff != "2.0s" || config.HealthCheckConfig == nil {
		t.Errorf("%+v", config)
	}
	config.MethodConfig, config.HealthCheckConfig = nil, nil
	if err := json.Unmarshal([]byte(serviceConfig(false, false)), &config); err != nil {
		t.Fatal(err)
	}
	if config.MethodConfig != nil || config.HealthCheckConfig != nil {
		t.Errorf("%+v", config)
	}
}

// A signed call is made again after the waits of gRPC's own retries, or when the server says so.
func TestWaitsOfSignedCalls(t *testing.T) {
	away := &Error{Code: codes.Unavailable}
	asked := func(milliseconds string) metadata.MD { return metadata.Pairs(pushbackKey, milliseconds) }
	for _, one := range []struct {
		about   string
		tries   int
		err     *Error
		trailer metadata.MD
		wait    time.Duration
		again   bool
	}{
		{"the first wait", 1, away, nil, 100 * time.Millisecond, true},
		{"grows threefold", 3, away, nil, 900 * time.Millisecond, true},
		{"has a limit", 4, away, nil, 2 * time.Second, true},
		{"the fifth try is the last", 5, away, nil, 0, false},
		{"the server asks for patience", 1, away, asked("1200"), 1200 * time.Millisecond, true},
		{"the server wants no repeat", 1, away, asked("-1"), 0, false},
		{"an unreadable wish ends the tries", 1, away, asked("soon"), 0, false},
		{"the details ask for patience", 1, &Error{Code: codes.Unavailable, RetryAfter: time.Second}, nil, time.Second, true},
		{"a nonce that was used", 1, &Error{Code: codes.Unauthenticated, Reason: "CREDENTIALS_REPLAYED"}, nil, 100 * time.Millisecond, true},
		{"a wrong key", 1, &Error{Code: codes.Unauthenticated, Reason: "CREDENTIALS_INVALID"}, nil, 0, false},
		{"a refusal", 1, &Error{Code: codes.NotFound}, nil, 0, false},
	} {
		wait, again := waitAfter(one.tries, one.err, one.trailer, func() float64 { return 0.5 })
		if again != one.again || again && wait != one.wait {
			t.Errorf("%s: %v, %v", one.about, wait, again)
		}
	}
}
