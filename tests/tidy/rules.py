"""The rules of STYLE.md that a program can keep. Each takes a Source and yields (line number, what is wrong)."""

import re

from functions import bodies

MAX_SOURCE_LINES = 600
MAX_HEADER_LINES = 300
MAX_FUNCTION_LINES = 70
MAX_COLUMNS = 140

# What a layer may not include; kernels and model see no proto and no transport, and dependencies point one way.
FORBIDDEN_INCLUDES = {
    "base/": ("kernels/", "model/", "transport/", "services/", "proto/", "grpc", "google/protobuf"),
    "kernels/": ("model/", "transport/", "services/", "proto/", "grpc", "google/protobuf", "prometheus/"),
    "model/": ("transport/", "services/", "proto/", "grpc", "google/protobuf", "prometheus/"),
    "transport/": ("kernels/", "model/", "services/"),
}

BANNED_CALLS = (
    (r"\b(?:std::)?(?:sprintf|vsprintf|strcpy|strcat|gets)\s*\(", "unbounded C string call"),
    (r"(?<![\w:.>])(?:std::)?(?:rand|srand)\s*\(", "rand: seed a generator of your own"),
    (r"\.detach\s*\(\s*\)", "detached thread: nobody would wait for it"),
    (r"\busing\s+namespace\s+std\b", "using namespace std"),
)
# What is told to people in wall time may ask for it; all else would jump with it.
WALL_CLOCK_CALLS = (
    (r"(?<!ToUnixSeconds\()\babsl::Now\s*\(|\bToChronoTime\s*\(|\bwait_until\s*\(",
     "the wall clock, which jumps: Clock, GrpcDeadline, wait_for"),
)
_WALL_CLOCK_FILES = ("base/clock.cc", "services/common/log.cc")
SERVICE_BANNED_CALLS = ((r"(?<![\w:.>])(?:std::)?f?printf\s*\(", "printf in a service: use Log"),)
TEST_BANNED_CALLS = ((r"\b(?:sleep_for|sleep_until|SleepFor|usleep|nanosleep)\s*\(", "a test that sleeps"),)

# Code that logs, measures, traces or words errors: users' text has no business there (base/private_text.h).
_WATCHED_FILES = re.compile(r"(?:^|/)(?:\w*probe|log|\w*metrics\w*|measured_\w+|\w*trace\w*|span_exporter|api_error)\.(?:cc|h)$")
# What takes users' text or token ids out of their types: reveal, ids joined to a text, a message shown as a whole.
_REVEALING_CALLS = re.compile(r"\breveal\s*\(|\bStrJoin\s*\(\s*[\w.\->()]*(?:tokens?|ids|prompt|journal)_?\b|\b\w*DebugString\s*\(")
_WATCHED_CALLS = re.compile(r"\b(?:Log|FormatLogLine|InvalidField|\w+Error|absl::Status)\s*\(")

_LOGGED_EVENT = re.compile(r'\bLog\(LogLevel::\w+,\s*"([^"]*)"')

# Spelled so that this file passes its own rules.
_UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
_MACHINE_PATH = re.compile(r"(?<![\w.\-/}])/(?:work|root|home)/\w")


def file_length(source):
    """.cc at most 600 lines, .h at most 300."""
    if not source.is_cpp:
        return
    limit = MAX_HEADER_LINES if source.is_header else MAX_SOURCE_LINES
    if len(source.lines) > limit:
        yield len(source.lines), f"{len(source.lines)} lines; at most {limit}"


def function_length(source):
    """At most 70 lines; kernel bodies excepted."""
    if not source.is_cpp or source.path.startswith("kernels/"):
        return
    for begin, end in bodies(source.code):
        first, last = source.line_of(begin), source.line_of(end)
        if last - first + 1 > MAX_FUNCTION_LINES:
            yield first, f"function of {last - first + 1} lines; at most {MAX_FUNCTION_LINES}"


def line_length(source):
    """At most 140 columns in code."""
    if not source.is_cpp and not source.path.endswith(".py"):
        return
    for number, line in enumerate(source.lines, 1):
        if len(line) > MAX_COLUMNS and "http" not in line:
            yield number, f"{len(line)} columns; at most {MAX_COLUMNS}"


def header_form(source):
    """A comment that says what the header is for, then a guard named after its path."""
    if not source.is_header:
        return
    if not source.lines or not source.lines[0].startswith("// "):
        yield 1, "a header starts with a comment that says what it is for"
    guard = "BALEEN_" + re.sub(r"\W", "_", source.path).upper() + "_"
    if f"#ifndef {guard}\n#define {guard}\n" not in source.text:
        yield 1, f"header guard is not {guard}"


def include_direction(source):
    """base <- kernels <- model <- services, base <- transport <- services."""
    if not source.is_cpp:
        return
    forbidden = next((names for layer, names in FORBIDDEN_INCLUDES.items() if source.path.startswith(layer)), ())
    # The gRPC transport is the one place below services that may know gRPC and the frame's proto.
    for number, line in enumerate(source.lines, 1):
        match = re.match(r'#include\s+[<"]([^>"]+)[>"]', line)
        if match and match.group(1).startswith(forbidden or ("\0",)):
            yield number, f"{source.path.split('/')[0]} may not include {match.group(1)}"


def banned_calls(source):
    """Calls that are unsafe, racy or hide what happens."""
    if not source.is_cpp:
        return
    calls = BANNED_CALLS
    if source.path.startswith("services/"):
        calls += SERVICE_BANNED_CALLS
    if source.is_test:
        calls += TEST_BANNED_CALLS
    if not source.is_test and source.path.startswith(("base/", "model/", "transport/", "services/")):
        calls += WALL_CLOCK_CALLS if source.path not in _WALL_CLOCK_FILES else ()
    for pattern, reason in calls:
        for match in re.finditer(pattern, source.code):
            yield source.line_of(match.start()), reason


def revealed_text(source):
    """No user's text, and no token ids, in logs, metrics, traces and errors."""
    if not source.is_cpp or source.is_test:
        return
    for match in _REVEALING_CALLS.finditer(source.code):
        statement = source.code[source.code.rfind(";", 0, match.start()) + 1 : match.start()]
        calls = [statement[call.end() - 1 :] for call in _WATCHED_CALLS.finditer(statement)]
        if _WATCHED_FILES.search(source.path) or any(rest.count("(") > rest.count(")") for rest in calls):
            yield source.line_of(match.start()), "users' text in a log, a metric, a trace or an error"


def log_events(source):
    """Events of the log are words in snake case, so that one search finds them all."""
    if not source.is_cpp or source.is_test:
        return
    for match in _LOGGED_EVENT.finditer(source.text):
        if not re.fullmatch(r"[a-z][a-z0-9_]*", match.group(1)):
            yield source.line_of(match.start()), f'the log event "{match.group(1)}" is not in snake case'


def unfinished(source):
    """Nothing is left for later without an issue."""
    for number, line in enumerate(source.lines, 1):
        if _UNFINISHED.search(line):
            yield number, "a note to do it later"


def machine_paths(source):
    """No path of the machine that it was written on."""
    for number, line in enumerate(source.lines, 1):
        if _MACHINE_PATH.search(line):
            yield number, "a path of one machine"


def whitespace(source):
    """No tabs in C++ and Python, no blanks at line ends, one newline at the end."""
    if not source.is_cpp and not source.path.endswith(".py"):
        return
    for number, line in enumerate(source.lines, 1):
        if line != line.rstrip() or "\t" in line:
            yield number, "a tab, or a blank at the end of the line"
    if source.text and (not source.text.endswith("\n") or source.text.endswith("\n\n")):
        yield len(source.lines), "the file does not end with one newline"


ALL = (
    file_length,
    function_length,
    line_length,
    header_form,
    include_direction,
    banned_calls,
    revealed_text,
    log_events,
    unfinished,
    machine_paths,
    whitespace,
)


def check(source):
    """Every finding as `path:line: rule: what`."""
    return [f"{source.path}:{line}: {rule.__name__}: {what}" for rule in ALL for line, what in rule(source)]
