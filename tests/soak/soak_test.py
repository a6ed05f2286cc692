"""What `make soak` calls a problem, and a short soak of a real cluster."""

import json
import unittest

from tests.soak import growth, main


def samples(memory_mib, fds):
    return [growth.Sample(mib << 20, count) for mib, count in zip(memory_mib, fds)]


class GrowthTest(unittest.TestCase):
    def test_a_leak_is_found(self):
        leaking = growth.of(samples(range(100, 200), range(20, 120)))
        self.assertEqual(len(leaking.problems), 2)
        self.assertRegex(leaking.problems[0], "memory grew from 129 to 189 MiB")

    def test_kv_blocks_used_for_the_first_time_are_none(self):
        page = "# TYPE process_open_fds gauge\nprocess_open_fds 20\nprocess_resident_memory_bytes {memory}\n{kv}\n"

        def worker(growing_mib, touched_mib):
            return main.sample_of(page.format(memory=(200 + growing_mib + touched_mib) << 20,
                                              kv=f"baleen_kv_cache_touched_bytes {touched_mib << 20}"))
        filling = [worker(0, touched) for touched in range(100)]
        self.assertEqual(growth.of(filling).problems, [])
        self.assertEqual(filling[0], growth.Sample(200 << 20, 20))
        self.assertRegex(growth.of([worker(leaked, leaked) for leaked in range(100)]).problems[0], "memory grew from 229 to 289 MiB")
        gateway = main.sample_of(page.format(memory=50 << 20, kv=""))
        self.assertEqual(gateway, growth.Sample(50 << 20, 20))

    def test_a_warm_up_and_a_plateau_are_none(self):
        warm = [10, 60, 90] + [100, 101, 99, 102] * 24
        self.assertEqual(growth.of(samples(warm[:95], [30, 32] * 48)).problems, [])

    def test_too_few_samples_are_no_proof(self):
        with self.assertRaises(ValueError):
            growth.of(samples([100] * 4, [20] * 4))


class ProblemsTest(unittest.TestCase):
    def test_each_kind_counts(self):
        steady = growth.of(samples([100] * 10, [20] * 10))
        self.assertEqual(main.Soak(growth={"a": steady}).problems(), [])
        leaking = growth.of(samples(range(100, 200), [20] * 100))
        for bad in (main.Soak(failures=["gone"]), main.Soak(differences=["other"]), main.Soak(alerts={"BaleenKvFull": 3.0}),
                    main.Soak(growth={"a": leaking}), main.Soak(leaked_blocks=1)):
            self.assertEqual(len(bad.problems()), 1, bad)


class SoakTest(unittest.TestCase):
    def test_a_short_one(self):
        # Alerts are left to `make soak`: on a busy machine a starved process rightly fires one.
        soak = main.run(seconds=35, streams=2, seed=3)
        self.assertEqual((soak.failures, soak.differences, soak.leaked_blocks), ([], [], 0))
        self.assertGreater(soak.requests, 0)
        written = json.loads(json.dumps(soak.to_json()))
        self.assertEqual(set(written["growth"]), {"placement", "expert-0", "expert-1", "prefill-0", "decode-0", "decode-1", "gateway"})
        self.assertGreater(written["latency"]["first_token_s"]["p95"], 0)


if __name__ == "__main__":
    unittest.main()
