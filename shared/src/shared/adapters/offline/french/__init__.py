"""The French grammar of the offline generator."""

from shared.adapters.offline.french.clauses import parse, without_connective
from shared.adapters.offline.french.facts import read_facts
from shared.adapters.offline.french.nouns import answer_type_of, is_person, is_unspecific

__all__ = ["answer_type_of", "is_person", "is_unspecific", "parse", "read_facts", "without_connective"]
