"""Fragments of a report for a notebook's cell, and the templates that they and charts are made of.

A fragment shows as HTML where a page reads it and as plain text where nothing else is understood. Every template
escapes what it is given: team names, notes and names from a dump are other people's text.
"""

from __future__ import annotations

from functools import cache
from typing import Any, cast

import jinja2
import msgspec

from meshlab import __version__
from meshlab.cache import own_folder
from meshlab.models.decision.labels import lower_first
from meshlab.reviews.review import source_ids
from meshlab.show.labels import (
    STATUS_WORDS,
    input_label,
    need_label,
    option_text,
    preferred_text,
    saving_text,
    value_text,
)
from meshlab.show.theme import figure_text, interval_text
from meshlab.tables import resource


class Fragment(msgspec.Struct, frozen=True):
    """A part of a report: HTML for a page, text for everything else."""

    html: str
    text: str

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": self.text}


@cache
def environment() -> jinja2.Environment:
    """Templates of all fragments; they escape what they are given."""
    return templates("fragments", autoescape=True)


def templates(folder: str, *, autoescape: bool) -> jinja2.Environment:
    """Templates of one folder, with the words and figures that all of them use."""
    compiled = own_folder()
    made = jinja2.Environment(
        bytecode_cache=compiled and jinja2.FileSystemBytecodeCache(str(compiled), f"{__version__}-%s.template"),
        loader=jinja2.FileSystemLoader(resource("templates") / folder),
        autoescape=autoescape,  # noqa: S701  (off for Markdown alone, whose filter ``plain`` escapes the text of others)
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # jinja2 says of both that they hold no more than it brings itself
    filters, known = cast("dict[str, Any]", made.filters), cast("dict[str, Any]", made.globals)
    filters.update(value=value_text, figure=figure_text, option=option_text, interval=interval_text)
    filters.update(label=input_label, lower_first=lower_first)
    known.update(need=need_label, label=input_label, preferred=preferred_text, saving=saving_text)
    known.update(status_words=STATUS_WORDS, source_ids=source_ids)
    return made


def compile_templates() -> None:
    """Compile every fragment's template, so that processes forked from this one need not."""
    of_fragments = environment()
    for name in of_fragments.list_templates(extensions=["j2"]):
        of_fragments.get_template(name)


def fragment(template: str, text: str, **context: object) -> Fragment:
    """A part of a report from its template and its plain text."""
    return Fragment(environment().get_template(f"{template}.html.j2").render(**context), text)
