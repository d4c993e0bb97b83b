"""Other forms of a review: the page that lists many, Markdown, and a decision record."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import jinja2

from meshlab import __version__
from meshlab.planning.migration.text import place_text
from meshlab.reviews.advice import left_out
from meshlab.reviews.record import Review
from meshlab.show import charts
from meshlab.show.fragments import environment, templates
from meshlab.show.report import board
from meshlab.show.report.board import caution, scoping_text
from meshlab.show.report.sections import grouped_flips
from meshlab.show.words import option_text, plain, title_text
from meshlab.tables import resource


def index_page(**context: object) -> str:
    """The page that lists all reviews of a folder; ``meshlab.run.batch.fleet`` gives what it shows."""
    css = (resource("templates") / "fragments" / "style.css").read_text(encoding="utf-8")
    return environment().get_template("index.html.j2").render(css=css, version=__version__, **context)


def index_document(**context: object) -> str:
    """The same list as Markdown, for the page of a job in CI or a pull request."""
    return plain_templates().get_template("index.md.j2").render(version=__version__, **context)


@cache
def plain_templates() -> jinja2.Environment:
    """Templates of Markdown; text of others is escaped by the filter ``plain``."""
    environment = templates("documents", autoescape=False)
    environment.filters["plain"] = plain
    environment.keep_trailing_newline = True
    return environment


def markdown_page(review: Review) -> str:
    """The review as Markdown for a pull request or a wiki: verdict, figures, flips, assumptions, sources."""
    drawn = [charts.chart(name, review) for name in ("memory", "cpu", "latency", "cost")]
    options = board.options_shown(review)
    shown = {
        "caution": caution(review),
        "left_out": left_out(review.needs),
        "scoping": scoping_text(review),
        "against": board.objections(review),
        "sure": list(board.certainty(review)),
        "next_step": board.next_step(review),
        "options": options,
        "rows": list(board.figure_rows(review, options)),
    }
    return _document("review.md", review, charts=drawn, **shown)


def decision_record(review: Review, beside: Sequence[str] = ()) -> str:
    """The review as a decision record in the form of MADR 4, proposed: a person accepts it.

    Args:
        review: The review.
        beside: Files that are written beside the record, and that it links to as its evidence.
    """
    plan, options = review.migration, board.options_shown(review)[:1]
    runs = [option_text(review.scenario[f"current_{side}"]) for side in ("cni", "mesh")]
    shown = {
        "today": place_text(plan["from"]) if plan else "; ".join(runs),
        "held": board.decision(review),
        "rows": list(board.figure_rows(review, options)),
        "against": board.objections(review),
        "sure": list(board.certainty(review)),
    }
    return _document("decision-record.md", review, **shown, beside=beside)


def _document(template: str, review: Review, **context: object) -> str:
    """A document from its template, which shows the review, what would change its verdict, and what else is given."""
    groups = grouped_flips(review.verdict.flips, review.scenario)
    verdict, title = review.verdict, title_text(review)
    shown = {"review": review, "verdict": verdict, "scenario": review.scenario, "groups": groups, "title": title}
    return plain_templates().get_template(f"{template}.j2").render(**shown, **context)
