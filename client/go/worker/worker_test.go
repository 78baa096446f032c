package worker

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	genesis "genesis-orchestrator.dev/client/go"
	genesisv1 "genesis-orchestrator.dev/client/go/genesis/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/durationpb"
)

// A task is acknowledged, done, reported with what it used, and the worker leaves when it is told to.
func TestATaskIsDone(t *testing.T) {
	t.Parallel()
	traced := make(chan string, 1)
	fake := newFake()
	stop := fake.run(t, greeter(func(ctx context.Context, task *Task) (any, error) {
		header, _ := metadata.FromOutgoingContext(ctx)
		traced <- strings.Join(header.Get("traceparent"), " ")
		return "Hello: " + task.Task.GetGoal(), task.Use(nil, 12)
	}, Options{Slots: 2, Description: "Greets."}))
	card := got(t, fake.registered).GetCard()
	if card.GetId() != "greeter" || card.GetDescription() != "Greets." || card.GetSkills()[0].GetOutputs()[0].GetName() != "say_greet" {
		t.Errorf("%v", card)
	}
	stream, open := fake.stream(t)
	if open.GetSlots() != 2 || len(open.GetHeldLeaseIds()) != 0 {
		t.Errorf("%v", open)
	}
	stream.assigns(t, "l1", "say.greet", func(given *genesisv1.WorkAssignment) { given.Traceparent = "00-trace" })
	stream.acknowledged(t, "l1")
	report := stream.accepts(t)
	if got(t, traced) != "00-trace" {
		t.Error("the function is not in the trace")
	}
	output := report.GetDone().GetOutputs()[0]
	if output.GetName() != "say_greet" || output.GetValue().GetStringValue() != "Hello: Greet" || report.GetUsage().GetTokens() != 12 {
		t.Errorf("%v", report)
	}
	if report.GetPlanId() != "plan" || report.GetTaskId() != "task" || report.GetLease().GetToken() != 7 || report.GetRequestId() != "" {
		t.Errorf("%v", report)
	}
	stop()
	if err := got(t, fake.ended); err != nil {
		t.Error(err)
	}
	if slots := stream.hears(t).GetSlots(); slots == nil || slots.GetSlots() != 0 {
		t.Errorf("the worker still takes tasks: %v", slots)
	}
	got(t, fake.left)
}

// What the worker cannot or may not take now goes to others: a skill it has not, and more tasks than slots.
func TestTasksThatAreNotTaken(t *testing.T) {
	t.Parallel()
	why := make(chan error, 1)
	fake := newFake()
	fake.run(t, greeter(until(why), Options{Grace: -1}))
	stream, _ := fake.stream(t)
	stream.assigns(t, "l1", "juggle")
	if given := stream.accepts(t).GetDeclined(); given == nil || given.GetHandBack() || !strings.Contains(given.GetReason(), "juggle") {
		t.Errorf("%v", given)
	}
	stream.assigns(t, "l2", "say.greet")
	stream.acknowledged(t, "l2")
	stream.assigns(t, "l3", "say.greet")
	if given := stream.accepts(t).GetDeclined(); !given.GetHandBack() {
		t.Errorf("%v", given)
	}
	stream.assigns(t, "l2", "say.greet")
	stream.acknowledged(t, "l2")
	stream.notices(t, "l2", genesisv1.LeaseNoticeKind_LEASE_NOTICE_KIND_LOST)
	got(t, why)
}

// A task that nobody wants any more is cancelled and not reported; its slot is free again once the function has ended.
func TestACancelledTask(t *testing.T) {
	t.Parallel()
	why, endless := make(chan error, 1), make(chan struct{})
	fake := newFake()
	fake.run(t, greeter(func(ctx context.Context, task *Task) (any, error) {
		<-ctx.Done()
		why <- context.Cause(ctx)
		<-endless
		return "late", nil
	}, Options{Grace: -1}))
	stream, _ := fake.stream(t)
	stream.assigns(t, "l1", "say.greet")
	stream.acknowledged(t, "l1")
	stream.notices(t, "l1", genesisv1.LeaseNoticeKind_LEASE_NOTICE_KIND_CANCELLED)
	if err := got(t, why); !errors.Is(err, ErrLost) {
		t.Error(err)
	}
	if slots := stream.hears(t).GetSlots(); slots == nil || slots.GetSlots() != 0 {
		t.Errorf("a function that runs on keeps its slot: %v", slots)
	}
	close(endless)
	if slots := stream.hears(t).GetSlots(); slots.GetSlots() != 1 {
		t.Errorf("%v", slots)
	}
	nothing(t, fake.reports)
}

// A task may hold on while its plan is paused.
func TestAPausedTask(t *testing.T) {
	t.Parallel()
	fake := newFake()
	fake.run(t, greeter(func(ctx context.Context, task *Task) (any, error) {
		seen := 0
		for ctx.Err() == nil && seen < 2 {
			if task.Paused() == (seen == 0) {
				seen++
			}
			time.Sleep(time.Millisecond)
		}
		return seen, nil
	}, Options{}))
	stream, _ := fake.stream(t)
	stream.assigns(t, "l1", "say.greet")
	stream.acknowledged(t, "l1")
	stream.notices(t, "l1", genesisv1.LeaseNoticeKind_LEASE_NOTICE_KIND_PAUSED)
	time.AfterFunc(50*time.Millisecond, func() { stream.notices(t, "l1", genesisv1.LeaseNoticeKind_LEASE_NOTICE_KIND_RESUMED) })
	if report := stream.accepts(t); report.GetDone() == nil {
		t.Errorf("%v", report)
	}
}

// A task that takes longer than it may is cancelled, and the server is left to say so.
func TestATaskWhoseTimeIsOver(t *testing.T) {
	t.Parallel()
	why := make(chan error, 1)
	fake := newFake()
	fake.run(t, greeter(until(why), Options{Slots: 2}))
	stream, _ := fake.stream(t)
	stream.assigns(t, "l1", "say.greet", func(given *genesisv1.WorkAssignment) { given.TimeLeft = durationpb.New(50 * time.Millisecond) })
	stream.acknowledged(t, "l1")
	if err := got(t, why); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	stream.end <- errBroken
	stream, open := fake.stream(t)
	if len(open.GetHeldLeaseIds()) != 1 {
		t.Error("the lease was given away before the server took it back")
	}
	stream.notices(t, "l1", genesisv1.LeaseNoticeKind_LEASE_NOTICE_KIND_LOST)
	stream.assigns(t, "l2", "say.greet")
	for message := stream.hears(t); message.GetAcknowledge() == nil; message = stream.hears(t) {
		if message.GetReport().GetLease().GetLeaseId() == "l1" {
			t.Errorf("%v was reported", message)
		}
	}
	stream.notices(t, "l2", genesisv1.LeaseNoticeKind_LEASE_NOTICE_KIND_LOST)
	got(t, why)
}

// When the stream breaks, the worker opens another one that names what it holds, goes on, and tells again what got no answer.
func TestABrokenStream(t *testing.T) {
	t.Parallel()
	goOn := make(chan struct{})
	fake := newFake()
	fake.run(t, greeter(func(context.Context, *Task) (any, error) { <-goOn; return "x", nil }, Options{}))
	first, _ := fake.stream(t)
	first.assigns(t, "l1", "say.greet")
	first.acknowledged(t, "l1")
	first.end <- errBroken
	second, open := fake.stream(t)
	if len(open.GetHeldLeaseIds()) != 1 || open.GetHeldLeaseIds()[0] != "l1" || open.GetSlots() != 1 {
		t.Errorf("%v", open)
	}
	close(goOn)
	if second.hears(t).GetReport() == nil {
		t.Error("no report on the second stream")
	}
	second.end <- errBroken
	// No answer came: it is told by a call, as there is no stream just now, or on the next one.
	third, _ := fake.stream(t)
	select {
	case report := <-fake.reports:
		if report.GetDone() == nil {
			t.Errorf("%v", report)
		}
	case message := <-third.said:
		if message.GetReport().GetDone() == nil {
			t.Errorf("%v", message)
		}
		third.end <- errBroken
	case <-time.After(patience):
		t.Error("the report was not told again")
	}
}

// At the wish to move, the worker opens another stream.
func TestAMove(t *testing.T) {
	t.Parallel()
	fake := newFake()
	fake.run(t, greeter(until(make(chan error, 1)), Options{}))
	first, _ := fake.stream(t)
	first.tells(t, &genesisv1.WorkResponse{Message: &genesisv1.WorkResponse_Move{Move: &genesisv1.WorkMove{}}})
	fake.stream(t)
}

// Outputs that the server finds unfit fail the task with what it said; a fault of the server is no answer.
func TestReportsThatAreRefused(t *testing.T) {
	t.Parallel()
	fake := newFake()
	fake.run(t, greeter(func(context.Context, *Task) (any, error) { return 1, nil }, Options{}))
	stream, _ := fake.stream(t)
	stream.assigns(t, "l1", "say.greet")
	stream.acknowledged(t, "l1")
	if report := stream.answers(t, refusal(codes.Internal, "INTERNAL")); report.GetDone() == nil {
		t.Errorf("%v", report)
	}
	if report := stream.answers(t, refusal(codes.InvalidArgument, "OUTPUT_MISMATCH")); report.GetDone() == nil {
		t.Errorf("%v", report)
	}
	report := stream.answers(t, refusal(codes.FailedPrecondition, "LEASE_LOST")).GetFailed()
	if !report.GetPermanent() || !strings.Contains(report.GetError(), "OUTPUT_MISMATCH") {
		t.Errorf("%v", report)
	}
	stream.assigns(t, "l2", "say.greet")
	stream.acknowledged(t, "l2")
	stream.accepts(t)
}

// A worker that stops hands back what does not finish in time.
func TestStoppingHandsBack(t *testing.T) {
	t.Parallel()
	why := make(chan error, 1)
	fake := newFake()
	stop := fake.run(t, greeter(until(why), Options{Grace: 50 * time.Millisecond}))
	stream, _ := fake.stream(t)
	stream.assigns(t, "l1", "say.greet")
	stream.acknowledged(t, "l1")
	handed := make(chan *genesisv1.ReportRequest, 1)
	go func() {
		stream.hears(t)
		handed <- stream.accepts(t)
	}()
	stop()
	if err := got(t, fake.ended); err != nil {
		t.Error(err)
	}
	if err := got(t, why); !errors.Is(err, ErrStopping) {
		t.Error(err)
	}
	if given := got(t, handed).GetDeclined(); !given.GetHandBack() {
		t.Errorf("%v", given)
	}
	got(t, fake.left)
}

// Progress is told with a sign of life that does not wait for its minute.
func TestProgressIsToldWithASignOfLife(t *testing.T) {
	t.Parallel()
	end := make(chan struct{})
	fake := newFake()
	fake.run(t, greeter(func(_ context.Context, task *Task) (any, error) {
		task.Progress(0.5, "half")
		<-end
		return nil, nil
	}, Options{}))
	stream, _ := fake.stream(t)
	stream.assigns(t, "l1", "say.greet")
	beat := got(t, fake.beats)
	if len(beat.GetProgress()) != 1 || beat.GetProgress()[0].GetFraction() != 0.5 || beat.GetLoad() != 1 {
		t.Errorf("%v", beat)
	}
	close(end)
	stream.acknowledged(t, "l1")
	stream.accepts(t)
}

// When no sign of life is answered for as long as a lease lasts, what is held is let go and handed back.
func TestSilence(t *testing.T) {
	t.Parallel()
	why := make(chan error, 1)
	fake := newFake()
	fake.interval, fake.lease = 100*time.Millisecond, 700*time.Millisecond
	fake.refuse = func(method string) error {
		if method == "Heartbeat" {
			return errBroken
		}
		return nil
	}
	fake.run(t, greeter(until(why), Options{}))
	stream, _ := fake.stream(t)
	stream.assigns(t, "l1", "say.greet")
	stream.acknowledged(t, "l1")
	if err := got(t, why); !errors.Is(err, ErrSilence) {
		t.Error(err)
	}
	if given := stream.accepts(t).GetDeclined(); !given.GetHandBack() {
		t.Errorf("%v", given)
	}
}

// A worker the server does not know any more drops what it holds and joins again.
func TestALostSession(t *testing.T) {
	t.Parallel()
	why := make(chan error, 1)
	var gone atomic.Bool
	fake := newFake()
	fake.interval = 100 * time.Millisecond
	fake.refuse = func(method string) error {
		if method == "Heartbeat" && gone.Swap(false) {
			return refusal(codes.NotFound, "SESSION_NOT_FOUND")
		}
		return nil
	}
	fake.run(t, greeter(until(why), Options{}))
	stream, _ := fake.stream(t)
	stream.assigns(t, "l1", "say.greet")
	stream.acknowledged(t, "l1")
	gone.Store(true)
	if err := got(t, why); !errors.Is(err, ErrLost) {
		t.Error(err)
	}
	got(t, fake.registered)
	got(t, fake.registered)
	fake.stream(t)
}

// Credentials or a card that are refused before the worker ever joined end it with the error; a server that is away does not.
func TestARefusedWorker(t *testing.T) {
	t.Parallel()
	var tries atomic.Int32
	fake := newFake()
	fake.refuse = func(string) error {
		if tries.Add(1) < 3 {
			return refusal(codes.Unavailable, "SHUTTING_DOWN")
		}
		return refusal(codes.PermissionDenied, "AGENT_MISMATCH")
	}
	worker := greeter(until(make(chan error, 1)), Options{})
	fake.run(t, worker)
	if err := got(t, fake.ended); genesis.Reason(err) != "AGENT_MISMATCH" {
		t.Error(err)
	}
}

// A worker without a skill, and a skill that is there twice, are mistakes of the program.
func TestMistakesOfTheProgram(t *testing.T) {
	t.Parallel()
	if err := New("greeter", Options{}).Run(t.Context(), "127.0.0.1:1", genesis.Options{}); err == nil {
		t.Error("a worker without a skill ran")
	}
	defer func() {
		if recover() == nil {
			t.Error("a skill was taken twice")
		}
	}()
	greeter(nil, Options{}).Skill(&genesisv1.Skill{Id: "say.greet"}, nil)
}
