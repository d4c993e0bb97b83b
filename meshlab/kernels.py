"""The kernel that a workbook runs in: this very Python, reached through files rather than ports."""

from __future__ import annotations

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from traitlets import CaselessStrEnum


class LocalKernelManager(AsyncKernelManager):
    """A kernel of the Python that renders, whatever kernels the user has registered, on no port at all."""

    transport = CaselessStrEnum(["tcp", "ipc"], default_value="ipc", config=True)

    @property
    def kernel_spec(self) -> KernelSpec:
        """The kernel of the running Python."""
        from ipykernel.kernelspec import get_kernel_dict

        return KernelSpec(**get_kernel_dict())
