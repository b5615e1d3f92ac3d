"""The header that tells programs that a machine made what a response carries.

Its form is that of the Internet-Draft draft-abaris-aicdh-01, "AI Content Disclosure Header": a dictionary of structured fields
(RFC 9651). The draft is no standard; the same is said in `generated_by` and `model` of every body.
"""

NAME = "AI-Disclosure"
MACHINE_GENERATED = "mode=machine-generated"
"""For streams, which begin before it is known which model answers."""


def disclosure_headers(generated_by: str, model: str) -> dict[str, str]:
    """The header for what `generated_by` made with `model`; none where nothing was made yet."""
    if not generated_by:
        return {}
    named = {"model": model, "provider": generated_by}
    members = [f'{key}="{_printable(value)}"' for key, value in named.items() if value]
    return {NAME: ", ".join((MACHINE_GENERATED, *members))}


def _printable(value: str) -> str:
    """What a string of structured fields may hold: printable ASCII, with quotes and backslashes escaped."""
    shown = "".join(char if " " <= char <= "~" else "?" for char in value)
    return shown.replace("\\", "\\\\").replace('"', '\\"')
