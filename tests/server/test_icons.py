from urllib.parse import unquote
from xml.etree import ElementTree as ET

from telefonie_mcp.server.icons import ICONS


def test_icons_are_small_pictures_that_fetch_nothing() -> None:
    assert [icon.theme for icon in ICONS] == ["light", "dark"]
    for icon in ICONS:
        kind, _, picture = icon.src.partition(",")
        assert kind == f"data:{icon.mime_type}"
        assert ET.fromstring(unquote(picture)).tag.endswith("svg")
        assert len(icon.src) < 300
        assert icon.src.isascii()
        assert not set(icon.src) & set(' "<>#')
