# Types of the part of jupyter_client 8 that meshlab uses: its own code names no types of keys and values.

from typing import Any

class Session:
    def __init__(self, **traits: object) -> None: ...
    def msg(self, msg_type: str, content: dict[str, Any] | None, parent: dict[str, Any] | None) -> dict[str, Any]: ...
