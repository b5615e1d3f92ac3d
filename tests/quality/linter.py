"""The linter of study items: which flaws an item has.

The nineteen flaws of questions are those of the item-writing guides of Haladyna, Downing and Rodriguez, as Moore and others list
them for automatic review (AIED 2023), as far as rules can see them; those of cards follow Wozniak's rules of formulating
knowledge.
"""

from collections.abc import Mapping

from tests.quality.flaws import cards, options, stem
from tests.quality.item import Flaw, LintedItem

QUESTION_FLAWS: Mapping[str, Flaw] = {
    "ambiguous_stem": stem.has_ambiguous_stem,
    "implausible_distractor": options.has_implausible_distractor,
    "none_of_the_above": options.has_none_of_the_above,
    "all_of_the_above": options.has_all_of_the_above,
    "longest_option_correct": options.has_longest_option_right,
    "gratuitous_information": stem.has_gratuitous_information,
    "true_or_false": stem.is_verdict,
    "convergence_cue": options.has_convergence_cue,
    "logical_cue": options.has_logical_cue,
    "fill_in_the_blank": stem.has_gap_inside,
    "absolute_terms": options.has_absolute_terms,
    "vague_terms": options.has_vague_terms,
    "unfocused_stem": stem.has_unfocused_stem,
    "complex_options": options.has_complex_options,
    "grammatical_cue": options.has_grammatical_cue,
    "lost_sequence": options.has_lost_sequence,
    "more_than_one_correct": options.has_several_right,
    "negative_wording": stem.is_negative,
    "word_repeats": options.repeats_word,
}
CARD_FLAWS: Mapping[str, Flaw] = {
    "several_facts": cards.tells_several_facts,
    "yes_or_no": cards.is_yes_or_no,
    "too_long": cards.is_too_long,
    "fragment": cards.is_fragment,
    "bare_number": cards.hides_bare_number,
    "filler_gap": cards.hides_filler,
    "unclear_subject": stem.has_ambiguous_stem,
    "leaks_answer": cards.leaks_answer,
    "repeats_quote": cards.repeats_quote,
}
SHARED_FLAWS: Mapping[str, Flaw] = {
    "page_talk": stem.has_page_talk,
    "unsupported": cards.is_unsupported,
    "wrong_language": stem.is_in_other_language,
}
EXPLANATION_FLAWS: Mapping[str, Flaw] = {"bad_explanation": cards.is_badly_explained}

FLAWS_OF_CARDS = {**CARD_FLAWS, **SHARED_FLAWS}
FLAWS_OF_QUESTIONS = {**QUESTION_FLAWS, **SHARED_FLAWS, **EXPLANATION_FLAWS}


def flaws_of(item: LintedItem) -> list[str]:
    """The names of the flaws that the item has."""
    rules = FLAWS_OF_CARDS if item.is_card else FLAWS_OF_QUESTIONS
    return [name for name, has_flaw in rules.items() if has_flaw(item)]
