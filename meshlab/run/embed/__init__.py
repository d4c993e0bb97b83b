"""Blocks in Markdown documents that are filled with charts, tables and verdicts, and checked for being stale."""

from meshlab.run.embed.filling import Filled, check, fill

__all__ = ["Filled", "check", "fill"]
