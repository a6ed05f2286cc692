"""Keys and tenants files for tests, made as operators make them."""

import json
import subprocess
import sys

from tests.testing.cluster import ROOT


def new_key(note=""):
    """(key, entry) as the `baleen keys` command prints them."""
    command = [sys.executable, ROOT / "tools/baleen/baleen", "keys", f"--note={note}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    return lines["key"], json.loads(lines["entry"])


def write_tenants(file, tenants, **others):
    """Puts a tenants file in place as a whole: a gateway may be reading it. `others` are its fields beside the tenants."""
    part = file.with_suffix(".part")
    part.write_text(json.dumps({"tenants": tenants, **others}))
    part.rename(file)
