"""The Go stubs: protoc-gen-go and protoc-gen-go-grpc as client/go/go.mod pins them, run by the protoc of grpcio-tools."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from contract import own_files, protoc

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
    with tempfile.TemporaryDirectory() as folder:
        command = ["go", "build", "-o", f"{folder}/", *_PLUGINS.values()]
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=_MODULE)
        if done.returncode:
            raise SystemExit(f"go: {done.stderr.strip()}")
        protoc(
            [
                f"--descriptor_set_in={descriptors}",
                *(f"--plugin={name}={folder}/{name}" for name in _PLUGINS),
                *(f"--{kind}_out={target}" for kind in ("go", "go-grpc")),
                *(f"--{kind}_opt=module={_PACKAGE}" for kind in ("go", "go-grpc")),
                *own_files(),
            ]
        )
