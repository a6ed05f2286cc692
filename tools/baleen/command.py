"""Subcommands by name. Each is a module of its own with run(arguments) -> exit code."""

import argparse
import os
import sys

import bench
import certs
import chat
import down
import drain
import keys
import log_level
import logs
import placement
import request_trace
import scale
import status
import up
from errors import UserError

SUMMARY = "baleen: runs a local cluster and talks to it, or to any other by its gateway's URL"


def parser():
    """The command line of every subcommand."""
    top = argparse.ArgumentParser(prog="baleen", description=SUMMARY)
    top.add_argument("--url", help="a cluster's gateway, e.g. https://gateway:8080; default: BALEEN_URL, then the local cluster. Keys: API_KEY")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("up", help="start the cluster that the environment describes").set_defaults(run=up.run)
    commands.add_parser("down", help="stop it").set_defaults(run=down.run)
    commands.add_parser("status", help="show its processes").set_defaults(run=status.run)
    change = commands.add_parser("scale", help="change how many processes a role has while it runs")
    change.add_argument("counts", nargs="*", metavar="[ROLE=]COUNT", help="e.g. decode=3; expert shards without a role; default: SHARDS")
    change.add_argument("--follow", action="store_true", help="keep to what the admin API's /admin/scale asks for, until interrupted")
    change.set_defaults(run=scale.run)
    leave = commands.add_parser("drain", help="let processes hand over their work and leave")
    leave.add_argument("ids", nargs="+", help="processes, e.g. expert-1; by URL the ids of 'status', 'gateway', 'placement'")
    leave.set_defaults(run=drain.run)
    load = commands.add_parser("bench", help="load it as a client would, and say how fast it answered")
    load.add_argument("--requests", type=int, default=32)
    load.add_argument("--users", type=int, default=4, help="requests at a time")
    load.add_argument("--tokens", type=int, default=64, help="to generate for each")
    load.add_argument("--prompt-words", type=int, default=32)
    load.add_argument("--json", action="store_true", help="figures for machines")
    load.set_defaults(run=bench.run)
    follow = commands.add_parser("trace", help="show where a request's time went")
    follow.add_argument("request", help="its x-request-id")
    follow.add_argument("--from", dest="source", metavar="SOURCE",
                        help="file or directory of OTLP JSON lines, or URL of a trace store with {id}; default: BALEEN_TRACES, "
                             "then the local ones")
    follow.add_argument("--layers", action="store_true", help="with the layers of its sampled steps")
    follow.set_defaults(run=request_trace.run)
    louder = commands.add_parser("log-level", help="change what its processes log while they run")
    louder.add_argument("level", choices=log_level.LEVELS)
    louder.add_argument("ids", nargs="*", help="processes, e.g. expert-0; default: all")
    louder.set_defaults(run=log_level.run)
    commands.add_parser("placement", help="show which shard holds how much").set_defaults(run=placement.run)
    ask = commands.add_parser("chat", help="ask it a question")
    ask.add_argument("question", nargs="*", help="default: QUESTION in the environment, then an arithmetic one")
    ask.set_defaults(run=chat.run)
    key = commands.add_parser("keys", help="make an API key, and its entry for the tenants file")
    key.add_argument("--note", default="", help="whose it is, for people")
    key.add_argument("--secret", action="store_true", help="make the file's cache_secret instead")
    key.set_defaults(run=keys.run)
    show = commands.add_parser("logs", help="show the last lines of its logs")
    show.add_argument("ids", nargs="*", help="processes, e.g. expert-0; default: all")
    show.add_argument("-n", "--lines", type=int, default=20)
    show.set_defaults(run=logs.run)
    identity = commands.add_parser("certs", help="make certificates for a cluster with TLS=1")
    identity.add_argument("--renew", action="store_true", help="issue them anew; a running cluster goes on with the new ones")
    identity.add_argument("--revoke", nargs="+", metavar="FILE", help="certificates that are good no more; a running cluster refuses them")
    identity.set_defaults(run=certs.run)
    return top


def main(words):
    """Exit code: 0 done, 1 not done (the reason is on stderr), 130 interrupted."""
    arguments = parser().parse_args(words)
    try:
        return arguments.run(arguments)
    except UserError as error:
        print(f"baleen {arguments.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader (head, less) has gone; Python must not complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
