"""Finds the CUDA toolkit: @cuda. Nothing looks for it until a target that needs it is built."""

def _toolkit(ctx):
    home = ctx.os.environ.get("CUDA_HOME", "")
    if home:
        return ctx.path(home)
    nvcc = ctx.which("nvcc")
    if nvcc:
        return nvcc.realpath.dirname.dirname
    installed = ctx.path(Label("//:WORKSPACE")).dirname.get_child(".baleen").get_child("cuda")
    if installed.exists:
        return installed.realpath
    fail("the CUDA kernels need nvcc 13: run 'make setup CUDA=1', set CUDA_HOME to a CUDA toolkit, or put its nvcc on PATH")

def _version(ctx, home):
    result = ctx.execute([str(home) + "/bin/nvcc", "--version"])
    if result.return_code != 0:
        fail("%s/bin/nvcc --version fails: %s%s" % (home, result.stdout, result.stderr))
    if "release 13." not in result.stdout:
        fail("the CUDA kernels need nvcc 13, and %s/bin/nvcc says: %s" % (home, result.stdout))

_BUILD = """
package(default_visibility = ["//visibility:public"])

exports_files(["nvcc"])

# Linked into services, so that a machine needs its driver alone. Tests have a shared library for each target, which must find one runtime.
cc_import(
    name = "runtime",
    shared_library = "lib/libcudart.so.13",
    static_library = "lib/libcudart_static.a",
)

cc_library(
    name = "cudart",
    hdrs = glob(["include/**"]),
    includes = ["include"],
    linkopts = ["-ldl", "-lpthread", "-lrt"],
    deps = [":runtime"],
)

# Several GPUs of one process; opened when they are used, so that one GPU needs none.
cc_library(
    name = "nccl",
    linkopts = ["-ldl", "-Wl,-rpath,%s"],
    deps = [":cudart"],
)

# For benchmarks.
cc_library(
    name = "cublas_lt",
    linkopts = ["-L%s", "-Wl,-rpath,%s", "-l:libcublasLt.so.13"],
    deps = [":cudart"],
)
"""

def _cuda_configure_impl(ctx):
    home = _toolkit(ctx)
    _version(ctx, home)
    libraries = home.get_child("lib64")
    if not libraries.exists:
        libraries = home.get_child("lib")
    ctx.symlink(home.get_child("include"), "include")
    for library in ("libcudart.so.13", "libcudart_static.a"):
        ctx.symlink(libraries.get_child(library), "lib/" + library)
    ctx.file("nvcc", "#!/bin/sh\nexec '%s/bin/nvcc' \"$@\"\n" % home, executable = True)
    ctx.file("BUILD.bazel", _BUILD % (libraries, libraries, libraries))

cuda_configure = repository_rule(
    implementation = _cuda_configure_impl,
    environ = ["CUDA_HOME", "PATH"],
    local = True,
)
"""The toolkit is CUDA_HOME, else the nvcc on PATH's, else what `make setup CUDA=1` installed."""
