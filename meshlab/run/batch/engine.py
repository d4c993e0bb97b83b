"""A papermill engine whose kernels are forked: ``papermill --engine meshlab``.

papermill loads engines while it is itself being imported, so the engine's class is made when it is first asked for.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

PRELOADED = "meshlab.run.batch.preloaded"
"""Module that imports what meshlab's workbooks need."""


def __getattr__(name: str) -> Any:
    if name == "MeshlabEngine":
        return engine_class()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@cache
def engine_class() -> type:
    """The engine that papermill registers as ``meshlab``."""
    from papermill.engines import NBClientEngine

    class MeshlabEngine(NBClientEngine):
        """papermill's own engine, with kernels that are forked."""

        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, *args: Any, **named: Any) -> Any:
            """Run the notebook."""
            from meshlab.run.batch.kernels import Manager, forker

            if any("meshlab" in cell.source for cell in nb_man.nb.cells):
                forker.call(import_module, PRELOADED)
            return super().execute_managed_notebook(
                nb_man, kernel_name, *args, **{"kernel_manager_class": Manager, **named}
            )

    return MeshlabEngine
