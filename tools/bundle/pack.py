#!/usr/bin/env python3
"""Packs a cluster for a machine that has none of the build's tools and libraries, a GPU machine say: stripped binaries, the shared
libraries that they need, the `baleen` command and a checkpoint.

  make build CUDA=1 && tools/bundle/pack.py --out=baleen.tar.xz
  (there)  tar -xf baleen.tar.xz && baleen/tools/bundle/check.py --device=cuda

There it needs x86-64 with glibc 2.36 or later, Python 3.10 or later and, for a GPU, NVIDIA's driver for CUDA 13.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools" / "baleen"), str(ROOT / "deploy" / "images")]

import closure  # noqa: E402
from topology import BINARIES  # noqa: E402

NAME = "baleen"  # The archive's one folder, laid out as the repository is.
LIBRARIES = "lib"
# The C library goes with its own loader and with the driver's libraries: the machine's own are taken.
OF_THE_SYSTEM = re.compile(r"ld-linux.*|lib(c|m|dl|rt|pthread|resolv|util|anl)\.so.*")
WRAPPER = """#!/bin/sh
here=$(cd "$(dirname "$0")" && pwd)
LD_LIBRARY_PATH="$here/{up}/{libraries}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}" exec "$here/{real}" "$@"
"""


def _strip(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["strip", "--strip-all", "-o", str(target), str(source)], check=True)


def add_binary(source, relative, stage):
    """The stripped binary behind a wrapper that says where its libraries are, and those libraries."""
    target = stage / relative
    real = target.with_name(target.name + ".real")
    _strip(source, real)
    target.write_text(WRAPPER.format(up="/".join([".."] * (len(relative.parts) - 1)), libraries=LIBRARIES, real=real.name))
    target.chmod(0o755)
    for path in closure.libraries(source):
        library = stage / LIBRARIES / path.name
        if not OF_THE_SYSTEM.fullmatch(path.name) and not library.exists():
            _strip(path.resolve(), library)


def stage_all(stage, binaries, extra, model):
    """Everything under its place in the repository."""
    for path in sorted({*BINARIES.values(), *extra}):
        source = binaries / path
        if not source.is_file():
            raise SystemExit(f"pack: {source} is not built")
        add_binary(source, pathlib.Path("bazel-bin") / path, stage)
    for folder in ("baleen", "bundle", "logits"):
        (stage / "tools" / folder).mkdir(parents=True, exist_ok=True)
        for script in (ROOT / "tools" / folder).iterdir():
            if script.suffix == ".py" or script.name == "baleen":
                shutil.copy(script, stage / "tools" / folder / script.name)
    for file in sorted(path for path in model.rglob("*") if path.is_file()):
        target = stage / "checkpoints" / model.name / file.relative_to(model)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)


def pack(out, binaries, extra=(), model=ROOT / "checkpoints" / "abacus", preset=6):
    """Writes the archive, xz's `preset` deep; SystemExit names what is missing."""
    with tempfile.TemporaryDirectory() as temporary:
        stage = pathlib.Path(temporary) / NAME
        stage_all(stage, binaries, extra, model)
        with tarfile.open(out, "w:xz", preset=preset) as archive:
            archive.add(stage, NAME)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True, help="archive to write, *.tar.xz")
    parser.add_argument("--binaries", type=pathlib.Path, default=ROOT / "bazel-bin", help="where Bazel put what it built")
    parser.add_argument("--extra", nargs="*", default=[], help="more binaries, as paths below --binaries")
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "checkpoints" / "abacus", help="checkpoint to take along")
    wanted = parser.parse_args()
    pack(wanted.out, wanted.binaries, wanted.extra, wanted.model.resolve())
    print(f"{wanted.out}: {wanted.out.stat().st_size / (1 << 20):.1f} MiB")


if __name__ == "__main__":
    main()
