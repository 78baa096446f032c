package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	genesis "genesis-orchestrator.dev/client/go"
	genesisv1 "genesis-orchestrator.dev/client/go/genesis/v1"
	"google.golang.org/grpc/codes"
)

const farewellTime = 5 * time.Second

// engine is a worker at work: it joins, takes tasks, runs them, reports, leaves.
type engine struct {
	client *genesis.Client
	card   *genesisv1.AgentCard
	skills map[string]skill
	grace  time.Duration
	log    *slog.Logger
	leases *leases

	stopping chan struct{}
	hurry    chan struct{}
	working  sync.WaitGroup

	mu      sync.Mutex
	stops   int
	session *genesisv1.RegisterResponse
	stream  *stream
}

func newEngine(client *genesis.Client, worker *Worker) *engine {
	return &engine{
		client:   client,
		card:     worker.card,
		skills:   worker.skills,
		grace:    worker.grace,
		log:      worker.log.With("agent", worker.card.GetId()),
		leases:   newLeases(int(worker.card.GetMaxConcurrentTasks())),
		stopping: make(chan struct{}),
		hurry:    make(chan struct{}),
	}
}

// stop takes nothing more, lets finish what is held within the grace time, and leaves; the second time it hands back at once.
func (e *engine) stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stops++
	switch e.stops {
	case 1:
		close(e.stopping)
	case 2:
		close(e.hurry)
	}
}

func (e *engine) stopped() bool {
	select {
	case <-e.stopping:
		return true
	default:
		return false
	}
}

// run works until stop. Its error says that the server refused the worker for good before it ever joined.
func (e *engine) run() error {
	serving, endServing := context.WithCancel(context.Background())
	jobs, endJobs := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- e.serve(serving, jobs) }()
	var err error
	select {
	case err = <-served:
		endServing()
	case <-e.stopping:
		e.leave()
		endServing()
		<-served
	}
	e.leases.finishAll(ErrLost)
	endJobs()
	e.working.Wait()
	return err
}

func (e *engine) leave() {
	e.tellSlots()
	first(max(0, e.grace), e.leases.empty(), e.hurry)
	e.leases.finishAll(ErrStopping)
	first(farewellTime, e.leases.empty(), nil)
	e.mu.Lock()
	session := e.session
	e.mu.Unlock()
	if session == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), farewellTime)
	defer cancel()
	if _, err := e.client.Agents.Deregister(ctx, &genesisv1.DeregisterRequest{SessionId: session.GetSessionId()}); err != nil {
		e.log.Info("could not say farewell", "error", err)
	}
}

// serve joins and works, and again when the session is gone, until the context ends.
func (e *engine) serve(ctx, jobs context.Context) error {
	for {
		session, err := e.join(ctx)
		if ctx.Err() != nil || err != nil {
			return err
		}
		parts, endParts := context.WithCancel(ctx)
		ended := make(chan struct{}, 2)
		go func() { _ = e.beat(parts, session); ended <- struct{}{} }()
		go func() { e.streams(parts, jobs, session); ended <- struct{}{} }()
		<-ended
		endParts()
		<-ended
		if ctx.Err() != nil {
			return nil
		}
		e.leases.finishAll(ErrLost)
		if e.stopped() {
			return nil
		}
		e.log.Warn("the server does not know this worker any more; it joins again")
	}
}

// join registers until the server takes the worker. Before the first time, what is refused for good is an error.
func (e *engine) join(ctx context.Context) (*genesisv1.RegisterResponse, error) {
	for failures := 0; ; failures++ {
		session, err := e.client.Agents.Register(ctx, &genesisv1.RegisterRequest{Card: e.card})
		if ctx.Err() != nil {
			return nil, nil
		}
		e.mu.Lock()
		before := e.session != nil
		if err == nil {
			e.session = session
		}
		e.mu.Unlock()
		if err == nil {
			return session, nil
		}
		refusal := &genesis.Error{}
		if errors.As(err, &refusal) && refusal.Reason != "" && !before {
			switch refusal.Code {
			case codes.InvalidArgument, codes.PermissionDenied, codes.Unauthenticated, codes.Unimplemented:
				return nil, err
			}
		}
		e.log.Log(ctx, levelOf(failures), "cannot join", "error", err)
		if !sleep(ctx, max(backoff(failures, firstBackoff), refusal.RetryAfter)) {
			return nil, nil
		}
	}
}

// streams opens one stream of work after the other, until the context ends or the session is gone.
func (e *engine) streams(ctx, jobs context.Context, session *genesisv1.RegisterResponse) {
	for failures := 0; ; failures++ {
		heard, moved, err := e.listen(ctx, jobs, session)
		if ctx.Err() != nil || sessionGone(err) {
			return
		}
		if heard {
			failures = 0
		}
		if !moved {
			e.log.Log(ctx, levelOf(failures), "the stream of work broke", "error", err)
		}
		if (!moved || failures > 0) && !sleep(ctx, backoff(failures, firstBackoff)) {
			return
		}
	}
}

// listen opens a stream and does what the server says on it; whether it said anything, and whether it asked to go elsewhere.
func (e *engine) listen(ctx, jobs context.Context, session *genesisv1.RegisterResponse) (heard, moved bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	work, err := e.client.Agents.Work(ctx)
	if err != nil {
		return false, false, err
	}
	e.mu.Lock()
	opened := newStream(&genesisv1.WorkOpen{SessionId: session.GetSessionId(), Slots: e.slots(), HeldLeaseIds: e.leases.ids()})
	e.stream = opened
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		e.stream = nil
		e.mu.Unlock()
		opened.close()
	}()
	go opened.write(ctx, work)
	for {
		message, err := work.Recv()
		if err != nil {
			return heard, false, err
		}
		if message.GetMove() != nil {
			return heard, true, nil
		}
		heard = true
		e.hear(jobs, opened, session, message)
	}
}

func (e *engine) hear(jobs context.Context, from *stream, session *genesisv1.RegisterResponse, message *genesisv1.WorkResponse) {
	switch {
	case message.GetAssignment() != nil:
		e.take(jobs, from, session, message.GetAssignment())
	case message.GetNotice() != nil:
		e.notice(message.GetNotice())
	case message.GetReported() != nil:
		from.reported(message.GetReported())
	default:
		e.log.Info("the server said something this client does not know")
	}
}

func (e *engine) notice(notice *genesisv1.LeaseNotice) {
	one := e.leases.get(notice.GetLeaseId())
	if one == nil {
		return
	}
	switch notice.GetKind() {
	case genesisv1.LeaseNoticeKind_LEASE_NOTICE_KIND_PAUSED:
		one.task.setPaused(true)
	case genesisv1.LeaseNoticeKind_LEASE_NOTICE_KIND_RESUMED:
		one.task.setPaused(false)
	default:
		e.log.Info("a task is not wanted any more", "plan", one.assignment.GetPlanId(), "task", one.task.Task.GetId(), "why", notice.GetMessage())
		one.finish(ErrLost)
	}
}

func (e *engine) currentStream() *stream {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stream
}

func (e *engine) slots() uint32 {
	if e.stopped() {
		return 0
	}
	return e.leases.slots()
}

func (e *engine) tellSlots() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stream != nil {
		e.stream.slots(e.slots())
	}
}
