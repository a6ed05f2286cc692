"""What the chart makes of GPUs that compute together: the flag, and as many in the pod's resources."""

import unittest

import helm_python

from tests.deploy import chart

GPU = "nvidia.com/gpu"
H800 = chart.read_values(chart.VALUES["h800-r1"])


def with_ranks(role, count):
    return chart.own_workloads(chart.render({**H800, role: {**H800[role], "tensorParallel": count}}))


def gpus(workload):
    return {kind: amounts.get(GPU) for kind, amounts in chart.container_of(workload)["resources"].items()}


class TensorParallelTest(unittest.TestCase):
    def test_a_pod_has_a_gpu_for_each_rank(self):
        for role in ("prefill", "decode"):
            with self.subTest(role=role):
                workloads = with_ranks(role, 4)
                self.assertEqual(chart.flags_of(workloads[role])["tensor_parallel"], "4")
                self.assertEqual(gpus(workloads.pop(role)), {"requests": 4, "limits": 4})
                for other in {"prefill", "decode", "expert"} - {role}:
                    self.assertNotIn("tensor_parallel", chart.flags_of(workloads[other]))
                    self.assertEqual(gpus(workloads[other]), {"requests": 1, "limits": 1})

    def test_nothing_else_of_the_resources_changes(self):
        one, four = (chart.container_of(with_ranks("decode", count)["decode"])["resources"] for count in (1, 4))
        self.assertEqual({kind: {**amounts, GPU: 1} for kind, amounts in four.items()}, one)

    def test_what_cannot_be_is_refused(self):
        for values, words in (({"decode": {"tensorParallel": 2}}, "decode.tensorParallel=2: GPUs compute together; set device=cuda"),
                              ({"prefill": {"tensorParallel": 0}}, "tensorParallel"),
                              ({"expert": {"tensorParallel": 2}}, "tensorParallel"),
                              ({"device": "cuda"}, "prefill.resources asks for no GPU")):
            with self.subTest(values=values), self.assertRaises(helm_python.HelmError) as raised:
                chart.render(values)
            self.assertIn(words, str(raised.exception))


if __name__ == "__main__":
    unittest.main()
