"""English, as far as the rules read it."""

from shared.adapters.offline.english.clauses import parse, without_connective
from shared.adapters.offline.english.facts import read_facts
from shared.adapters.offline.english.nouns import is_hollow, is_person, sort_of

__all__ = ["is_hollow", "is_person", "parse", "read_facts", "sort_of", "without_connective"]
