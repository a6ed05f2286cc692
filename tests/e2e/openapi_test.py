"""Server and OpenAPI document held together: schemathesis makes requests from the document and judges the answers by it."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from tests.testing.cluster import MODEL, Cluster

# What holds for every request, valid or not. That a valid one is accepted is not asked: lengths and schemas depend on the model too.
CHECKS = ("not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance,"
          "negative_data_rejection,unsupported_method")
# Those that refuse a request: 413 is that of a body which is too large, whatever else is wrong with it.
CONFIG = "[checks.negative_data_rejection]\nexpected-statuses = [400, 401, 403, 404, 413, 415, 429, \"5xx\"]\n"
EXAMPLES = 8
# Goes on making requests for as long: make openapi MINUTES=10.
SECONDS = int(os.environ.get("OPENAPI_SECONDS", "0"))
# A context this short keeps every answer short, whatever a request asks for.
CONTEXT_TOKENS = 64


def short_context_model(directory):
    """The shipped checkpoint with a short context, under `directory`."""
    model = pathlib.Path(directory) / MODEL.name
    model.mkdir()
    for file in MODEL.resolve().iterdir():
        (model / file.name).symlink_to(file.resolve())
    config = json.loads((MODEL / "config.json").read_text())
    (model / "config.json").unlink()
    (model / "config.json").write_text(json.dumps(config | {"max_position_embeddings": CONTEXT_TOKENS}))
    return model


class OpenApiTest(unittest.TestCase):

    def test_document_and_server_agree(self):
        with contextlib.ExitStack() as stack:
            directory = stack.enter_context(tempfile.TemporaryDirectory())
            cluster = stack.enter_context(Cluster(model=short_context_model(directory)))
            (pathlib.Path(directory) / "schemathesis.toml").write_text(CONFIG)
            command = [
                sys.executable, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{cluster.rest_port}/openapi.json", f"--checks={CHECKS}",
                f"--max-examples={EXAMPLES}", "--seed=1", "--phases=examples,coverage,fuzzing", "--generation-database=none", "--no-color",
                "--request-timeout=60", *([f"--max-time={SECONDS}"] if SECONDS else []),
            ]
            run = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=240 + SECONDS, check=False)
            # A failure is told first and may hold a long request.
            self.assertEqual(run.returncode, 0, run.stdout[run.stdout.find("= FAILURES"):][:8000] + run.stdout[-4000:] + run.stderr[-2000:])
            self.assertIn("passed", run.stdout)
            print(run.stdout[-3000:])


if __name__ == "__main__":
    unittest.main()
