"""Inputs that are broken, hostile or empty: a clear error that names the file, never anything else."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from facts_dumps import facts, listed, node, pod, resource, tar_gz, write

from meshlab.cluster.facts import archives, read_facts
from meshlab.errors import MeshlabError, Problem

BOMB_OF_LAUGHS = "\n".join(
    [
        "kind: List",
        "items:",
        "- &a {kind: Pod, metadata: {name: a}, spec: {containers: [{name: x}, {name: y}]}}",
        f"- &b [{', '.join(['*a'] * 9)}]",
        "- kind: Pod",
        "  spec:",
        "    containers: &c",
        *("    - {name: a, image: b, resources: {requests: {cpu: 1, memory: 1}}}" for _ in range(50)),
        *("- {kind: Pod, spec: {containers: *c, initContainers: *c}}" for _ in range(50)),
    ]
)

TEXTS = {
    "broken JSON": ("dump.json", '{"kind": "List",\n"items": [\n}', "is not JSON", 3),
    "cut-off JSON": ("dump.json", '{"kind": "List",\n"items": [', "ends in the middle", 2),
    "a table of columns of one's own": ("dump.json", "NODE   KERNEL\nn1     5.15.0\n", "is a table", 1),
    "what uses how much": ("dump.json", "NAME   CPU(cores)   CPU(%)\nn1   250m   6%\n", "is a table", 1),
    "names alone": ("dump.json", "pod/web-1\npod/web-2\n", "is a list of names", 1),
    "a login page": ("dump.json", "<!DOCTYPE html><html></html>", "is a web page", 1),
    "a server that is away": ("dump.json", "Unable to connect to the server: i/o timeout\n", "cannot be reached", 1),
    "a refusal": ("dump.json", "Error from server (Forbidden): pods is forbidden\n", "the user may not list", 1),
    "nothing there": ("dump.yaml", "No resources found\n", "there are no such objects", 1),
    "a login that ended": (
        "dump.json",
        "error: You must be logged in to the server (Unauthorized)\n",
        "the login failed",
        1,
    ),
    "an error of kubectl's own": ("dump.json", "error: unknown flag: --al\n", "an error of kubectl", 1),
    "an empty file": ("dump.json", "", "holds no Kubernetes objects", None),
    "a file of blanks": ("dump.yaml", " \n\n", "holds no Kubernetes objects", None),
    "broken YAML": ("dump.yaml", "kind: Pod\nmetadata:\n  name: a\n bad\n", "is not YAML", 4),
    "a tab in YAML": ("dump.yaml", "kind: Pod\nmetadata:\n\tname: a\n", "is not YAML", 3),
    "bytes that are no text": ("dump.yaml", b"kind: Pod\nmetadata: \xff\xfe\xfa\n", "is not UTF-8", 2),
    "deep YAML in brackets": ("dump.yaml", "kind: Pod\nspec: " + "[" * 100_000, "nested too deeply", 2),
    "deep YAML in dashes": ("dump.yaml", "kind: Pod\nother:\n" + "- " * 100_000, "nested too deeply", None),
    "deep JSON": ("dump.json", '{"kind": "Pod", "spec": ' + "[" * 100_000 + "]" * 100_000 + "}", "too deeply", None),
    "a billion laughs": ("dump.yaml", BOMB_OF_LAUGHS, "anchors that unfold to more than the file holds", None),
    "an alias without anchor": (
        "dump.yaml",
        "kind: Pod\nmetadata: {name: *missing}\n",
        "anchor that stands nowhere",
        2,
    ),
    "an alias of itself": ("dump.yaml", "kind: Pod\nspec: &s {containers: [*s]}\n", "stands nowhere before it", 2),
    "anchors in anchors": (
        "dump.yaml",
        "kind: Pod\nother: " + "".join(f"&a{n} [" for n in range(150)),
        "unfold to",
        None,
    ),
    "a List of another kind": (
        "dump.json",
        json.dumps(listed(resource("Widget", "example.com/v1"), kind="WidgetList")),
        "holds only kinds that no fact is read from: Widget",
        None,
    ),
    "an empty cluster": ("dump.json", json.dumps(listed(kind="NodeList")), "an empty cluster: no Node in it", None),
    "an empty List": ("dump.json", json.dumps(listed()), "holds no Kubernetes objects", None),
    "JSON of something else": ("dump.json", '{"name": "meshlab", "version": 3}', "holds no Kubernetes objects", None),
    "a JSON number": ("dump.json", "42", "holds no Kubernetes objects", None),
    "a JSON list of numbers": ("dump.json", "[1, 2, 3]", "holds no Kubernetes objects", None),
    "a sentence": ("dump.txt", "no dump at all", "holds no Kubernetes objects", None),
    "a text of signs": (
        "dump.txt",
        "Jan 1 00:00:00.000: a/b:1 -> c/d:2 (TCP Flags: SYN)\n",
        "no Kubernetes objects",
        None,
    ),
    "Cilium's status": ("s.txt", "\x1b[33m    /¯¯\\\n /¯¯\\__/¯¯\\\x1b[0m    Cilium:   OK\n", "status of Cilium", 1),
    "a status of Cilium's agent": ("s.txt", "KVStore:   Disabled\nKubernetes:   Ok\n", "status of Cilium", 1),
    "a kind that is a number": ("dump.json", '{"kind": 7, "metadata": {}}', "holds no Kubernetes objects", None),
    "half of a UTF-16 file": ("dump.json", b"\xff\xfe{\x00\xd8", "begins as utf-16 but is not", 1),
}
"""Name and content of a file, part of the message, and the line that it must name."""


@pytest.mark.parametrize(("name", "content", "what", "line"), TEXTS.values(), ids=TEXTS)
def test_broken_files_are_refused_with_their_line(
    name: str, content: str | bytes, what: str, line: int | None, tmp_path: Path
) -> None:
    """A file that cannot be read as objects is refused, and the message names it and where it breaks."""
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)

    problem = refusal(path)
    assert what in problem.what
    assert problem.file in (name, str(path))
    if line is not None:
        assert problem.line == line


def refusal(path: Path) -> Problem:
    """The one problem for which a path is refused."""
    with pytest.raises(MeshlabError) as error:
        read_facts([path])
    (problem,) = error.value.problems
    return problem


def test_all_paths_are_reported_together(tmp_path: Path) -> None:
    """Two paths that are wrong give two problems at once."""
    with pytest.raises(MeshlabError) as error:
        read_facts([tmp_path / "missing.json", tmp_path])

    assert [problem.what for problem in error.value.problems] == [
        "no such file or folder",
        "holds no Kubernetes objects",
    ]


def test_a_broken_dump_in_a_folder_is_named(tmp_path: Path) -> None:
    """A folder's facts would be wrong without the file that is broken, so the folder is refused by its name."""
    write(tmp_path, node(), name="nodes.json")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "pods.json").write_text('{"apiVersion": "v1", "kind": "PodList", "items": [')

    assert refusal(tmp_path).file == f"{tmp_path.name}/shop/pods.json"


def test_other_files_in_a_folder_do_no_harm(tmp_path: Path) -> None:
    """Broken settings and texts beside a dump are passed over, for they hold no objects."""
    write(tmp_path, node(), name="nodes.json")
    (tmp_path / "settings.json").write_text("{broken")
    (tmp_path / "notes.yaml").write_text("- a: b: c")
    (tmp_path / "image.png").write_bytes(b"\x89PNG")

    assert read_facts([tmp_path])["nodes"]["count"] == 1


def test_hidden_folders_belong_to_other_tools(tmp_path: Path) -> None:
    """What lies in a hidden folder, such as modules that Terraform fetched, is not the cluster's."""
    folder = tmp_path / ".given" / "dump"
    (folder / ".terraform" / "modules").mkdir(parents=True)
    write(folder, node(), name="nodes.json")
    write(folder / ".terraform" / "modules", node("another"), name="nodes.json")

    assert read_facts([folder])["nodes"]["count"] == 1


# --- archives ------------------------------------------------------------------------------------------------------


PACKERS: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "xz": lzma.compress, "bz2": bz2.compress}


@pytest.mark.parametrize("packer", PACKERS)
def test_cut_off_archives_are_named(packer: str, tmp_path: Path) -> None:
    """An archive that ends too early is refused at whatever byte it ends."""
    plain = gzip.decompress(
        tar_gz(tmp_path / "whole.tar.gz", {"a/nodes.json": json.dumps(listed(node()))}).read_bytes()
    )
    whole = PACKERS[packer](plain)

    for size in range(20, len(whole) - 1, 37):
        path = tmp_path / "cut.tar.gz"
        path.write_bytes(whole[:size])
        assert refusal(path).what == "is a damaged, encrypted or cut-off archive"


@pytest.mark.parametrize(
    "name", ["../nodes.json", "/etc/nodes.json", "a/../../nodes.json", "..\\nodes.json", "C:/a.json"]
)
@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_names_outside_of_the_archive_are_refused(name: str, kind: str, tmp_path: Path) -> None:
    """A member that would lie outside of the archive is refused by its name, though nothing is unpacked."""
    content = json.dumps(listed(node()))
    path = tmp_path / f"dump.{kind}"
    if kind == "tar":
        tar_gz(path, {name: content})
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(zipfile.ZipInfo(name), content)

    assert "lies outside of it" in refusal(path).what
    assert not list(tmp_path.parent.glob("nodes.json"))


def test_links_in_a_zip_are_refused(tmp_path: Path) -> None:
    """A symbolic link in a zip is refused by its name."""
    path = tmp_path / "dump.zip"
    with zipfile.ZipFile(path, "w") as archive:
        entry = zipfile.ZipInfo("a/link.json")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")

    assert refusal(path) == Problem("dump.zip!a/link.json", "is a symbolic link in a zip", archives.TODO)


@pytest.mark.parametrize(("target", "refused"), [("/etc/passwd", True), ("../../x", True), ("nodes.json", False)])
def test_links_in_a_tar_are_never_followed(target: str, tmp_path: Path, *, refused: bool) -> None:
    """A link within the archive is passed over, as troubleshoot's bundles hold some; one that leaves it is refused."""
    path = tmp_path / "dump.tar.gz"
    tar_gz(path, {"a/nodes.json": json.dumps(listed(node()))})
    data = gzip.decompress(path.read_bytes())
    link = tarfile.TarInfo("a/link.json")
    link.type, link.linkname = tarfile.SYMTYPE, target
    path.write_bytes(gzip.compress(link.tobuf() + data))

    if refused:
        assert "a place outside of the archive" in refusal(path).what
    else:
        assert read_facts([path])["nodes"]["count"] == 1


@pytest.mark.parametrize("packer", PACKERS)
def test_archive_bombs_are_refused_early(packer: str, tmp_path: Path) -> None:
    """A quarter of a gigabyte in a quarter of a megabyte is refused before it is unpacked."""
    path = tmp_path / f"bomb.json.{packer}"
    path.write_bytes(PACKERS[packer](bytes(256 << 20)))

    assert refusal(path).what == "unpacks to more than 250 times its size, as archive bombs do"


def test_bombs_in_zips_are_refused_by_their_member(tmp_path: Path) -> None:
    """A member of a zip that unpacks out of proportion is refused by its name."""
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a/pods.json", "w") as stream:
        for _ in range(256):
            stream.write(bytes(1 << 20))

    assert refusal(path).file == "bomb.zip!a/pods.json"


def test_archives_within_archives_end_somewhere(tmp_path: Path) -> None:
    """Archives nested a few deep are read; deeper ones are refused."""

    def nested(depth: int) -> Path:
        path = tar_gz(tmp_path / "0.tar.gz", {"nodes.json": json.dumps(listed(node()))})
        for level in range(1, depth + 1):
            path = tar_gz(tmp_path / f"{level}.tar.gz", {f"in/{level}.tar.gz": path.read_bytes()})
        return path

    assert read_facts([nested(archives.MAXIMUM_NESTING)])["nodes"]["count"] == 1
    assert "nests archives more than 3 deep" in refusal(nested(archives.MAXIMUM_NESTING + 1)).what


def test_what_is_read_is_bounded(tmp_path: Path) -> None:
    """Files beyond the bytes, the unpacked bytes or the number allowed are refused by the limit that they break."""
    content = json.dumps(listed(node()))
    path = tar_gz(tmp_path / "dump.tar.gz", {"a.json": content, "b.json": content})

    for budget, what in (
        (archives.Budget(read_bytes=100), "to read"),
        (archives.Budget(unpacked_bytes=100), "unpacks to more than"),
        (archives.Budget(members=1), "files"),
    ):
        with path.open("rb") as stream, pytest.raises(MeshlabError, match=what):
            list(archives.members(stream, path.name, lambda _: True, budget))


def test_files_that_lie_about_their_size_are_refused(tmp_path: Path) -> None:
    """A zip whose headers promise other content than it holds is damaged."""
    path = tmp_path / "dump.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("nodes.json", json.dumps(listed(node())))
    path.write_bytes(path.read_bytes().replace(b"node-1", b"node-2"))

    assert refusal(path).what == "is a damaged, encrypted or cut-off archive"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes")
def test_pipes_and_links_in_a_folder_are_passed_over(tmp_path: Path) -> None:
    """What is no plain file in a folder is never opened."""
    write(tmp_path, node(), name="nodes.json")
    os.mkfifo(tmp_path / "pods.json")
    (tmp_path / "services.json").symlink_to("/dev/zero")

    assert read_facts([tmp_path])["nodes"]["count"] == 1


# --- objects -------------------------------------------------------------------------------------------------------


def test_an_object_that_does_not_fit_is_refused_in_words(tmp_path: Path) -> None:
    """A node with a kernel that is a number counts as a node; its kernel is unknown, and so is the oldest."""
    broken = node("odd")
    broken["status"]["nodeInfo"]["kernelVersion"] = [5]

    found = facts(tmp_path, node(), broken)
    assert found["nodes"]["count"] == 2
    assert found["nodes"]["kernel_oldest"] is None
    (refused,) = found["refused"]
    assert (refused["kind"], refused["name"], refused["from"]) == ("Node", "odd", "dump.json")
    assert "$.status.nodeInfo.kernelVersion" in refused["what"]


def test_an_object_without_a_body_still_counts(tmp_path: Path) -> None:
    """Pods whose metadata or specification is missing are pods, with nothing known of them."""
    found = facts(tmp_path, pod(), {"kind": "Pod", "apiVersion": "v1"}, {"kind": "Pod", "metadata": 3})

    assert found["workload"]["pods"] == 3
    assert found["workload"]["cpu_request_cores"] is None


def test_policies_that_cannot_be_read_leave_their_count_unknown(tmp_path: Path) -> None:
    """A policy whose rules are not as they should be leaves the number of L7 policies unknown, with the reason."""
    broken = resource("AuthorizationPolicy", "security.istio.io/v1", spec={"rules": "all"})

    found = facts(tmp_path, broken)
    assert found["policy"]["l7_policies"] is None
    assert found["provenance"]["policy.l7_policies"]["why"] == "1 of the objects could not be read"


def test_messages_quote_nothing_of_the_content(tmp_path: Path) -> None:
    """A value that stands where a file breaks is in no message."""
    for name, content in (
        ("a.json", '{"kind": "Secret", "data": {"password": "hunter2" hunter2 }}'),
        ("b.yaml", "kind: Secret\ndata: {password: *hunter2}"),
        ("c.yaml", "kind: Secret\ndata: !hunter2 [hunter2"),
        ("d.yaml", "kind: Pod\nspec: 'hunter2"),
        ("e.json", json.dumps(pod(containers="hunter2"))),
    ):
        (tmp_path / name).write_text(content)
        try:
            text = json.dumps(read_facts([tmp_path / name]))
        except MeshlabError as error:
            text = str(error)
        assert "hunter2" not in text


@pytest.mark.parametrize("packer", PACKERS)
def test_packed_files_are_read_with_what_follows_them(packer: str, tmp_path: Path) -> None:
    """A file that is packed alone is read; so is one in two streams, and behind what fills the last block."""
    pack, content = PACKERS[packer], json.dumps(listed(node())).encode()
    (tmp_path / f"nodes.json.{packer}").write_bytes(pack(content[:99]) + pack(content[99:]) + bytes(8))

    assert read_facts([tmp_path / f"nodes.json.{packer}"])["nodes"]["count"] == 1


def test_xz_takes_no_memory_without_a_bound(tmp_path: Path) -> None:
    """A dictionary larger than any preset's, which the header asks for, is refused."""
    path = tmp_path / "nodes.json.xz"
    path.write_bytes(lzma.compress(b"{}", filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 192 << 20}]))

    assert refusal(path).what == "is a damaged, encrypted or cut-off archive"


def test_gzip_of_one_file_is_read(tmp_path: Path) -> None:
    """A dump that was compressed by itself is a dump."""
    path = tmp_path / "nodes.json.gz"
    path.write_bytes(gzip.compress(json.dumps(listed(node())).encode()))

    assert read_facts([path])["nodes"]["count"] == 1


def test_plain_tar_and_zip_are_read(tmp_path: Path) -> None:
    """An archive need not be compressed, and a zip is one."""
    content = json.dumps(listed(node())).encode()
    plain, zipped = tmp_path / "dump.tar", tmp_path / "dump.zip"
    with tarfile.open(plain, "w") as archive:
        entry = tarfile.TarInfo("nodes.json")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/nodes.json", content)

    assert [read_facts([path])["nodes"]["count"] for path in (plain, zipped)] == [1, 1]
