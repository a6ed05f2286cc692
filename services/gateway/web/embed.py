"""Writes web_files.cc, which holds the files given: embed.py OUT FILE...  Each is named by its last path component."""

import hashlib
import pathlib
import sys

PREFIX = """#include "services/gateway/web/web_files.h"

namespace baleen {
namespace {

"""


def rows(data, width=24):
    for start in range(0, len(data), width):
        yield "    " + ", ".join(str(byte) for byte in data[start:start + width]) + ","


def main(out, files):
    files = sorted((pathlib.Path(file) for file in files), key=lambda file: file.name)
    arrays, entries = [], []
    for index, file in enumerate(files):
        data = file.read_bytes()
        arrays += [f"constexpr unsigned char kFile{index}[] = {{", *rows(data), "};", ""]
        etag = hashlib.sha256(data).hexdigest()[:32]
        entries.append(f'    {{"{file.name}", {{reinterpret_cast<const char*>(kFile{index}), sizeof(kFile{index})}}, "\\"{etag}\\""}},')
    lines = [*arrays, "}  // namespace", "", "const WebFile kWebFiles[] = {", *entries, "};",
             "const size_t kWebFileCount = sizeof(kWebFiles) / sizeof(kWebFiles[0]);", "", "}  // namespace baleen", ""]
    pathlib.Path(out).write_text(PREFIX + "\n".join(lines))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
