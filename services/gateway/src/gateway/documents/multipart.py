"""Multipart bodies: a document, and what goes with it, as the request a JSON body would have been."""

from collections.abc import AsyncIterator
from pathlib import PurePath

import msgspec
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from gateway.documents.text_extraction import DOCUMENT_BYTES, DocumentReader
from gateway.http.request_bodies import MAX_TITLE, CollectionRequest, Title
from shared.domain.errors import FieldProblem, InvalidFields, RequestError, StudyError
from shared.domain.study.material import Options
from shared.runtime.http.request_body import JSON_BYTES, BodyDecoder, read_body

FORM_BYTES = DOCUMENT_BYTES + JSON_BYTES
"""Of the whole body: the document and what stands around it."""
FIELDS = ("file", "title", "options")

_options = BodyDecoder(Options)


async def read_upload(request: Request, documents: DocumentReader) -> CollectionRequest:
    """Raises what `DocumentReader.read` raises, `InvalidFields` and `RequestError`."""
    body = await read_body(
        request.stream(), declared=request.headers.get("content-length", ""), limit=FORM_BYTES
    )
    form = await _parse(request.headers, body)
    try:
        file = _check_fields(form)
        title, options = _title(form), _read_options(form)
        text = await documents.read(file.filename or "", await file.read())
        return CollectionRequest(text=text, title=title or _name_of(file), options=options)
    finally:
        await form.close()


async def _parse(headers: Headers, body: bytes) -> FormData:
    async def chunks() -> AsyncIterator[bytes]:
        yield body
        yield b""

    try:
        parser = MultiPartParser(headers, chunks(), max_files=2, max_fields=8, max_part_size=JSON_BYTES)  # pyright: ignore[reportArgumentType] - it only iterates
        return await parser.parse()
    except (MultiPartException, KeyError, UnicodeDecodeError):
        raise RequestError from None


def _check_fields(form: FormData) -> UploadFile:
    faults = [FieldProblem(f"/{name}", "unknown_field") for name in form if name not in FIELDS]
    files = form.getlist("file")
    if not files:
        faults.append(FieldProblem("/file", "missing_field"))
    elif len(files) > 1 or isinstance(files[0], str):
        faults.append(FieldProblem("/file", "wrong_type", {"expected": "file"}))
    if faults:
        raise InvalidFields(*faults)
    file = files[0]
    assert isinstance(file, UploadFile)
    return file


def _name_of(file: UploadFile) -> str:
    """What a document without a title is called."""
    return PurePath(file.filename or "").stem.replace("\0", "")[:MAX_TITLE]


def _title(form: FormData) -> str:
    title = form.get("title", "")
    try:
        text = msgspec.convert(title, Title)
    except msgspec.ValidationError:
        raise InvalidFields(FieldProblem("/title", "out_of_range", {"expected": f"0–{MAX_TITLE}"})) from None
    if "\0" in text:
        raise InvalidFields(FieldProblem("/title", "nul_character"))
    return text


def _read_options(form: FormData) -> Options:
    """JSON in a form field; its faults are pointed at below `/options`."""
    given = form.get("options", "{}")
    if not isinstance(given, str):
        raise InvalidFields(FieldProblem("/options", "wrong_type", {"expected": "object"}))
    try:
        return _options.decode(given.encode())
    except InvalidFields as error:
        raise InvalidFields(
            *(FieldProblem(f"/options{fault.pointer}", fault.code, fault.params) for fault in error.fields)
        ) from None
    except StudyError:
        raise InvalidFields(FieldProblem("/options", "wrong_type", {"expected": "object"})) from None
