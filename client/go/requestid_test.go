package genesis

import (
	"testing"

	genesisv1 "genesis-orchestrator.dev/client/go/genesis/v1"
	"github.com/google/uuid"
)

// A request without an id gets one, and the caller's own message stays as it was.
func TestRequestsGetAnID(t *testing.T) {
	plain := &genesisv1.PlanRequest{Goal: "x"}
	made := identified(plain).(*genesisv1.PlanRequest)
	if id, err := uuid.Parse(made.RequestId); err != nil || id.Version() != 4 {
		t.Errorf("%q is no UUID4", made.RequestId)
	}
	if plain.RequestId != "" || made.Goal != "x" {
		t.Error("the caller's message was changed, or not copied whole")
	}
	if again := identified(plain).(*genesisv1.PlanRequest); again.RequestId == made.RequestId {
		t.Error("two calls have the same id")
	}
	stream := &genesisv1.PlanStreamRequest{Plan: plain}
	if inner := identified(stream).(*genesisv1.PlanStreamRequest); inner.Plan.RequestId == "" || plain.RequestId != "" {
		t.Error("the request in a PlanStreamRequest has no id, or the caller's was changed")
	}
}

// An id that is given, and requests that need none, are left alone.
func TestOtherRequestsStayAsTheyAre(t *testing.T) {
	for _, one := range []any{
		&genesisv1.PlanRequest{RequestId: "mine"},
		&genesisv1.PlanStreamRequest{},
		&genesisv1.GetPlanRequest{PlanId: "plan_1"},
		&genesisv1.ReportRequest{Lease: &genesisv1.LeaseToken{LeaseId: "lease_1"}},
		"no message",
	} {
		if identified(one) != one {
			t.Errorf("%v was changed", one)
		}
	}
}
