"""C++ libraries from .proto files, by Debian's protoc and gRPC plugin."""

def baleen_proto(name, src, deps = [], grpc = False, visibility = None):
    """Compiles one .proto to a cc_library.

    Args:
      name: the library.
      src: the .proto file, in this package.
      deps: baleen_proto targets that it imports (same package or //path:name).
      grpc: whether the file declares a service.
      visibility: of the library.
    """
    stem = src[:-len(".proto")]
    suffixes = [".pb.h", ".pb.cc"] + ([".grpc.pb.h", ".grpc.pb.cc"] if grpc else [])
    plugin = "--plugin=protoc-gen-grpc=/usr/bin/grpc_cpp_plugin --grpc_out=$(GENDIR)" if grpc else ""
    native.filegroup(
        name = name + "_src",
        srcs = [src] + [d + "_src" for d in deps],
        visibility = visibility,
    )
    native.genrule(
        name = name + "_gen",
        srcs = [src] + [d + "_src" for d in deps],
        outs = [stem + s for s in suffixes],
        cmd = "/usr/bin/protoc -I. --cpp_out=$(GENDIR) %s $(location %s)" % (plugin, src),
        visibility = ["//visibility:private"],
    )
    native.cc_library(
        name = name,
        srcs = [stem + s for s in suffixes if s.endswith(".cc")],
        hdrs = [stem + s for s in suffixes if s.endswith(".h")],
        copts = ["-w"],
        visibility = visibility,
        deps = deps + ["//third_party:grpc" if grpc else "//third_party:protobuf"],
    )
