"""How flags are defined, what a change of one does, and the record of changes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import unified_diff
from typing import Any, cast

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Value
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Group, RenderableType
from rich.text import Text

from genesis.admin.v1 import flag_admin_service_pb2 as admin
from genesis.audit import BrokenChainError, Proof
from genesis.v1 import flags_pb2
from genesis_server.cli.show.rows import Rows
from genesis_server.cli.text import counted, enum_word, plain

_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}
_LAYERS = {
    flags_pb2.FLAG_LAYER_UNSPECIFIED: "without a definition that can be used",
    flags_pb2.FLAG_LAYER_BUILT_IN: "as it ships",
    flags_pb2.FLAG_LAYER_FILE: "from the flag file",
    flags_pb2.FLAG_LAYER_WRITTEN: "as it was written",
}
_ONE_LINE = 72
"""Characters of JSON that stay on one line."""


def definition_view(flag: admin.Flag) -> RenderableType:
    """A flag's definition in every layer, highest first."""
    version = f" v{flag.version}" if flag.version else ""
    head = Text.assemble((plain(flag.key), "bold"), f"{version} · {_layer(flag.layer)}")
    if flag.description:
        head.append(f" · {plain(flag.description)}", "dim")
    lines: list[RenderableType] = [head]
    if flag.HasField("update_time"):
        what = "written" if flag.written else "taken away"
        lines.append(Text(f"{what} {_time(flag.update_time)} by {plain(flag.actor)}", "dim"))
    lines += [Text(f"the newest definition cannot be used: {plain(mistake)}", "red") for mistake in flag.mistakes]
    lines += _indented(flag.definition_json)
    for hidden in flag.hidden:
        lines.append(Text(f"hidden by it, {_layer(hidden.layer)}:", "dim"))
        lines += _indented(hidden.definition_json)
    return Group(*lines)


def change_view(change: admin.FlagChange) -> RenderableType:
    """A change that was made."""
    head = Text.assemble((plain(change.key), "bold"), f" is at version {change.version}", (f" · entry {change.audit_sequence}", "dim"))
    return Group(head, *_diff(change.before_json, change.after_json))


def preview_view(preview: admin.PreviewFlagResponse, contexts: Sequence[Mapping[str, Any]]) -> RenderableType:
    """What a change would do, and who of `contexts` would get something else."""
    diff = _diff(preview.before_json, preview.after_json)
    lines: list[RenderableType] = [*diff] if diff else [Text("nothing would change", "dim")]
    if preview.HasField("moved_share"):
        lines.append(Text(f"{preview.moved_share * 100:.3g} % of all subjects would get another variant"))
    if contexts:
        lines.append(Text(f"{len(preview.differences)} of {counted(len(contexts), 'context')} would get something else"))
    if preview.differences:
        table = Rows("context", "now", "then")
        for one in preview.differences:
            who = contexts[one.context_index]
            told = str(who.get("targetingKey") or json.dumps(who, ensure_ascii=False))
            before = _variant(one.before_variant, one.before if one.HasField("before") else None)
            after = _variant(one.after_variant, one.after if one.HasField("after") else None)
            table.add(Text(plain(told), "bold"), Text(before), Text(after))
        lines.append(table)
    return Group(*lines)


def history_view(entries: Sequence[admin.AuditEntry]) -> RenderableType:
    """What changed flags, with the differences."""
    if not entries:
        return Text("nothing was changed yet", "dim")
    lines: list[Text] = []
    for entry in entries:
        version = f" v{entry.version}" if entry.version else ""
        lines.append(Text.assemble((f"{entry.sequence} ", "cyan"), _word(entry.action), " ", (plain(entry.key) + version, "bold")))
        lines.append(Text.assemble((f"  {_time(entry.time)} by {plain(entry.actor)}: ", "dim"), plain(entry.cause)))
        lines += [Text.assemble("  ", line) for line in _diff(entry.before_json, entry.after_json)]
    return Group(*lines)


def audit_table(entries: Sequence[admin.AuditEntry]) -> RenderableType:
    """The audit log."""
    if not entries:
        return Text("the audit log is empty", "dim")
    table = Rows("entry", "when", "who", "what", "flag", "why", "hash", right=("entry",))
    for entry in entries:
        table.add(
            Text(str(entry.sequence)),
            Text(_time(entry.time)),
            Text(plain(entry.actor)),
            Text(_word(entry.action)),
            Text(plain(entry.key), "bold"),
            Text(plain(entry.cause)),
            Text(plain(entry.hash)[:16], "dim"),
        )
    return table


def proof_view(found: Proof | BrokenChainError) -> RenderableType:
    """Whether the log is whole, and its head to keep elsewhere."""
    if isinstance(found, BrokenChainError):
        return Text(f"broken: entry {found.sequence} {plain(found.what)}", "bold red")
    if not found.entries:
        return Text("the audit log is empty")
    count = "1 entry" if found.entries == 1 else f"{found.entries} entries"
    lines = [Text.assemble(("whole ", "green"), f"{count}, each behind the one that its hash is made of")]
    if found.expected_at:
        lines.append(Text(f"the expected hash is that of entry {found.expected_at}: nothing up to there was written anew"))
    lines.append(Text.assemble("head ", (found.head, "bold")))
    return Group(*lines)


def emergency_table(flags: Sequence[admin.EmergencyFlag]) -> RenderableType:
    """The emergency flags."""
    table = Rows("emergency flag", "is", "since", "by", "why")
    for flag in flags:
        table.add(
            Text(plain(flag.key), "bold"),
            Text("SET", "bold red") if flag.set else Text("not set", "green"),
            Text(_time(flag.time) if flag.HasField("time") else ""),
            Text(plain(flag.actor)),
            Text(plain(flag.cause)),
        )
    return table


def _diff(before: str, after: str) -> list[Text]:
    """What two definitions do not have in common, in colours."""
    lines = list(unified_diff(_pretty(before), _pretty(after), lineterm="", n=2))[2:]
    return [Text(line, _DIFF_STYLES.get(line[:1], "dim")) for line in lines]


def _indented(definition: str) -> list[Text]:
    return [Text(f"  {line}") for line in _pretty(definition)]


def _pretty(definition: str) -> list[str]:
    """A definition as lines; what is no JSON as it is."""
    try:
        lines = list(_laid_out(json.loads(definition), "", "")) if definition else []
    except (ValueError, RecursionError):
        lines = definition.splitlines()
    # Blanks at the beginning mean something, so that `plain` is not for this.
    return ["".join(char for char in line if char.isprintable()) for line in lines]


def _laid_out(value: Any, indent: str, comma: str) -> Iterator[str]:
    """JSON on as few lines as are easy to read."""
    short = json.dumps(value, ensure_ascii=False)
    if not value or not isinstance(value, dict | list) or len(indent) + len(short) <= _ONE_LINE:
        yield f"{indent}{short}{comma}"
        return
    members = cast("Any", value)
    named = isinstance(members, dict)
    yield indent + ("{" if named else "[")
    for left, one in zip(range(len(members) - 1, -1, -1), members, strict=True):
        lines = list(_laid_out(members[one] if named else one, indent + "  ", "," if left else ""))
        if named:
            lines[0] = f"{indent}  {json.dumps(one, ensure_ascii=False)}: {lines[0].lstrip()}"
        yield from lines
    yield indent + ("}" if named else "]") + comma


def _variant(name: str, value: Value | None) -> str:
    if value is None:
        return plain(name) or "your default"
    told = plain(json_format.MessageToJson(value, indent=None, ensure_ascii=False))
    return f"{told} ({plain(name)})" if name else told


def _layer(layer: flags_pb2.FlagLayer) -> str:
    return _LAYERS.get(layer) or enum_word(flags_pb2.FlagLayer, layer, "FLAG_LAYER_")


def _word(action: str) -> str:
    return plain(action).replace("_", " ")


def _time(time: Timestamp) -> str:
    return f"{time.ToDatetime():%Y-%m-%d %H:%M:%S} UTC"
