"""The table of a settings struct: its variables, their defaults, and the docstrings of its fields."""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from itertools import pairwise

import msgspec
from msgspec import Struct

from docs.markdown import render_table

NO_DEFAULT = "–"


def settings_table(settings: type[Struct]) -> str:
    """The fields this struct declares itself; those it inherits are in its parent's table."""
    own = field_docstrings(settings)
    rows = [
        (f"`{field.encode_name}`", default_of(field), own[field.name])
        for field in msgspec.structs.fields(settings)
        if field.name in own
    ]
    return render_table(("variable", "default", "meaning"), rows)


def default_of(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "required"
    default: object = field.default
    if default in (msgspec.NODEFAULT, "", None, ()):
        return NO_DEFAULT
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def field_docstrings(settings: type[Struct]) -> dict[str, str]:
    """The docstring under each field of a class, on one line. A field without one has an empty text."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(settings)))
    body = tree.body[0]
    assert isinstance(body, ast.ClassDef)
    return dict(_documented_fields(body))


def _documented_fields(body: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for statement, following in pairwise([*body.body, ast.Pass()]):
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name, _text_of(following)
            case _:
                pass


def _text_of(statement: ast.stmt) -> str:
    match statement:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return " ".join(text.split())
        case _:
            return ""
