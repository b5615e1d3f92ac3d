"""Writes the equations of Office documents on one line: simple powers and indices as such, the rest as in TeX."""

from collections.abc import Callable

from gateway.documents.formats.archive import Element, local_name

_POWERS = dict(zip("0123456789+-=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿ", strict=True))
_INDICES = dict(zip("0123456789+-=()", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎", strict=True))


def equation(element: Element) -> str:
    """The text of an element of Office Math."""
    return "".join(map(_part, element))


def _part(element: Element) -> str:
    name = local_name(element)
    if name == "t":
        return element.text or ""
    if name.endswith("Pr") or not name:
        return ""
    return _FORMS.get(name, equation)(element)


def _argument(element: Element, name: str) -> str:
    found = element.find(f"{{*}}{name}")
    return equation(found).strip() if found is not None else ""


def _property(element: Element, name: str, default: str) -> str:
    found = element.find(f"{{*}}{local_name(element)}Pr/{{*}}{name}")
    if found is None:
        return default
    return next((str(value) for key, value in found.attrib.items() if str(key).endswith("val")), "")


def _raised(text: str) -> str:
    return _script(text, "^", _POWERS)


def _lowered(text: str) -> str:
    return _script(text, "_", _INDICES)


def _script(text: str, mark: str, forms: dict[str, str]) -> str:
    if not text or all(char in forms for char in text):
        return "".join(forms[char] for char in text)
    return f"{mark}{text}" if len(text) == 1 else f"{mark}{{{text}}}"


def _fraction(element: Element) -> str:
    return f"\\frac{{{_argument(element, 'num')}}}{{{_argument(element, 'den')}}}"


def _root(element: Element) -> str:
    degree = _argument(element, "deg")
    return f"\\sqrt{f'[{degree}]' if degree else ''}{{{_argument(element, 'e')}}}"


def _sum(element: Element) -> str:
    lower, upper = _argument(element, "sub"), _argument(element, "sup")
    bounds = (f"_{{{lower}}}" if lower else "") + (f"^{{{upper}}}" if upper else "")
    return f"{_property(element, 'chr', '∫')}{bounds} {_argument(element, 'e')}"


def _bracket(element: Element) -> str:
    inner = _property(element, "sepChr", "|").join(equation(one).strip() for one in element.iterfind("{*}e"))
    return f"{_property(element, 'begChr', '(')}{inner}{_property(element, 'endChr', ')')}"


def _matrix(element: Element) -> str:
    rows = (
        " & ".join(equation(one).strip() for one in row.iterfind("{*}e")) for row in element.iterfind("{*}mr")
    )
    return "\\begin{matrix} " + " \\\\ ".join(rows) + " \\end{matrix}"


_FORMS: dict[str, Callable[[Element], str]] = {
    "f": _fraction,
    "rad": _root,
    "nary": _sum,
    "d": _bracket,
    "m": _matrix,
    "sSup": lambda one: _argument(one, "e") + _raised(_argument(one, "sup")),
    "sSub": lambda one: _argument(one, "e") + _lowered(_argument(one, "sub")),
    "sSubSup": lambda one: (
        _argument(one, "e") + _lowered(_argument(one, "sub")) + _raised(_argument(one, "sup"))
    ),
    "func": lambda one: f"{_argument(one, 'fName')} {_argument(one, 'e')}",
    "limLow": lambda one: f"{_argument(one, 'e')}_{{{_argument(one, 'lim')}}}",
    "limUpp": lambda one: f"{_argument(one, 'e')}^{{{_argument(one, 'lim')}}}",
}
