"""`baleen keys`: makes an API key, and the entry that the tenants file has of it."""

import hashlib
import json
import secrets

PREFIX = "baleen-"
RANDOM_BYTES = 32


def make(note=""):
    """(key, its entry): the key is 256 random bits, the entry has its digest alone."""
    key = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    entry = {"sha256": hashlib.sha256(key.encode()).hexdigest()}
    return key, entry | ({"note": note} if note else {})


def run(arguments):
    """Prints a key, which is kept nowhere, and its entry."""
    if arguments.secret:
        print(json.dumps({"cache_secret": secrets.token_hex(RANDOM_BYTES)}))
        return 0
    key, entry = make(arguments.note)
    print(f"key: {key}")
    print(f"entry: {json.dumps(entry)}")
    return 0
