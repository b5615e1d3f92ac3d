"""Which models are asked, by the use, the plan, the settings and the request."""

import pytest

from shared.domain.errors import ModelNotAllowed
from shared.domain.jobs.job import Kind
from shared.domain.llm.model_choice import ModelChains, PlanModels, choose_chain

SETTINGS = ModelChains(default=("small", "reserve"), chat=("quick",))
PRO = PlanModels(chains=ModelChains(quiz=("large", "small")), allowed=("large", "huge"))


@pytest.mark.parametrize(
    ("use", "plan", "requested", "expected"),
    [
        ("summary", PlanModels(), "", ("small", "reserve")),
        ("chat", PlanModels(), "", ("quick",)),
        ("quiz", PRO, "", ("large", "small")),
        ("chat", PRO, "", ("quick",)),
        ("summary", PlanModels(chains=ModelChains(default=("own",))), "", ("own",)),
        ("quiz", PRO, "huge", ("huge", "large", "small")),
        ("quiz", PRO, "large", ("large", "small")),
        ("quiz", PRO, "forbidden", ("large", "small")),
        ("quiz", PlanModels(), "huge", ("small", "reserve")),
        ("a kind of a newer release", PRO, "", ("small", "reserve")),
        ("names", PRO, "", ("small", "reserve")),
    ],
)
def test_the_plan_comes_before_the_settings_and_an_allowed_request_before_both(
    use: str, plan: PlanModels, requested: str, expected: tuple[str, ...]
):
    assert choose_chain(use, plan, SETTINGS, requested=requested) == expected


def test_every_kind_of_job_can_have_a_chain():
    assert {*Kind, "chat", "default"} - {Kind.ITEMS} == set(ModelChains.__struct_fields__)


def test_items_are_added_by_the_models_that_make_collections():
    chains = ModelChains(default=("small",), collection=("large",))
    assert chains.of(Kind.ITEMS) == chains.of(Kind.COLLECTION) == ("large",)


def test_every_model_of_a_plan_is_named_once():
    assert PRO.names == ["large", "small", "huge"]


def test_a_model_outside_the_plan_is_refused_with_the_allowed_ones():
    PRO.require_allowed(None)
    PRO.require_allowed("huge")
    with pytest.raises(ModelNotAllowed) as raised:
        PRO.require_allowed("small")
    assert raised.value.problem.params == {"allowed": "large, huge"}
    with pytest.raises(ModelNotAllowed) as raised:
        PlanModels().require_allowed("small")
    assert raised.value.problem.params == {"allowed": "none"}
