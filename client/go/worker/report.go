package worker

import (
	"context"
	"errors"
	"slices"
	"time"

	genesis "genesis-orchestrator.dev/client/go"
	genesisv1 "genesis-orchestrator.dev/client/go/genesis/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
)

const answerTime = 30 * time.Second

var (
	finalCodes   = []codes.Code{codes.AlreadyExists, codes.InvalidArgument, codes.NotFound, codes.PermissionDenied}
	finalReasons = []string{"LEASE_LOST", "TASK_ENDED", "PLAN_ENDED", "MESSAGE_TOO_LARGE"}
)

// deliver tells a report until the server took it or refused it for good, or the context ends. A report under a lease can be told again
// without harm, so no answer means: once more. Outputs that the server finds unfit make the task fail with what it said. With `lost` true,
// the lease is known to be gone, and any answer of the server is the last word.
func (e *engine) deliver(ctx context.Context, assignment *genesisv1.WorkAssignment, report *genesisv1.ReportRequest, lost func() bool) {
	report = proto.CloneOf(report)
	report.PlanId, report.TaskId, report.Lease = assignment.GetPlanId(), assignment.GetTask().GetId(), assignment.GetLease()
	log := e.log.With("plan", report.PlanId, "task", report.TaskId)
	for failures := 0; ; failures++ {
		err := e.told(ctx, report)
		if err == nil || ctx.Err() != nil {
			return
		}
		refusal := &genesis.Error{}
		known := errors.As(err, &refusal) && refusal.Reason != ""
		refused := known && (slices.Contains(finalCodes, refusal.Code) || slices.Contains(finalReasons, refusal.Reason))
		unfit := refusal.Code == codes.InvalidArgument || refusal.Reason == "MESSAGE_TOO_LARGE"
		switch {
		case refused && unfit && report.GetDone() != nil:
			log.Error("the outputs were refused", "error", err)
			report.Outcome = failed(err.Error(), true).Outcome
			continue
		case refused || known && lost():
			log.Warn("the report was refused", "error", err)
			return
		}
		log.Log(ctx, levelOf(failures), "the report is told again", "error", err)
		if !sleep(ctx, max(backoff(failures, firstBackoff), refusal.RetryAfter)) {
			return
		}
	}
}

// told tells a report once, on the stream, or by a call where there is none or it does not answer; nil when it was taken, now or before.
func (e *engine) told(ctx context.Context, report *genesisv1.ReportRequest) error {
	if stream := e.currentStream(); stream != nil {
		timer := time.NewTimer(answerTime)
		defer timer.Stop()
		select {
		case answer, answered := <-stream.report(report):
			if answered {
				if refused := genesis.FromStatus(answer.GetRefused()); refused != nil {
					return refused
				}
				return nil
			}
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
	}
	_, err := e.client.Orchestrator.Report(ctx, report)
	return err
}
