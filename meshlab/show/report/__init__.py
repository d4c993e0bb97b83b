"""What a report says of a review: fragments for the cells of a notebook, and whole documents.

The words are in ``words``, the parts of the report in ``sections``, what they are made of in ``fragments``, and the
other forms of a review in ``documents``.
"""

from meshlab.show.report.documents import decision_record, index_page, markdown_page, plain
from meshlab.show.report.fragments import PLOTLY_MIME, Fragment, Picture, compile_templates
from meshlab.show.report.sections import (
    assumed,
    assumptions,
    caution,
    chart,
    drawn,
    drivers,
    facts,
    findings,
    flips,
    headline,
    migration,
    migration_chart,
    migration_charts,
    migration_line,
    picture,
    rules,
    sources,
    stamp,
    style,
    table,
    terraform,
    verdict,
)
from meshlab.show.report.words import (
    change_text,
    input_label,
    need_label,
    option_text,
    title_text,
    value_text,
)

__all__ = [
    "PLOTLY_MIME",
    "Fragment",
    "Picture",
    "assumed",
    "assumptions",
    "caution",
    "change_text",
    "chart",
    "compile_templates",
    "decision_record",
    "drawn",
    "drivers",
    "facts",
    "findings",
    "flips",
    "headline",
    "index_page",
    "input_label",
    "markdown_page",
    "migration",
    "migration_chart",
    "migration_charts",
    "migration_line",
    "need_label",
    "option_text",
    "picture",
    "plain",
    "rules",
    "sources",
    "stamp",
    "style",
    "table",
    "terraform",
    "title_text",
    "value_text",
    "verdict",
]
