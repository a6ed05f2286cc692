"""Runs //tools/logits, which computes a checkpoint's logits in one process: no cluster, no RPC."""

import array
import json
import pathlib
import struct
import subprocess
import tempfile


def _read(path):
    data = path.read_bytes()
    length, = struct.unpack_from("<Q", data)
    tensor = json.loads(data[8:8 + length])["logits"]
    begin, end = (8 + length + offset for offset in tensor["data_offsets"])
    values = array.array("f", data[begin:end])
    width = tensor["shape"][1]
    return [values[at:at + width] for at in range(0, len(values), width)]


def compute(binary, model, tokens, device="cpu", dtype="bf16"):
    """A row of logits for each of `tokens`; RuntimeError with what the command says."""
    with tempfile.TemporaryDirectory() as directory:
        out = pathlib.Path(directory) / "logits.safetensors"
        listed = ",".join(map(str, tokens))
        command = [binary, f"--model={model}", f"--device={device}", f"--dtype={dtype}", f"--tokens={listed}", f"--out={out}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"logits --device={device} --dtype={dtype}: {done.stderr.strip()[-2000:]}")
        return _read(out)


def gpu(binary):
    """(the device that stands for a GPU in this build: "cuda" or, without CUDA, "cuda-emulated"; what it lacks here or "")."""

    def answer(device):
        command = [binary, "--model=none", "--tokens=1", "--out=none", f"--device={device}"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stderr.strip()

    if "this build has CUDA" not in answer("cuda-emulated"):
        return "cuda-emulated", ""
    said = answer("cuda")
    return "cuda", said if "--device=cuda" in said else ""
