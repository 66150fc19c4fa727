"""The server's icon, a handset, for light and dark backgrounds, as ``data:`` URIs.

Every response of the 2026-07-28 era has it in ``serverInfo``, which models do not read. Tools have no icons:
models do read ``tools/list``, and two icons for each tool would take more space than the tools themselves.
"""

from typing import Final
from urllib.parse import quote

import mcp_types as types

__all__ = ["ICONS"]

_HANDSET: Final = (
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'><path fill='{}' "
    "d='M7 2 3 4c0 10 7 17 17 17l2-4-5-3-3 2c-2-1-4-3-5-5l2-3z'/></svg>"
)


def _icon(theme: types.IconTheme, colour: str) -> types.Icon:
    source = quote(_HANDSET.format(colour), safe="='/:")
    return types.Icon(
        src=f"data:image/svg+xml,{source}", mime_type="image/svg+xml", sizes=["any"], theme=theme
    )


ICONS: Final = [_icon("light", "#1a7f5a"), _icon("dark", "#4fd1a1")]
