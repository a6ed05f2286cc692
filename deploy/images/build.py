#!/usr/bin/env python3
"""Builds one container image a service with buildah, without a daemon or a registry, and runs each once.

    deploy/images/build.py --binaries=bazel-bin --out=.baleen/images [--cuda]

Writes <out>/<service>.oci.tar and <out>/<service>.spdx.json. The tag is the chart's appVersion. The same binaries and libraries give the
same image: times are zero and files are copied in order. With --cuda, of binaries built for a GPU: those of attention and expert, whose
tags end with -cuda.
"""

import argparse
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys

import closure
import sbom

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVICES = ("gateway", "attention", "expert", "placement")
READS_A_MODEL = ("gateway", "attention", "expert")
ON_A_GPU = ("attention", "expert")
# What NVIDIA's driver links, which comes from the host when a container starts.
OF_THE_DRIVER = tuple(pathlib.Path("/lib/x86_64-linux-gnu") / name for name in ("libdl.so.2", "libpthread.so.0", "librt.so.1"))
COMPILED_IN = ("libboost1.81-dev",)  # Headers alone, whose code is in every binary.
OF_THE_PAGE = ("libjs-katex",)  # What the gateway's own has embedded beside.
CUDA_RUNTIME = "13"                  # In those for a GPU.
USER = 65532


def version():
    """The chart's appVersion: images and chart are released together."""
    return re.search(r'^appVersion: "(.+)"$', (ROOT / "deploy/helm/baleen/Chart.yaml").read_text(), re.MULTILINE).group(1)


def _copy(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o555 if source.stat().st_mode & 0o111 else 0o444)


def lay_out(service, binary, tree, cuda=False):
    """Fills `tree` with the image's files; the Debian packages in it, and those in the binary."""
    libraries = sorted({*closure.libraries(binary), *(OF_THE_DRIVER if cuda else ())})
    _copy(binary, tree / "usr" / "bin" / binary.name)
    for library in libraries:
        _copy(library, tree / library.relative_to("/"))
    (tree / "etc").mkdir()
    (tree / "etc" / "passwd").write_text(f"baleen:x:{USER}:{USER}::/:/nonexistent\n")
    if service in READS_A_MODEL:
        for path in sorted((ROOT / "checkpoints" / "abacus").iterdir()):
            _copy(path, tree / "models" / "abacus" / path.name)
    packages = closure.packages(libraries)
    # The licences travel with the libraries.
    compiled_in = closure.installed((*COMPILED_IN, *(OF_THE_PAGE if service == "gateway" else ())))
    for package in [*packages, *compiled_in]:
        copyright_file = pathlib.Path("/usr/share/doc") / package.name / "copyright"
        if copyright_file.is_file():
            _copy(copyright_file, tree / copyright_file.relative_to("/"))
    return packages, compiled_in


class Buildah:
    """buildah with a store of its own, so that nothing of the host's is touched."""

    def __init__(self, store):
        self._command = ["buildah", "--storage-driver=vfs", f"--root={store / 'root'}", f"--runroot={store / 'run'}"]

    def __call__(self, *words):
        done = subprocess.run([*self._command, *words], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"buildah {' '.join(words)}:\n{done.stdout}{done.stderr}")
        return done.stdout.strip()

    def build(self, target, context, tag):
        """The image's id, which is the digest of its configuration."""
        self("bud", "--isolation=chroot", "--timestamp=0", "--layers=false", f"--target={target}", f"--tag={tag}",
             f"--file={ROOT / 'deploy/images/Containerfile'}", str(context))
        return self("inspect", "--type=image", "--format={{.FromImageID}}", tag)

    def smoke(self, service, tag):
        """Runs the image as its user and returns what the process says of its flags."""
        container = self("from", "--pull-never", tag)
        try:
            # --help ends with 1, which `run` passes on.
            run = [*self._command, "run", "--isolation=chroot", container, "--", f"/usr/bin/baleen-{service}", "--helpfull"]
            done = subprocess.run(run, capture_output=True, text=True)
            return done.stdout + done.stderr
        finally:
            self("rm", container)


def build(service, binary, out, cuda=False):
    """One image: its tag, its id, its size."""
    context = out / "context"
    shutil.rmtree(context / service, ignore_errors=True)
    packages, compiled_in = lay_out(service, binary, context / service, cuda)
    name = f"{service}-cuda" if cuda else service
    digest = hashlib.sha256(binary.read_bytes()).hexdigest()
    bill = sbom.document(service, version(), digest, packages, compiled_in, CUDA_RUNTIME if cuda else None)
    (out / f"{name}.spdx.json").write_text(json.dumps(bill, indent=1) + "\n")
    _copy(out / f"{name}.spdx.json", context / service / "usr" / "share" / "sbom" / f"baleen-{service}.spdx.json")
    buildah = Buildah(out / "store")
    tag = f"localhost/baleen-{service}:{version()}{'-cuda' if cuda else ''}"
    identity = buildah.build(name, context, tag)
    words = buildah.smoke(service, tag)
    if "--grpc_port" not in words:
        raise RuntimeError(f"{tag} does not run:\n{words}")
    archive = out / f"{name}.oci.tar"
    archive.unlink(missing_ok=True)
    buildah("push", tag, f"oci-archive:{archive}:{tag}")
    print(f"{tag}  {identity[:19]}  {archive.stat().st_size >> 20} MiB  {len(packages)} Debian packages")
    return identity


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binaries", type=pathlib.Path, default=ROOT / "bazel-bin")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / ".baleen" / "images")
    parser.add_argument("--cuda", action="store_true", help="the images for a GPU, of binaries that are")
    arguments = parser.parse_args()
    if shutil.which("buildah") is None:
        sys.exit("images: buildah is missing; on Debian: apt-get install buildah")
    arguments.out.mkdir(parents=True, exist_ok=True)
    for service in ON_A_GPU if arguments.cuda else SERVICES:
        build(service, (arguments.binaries / f"services/{service}/baleen-{service}").resolve(), arguments.out.resolve(), arguments.cuda)


if __name__ == "__main__":
    main()
