package worker

import (
	"context"
	"sync"

	genesisv1 "genesis-orchestrator.dev/client/go/genesis/v1"
	"google.golang.org/grpc"
)

type workStream = grpc.BidiStreamingClient[genesisv1.WorkRequest, genesisv1.WorkResponse]

// stream is what the worker says on one stream of work. Saying never waits: the server takes nothing while its answers are not read, so
// whoever reads must not be held up.
type stream struct {
	mu     sync.Mutex
	outbox []*genesisv1.WorkRequest
	more   chan struct{}
	asked  map[string]chan *genesisv1.WorkReported
	closed bool
}

func newStream(open *genesisv1.WorkOpen) *stream {
	opened := &genesisv1.WorkRequest{Message: &genesisv1.WorkRequest_Open{Open: open}}
	made := &stream{more: make(chan struct{}, 1), asked: map[string]chan *genesisv1.WorkReported{}}
	made.say(opened)
	return made
}

func (s *stream) say(message *genesisv1.WorkRequest) {
	s.mu.Lock()
	s.outbox = append(s.outbox, message)
	s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
}

func (s *stream) acknowledge(leaseID string) {
	message := &genesisv1.WorkAcknowledgement{LeaseId: leaseID}
	s.say(&genesisv1.WorkRequest{Message: &genesisv1.WorkRequest_Acknowledge{Acknowledge: message}})
}

func (s *stream) slots(number uint32) {
	message := &genesisv1.WorkSlots{Slots: number}
	s.say(&genesisv1.WorkRequest{Message: &genesisv1.WorkRequest_Slots{Slots: message}})
}

// report sends a report. The channel gives the server's answer, or is closed when the stream ends before it.
func (s *stream) report(request *genesisv1.ReportRequest) <-chan *genesisv1.WorkReported {
	answer := make(chan *genesisv1.WorkReported, 1)
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		close(answer)
		return answer
	}
	s.asked[request.GetLease().GetLeaseId()] = answer
	s.mu.Unlock()
	s.say(&genesisv1.WorkRequest{Message: &genesisv1.WorkRequest_Report{Report: request}})
	return answer
}

// reported hands an answer to whoever sent the report.
func (s *stream) reported(answer *genesisv1.WorkReported) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if waiting, there := s.asked[answer.GetLeaseId()]; there {
		delete(s.asked, answer.GetLeaseId())
		waiting <- answer
	}
}

// close says that the stream has ended: reports without an answer have none.
func (s *stream) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, waiting := range s.asked {
		close(waiting)
	}
	clear(s.asked)
}

// write sends what is said, until the context ends or the stream breaks; who reads the stream hears of that.
func (s *stream) write(ctx context.Context, to workStream) {
	for {
		s.mu.Lock()
		said := s.outbox
		s.outbox = nil
		s.mu.Unlock()
		for _, message := range said {
			if to.Send(message) != nil {
				return
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-s.more:
		}
	}
}
