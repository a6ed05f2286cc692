"""The gRPC API from Python: stubs made from the protos when the test starts."""

import concurrent.futures
import pathlib
import sys
import tempfile

import grpc
import grpc_tools.protoc

from tests.testing.cluster import ROOT

_STUBS = tempfile.TemporaryDirectory()


def _make_stubs():
    protos = [str(path.relative_to(ROOT)) for path in pathlib.Path(ROOT, "proto/baleen/v1").glob("*.proto")
              if path.stem in ("common", "expert", "guardrail", "inference", "placement")]
    code = grpc_tools.protoc.main(
        ["protoc", f"-I{ROOT}", f"--python_out={_STUBS.name}", f"--grpc_python_out={_STUBS.name}", *protos])
    if code != 0:
        raise RuntimeError("protoc failed")
    # The generated package proto.baleen.v1 has no other home in this process.
    sys.path.insert(0, _STUBS.name)


_make_stubs()
from proto.baleen.v1 import common_pb2, expert_pb2, expert_pb2_grpc, guardrail_pb2, guardrail_pb2_grpc  # noqa: E402,F401
from proto.baleen.v1 import inference_pb2, inference_pb2_grpc, placement_pb2, placement_pb2_grpc  # noqa: E402,F401


class Client:
    """Token ids in, token ids out. Thread-safe."""

    def __init__(self, cluster, model="abacus"):
        self._channel = grpc.insecure_channel(f"{cluster.gateway.host}:{cluster.gateway.grpc_port}")
        self.stub = inference_pb2_grpc.InferenceStub(self._channel)
        self._model = model

    def generate(self, prompt_ids, timeout_s=120, **options):
        """(token id, log-probability) of each generated token of one request."""
        request = inference_pb2.GenerateRequest(model=self._model, options=inference_pb2.GenerationOptions(**options))
        request.token_ids.ids.extend(prompt_ids)
        tokens = []
        for response in self.stub.Generate(request, timeout=timeout_s):
            tokens.extend((choice.token, choice.logprob) for choice in response.logprobs)
        return tokens

    def generate_all(self, prompts, concurrency, **options):
        """As generate, for many prompts at once; answers in the prompts' order."""
        with concurrent.futures.ThreadPoolExecutor(concurrency) as pool:
            return list(pool.map(lambda ids: self.generate(ids, **options), prompts))

    def tokenize(self, text):
        return list(self.stub.Tokenize(inference_pb2.TokenizeRequest(model=self._model, text=text)).ids)
