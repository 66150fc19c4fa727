"""``python -m telefonie_mcp.health``: the health check of a container; status 0 if the server is well.

Asks the server that ``TELEFONIE_HTTP`` puts on an address. Over stdio there is nobody to ask: the client sees
for itself that the process has ended.
"""

import os
import sys
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

from telefonie_mcp.errors import SettingsError
from telefonie_mcp.settings.reading import read_settings

__all__ = ["main"]

_SECONDS = 5.0


def main() -> int:
    """Return the status of the process: 0, or 1 where the server is not well or its settings are wrong."""
    try:
        address = read_settings(os.environ).http
        if address is None:
            return 0
        with closing(HTTPConnection(address.host, address.port, timeout=_SECONDS)) as connection:
            connection.request("GET", "/healthz")
            return 0 if connection.getresponse().status == HTTPStatus.OK else 1
    except (OSError, HTTPException, SettingsError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
