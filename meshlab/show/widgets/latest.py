"""Computing in the background, the newest question only: a hand never waits for what it has left behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from meshlab.errors import MeshlabError


class Latest:
    """Computes in the background and shows the answer to the newest question; questions in between are dropped.

    Args:
        compute: What may take long; runs in a thread.
        show: Takes the answer, in the kernel's own thread.
        fail: Takes the error where the input was wrong.
        pause_s: How long to wait for a newer question before one is computed. [s]
    """

    def __init__(
        self,
        compute: Callable[[Any], Any],
        show: Callable[[Any], None],
        fail: Callable[[MeshlabError], None],
        pause_s: float = 0.0,
    ) -> None:
        self.compute, self.show, self.fail, self.pause_s = compute, show, fail, pause_s
        self._questions: list[object] = []
        self._task: asyncio.Task[None] | None = None

    def ask(self, question: object) -> None:
        """Answer this question next. Without a running event loop, as under tests, at once."""
        self._questions = [question]
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._outcome(self._questions.pop())()
            return
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._work())

    async def _work(self) -> None:
        while self._questions:
            await self._quiet()
            outcome = await asyncio.to_thread(self._outcome, self._questions.pop())
            outcome()

    async def _quiet(self) -> None:
        """Wait until no newer question has come for the length of the pause."""
        asked = None
        while self.pause_s and asked is not self._questions:
            asked = self._questions
            await asyncio.sleep(self.pause_s)

    def _outcome(self, question: object) -> Callable[[], None]:
        """What is left to do in the kernel's own thread once the answer is known."""
        try:
            return partial(self.show, self.compute(question))
        except MeshlabError as error:
            return partial(self.fail, error)


class Once:
    """What is made of a scenario, made once for all who ask for it while it is the newest."""

    def __init__(self, compute: Callable[[Mapping[str, Any]], Any]) -> None:
        self.compute = compute
        self._lock = threading.Lock()
        self._made: tuple[Mapping[str, Any], Any] | None = None

    def __call__(self, values: Mapping[str, Any]) -> Any:
        """What is made of these values; whoever asks while that is worked out waits for it."""
        with self._lock:
            if self._made is None or self._made[0] != values:
                self._made = values, self.compute(values)
            return self._made[1]
