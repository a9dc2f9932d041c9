#!/usr/bin/env python3
"""The code in the owner's README is code that is compiled: each paragraph of it stands in one of the examples, line by line,
but for its indentation. Usage: readme.py CLIENT_SHIM_DIR"""
import pathlib
import re
import sys

HERE = pathlib.Path(sys.argv[1])


def stripped(text):
    return "\n".join(line for line in (re.sub(r"\s+", " ", line).strip() for line in text.splitlines()) if line)


paragraphs, paragraph = [], []
for line in (HERE / "README.md").read_text(encoding="utf-8").splitlines() + [""]:
    if line.startswith("    "):
        paragraph.append(line)
    elif paragraph:
        paragraphs.append(stripped("\n".join(paragraph)))
        paragraph = []
code = [text for text in paragraphs if not re.match(r"(g\+\+|cc|\$|meson) ", text)]
sources = [stripped(path.read_text(encoding="utf-8")) for path in sorted((HERE / "examples").rglob("*")) if path.suffix in (".cc", ".h", ".c")]
strangers = [text for text in code if not any(f"\n{text}\n" in f"\n{source}\n" for source in sources)]
for text in strangers:
    print("in no example:", text, "", sep="\n")
print(len(code), "paragraphs of code")
sys.exit(1 if strangers or not code else 0)
