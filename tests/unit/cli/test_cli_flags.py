"""`genesis flag`: reading, explaining, defining, emergencies, history, and files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from fake_server import FakeServer, Refusal
from google.protobuf import json_format, struct_pb2
from typer.testing import Result

import genesis
from genesis.admin.v1 import flag_admin_service_pb2 as admin
from genesis.v1 import flags_pb2
from genesis.v1 import orchestrator_service_pb2 as pb2
from genesis_server.cli import flag_emergency
from genesis_server.cli.failure import from_client

Run = Callable[..., Result]
ON = '{"state":"ENABLED","variants":{"yes":true,"no":false},"defaultVariant":"yes","metadata":{"owner":"ann"}}'
MODEL = '{"state":"ENABLED","variants":{"one":"small-1"},"defaultVariant":"one"}'


def words(text: str) -> str:
    return " ".join(text.split())


def evaluation(**more: Any) -> pb2.FlagEvaluation:
    flag = pb2.FlagEvaluation(
        key="new_search",
        value=struct_pb2.Value(bool_value=True),
        variant="on",
        reason=pb2.FLAG_REASON_TARGETING_MATCH,
        source="definition written in the store",
        version=3,
        description="The new search.",
    )
    flag.MergeFrom(pb2.FlagEvaluation(**more))
    return flag


def explained() -> pb2.FlagResponse:
    """A flag with the way to its value, within a run."""
    flag = evaluation()
    told = flag.explanation
    told.text = "the rule chose on: the draw fell into the 25 % of on"
    told.steps.add(path="/fractional", operation="fractional", arguments='[["on", 25], ["off", 75]]', result='"on"')
    told.buckets.add(
        path="/fractional",
        bucketed_by='["new_search", "ann"]',
        hash=7,
        bucket=10,
        total_weight=100,
        variant="on",
        upper=25,
        distance=0.1,
        generation="v3",
    )
    return pb2.FlagResponse(flags=[flag], snapshot_id="flags-a", current_snapshot_id="flags-b")


def changed(before: str = "", after: str = ON) -> admin.FlagChange:
    return admin.FlagChange(key="new_search", version=4, before_json=before, after_json=after, audit_sequence=9)


@pytest.fixture
def flags(fake: FakeServer) -> FakeServer:
    """A server with one flag, of which a definition was written."""
    flag = admin.Flag(
        key="new_search",
        definition_json=ON,
        layer=flags_pb2.FLAG_LAYER_WRITTEN,
        version=3,
        written=True,
        actor="acme/ann",
        description="The new search.",
    )
    flag.update_time.FromSeconds(3_600)
    flag.hidden.add(layer=flags_pb2.FLAG_LAYER_FILE, definition_json='{"state":"DISABLED"}')
    fake.on("Flag", pb2.FlagResponse(flags=[evaluation()]))
    fake.on("GetFlag", admin.GetFlagResponse(flag=flag))
    fake.on("PutFlag", admin.PutFlagResponse(change=changed()))
    fake.on("DeleteFlag", admin.DeleteFlagResponse(change=changed(ON, "")))
    fake.on("SetFlagWeight", admin.SetFlagWeightResponse(change=changed()))
    fake.on("EnableFlag", admin.EnableFlagResponse(change=changed()))
    fake.on("DisableFlag", admin.DisableFlagResponse(change=changed()))
    return fake


def test_flags_show_value_reason_layer_and_version(flags: FakeServer, run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is absent is your own default; what went wrong is told."""
    monkeypatch.setenv("COLUMNS", "160")
    broken = pb2.FlagEvaluation(key="mood", reason=pb2.FLAG_REASON_ERROR, source="flags.json", error="the rule chose 'angry'")
    flags.on("Flag", pb2.FlagResponse(flags=[evaluation(), broken]))
    text = words(run("flag", "list").stdout)
    assert "new_search true (on) targeting match definition written in the store v3 The new search." in text
    assert "mood your default error flags.json the rule chose 'angry'" in text
    assert len(json.loads(run("flag", "get", "new_search", "mood", "--json").stdout)["flags"]) == 2
    assert [list(request.keys) for request in flags.asked("Flag")] == [[], ["new_search", "mood"]]


def test_flags_are_asked_for_somebody_else(flags: FakeServer, run) -> None:
    """With attributes as JSON or as texts, within a run."""
    assert run("flag", "get", "a", "--for", "ann", "--with", "plan=pro", "--with", "seats=3", "--run", "r1").exit_code == 0
    [request] = flags.asked("Flag")
    assert (request.context.targeting_key, request.run_id, request.explain) == ("ann", "r1", False)
    assert json_format.MessageToDict(request.context.attributes) == {"plan": "pro", "seats": 3.0}
    assert run("flag", "get", "a", "--with", "plan").exit_code == 2


@pytest.mark.parametrize("args", [["explain", "new_search"], ["get", "new_search", "--explain"]])
def test_an_explanation_shows_steps_draw_and_distance(flags: FakeServer, run, args: list[str]) -> None:
    """And that the run pinned another snapshot than the one in use."""
    flags.on("Flag", explained())
    result = run("flag", *args, "--for", "ann")
    assert result.exit_code == 0, result.output
    text = words(result.stdout)
    for told in (
        "new_search = true (on) · targeting match · definition written in the store v3",
        "the rule chose on: the draw fell into the 25 % of on",
        'drawn bucket 10 by ["new_search", "ann"]: on has 0 to 25 of 100',
        "10 % of all subjects from the nearer end of its share · hash 7 · v3 · /fractional",
        '/fractional fractional [["on", 25], ["off", 75]] "on"',
        "snapshot flags-a, pinned by the run; the one in use now is flags-b",
    ):
        assert told in text, text
    assert flags.asked("Flag")[0].explain
    assert json.loads(run("flag", *args, "--json").stdout)["flags"][0]["explanation"]["buckets"]


def test_a_rule_that_went_wrong_is_told_in_an_explanation(flags: FakeServer, run) -> None:
    flags.on("Flag", pb2.FlagResponse(flags=[evaluation(error="the rule chose 'angry'")], snapshot_id="s"))
    assert "the rule chose 'angry'" in words(run("flag", "explain", "mood").stdout)


def test_a_definition_is_shown_in_every_layer(flags: FakeServer, run) -> None:
    """With who wrote it, and what it hides."""
    text = run("flag", "show", "new_search").stdout
    for told in (
        "new_search v3 · as it was written · The new search.",
        "written 1970-01-01 01:00:00 UTC by acme/ann",
        '"variants": {"yes": true, "no": false}',
        "hidden by it, from the flag file:",
        '{"state": "DISABLED"}',
    ):
        assert told in words(text), text
    assert json.loads(run("flag", "show", "new_search", "--json").stdout)["flag"]["version"] == "3"


def test_a_definition_that_is_none_is_shown_as_it_is(flags: FakeServer, run) -> None:
    """With its mistakes; signs that could drive a terminal are left out."""
    flag = admin.Flag(key="a", definition_json="{\x1b[31m", mistakes=["definition:1: not JSON"])
    flags.on("GetFlag", admin.GetFlagResponse(flag=flag))
    text = run("flag", "show", "a").stdout
    assert "a · without a definition that can be used" in text
    assert "the newest definition cannot be used: definition:1: not JSON" in text
    assert "  {[31m" in text


def test_a_taken_away_definition_says_so(flags: FakeServer, run) -> None:
    flag = admin.Flag(key="a", definition_json="{}", layer=flags_pb2.FLAG_LAYER_BUILT_IN, version=2)
    flag.update_time.FromSeconds(0)
    flags.on("GetFlag", admin.GetFlagResponse(flag=flag))
    assert "taken away 1970-01-01" in run("flag", "show", "a").stdout


@pytest.mark.parametrize(
    ("args", "method", "sent"),
    [
        (["--percent", "12.5"], "SetFlagWeight", {"percent": 12.5}),
        (["--percent", "0", "--if-version", "3"], "SetFlagWeight", {"percent": 0.0, "expected_version": 3}),
        (["--on"], "EnableFlag", {}),
        (["--off"], "DisableFlag", {}),
    ],
)
def test_what_the_narrow_verbs_can_do_is_done_by_them(flags: FakeServer, run, args: list[str], method: str, sent: dict[str, Any]) -> None:
    """The server changes what is there."""
    result = run("flag", "set", "new_search", *args, "--cause", "x", "--request-id", "r")
    assert result.exit_code == 0, result.output
    assert "new_search is at version 4 · entry 9" in result.stdout
    [(name, request)] = flags.requests
    assert (name, request.key, request.cause, request.request_id) == (method, "new_search", "x", "r")
    assert request.HasField("expected_version") == ("expected_version" in sent)
    assert all(getattr(request, field) == value for field, value in sent.items())


RULE = {"if": [{"in": [{"var": "plan"}, ["beta", "staff"]]}, "yes", {"fractional": [["yes", 5], ["no", 95]]}]}
CLOCK = {"var": "$flagd.timestamp"}


@pytest.mark.parametrize(
    ("args", "rule"),
    [
        (["--canary", "plan=beta,staff", "--percent", "5"], RULE),
        (
            ["--from", "1970-01-01T00:00:10Z", "--until", "1970-01-01T01:00:30+01:00"],
            {"fractional": [["yes", {"-": [CLOCK, 10]}], ["no", {"-": [30, CLOCK]}]]},
        ),
    ],
)
def test_a_strategy_keeps_variants_and_metadata_and_is_written_over_what_was_read(
    flags: FakeServer, run, args: list[str], rule: object
) -> None:
    """The flag may not change between reading and writing."""
    assert run("flag", "set", "new_search", *args, "--cause", "x").exit_code == 0
    [request] = flags.asked("PutFlag")
    assert json.loads(request.definition_json) == {
        "state": "ENABLED",
        "variants": {"yes": True, "no": False},
        "defaultVariant": "no",
        "targeting": rule,
        "metadata": {"owner": "ann"},
    }
    assert (request.HasField("expected_version"), request.expected_version) == (True, 3)


@pytest.mark.parametrize(
    ("args", "default", "rule"),
    [
        (["--percent", "5"], "off", {"fractional": [["on", 5], ["off", 95]]}),
        (["--on"], "on", None),
        (["--off"], "off", None),
        (["--canary", "plan=beta"], "off", {"if": [{"in": [{"var": "plan"}, ["beta"]]}, "on", {"fractional": [["on", 0], ["off", 100]]}]}),
    ],
)
def test_a_new_flag_is_boolean_and_must_never_have_been_written(
    flags: FakeServer, run, args: list[str], default: str, rule: object
) -> None:
    assert run("flag", "set", "fresh", "--new", *args, "--cause", "x").exit_code == 0
    [(name, request)] = flags.requests
    written = json.loads(request.definition_json)
    assert (name, request.expected_version, request.HasField("expected_version")) == ("PutFlag", 0, True)
    assert (written["variants"], written["defaultVariant"], written.get("targeting")) == ({"on": True, "off": False}, default, rule)


def test_a_strategy_makes_a_flag_that_there_is_not(flags: FakeServer, run) -> None:
    """There is nothing to keep then."""
    flags.on("GetFlag", Refusal(grpc.StatusCode.NOT_FOUND, reason="FLAG_NOT_FOUND"))
    assert run("flag", "set", "fresh", "--canary", "plan=beta", "--cause", "x").exit_code == 0
    [request] = flags.asked("PutFlag")
    assert "metadata" not in json.loads(request.definition_json)
    assert not request.HasField("expected_version")


def test_a_strategy_is_for_boolean_flags(flags: FakeServer, run) -> None:
    flags.on("GetFlag", admin.GetFlagResponse(flag=admin.Flag(key="model", definition_json=MODEL)))
    result = run("flag", "set", "model", "--canary", "plan=beta", "--cause", "x")
    assert result.exit_code == 2
    assert "no variants that are true and false" in words(result.stderr)
    assert not flags.asked("PutFlag")


def test_a_whole_definition_comes_from_a_file_or_standard_input(flags: FakeServer, run, tmp_path: Path) -> None:
    """As it is: what is wrong with it, the server tells."""
    path = tmp_path / "flag.json"
    path.write_text(MODEL, encoding="utf-8")
    assert run("flag", "set", "model", "--file", str(path), "--cause", "x").exit_code == 0
    assert run("flag", "set", "model", "--file", "-", "--cause", "x", stdin="{").exit_code == 0
    assert [request.definition_json for request in flags.asked("PutFlag")] == [MODEL, "{"]
    assert not flags.asked("GetFlag")


def test_a_definition_is_taken_away(flags: FakeServer, run) -> None:
    """What is gone is shown."""
    result = run("flag", "delete", "new_search", "--cause", "done", "--if-version", "3")
    assert result.exit_code == 0, result.output
    assert '-  "metadata": {"owner": "ann"}' in result.stdout
    [request] = flags.asked("DeleteFlag")
    assert (request.cause, request.expected_version) == ("done", 3)
    assert json.loads(run("flag", "delete", "a", "--cause", "x", "--json").stdout)["change"]["auditSequence"] == "9"


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ([], "say what to write"),
        (["--on", "--percent", "5"], "not --percent and --on or --off"),
        (["--canary", "plan=a", "--on"], "not --canary and --on or --off"),
        (["--from", "2026-01-01T00:00:00Z"], "give both --from and --until"),
        (["--until", "2026-01-01T00:00:00Z"], "say what to write"),
        (["--percent", "101"], "less than or equal to 100"),
        (["--new", "--percent", "0.0001"], "steps of 0.001"),
        (["--canary", "plan", "--new"], "give ATTRIBUTE=V1,V2"),
        (["--canary", "=a", "--new"], "give ATTRIBUTE=V1,V2"),
        (["--new", "--from", "tomorrow", "--until", "2026-01-01T00:00:00Z"], "--from: 'tomorrow' is no instant"),
        (["--new", "--from", "2026-01-02T00:00:00Z", "--until", "2026-01-01T00:00:00Z"], "after the beginning"),
        (["--on", "--contexts", "x"], "--contexts is for --dry-run"),
        (["--file", "nowhere.json"], "nowhere.json"),
    ],
)
def test_wrong_input_is_exit_code_2_and_nothing_is_sent(flags: FakeServer, run, args: list[str], told: str) -> None:
    """With what to do instead."""
    result = run("flag", "set", "new_search", *args, "--cause", "x")
    assert result.exit_code == 2, result.output
    assert told in words(result.stderr)
    assert not flags.requests


def test_a_change_needs_a_cause(flags: FakeServer, run) -> None:
    """A try does not."""
    result = run("flag", "set", "new_search", "--on")
    assert result.exit_code == 2
    assert "give --cause TEXT" in words(result.stderr)
    flags.on("PreviewFlag", admin.PreviewFlagResponse())
    assert run("flag", "set", "new_search", "--on", "--dry-run").exit_code == 0


def test_a_flag_that_there_is_not_can_be_made(flags: FakeServer, run) -> None:
    flags.on("EnableFlag", Refusal(grpc.StatusCode.NOT_FOUND, "there is no flag 'fresh'", reason="FLAG_NOT_FOUND"))
    result = run("flag", "set", "fresh", "--on", "--cause", "x")
    assert result.exit_code == 4
    assert "to make the flag fresh, add --new" in words(result.stderr)


@pytest.mark.parametrize(
    ("args", "change"),
    [
        (["set", "a", "--percent", "60"], {"percent": 60.0}),
        (["set", "a", "--off"], {"enabled": False}),
        (
            ["set", "a", "--new", "--on"],
            {"definition_json": '{"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"}'},
        ),
        (["delete", "a"], {"deleted": True}),
    ],
)
def test_a_dry_run_previews_and_changes_nothing(flags: FakeServer, run, tmp_path: Path, args: list[str], change: dict[str, Any]) -> None:
    """Who of the contexts would get something else is named."""
    answer = admin.PreviewFlagResponse(
        before_json=ON, after_json=ON.replace('"yes"}', '"no"}').replace('Variant":"yes', 'Variant":"no'), moved_share=0.355
    )
    answer.differences.add(context_index=1, before_variant="yes", before=struct_pb2.Value(bool_value=True), after_variant="no")
    answer.differences.add(context_index=2, after=struct_pb2.Value(string_value="x"))
    flags.on("PreviewFlag", answer)
    path = tmp_path / "contexts.jsonl"
    path.write_text('{"targetingKey": "ann"}\n\n{"targetingKey": "bob", "plan": "pro"}\n{"plan": "beta"}\n', encoding="utf-8")
    result = run("flag", *args, "--dry-run", "--contexts", str(path))
    assert result.exit_code == 0, result.output
    text = words(result.stdout)
    for told in (
        '- "defaultVariant": "yes",',
        '+ "defaultVariant": "no",',
        "35.5 % of all subjects would get another variant",
        "2 of 3 contexts would get something else",
        "bob true (yes) no",
        '{"plan": "beta"} your default "x"',
    ):
        assert told in text, text
    [(name, request)] = flags.requests
    assert name == "PreviewFlag"
    assert [context.targeting_key for context in request.contexts] == ["ann", "bob", ""]
    [(field, value)] = change.items()
    assert (request.WhichOneof("change"), getattr(request, field)) == (field, value)


def test_a_dry_run_that_changes_nothing_says_so(flags: FakeServer, run, tmp_path: Path) -> None:
    """Contexts may be a JSON list as well."""
    flags.on("PreviewFlag", admin.PreviewFlagResponse(before_json=ON, after_json=ON))
    path = tmp_path / "contexts.json"
    path.write_text('[{"targetingKey": "ann"}]', encoding="utf-8")
    text = run("flag", "set", "a", "--on", "--dry-run", "--contexts", str(path)).stdout
    assert "nothing would change" in text
    assert "0 of 1 context would get something else" in text
    assert "differences" in json.loads(run("flag", "set", "a", "--on", "--dry-run", "--json").stdout)


@pytest.mark.parametrize("content", ["[", "{", "[1]", '"x"', '{"targetingKey": 3}'])
def test_contexts_that_are_none_are_exit_code_2(flags: FakeServer, run, tmp_path: Path, content: str) -> None:
    path = tmp_path / "contexts.json"
    path.write_text(content, encoding="utf-8")
    assert run("flag", "set", "a", "--on", "--dry-run", "--contexts", str(path)).exit_code == 2
    assert not flags.requests


def test_history_tells_what_changed_a_flag_with_the_differences(flags: FakeServer, run) -> None:
    """Newest first, as the server has it; emergency flags have no definition."""
    entry = admin.AuditEntry(sequence=2, actor="acme/ann", action="set_weight", key="new_search", cause="it went well", version=2)
    entry.before_json, entry.after_json = '{"a":1}', '{"a":2}'
    entry.time.FromSeconds(3_600)
    emergency = admin.AuditEntry(sequence=1, actor="acme/bob", action="set_emergency", key="read_only_mode", cause="bad disk")
    flags.on("ListAuditEntries", admin.ListAuditEntriesResponse(entries=[entry, emergency]))
    text = words(run("flag", "history").stdout)
    assert "2 set weight new_search v2 1970-01-01 01:00:00 UTC by acme/ann: it went well" in text
    assert '-{"a": 1} +{"a": 2}' in text
    assert "1 set emergency read_only_mode 1970" in text
    assert len(json.loads(run("flag", "history", "new_search", "--limit", "1", "--json").stdout)["entries"]) == 1
    assert [request.key for request in flags.asked("ListAuditEntries")] == ["", "new_search"]
    flags.on("ListAuditEntries", admin.ListAuditEntriesResponse())
    assert "nothing was changed yet" in run("flag", "history").stdout


@pytest.fixture
def emergencies(fake: FakeServer) -> FakeServer:
    flag = admin.EmergencyFlag(key="maintenance_mode", set=True, cause="moving the disk", actor="acme/ann")
    flag.time.FromSeconds(3_600)
    clear = admin.EmergencyFlag(key="read_only_mode")
    fake.on("ListFlags", admin.ListFlagsResponse(emergency_flags=[flag, clear]))
    fake.on("SetEmergencyFlag", admin.SetEmergencyFlagResponse(flag=flag))
    fake.on("ClearEmergencyFlag", admin.ClearEmergencyFlagResponse(flag=clear))
    return fake


def test_emergency_flags_are_listed_set_and_cleared(emergencies: FakeServer, run) -> None:
    """A program is not asked whether it is sure."""
    text = words(run("flag", "emergency").stdout)
    assert "maintenance_mode SET 1970-01-01 01:00:00 UTC acme/ann moving the disk" in text
    assert "read_only_mode not set" in text
    assert len(json.loads(run("flag", "emergency", "--json").stdout)["emergencyFlags"]) == 2
    assert run("flag", "emergency", "set", "maintenance_mode", "--cause", "x", "--request-id", "r").exit_code == 0
    assert run("flag", "emergency", "clear", "read_only_mode", "--cause", "y").exit_code == 0
    [request] = emergencies.asked("SetEmergencyFlag")
    assert (request.key, request.cause, request.request_id) == ("maintenance_mode", "x", "r")
    assert emergencies.asked("ClearEmergencyFlag")[0].cause == "y"
    assert run("flag", "emergency", "set", "maintenance_mode").exit_code == 2


@pytest.fixture
def asked(run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command as on a terminal."""
    monkeypatch.setattr(flag_emergency, "on_terminal", lambda _: True)
    return run


@pytest.mark.parametrize(("verb", "answer", "code"), [("set", "y\n", 0), ("set", "n\n", 130), ("clear", "\n", 130), ("clear", "y\n", 0)])
def test_on_a_terminal_whoever_acts_is_asked_first(emergencies: FakeServer, asked: Run, verb: str, answer: str, code: int) -> None:
    """What it means is said, and nothing is the answer of whoever only presses return; --yes says it beforehand."""
    result = asked("flag", "emergency", verb, "maintenance_mode", "--cause", "x", stdin=answer)
    assert result.exit_code == code, result.output
    assert f"{verb.capitalize()} maintenance_mode on {emergencies.address}" in result.stderr
    assert len(emergencies.requests) == (code == 0)
    assert asked("flag", "emergency", verb, "maintenance_mode", "--cause", "x", "--yes").exit_code == 0


@pytest.mark.parametrize(
    ("content", "told", "code"),
    [
        (f'{{"flags": {{"a": {MODEL}}}}}', "usable · nothing found", 0),
        (f'{{"flags": {{"otel_enabld": {ON}}}}}', "line 1 warning $.flags.otel_enabld: is no flag of Genesis", 1),
        ('{"flags": {"a": {"state": "ON"}}}', "line 1 mistake $.flags.a", 1),
        ("{", "1 mistake", 1),
    ],
)  # fmt: skip
def test_a_flag_file_is_checked_without_a_server(run, tmp_path: Path, content: str, told: str, code: int) -> None:
    """From a file or standard input; exit code 1 when something was found."""
    path = tmp_path / "flags.json"
    path.write_text(content, encoding="utf-8")
    result = run("flag", "lint", str(path))
    assert (result.exit_code, told in words(result.stdout)) == (code, True), result.output
    assert run("flag", "lint", "-", stdin=content).exit_code == code
    found = json.loads(run("flag", "lint", str(path), "--json").stdout)
    assert (bool(found["findings"]), found["valid"]) == (bool(code), "mistake" not in told)


def test_a_server_that_refuses_by_intent_is_not_called_broken(flags: FakeServer, run) -> None:
    """Exit code 4, as for every refusal."""
    refusal = Refusal(grpc.StatusCode.UNAVAILABLE, "the server is being maintained", reason="MAINTENANCE_MODE")
    flags.on("EnableFlag", refusal)
    result = run("flag", "set", "a", "--on", "--cause", "x", "--timeout", "2")
    assert result.exit_code == 4
    assert "MAINTENANCE_MODE: the server is being maintained" in words(result.stderr)


def test_a_server_that_is_there_and_takes_no_work_is_not_called_missing() -> None:
    """What gRPC says of a health of NOT_SERVING."""
    error = genesis.Unavailable("connections to all backends failing; last error: backend unhealthy", reason="")
    failure = from_client(error, "host:1")
    assert failure.message == "the server at host:1 takes no work now: `genesis health` and `genesis flag emergency` tell why"
