"""The chart's own etcd, run: Debian's etcd with the members' command lines, at loopback ports instead of the pods' names.

What only a kubelet could show is not shown: probes, volumes, names that resolve.
"""

import contextlib
import pathlib
import signal
import subprocess
import tempfile
import unittest

from tests.deploy import chart
from tests.testing.certificates import Certificates
from tests.testing.cluster import Cluster, free_port, http_get
from tests.testing.steady_load import metric, wait_for

CLIENT, PEER, METRICS = 2379, 2380, 2381


class Members:
    """The members of a release, healthy on entry. `addresses` is what --etcd takes."""

    def __init__(self, objects, certificates=None):
        etcd = chart.workloads(objects)["etcd"]
        self._name, self._certificates = etcd["metadata"]["name"], certificates
        self._container = chart.container_of(etcd)
        self._ports = [{port: free_port() for port in (CLIENT, PEER, METRICS)} for _ in range(etcd["spec"]["replicas"])]
        self.addresses = ",".join(f"127.0.0.1:{ports[CLIENT]}" for ports in self._ports)

    def _words(self, index):
        """The member's command line, here."""
        replaced = {"$(POD_NAME)": f"{self._name}-{index}", "/var/lib/etcd": str(self._directory / str(index))}
        for number, ports in enumerate(self._ports):
            replaced.update({f"{self._name}-{number}.{self._name}:{port}": f"127.0.0.1:{here}" for port, here in ports.items()})
        replaced.update({f"0.0.0.0:{port}": f"127.0.0.1:{here}" for port, here in self._ports[index].items()})
        if self._certificates is not None:
            replaced.update({f"/tls/internal/{secret}": str(self._certificates.current / file)
                             for secret, file in (("tls.crt", "etcd.crt"), ("tls.key", "etcd.key"), ("ca.crt", "ca.crt"))})
        words = [*self._container["command"], *self._container["args"]]
        for old, new in replaced.items():
            words = [word.replace(old, new) for word in words]
        return words

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self._directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
            self.processes = []
            stack.callback(self._end)
            for index in range(len(self._ports)):
                with open(self._directory / f"{index}.log", "w") as log:
                    self.processes.append(subprocess.Popen(self._words(index), stdout=log, stderr=subprocess.STDOUT))
            wait_for(lambda: all(map(self.ready, range(len(self._ports)))), "not every member is ready")
            self._stack = stack.pop_all()
        return self

    def _end(self):
        for process in self.processes:
            process.kill()
            process.wait()

    def __exit__(self, *_):
        self._stack.close()

    def _ask(self, index, probe):
        path = self._container[probe]["httpGet"]["path"]
        return http_get(self._ports[index][METRICS], path)[0] == 200

    def ready(self, index):
        """By the pod's own probe."""
        return self._ask(index, "readinessProbe")

    def live(self, index):
        return self._ask(index, "livenessProbe")


class EtcdTest(unittest.TestCase):
    def test_two_of_three_members_go_on_over_tls(self):
        values = {**chart.read_values(chart.VALUES["three-placements"]), "tls": {"internal": {"enabled": True}}}
        with Certificates() as certificates, Members(chart.render(values), certificates) as members, \
                Cluster(placements=2, etcd=members.addresses, certificates=certificates) as cluster:
            everybody = len(cluster.processes) - 2
            both = cluster.named("placement")

            def known():
                return [metric(one, "baleen_placement_workers") or 0 for one in both]
            wait_for(lambda: sorted(known()) == [0, everybody], "no placement leads everybody")
            leader, follower = sorted(both, key=lambda one: metric(one, "baleen_placement_workers"), reverse=True)
            # A member and the leader at once.
            members.processes[0].send_signal(signal.SIGKILL)
            members.processes[0].wait()
            leader.stop(signal.SIGKILL)
            wait_for(lambda: metric(follower, "baleen_placement_workers") == everybody, "the follower has not taken over")
            self.assertTrue(members.ready(1) and members.ready(2))

    def test_a_member_without_a_majority_lives_and_is_not_ready(self):
        values = chart.read_values(chart.VALUES["three-placements"])
        with Members(chart.render(values)) as members:
            for process in members.processes[1:]:
                process.kill()
                process.wait()
            wait_for(lambda: not members.ready(0), "a member without a majority says that it is ready")
            self.assertTrue(members.live(0))


if __name__ == "__main__":
    unittest.main()
