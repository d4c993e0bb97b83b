"""Helm values: the options of a chart, from its ``values.yaml`` or ``values.schema.json``, and where what runs differs.

An option is a path of keys, joined by dots, whose value is not a non-empty mapping. A list is one option whatever it
holds, since Helm replaces lists as a whole; an empty mapping is one too. A key that holds a dot keeps it as it is.
What stands only in a comment is no option. Values may stand in the object of Flux, Argo CD, k3s or RKE2 that installs
the chart, in a file of Kustomize, Fleet or Helmfile, or below the names of charts, as a chart that depends on them
holds them. What runs is read from values that a release was installed with, or from the ConfigMap ``cilium-config``;
either may lie in a dump: a file, a folder or an archive. Values that may be secret are compared but never shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec
import polars as pl
import yaml
from yaml.constructor import SafeConstructor

from meshlab.cluster.facts.archives import Budget, Member, is_archive, members
from meshlab.cluster.facts.files import HEAD_BYTES, listing, text, told
from meshlab.documents import compose, is_list, is_mapping, read_text
from meshlab.errors import MeshlabError, Problem, shorten
from meshlab.files import read_bounded
from meshlab.tables import read_table

MAXIMUM_DEPTH = 40
"""Deepest nesting of values: the Cilium chart needs 9 levels."""

MAXIMUM_JSON_BYTES = 512 * 2**20
"""Largest JSON that is read: the schema of the AWS provider, the largest there is, takes some tens of MiB."""

T = TypeVar("T")


def read_json(path: Path) -> bytes:
    """The bytes of a JSON file."""
    return read_bounded(path, MAXIMUM_JSON_BYTES, "check the file")


def decode(content: bytes, of: type[T], file: str, todo: str) -> T:
    """The bytes of a JSON document as a type. Messages name places, never values: those may be secret."""
    try:
        return msgspec.json.decode(content, type=of)
    except msgspec.ValidationError as error:
        raise MeshlabError(Problem(file, f"has another shape: {error}", todo)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MeshlabError(Problem(file, f"is not JSON: {error}", todo)) from None
    except RecursionError:
        raise MeshlabError(Problem(file, "is nested too deeply", todo)) from None


OPTION_COLUMNS = {"option": pl.String(), "line": pl.Int64(), "product": pl.String()}
"""Columns of a frame of options: the path, its line, and whose chart it is, where an object around the values says."""

_SHAPE = "give a chart's values.yaml, or the values of a release"
_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"
_CONSTRUCT = SafeConstructor()
_SCALARS = {
    f"{_TAG}bool": _CONSTRUCT.construct_yaml_bool,
    f"{_TAG}int": _CONSTRUCT.construct_yaml_int,
    f"{_TAG}float": _CONSTRUCT.construct_yaml_float,
    f"{_TAG}null": _CONSTRUCT.construct_yaml_null,
}
"""How scalars are read that are no text, by their tag."""


class Leaf(NamedTuple):
    """One option with its value as plain data, the line of its key, and the product of its chart where that is told."""

    option: str
    value: object
    line: int
    product: str | None = None


# --- values.yaml -----------------------------------------------------------------------------------------------------


def read_values(path: Path) -> pl.DataFrame:
    """Options of a ``values.yaml`` with their lines."""
    return options_of(read_text(path), str(path))


def options_of(text: str, file: str) -> pl.DataFrame:
    """Options of the text of a ``values.yaml``."""
    rows = [(leaf.option, leaf.line, leaf.product) for leaf in _declared(text, file)]
    return pl.DataFrame(rows, schema=OPTION_COLUMNS, orient="row")


def _declared(text: str, file: str) -> list[Leaf]:
    """Options of a team's values; an object that is none around values is refused."""
    own = list(leaves(text, file))
    if {"apiVersion", "kind"} <= {leaf.option for leaf in own}:
        raise MeshlabError(Problem(file, "is an object of Kubernetes, and none that holds a chart's values", _SHAPE, 1))
    return own


def leaves(text: str, file: str) -> Iterator[Leaf]:
    """Options of the text of a ``values.yaml``, in the order of the file."""
    for node, product in _releases(text, file) if _RELEASE.search(text) else _by_chart(_composed(text, file), file):
        if node is None or node.tag == f"{_TAG}null":
            continue
        if not isinstance(node, yaml.MappingNode):
            raise MeshlabError(Problem(file, "holds no mapping of values", _SHAPE, node.start_mark.line + 1))
        yield from (leaf._replace(product=product) for leaf in _mapping_leaves(node, file))


def _by_chart(node: yaml.Node | None, file: str) -> Iterator[tuple[yaml.Node | None, str | None]]:
    """Values by the charts whose names they stand below, as of a chart that depends on others; else all as they are.

    ``global`` is the first chart's, for Helm hands it to each; what is below no chart's name is the umbrella's own.
    """
    table = read_table("iac/charts")
    charts = dict(table.select("chart", "product").iter_rows())
    top = list(_entries(node, file, 0).values()) if isinstance(node, yaml.MappingNode) else []
    parts = [pair for pair in top if pair[0].value in charts and isinstance(pair[1], yaml.MappingNode)]
    telling = set(table.filter("names_values")["chart"])
    if not isinstance(node, yaml.MappingNode) or not any(key.value in telling for key, _ in parts):
        yield node, None
        return
    for number, (key, value) in enumerate(parts):
        shared = [pair for pair in top if pair[0].value == "global"] if not number else []
        own = [pair for pair in value.value if pair[0].value != "enabled"]  # the umbrella's switch
        yield yaml.MappingNode(value.tag, own + shared, value.start_mark, value.end_mark), charts[key.value]
    rest = [pair for pair in top if pair not in parts and pair[0].value != "global"]
    yield yaml.MappingNode(node.tag, rest, node.start_mark, node.end_mark), "umbrella"


_RELEASE = re.compile(
    r"^kind:\s*[\"']?(?:HelmRelease|Application|ApplicationSet|HelmChart|HelmChartConfig|IstioOperator)\b"
    r"|^helmCharts:|^releases:\s*(?:$|\[)|^helm:\s*\n(?:[ #].*\n)*?\s+chart:",
    re.MULTILINE,
)
"""Objects and files around a chart's values: of Flux, of Argo CD, of k3s and RKE2, of Istio's installer, of Kustomize,
of Helmfile and of Fleet."""

_UNITS_AT = ((), ("spec", "template"), ("helmCharts",), ("releases",), ("helm",))
"""Where each of what installs one chart stands."""

_HELD_AT = (
    ("values",),
    ("valuesInline",),
    ("spec", "values"),
    ("spec", "valuesContent"),
    ("spec", "source", "helm", "valuesObject"),
    ("spec", "source", "helm", "values"),
    ("spec", "sources", "helm", "valuesObject"),
    ("spec", "sources", "helm", "values"),
)
"""Where such objects hold values: as a mapping, or as the text of one."""

_PARAMETERS_AT = (("spec", "source", "helm", "parameters"), ("spec", "sources", "helm", "parameters"), ("set",))
"""Where Argo CD and Helmfile hold single options by name and value, which outweigh values."""

_ELSEWHERE_AT = (
    ("spec", "valuesFrom"),
    ("spec", "source", "helm", "valueFiles"),
    ("spec", "sources", "helm", "valueFiles"),
    ("valuesFile",),
    ("additionalValuesFiles",),
    ("valuesFiles",),
    ("valuesFrom",),
)
"""Where such objects name values that lie elsewhere: in ConfigMaps and Secrets, or in files of a repository."""

_CHART_AT = (
    ("chart",),
    ("spec", "chart"),
    ("spec", "chart", "spec", "chart"),
    ("spec", "source", "chart"),
    ("spec", "sources", "chart"),
)


def is_elsewhere(option: str) -> bool:
    """Whether an option stands for values that lie elsewhere: its name is in parentheses."""
    return option.startswith("(")


def _composed(text: str, file: str) -> yaml.Node | None:
    return compose(text, file, maximum_depth=MAXIMUM_DEPTH, shape=_SHAPE)


def _releases(text: str, file: str) -> Iterator[tuple[yaml.Node | None, str | None]]:
    """Values that the objects of a file hold, on the lines on which they stand, with the product of their chart."""
    line, held = 0, list[tuple[yaml.Node, str | None]]()
    for document in re.split(r"(?m)^(?=---(?:\s|$))", text):
        node = _composed("\n" * line + document.removeprefix("---"), file)
        for place, each in [(at, unit) for at in _UNITS_AT for unit in _below(node, at)]:
            product = _product(each, ("name",) if place == ("helmCharts",) else ())
            values = [value for path in _HELD_AT for value in _below(each, path)]
            if place == ("releases",):  # Helmfile names files beside mappings
                values = [
                    _elsewhere("values", value) if isinstance(value, yaml.ScalarNode) else value for value in values
                ]
            held += [(value, product) for value in values]
            held += [(_parameter(value), product) for path in _PARAMETERS_AT for value in _below(each, path)]
            held += [
                (_elsewhere(path[-1], value), product) for path in _ELSEWHERE_AT for value in [*_below(each, path)][:1]
            ]
        line += document.count("\n")
    if not held:
        raise MeshlabError(Problem(file, "is an object around values and holds none", _SHAPE, 1))
    for value, product in held:
        if isinstance(value, yaml.ScalarNode) and value.tag == f"{_TAG}str":
            lines = "\n" * (value.start_mark.line + (value.style in ("|", ">")))
            yield _composed(lines + value.value, file), product
        else:
            yield value, product


def _product(node: yaml.Node, own: tuple[str, ...]) -> str | None:
    """The product whose chart an object installs, or the chart's name; None where it does not name one alone.

    ``own`` is where what installs the chart names it, besides the usual places.
    """
    charts = dict(read_table("iac/charts").select("chart", "product").iter_rows())
    places = (*_CHART_AT, own) if own else _CHART_AT
    named = [value.value for path in places for value in _below(node, path) if isinstance(value, yaml.ScalarNode)]
    named += ["istiod" for kind in _below(node, ("kind",)) if kind.value == "IstioOperator"]
    products = {charts.get(name, name) for name in (each.rpartition("/")[2] for each in named)}
    return products.pop() if len(products) == 1 else None


def _elsewhere(name: str, node: yaml.Node) -> yaml.Node:
    """What stands for values that lie elsewhere: an option of that name in parentheses."""
    key = yaml.ScalarNode(f"{_TAG}str", f"({name})", node.start_mark, node.end_mark)
    nothing = yaml.ScalarNode(f"{_TAG}null", "", node.start_mark, node.end_mark)
    return yaml.MappingNode(f"{_TAG}map", [(key, nothing)], node.start_mark, node.end_mark)


def _parameter(node: yaml.Node) -> yaml.Node:
    """A parameter as the mapping that it stands for; a dot within a key is escaped by a backslash."""
    given = {key.value: value for key, value in node.value} if isinstance(node, yaml.MappingNode) else {}
    name, value = given.get("name"), given.get("value")
    if not isinstance(name, yaml.ScalarNode) or value is None:
        return node
    name.value = name.value.replace("\\.", ".")
    return yaml.MappingNode(f"{_TAG}map", [(name, value)], node.start_mark, node.end_mark)


def _below(node: yaml.Node | None, path: tuple[str, ...]) -> Iterator[yaml.Node]:
    """What stands at a path; a list on the way stands for each of its items."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _below(item, path)
    elif not path:
        yield from filter(None, [node])
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == path[0]:
                yield from _below(value, path[1:])


def _mapping_leaves(node: yaml.MappingNode, file: str, path: tuple[str, ...] = ()) -> Iterator[Leaf]:
    for key, value in _entries(node, file, len(path)).values():
        below = (*path, key.value)
        if isinstance(value, yaml.MappingNode) and value.value:
            yield from _mapping_leaves(value, file, below)
        else:
            yield Leaf(".".join(below), _plain(value, file), key.start_mark.line + 1)


def _entries(node: yaml.MappingNode, file: str, depth: int) -> dict[str, tuple[yaml.ScalarNode, yaml.Node]]:
    """Keys and values of a mapping; what ``<<`` merges in stands behind what the mapping says itself."""
    _check_depth(node, depth, file)
    own: dict[str, tuple[yaml.ScalarNode, yaml.Node]] = {}
    merged: dict[str, tuple[yaml.ScalarNode, yaml.Node]] = {}
    for key, value in node.value:
        if key.tag == _MERGE:
            for base in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                if isinstance(base, yaml.MappingNode):
                    merged = {**_entries(base, file, depth + 1), **merged}
            continue
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise MeshlabError(Problem(file, "a key is no text", "begin the line with a name and a colon", line))
        if key.value in own:
            what = f"key {shorten(key.value)} stands twice"
            raise MeshlabError(Problem(file, what, "keep one of them", line))
        own[key.value] = (key, value)
    return merged | own


def _check_depth(node: yaml.Node, depth: int, file: str) -> None:
    if depth > MAXIMUM_DEPTH:  # an alias within what it names: the text itself was measured before
        raise MeshlabError(Problem(file, "is nested too deeply", _SHAPE, node.start_mark.line + 1))


def _plain(node: yaml.Node, file: str, depth: int = 0) -> object:
    _check_depth(node, depth, file)
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, file, depth + 1) for item in node.value]
    return {str(key.value): _plain(value, file, depth + 1) for key, value in node.value}


def _scalar(node: yaml.ScalarNode) -> object:
    """The value of a scalar; its text where it is text or a number that JSON cannot write."""
    construct = _SCALARS.get(node.tag)
    try:
        value = construct(node) if construct else node.value
    except ValueError:
        return node.value
    return node.value if isinstance(value, float) and not isfinite(value) else value


# --- values.schema.json ----------------------------------------------------------------------------------------------


class _Schema(msgspec.Struct, gc=False):
    properties: dict[str, _Schema | bool] = {}


def read_values_schema(path: Path) -> pl.DataFrame:
    """Options of a ``values.schema.json``, without lines. A ``$ref`` is not followed and ends a path."""
    schema = decode(read_json(path), _Schema, str(path), "give the values.schema.json of a chart")
    if not schema.properties:
        raise MeshlabError(Problem(str(path), "declares no properties", "give the values.schema.json of a chart"))
    return pl.DataFrame({"option": list(_schema_options(schema))}, schema={"option": pl.String})


def _schema_options(schema: _Schema, path: tuple[str, ...] = ()) -> Iterator[str]:
    for name, inner in schema.properties.items():
        below = (*path, name)
        if isinstance(inner, _Schema) and inner.properties:
            yield from _schema_options(inner, below)
        else:
            yield ".".join(below)


def read_options(path: Path) -> pl.DataFrame:
    """Options of a chart from its ``values.yaml`` or ``values.schema.json``, known by the file's ending."""
    return read_values_schema(path) if path.suffix.lower() == ".json" else read_values(path)


# --- what is declared against what runs ------------------------------------------------------------------------------


DRIFT_COLUMNS = {
    "option": pl.String(),
    "state": pl.String(),
    "declared": pl.String(),
    "live": pl.String(),
    "declared_source": pl.String(),
    "live_source": pl.String(),
}
"""Columns of ``drift``. ``state`` is differs, not live, undeclared, or unknown where the dump does not tell."""

HIDDEN = "(hidden)"
"""What stands for a value that may be secret."""

_SECRET = re.compile(
    r"(?i)password|passwd|token|credential|private|\bsecret$|(?:^|\.)secret(?:s|key)?(?:\.|$)|api_?key|"
    r"(?:^|\.)(?:key|cert|crt|ca|cabundle)$|(?:^|\.)(?:extra)?env(?:\.|$)|annotations|pullsecrets"
)
_SECRET_VALUE = re.compile(
    r"-----BEGIN|^[A-Za-z0-9+/]{64,}={0,2}$|://[^/\s]*@|^\[?\{|(?i:password|passwd|token|secret|key|credential)\S*[=:]"
)
"""Keys, long texts without a break, addresses with a password, arguments that give one, and structures: their own keys
may be secret."""

_LONGEST = 80
_VALUES_FILE = re.compile(r"(?:^|[/_-])(?:helm-)?values[^/]*\.ya?ml$")
_CONFIG_FILE = re.compile(r"config-?maps?[^/]*\.(?:ya?ml|json)$|cilium-config[^/]*\.(?:ya?ml|json)$")
_CONFIG_MAP = re.compile(rb"^\s*name:\s*[\"']?cilium-config[\"']?\s*$|\"name\"\s*:\s*\"cilium-config\"", re.MULTILINE)
_TODO = "give a sysdump, the output of helm get values, or a dump with the ConfigMap cilium-config"


class Live(NamedTuple):
    """What runs, from one file: options with their values as text, or settings of a ConfigMap."""

    source: str
    values: dict[str, str]
    is_config_map: bool


def drift(declared: Path, live: Path) -> pl.DataFrame:
    """Where what runs is not what is declared: one row for each such option, with the source of both sides.

    Options that agree have no row. Against a ConfigMap only those can be compared that ``data/iac/config_map.csv``
    maps; the others are unknown. Options that run but nobody declared are listed from Helm values only: a ConfigMap
    holds every default.

    Args:
        declared: A team's Helm values.
        live: Values of a release, the ConfigMap ``cilium-config``, or a dump that holds either or both; where it holds
            both, values count.

    Raises:
        MeshlabError: A file cannot be read, or the dump holds neither.
    """
    own = {leaf.option: leaf for leaf in _declared(read_text(declared), str(declared))}
    found = sorted(_live(live), key=lambda part: part.is_config_map)
    if not found:
        raise MeshlabError(Problem(str(live), "holds neither Helm values nor the ConfigMap cilium-config", _TODO))
    side = found[0]
    shown = [
        (option, state, _shown(option, ours), _shown(option, theirs), declared.name, side.source)
        for option, state, ours, theirs in _differences(own, side)
    ]
    return pl.DataFrame(shown, schema=DRIFT_COLUMNS, orient="row").sort("option")


def _differences(own: dict[str, Leaf], live: Live) -> Iterator[tuple[str, str, str | None, str | None]]:
    """Option, state, what is declared and what runs."""
    mapped = {row["option"]: row for row in read_table("iac/config_map").iter_rows(named=True)}
    for option, leaf in own.items():
        if is_elsewhere(option):
            yield option, "unknown", None, None
            continue
        if live.is_config_map and option not in mapped:
            yield option, "unknown", as_text(leaf.value), None
            continue
        rendering = mapped[option]["rendering"] if live.is_config_map else ""
        ours = rendered(leaf.value, rendering)
        theirs = live.values.get(mapped[option]["key"] if live.is_config_map else option)
        if rendering == "flag":
            theirs = theirs or "false"
        if theirs is None:
            yield option, "not live", ours, None
        elif ours != theirs:
            yield option, "differs", ours, theirs
    for option in live.values.keys() - own.keys() if not live.is_config_map else ():
        yield option, "undeclared", None, live.values[option]


def rendered(value: object, rendering: str) -> str:
    """The text that the chart renders a value to, as ``data/iac/config_map.csv`` says."""
    if rendering in ("words", "commas") and is_list(value):
        return (" " if rendering == "words" else ",").join(map(as_text, value))
    return as_text(value)


def as_text(value: object) -> str:
    """A value as a ConfigMap holds it: booleans in lower case, nothing as empty text, structures as sorted JSON."""
    if value is None:
        return ""
    return (
        value
        if isinstance(value, str)
        else json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    )


def _shown(option: str, value: str | None) -> str | None:
    """A value as the table shows it: hidden where it may be secret, shortened where it is long."""
    if value is None:
        return None
    if _SECRET.search(option) or _SECRET_VALUE.search(value):
        return HIDDEN
    return value if len(value) <= _LONGEST else f"{value[: _LONGEST - 1]}…"


# --- dumps -----------------------------------------------------------------------------------------------------------


def _live(path: Path) -> Iterator[Live]:
    """Helm values and ConfigMaps of a dump. In a folder or archive they are known by their names."""
    for member in _members(path):
        content = text(member)
        if _CONFIG_MAP.search(content):
            yield Live(
                member.name, dict(_config_map(content.decode("utf-8", "replace"), member.name)), is_config_map=True
            )
        elif _VALUES_FILE.search(member.name) or path.is_file():
            found = leaves(content.decode("utf-8", "replace"), member.name)
            values = {leaf.option: as_text(leaf.value) for leaf in found}
            if not values.keys() >= {"apiVersion", "kind"}:  # other objects are no values of a chart
                yield Live(member.name, values, is_config_map=False)


def _is_wanted(name: str) -> bool:
    return bool(_VALUES_FILE.search(name) or _CONFIG_FILE.search(name))


def _members(path: Path) -> Iterator[Member]:
    """Files that may hold what runs. Facts pass a chart's values over; here they are compared, and hidden if secret."""
    budget = Budget()
    with told(path):
        for file in map(Path, listing(path, budget)):
            name = file.relative_to(path.parent).as_posix()
            if file == path or _is_wanted(name):
                yield from _file_members(file, name, budget)


def _file_members(file: Path, name: str, budget: Budget) -> Iterator[Member]:
    with file.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
        stream.seek(0)
        if is_archive(head):
            yield from members(stream, name, _is_wanted, budget)
        else:
            budget.read(file.stat().st_size, name)
            yield Member(name, stream.read())


def _config_map(content: str, file: str) -> Iterator[tuple[str, str]]:
    """Settings of the ConfigMap ``cilium-config``, which may stand alone or as an item of a list."""
    settings = {leaf.option: leaf.value for leaf in leaves(content, file)}
    items = settings.get("items")
    for item in items if is_list(items) else ():
        metadata, data = (item.get("metadata"), item.get("data")) if is_mapping(item) else (None, None)
        if is_mapping(metadata) and metadata.get("name") == "cilium-config" and is_mapping(data):
            yield from ((key, as_text(value)) for key, value in data.items())
    for option, value in settings.items():
        if option.startswith("data."):
            yield option.removeprefix("data."), as_text(value)
