"""An authority and role certificates for a test's cluster, made by `baleen certs`, and wrong ones beside them."""

import pathlib
import ssl
import subprocess
import sys
import tempfile

from tests.testing.cluster import ROOT

sys.path.insert(0, str(ROOT / "tools" / "baleen"))
import certs  # noqa: E402

ROLES = certs.ROLES


def role_of(process_name):
    """The role in the certificate of a process by its name: decode-0 is attention."""
    role = process_name.split("-")[0]
    return "attention" if role in ("prefill", "decode") else role


class Identity:
    """A certificate and its key, as bytes in PEM; None for a client that shows none."""

    def __init__(self, cert, key):
        self.cert, self.key = cert, key


class Certificates:
    """Use as a context manager; `current` is the directory that processes are pointed to."""

    def __enter__(self):
        self._directory = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self._directory.name)
        self.current = self.path / "current"
        certs.ensure(self.path)
        return self

    def __exit__(self, *_):
        self._directory.cleanup()

    def flags(self, role):
        return certs.flags(role, self.path)

    def etcd_flags(self):
        return certs.etcd_flags(self.path)

    @property
    def crl(self):
        return self.path / "crl.pem"

    def issue(self, role):
        """One more certificate of the role."""
        with tempfile.TemporaryDirectory() as made:
            certs.issue(self.path, pathlib.Path(made), role, certs.NAMES[role])
            return self._read(pathlib.Path(made), role)

    def of_its_own(self, role):
        """The identity of a process of the role that shares it with no other, and the flags that give it to one."""
        made = pathlib.Path(tempfile.mkdtemp(dir=self.path))
        certs.issue(self.path, made, role, certs.NAMES[role])
        return self._read(made, role), [f"--tls_cert={made / role}.crt", f"--tls_key={made / role}.key"]

    def revoke(self, identities):
        with tempfile.TemporaryDirectory() as directory:
            paths = []
            for number, identity in enumerate(identities):
                paths.append(pathlib.Path(directory, f"{number}.crt"))
                paths[-1].write_bytes(identity.cert)
            certs.revoke(self.path, paths)

    def renew(self):
        certs.renew(self.path)

    @property
    def ca(self):
        return (self.current / "ca.crt").read_bytes()

    def role(self, role):
        return self._read(self.current, role)

    def foreign(self, role):
        """The role's certificate of another authority."""
        with tempfile.TemporaryDirectory() as other:
            certs.make_authority(pathlib.Path(other))
            certs.issue(pathlib.Path(other), pathlib.Path(other), role, certs.NAMES[role])
            return self._read(pathlib.Path(other), role)

    def expired(self, role):
        """The role's certificate of this authority, good until yesterday."""
        with tempfile.TemporaryDirectory() as made:
            base = pathlib.Path(made, role)
            names = pathlib.Path(made, "names")
            names.write_text(certs.LEAF.format(names=",".join(certs.NAMES[role])))
            self._openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={role}",
                          "-keyout", f"{base}.key", "-out", f"{base}.csr")
            self._openssl("x509", "-req", "-in", f"{base}.csr", "-CA", str(self.path / "ca.crt"), "-CAkey", str(self.path / "ca.key"),
                          "-days", "-1", "-extfile", str(names), "-out", f"{base}.crt")
            return self._read(pathlib.Path(made), role)

    @staticmethod
    def _openssl(*words):
        done = subprocess.run(["openssl", *words], capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)

    @staticmethod
    def _read(directory, name):
        return Identity((directory / f"{name}.crt").read_bytes(), (directory / f"{name}.key").read_bytes())

    def client_context(self, role=None):
        """For sockets to the cluster's processes, which have no name to compare."""
        context = ssl.create_default_context(cafile=str(self.current / "ca.crt"))
        context.check_hostname = False
        if role is not None:
            context.load_cert_chain(str(self.current / f"{role}.crt"), str(self.current / f"{role}.key"))
        return context
