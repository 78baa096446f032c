"""What every flag is for whom: immutable, read without a lock."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from genesis_server.flags.definition import FlagDefinition, built_in_flags
from genesis_server.flags.emergency import EMERGENCY_FLAGS, EmergencyState, Modes
from genesis_server.flags.layers import BUILT_IN, Layer, built_in_layer
from genesis_server.flags.near_keys import flag_not_found
from genesis_server.flags.overrides import PLANNER_VARIABLE, Overrides
from genesis_server.flags.rules.compiling import RuleError
from genesis_server.flags.rules.explaining import Trace, explain_rule
from genesis_server.model.flags import NOBODY, FlagContext, FlagLayer, FlagReason, JsonValue, Scalar

ORCHESTRATION = "orchestration_enabled"
CORE_GROUP = "phase_1_core_enabled"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a flag is, and why."""

    key: str
    value: JsonValue
    """None: the caller's own default holds."""
    variant: str
    """Name of the variant that has the value; empty when there is none."""
    reason: FlagReason
    layer: FlagLayer
    """Which layer decided."""
    source: str
    """The same in words."""
    description: str = ""
    """What the flag switches."""
    version: int = 0
    """Version of the written definition; 0 when it was never written."""
    metadata: Mapping[str, Scalar] | None = None
    """What the definition says besides; None for nothing."""
    error: str = ""
    """What went wrong with the rule."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """An evaluation and the way to it."""

    evaluation: Evaluation
    trace: Trace | None
    """The way through the rule; None when no rule was asked."""


class FlagSnapshot:
    """The flags of every layer, ready to be asked.

    A flag of Genesis is on for a subject when its own definition, or the variable that overrides it, says so **and** its group is on for
    the same subject. Emergency flags that were set are above all. The id is derived from what the flags are defined as, so the same
    definitions, environment and emergency flags give the same id everywhere.
    """

    def __init__(
        self,
        layers: Sequence[Layer] = (),
        *,
        overrides: Overrides | None = None,
        emergency: Mapping[str, EmergencyState] | None = None,
    ) -> None:
        """Take the layers, lowest first, over the flags that ship."""
        self.layers: tuple[Layer, ...] = (built_in_layer(), *(layer for layer in layers if layer.kind is not FlagLayer.BUILT_IN))
        self.overrides = overrides or Overrides()
        self.emergency: Mapping[str, EmergencyState] = dict(emergency or {})
        self.where: Mapping[str, Layer] = {key: layer for layer in self.layers for key in layer.definitions}
        """By key: the layer of the definition that holds."""
        self.keys: tuple[str, ...] = tuple(sorted(self.where))
        self.snapshot_id: str = self._id()
        self._fixed: dict[str, Evaluation] = {}
        self._asked: dict[str, _Asked] = {}
        self.modes = Modes(*(self.enabled(key) for key in EMERGENCY_FLAGS))

    def evaluate(self, key: str, context: FlagContext = NOBODY) -> Evaluation:
        """What the flag is for `context`. Raises ResourceError FLAG_NOT_FOUND."""
        found = self._fixed.get(key)
        return found if found is not None else self.evaluate_on(key, context.data)

    def evaluate_on(self, key: str, data: Callable[[], Mapping[str, object]]) -> Evaluation:
        """As `evaluate`, with the data of the context; it is only asked for when a rule reads it."""
        found = self._fixed.get(key)
        if found is not None:
            return found
        asked = self._asked.get(key) or self._prepare(key)
        if asked.group is not None:
            group = self.evaluate_on(asked.group, data)
            if group.value is not True:
                return asked.grouped(group.source)
        own = asked.fixed if asked.fixed is not None else asked.by_rule(data())
        if asked.fixed is not None and (asked.group is None or asked.group in self._fixed):
            self._fixed[key] = own
        return own

    def for_everybody(self, key: str) -> Evaluation | None:
        """What the flag is, whoever asks, once it was evaluated; None when a rule is asked for it."""
        return self._fixed.get(key)

    def enabled(self, key: str, context: FlagContext = NOBODY) -> bool:
        """Whether the flag is on for `context`, its group included. Raises ResourceError FLAG_NOT_FOUND."""
        return self.evaluate(key, context).value is True

    def explain(self, key: str, context: FlagContext = NOBODY) -> Explanation:
        """What the flag is for `context`, and the way through its rule. Raises ResourceError FLAG_NOT_FOUND."""
        evaluation = self.evaluate(key, context)
        flag = self.definition(key)
        asked = evaluation.layer in {FlagLayer.BUILT_IN, FlagLayer.FILE, FlagLayer.WRITTEN, FlagLayer.PIN}
        if flag is None or flag.compiled is None or not flag.active or not asked:
            return Explanation(evaluation, None)
        return Explanation(evaluation, explain_rule(key, flag.rule, context.data(), generation=flag.generation))

    def is_off_for_all(self, key: str) -> bool:
        """Whether the flag is off, whoever asks. Raises ResourceError FLAG_NOT_FOUND."""
        asked = self._asked.get(key) or self._prepare(key)
        group_off = asked.group is not None and self.is_off_for_all(asked.group)
        return group_off or (asked.fixed is not None and asked.fixed.value is not True)

    def definition(self, key: str) -> FlagDefinition | None:
        """The definition that holds; None when there is none."""
        layer = self.where.get(key)
        return None if layer is None else layer.definitions[key]

    @property
    def planner_off_reason(self) -> str:
        """Why plans are made at the minimal level for everyone; empty when they are not."""
        return self.planner_off_reason_of(self.enabled)

    def planner_off_reason_of(self, enabled: Callable[[str], bool]) -> str:
        """The same for those whose flags `enabled` tells."""
        if not enabled(ORCHESTRATION):
            return f"the flag {ORCHESTRATION} is off"
        return f"{PLANNER_VARIABLE} is off" if self.overrides.planner_off else ""

    def _prepare(self, key: str) -> _Asked:
        layer = self.where.get(key)
        if layer is None:
            raise flag_not_found(key, self.keys)
        group = built_in_flags()[key].group if key in built_in_flags() else ""
        asked = self._asked[key] = _Asked(layer, layer.definitions[key], self, group=group or None)
        return asked

    def _id(self) -> str:
        lines = chain(
            (f"{key} {self.where[key].definitions[key].digest}\n" for key in self.keys),
            (f"{key}={override.value}\n" for key, override in sorted(self.overrides.flags.items())),
            (f"!{key}\n" for key, state in sorted(self.emergency.items()) if state.set),
            ("planner off\n",) if self.overrides.planner_off else (),
        )
        return "flags-" + hashlib.sha256("".join(lines).encode()).hexdigest()[:16]


class _Asked:
    """One flag of a snapshot: every evaluation it can have, made once and handed out again and again."""

    __slots__ = ("_ask", "_by_result", "_flag", "_mould", "fixed", "group")

    def __init__(self, layer: Layer, flag: FlagDefinition, snapshot: FlagSnapshot, *, group: str | None) -> None:
        state = snapshot.emergency.get(flag.key)
        override = snapshot.overrides.flags.get(flag.key)
        self._flag = flag
        self.group = group
        self._ask = None if flag.compiled is None else flag.compiled.ask
        self._mould = _mould(layer, flag)
        self._by_result: dict[str | None, Evaluation] = {}
        self.fixed: Evaluation | None = None
        """The evaluation for everybody; None when a rule is to be asked."""
        if state is not None and state.set:
            source = "emergency flag that is set; ListFlags tells administrators by whom and why"
            self.fixed = replace(self._valued(value=True), reason=FlagReason.EMERGENCY, layer=FlagLayer.EMERGENCY, source=source)
        elif override is not None:
            source = f"environment variable {override.variable}"
            self.fixed = replace(
                self._valued(value=override.value), reason=FlagReason.ENVIRONMENT, layer=FlagLayer.ENVIRONMENT, source=source
            )
        elif not flag.active:
            self.fixed = self._defaulted(FlagReason.DISABLED, "disables the definition")
        elif self._ask is None:
            self.fixed = self._static(stale=layer.stale)
        if flag.key == CORE_GROUP and snapshot.overrides.planner_off and self.fixed is not None:
            self.fixed = replace(self.fixed, source=f"{self.fixed.source}; planner off by {PLANNER_VARIABLE}")

    def by_rule(self, data: Mapping[str, object]) -> Evaluation:
        """What the rule says of `data`."""
        if self._ask is None:
            raise AssertionError("a flag without a rule is fixed")
        try:
            result = self._ask(data)
        except RuleError as error:
            return self._wrong(str(error))
        if result is True or result is False:
            result = "true" if result else "false"
        if result is not None and not isinstance(result, str):
            return self._wrong(f"the rule gave {type(result).__name__}, which names no variant")
        found = self._by_result.get(result)
        if found is None:
            found = self._chosen(result)
            if len(self._by_result) <= len(self._flag.variants):
                self._by_result[result] = found
        return found

    def grouped(self, source: str) -> Evaluation:
        """The flag is off because its group is."""
        told = f"group {self.group} is off by {source}"
        return replace(self._valued(value=False), reason=FlagReason.GROUP, layer=FlagLayer.GROUP, source=told)

    def _chosen(self, variant: str | None) -> Evaluation:
        if variant is None:
            default = self._flag.default_variant
            if default is None:
                return self._defaulted(FlagReason.DEFAULT, "names no default variant")
            return replace(self._mould, value=self._flag.variants[default], variant=default, reason=FlagReason.DEFAULT)
        if variant not in self._flag.variants:
            return self._wrong(f"the rule chose {variant[:60]!r}, which is none of the variants")
        return replace(self._mould, value=self._flag.variants[variant], variant=variant, reason=FlagReason.TARGETING_MATCH)

    def _static(self, *, stale: bool) -> Evaluation:
        default = self._flag.default_variant
        if default is None:
            return self._defaulted(FlagReason.DEFAULT, "names no default variant")
        reason = FlagReason.STALE if stale else FlagReason.STATIC
        return replace(self._mould, value=self._flag.variants[default], variant=default, reason=reason)

    def _wrong(self, how: str) -> Evaluation:
        """The rule went wrong."""
        return replace(self._defaulted(FlagReason.ERROR, "has a rule that went wrong"), error=how)

    def _defaulted(self, reason: FlagReason, why: str) -> Evaluation:
        """No variant holds: the built-in default for a flag of Genesis, nothing for any other."""
        built_in = built_in_flags().get(self._flag.key)
        if built_in is None or built_in.default_variant is None:
            return replace(self._mould, reason=reason, source=f"{self._mould.source} {why}")
        variant = built_in.default_variant
        source = f"{BUILT_IN}: {self._mould.source} {why}"
        return replace(self._mould, value=built_in.variants[variant], variant=variant, reason=reason, source=source)

    def _valued(self, *, value: bool) -> Evaluation:
        """The flag with a value that another layer gives it, by the first variant that has it."""
        return replace(self._mould, value=value, variant=self._flag.variant_of(value))


def _mould(layer: Layer, flag: FlagDefinition) -> Evaluation:
    """What every evaluation of a flag has in common."""
    built_in = built_in_flags().get(flag.key)
    return Evaluation(
        key=flag.key,
        value=None,
        variant="",
        reason=FlagReason.UNSPECIFIED,
        layer=layer.kind,
        source=f"{layer.name}, last good version" if layer.stale or flag.key in layer.mistakes else layer.name,
        description=flag.description or ("" if built_in is None else built_in.description),
        version=layer.version_of(flag.key),
        metadata=flag.metadata or None,
    )
