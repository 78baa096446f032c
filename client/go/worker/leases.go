package worker

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	genesisv1 "genesis-orchestrator.dev/client/go/genesis/v1"
)

// Why the context of a function ends, as context.Cause has it, besides context.DeadlineExceeded.
var (
	// ErrLost says that the plan was cancelled, or the lease was taken back: what the function returns is dropped.
	ErrLost = errors.New("the task is not wanted any more")
	// ErrStopping says that the worker stops and has handed the task back.
	ErrStopping = errors.New("the worker stops")
	// ErrSilence says that the server may have given the task to somebody else.
	ErrSilence = errors.New("no sign of life was answered for as long as a lease lasts")
)

const mostNews = 1000

// held is a task under a lease of this worker.
type held struct {
	assignment *genesisv1.WorkAssignment
	skill      skill
	task       *Task
	// lease ends when the task is let go before its function has ended.
	lease  context.Context
	finish context.CancelCauseFunc
	// function is the context of the function; it ends with the lease, or when the time is over.
	function context.Context
	cancel   context.CancelFunc
}

func newHeld(assignment *genesisv1.WorkAssignment, skill skill, news func()) *held {
	one := &held{assignment: assignment, skill: skill, task: newTask(assignment, news)}
	one.lease, one.finish = context.WithCancelCause(context.Background())
	one.function, one.cancel = one.task.traced(one.lease), func() {}
	if left := assignment.GetTimeLeft(); left != nil {
		one.function, one.cancel = context.WithTimeout(one.function, left.AsDuration())
	}
	return one
}

func (h *held) id() string { return h.assignment.GetLease().GetLeaseId() }

// let frees what its contexts take.
func (h *held) let() {
	h.cancel()
	h.finish(nil)
}

// end is why the task was let go; nil while it is not.
func (h *held) end() error {
	if h.lease.Err() == nil {
		return nil
	}
	return context.Cause(h.lease)
}

// leases are the tasks a worker holds, and the slots they take. A function that runs on after its lease was let go keeps its slot.
type leases struct {
	mu      sync.Mutex
	limit   int
	held    map[string]*held
	running map[*held]bool
	idle    chan struct{}
	// news has something when a task told how far it is.
	news chan struct{}
}

func newLeases(limit int) *leases {
	idle := make(chan struct{})
	close(idle)
	return &leases{limit: limit, held: map[string]*held{}, running: map[*held]bool{}, idle: idle, news: make(chan struct{}, 1)}
}

func (l *leases) get(id string) *held {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held[id]
}

func (l *leases) all() []*held {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Values(l.held))
}

func (l *leases) ids() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.held))
}

// add takes a task; false when no slot is free.
func (l *leases) add(one *held) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.running) >= l.limit {
		return false
	}
	if len(l.held) == 0 {
		l.idle = make(chan struct{})
	}
	l.held[one.id()] = one
	l.running[one] = true
	return true
}

// ended says that the function of a task has ended; whether its lease was over already.
func (l *leases) ended(one *held) (orphan bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.running, one)
	return l.held[one.id()] != one
}

// release says that the lease of a task is over; whether its function runs on.
func (l *leases) release(one *held) (runsOn bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.held, one.id())
	if len(l.held) == 0 {
		close(l.idle)
	}
	return l.running[one]
}

// slots is how many tasks can be held at once, less the functions that run on without a lease.
func (l *leases) slots() uint32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	free := l.limit
	for one := range l.running {
		if l.held[one.id()] != one {
			free--
		}
	}
	return uint32(free)
}

// load is how busy the worker is, 0 to 1.
func (l *leases) load() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return float64(len(l.running)) / float64(l.limit)
}

// empty is closed while nothing is held.
func (l *leases) empty() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.idle
}

// finishAll lets everything go.
func (l *leases) finishAll(why error) {
	for _, one := range l.all() {
		one.finish(why)
	}
}

// tell says that a task told how far it is.
func (l *leases) tell() {
	select {
	case l.news <- struct{}{}:
	default:
	}
}

// takeNews is what tasks told since the last time; each is told once.
func (l *leases) takeNews() map[*held]*told {
	select {
	case <-l.news:
	default:
	}
	found := map[*held]*told{}
	for _, one := range l.all() {
		if len(found) == mostNews {
			break
		}
		if news := one.task.takeNews(); news != nil {
			found[one] = news
		}
	}
	return found
}
