"""What a binary needs at run time: the shared libraries that it links, and the Debian packages that they come from."""

import dataclasses
import pathlib
import re
import subprocess


@dataclasses.dataclass(frozen=True)
class Package:
    name: str
    version: str
    architecture: str


def libraries(binary):
    """Paths of the shared libraries and of the loader, as the binary names them. FileNotFoundError when one is missing here."""
    words = subprocess.run(["ldd", str(binary)], capture_output=True, text=True, check=True).stdout
    if missing := re.findall(r"(\S+) => not found", words):
        raise FileNotFoundError(f"{binary} needs {', '.join(missing)}")
    return sorted({pathlib.Path(path) for path in re.findall(r"(/\S+) \(0x", words)})


def _names_of(path):
    """How a package may list a file: before or after the merge of /lib into /usr/lib, as a link or as what it points to."""
    for name in (path, path.resolve()):
        inner = name.relative_to("/usr") if name.is_relative_to("/usr") else name.relative_to("/")
        yield from (str(pathlib.Path("/") / inner), str(pathlib.Path("/usr") / inner))


def packages(paths):
    """The Debian packages that own these files, by name. FileNotFoundError for a file that none owns."""
    names = {path: set(_names_of(path)) for path in paths}
    # Ends with 1 because most of the possible names are nobody's.
    words = subprocess.run(["dpkg-query", "--search", *sorted(set().union(*names.values()))], capture_output=True, text=True).stdout
    owners = {path: package for package, path in (line.split(": ", 1) for line in words.splitlines())}
    owned = set()
    for path, candidates in names.items():
        known = {owners[name] for name in candidates if name in owners}
        if not known:
            raise FileNotFoundError(f"{path} belongs to no Debian package")
        owned |= known
    return installed(owned)


def installed(names):
    """These Debian packages, by name. CalledProcessError when one is not installed."""
    form = "${Package}\t${Version}\t${Architecture}\n"
    show = ["dpkg-query", "--show", f"--showformat={form}", *sorted(names)]
    lines = subprocess.run(show, capture_output=True, text=True, check=True).stdout.splitlines()
    return sorted({Package(*line.split("\t")) for line in lines}, key=lambda package: package.name)
