"""Settings → documents and tools. What is read and derived once serves all settings that do not differ in it.

A server with tenants has many settings, most of which lead to the same tools. Their keys differ, and decide
only which operations can be used.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Final, NamedTuple, TypeVar, cast

from telefonie_mcp.errors import DocumentError, SettingsError
from telefonie_mcp.openapi.documents import Document, load_documents
from telefonie_mcp.openapi.toolsets import BASE
from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.tools.catalog import Catalog, check_number_types, restrict, with_currency
from telefonie_mcp.tools.derivation import build_catalog

__all__ = ["Catalogs", "Loaded"]

_KEPT: Final = 64
"""Results of one kind that are kept; of another one, the oldest is made again when it is needed."""

_T = TypeVar("_T")


class Loaded(NamedTuple):
    """What settings lead to.

    Attributes:
        documents: The documents whose tools are listed.
        catalog: The tools.

    """

    documents: tuple[Document, ...]
    catalog: Catalog


class Catalogs:
    """Documents and tools, by the settings that decide about them."""

    def __init__(self) -> None:
        self._made: OrderedDict[Hashable, Any] = OrderedDict()

    def of(self, settings: Settings) -> Loaded:
        """Return the documents and tools for ``settings``.

        Raises:
            SettingsError: the API key cannot be read or is too short, a setting names a tool or number type
                that does not exist, or no tool is left.
            DocumentError: a document is invalid, or needs another mode, or no operation of it can be used.

        """
        toolsets = settings.listed_toolsets
        wanted = frozenset({BASE, *toolsets})
        source = (settings.mode, settings.spec, wanted)
        loaded = self._kept(("read", *source), lambda: _read(settings, wanted))
        absent, usable = settings.absent_toolsets, loaded
        if settings.mode == "live":
            from telefonie_mcp.tools.usable import usable_documents  # noqa: PLC0415 - the sandbox takes all

            usable = tuple(usable_documents(loaded, settings.accesses))
            if len(usable) < len(loaded):
                absent = "The tools of Telefonie's own API are off; the operator can set TELEFONIE_API_KEY."
        found = tuple((each.id, each.origin, each.left_out, len(each.operations)) for each in usable)
        derived = (*source, found, settings.currency)
        whole = self._kept(("derived", *derived), lambda: _derived(usable, settings))
        chosen = (toolsets, settings.read_only, settings.tools, settings.exclude_tools, settings.number_types)
        return self._kept(("chosen", *derived, *chosen, absent), lambda: _chosen(whole, settings, absent))

    def _kept(self, key: Hashable, make: Callable[[], _T]) -> _T:
        if key in self._made:
            self._made.move_to_end(key)
            return cast("_T", self._made[key])
        made = self._made[key] = make()
        if len(self._made) > _KEPT:
            self._made.popitem(last=False)
        return made


def _read(settings: Settings, toolsets: frozenset[str]) -> tuple[Document, ...]:
    loaded = load_documents(settings.spec, toolsets=toolsets)
    if settings.mode == "sandbox" and (strange := [d.title for d in loaded if not d.packaged]):
        raise DocumentError(
            f"the embedded sandbox does not implement {', '.join(strange)}; set TELEFONIE_API_KEY, or "
            "TELEFONIE_SPEC_CREDENTIALS if it has a key of its own"
        )
    return loaded


def _derived(documents: tuple[Document, ...], settings: Settings) -> Loaded:
    catalog = with_currency(build_catalog(documents), settings.currency)
    if settings.spec:
        from telefonie_mcp.tools.schema_checks import check_schemas  # noqa: PLC0415 - needs the validator

        catalog = check_schemas(catalog)
    return Loaded(documents, catalog)


def _chosen(whole: Loaded, settings: Settings, absent: str) -> Loaded:
    check_number_types(whole.catalog, settings.number_types)
    toolsets = settings.listed_toolsets
    catalog = restrict(
        whole.catalog,
        toolsets=toolsets,
        read_only=settings.read_only,
        tools=settings.tools,
        exclude_tools=settings.exclude_tools,
        absent=absent,
    )
    if not catalog.tools:
        blamed = " and ".join(sorted({*catalog.switched_off.values()}))
        raise SettingsError(f"no tool is left after {blamed}. {catalog.absent}".strip())
    documents = tuple(each for each in whole.documents if each.toolset in {"", *toolsets})
    return Loaded(documents, catalog)
