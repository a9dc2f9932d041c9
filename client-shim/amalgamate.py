#!/usr/bin/env python3
"""Writes the shim as one header, for programs that copy it: amalgamate.py OUTPUT INCLUDE_DIR ..."""
import pathlib
import re
import sys

INCLUDE = re.compile(r'#include "((?:sidecar|sidecar_ipc)/[^"]+)"')
OPENING = """// SkyWalking tracing for a C++17 program, in one header: copy it beside your code and include it. Generated from
// <sidecar/shim.h>, which says how to use it. Copy it into one place only, and include nothing else of sw-sidecar.
// SPDX-License-Identifier: Apache-2.0

#pragma once

"""


def lines_of(name, directories, seen):
    """The lines of this header, with those of the project that it includes in their first place."""
    if name in seen:
        return
    seen.add(name)
    path = next(directory / name for directory in directories if (directory / name).exists())
    for line in path.read_text(encoding="utf-8").splitlines():
        included = INCLUDE.match(line)
        if included:
            yield from lines_of(included.group(1), directories, seen)
        elif line != "#pragma once":
            yield line


def main():
    output, directories = sys.argv[1], [pathlib.Path(argument) for argument in sys.argv[2:]]
    text = "\n".join(lines_of("sidecar/shim.h", directories, set()))
    with open(output, "w", encoding="utf-8") as file:
        file.write(OPENING + re.sub(r"\n{3,}", "\n\n", text).strip() + "\n")


main()
