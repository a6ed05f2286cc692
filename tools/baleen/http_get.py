"""One GET to a local process."""

import http.client

from ports import HOST


def get(port, path, timeout_s=2, headers=None):
    """(status, body); status 0 and the reason when there is no answer."""
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout_s)
    try:
        connection.request("GET", path, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        return 0, type(error).__name__ if not str(error) else str(error)
    finally:
        connection.close()


def not_ready(process):
    """Why the process would not answer a request now; None when it would."""
    status, body = get(process.metrics, "/health" if process.role == "etcd" else "/readyz")
    if status == 200 and process.rest is not None:
        status, body = get(process.rest, "/readyz")
    if status == 200:
        return None
    return " ".join(body.split())[:120] or f"/readyz answered {status}"
