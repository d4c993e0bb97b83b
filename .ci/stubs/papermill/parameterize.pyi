from collections.abc import Mapping

from nbformat import NotebookNode

def parameterize_notebook(
    nb: NotebookNode, parameters: Mapping[str, object], *, kernel_name: str, engine_name: str | None
) -> NotebookNode: ...
