"""A software bill of materials in SPDX 2.3's JSON: Baleen's own binary, the Debian packages whose libraries it carries, and what was
compiled into it.
"""

import hashlib
import json


def _identifier(name):
    return "SPDXRef-" + "".join(c if c.isalnum() or c in ".-" else "-" for c in name)


def _entry(name, version, url):
    reference = {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": url}
    return {"SPDXID": _identifier(name), "name": name, "versionInfo": version, "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
            "externalRefs": [reference]}


def _debian(package):
    url = f"pkg:deb/debian/{package.name}@{package.version}?arch={package.architecture}&distro=debian-12"
    return _entry(package.name, package.version, url)


def document(service, version, binary_sha256, packages, compiled_in, cuda=None):
    """The same for the same contents: no time of making, no random name. `compiled_in`: Debian packages of headers that leave code in the
    binary; `cuda`: the version of the CUDA runtime in it.
    """
    own = {"SPDXID": _identifier(f"baleen-{service}"), "name": f"baleen-{service}", "versionInfo": version,
           "downloadLocation": "NOASSERTION", "filesAnalyzed": False, "licenseDeclared": "Apache-2.0",
           "checksums": [{"algorithm": "SHA256", "checksumValue": binary_sha256}]}
    dynamic = [_debian(package) for package in packages]
    static = [_debian(package) for package in compiled_in]
    if cuda is not None:
        static.append(_entry("nvidia-cuda-runtime", cuda, f"pkg:generic/nvidia-cuda-runtime@{cuda}"))
    contents = json.dumps([own, dynamic, static], sort_keys=True).encode()
    relations = [{"spdxElementId": own["SPDXID"], "relationshipType": kind, "relatedSpdxElement": item["SPDXID"]}
                 for kind, items in (("DYNAMIC_LINK", dynamic), ("STATIC_LINK", static)) for item in items]
    return {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"baleen-{service}-{version}",
            "documentNamespace": f"https://spdx.org/spdxdocs/baleen-{service}-{hashlib.sha256(contents).hexdigest()}",
            "creationInfo": {"created": "1970-01-01T00:00:00Z", "creators": ["Tool: deploy/images/build.py"]},
            "packages": [own, *dynamic, *static], "documentDescribes": [own["SPDXID"]], "relationships": relations}
