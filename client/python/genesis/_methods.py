"""The methods of the contract, once, for the sync and the async client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.message import Message

from genesis.admin.v1 import flag_admin_service_pb2 as flags
from genesis.admin.v1 import policy_service_pb2 as policy
from genesis.v1 import agent_service_pb2 as agents
from genesis.v1 import decision_pb2 as decisions
from genesis.v1 import orchestrator_service_pb2 as orchestrator
from genesis.v1 import update_pb2 as updates
from genesis.v1 import work_pb2 as work

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)


@dataclass(frozen=True, slots=True)
class Method(Generic[Request, Response]):
    """A method of the server."""

    path: str
    """`/package.Service/Method`."""
    request: type[Request]
    response: type[Response]
    timeout: float
    """Default deadline in seconds, over all tries of a call."""


def _policy(name: str, request: type[Request], response: type[Response], timeout: float) -> Method[Request, Response]:
    return Method(f"/genesis.admin.v1.PolicyService/{name}", request, response, timeout)


def _flags(name: str, request: type[Request], response: type[Response], timeout: float) -> Method[Request, Response]:
    return Method(f"/genesis.admin.v1.FlagAdminService/{name}", request, response, timeout)


def _agents(name: str, request: type[Request], response: type[Response], timeout: float) -> Method[Request, Response]:
    return Method(f"/genesis.v1.AgentService/{name}", request, response, timeout)


def _orchestrator(name: str, request: type[Request], response: type[Response], timeout: float) -> Method[Request, Response]:
    return Method(f"/genesis.v1.OrchestratorService/{name}", request, response, timeout)


PLAN = _orchestrator("Plan", orchestrator.PlanRequest, orchestrator.PlanResponse, 30.0)
PLAN_STREAM = _orchestrator("PlanStream", orchestrator.PlanStreamRequest, orchestrator.PlanStreamResponse, 60.0)
ROUTE = _orchestrator("Route", orchestrator.RouteRequest, orchestrator.RouteResponse, 30.0)
VALIDATE = _orchestrator("Validate", orchestrator.ValidateRequest, orchestrator.ValidateResponse, 60.0)
ORCHESTRATE = _orchestrator("Orchestrate", orchestrator.OrchestrateRequest, orchestrator.OrchestrateResponse, 60.0)
GET_PLAN = _orchestrator("GetPlan", orchestrator.GetPlanRequest, orchestrator.GetPlanResponse, 10.0)
LIST_PLANS = _orchestrator("ListPlans", orchestrator.ListPlansRequest, orchestrator.ListPlansResponse, 10.0)
DELETE_PLAN = _orchestrator("DeletePlan", orchestrator.DeletePlanRequest, orchestrator.DeletePlanResponse, 10.0)
UPDATE_PLAN = _orchestrator("UpdatePlan", updates.UpdatePlanRequest, updates.UpdatePlanResponse, 30.0)
WATCH_PLAN = _orchestrator("WatchPlan", updates.WatchPlanRequest, updates.WatchPlanResponse, 3_600.0)
GET_DECISION = _orchestrator("GetDecision", decisions.GetDecisionRequest, decisions.GetDecisionResponse, 30.0)
LIST_DECISIONS = _orchestrator("ListDecisions", decisions.ListDecisionsRequest, decisions.ListDecisionsResponse, 10.0)
FLAG = _orchestrator("Flag", orchestrator.FlagRequest, orchestrator.FlagResponse, 5.0)
HEALTH = _orchestrator("Health", orchestrator.HealthRequest, orchestrator.HealthResponse, 5.0)
REPORT = _orchestrator("Report", work.ReportRequest, work.ReportResponse, 30.0)
REGISTER = _agents("Register", agents.RegisterRequest, agents.RegisterResponse, 10.0)
HEARTBEAT = _agents("Heartbeat", agents.HeartbeatRequest, agents.HeartbeatResponse, 10.0)
DEREGISTER = _agents("Deregister", agents.DeregisterRequest, agents.DeregisterResponse, 10.0)
WORK = _agents("Work", agents.WorkRequest, agents.WorkResponse, 3_600.0)
LIST_AGENTS = _agents("List", agents.AgentServiceListRequest, agents.AgentServiceListResponse, 10.0)
GET_RULEBOOK = _policy("GetRulebook", policy.GetRulebookRequest, policy.GetRulebookResponse, 10.0)
LINT_RULEBOOK = _policy("LintRulebook", policy.LintRulebookRequest, policy.LintRulebookResponse, 60.0)
PREVIEW_RULEBOOK = _policy("PreviewRulebook", policy.PreviewRulebookRequest, policy.PreviewRulebookResponse, 60.0)
ACTIVATE_RULEBOOK = _policy("ActivateRulebook", policy.ActivateRulebookRequest, policy.ActivateRulebookResponse, 60.0)
LIST_RULEBOOK_CHANGES = _policy("ListRulebookChanges", policy.ListRulebookChangesRequest, policy.ListRulebookChangesResponse, 10.0)
LIST_BREAKERS = _policy("ListBreakers", policy.ListBreakersRequest, policy.ListBreakersResponse, 10.0)
RESET_BREAKER = _policy("ResetBreaker", policy.ResetBreakerRequest, policy.ResetBreakerResponse, 10.0)
LIST_SECURITY_EVENTS = _policy("ListSecurityEvents", policy.ListSecurityEventsRequest, policy.ListSecurityEventsResponse, 10.0)
GET_FLAG = _flags("GetFlag", flags.GetFlagRequest, flags.GetFlagResponse, 10.0)
LIST_FLAGS = _flags("ListFlags", flags.ListFlagsRequest, flags.ListFlagsResponse, 10.0)
PUT_FLAG = _flags("PutFlag", flags.PutFlagRequest, flags.PutFlagResponse, 10.0)
DELETE_FLAG = _flags("DeleteFlag", flags.DeleteFlagRequest, flags.DeleteFlagResponse, 10.0)
SET_FLAG_WEIGHT = _flags("SetFlagWeight", flags.SetFlagWeightRequest, flags.SetFlagWeightResponse, 10.0)
ENABLE_FLAG = _flags("EnableFlag", flags.EnableFlagRequest, flags.EnableFlagResponse, 10.0)
DISABLE_FLAG = _flags("DisableFlag", flags.DisableFlagRequest, flags.DisableFlagResponse, 10.0)
PREVIEW_FLAG = _flags("PreviewFlag", flags.PreviewFlagRequest, flags.PreviewFlagResponse, 30.0)
SET_EMERGENCY_FLAG = _flags("SetEmergencyFlag", flags.SetEmergencyFlagRequest, flags.SetEmergencyFlagResponse, 10.0)
CLEAR_EMERGENCY_FLAG = _flags("ClearEmergencyFlag", flags.ClearEmergencyFlagRequest, flags.ClearEmergencyFlagResponse, 10.0)
LIST_AUDIT_ENTRIES = _flags("ListAuditEntries", flags.ListAuditEntriesRequest, flags.ListAuditEntriesResponse, 10.0)
