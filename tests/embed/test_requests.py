"""What a block may ask for."""

from __future__ import annotations

import pytest

from meshlab.errors import MeshlabError
from meshlab.run.embed.blocks import Request, read_request


@pytest.mark.parametrize(
    ("words", "request_"),
    [
        ("chart=memory team=payments", Request("chart", "memory", {"team": "payments"})),
        ("team='a b.yaml' chart=cost theme=dark", Request("chart", "cost", {"team": "a b.yaml", "theme": "dark"})),
        ("chart=agreement-cpu", Request("chart", "agreement-cpu")),
        ("verdict team=x", Request("verdict", "", {"team": "x"})),
        (
            'table=data file=r.csv columns="a,b:B [s]"',
            Request("table", "data", {"file": "r.csv", "columns": "a,b:B [s]"}),
        ),
    ],
)
def test_a_request_is_read(words: str, request_: Request) -> None:
    """Words in any order, with quotes where they hold spaces."""
    assert read_request(words, "doc.md", 3) == request_


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("", "asks for nothing"),
        ("chrat=memory team=x", "asks for nothing"),
        ("chart=memory table=memory team=x", "asks for chart and table"),
        ("chart team=x", "lacks its name"),
        ("verdict=yes team=x", "takes no name"),
        ("chart=memroy team=x", "did you mean 'memory'"),
        ("table=memroy team=x", "did you mean 'memory'"),
        ("chart=memory", "names no team"),
        ("assumptions", "names no team"),
        ("chart=memory taem=x", "did you mean 'team'"),
        ("chart=memory team=x team=y", "stands twice"),
        ("chart=memory team=x theme=drak", "did you mean 'dark'"),
        ("chart=memory team=x width=9", "pixels from 400"),
        ("chart=memory team=x width=٥٠٠", "pixels from 400"),
        ("table=data", "lacks its file"),
        ("chart=memory team=x <b>", "unknown word"),
        ("is a fine tool", "asks for nothing"),
    ],
)
def test_a_wrong_request_is_told(words: str, told: str) -> None:
    """What is wrong with the words of a block is told with the line of the block, and the nearest name."""
    with pytest.raises(MeshlabError, match=told) as caught:
        read_request(words, "doc.md", 3)
    assert {problem.line for problem in caught.value.problems} == {3}
