"""Chooses the models that are asked, by the use, the user's plan and the request. Nobody's choice changes what a job may cost."""

from typing import Annotated

from msgspec import Meta, Struct

from shared.domain.errors import ModelNotAllowed

ModelName = Annotated[str, Meta(min_length=1, max_length=100)]
Chain = tuple[ModelName, ...]
"""Models that are asked in turn, each when the one before is busy or unavailable. An empty chain leaves the choice to others."""


class ModelChains(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A chain for each use (a chat, or the kind of a job), and `default` for the uses that have none."""

    default: Chain = ()
    chat: Chain = ()
    flashcards: Chain = ()
    quiz: Chain = ()
    summary: Chain = ()
    explanation: Chain = ()
    outline: Chain = ()
    text: Chain = ()
    collection: Chain = ()

    def of(self, use: str) -> Chain:
        """The chain of a use, which is empty if neither the use nor `default` has one."""
        field = "collection" if use == "items" else use  # what is added is made as the collection was
        own: Chain = getattr(self, field) if field in self.__struct_fields__ else ()
        return own or self.default

    @property
    def names(self) -> list[str]:
        """Every model, once."""
        return list(dict.fromkeys(name for use in self.__struct_fields__ for name in getattr(self, use)))


class PlanModels(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a plan says of models. Without it, the settings choose, and no request may name a model."""

    chains: ModelChains = ModelChains()
    """Chosen before those of the settings."""
    allowed: Chain = ()
    """The models that a request may name."""

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys((*self.chains.names, *self.allowed)))

    def require_allowed(self, model: str | None) -> None:
        """Raises `ModelNotAllowed` for a model that the plan does not allow. None leaves the choice to the plan."""
        if model is not None and model not in self.allowed:
            raise ModelNotAllowed(allowed=", ".join(self.allowed) or "none")


def choose_chain(use: str, plan: PlanModels, settings: ModelChains, *, requested: str = "") -> Chain:
    """The models to ask, in turn: the requested one if the plan allows it, then those of the plan or else of the settings."""
    first = (requested,) if requested in plan.allowed else ()
    return tuple(dict.fromkeys((*first, *(plan.chains.of(use) or settings.of(use)))))
