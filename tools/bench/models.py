"""Checkpoints of random weights for benchmarks, made once."""

import pathlib
import subprocess


def checkpoint(shape, make_checkpoint, directory):
    """The directory of `shape`'s checkpoint under `directory`, made by the binary `make_checkpoint` where it is missing."""
    made = pathlib.Path(directory) / shape
    if not (made / "config.json").exists():
        partial = made.with_suffix(".partial")
        subprocess.run([str(make_checkpoint), f"--shape={shape}", f"--out={partial}"], check=True)
        partial.rename(made)
    return made
