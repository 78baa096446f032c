"""Build, lint and compare the contract, and write the Python stubs from it, with ordinary packages only.

    python protos/contract.py stubs          write client/python/genesis/**/*_pb2*.py
    python protos/contract.py stubs --check  fail when the committed stubs are not what the protos say
    python protos/contract.py lint           buf lint (STANDARD + COMMENTS)
    python protos/contract.py breaking       buf breaking (FILE) against protos/released.binpb
    python protos/contract.py release        renew protos/released.binpb from today's protos

The constraints' own file (buf/validate/validate.proto) is in no package as a .proto; its descriptor is taken out of the
installed protovalidate wheel. The stubs carry the constraints as options that the runtime does not know, and do not
import that file: two copies of it in one process would clash, and a client needs neither.
"""

from __future__ import annotations

import argparse
import filecmp
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

from google.protobuf import descriptor_pb2
from google.rpc import status_pb2

PROTOS = Path(__file__).resolve().parent
STUBS = PROTOS.parent / "client" / "python"
RELEASED = PROTOS / "released.binpb"
VALIDATE = "buf/validate/validate.proto"
# Field 8042 of FileDescriptorProto is buf's image extension; {is_import: true} tells lint to leave a file alone.
IS_IMPORT = b"\xd2\xf6\x03\x02\x08\x01"


def own_files() -> list[str]:
    """Paths of the contract's files, relative to protos/."""
    return sorted(str(path.relative_to(PROTOS)) for path in PROTOS.rglob("*.proto"))


def protoc(arguments: Iterable[str]) -> None:
    """Run the protoc of grpcio-tools; its message is the error."""
    command = [sys.executable, "-m", "grpc_tools.protoc", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr.strip())


def imported_descriptors() -> descriptor_pb2.FileDescriptorSet:
    """The descriptors of validate.proto and google/rpc/status.proto with what they import, from the installed wheels."""
    from protovalidate._gen.buf.validate import validate_pb  # noqa: PLC0415  (in no public module)

    include = files("grpc_tools") / "_proto"
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "wkt.binpb"
        names = [f"google/protobuf/{n}.proto" for n in ("any", "descriptor", "duration", "field_mask", "timestamp", "struct")]
        protoc([f"-I{include}", f"--descriptor_set_out={target}", *names])
        found = descriptor_pb2.FileDescriptorSet.FromString(target.read_bytes())
    found.file.append(descriptor_pb2.FileDescriptorProto.FromString(validate_pb._DESC.proto.to_binary()))  # noqa: SLF001
    found.file.append(descriptor_pb2.FileDescriptorProto.FromString(status_pb2.DESCRIPTOR.serialized_pb))
    return found


def image() -> descriptor_pb2.FileDescriptorSet:
    """The contract as a descriptor set with imports and comments."""
    with tempfile.TemporaryDirectory() as folder:
        imports, target = Path(folder) / "imports.binpb", Path(folder) / "image.binpb"
        imports.write_bytes(imported_descriptors().SerializeToString())
        protoc(
            [
                f"-I{PROTOS}",
                f"--descriptor_set_in={imports}",
                f"--descriptor_set_out={target}",
                "--include_imports",
                "--include_source_info",
                *own_files(),
            ]
        )
        return descriptor_pb2.FileDescriptorSet.FromString(target.read_bytes())


def without_constraints_import(full: descriptor_pb2.FileDescriptorSet) -> descriptor_pb2.FileDescriptorSet:
    """The image without the import of validate.proto; the constraints stay as unknown options."""
    slim = descriptor_pb2.FileDescriptorSet()
    for file in full.file:
        if file.name == VALIDATE:
            continue
        copy = slim.file.add()
        copy.CopyFrom(file)
        kept = [name for name in file.dependency if name != VALIDATE]
        del copy.dependency[:]
        copy.dependency.extend(kept)
    return slim


def write_stubs(target: Path) -> None:
    """Write the Python stubs below `target`."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "slim.binpb"
        source.write_bytes(without_constraints_import(image()).SerializeToString())
        out = [f"--{kind}_out={target}" for kind in ("python", "pyi", "grpc_python")]
        protoc([f"--descriptor_set_in={source}", *out, *own_files()])
    for folder in {target / Path(name).parent for name in own_files()}:
        (folder / "__init__.py").write_text('"""Generated from protos/ by `make proto`; do not edit."""\n')
        for stub in folder.glob("*_pb2_grpc.py"):
            if "_stub" not in stub.read_text() and "class " not in stub.read_text():
                stub.unlink()


def check_stubs() -> None:
    """Exit with a message when the committed stubs are stale."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder)
        write_stubs(target)
        fresh = {path.relative_to(target) for path in target.rglob("*.py*")}
        kept = {path.relative_to(STUBS) for path in STUBS.rglob("*_pb2*") if path.suffix in {".py", ".pyi"}}
        stale = {name for name in fresh & kept if not filecmp.cmp(target / name, STUBS / name, shallow=False)}
        stale |= {name for name in fresh ^ kept if name.name != "__init__.py"}
    if stale:
        raise SystemExit("stale stubs, run `make proto`: " + ", ".join(sorted(map(str, stale))))


def buf(*arguments: str) -> None:
    """Run buf on an image of the contract in which only our own files are judged."""
    full = image()
    marked = descriptor_pb2.FileDescriptorSet()
    for file in full.file:
        data = file.SerializeToString()
        if not file.name.startswith("genesis/"):
            data += IS_IMPORT
        marked.file.append(descriptor_pb2.FileDescriptorProto.FromString(data))
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "image.binpb"
        target.write_bytes(marked.SerializeToString())
        beside = Path(sys.executable).with_name("buf")
        program = str(beside) if beside.exists() else "buf"
        command = [program, arguments[0], str(target), "--config", str(PROTOS / "buf.yaml"), *arguments[1:]]
        done = subprocess.run(command, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)


def release() -> None:
    """Renew the committed image that later changes are compared with."""
    full = image()
    for file in full.file:
        file.ClearField("source_code_info")
    RELEASED.write_bytes(full.SerializeToString(deterministic=True))


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["stubs", "lint", "breaking", "release"])
    parser.add_argument("--check", action="store_true", help="with stubs: compare, write nothing")
    asked = parser.parse_args()
    match asked.what:
        case "stubs" if asked.check:
            check_stubs()
        case "stubs":
            write_stubs(STUBS)
        case "lint":
            buf("lint")
        case "breaking":
            buf("breaking", "--against", str(RELEASED))
        case _:
            release()


if __name__ == "__main__":
    main()
