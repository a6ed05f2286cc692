"""Server and OpenAPI document held together: schemathesis makes requests from the document and judges the answers by it."""

import os
import subprocess
import sys
import tempfile
import unittest

from tests.testing.cluster import Cluster

# What holds for every request, valid or not. That a valid one is accepted is not asked: lengths and schemas depend on the model too.
CHECKS = ("not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance,"
          "negative_data_rejection,unsupported_method")
EXAMPLES = 40


class OpenApiTest(unittest.TestCase):

    def test_document_and_server_agree(self):
        with Cluster() as cluster, tempfile.TemporaryDirectory() as directory:
            command = [
                sys.executable, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{cluster.rest_port}/openapi.json", f"--checks={CHECKS}",
                f"--max-examples={EXAMPLES}", "--seed=1", "--phases=examples,coverage,fuzzing", "--generation-database=none", "--no-color",
            ]
            # Hooks bound the length of the answers asked for.
            environment = os.environ | {"SCHEMATHESIS_HOOKS": "tests.e2e.openapi_hooks"}
            run = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, timeout=240, check=False)
            self.assertEqual(run.returncode, 0, run.stdout[-8000:] + run.stderr[-2000:])
            self.assertIn("passed", run.stdout)


if __name__ == "__main__":
    unittest.main()
