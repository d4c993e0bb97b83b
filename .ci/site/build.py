"""The site: pages from docs/, README, the command line, docstrings and data/, offline, with every link checked.

    build.py            everything, into build/site (charts and example reports take a minute)
    build.py --quick    the same without charts and reports

A broken link, a request to another machine or a page that Zensical warns of ends it with status 1.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import click

import meshlab
from meshlab.run.cli import main as commands
from meshlab.show.charts.catalogue import CATALOGUE
from meshlab.show.labels import plain
from meshlab.tables import read_table

ROOT = Path(__file__).resolve().parents[2]
PAGES, SITE = ROOT / "build" / "pages", ROOT / "build" / "site"
TOP = ("CONTRIBUTING.md", "CODE_OF_CONDUCT.md", "SECURITY.md", "CHANGELOG.md")
SHOWN_ROWS = 400
"""Rows of a table that are shown; the file itself is beside its page, whole."""

UNSEARCHED = "---\nsearch:\n  exclude: true\n---\n\n"
"""Front matter of a page that would drown all others in a search."""

SHIM = "https://unpkg.com/iframe-worker/shim"
"""What the search loads from elsewhere to run from the file system; ours lies beside the pages."""

PARTS = {"charts": "gallery.md", "reports": "examples.md"}
"""What takes long, and the page that shows it."""


# --- pages -----------------------------------------------------------------------------------------------------------


def moved(text: str, *, top: bool) -> str:
    """A document's text with its links as they lead from the site's root: documents are pages, tables have pages."""

    def led(found: re.Match[str]) -> str:
        target, _, anchor = found[2].partition("#")
        if re.match(r"[a-z]+:", target) or not target:
            return found[0]
        place = os.path.normpath(target if top else f"docs/{target}")
        if place == "README.md":
            place = "index.md"
        elif place.startswith("docs/"):
            place = place.removeprefix("docs/")
        elif place.startswith("data/"):
            place = re.sub(r"\.csv$", ".md", place) if place.endswith(".csv") else "data/index.md"
        elif place not in TOP:
            return found[1]  # a file of the repository that is no page: its name alone
        return f"[{found[1]}]({place}{'#' if anchor else ''}{anchor})"

    return re.sub(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)", led, text)


def write(name: str, text: str) -> None:
    """A page."""
    path = PAGES / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def documents() -> None:
    """The documents of the repository, and the pictures that they show."""
    for path in (ROOT / "docs").rglob("*"):
        if path.is_file() and path.suffix != ".md":
            target = PAGES / path.relative_to(ROOT / "docs")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    for path in (ROOT / "docs").glob("*.md"):
        write(path.name, moved(path.read_text(encoding="utf-8"), top=False))
    for name in TOP:
        write(name, moved((ROOT / name).read_text(encoding="utf-8"), top=True))
    home = (ROOT / "README.md").read_text(encoding="utf-8").replace("(docs/images/", "(images/")
    write("index.md", f"---\nhide: [toc]\n---\n\n{moved(home, top=True)}")
    for name in ("extra.css", "extra.js", "iframe-worker.js"):
        shutil.copyfile(Path(__file__).parent / name, PAGES / name)


def command_pages() -> None:
    """What every command says of itself."""
    parts = ["# Commands", "", "What `meshlab COMMAND --help` prints."]
    for name, command in sorted(commands.commands.items()):
        context = click.Context(
            command, info_name=f"meshlab {name}", terminal_width=100, **commands.context_settings
        )
        parts += ["", f"## meshlab {name}", "", "```text", command.get_help(context), "```"]
    write("commands.md", "\n".join(parts) + "\n")


def api_page() -> None:
    """What `import meshlab as ml` offers, from its docstrings."""
    names = [name for name in meshlab.__all__ if name not in {"Cluster", "MeshlabError", "Review"}]
    parts = ["# Python", "", "`import meshlab as ml`: frames in, frames out. Nothing is loaded before it is used."]
    parts += [f"\n::: meshlab.api.{name}" for name in names]
    write("api.md", "\n".join(parts) + "\n")


def table_pages() -> None:
    """Each table of data/ with what its columns mean; ids of sources lead to their rows."""
    sources = {row["source_id"] for row in read_table("sources").iter_rows(named=True)}
    listed = ["# Tables and sources", "", "Everything that meshlab knows stands in these tables.", ""]
    listed += ["| table | rows |", "| --- | --- |"]
    for path in sorted((ROOT / "data").rglob("*.csv")):
        described = path.with_suffix(".columns.csv")
        if path.name.endswith(".columns.csv") or not described.is_file():
            continue
        name = path.relative_to(ROOT).as_posix()
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        with described.open(encoding="utf-8", newline="") as file:
            columns = list(csv.DictReader(file))
        up = "../" * (name.count("/") - 1)
        parts = [f"# {name}", "", f"{len(rows):,} rows; [the file]({path.name}).", ""]
        parts += ["| column | type | unit | meaning |", "| --- | --- | --- | --- |"]
        parts += [
            f"| `{c['column']}` | {c['type']} | {plain(c['unit'])} | {plain(c['description'])} |" for c in columns
        ]
        parts += ["", "## Rows", "", f"| {' | '.join(header)} |", f"|{' --- |' * len(header)}"]
        shown = len(rows) if name == "data/sources.csv" else SHOWN_ROWS
        parts += [f"| {' | '.join(_cells(name, header, row, sources, up))} |" for row in rows[:shown]]
        if len(rows) > shown:
            parts += ["", f"The first {shown} rows; the file has all {len(rows):,}."]
        searched = name in {"data/inputs.csv", "data/glossary.csv", "data/needs.csv"}
        write(name.replace(".csv", ".md"), ("" if searched else UNSEARCHED) + "\n".join(parts) + "\n")
        shutil.copyfile(path, PAGES / name)
        listed.append(f"| [{name}]({name.removeprefix('data/').replace('.csv', '.md')}) | {len(rows):,} |")
    write("data/index.md", "\n".join(listed) + "\n")


def _cells(name: str, header: list[str], row: list[str], sources: set[str], up: str) -> Iterator[str]:
    for column, cell in zip(header, row, strict=True):
        if name == "data/sources.csv" and column == "source_id":
            yield f'<a id="{cell}"></a>{plain(cell)}'
        elif column in {"source_id", "source_ids"}:
            ids = cell.split("|")
            yield ", ".join(f"[{plain(i)}]({up}sources.md#{i})" if i in sources else plain(i) for i in ids)
        else:
            yield plain(cell)


def gallery(*, drawn: bool) -> None:
    """Each chart of the catalogue, with the line that makes it."""
    if not drawn:
        return
    team = "fleet-500-aks"
    out = PAGES / "gallery" / "{chart}.svg"
    told = meshlab_says("chart", "--team", team, "--out", out, "--format", "json")
    texts = {each["chart"]: each for each in json.loads(told)}
    parts = ["# Charts", "", f"Each is of the example team `{team}`, and made by the line above it.", ""]
    for name, entry in CATALOGUE.items():
        about = texts[name]
        parts += [f"## {about['title']}", "", entry.description, "", "```console"]
        parts += [f"meshlab chart {name} --team {team} --out {name}.svg", "```", ""]
        parts += [f"![{plain(about['alternative_text'])}](gallery/{name}.svg)", ""]
    write("gallery.md", "\n".join(parts))


def reports(*, rendered: bool) -> None:
    """The reports of the example teams, live."""
    if not rendered:
        return
    meshlab_says("review", "--quiet", "--out", PAGES / "reports", "--format", "html,json")
    rows = json.loads((PAGES / "reports" / "index.json").read_text(encoding="utf-8"))["reviews"]
    parts = [
        "# Example reports",
        "",
        "Five public systems, as `meshlab review` renders them; charts are interactive.",
        "",
    ]
    parts += ["| team | answer |", "| --- | --- |"]
    parts += [f"| [{row['team']}](reports/{row['link']}) | {plain(row['sentence'])} |" for row in rows]
    write("examples.md", "\n".join([*parts, "", "[All of them, with what they add up to](reports/index.html)", ""]))


def meshlab_says(*words: object) -> str:
    """What the command prints; it must succeed."""
    command = [sys.executable, "-m", "meshlab", *map(str, words)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout  # noqa: S603  (ours)


# --- the site --------------------------------------------------------------------------------------------------------


def config(*, quick: bool) -> Path:
    """The configuration; a quick build has no pages of charts and reports."""
    text = (ROOT / "zensical.toml").read_text(encoding="utf-8")
    if quick:
        lines = text.splitlines(keepends=True)
        text = "".join(line for line in lines if not any(page in line for page in PARTS.values()))
    path = ROOT / "build" / "zensical.toml"
    text = text.replace('"build/', '"').replace('paths = ["."]', f"paths = [{json.dumps(str(ROOT))}]")
    path.write_text(text, encoding="utf-8")
    return path


class Links(HTMLParser):
    """Where a page leads, what it loads, and the places in it that others may lead to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.led: list[str] = []
        self.loaded: list[str] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag's links."""
        given = dict(attrs)
        self.places |= {value for key in ("id", "name") if (value := given.get(key))}
        if tag == "a" and (target := given.get("href")):
            self.led.append(target)
        loads = tag == "link" and given.get("rel") in {"stylesheet", "icon", "preload"}
        if target := given.get("href") if loads else given.get("src"):
            self.loaded.append(target)


def problems(site: Path) -> Iterator[str]:
    """Links that lead nowhere, and what pages load from other machines. Reports were checked when they were made."""
    pages = {path: Links(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        name = path.relative_to(site)
        if name.parts[0] == "reports":
            continue
        yield from (f"{name}: loads {target}" for target in page.loaded if re.match(r"(https?:)?//", target))
        for target in [*page.led, *page.loaded]:
            if re.match(r"[a-z]+:|//", target) or name.name == "404.html":
                continue
            file, _, anchor = unquote(target).partition("#")
            place = (path.parent / file.partition("?")[0]).resolve() if file else path
            if not place.exists():
                yield f"{name}: {target} leads nowhere"
            elif anchor and place in pages and anchor not in pages[place].places:
                yield f"{name}: {target} leads to no heading"


def _warnings(said: str) -> Iterator[str]:
    """What Zensical warns of and where, without its pictures of the text."""
    lines = re.sub(r"\x1b\[[0-9;]*m", "", said).splitlines()
    for what, where in pairwise(lines):
        if found := re.match(r"(?:Warning|Error): (.*)", what):
            yield f"{where.strip(' ╭─[]')}: {found[1]}"
    yield lines[-1] if lines else "ended without a word"


def own_shim(site: Path) -> None:
    """Let every page load the worker that lies beside it."""
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        if SHIM in text:
            here = os.path.relpath(site / "iframe-worker.js", path.parent)
            path.write_text(text.replace(SHIM, here), encoding="utf-8")


def main(*, quick: bool) -> int:
    """Build it. [exit status]"""
    shutil.rmtree(PAGES, ignore_errors=True)
    shutil.rmtree(SITE, ignore_errors=True)
    documents()
    command_pages()
    api_page()
    table_pages()
    gallery(drawn=not quick)
    reports(rendered=not quick)
    builder = [sys.executable, "-m", "zensical", "build", "--strict", "--clean", "-f", str(config(quick=quick))]
    built = subprocess.run(builder, check=False, cwd=ROOT, capture_output=True, text=True)  # noqa: S603  (ours)
    if built.returncode:
        print("\n".join(_warnings(built.stdout + built.stderr)), file=sys.stderr)
        return 1
    own_shim(SITE)
    found = list(problems(SITE))
    print("\n".join(found) or f"{len(list(SITE.rglob('*.html')))} pages in {SITE}; open {SITE / 'index.html'}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(quick="--quick" in sys.argv[1:]))
