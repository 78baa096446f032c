"""Every metric, span attribute, log field and metadata key by name: dashboards, alerts and log queries hold on to these.

RPC metrics have go-grpc-prometheus's names, so that public dashboards and alerts work. Attributes are those of OpenTelemetry's
semantic conventions 1.44.0 (RPC: release candidate).
"""

from __future__ import annotations

from typing import Final

SERVICE_NAME: Final = "genesis"

# Metadata of calls.
METADATA_AUTHORIZATION: Final = "authorization"
METADATA_CORRELATION_ID: Final = "x-correlation-id"
METADATA_TRACEPARENT: Final = "traceparent"
METADATA_RUN_ID: Final = "genesis-run-id"
METADATA_STATUS_DETAILS: Final = "grpc-status-details-bin"
METADATA_RETRY_PUSHBACK: Final = "grpc-retry-pushback-ms"

# Calls.
GRPC_SERVER_STARTED: Final = "grpc_server_started_total"
GRPC_SERVER_HANDLED: Final = "grpc_server_handled_total"
GRPC_SERVER_HANDLING_SECONDS: Final = "grpc_server_handling_seconds"
GRPC_SERVER_MSG_RECEIVED: Final = "grpc_server_msg_received_total"
GRPC_SERVER_MSG_SENT: Final = "grpc_server_msg_sent_total"
REQUEST_DURATION: Final = "genesis_request_duration_seconds"
ERROR_RATE: Final = "genesis_error_rate"
CALLS_COUNTED: Final = "genesis_calls_total"
SERVER_FAULTS: Final = "genesis_server_faults_total"
ERRORS: Final = "genesis_errors_total"
CALLS_IN_FLIGHT: Final = "genesis_calls_in_flight"

# The work itself.
PHASE_DURATION: Final = "genesis_phase_duration_seconds"
PLANS: Final = "genesis_plans_total"
TASKS_PLANNED: Final = "genesis_tasks_planned_total"
TASKS_ROUTED: Final = "genesis_tasks_routed_total"
TASKS_UNASSIGNED: Final = "genesis_tasks_unassigned_total"
ROUTING_DECISIONS: Final = "genesis_routing_decisions_total"
DECISIONS_RECORDED: Final = "genesis_decisions_recorded_total"
VALIDATION_VERDICTS: Final = "genesis_validation_verdicts_total"
TASKS_DISPATCHED: Final = "genesis_tasks_dispatched_total"
TASK_ATTEMPTS: Final = "genesis_task_attempts_total"
TASKS_COMPLETED: Final = "genesis_tasks_completed_total"
TASKS_FAILED: Final = "genesis_tasks_failed_total"
DEAD_LETTERS: Final = "genesis_dead_letters_total"
LEASES: Final = "genesis_leases"
DISPATCH_DELAY: Final = "genesis_dispatch_delay_seconds"
REPORTS: Final = "genesis_reports_total"
BUDGET_REFUSALS: Final = "genesis_budget_refusals_total"
AGENTS_LIVE: Final = "genesis_agents_live"
WORKERS_LOST: Final = "genesis_workers_lost_total"
AGENT_RUNNING_TASKS: Final = "genesis_agent_running_tasks"
SECURITY_EVENTS: Final = "genesis_security_events_total"
LLM_REQUESTS: Final = "genesis_llm_requests_total"
LLM_QUESTIONS: Final = "genesis_llm_questions_total"
LLM_TOKENS: Final = "genesis_llm_tokens_total"
LLM_COST: Final = "genesis_llm_cost_usd_total"

# What it stands on.
BREAKER_STATE: Final = "genesis_breaker_state"
BREAKER_TRANSITIONS: Final = "genesis_breaker_transitions_total"
STORAGE_DURATION: Final = "genesis_storage_operation_duration_seconds"
SPANS_EXPORTED: Final = "genesis_spans_exported_total"
BUILD_INFO: Final = "genesis_build_info"
SNAPSHOT_INFO: Final = "genesis_snapshot_info"

CACHE_LOOKUPS: Final = "genesis_cache_lookups_total"

# Flags.
FLAG_EVALUATIONS: Final = "genesis_flag_evaluations_total"
FLAG_VERSION: Final = "genesis_flag_definition_version"
FLAG_AGE: Final = "genesis_flag_definition_age_seconds"
FLAG_PROPAGATION: Final = "genesis_flag_propagation_seconds"
EMERGENCY_FLAG: Final = "genesis_emergency_flag"

# The event of an evaluation on a span, in OpenTelemetry's words for feature flags.
EVENT_FLAG_EVALUATION: Final = "feature_flag.evaluation"
ATTR_FLAG_KEY: Final = "feature_flag.key"
ATTR_FLAG_VARIANT: Final = "feature_flag.result.variant"
ATTR_FLAG_REASON: Final = "feature_flag.result.reason"
ATTR_FLAG_VERSION: Final = "feature_flag.version"
ATTR_FLAG_CONTEXT_ID: Final = "feature_flag.context.id"
ATTR_FLAG_PROVIDER: Final = "feature_flag.provider.name"
ATTR_ERROR_MESSAGE: Final = "error.message"

# Attributes of spans and fields of logs.
ATTR_SERVICE_NAME: Final = "service.name"
ATTR_SERVICE_VERSION: Final = "service.version"
ATTR_RPC_SYSTEM: Final = "rpc.system.name"
ATTR_RPC_METHOD: Final = "rpc.method"
ATTR_RPC_METHOD_ORIGINAL: Final = "rpc.method_original"
RPC_METHOD_OTHER: Final = "_OTHER"
"""Method of calls to methods that do not exist: their names come from callers."""
ATTR_RPC_STATUS: Final = "rpc.response.status_code"
ATTR_RPC_GRPC_STATUS: Final = "rpc.grpc.status_code"
ATTR_ERROR_TYPE: Final = "error.type"
ATTR_CORRELATION_ID: Final = "genesis.correlation_id"
ATTR_PHASE: Final = "genesis.phase"

LOG_TIMESTAMP: Final = "timestamp"
LOG_LEVEL: Final = "level"
LOG_EVENT: Final = "event"
LOG_LOGGER: Final = "logger"
LOG_TRACE_ID: Final = "trace_id"
LOG_SPAN_ID: Final = "span_id"
LOG_CORRELATION_ID: Final = "correlation_id"
LOG_DURATION_MS: Final = "duration_ms"
LOG_EXCEPTION: Final = "exception"
