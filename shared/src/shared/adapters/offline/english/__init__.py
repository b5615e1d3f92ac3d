"""The English grammar of the offline generator."""

from shared.adapters.offline.english.clauses import parse, without_connective
from shared.adapters.offline.english.facts import read_facts
from shared.adapters.offline.english.nouns import answer_type_of, is_person, is_unspecific

__all__ = ["answer_type_of", "is_person", "is_unspecific", "parse", "read_facts", "without_connective"]
