"""TypeScript: protobuf-es messages and services, by protoc-gen-es from the client's own development packages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from contract import own_files, protoc

CLIENT = Path(__file__).resolve().parents[2] / "client" / "typescript"
NEEDS = ("node", "npm")
WRITES = "client/typescript/src/gen"
OPTIONS = "target=ts,import_extension=js,json_types=false"


def write(descriptors: Path, target: Path) -> None:
    """Write the messages and services of the contract, google.rpc and grpc.health.v1."""
    plugin = CLIENT / "node_modules" / ".bin" / "protoc-gen-es"
    if not plugin.exists():
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=CLIENT, check=True, stdout=sys.stderr)
    more = ("google/rpc/error_details.proto", "google/rpc/status.proto", "grpc/health/v1/health.proto")
    plugged = f"--plugin=protoc-gen-es={plugin}"
    protoc([f"--descriptor_set_in={descriptors}", plugged, f"--es_out={target}", f"--es_opt={OPTIONS}", *more, *own_files()])
