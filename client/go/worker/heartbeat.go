package worker

import (
	"context"
	"errors"
	"time"

	genesis "genesis-orchestrator.dev/client/go"
	genesisv1 "genesis-orchestrator.dev/client/go/genesis/v1"
)

const (
	soonestBeat  = 500 * time.Millisecond
	longestBeat  = 10 * time.Second
	usualBeat    = 10 * time.Second
	beatsOfLease = 3
)

var errSessionGone = errors.New("the server does not know the session any more")

func sessionGone(err error) bool { return genesis.Reason(err) == "SESSION_NOT_FOUND" }

// beat gives signs of life until the context ends or the session is gone: as often as the server asked for, sooner when there is news, at
// most twice a second. When none was answered for as long as a lease lasts, by the worker's own clock, what it holds is let go: others
// may have it by now.
func (e *engine) beat(ctx context.Context, session *genesisv1.RegisterResponse) error {
	interval, lasts := session.GetHeartbeatInterval().AsDuration(), session.GetLeaseDuration().AsDuration()
	if interval <= 0 {
		interval = usualBeat
	}
	if lasts <= 0 {
		lasts = beatsOfLease * interval
	}
	answered := time.Now()
	failures := 0
	for {
		if !e.pause(ctx, interval, failures) {
			return ctx.Err()
		}
		news := e.leases.takeNews()
		sent := time.Now()
		left := answered.Add(lasts).Sub(sent)
		if left <= 0 {
			left = interval
		}
		response, err := e.sign(ctx, session.GetSessionId(), news, min(longestBeat, left))
		switch {
		case sessionGone(err):
			return errSessionGone
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			failures++
			e.log.Log(ctx, levelOf(failures-1), "no answer to a sign of life", "error", err)
			for one, told := range news {
				one.task.keepNews(told)
			}
			if time.Since(answered) >= lasts {
				e.leases.finishAll(ErrSilence)
			}
		default:
			if failures > 0 {
				e.log.Warn("signs of life are answered again")
			}
			answered, failures = sent, 0
			if renewed := response.GetLeaseDuration().AsDuration(); renewed > 0 {
				lasts = renewed
			}
		}
	}
}

// pause waits until the next sign of life is due; false when the context ends.
func (e *engine) pause(ctx context.Context, interval time.Duration, failures int) bool {
	began := time.Now()
	wait, news := interval, e.leases.news
	if failures > 0 {
		wait, news = min(interval, backoff(failures, soonestBeat)), nil
	}
	first(wait, ctx.Done(), news)
	return sleep(ctx, soonestBeat-time.Since(began))
}

func (e *engine) sign(
	ctx context.Context, sessionID string, news map[*held]*told, most time.Duration,
) (*genesisv1.HeartbeatResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	request := &genesisv1.HeartbeatRequest{SessionId: sessionID, Load: e.leases.load()}
	for one, told := range news {
		request.Progress = append(request.Progress, &genesisv1.LeaseProgress{
			PlanId:   one.assignment.GetPlanId(),
			TaskId:   one.assignment.GetTask().GetId(),
			Lease:    one.assignment.GetLease(),
			Fraction: told.fraction,
			Message:  told.message,
		})
	}
	return e.client.Agents.Heartbeat(ctx, request)
}
