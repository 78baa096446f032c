package genesis

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	genesisv1 "genesis-orchestrator.dev/client/go/genesis/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// fake is a server that notes what it is asked, fails as often as it is told to, and reads requests as the bytes they came as.
type fake struct {
	mu       sync.Mutex
	failures int
	pushback string
	calls    []call
}

type call struct {
	method string
	body   []byte
	header metadata.MD
	left   time.Duration
}

func (f *fake) serve(_ any, stream grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(stream)
	var body []byte
	if err := stream.RecvMsg(&body); err != nil {
		return err
	}
	one := call{method: method, body: body}
	one.header, _ = metadata.FromIncomingContext(stream.Context())
	if end, ends := stream.Context().Deadline(); ends {
		one.left = time.Until(end)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, one)
	if len(f.calls) <= f.failures {
		if f.pushback != "" {
			stream.SetTrailer(metadata.Pairs(pushbackKey, f.pushback))
		}
		return status.Error(codes.Unavailable, "away")
	}
	return stream.SendMsg([]byte{})
}

type bytesCodec struct{}

func (bytesCodec) Name() string { return "bytes" }

func (bytesCodec) Marshal(message any) ([]byte, error) { return message.([]byte), nil }

func (bytesCodec) Unmarshal(data []byte, message any) error {
	*message.(*[]byte) = append([]byte{}, data...)
	return nil
}

func serving(t *testing.T, options Options) (*fake, *Client) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fake := &fake{}
	server := grpc.NewServer(grpc.UnknownServiceHandler(fake.serve), grpc.ForceServerCodec(bytesCodec{}))
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	options.NoHealthChecking = true
	client, err := Connect(listener.Addr().String(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return fake, client
}

// A call without a deadline has that of the client, one with a deadline keeps it; every call says which client it is.
func TestDeadlinesAndUserAgent(t *testing.T) {
	fake, client := serving(t, Options{Timeout: 7 * time.Second, Token: "secret"})
	if _, err := client.Orchestrator.Health(t.Context(), &genesisv1.HealthRequest{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := client.Orchestrator.Health(ctx, &genesisv1.HealthRequest{}); err != nil {
		t.Fatal(err)
	}
	if first, second := fake.calls[0].left, fake.calls[1].left; first <= 0 || first > 7*time.Second || second < 8*time.Second {
		t.Errorf("%v and %v are left", first, second)
	}
	header := fake.calls[0].header
	if agent := header.Get("user-agent"); !strings.HasPrefix(agent[0], "genesis-go/"+Version+" ") {
		t.Error(agent)
	}
	if token := header.Get("authorization"); len(token) != 1 || token[0] != "Bearer secret" {
		t.Error(token)
	}
}

// A token that cannot be had fails the call as one without credentials.
func TestATokenThatCannotBeHad(t *testing.T) {
	_, client := serving(t, Options{TokenSource: func(context.Context) (string, error) { return "", errors.New("no issuer") }})
	_, err := client.Orchestrator.Health(t.Context(), &genesisv1.HealthRequest{})
	if status.Code(err) != codes.Unauthenticated || !strings.Contains(err.Error(), "no issuer") {
		t.Error(err)
	}
}

// Every try of a call has the same request id, and a signed one a signature of its own over the very bytes that are sent.
func TestRepeatedCalls(t *testing.T) {
	for _, options := range []Options{{}, {AgentKey: "k1:" + strings.Repeat("s", 40), Agent: "builder"}} {
		fake, client := serving(t, options)
		fake.failures = 2
		if _, err := client.Orchestrator.Plan(t.Context(), &genesisv1.PlanRequest{Goal: "x"}); err != nil {
			t.Fatal(err)
		}
		if len(fake.calls) != 3 {
			t.Fatalf("%d tries", len(fake.calls))
		}
		signatures := map[string]bool{}
		for _, one := range fake.calls {
			var request genesisv1.PlanRequest
			if err := proto.Unmarshal(one.body, &request); err != nil || request.RequestId == "" {
				t.Errorf("%v, %v", &request, err)
			}
			if string(one.body) != string(fake.calls[0].body) {
				t.Error("two tries are not the same request")
			}
			if options.AgentKey != "" {
				signatures[checked(t, one, options)] = true
			}
		}
		if options.AgentKey != "" && len(signatures) != 3 {
			t.Errorf("%d signatures for 3 tries", len(signatures))
		}
	}
}

// checked is the signature of a call, which must be right for its bytes.
func checked(t *testing.T, one call, options Options) string {
	t.Helper()
	header := one.header.Get("authorization")
	_, parts, _ := strings.Cut(header[0], " ")
	found := map[string]string{}
	for _, part := range strings.Split(parts, ",") {
		name, value, _ := strings.Cut(part, "=")
		found[name] = value
	}
	at, err := time.ParseDuration(found["time"] + "s")
	if err != nil {
		t.Fatal(header)
	}
	_, secret, _ := strings.Cut(options.AgentKey, ":")
	want := Signature{secret, one.method, "default", options.Agent, "k1", int64(at.Seconds()), found["nonce"], one.body}.Hex()
	if found["signature"] != want {
		t.Errorf("%s is not signed", one.method)
	}
	return found["signature"]
}

// A server that wants no repeat gets none, signed or not; nor does one when repeats are switched off.
func TestCallsThatAreNotRepeated(t *testing.T) {
	for _, options := range []Options{{}, {AgentKey: "k1:s", Agent: "builder"}, {NoRetry: true}} {
		fake, client := serving(t, options)
		fake.failures = 1
		if !options.NoRetry {
			fake.pushback = "-1"
		}
		_, err := client.Orchestrator.Health(t.Context(), &genesisv1.HealthRequest{})
		if status.Code(err) != codes.Unavailable || len(fake.calls) != 1 {
			t.Errorf("%d tries, %v", len(fake.calls), err)
		}
	}
}

// A stream of answers is signed over its request and says an error as calls do.
func TestStreamsOfAnswersAreSigned(t *testing.T) {
	options := Options{AgentKey: "k1:s", Agent: "builder"}
	fake, client := serving(t, options)
	stream, err := client.Orchestrator.PlanStream(t.Context(), &genesisv1.PlanStreamRequest{Plan: &genesisv1.PlanRequest{Goal: "x"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	checked(t, fake.calls[0], options)
	fake.mu.Lock()
	fake.failures = 100
	fake.mu.Unlock()
	stream, err = client.Orchestrator.PlanStream(t.Context(), &genesisv1.PlanStreamRequest{Plan: &genesisv1.PlanRequest{Goal: "x"}})
	if err == nil {
		_, err = stream.Recv()
	}
	if told := (*Error)(nil); !errors.As(err, &told) || told.Code != codes.Unavailable {
		t.Error(err)
	}
}
