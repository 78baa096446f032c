package worker

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	genesis "genesis-orchestrator.dev/client/go"
	genesisv1 "genesis-orchestrator.dev/client/go/genesis/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

const patience = 30 * time.Second

// fake is a server whose part a test plays.
type fake struct {
	genesisv1.UnimplementedAgentServiceServer
	genesisv1.UnimplementedOrchestratorServiceServer
	interval, lease time.Duration
	refuse          func(method string) error
	registered      chan *genesisv1.RegisterRequest
	beats           chan *genesisv1.HeartbeatRequest
	streams         chan *fakeStream
	reports         chan *genesisv1.ReportRequest
	left            chan string
	ended           chan error
}

// fakeStream is the server's end of a stream of work.
type fakeStream struct {
	grpc.BidiStreamingServer[genesisv1.WorkRequest, genesisv1.WorkResponse]
	said chan *genesisv1.WorkRequest
	end  chan error
}

func refusal(code codes.Code, reason string) error {
	given, err := status.New(code, "refused").WithDetails(&errdetails.ErrorInfo{Reason: reason})
	if err != nil {
		panic(err)
	}
	return given.Err()
}

func (f *fake) Register(_ context.Context, request *genesisv1.RegisterRequest) (*genesisv1.RegisterResponse, error) {
	if err := f.refuse("Register"); err != nil {
		return nil, err
	}
	f.registered <- request
	return &genesisv1.RegisterResponse{
		SessionId:         "session",
		HeartbeatInterval: durationpb.New(f.interval),
		LeaseDuration:     durationpb.New(f.lease),
	}, nil
}

func (f *fake) Heartbeat(_ context.Context, request *genesisv1.HeartbeatRequest) (*genesisv1.HeartbeatResponse, error) {
	if err := f.refuse("Heartbeat"); err != nil {
		return nil, err
	}
	f.beats <- request
	return &genesisv1.HeartbeatResponse{LeaseDuration: durationpb.New(f.lease)}, nil
}

func (f *fake) Deregister(_ context.Context, request *genesisv1.DeregisterRequest) (*genesisv1.DeregisterResponse, error) {
	f.left <- request.GetSessionId()
	return &genesisv1.DeregisterResponse{}, nil
}

func (f *fake) Report(_ context.Context, request *genesisv1.ReportRequest) (*genesisv1.ReportResponse, error) {
	if err := f.refuse("Report"); err != nil {
		return nil, err
	}
	f.reports <- request
	return &genesisv1.ReportResponse{}, nil
}

func (f *fake) Work(stream grpc.BidiStreamingServer[genesisv1.WorkRequest, genesisv1.WorkResponse]) error {
	if err := f.refuse("Work"); err != nil {
		return err
	}
	one := &fakeStream{stream, make(chan *genesisv1.WorkRequest, 100), make(chan error, 1)}
	f.streams <- one
	go func() {
		for {
			message, err := stream.Recv()
			if err != nil {
				close(one.said)
				return
			}
			one.said <- message
		}
	}()
	select {
	case err := <-one.end:
		return err
	case <-stream.Context().Done():
		return nil
	}
}

func newFake() *fake {
	return &fake{
		interval:   time.Minute,
		lease:      3 * time.Minute,
		refuse:     func(string) error { return nil },
		registered: make(chan *genesisv1.RegisterRequest, 100),
		beats:      make(chan *genesisv1.HeartbeatRequest, 100),
		streams:    make(chan *fakeStream, 100),
		reports:    make(chan *genesisv1.ReportRequest, 100),
		left:       make(chan string, 100),
		ended:      make(chan error, 1),
	}
}

// run starts the fake and the worker, until the test ends or calls the function that is given back; what Run returned is in f.ended.
func (f *fake) run(t *testing.T, worker *Worker) (stop func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	genesisv1.RegisterAgentServiceServer(server, f)
	genesisv1.RegisterOrchestratorServiceServer(server, f)
	go func() { _ = server.Serve(listener) }()
	ctx, stop := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() {
		f.ended <- worker.Run(ctx, listener.Addr().String(), genesis.Options{NoRetry: true})
		close(over)
	}()
	t.Cleanup(func() {
		stop()
		<-over
		server.Stop()
	})
	return stop
}

// stream is the next stream the worker opens, after what it says first.
func (f *fake) stream(t *testing.T) (*fakeStream, *genesisv1.WorkOpen) {
	t.Helper()
	one := got(t, f.streams)
	open := one.hears(t).GetOpen()
	if open.GetSessionId() != "session" {
		t.Fatalf("%v", open)
	}
	return one, open
}

func (s *fakeStream) hears(t *testing.T) *genesisv1.WorkRequest {
	t.Helper()
	return got(t, s.said)
}

func (s *fakeStream) tells(t *testing.T, message *genesisv1.WorkResponse) {
	t.Helper()
	if err := s.Send(message); err != nil {
		t.Fatal(err)
	}
}

// assigns hands out a task for a skill under a lease, and waits for the acknowledgement when there is to be one.
func (s *fakeStream) assigns(t *testing.T, lease, skill string, change ...func(*genesisv1.WorkAssignment)) {
	t.Helper()
	given := &genesisv1.WorkAssignment{
		PlanId: "plan",
		Task:   &genesisv1.Task{Id: "task", Goal: "Greet"},
		Lease:  &genesisv1.LeaseToken{LeaseId: lease, Token: 7},
		Target: &genesisv1.Target{SkillId: skill},
	}
	for _, one := range change {
		one(given)
	}
	s.tells(t, &genesisv1.WorkResponse{Message: &genesisv1.WorkResponse_Assignment{Assignment: given}})
}

func (s *fakeStream) acknowledged(t *testing.T, lease string) {
	t.Helper()
	if found := s.hears(t).GetAcknowledge(); found.GetLeaseId() != lease {
		t.Fatalf("%v was acknowledged, not %s", found, lease)
	}
}

// accepts takes the next report, skipping other news.
func (s *fakeStream) accepts(t *testing.T) *genesisv1.ReportRequest {
	t.Helper()
	return s.answers(t, nil)
}

func (s *fakeStream) answers(t *testing.T, refused error) *genesisv1.ReportRequest {
	t.Helper()
	report := s.hears(t).GetReport()
	if report == nil {
		t.Fatal("the worker said something else than a report")
	}
	answer := &genesisv1.WorkReported{LeaseId: report.GetLease().GetLeaseId()}
	if refused == nil {
		answer.Result = &genesisv1.WorkReported_Accepted{Accepted: &genesisv1.ReportResponse{}}
	} else {
		answer.Result = &genesisv1.WorkReported_Refused{Refused: status.Convert(refused).Proto()}
	}
	s.tells(t, &genesisv1.WorkResponse{Message: &genesisv1.WorkResponse_Reported{Reported: answer}})
	return report
}

func (s *fakeStream) notices(t *testing.T, lease string, kind genesisv1.LeaseNoticeKind) {
	t.Helper()
	notice := &genesisv1.LeaseNotice{LeaseId: lease, Kind: kind}
	s.tells(t, &genesisv1.WorkResponse{Message: &genesisv1.WorkResponse_Notice{Notice: notice}})
}

// got is the next of a channel, which has to come in time.
func got[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case one, open := <-from:
		if !open {
			t.Fatal(io.ErrUnexpectedEOF)
		}
		return one
	case <-time.After(patience):
		t.Fatal("nothing came in time")
		panic("never")
	}
}

// nothing fails when something has come.
func nothing[T any](t *testing.T, from <-chan T) {
	t.Helper()
	select {
	case one := <-from:
		t.Errorf("%v came", one)
	default:
	}
}

var errBroken = errors.New("broken")

// greeter is a worker with one skill, "greet".
func greeter(do Function, options Options) *Worker {
	options.Log = slog.New(slog.DiscardHandler)
	worker := New("greeter", options)
	worker.Skill(&genesisv1.Skill{Id: "say.greet"}, do)
	return worker
}

// until is a function that waits for the end of its context and tells why it came.
func until(why chan<- error) Function {
	return func(ctx context.Context, _ *Task) (any, error) {
		<-ctx.Done()
		why <- context.Cause(ctx)
		return nil, ctx.Err()
	}
}
