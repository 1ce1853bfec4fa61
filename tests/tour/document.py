# SPDX-License-Identifier: Apache-2.0
"""The steps of a section of a Markdown document, in their order: each indented block is a file or commands.

A block is a file when the paragraph before it ends with its name in backticks and a colon; "at the end of" before the
name adds to it. Any other block is commands, and nothing else in backticks may end the paragraph before one. Where its first line begins with a prompt (user$ or root#), what has
no prompt is what the command above it shows; else each line is a command. Nothing is passed over.
"""
import re
from typing import NamedTuple, Union

FILE = re.compile(r"(at the end of |\bin |\binto |\bfile, )`([~/.][^`]+)`:$")
PROMPT = re.compile(r"(\w+)[$#] (.*)")


class File(NamedTuple):
    name: str
    text: str
    added: bool


class Command(NamedTuple):
    user: str  # empty: whose section it is
    line: str
    shows: Union[str, None]  # None: the document does not say


def section(document: str, heading: str) -> str:
    parts = document.split(f"\n{heading}\n")
    if len(parts) != 2:
        raise ValueError(f"expected one {heading!r}, found {len(parts) - 1}")
    return re.split(r"\n## ", parts[1])[0]


def blocks(text: str):
    """Each indented block with the paragraph before it."""
    if "```" in text or "\t" in text:
        raise ValueError("expected indented blocks and no other code")
    before, block = "", []
    for part in text.split("\n\n"):
        if part.startswith("    "):
            block.append("\n".join(line.removeprefix("    ") for line in part.splitlines()))
            if not all(line.startswith("    ") for line in part.splitlines()):
                raise ValueError(f"expected an empty line after a block: {part}")
            continue
        if re.search(r"^ ", part.strip("\n"), re.MULTILINE):
            raise ValueError(f"expected an empty line before a block: {part}")
        if block:
            yield before, "\n\n".join(block)
        before, block = part.strip(), []
    if block:
        yield before, "\n\n".join(block)


def commands(block: str):
    lines = block.replace("\\\n", "").splitlines()
    if not PROMPT.match(lines[0]):
        yield from (Command("", line.strip(), None) for line in lines if line)
        return
    user, line, shown = "", "", []
    for each in lines + ["end$ "]:
        if prompt := PROMPT.match(each):
            if line:
                yield Command(user, line, "\n".join(shown))
            user, line, shown = prompt[1], prompt[2], []
        else:
            shown.append(each)


def steps(text: str) -> list[Union[File, Command]]:
    out: list[Union[File, Command]] = []
    for before, block in blocks(text):
        if named := FILE.search(before.replace("\n", " ")):
            out.append(File(named[2], block + "\n", named[1] == "at the end of "))
        elif before.endswith("`:"):
            raise ValueError(f"expected the name of a file, or other words before commands: {before}")
        else:
            out += commands(block)
    return out
