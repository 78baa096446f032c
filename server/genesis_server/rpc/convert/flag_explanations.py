"""How flags came to their values."""

from __future__ import annotations

from genesis.v1 import flags_pb2
from genesis_server.flags.rules.explaining import Bucket, Step
from genesis_server.flags.snapshot import Explanation
from genesis_server.model.flags import FlagReason
from genesis_server.rpc.convert.values import number


def explanation_to_proto(explanation: Explanation) -> flags_pb2.FlagExplanation:
    """The layer that decided, the way through the rule, and both in a sentence."""
    trace = explanation.trace
    return flags_pb2.FlagExplanation(
        layer=number(explanation.evaluation.layer),
        steps=[] if trace is None else [_step(step) for step in trace.steps],
        buckets=[] if trace is None else [_bucket(bucket) for bucket in trace.buckets],
        text=_told(explanation),
    )


def _step(step: Step) -> flags_pb2.FlagStep:
    return flags_pb2.FlagStep(path=step.path, operation=step.operation, arguments=step.arguments, result=step.result)


def _bucket(bucket: Bucket) -> flags_pb2.FlagBucket:
    return flags_pb2.FlagBucket(
        path=bucket.path,
        bucketed_by=bucket.bucketed_by,
        hash=bucket.hash,
        bucket=bucket.bucket,
        total_weight=bucket.total_weight,
        variant=bucket.variant,
        lower=bucket.lower,
        upper=bucket.upper,
        distance=bucket.distance,
        generation=f"v{bucket.generation.value}",
    )


def _told(explanation: Explanation) -> str:
    evaluation, trace = explanation.evaluation, explanation.trace
    match evaluation.reason:
        case FlagReason.TARGETING_MATCH:
            return f"the rule chose {evaluation.variant}" + (_drawn(trace.buckets[-1]) if trace is not None and trace.buckets else "")
        case FlagReason.DEFAULT if evaluation.variant:
            return f"the rule chose no variant, so the default, {evaluation.variant}, holds"
        case FlagReason.STATIC | FlagReason.STALE:
            return f"there is no rule: the default, {evaluation.variant}, holds for everybody"
        case FlagReason.ERROR:
            return f"the rule went wrong: {evaluation.error}"
        case _:
            return evaluation.source


def _drawn(bucket: Bucket) -> str:
    share = (bucket.upper - bucket.lower) / bucket.total_weight
    far = f"{_percent(bucket.distance)} of all subjects from its nearer end"
    return f": the draw fell into the {_percent(share)} of {bucket.variant}, {far}"


def _percent(part: float) -> str:
    return f"{part * 100:.4g} %"
