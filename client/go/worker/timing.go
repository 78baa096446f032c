package worker

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"
)

const (
	firstBackoff   = 100 * time.Millisecond
	longestBackoff = 10 * time.Second
)

// backoff is how long to wait after so many failures in a row, from 0: twice as long each time, half of it drawn ("equal jitter").
func backoff(failures int, first time.Duration) time.Duration {
	whole := first
	for ; failures > 0 && whole < longestBackoff; failures-- {
		whole *= 2
	}
	whole = min(whole, longestBackoff)
	return whole/2 + time.Duration(rand.Int64N(int64(whole/2)+1))
}

// sleep waits; false when the context ends before.
func sleep(ctx context.Context, wait time.Duration) bool {
	first(wait, ctx.Done(), nil)
	return ctx.Err() == nil
}

// first waits until one of the channels gives or is closed, at most so long. A channel that is nil never does.
func first(most time.Duration, one, other <-chan struct{}) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-one:
	case <-other:
	case <-timer.C:
	}
}

// levelOf is how loudly to tell of a failure after so many in a row, from 0: once is enough, the rest is for those who look closer.
func levelOf(failures int) slog.Level {
	if failures == 0 {
		return slog.LevelWarn
	}
	return slog.LevelDebug
}
