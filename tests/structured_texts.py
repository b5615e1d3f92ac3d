"""Texts of tables, lists, tags and times in any order."""

from hypothesis import strategies as st

_PIECES = (
    *"ab1É|;,\t:=-–>< \n",
    *("\n\n", "| ", "|---|", "\n- ", "a: b\n", "00:01 ", "```\n", '"'),
    *("<p>", "</p>", "<tr>", "<td>", "<th>", "</tr>", "<li>", "<dt>", "<dd>", "<h1>"),
    *("<table>", "</table>", "<script>", "</script>"),
)
STRUCTURED_TEXT = st.lists(st.sampled_from(_PIECES), max_size=80).map("".join)
