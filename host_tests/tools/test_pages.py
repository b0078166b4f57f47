"""The pages: links lead somewhere, and what is to be typed is there."""

import re
import subprocess

import pytest

from shouyin import cli
from simulator import board_process

ROOT = board_process.ROOT
TRACKED = subprocess.run(
    ["git", "ls-files", "*.md"], cwd=ROOT, check=True, capture_output=True, text=True
).stdout.split()
LINK = re.compile(r"\]\(([^)\s]+)\)|<img src=\"([^\"]+)\"")


def anchors(path):
    """GitHub's names of a page's headings."""
    heads = re.findall(r"(?m)^#+ (.*)$", path.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in heads}


@pytest.mark.parametrize("page", TRACKED)
def test_every_link_leads_somewhere(page):
    here = ROOT / page
    for found in LINK.findall(here.read_text(encoding="utf-8")):
        target, _, anchor = (found[0] or found[1]).partition("#")
        if "://" in target:
            continue
        there = (here.parent / target).resolve() if target else here
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), f"{target}#{anchor}"


@pytest.mark.parametrize("page", TRACKED)
def test_every_target_and_tool_that_is_named_is_there(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"(?s)^```.*?^```|`[^`\n]+`", text, re.M))
    targets = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text()))
    named = set(re.findall(r"(?m)(?:^|`) *make ([a-z-]+)\b(?!=)", code))
    assert named <= targets, named - targets
    for tool in re.findall(r"python -m (tools\.\w+)", text):
        assert (ROOT / tool.replace(".", "/") / "__main__.py").is_file(), tool


def test_both_readmes_name_the_same_things():
    """Commands, files, boards and links; the languages differ, what is there does not."""
    both = [(ROOT / n).read_text(encoding="utf-8") for n in ("README.md", "README.zh.md")]
    for pattern in (r"\]\((?!README)([^)]+)\)", r"(?m)^(?:make |\.venv/).*$", r"`make ([\w-]+)",
                    r"SY_[A-Z0-9]+", r"`(tools/\w+|boards/\w+|host_tests)"):  # fmt: skip
        english, chinese = (set(re.findall(pattern, text)) for text in both)
        assert english == chinese, english ^ chinese
        assert english


def test_the_tool_does_what_the_readme_says_it_does():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    words = re.search(r"the technician's tool: ([\w, ]+);", text.replace("\n", " "))[1]
    known = cli.parser().format_help()
    for word in words.split(", "):
        assert re.search(rf"(?m)^    {word} ", known), word
