import base64

import pytest

from telefonie_mcp.sandbox.porting.attachments import MOST_BYTES
from tests.sandbox.porting.support import PDF, new_customer
from tests.sandbox.support import problem


@pytest.mark.parametrize(
    ("start", "media_type"),
    [
        (b"%PDF-1.4", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"II*\x00", "image/tiff"),
        (b"MM\x00*", "image/tiff"),
    ],
)
async def test_the_first_bytes_decide_the_media_type(start: bytes, media_type: str) -> None:
    async with new_customer() as customer:
        path = await customer.order()
        answer = await customer.upload(path, "invoice", base64.b64encode(start + b"rest").decode())
        (document,) = answer.json()["documents"]
        assert (document["media_type"], document["size"]) == (media_type, len(start) + 4)
        assert document["file_name"] == "invoice.pdf"  # whatever a name says
        assert "content" not in document


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (base64.b64encode(b"PK\x03\x04 a word processor's").decode(), "PDF, PNG, JPEG or TIFF"),
        (base64.b64encode(b"").decode(), "PDF, PNG, JPEG or TIFF"),
        (base64.b64encode(b"GIF89a").decode(), "PDF, PNG, JPEG or TIFF"),
        ("%PDF-1.4", "base64"),
        (PDF + "\n", "base64"),
        (PDF[:-1], "base64"),
        ("äöü", "base64"),
        (base64.b64encode(b"%PDF-" + bytes(MOST_BYTES - 2)).decode(), "3 MB"),
    ],
)
async def test_content_that_is_no_pdf_or_image_is_refused(content: str, why: str) -> None:
    async with new_customer() as customer:
        path = await customer.order()
        answer = await customer.upload(path, content=content)
        body = problem(answer)
        assert (answer.status_code, body["code"], body["field"]) == (400, "invalid_document", "content")
        assert why in body["detail"]
        assert (await customer.get(path))["documents"] == []


async def test_3_mb_are_accepted_and_far_more_is_not_even_received() -> None:
    async with new_customer() as customer:
        path = await customer.order()
        largest = b"%PDF-" + bytes(MOST_BYTES - 5)
        accepted = await customer.upload(path, content=base64.b64encode(largest).decode())
        assert accepted.json()["documents"][0]["size"] == 3_000_000
        refused = await customer.upload(path, content="A" * 4_100_000)
        assert (refused.status_code, problem(refused)["code"]) == (413, "payload_too_large")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"type": "passport"}, "type"),
        ({"type": None}, "type"),
        ({"file_name": ""}, "file_name"),
        ({"file_name": "../../loa.pdf"}, "file_name"),
        ({"file_name": "a\nb"}, "file_name"),
        ({"file_name": "x" * 129}, "file_name"),
        ({"content": 1}, "content"),
        ({"note": "x"}, "note"),
    ],
)
async def test_an_invalid_upload_is_refused(change: dict[str, object], field: str) -> None:
    async with new_customer() as customer:
        path = await customer.order()
        upload = {"type": "loa", "file_name": "loa.pdf", "content": PDF, **change}
        answer = await customer.client.post(f"{path}/documents", json=upload)
        assert (answer.status_code, problem(answer)["field"]) == (400, field)
