"""Which ports a cluster is given, and which it cannot have."""

import pathlib
import socket
import unittest
import unittest.mock

import settings
import topology
from errors import UserError
from ports import HOST, Ports, check_all


class PortsTest(unittest.TestCase):
    def check(self, port_base, gateways):
        ports = Ports(port_base)
        self.addCleanup(ports.release)
        wanted = settings.Settings(model=pathlib.Path("/m"), gateways=gateways, prefill=1, decode=1, shards=2, replicas=1, dtype="auto",
                                   kv_mib=None, threads=None, port_base=port_base)
        listens = [one for spec in topology.plan(wanted, ports) for one in spec.listens()]
        with unittest.mock.patch("ports.check_free"):  # Other programs may have any of them.
            check_all(listens)

    def test_they_are_compared_with_each_other(self):
        self.check("9800", 10)
        self.check("", 64)
        with self.assertRaisesRegex(UserError, "port 9900 would be metrics of gateway-0 and REST of gateway-10"):
            self.check("9800", 12)
        with self.assertRaisesRegex(UserError, "port 65100 would be"):
            self.check("65000", 64)

    def test_none_is_above_the_last(self):
        with self.assertRaisesRegex(UserError, r"port 65536 \(metrics of expert-9\) is above 65535"):
            check_all([(65536, "metrics of expert-9")])

    def test_free_ones_are_none_of_the_fixed_ones(self):
        chosen = Ports("20000")
        self.addCleanup(chosen.release)
        with unittest.mock.patch("ports.random.choice", side_effect=[20101, 30001, 30003, 30005, 30007]):
            self.assertGreater(chosen.free(), 30000)

    def test_lent_ones_are_free_to_listen_on_alone(self):
        chosen, other = Ports("free"), Ports("free")
        self.addCleanup(chosen.release)
        self.addCleanup(other.release)
        port = chosen.free()
        chosen.lend()
        with socket.create_server((HOST, port)):
            pass
        with unittest.mock.patch("ports.random.choice", side_effect=[port, *range(31000, 31100)]):
            self.assertNotEqual(other.free(), port)


if __name__ == "__main__":
    unittest.main()
