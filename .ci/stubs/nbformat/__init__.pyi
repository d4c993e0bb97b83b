# Types of the part of nbformat 5 that meshlab uses: its own code leaves them out.

from collections.abc import Mapping
from typing import Any

class NotebookNode(dict[str, Any]):
    def __getattr__(self, name: str) -> Any: ...
    def __setattr__(self, name: str, value: object) -> None: ...

def from_dict(d: Mapping[str, Any]) -> NotebookNode: ...
