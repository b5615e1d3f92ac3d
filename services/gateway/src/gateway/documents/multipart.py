"""Multipart bodies: a document with its title and options, decoded to what a JSON body would have been."""

from collections.abc import AsyncGenerator, Callable
from pathlib import PurePath

import msgspec
from msgspec.structs import replace
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from gateway.documents.document_reader import DocumentReader
from gateway.documents.reading_process import Reading
from gateway.http.request_bodies import MAX_TITLE, CollectionRequest, Title, to_collection_input
from shared.domain.document_limits import DocumentLimits
from shared.domain.errors import FieldProblem, InvalidFields, RequestError, StudyError, TooLarge
from shared.domain.jobs.payload import CollectionInput
from shared.domain.study.material import Options
from shared.runtime.http.disconnect import until_disconnect
from shared.runtime.http.request_body import JSON_BYTES, BodyDecoder, require_uncompressed

FIELDS_BYTES = JSON_BYTES
"""Limit of the fields around the document, in bytes."""
FIELDS = ("file", "title", "options")

_options = BodyDecoder(Options)


async def read_upload(
    request: Request, user: str, documents: DocumentReader, limits: DocumentLimits
) -> CollectionInput:
    """Raises what `DocumentReader` raises, `InvalidFields` and `RequestError`."""
    with documents.upload(user) as receive:
        form = await _parse(request, limits.file_bytes, receive)
        try:
            file = _check_fields(form)
            title, options = _title(form), _read_options(form)
            reading = await _read_document(request, user, documents, file, limits)
            body = CollectionRequest(text=reading.text, title=title or _name_of(file), options=options)
            return replace(
                to_collection_input(body), places=reading.places, unread_pages=reading.unread_pages
            )
        finally:
            await form.close()


async def _parse(request: Request, file_bytes: int, receive: Callable[[int], None]) -> FormData:
    """Parse the body as it arrives. A large file is kept on the disk."""
    require_uncompressed(request.headers.get("content-encoding", ""))
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > file_bytes + FIELDS_BYTES:
        raise TooLarge(limit=file_bytes)
    try:
        parser = MultiPartParser(
            request.headers,
            _limited(request, file_bytes, receive),
            max_files=2,
            max_fields=8,
            max_part_size=FIELDS_BYTES,
        )
        return await parser.parse()
    except (MultiPartException, KeyError, UnicodeDecodeError):
        raise RequestError from None


async def _limited(
    request: Request, file_bytes: int, receive: Callable[[int], None]
) -> AsyncGenerator[bytes]:
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        receive(len(chunk))
        if received > file_bytes + FIELDS_BYTES:
            raise TooLarge(limit=file_bytes)
        yield chunk


async def _read_document(
    request: Request, user: str, documents: DocumentReader, file: UploadFile, limits: DocumentLimits
) -> Reading:
    """The reading ends with the client's connection."""
    if (file.size or 0) > limits.file_bytes:
        raise TooLarge(limit=limits.file_bytes)
    reading = Reading()
    async with until_disconnect(request.receive) as scope:
        reading = await documents.read(user, file.filename or "", await file.read(), limits)
    if scope.expired():
        raise ClientDisconnect
    return reading


def _check_fields(form: FormData) -> UploadFile:
    errors = [FieldProblem(f"/{name}", "unknown_field") for name in form if name not in FIELDS]
    files = form.getlist("file")
    if not files:
        errors.append(FieldProblem("/file", "missing_field"))
    elif len(files) > 1 or isinstance(files[0], str):
        errors.append(FieldProblem("/file", "wrong_type", {"expected": "file"}))
    if errors:
        raise InvalidFields(*errors)
    file = files[0]
    assert isinstance(file, UploadFile)
    return file


def _name_of(file: UploadFile) -> str:
    """The title of a collection whose form has none: the name of its document."""
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
    """Options are JSON in a form field; pointers to their errors begin with `/options`."""
    given = form.get("options", "{}")
    if not isinstance(given, str):
        raise InvalidFields(FieldProblem("/options", "wrong_type", {"expected": "object"}))
    try:
        return _options.decode(given.encode())
    except InvalidFields as error:
        raise InvalidFields(
            *(FieldProblem(f"/options{field.pointer}", field.code, field.params) for field in error.fields)
        ) from None
    except StudyError:
        raise InvalidFields(FieldProblem("/options", "wrong_type", {"expected": "object"})) from None
