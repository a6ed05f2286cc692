"""A software bill of materials in SPDX 2.3's JSON: Baleen's own binary and the Debian packages whose libraries it carries."""

import hashlib
import json


def _identifier(name):
    return "SPDXRef-" + "".join(c if c.isalnum() or c in ".-" else "-" for c in name)


def _debian(package):
    url = f"pkg:deb/debian/{package.name}@{package.version}?arch={package.architecture}&distro=debian-12"
    reference = {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": url}
    return {"SPDXID": _identifier(package.name), "name": package.name, "versionInfo": package.version,
            "downloadLocation": "NOASSERTION", "filesAnalyzed": False, "externalRefs": [reference]}


def document(service, version, binary_sha256, packages):
    """The same for the same contents: no time of making, no random name."""
    own = {"SPDXID": _identifier(f"baleen-{service}"), "name": f"baleen-{service}", "versionInfo": version,
           "downloadLocation": "NOASSERTION", "filesAnalyzed": False, "licenseDeclared": "Apache-2.0",
           "checksums": [{"algorithm": "SHA256", "checksumValue": binary_sha256}]}
    debian = [_debian(package) for package in packages]
    contents = json.dumps([own, debian], sort_keys=True).encode()
    relations = [{"spdxElementId": own["SPDXID"], "relationshipType": "DYNAMIC_LINK", "relatedSpdxElement": item["SPDXID"]}
                 for item in debian]
    return {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"baleen-{service}-{version}",
            "documentNamespace": f"https://spdx.org/spdxdocs/baleen-{service}-{hashlib.sha256(contents).hexdigest()}",
            "creationInfo": {"created": "1970-01-01T00:00:00Z", "creators": ["Tool: deploy/images/build.py"]},
            "packages": [own, *debian], "documentDescribes": [own["SPDXID"]], "relationships": relations}
