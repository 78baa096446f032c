"""The Go stubs: protoc-gen-go and protoc-gen-go-grpc as client/go/go.mod pins them, run by the protoc of grpcio-tools."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from google.protobuf import descriptor_pb2

NEEDS = ("go",)
WRITES = "client/go/genesis"

_MODULE = Path(__file__).resolve().parents[2] / "client" / "go"
_PACKAGE = "genesis-orchestrator.dev/client/go/genesis"
_PLUGINS = {
    "protoc-gen-go": "google.golang.org/protobuf/cmd/protoc-gen-go",
    "protoc-gen-go-grpc": "google.golang.org/grpc/cmd/protoc-gen-go-grpc",
}


def write(descriptors: Path, target: Path) -> None:
    """Write the stubs of the contract's files; google.rpc and health are in modules of their own."""
    contract = [
        file.name
        for file in descriptor_pb2.FileDescriptorSet.FromString(descriptors.read_bytes()).file
        if file.options.go_package.startswith(_PACKAGE)
    ]
    with tempfile.TemporaryDirectory() as folder:
        _run(["go", "build", "-o", f"{folder}/", *_PLUGINS.values()], cwd=_MODULE)
        _run(
            [
                sys.executable,
                "-m",
                "grpc_tools.protoc",
                f"--descriptor_set_in={descriptors}",
                *(f"--plugin={name}={folder}/{name}" for name in _PLUGINS),
                *(f"--{kind}_out={target}" for kind in ("go", "go-grpc")),
                *(f"--{kind}_opt=module={_PACKAGE}" for kind in ("go", "go-grpc")),
                *contract,
            ]
        )


def _run(command: list[str], *, cwd: Path | None = None) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=cwd)
    if done.returncode:
        raise SystemExit(f"go: {done.stderr.strip()}")
