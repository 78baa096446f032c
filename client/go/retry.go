package genesis

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	genesisadminv1 "genesis-orchestrator.dev/client/go/genesis/admin/v1"
	genesisv1 "genesis-orchestrator.dev/client/go/genesis/v1"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

const (
	attempts       = 5
	initialBackoff = 100 * time.Millisecond
	maxBackoff     = 2 * time.Second
	multiplier     = 3
	jitter         = 0.2
	pushbackKey    = "grpc-retry-pushback-ms"
)

var contract = []protoreflect.FileDescriptor{
	genesisv1.File_genesis_v1_orchestrator_service_proto,
	genesisv1.File_genesis_v1_agent_service_proto,
	genesisadminv1.File_genesis_admin_v1_policy_service_proto,
	genesisadminv1.File_genesis_admin_v1_flag_admin_service_proto,
}

// safe are the methods that may be called again, by full name ("/package.Service/Method"): those that say so in the contract, and those
// with a request id, by which the server knows a repeat.
var safe = safeMethods()

func safeMethods() map[string]bool {
	// Both read, and say nothing of it in their options.
	found := map[string]bool{healthv1.Health_Check_FullMethodName: true, genesisv1.OrchestratorService_WatchPlan_FullMethodName: true}
	for _, file := range contract {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				if method := methods.Get(j); isSafe(method) {
					found[fmt.Sprintf("/%s/%s", method.Parent().FullName(), method.Name())] = true
				}
			}
		}
	}
	return found
}

func isSafe(method protoreflect.MethodDescriptor) bool {
	if method.IsStreamingClient() {
		return false
	}
	options, _ := method.Options().(*descriptorpb.MethodOptions)
	return options.GetIdempotencyLevel() != descriptorpb.MethodOptions_IDEMPOTENCY_UNKNOWN || hasRequestID(method.Input())
}

// serviceConfig is gRPC's service config: load balancing, health checking, retries of safe methods.
// See https://github.com/grpc/grpc/blob/master/doc/service_config.md
func serviceConfig(retry, healthChecking bool) string {
	type object = map[string]any
	config := object{"loadBalancingConfig": []object{{"round_robin": object{}}}}
	if healthChecking {
		config["healthCheckConfig"] = object{"serviceName": ""}
	}
	if retry {
		names := []object{}
		for _, path := range slices.Sorted(maps.Keys(safe)) {
			service, method, _ := strings.Cut(path[1:], "/")
			names = append(names, object{"service": service, "method": method})
		}
		config["methodConfig"] = []object{{"name": names, "retryPolicy": object{
			"maxAttempts":          attempts,
			"initialBackoff":       fmt.Sprintf("%.1fs", initialBackoff.Seconds()),
			"maxBackoff":           fmt.Sprintf("%.1fs", maxBackoff.Seconds()),
			"backoffMultiplier":    multiplier,
			"retryableStatusCodes": []string{"UNAVAILABLE"},
		}}}
		config["retryThrottling"] = object{"maxTokens": 10, "tokenRatio": 0.1}
	}
	text, err := json.Marshal(config)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// waitAfter tells how long to wait before a signed call is made once more, after so many tries; false when it is not. `uniform` draws
// from 0 to 1.
func waitAfter(tries int, err *Error, trailer metadata.MD, uniform func() float64) (time.Duration, bool) {
	again := err.Code == codes.Unavailable || err.Code == codes.Unauthenticated && err.Reason == "CREDENTIALS_REPLAYED"
	if !again || tries >= attempts {
		return 0, false
	}
	if asked := trailer.Get(pushbackKey); len(asked) > 0 {
		milliseconds, wrong := strconv.Atoi(asked[0])
		return time.Duration(milliseconds) * time.Millisecond, wrong == nil && milliseconds >= 0
	}
	wait := initialBackoff
	for range tries - 1 {
		wait = min(wait*multiplier, maxBackoff)
	}
	return max(time.Duration(float64(wait)*(1-jitter+2*jitter*uniform())), err.RetryAfter), true
}

var uniform = rand.Float64
