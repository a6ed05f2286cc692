"""A cluster by its gateway's URL, whoever started it."""

import http.client
import json
import os
import ssl
import urllib.error
import urllib.request

import state
from errors import Unavailable, UserError
from ports import HOST

TIMEOUT_S = 10


def key_headers(key):
    """With a bearer key where there is one."""
    return {"Authorization": f"Bearer {key}"} if key else {}


def _tls():
    """Trusts BALEEN_CA where that is given, else the machine's authorities."""
    return ssl.create_default_context(cafile=os.environ.get("BALEEN_CA") or None)


def open_url(url, body=None, headers=None, timeout_s=TIMEOUT_S):
    """The response, for reading; UserError says what is wrong with the cluster's answer (Unavailable for a 503), or that there is none."""
    data = None if body is None else json.dumps(body).encode()
    sent = {"Content-Type": "application/json"} if data is not None else {}
    try:
        request = urllib.request.Request(url, data, sent | (headers or {}))
        return urllib.request.urlopen(request, timeout=timeout_s, context=_tls() if url.startswith("https:") else None)
    except urllib.error.HTTPError as error:
        hint = "; set API_KEY (or ADMIN_KEY for the admin API)" if error.code == 401 else ""
        refused = Unavailable if error.code == 503 else UserError
        raise refused(f"{url} answered {error.code}: {error.read().decode('utf-8', 'replace')[:300]}{hint}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise UserError(f"{url} did not answer: {getattr(error, 'reason', error)}") from None


def get_json(url, headers=None):
    with open_url(url, headers=headers) as response:
        try:
            return json.load(response)
        except ValueError:
            raise UserError(f"{url} answered no JSON") from None
        except (OSError, http.client.HTTPException) as error:
            raise UserError(f"the answer of {url} broke off: {error}") from None


def gateway(arguments):
    """The URL of the gateway: --url, BALEEN_URL, else the local cluster's first gateway."""
    given = arguments.url or os.environ.get("BALEEN_URL")
    if given:
        return given.rstrip("/").removesuffix("/v1")
    local = next((process for process in state.running() if process.rest is not None and process.alive()), None)
    if local is None:
        raise UserError("no gateway is alive; 'baleen status' shows the processes")
    return f"http://{HOST}:{local.rest}"


def is_remote(arguments):
    """Whether a URL names the cluster, so that nothing is known of its processes but what it says."""
    return bool(arguments.url or os.environ.get("BALEEN_URL"))


def cluster(arguments):
    """What the gateway says of the cluster: GET /v1/cluster."""
    return get_json(f"{gateway(arguments)}/v1/cluster", key_headers(os.environ.get("API_KEY")))


def table(rows):
    """Left-aligned columns, the last one ragged."""
    widths = [max(len(cells[i]) for cells in rows) for i in range(len(rows[0]) - 1)]
    return "\n".join("  ".join([cells[i].ljust(width) for i, width in enumerate(widths)] + [cells[-1]]).rstrip() for cells in rows)
