"""Requests of every kind that metrics tell apart."""

import concurrent.futures
import http.client
import json
import urllib.error
import urllib.request


def post(cluster, path, body):
    """HTTP status of a POST to the REST API."""
    request = urllib.request.Request(f"{cluster.base_url}/{path}", json.dumps(body).encode(), {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def chat(cluster, text, max_tokens=24):
    body = {"model": "abacus", "messages": [{"role": "user", "content": text}], "max_tokens": max_tokens, "ignore_eos": True}
    return post(cluster, "chat/completions", body)


def chat_ignoring_the_end(cluster, text, max_tokens):
    """A chat whose gateway may die."""
    try:
        chat(cluster, text, max_tokens)
    except OSError:
        pass


def leave_early(cluster):
    """Opens a stream, reads its beginning and goes."""
    connection = http.client.HTTPConnection("127.0.0.1", cluster.rest_port, timeout=60)
    body = {"model": "abacus", "prompt": "1 + 1", "max_tokens": 1500, "stream": True, "ignore_eos": True}
    connection.request("POST", "/v1/completions", json.dumps(body), {"content-type": "application/json"})
    connection.getresponse().read(64)
    connection.close()


def some_of_each(cluster, texts):
    """Chats at once, a completion, a refusal, a client that leaves."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(lambda text: chat(cluster, text), texts))
    if set(statuses) != {200}:
        raise RuntimeError(f"chats answered {statuses}")
    if post(cluster, "completions", {"model": "abacus", "prompt": "2 + 2", "max_tokens": 4}) != 200:
        raise RuntimeError("a completion failed")
    if post(cluster, "completions", {"model": "abacus", "prompt": 7}) != 400:
        raise RuntimeError("a bad request was not refused")
    leave_early(cluster)
