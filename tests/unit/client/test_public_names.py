"""What `import genesis` offers."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from fake_server import Refusal, running

import genesis
from genesis import errors
from genesis._status import from_rpc_error
from genesis.v1 import errors_pb2


def test_the_names_are_sorted_exist_and_are_those_the_type_checker_sees() -> None:
    """`__all__`, the lazy exports and the imports for type checkers agree."""
    assert genesis.__all__ == sorted(genesis.__all__)
    assert dir(genesis) == genesis.__all__
    tree = ast.parse(Path(genesis.__file__).read_text(encoding="utf-8"))
    checked = next(node for node in tree.body if isinstance(node, ast.If))
    seen = sorted(alias.name for node in ast.walk(checked) if isinstance(node, ast.ImportFrom) for alias in node.names)
    assert seen == genesis.__all__
    for name in genesis.__all__:
        assert getattr(genesis, name).__doc__
    with pytest.raises(AttributeError, match="nothing"):
        _ = genesis.nothing


def test_there_is_an_error_for_every_code() -> None:
    """No gRPC code falls through to a class that says less."""
    kinds = {kind.code for kind in errors.GenesisError.__subclasses__()}
    assert kinds == set(grpc.StatusCode) - {grpc.StatusCode.OK}
    assert all(kind.__name__ in genesis.__all__ for kind in errors.GenesisError.__subclasses__())
    assert all(f"─ {kind.__name__} " in (errors.__doc__ or "") for kind in errors.GenesisError.__subclasses__())


def test_the_messages_alone_cost_no_grpc() -> None:
    """A program that only reads plans does not load a network stack."""
    code = "import sys, genesis.v1.plan_pb2; sys.exit('grpc' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("raw", [b"\xff\xff", b"", b"\x1a\x02\x12\xff"])
def test_details_that_cannot_be_read_are_left_out(raw: bytes) -> None:
    """A strange proxy does not turn an error into a crash."""

    class Odd(grpc.RpcError):
        def code(self) -> grpc.StatusCode:
            return grpc.StatusCode.UNAVAILABLE

        def details(self) -> str:
            return ""

        def trailing_metadata(self) -> object:
            return (("grpc-status-details-bin", raw), ("x-correlation-id", b"\xfe1"))

    error = from_rpc_error(Odd())
    assert isinstance(error, genesis.Unavailable)
    assert error.reason == ""
    assert error.correlation_id.endswith("1")
    assert "UNAVAILABLE" in str(error)


def test_every_reason_of_the_contract_arrives() -> None:
    """A program can compare reasons with the enum's names."""
    with running() as fake, genesis.connect(fake.address, retry=None) as client:
        for name in errors_pb2.ErrorReason.keys()[1:3]:
            reason = name.removeprefix("ERROR_REASON_")
            fake.on("Health", Refusal(grpc.StatusCode.UNKNOWN, reason=reason))
            with pytest.raises(genesis.Unknown) as caught:
                client.health()
            assert caught.value.reason == reason
