"""`baleen certs`: an authority of one's own and a certificate for each role, for a cluster on this machine.

`current` is a link to the newest generation of files, so that all of them change in one step; the processes read them again by themselves.
"""

import os
import pathlib
import secrets
import shutil
import subprocess
import tempfile

import settings
from errors import UserError

AUTHORITY_DAYS = 3650
DAYS = 90
LOCAL = ("DNS:localhost", "IP:127.0.0.1", "IP:::1")
ROLES = ("gateway", "attention", "expert", "placement", "operator")
# What each certificate is good for. Roles are told apart by the URI; the DNS name is for software that only knows those.
NAMES = {
    **{role: (f"URI:spiffe://baleen/{role}/local", f"DNS:{role}.baleen.internal") for role in ROLES},
    "etcd": ("DNS:etcd.baleen.internal", *LOCAL),
    "edge": LOCAL,
}

CONFIG = """
[req]
prompt = no
distinguished_name = subject
x509_extensions = extensions
[subject]
CN = {name}
[extensions]
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
{extensions}
"""
AUTHORITY = "basicConstraints = critical,CA:TRUE,pathlen:0\nkeyUsage = critical,keyCertSign,cRLSign"
LEAF = """basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth,clientAuth
subjectAltName = {names}"""


# What `openssl ca` wants to know to keep a list of revoked certificates.
LISTING = """
[ca]
default_ca = list
[list]
database = {database}
unique_subject = no
default_md = sha256
default_crl_days = 3650
"""


def directory(environment=os.environ):
    """Where the authority and the generations are kept."""
    return pathlib.Path(environment.get("CERTS_DIR") or settings.ROOT / ".baleen" / "certs")


def flags(role, certs):
    """What a process of the role is started with."""
    current = certs / "current"
    return [f"--tls_ca={current / 'ca.crt'}", f"--tls_cert={current / role}.crt", f"--tls_key={current / role}.key",
            f"--tls_crl={certs / 'crl.pem'}"]


def etcd_flags(certs):
    """What makes etcd speak TLS, and to placements alone."""
    current = certs / "current"
    return [f"--cert-file={current / 'etcd.crt'}", f"--key-file={current / 'etcd.key'}", f"--trusted-ca-file={current / 'ca.crt'}",
            "--client-cert-auth", "--client-cert-allowed-hostname=placement.baleen.internal", "--enable-grpc-gateway=false"]


def _openssl(command, purpose):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except FileNotFoundError:
        raise UserError("openssl is not installed; run 'make setup'") from None
    if done.returncode != 0:
        raise UserError(f"openssl could not {purpose}: {done.stderr.strip()[-500:]}")


def _request(into, name, extensions, days, signer=()):
    """Writes <name>.key and <name>.crt. Keys are readable by their owner alone, as openssl makes them."""
    with tempfile.NamedTemporaryFile("w", suffix=".cnf") as config:
        config.write(CONFIG.format(name=name, extensions=extensions))
        config.flush()
        command = ["openssl", "req", "-x509", "-config", config.name, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                   "-keyout", str(into / f"{name}.key"), "-out", str(into / f"{name}.crt"), "-days", str(days), *signer]
        _openssl(command, f"make {into / name}.crt")


def make_authority(into):
    """ca.crt and ca.key in a directory that is its owner's alone."""
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    _request(into, "ca", AUTHORITY, AUTHORITY_DAYS)


def issue(authority, into, name, names, days=DAYS):
    """A key and a certificate with these alternative names, signed by the authority in that directory."""
    signer = ("-CA", str(authority / "ca.crt"), "-CAkey", str(authority / "ca.key"))
    _request(into, name, LEAF.format(names=",".join(names)), days, signer)


def renew(certs):
    """Issues everything anew, then makes it current in one step; the generation before stays until the next time."""
    generations = certs / "generations"
    generations.mkdir(exist_ok=True)
    before = os.readlink(certs / "current") if (certs / "current").is_symlink() else ""
    fresh = generations / secrets.token_hex(8)
    fresh.mkdir(mode=0o700)
    shutil.copy(certs / "ca.crt", fresh)
    for name, names in NAMES.items():
        issue(certs, fresh, name, names)
    link = certs / "current.new"
    link.unlink(missing_ok=True)
    link.symlink_to(fresh.relative_to(certs))
    os.replace(link, certs / "current")
    for old in generations.iterdir():
        if old.name not in (fresh.name, pathlib.PurePath(before).name):
            shutil.rmtree(old)


def revoke(certs, revoked):
    """Adds certificate files to the authority's list, crl.pem, and replaces it in one step."""
    database = certs / "revoked.txt"
    database.touch(mode=0o600)
    with tempfile.NamedTemporaryFile("w", suffix=".cnf") as config:
        config.write(LISTING.format(database=database))
        config.flush()
        command = ["openssl", "ca", "-config", config.name, "-keyfile", str(certs / "ca.key"), "-cert", str(certs / "ca.crt")]
        for path in revoked:
            _openssl([*command, "-revoke", str(path)], f"revoke {path}")
        _openssl([*command, "-gencrl", "-out", str(certs / "crl.pem.new")], f"make {certs / 'crl.pem'}")
    os.replace(certs / "crl.pem.new", certs / "crl.pem")


def ensure(certs):
    """Makes what is missing. True when certificates were."""
    missing = not (certs / "current" / "ca.crt").is_file()
    if missing:
        if not (certs / "ca.key").is_file():
            make_authority(certs)
        renew(certs)
    if not (certs / "crl.pem").is_file():
        revoke(certs, ())
    return missing


def run(arguments):
    """Makes them once; anew with --renew; takes certificates back with --revoke. Running processes notice within seconds."""
    certs = directory()
    made = ensure(certs)
    if arguments.revoke:
        revoke(certs, arguments.revoke)
        print(f"revoked {', '.join(arguments.revoke)} in {certs / 'crl.pem'}")
        return 0
    if arguments.renew and not made:
        renew(certs)
    verb = "made" if made else "renewed" if arguments.renew else "there already:"
    print(f"{verb} {certs / 'current'} ({', '.join(NAMES)}); good for {DAYS} days from issue")
    return 0
