"""Multipart bodies: a document with its title and options, decoded to what a JSON body would have been."""

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
"""Largest multipart body, in bytes: the document and the fields around it."""
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
