"""Names that would be markup or script, in pages in a real browser: none of them runs or makes an element."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from meshlab.run.cli import main

pytestmark = pytest.mark.browser

PAYLOADS = (
    "<script>window.ran=1</script>",
    "<img src=x onerror=window.ran=1>",
    "<svg onload=window.ran=1>",
    "<svg><script>window.ran=1</script></svg>",
    "<svg><animate onbegin=window.ran=1 attributeName=x dur=1s>",
    "<iframe srcdoc='<script>parent.ran=1</script>'></iframe>",
    "<details open ontoggle=window.ran=1>",
    "<style>*{animation:x}@keyframes x{}</style><b onanimationstart=window.ran=1>",
    "<a href=javascript:window.ran=1 autofocus onfocus=window.ran=1>a</a>",
    "<input autofocus onfocus=window.ran=1>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=window.ran=1>",
    "[a](javascript:window.ran=1)",
    "![a](x' onerror='window.ran=1)",
    "<javascript:window.ran=1>",
    "javascript:window.ran=1",
    " onmouseover=window.ran=1 ",
    "&lt;script&gt;window.ran=1&lt;/script&gt;",
    "{{ constructor.constructor('window.ran=1')() }}",
    "${window.ran=1}",
    "<base href=http://127.0.0.1:9/>",
    "<meta http-equiv=refresh content='0;url=javascript:window.ran=1'>",
    "<link rel=stylesheet href=http://127.0.0.1:9/x>",
    "<object data=javascript:window.ran=1></object>",
    "<template><script>window.ran=1</script></template>",
    "window.ran=1//",
)
"""What would run, or load something, if it were taken for more than text."""

OPENINGS = ("", '"', "'", "`", ">", '">', "'>", "-->", "]]>", "*/", "\\", "\\'", "</title>", "</style>", "</script>")
OPENINGS += ("</textarea>", "</svg>", "</td></table>", "\u2028", "\n\n")
"""What would end the place in which a name stands, so that the payload begins outside of it."""

NAMES = [opening + payload for payload, opening in itertools.product(PAYLOADS, OPENINGS)]

CHARTS = ("migration-nodes", "migration-flow", "matrix")
"""Charts that show names of a cluster, or words of a verdict."""

TELLING = "script, iframe, img, object, embed, link, style, base, meta, form, input, template, math, animate, svg, a, b"
CENSUS = f"""() => [...document.querySelectorAll({json.dumps(TELLING)})].map(each => each.localName).concat(
  [...document.querySelectorAll('*')].flatMap(each => [...each.attributes])
    .filter(each => each.name.startsWith('on') || /^\\s*javascript:/i.test(each.value)).map(each => '@' + each.name))"""
"""The elements of a page that could do something, and attributes that could."""


def dump(names: Sequence[str]) -> dict[str, object]:
    """A cluster whose every name and free text is one of these."""
    items: list[dict[str, object]] = []
    for place, name in enumerate(names):
        info = {"kernelVersion": "5.15.0", "osImage": name, "operatingSystem": "linux", "kubeletVersion": "v1.31.0"}
        labels = {"node.kubernetes.io/instance-type": name, "karpenter.sh/nodepool": name}
        capacity = {"cpu": "4", "memory": "16Gi"}
        common = {"namespace": name, "labels": {"app": name}}
        app = {"name": name, "image": f"example.com/app:{place}"}
        node = {"name": f"{name} {place}"}
        pod = {"nodeName": node["name"], "containers": [app, {"name": "istio-proxy", "image": f"istio/proxyv2:{name}"}]}
        budget = {"maxUnavailable": 0, "selector": {"matchLabels": {"app": name}}}
        rule = {"action": "ALLOW", "rules": [{"to": [{"operation": {"methods": ["GET"], "paths": [name]}}]}]}
        items += [
            {"apiVersion": "v1", "kind": "Node", "metadata": {**node, "labels": labels}}
            | {"status": {"capacity": capacity, "nodeInfo": info}},
            {"apiVersion": "v1", "kind": "Pod", "metadata": {**common, "name": f"{name} {place}"}, "spec": pod}
            | {"status": {"phase": "Running"}},
            {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {**common, "name": name}}
            | {"spec": budget, "status": {"disruptionsAllowed": 0, "currentHealthy": 1, "expectedPods": 1}},
            {"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy"}
            | {"metadata": {**common, "name": name}, "spec": rule},
        ]
    return {"apiVersion": "v1", "kind": "List", "items": items}


def rendered(folder: Path, names: Sequence[str]) -> list[Path]:
    """Pages of a team whose own texts and whose cluster bear the names: report, index, charts."""
    folder.mkdir()
    (folder / "dump.json").write_text(json.dumps(dump(names)), encoding="utf-8")
    every = " ".join(names)
    team = {
        "team": "a",
        "cluster": "dump.json",
        "notes": every,
        "source": every,
        "needs": ["mtls", "l7_policy"],
        "assumptions": {"requests_per_second": {"value": 100, "why": every}},
    }
    (folder / "a.yaml").write_text(json.dumps(team), encoding="utf-8")
    out = folder / "reports"
    for arguments in (
        ["review", str(folder / "a.yaml"), "--out", str(out), "--format", "html,md,adr", "--jobs", "1"],
        ["chart", *CHARTS, "--team", str(folder / "a.yaml"), "--out", str(folder / "{chart}.html")],
        ["chart", *CHARTS, "--team", str(folder / "a.yaml"), "--out", str(folder / "{chart}.svg")],
    ):
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == 0, done.output
    return [
        out / "a" / "review.html",
        out / "index.html",
        *sorted(folder.glob("*.html")),
        *sorted(folder.glob("*.svg")),
    ]


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page that may ask for nothing but the file, nor open a dialogue."""
    context = browser.new_context(offline=True, viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    opened.asked = []
    opened.on("request", lambda request: opened.asked.append(request.url))
    opened.on("dialog", lambda dialog: opened.asked.append(dialog.message))
    yield opened
    context.close()


def census(page: Any, file: Path) -> Counter[str]:
    """What stands in a page after everything in it was unfolded and passed over; nothing of it may have run."""
    page.asked.clear()
    page.goto(file.as_uri())
    page.evaluate("() => document.querySelectorAll('details').forEach(each => each.open = true)")
    for _ in range(8):
        page.keyboard.press("Tab")
    page.mouse.move(700, 450)
    page.wait_for_timeout(200)
    assert page.evaluate("() => window.ran") is None, file.name
    assert [url for url in page.asked if not url.startswith((file.parent.as_uri(), "data:", "blob:"))] == []
    return Counter(page.evaluate(CENSUS))


@pytest.mark.parametrize(
    "names",
    [
        pytest.param([NAMES[place] for place in range(0, len(NAMES), 21)], id="a share"),
        pytest.param(NAMES, id="all", marks=pytest.mark.soak),
    ],
)
def test_no_name_becomes_an_element(names: list[str], page: Any, tmp_path: Path) -> None:
    """Pages of hostile names hold the elements of the same pages with harmless names, and nothing runs."""
    harmless = [f"name {place:03}" for place in range(len(names))]
    hostile_pages, harmless_pages = rendered(tmp_path / "hostile", names), rendered(tmp_path / "harmless", harmless)
    assert [file.name for file in hostile_pages] == [file.name for file in harmless_pages]
    for hostile, other in zip(hostile_pages, harmless_pages, strict=True):
        assert census(page, hostile) == census(page, other), hostile.name


def test_the_oracle_sees_what_runs(page: Any, tmp_path: Path) -> None:
    """Unescaped, payloads run and stand in the census: the test above can fail."""
    ran = 0
    for payload in PAYLOADS:
        file = tmp_path / "bare.html"
        file.write_text(f"<!DOCTYPE html><body><p>{payload}</p></body>", encoding="utf-8")
        page.goto(file.as_uri())
        page.wait_for_timeout(150)
        ran += page.evaluate("() => window.ran ?? 0")
    assert ran >= 8
