"""What every operation's folder has: its contract, the kernels, their emulation on the host, and the tests of each."""

load("//third_party/cuda:cuda.bzl", "cuda_library", "kernel_launcher")

def cuda_op(
        name,
        stem = None,
        deps = ["//base:dtype"],
        args_srcs = [],
        args_hdrs = [],
        cuda_srcs = [],
        device_hdrs = [],
        implementation_deps = [],
        host_deps = [],
        host_copts = [],
        test_deps = []):
    """Targets `args`, `<stem>_args_test`, `<name>` (nvcc), `on_host`, `launch` (one of these two) and `gpu_test`, of <stem>.h and <stem>*.cc|cu.

    Args:
      name: the operation, as its folder is called.
      stem: how its files' names begin, where that is not `name`.
      deps: of the contract.
      args_srcs: of the contract, besides <stem>_args.cc.
      args_hdrs: of the contract, besides <stem>.h.
      cuda_srcs: of the kernels, besides <stem>.cu.
      device_hdrs: headers that only the kernels include.
      implementation_deps: of kernels, emulation and their test.
      host_deps: of the emulation and the test.
      host_copts: of the emulation.
      test_deps: of the kernels' test.
    """
    stem = stem or name

    # What needs no GPU: the contract, checks of arguments, index arithmetic.
    native.cc_library(
        name = "args",
        srcs = [stem + "_args.cc"] + args_srcs,
        hdrs = [stem + ".h"] + args_hdrs,
        deps = ["//kernels/cuda/base:args"] + deps,
    )

    native.cc_test(
        name = stem + "_args_test",
        size = "small",
        srcs = [stem + "_args_test.cc"],
        deps = [
            ":args",
            "//third_party:gtest_main",
        ],
    )

    cuda_library(
        name = name,
        srcs = [stem + ".cu"] + cuda_srcs,
        device_hdrs = device_hdrs,
        deps = [
            ":args",
            "//kernels/cuda/base:device",
            "//kernels/cuda/base:launch",
        ] + implementation_deps,
    )

    native.cc_library(
        name = "on_host",
        srcs = [stem + "_on_host.cc"],
        copts = host_copts,
        deps = [
            ":args",
            "//kernels/cuda/base:host",
        ] + implementation_deps + host_deps,
    )

    kernel_launcher(
        name = "launch",
        cuda = ":" + name,
        host = ":on_host",
    )

    native.cc_library(
        name = "gpu_test",
        testonly = True,
        srcs = [stem + "_gpu_test.cc"],
        deps = [
            ":args",
            ":launch",
            "//kernels/cuda/testing",
        ] + implementation_deps + host_deps + test_deps,
        alwayslink = True,
    )
