"""What a report says of a review: fragments for the cells of a notebook, and whole documents.

The parts of the report are in ``sections``, the other forms of a review in ``documents``; their words in ``show.words``
and what they are made of in ``show.fragments``.
"""

from meshlab.show.export import PLOTLY_MIME
from meshlab.show.fragments import Fragment, compile_templates
from meshlab.show.report.board import caution, record, summary
from meshlab.show.report.documents import decision_record, index_document, index_page, markdown_page
from meshlab.show.report.sections import (
    assumed,
    assumptions,
    chart,
    comparison,
    drivers,
    facts,
    findings,
    flips,
    headline,
    migration,
    migration_chart,
    migration_line,
    pinned,
    rules,
    sources,
    stamp,
    style,
    table,
    terraform,
    verdict,
)
from meshlab.show.words import input_label, option_text, title_text, value_text

__all__ = [
    "PLOTLY_MIME",
    "Fragment",
    "assumed",
    "assumptions",
    "caution",
    "chart",
    "comparison",
    "compile_templates",
    "decision_record",
    "drivers",
    "facts",
    "findings",
    "flips",
    "headline",
    "index_document",
    "index_page",
    "input_label",
    "markdown_page",
    "migration",
    "migration_chart",
    "migration_line",
    "option_text",
    "pinned",
    "record",
    "rules",
    "sources",
    "stamp",
    "style",
    "summary",
    "table",
    "terraform",
    "title_text",
    "value_text",
    "verdict",
]
