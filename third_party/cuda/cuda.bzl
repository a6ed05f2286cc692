"""Rules for code that nvcc compiles, for Hopper (sm_90a). All are `manual`: they are built when asked for, so that //... needs no CUDA."""

def _bool_setting_impl(ctx):
    return []

bool_setting = rule(
    implementation = _bool_setting_impl,
    build_setting = config.bool(flag = True),
)

def kernel_launcher(name, cuda, host, visibility = None):
    """One contract's implementation: with CUDA, or without it the emulation on the host, for tests."""
    native.alias(
        name = name,
        actual = select({
            "//third_party/cuda:is_enabled": cuda,
            "//conditions:default": host,
        }),
        visibility = visibility,
    )

# Contraction is explicit, as in the C++ code: the compiler may not change a bit between builds.
NVCC_FLAGS = [
    "-std=c++20",
    "-O3",
    "-gencode=arch=compute_90a,code=sm_90a",
    "-fmad=false",
    "--expt-relaxed-constexpr",
    "-lineinfo",
    "-Werror=all-warnings",
    "-Xcompiler=-fPIC,-Wall,-Wextra,-Wno-unused-parameter,-ffp-contract=off",
]

def _cuda_objects_impl(ctx):
    contexts = [dep[CcInfo].compilation_context for dep in ctx.attr.deps]
    headers = depset(ctx.files.hdrs, transitive = [context.headers for context in contexts])
    includes = depset(transitive = [context.includes for context in contexts] + [context.system_includes for context in contexts]).to_list()
    objects = []
    for source in ctx.files.srcs:
        object = ctx.actions.declare_file("_cuda/%s/%s.o" % (ctx.label.name, source.basename[:-3]))
        arguments = ctx.actions.args()
        arguments.add_all(NVCC_FLAGS)
        arguments.add_all(["-I.", "-I" + ctx.bin_dir.path])
        arguments.add_all(includes, before_each = "-isystem")
        arguments.add_all(["-c", source, "-o", object])
        ctx.actions.run(
            executable = ctx.file._nvcc,
            arguments = [arguments],
            inputs = depset([source], transitive = [headers]),
            outputs = [object],
            mnemonic = "Nvcc",
            progress_message = "Compiling %s with nvcc" % source.short_path,
            use_default_shell_env = True,
        )
        objects.append(object)
    return [DefaultInfo(files = depset(objects))]

_cuda_objects = rule(
    implementation = _cuda_objects_impl,
    attrs = {
        "srcs": attr.label_list(allow_files = [".cu"]),
        "hdrs": attr.label_list(allow_files = [".h", ".cuh"]),
        "deps": attr.label_list(providers = [CcInfo]),
        "_nvcc": attr.label(default = "@cuda//:nvcc", allow_single_file = True),
    },
)

def cuda_library(name, srcs, hdrs = [], device_hdrs = [], deps = [], alwayslink = False, testonly = False):
    """A cc_library of .cu files. `device_hdrs` are headers that only they include."""
    _cuda_objects(
        name = name + "_objects",
        testonly = testonly,
        srcs = srcs,
        hdrs = hdrs + device_hdrs,
        tags = ["manual"],
        deps = deps + ["@cuda//:cudart"],
    )
    native.cc_library(
        name = name,
        testonly = testonly,
        srcs = [":" + name + "_objects"],
        hdrs = hdrs,
        alwayslink = alwayslink,
        tags = ["manual"],
        deps = deps + ["@cuda//:cudart"],
    )
