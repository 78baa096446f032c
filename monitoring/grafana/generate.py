"""Write the dashboards, which are code, as the JSON that Grafana reads.

python monitoring/grafana/generate.py            writes dashboards/*.json
python monitoring/grafana/generate.py --check    exit code 1 when a file is not what the code makes
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from system_health import system_health

FOLDER = Path(__file__).resolve().parent / "dashboards"


def dashboards() -> dict[str, str]:
    """Every dashboard's JSON by the name of its file."""
    return {"system-health.json": json.dumps(system_health(), cls=JSONEncoder, indent=2, ensure_ascii=False) + "\n"}


def main(arguments: list[str]) -> int:
    """Write the files, or with --check compare them."""
    made = dashboards()
    if "--check" in arguments:
        known = {path.name for path in FOLDER.glob("*.json")} | made.keys()
        stale = [name for name in sorted(known) if not _is(FOLDER / name, made.get(name))]
        print(f"run monitoring/grafana/generate.py: {', '.join(stale)}" if stale else f"{len(made)} dashboard, fresh")
        return bool(stale)
    FOLDER.mkdir(exist_ok=True)
    for name, text in made.items():
        (FOLDER / name).write_text(text, "utf-8")
    return 0


def _is(path: Path, text: str | None) -> bool:
    return text is not None and path.is_file() and path.read_text("utf-8") == text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
