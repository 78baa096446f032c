package worker

import (
	"context"
	"errors"
	"fmt"

	genesisv1 "genesis-orchestrator.dev/client/go/genesis/v1"
)

// take begins with a task, or gives it back.
func (e *engine) take(jobs context.Context, from *stream, session *genesisv1.RegisterResponse, assignment *genesisv1.WorkAssignment) {
	leaseID := assignment.GetLease().GetLeaseId()
	if e.leases.get(leaseID) != nil {
		from.acknowledge(leaseID)
		return
	}
	skill, able := e.skillFor(assignment)
	one := newHeld(assignment, skill, e.leases.tell)
	switch {
	case !able:
		e.refuse(jobs, assignment, givenUp(fmt.Sprintf("the agent has no skill %q", assignment.GetTarget().GetSkillId()), false))
	case e.stopped():
		e.refuse(jobs, assignment, givenUp(ErrStopping.Error(), true))
	case !e.leases.add(one):
		e.refuse(jobs, assignment, givenUp("the worker has no free slot", true))
	default:
		from.acknowledge(leaseID)
		e.working.Go(func() { e.carryOut(jobs, session, one) })
		return
	}
	one.let()
}

func (e *engine) skillFor(assignment *genesisv1.WorkAssignment) (skill, bool) {
	named := assignment.GetTarget().GetSkillId()
	if named == "" {
		named = assignment.GetTask().GetCapability()
	}
	if named == "" && len(e.skills) == 1 {
		for _, only := range e.skills {
			return only, true
		}
	}
	found, able := e.skills[named]
	return found, able
}

func (e *engine) refuse(jobs context.Context, assignment *genesisv1.WorkAssignment, report *genesisv1.ReportRequest) {
	e.working.Go(func() { e.deliver(jobs, assignment, report, func() bool { return true }) })
}

// carryOut runs the function of a task and reports, until the lease is over.
func (e *engine) carryOut(jobs context.Context, session *genesisv1.RegisterResponse, one *held) {
	result := make(chan *genesisv1.ReportRequest, 1)
	// Not among the jobs: a function that does not end holds up nothing but its slot.
	go func() {
		report, stack := perform(one.function, one.skill.do, one.task, one.skill.entry)
		if failed := report.GetFailed(); failed != nil && one.function.Err() == nil {
			e.log.Error("a task failed", "plan", one.task.PlanID, "task", one.task.Task.GetId(), "error", failed.GetError(), "stack", stack)
		}
		if orphan := e.leases.ended(one); orphan {
			e.tellSlots()
		}
		result <- report
	}()
	defer func() {
		one.let()
		if runsOn := e.leases.release(one); runsOn {
			e.tellSlots()
		}
	}()
	select {
	case report := <-result:
		late := errors.Is(one.function.Err(), context.DeadlineExceeded) && report.GetFailed() != nil
		if one.end() == nil && !late {
			e.deliver(jobs, one.assignment, report, func() bool { return errors.Is(one.end(), ErrLost) })
			return
		}
	case <-one.function.Done():
	}
	if one.end() == nil {
		// Its time is over: the server says so itself, and until then the lease is not one to be given away.
		first(session.GetLeaseDuration().AsDuration(), one.lease.Done(), jobs.Done())
	} else if why := one.end(); !errors.Is(why, ErrLost) {
		e.deliver(jobs, one.assignment, givenUp(why.Error(), true), func() bool { return true })
	}
}
