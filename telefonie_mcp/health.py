"""``python -m telefonie_mcp.health``: the health check of a container; status 0 if the server is healthy.

Requests ``/healthz`` of the server at ``TELEFONIE_HTTP``. A stdio server has no address and counts as
healthy: its client notices when the process ends.
"""

import os
import sys
from http import HTTPStatus

from telefonie_mcp.errors import SettingsError
from telefonie_mcp.settings.reading import read_settings
from telefonie_mcp.upstream.client import get_status

__all__ = ["main"]

_SECONDS = 5.0


def main() -> int:
    """Return the exit status: 0, or 1 if the server is not healthy or the settings are invalid."""
    try:
        address = read_settings(os.environ).http
        if address is None:
            return 0
        status = get_status(f"http://{address}/healthz", seconds=_SECONDS)
    except (OSError, SettingsError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0 if status == HTTPStatus.OK else 1


if __name__ == "__main__":
    sys.exit(main())
