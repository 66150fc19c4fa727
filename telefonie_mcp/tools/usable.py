"""Documents as this server can use them: with the operator's keys, and at servers that may receive them."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from telefonie_mcp.errors import SettingsError
from telefonie_mcp.openapi.documents import Document
from telefonie_mcp.openapi.omissions import LeftOut, nothing_left
from telefonie_mcp.openapi.operation import Operation
from telefonie_mcp.openapi.security import Origin
from telefonie_mcp.settings.access import Access, Accesses
from telefonie_mcp.settings.keys import MIN_KEY_LENGTH
from telefonie_mcp.settings.types import keeps_secrets
from telefonie_mcp.upstream.credentials import credentials_for, demand, secrets_in

__all__ = ["secrets_of", "usable_documents"]


def usable_documents(documents: Iterable[Document], accesses: Accesses) -> Iterator[Document]:
    """Yield the documents, each without the operations for which the operator's key or address does not do.

    A packaged document is left out as a whole where there is no key for it, because only added documents have
    one.

    Raises:
        SettingsError: a secret that would be sent is too short to be hidden.
        DocumentError: no operation of an added document can be used.

    """
    for document in documents:
        access = accesses.of(document.origin.stem)
        used: list[Operation] = []
        left_out: list[LeftOut] = []
        for operation in document.operations:
            if reason := _hindrance(operation, access):
                place = f"{document.origin.file or document.id}: {operation.method} {operation.path}"
                left_out.append(LeftOut(operation.id, place, reason))
            else:
                used.append(operation)
        if not used and document.origin.file:
            raise nothing_left(left_out)
        if used:
            bare = any(sent.is_bare for operation in used for sent in access.credentials(operation))
            yield replace(
                document,
                operations=tuple(used),
                left_out=(*document.left_out, *left_out),
                origin=Origin(document.origin.file, access.key_setting, access.url_setting, bare),
            )


def secrets_of(documents: Iterable[Document], accesses: Accesses) -> set[str]:
    """Return what must not be seen of the keys: what is sent of each, or every part of one that is not sent.

    What precedes the colon in ``user:password`` is often an account's identifier, which answers and arguments
    need, and is hidden only where it is a key by itself.
    """
    sent: dict[str, set[str]] = {access.text: set() for access in accesses if access.key}
    for document in documents:
        access = accesses.of(document.origin.stem)
        for operation in document.operations:
            for each in access.credentials(operation):
                sent[access.text] |= {*each.secrets}
    return {part for key, parts in sent.items() for part in parts or secrets_in(key)}


def _hindrance(operation: Operation, access: Access) -> str:
    """Return why an operation cannot be used, as a clause; empty if it can."""
    server = urlsplit(access.server(operation))
    if not server.hostname:
        return (
            "the document leaves the address of its server open, because there is none, it is relative, or a "
            f"variable in it has no default: set {access.url_setting}"
        )
    if credentials_for(operation.security, access.text) is None:
        return demand(operation.security, access.key_setting)
    sent = access.credentials(operation)
    if sent and not keeps_secrets(server.geturl()):
        return f"it would send the API key unencrypted to {server.hostname}; its server must be https"
    if any(len(each.secrets[0]) < MIN_KEY_LENGTH for each in sent):
        raise SettingsError(
            f"{access.key_setting} holds a password or key of fewer than {MIN_KEY_LENGTH} characters, which "
            "could not be told from ordinary text where it must be hidden; ask the provider for a longer one"
        )
    return ""
