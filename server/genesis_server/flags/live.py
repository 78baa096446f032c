"""The flags in use: every source hands its layer in, readers take the snapshot."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from genesis_server.flags.emergency import EmergencyState
from genesis_server.flags.layers import Layer
from genesis_server.flags.overrides import Overrides
from genesis_server.flags.snapshot import FlagSnapshot
from genesis_server.model.flags import FlagLayer

_LOG = logging.getLogger(__name__)


class LiveFlags:
    """Readers take `snapshot` once per decision; it is swapped by one assignment, by the one loop that all sources follow on."""

    def __init__(self, *, overrides: Overrides, changed: Callable[[FlagSnapshot], None] = lambda _: None) -> None:
        """Begin with the flags that ship; `changed` is told of each snapshot that comes into use."""
        self._overrides = overrides
        self._changed = changed
        self._layers: dict[FlagLayer, Layer] = {}
        self._emergency: Mapping[str, EmergencyState] = {}
        self.snapshot = FlagSnapshot(overrides=overrides)
        """The flags as they are now."""

    def take(self, layer: Layer) -> None:
        """Use `layer` in place of the one of the same kind."""
        self._layers[layer.kind] = layer
        self._swap()

    def take_emergency(self, states: Mapping[str, EmergencyState]) -> None:
        """Use these emergency flags."""
        if states != self._emergency:
            self._emergency = dict(states)
            self._swap()

    def _swap(self) -> None:
        before = self.snapshot.snapshot_id
        layers = [self._layers[kind] for kind in sorted(self._layers)]
        self.snapshot = FlagSnapshot(layers, overrides=self._overrides, emergency=self._emergency)
        if self.snapshot.snapshot_id != before:
            _LOG.info("flags are now %s", self.snapshot.snapshot_id)
        self._changed(self.snapshot)
