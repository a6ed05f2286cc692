"""One fuzz target: a libFuzzer binary, and a test that replays its corpus under the ordinary compiler."""

def fuzz_target(name, deps, data = [], linkopts = []):
    """Declares NAME_fuzz.cc, which defines LLVMFuzzerTestOneInput, with the seeds in corpus/NAME.

    Args:
      name: of the surface; makes NAME_replay_test and, under --config=fuzz alone, NAME_fuzzer.
      deps: of NAME_fuzz.cc.
      data: files that it reads.
      linkopts: of both.
    """
    native.cc_library(
        name = name + "_fuzz",
        testonly = True,
        srcs = [name + "_fuzz.cc"],
        deps = deps + [":fuzz_input"],
        alwayslink = True,
    )
    native.cc_test(
        name = name + "_replay_test",
        size = "small",
        args = ["tests/fuzz/corpus/" + name],
        data = data + native.glob(["corpus/%s/**" % name]),
        linkopts = linkopts,
        deps = [
            ":%s_fuzz" % name,
            ":replay_main",
        ],
    )
    native.cc_binary(
        name = name + "_fuzzer",
        testonly = True,
        data = data,
        linkopts = linkopts + ["-fsanitize=fuzzer"],
        tags = [
            "fuzzer",
            "manual",
        ],
        deps = [":%s_fuzz" % name],
    )
