"""What Terraform can express: readers of artefacts, the tracker, drift, and a team's answer."""

from __future__ import annotations

import csv
import json
import re
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from meshlab.errors import MeshlabError
from meshlab.planning import iac
from meshlab.planning.iac.terraform import read_plan, read_provider_schema, set_options
from meshlab.planning.iac.tracker import by_layer, coverage_counts, minor_releases, options_at
from meshlab.planning.iac.values import options_of, read_values, read_values_schema
from meshlab.run.cli import main

GOLDEN = Path(__file__).parent / "golden"
PLAN = GOLDEN / "iac_plan.json"


def chart(fixtures: Path, version: str, ending: str = "values.yaml") -> Path:
    """An artefact of a release of the Cilium chart."""
    return fixtures / "schema" / f"cilium__cilium-cli__cilium-{version}-{ending}"


def written(folder: Path, name: str, content: str) -> Path:
    """The content, in a file."""
    (folder / name).write_text(content, encoding="utf-8")
    return folder / name


def golden_options() -> list[dict[str, str]]:
    """Counts worked out by tests/golden/iac_golden.py."""
    with (GOLDEN / "iac_options.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


# --- charts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", golden_options(), ids=lambda row: row["version"])
def test_options_of_a_release_are_as_many_as_counted_apart(fixtures: Path, row: dict[str, str]) -> None:
    """Each release of the chart has as many options as an independent script counts, each once."""
    options = read_values(chart(fixtures, row["version"]))["option"]
    assert len(options) == options.n_unique() == int(row["options"])


@pytest.mark.parametrize(("version", "count"), [("1.17.4", 982), ("1.19.4", 1157)])
def test_schema_of_values_has_the_published_number_of_options(fixtures: Path, version: str, count: int) -> None:
    """A values.schema.json has as many leaf paths as the archive of charts counts for it."""
    assert read_values_schema(chart(fixtures, version, "values.schema.json")).height == count


def test_option_has_path_and_line() -> None:
    """Each option has its line; lists, empty mappings and nulls are options, a dotted key is kept."""
    text = "a:\n  # -- Old.\n  # b: 1\n  b: ~\n  c: [1, x]\nd.e/f: {}\n"
    assert options_of(text, "values.yaml").rows() == [("a.b", 4, None), ("a.c", 5, None), ("d.e/f", 6, None)]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("&a [" + "[" * 60 + "]" * 60 + "]", "nested too deeply"),
        ("a: &a\n  b: *a\n", "nested too deeply"),
        ("- a\n", "holds no mapping"),
        ("a: 1\na: 2\n", "stands twice"),
        ("? [a]\n: 1\n", "a key is no text"),
        ("a: b: c\n", "is not YAML"),
        (
            "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
            + "".join(f"{n}: &{n} [{','.join([f'*{p}'] * 10)}]\n" for p, n in zip("abcdefg", "bcdefgh", strict=True)),
            "aliases too often",
        ),
    ],
)
def test_hostile_values_are_refused_in_words(text: str, what: str) -> None:
    """Bombs of aliases, cycles, deep nesting and wrong shapes end in one message that names the file."""
    with pytest.raises(MeshlabError, match=rf"values\.yaml.*{what}"):
        options_of(text, "values.yaml")


def test_deep_json_is_refused_in_words(tmp_path: Path) -> None:
    """JSON that is nested too deeply ends in a message, not in a crash."""
    deep = '{"properties":{"a":' * 5000 + "{}" + "}}" * 5000
    with pytest.raises(MeshlabError, match="nested too deeply"):
        read_values_schema(written(tmp_path, "values.schema.json", deep))


# --- the tables ------------------------------------------------------------------------------------------------------


def test_history_agrees_with_the_charts_it_was_read_from(fixtures: Path) -> None:
    """The tabled history has the options of a release, beside few that others in between had in a comment only."""
    for version in ("1.17.4", "1.19.4"):
        tabled, real = (
            set(options_at("cilium", version)["option"]),
            set(read_values(chart(fixtures, version))["option"]),
        )
        assert real <= tabled
        assert len(tabled - real) == 1


def test_history_counts_what_each_minor_release_has() -> None:
    """From the history follow the published counts of options, up to two that stood in a comment."""
    for row in minor_releases("cilium").iter_rows(named=True):
        assert 0 <= options_at("cilium", row["version"]).height - row["options"] <= 2


def test_options_after_the_providers_default_are_counted() -> None:
    """1.20 has 249 options that 1.17.3 lacks, less kubeProxyReplacement, which 1.17 had in a comment; none is typed."""
    rows = iac.coverage(chart_version="1.20.0")
    assert coverage_counts(rows)["after_default"] == 249 - 1
    assert set(rows.filter("after_default")["status"]) == {"raw"}


def test_lags_are_those_worked_out_by_hand() -> None:
    """18 days for EKS through its module, and at least 353, 332 and 158 days for what AKS still lacks."""
    lags = iac.tracker().filter(pl.col("layer") == "typed").drop_nulls("lag_days")
    found = {(row["product"], row["lag_days"], row["lag_open"]) for row in lags.iter_rows(named=True)}
    expected = {("eks", 18, False), ("aks-cilium", 353, True), ("aks-cilium", 332, True), ("aks-cilium", 158, True)}
    assert found == expected


def test_provider_follows_the_tool_that_it_wraps_by_days() -> None:
    """The wrapper came 1 to 19 days after the tool, and its default chart was 79 days old at the last release."""
    lag = iac.provider_lag()
    assert (lag["wrapped_lag_days"].min(), lag["wrapped_lag_days"].max()) == (1, 19)
    assert lag["default_age_days"][-1] == 79


def test_every_row_of_the_tracker_has_a_source_and_a_day() -> None:
    """No row is without source, day and life, and each feature has one row for a provider."""
    rows = iac.tracker()
    assert rows.select("source_id", "as_of", "life_days", "status", "layer").null_count().sum_horizontal().item() == 0
    assert rows.select("product", "feature", "provider").is_unique().all()


def test_row_is_stale_from_the_day_after_its_life() -> None:
    """A row is stale once more days than its life have passed, and not before."""
    first = iac.tracker().filter(provider="hashicorp/azurerm", status="missing").row(0, named=True)
    for days, stale in ((first["life_days"], False), (first["life_days"] + 1, True)):
        day = date.fromordinal(first["as_of"].toordinal() + days)
        rows = iac.tracker(as_of=day).filter(provider="hashicorp/azurerm", feature=first["feature"])
        assert rows["stale"].to_list() == [stale]


def test_layers_are_kept_apart() -> None:
    """A policy object is partly typed by one provider and passed on by another; a removed feature is neither."""
    layers = {(row["product"], row["feature"]): row for row in by_layer(iac.tracker()).iter_rows(named=True)}
    policy, gone = layers["cilium", "CiliumNetworkPolicy"], layers["cilium", "External workloads"]
    assert (policy["typed"], policy["raw"], policy["status"]) == ("partial", "raw", "raw")
    assert (gone["typed"], gone["raw"], gone["status"]) == ("missing", "missing", "missing")


# --- providers and plans ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "resources", "data"),
    [
        ("scaleway__crossplane-provider-scaleway", 152, 140),
        ("crossplane-contrib__provider-upjet-digitalocean", 72, 67),
        ("mikespub-org__amplify-python-hcl2", 10, 5),
    ],
)
def test_provider_schemas_are_read(fixtures: Path, file: str, resources: int, data: int) -> None:
    """Each schema gives as many resources and data sources as its index says."""
    rows = read_provider_schema(fixtures / "schema" / f"{file}__tfschema_schema.json")
    assert rows.filter(kind="resource")["resource"].n_unique() == resources
    assert rows.filter(kind="data")["resource"].n_unique() == data


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('{"format_version":"2.0","provider_schemas":[]}', "has format '2.0', and only format 1.x"),
        ('{"format_version":"0.1"}', "has format '0.1'"),
        ("{}", "says no format_version"),
        ('{"format_version":"1.0","provider_schemas":[]}', "has another shape"),
        ("{", "is not JSON"),
    ],
)
def test_schema_of_another_format_is_refused_in_words(tmp_path: Path, text: str, what: str) -> None:
    """Another format version, none, another shape and no JSON are each said to be so."""
    with pytest.raises(MeshlabError, match=what):
        read_provider_schema(written(tmp_path, "schema.json", text))


def test_plan_tells_attributes_and_chart_values_but_no_secret() -> None:
    """Values in YAML, in blocks and in key=value texts are found; none of their contents is kept."""
    plan = read_plan(PLAN)
    assert set(plan.options.select("product", "chart_version", "option").iter_rows()) == {
        ("cilium", "1.17.4", "kubeProxyReplacement"),
        ("cilium", "1.17.4", "enableCiliumEndpointSlice"),
        ("cilium", "1.17.4", "nodeSelector.kubernetes.io/os"),
        ("cilium", "1.17.4", "hubble.tls.server.key"),
        ("cilium", "1.19.4", "ipam.mode"),
        ("cilium", "1.19.4", "tolerations"),
    }
    assert "aws_eks_cluster.bootstrap_self_managed_addons" in set(plan.attributes["attribute"])
    answer = iac.report(plan=PLAN, require="raw")
    assert answer["short"] == []
    assert [(row["wanted"], row["version"], row["replacement"]) for row in answer["churn"]] == [
        ("enableCiliumEndpointSlice", "1.18.0", "ciliumEndpointSlice.enabled")
    ]
    assert "swordfish" not in json.dumps(answer)


def test_settings_of_helm_are_split_where_helm_splits_them() -> None:
    """Commas within braces and after a backslash do not divide, and an index means its list."""
    assert set_options(r"a.b=1,c={x,y},d[0].e=2,f\.g=h\,i") == ["a.b", "c", "d", "f.g"]


# --- answers ---------------------------------------------------------------------------------------------------------


def test_report_on_values_tells_removed_misspelt_and_typed(tmp_path: Path) -> None:
    """Own values are typed, raw, gone with their replacement, or unknown with the nearest option."""
    own = written(
        tmp_path,
        "own.yaml",
        "hubble: {relay: {enabled: true}}\nencryption: {strictMode: {cidr: x}}\ngatewayApi: {enabled: true}\n"
        "operator: {securityContext: {runAsUser: 1}}\n",
    )
    answer = iac.report(values=own, chart_version="1.20.0", require="raw")
    assert {row["wanted"]: row["status"] for row in answer["wanted"]} == {
        "hubble.relay.enabled": "typed",
        "encryption.strictMode.cidr": "missing",
        "gatewayApi.enabled": None,
        "operator.securityContext.runAsUser": "raw",
    }
    assert {row["wanted"] for row in answer["short"]} == {"encryption.strictMode.cidr", "gatewayApi.enabled"}
    assert "gatewayAPI.enabled" in answer["short"][1]["why"]
    (gone,) = answer["churn"]
    assert (gone["change"], gone["replacement"]) == ("removed", "encryption.strictMode.egress.cidr")


def test_report_on_nothing_is_the_tracker() -> None:
    """Without a question the answer holds every row, as plain data, with the age of the facts."""
    answer = iac.report()
    assert len(answer["features"]) == iac.tracker().height
    assert answer["facts"] == {"oldest": "2025-08-13", "newest": "2026-11-01"}
    assert json.loads(json.dumps(answer)) == answer


def test_unknown_names_are_refused_with_the_nearest() -> None:
    """A misspelt need, option, requirement and release are each answered with what was meant."""
    for question in (
        {"needs": ["mtsl"]},
        {"options": ["gatewayAPI.enable"]},
        {"needs": ["mtls"], "require": "type"},
        {"options": ["hubble.enabled"], "chart_version": "1.99.0"},
    ):
        with pytest.raises(MeshlabError, match=r"did you mean|known:"):
            iac.report(**question)


def test_verdict_lacks_what_a_provider_does_not_type() -> None:
    """On AKS the data plane is typed, encryption is not: a warning, and a blocker where it must be."""
    verdict = {"cni": "cilium", "mesh": "none"}
    install, warning = iac.for_verdict(verdict, ["encryption_in_transit"], cloud="aks")
    assert (install["wanted"], install["severity"]) == ("install", "none")
    assert install["attribute"] == "azurerm_kubernetes_cluster.network_profile.network_data_plane"
    assert (warning["product"], warning["severity"]) == ("aks-cilium", "warning")
    _, blocker = iac.for_verdict(verdict, ["encryption_in_transit"], cloud="aks", require="typed")
    assert blocker["severity"] == "blocker"
    typed = {row["wanted"]: row["severity"] for row in iac.for_verdict(verdict, ["flow_observability"])}
    assert typed["flow_observability"] == "none"


def test_an_edition_brings_its_paid_part_and_its_own_build() -> None:
    """Advanced Container Networking Services are asked for by name; a Cilium of one's own on AKS is the chart's."""
    verdict = {"cni": "cilium", "mesh": "none"}
    paid = iac.for_verdict(verdict, [], cloud="aks", edition="azure-cni-powered-by-cilium-acns")
    assert [row["severity"] for row in paid] == ["none", "warning"]
    assert "advanced_networking" in str(paid[1]["attribute"])
    own = iac.for_verdict(verdict, [], cloud="aks", edition="self-run")
    assert {row["product"] for row in own} == {"cilium"}


def test_the_istio_of_a_provider_is_no_chart() -> None:
    """The add-on of AKS is a block of the cluster's resource; its policies are Istio's objects, as elsewhere."""
    verdict = {"cni": "azure-cni", "mesh": "istio-sidecar"}
    rows = iac.for_verdict(verdict, ["l7_policy"], cloud="aks", mesh_edition="aks-add-on")
    assert [(row["wanted"], row["product"]) for row in rows] == [("install", "aks-istio"), ("l7_policy", "istio")]
    assert "azurerm_kubernetes_cluster.service_mesh_profile" in str(rows[0]["attribute"])
    assert rows[0]["severity"] == "none"
    own = iac.for_verdict(verdict, [], cloud="aks", mesh_edition="self-run")
    assert [row["product"] for row in own] == ["istio"]


def test_what_linkerd_brings_is_not_asked_of_cilium() -> None:
    """Mutual TLS of a mesh that no table lists takes nothing of the network's; Istio's takes Istio's objects."""
    evidence = [{"need": "mtls", "side": "mesh"}, {"need": "bgp", "side": "cni"}]
    verdict = {"cni": "cilium", "mesh": "linkerd", "evidence": evidence}
    assert [row["wanted"] for row in iac.for_verdict(verdict, ["mtls", "bgp"])] == ["install", "bgp"]
    rows = iac.for_verdict({**verdict, "mesh": "istio-sidecar"}, ["mtls"], mesh_edition="self-run")
    assert [row["product"] for row in rows if row["wanted"] == "mtls"] == ["istio"]


def test_need_that_nobody_read_is_unknown() -> None:
    """A need without a row is listed as unknown, not passed over."""
    rows = iac.for_verdict({"cni": "cilium", "mesh": "none"}, ["fips"])
    assert [row["severity"] for row in rows if row["wanted"] == "fips"] == ["unknown"]


# --- drift -----------------------------------------------------------------------------------------------------------

DECLARED = (
    "kubeProxyReplacement: true\ndevices: [eth0, eth1]\negressGateway: {enabled: true}\ntls: {ca: {key: swordfish}}\n"
)


def test_drift_against_the_config_map(tmp_path: Path) -> None:
    """Settings that differ are listed with both sources, lists are joined, and a secret is never shown."""
    head = "kind: ConfigMap\nmetadata:\n  name: cilium-config\n"
    live = f"{head}data:\n  kube-proxy-replacement: 'false'\n  devices: eth0 eth1\n"
    rows = iac.drift(written(tmp_path, "own.yaml", DECLARED), written(tmp_path, "cm.yaml", live))
    assert rows.select("option", "state", "declared", "live").rows() == [
        ("egressGateway.enabled", "differs", "true", "false"),
        ("kubeProxyReplacement", "differs", "true", "false"),
        ("tls.ca.key", "unknown", "(hidden)", None),
    ]
    assert set(rows.select("declared_source", "live_source").iter_rows()) == {("own.yaml", "cm.yaml")}


def test_drift_against_the_dump_of_another_cluster(tmp_path: Path) -> None:
    """The ConfigMap is found in a dump as kubectl writes it, and a dump without it is no chart's values."""
    live = {"kind": "ConfigMap", "metadata": {"name": "cilium-config"}, "data": {"kube-proxy-replacement": "false"}}
    own = written(tmp_path, "own.yaml", "kubeProxyReplacement: true\n")
    for indent in (None, 4):
        dump = json.dumps({"apiVersion": "v1", "kind": "List", "items": [live]}, indent=indent)
        rows = iac.drift(own, written(tmp_path, "dump.json", dump))
        assert rows.select("option", "state", "live").rows() == [("kubeProxyReplacement", "differs", "false")]
    with pytest.raises(MeshlabError, match="holds neither"):
        iac.drift(own, written(tmp_path, "empty.json", dump.replace("cilium-config", "other")))


def test_drift_against_values_of_a_dump(tmp_path: Path) -> None:
    """In a folder the values of the release are found, and what is live but undeclared is listed."""
    dump = tmp_path / "cilium-sysdump"
    dump.mkdir()
    written(
        dump, "cilium-helm-values-20260101-000000.yaml", DECLARED.replace("eth1", "eth2") + "debug: {enabled: true}\n"
    )
    rows = iac.drift(written(tmp_path, "own.yaml", DECLARED), dump)
    assert rows.select("option", "state").rows() == [("debug.enabled", "undeclared"), ("devices", "differs")]


@pytest.mark.parametrize("text", ["[--token=swordfish]", "--db-password=swordfish", "X-API-Key: swordfish"])
def test_an_argument_that_gives_a_secret_is_hidden(text: str, tmp_path: Path) -> None:
    """Whatever the option is called, a value that reads as key and secret is not shown."""
    own, live = written(tmp_path, "own.yaml", "mtu: 1\n"), written(tmp_path, "live.yaml", f"extraArgs: {text!r}\n")
    assert "swordfish" not in str(iac.drift(own, live).rows())


def test_drift_of_values_with_themselves_is_none(tmp_path: Path) -> None:
    """What runs as declared has no row; a dump without either side is refused."""
    own = written(tmp_path, "own.yaml", DECLARED)
    assert iac.drift(own, own).is_empty()
    dump = tmp_path / "dump"
    dump.mkdir()
    written(dump, "pods.yaml", "kind: List\n")
    with pytest.raises(MeshlabError, match="holds neither"):
        iac.drift(own, dump)


def exit_status(*arguments: object) -> object:
    """Exit status of a call of the command."""
    with pytest.raises(SystemExit) as caught:
        main.main(["iac", *map(str, arguments)])
    return caught.value.code


def test_values_of_an_unnamed_chart_are_not_taken_for_another_ones(fixtures: Path, tmp_path: Path) -> None:
    """Values that are plainly of another chart ask whose they are; one typo beside Cilium's is told by its nearest."""
    path = fixtures / "schema" / "projectcalico__calico__tigera-operator-values.yaml"
    with pytest.raises(MeshlabError, match="names no chart, and 14 of its 22 keys are none of Cilium's"):
        iac.report(values=path)
    assert {row["product"] for row in iac.report(values=path, product="calico")["wanted"]} == {"calico"}
    own = written(tmp_path, "own.yaml", "bpf: {masquerade: true}\nhubbel: {enabled: true}\n")
    (strange,) = [row["why"] for row in iac.report(values=own)["wanted"] if row["option"] is None]
    assert "did you mean hubble" in strange


def test_an_unknown_product_is_refused() -> None:
    """A product that the tracker does not know has no answer, and is no reason to say that nothing is wanted."""
    with pytest.raises(MeshlabError, match="--product: 'celium' is not tracked; did you mean 'cilium'"):
        iac.report(options=["encryption.enabled"], product="celium")


def test_a_gate_that_asks_for_nothing_does_not_pass(tmp_path: Path) -> None:
    """Something required of nothing is an error, as is a team that states no needs; one that needs nothing passes."""
    with pytest.raises(MeshlabError, match="nothing is wanted that could fall short"):
        iac.report(require="typed")
    silent, content = tmp_path / "silent.yaml", tmp_path / "content.yaml"
    silent.write_text("team: silent\n", encoding="utf-8")
    content.write_text("team: content\nneeds: []\n", encoding="utf-8")
    gates = ([], ["--team", silent], ["--team", content])
    assert [exit_status("--require", "typed", *more) for more in gates] == [2, 2, 0]


def test_the_age_of_rows_is_told_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    """The last line counts the rows that are past their life, and names their lives and days as the rows have them."""
    assert exit_status() == 0
    words = re.split(r"[\s,:]+", capsys.readouterr().out.splitlines()[-1])
    today = date.today()  # noqa: DTZ011  (the user's own day, by which the command judges)
    rows = [row for row in iac.tracker(as_of=today).to_dicts() if row["stale"]]
    for name in ("life_days", "as_of"):
        assert {str(min(row[name] for row in rows)), str(max(row[name] for row in rows))} <= set(words)
    assert str(len(rows)) in words


FLUX = """apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: cilium}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: cilium}
spec:
  chart: {spec: {chart: cilium, version: 1.16.1}}
  values:
    kubeProxyReplacement: true
    hubble:
      enabled: true
"""
ARGO = """apiVersion: argoproj.io/v1alpha1
kind: Application
spec:
  sources:
    - chart: cilium
      helm:
        %s
"""
RKE2 = """apiVersion: helm.cattle.io/v1
kind: HelmChartConfig
metadata: {name: rke2-cilium}
spec:
  valuesContent: |-
    kubeProxyReplacement: true
    hubble:
      enabled: true
"""
KUSTOMIZE = """kind: Kustomization
helmCharts:
  - name: cilium
    valuesInline:
      kubeProxyReplacement: true
      hubble: {enabled: true}
"""
FLEET = """defaultNamespace: kube-system
helm:
  releaseName: net
  chart: cilium
  values:
    kubeProxyReplacement: true
    hubble: {enabled: true}
"""
HELMFILE = """repositories: [{name: cilium, url: https://helm.cilium.io}]
releases:
  - name: net
    chart: cilium/cilium
    values:
      - kubeProxyReplacement: true
    set:
      - {name: hubble.enabled, value: true}
"""
WRAPPED = {
    "Flux": (FLUX, [11, 13]),
    "Argo CD, text": (
        ARGO % "values: |\n          kubeProxyReplacement: true\n          hubble: {enabled: true}",
        [8, 9],
    ),
    "Argo CD, object": (
        ARGO % "valuesObject:\n          kubeProxyReplacement: true\n          hubble: {enabled: true}",
        [8, 9],
    ),
    "Argo CD, parameters": (
        ARGO % 'parameters:\n          - {name: kubeProxyReplacement, value: "true"}\n'
        "          - name: hubble.enabled\n            value: yes\n",
        [8, 9],
    ),
    "Istio's installer": (
        (
            "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec:\n  profile: default\n"
            "  values:\n    kubeProxyReplacement: true\n    hubble: {enabled: true}\n"
        ),
        [6, 7],
    ),
    "RKE2": (
        RKE2,
        [6, 8],
    ),
    "Kustomize": (KUSTOMIZE, [5, 6]),
    "Fleet": (FLEET, [6, 7]),
    "Helmfile": (HELMFILE, [6, 8]),
}


@pytest.mark.parametrize("tool", WRAPPED)
def test_values_are_read_from_the_object_that_installs_the_chart(tool: str, tmp_path: Path) -> None:
    """Options stand where the values of the object stand, with the lines of the file."""
    text, lines = WRAPPED[tool]
    path = tmp_path / "release.yaml"
    path.write_text(text)

    found = read_values(path)
    assert found["option"].to_list() == ["kubeProxyReplacement", "hubble.enabled"]
    assert found["line"].to_list() == lines


def test_values_are_of_the_chart_that_their_object_names(tmp_path: Path) -> None:
    """Each release's values are asked of its own chart, and one that is not tabled passes nothing."""
    path = tmp_path / "releases.yaml"
    other = "kind: HelmRelease\nspec: {chart: {spec: {chart: %s}}, values: {pilot: {autoscaleMin: 2}}}\n"
    path.write_text("---\n".join([FLUX, other % "istiod", other % "./charts/linkerd-control-plane"]))

    answer = iac.report(values=path, require="raw")

    assert [(row["wanted"], row["product"]) for row in answer["wanted"]] == [
        ("kubeProxyReplacement", "cilium"),
        ("hubble.enabled", "cilium"),
        ("pilot.autoscaleMin", "istio"),
        ("pilot.autoscaleMin", "linkerd-control-plane"),
    ]
    assert [row["product"] for row in answer["short"]] == ["istio", "linkerd-control-plane"]
    assert {row["product"] for row in iac.report(values=path, product="cilium")["wanted"]} == {"cilium"}


def test_values_below_the_names_of_charts_are_of_those_charts(tmp_path: Path) -> None:
    """In a chart that depends on others each one's values stand below its name, the umbrella's own beside them."""
    text = "cilium:\n  enabled: true\n  hubble: {relay: {enabled: true}}\nistiod:\n  pilot: {autoscaleMin: 2}\n"
    text += "cni: {cniBinDir: /a}\nglobal: {a: 1}\nprometheus: {enabled: true}\n"
    path = written(tmp_path, "umbrella.yaml", text)

    found = read_values(path)

    assert list(found.iter_rows()) == [
        ("hubble.relay.enabled", 3, "cilium"),
        ("global.a", 7, "cilium"),
        ("pilot.autoscaleMin", 5, "istio"),
        ("cniBinDir", 6, "istio"),
        ("prometheus.enabled", 8, "umbrella"),
    ]
    assert iac.report(values=path)["wanted"][0]["option"] == "hubble.relay.enabled"
    assert set(read_values(written(tmp_path, "own.yaml", "cni: {exclusive: false}\n"))["product"]) == {None}
    with pytest.raises(MeshlabError, match="key 'cilium' stands twice"):
        read_values(written(tmp_path, "twice.yaml", "cilium: {a: 1}\ncilium: {b: 1}\n"))
    with pytest.raises(MeshlabError, match="names no chart, and 2 of its 2 keys"):
        iac.report(values=written(tmp_path, "others.yaml", "linkerd-control-plane: {a: 1}\nlinkerd-viz: {b: 1}\n"))


ELSEWHERE = {
    "Flux": FLUX.replace("  values:", "  valuesFrom: [{kind: ConfigMap, name: a}, {kind: Secret, name: b}]\n  values:"),
    "Argo CD": ARGO % "valueFiles: [$values/a.yaml, b.yaml]\n        valuesObject: {kubeProxyReplacement: true}",
    "Kustomize": "helmCharts: [{name: cilium, valuesFile: a.yaml, valuesInline: {kubeProxyReplacement: true}}]\n",
    "Helmfile": "releases:\n  - {name: a, chart: cilium/cilium, values: [a.yaml, {kubeProxyReplacement: true}]}\n",
    "Fleet": "helm:\n  chart: cilium\n  valuesFiles: [a.yaml]\n  values: {kubeProxyReplacement: true}\n",
    "a set of Argo CD": "kind: ApplicationSet\nspec:\n  template:\n    spec:\n      source:\n        chart: cilium\n"
    "        helm: {valueFiles: [a.yaml], values: '{kubeProxyReplacement: true}'}\n",
}


@pytest.mark.parametrize("tool", ELSEWHERE)
def test_values_that_lie_elsewhere_are_no_pass(tool: str, tmp_path: Path) -> None:
    """An object that takes values from elsewhere, too, is told so once, and falls short of what is required."""
    path = tmp_path / "release.yaml"
    path.write_text(ELSEWHERE[tool])

    (short,) = iac.report(values=path, require="raw")["short"]

    assert short["wanted"].startswith("(value")
    assert "was not read" in short["why"]
    (row,) = iac.drift(path, saved_config(tmp_path)).filter(pl.col("option").str.starts_with("(")).to_dicts()
    assert row["state"] == "unknown"


def saved_config(folder: Path) -> Path:
    """The ConfigMap of a running Cilium."""
    path = folder / "cilium-config.yaml"
    data = 'data: {kube-proxy-replacement: "true", enable-hubble: "true"}'
    path.write_text(f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: cilium-config\n{data}\n")
    return path


def test_an_object_that_holds_no_values_is_no_file_of_values(tmp_path: Path) -> None:
    """Keys of another object are no options of a chart."""
    path = tmp_path / "object.yaml"
    path.write_text("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n")

    with pytest.raises(MeshlabError, match="is an object of Kubernetes, and none that holds a chart's values"):
        read_values(path)


def test_an_object_around_no_values_is_told(tmp_path: Path) -> None:
    """A release without values is no file of values."""
    path = tmp_path / "release.yaml"
    path.write_text("kind: HelmRelease\nspec: {chart: {spec: {chart: cilium}}}\n")

    with pytest.raises(MeshlabError, match="is an object around values and holds none"):
        read_values(path)


def test_values_of_a_chart_that_is_not_tabled_are_no_pass(tmp_path: Path) -> None:
    """Without the chart's schema nobody can tell what a value sets: it is unknown, falls short, and says why."""
    path = tmp_path / "values.yaml"
    path.write_text("global: {hub: docker.io/istio}\n")

    answer = iac.report(values=path, product="istio", require="raw")
    assert [(row["wanted"], row["status"]) for row in answer["short"]] == [("global.hub", None)]
    assert "not tabled" in answer["short"][0]["why"]


def test_values_of_a_chart_that_is_not_tabled_are_known_by_its_own_file(tmp_path: Path) -> None:
    """With the chart's values.yaml its options are passed on, and others are named with the nearest."""
    chart_values = written(tmp_path, "chart.yaml", "global: {hub: ~}\n")
    own = written(tmp_path, "own.yaml", "global: {hub: docker.io/istio, hubb: x}\n")

    answer = iac.report(values=own, values_schema=chart_values, product="istio", require="raw")
    assert [(row["wanted"], row["status"]) for row in answer["wanted"]] == [
        ("global.hub", "raw"),
        ("global.hubb", None),
    ]
    assert answer["short"][0]["why"] == "is no option of the istio chart; did you mean global.hub?"
