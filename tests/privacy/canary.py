"""Random texts that must turn up nowhere, and the search for them in every form that a program would write them in."""

import base64
import secrets
import struct


class Canary:
    """128 random bits in two halves; between them, where the field allows it, what gets escaped."""

    def __init__(self, name, plain=False):
        self.name = name
        self.halves = (secrets.token_hex(8), secrets.token_hex(8))
        self.text = ("" if plain else 'é"\n').join(self.halves)

    def forms(self, token_ids):
        """Form -> bytes to look for. `token_ids` tells a text's token ids. Escaping leaves a half as it is, and the whole has both."""
        found = {}
        for part, text in zip(("first half", "second half"), self.halves):
            raw, ids = text.encode(), token_ids(text)
            forms = {"raw or escaped": raw, "hex": raw.hex().encode(), "HEX": raw.hex().upper().encode(),
                     "token ids as int32": struct.pack(f"<{len(ids)}i", *ids)}
            for shift in range(3):
                # Whole groups of three bytes, wherever the text begins in them.
                inner = raw[(3 - shift) % 3:]
                forms[f"base64 at {shift}"] = base64.b64encode(inner[:len(inner) // 3 * 3])
            for separator in (", ", ",", " ", "\n"):
                forms[f"token ids by {separator!r}"] = separator.join(map(str, ids)).encode()
            found |= {f"{part}, {form}": needle for form, needle in forms.items()}
        return found


class Search:
    """Looks for canaries in bytes."""

    def __init__(self, canaries, token_ids):
        self._needles = [(canary.name, form, needle) for canary in canaries for form, needle in canary.forms(token_ids).items()]

    def __call__(self, data):
        """(canary, form) of everything found."""
        return [(name, form) for name, form, needle in self._needles if needle in data]
