"""The shapes that the client repeats are those of the services, field by field and type by type."""

from collections.abc import Iterator

import pytest
from msgspec import inspect

from etude import api_models, events, study_material
from gateway.events import event_encoding
from gateway.http import schemas
from gateway.routes import usage
from shared.domain import chat
from shared.domain.jobs import events as job_events
from shared.domain.study import material
from shared.runtime.http.problem_details import ProblemView

TWINS: list[tuple[object, object]] = [
    (study_material.Result, material.Result),
    (api_models.Job, schemas.JobView),
    (api_models.Collection, schemas.CollectionView),
    (api_models.Problem, ProblemView),
    (api_models.Usage, usage.AllowanceView),
    (api_models.Estimate, usage.EstimateView),
    (api_models.Options, material.Options),
    (api_models.ChatAnswer, chat.ChatAnswer),
    (events.StatusChanged, event_encoding.StatusView),
    (events.Progressed, job_events.Progressed),
    (events.Finished, event_encoding.DoneView),
]
LEFT_OUT = {
    *("object", "links", "job_id", "fallback_used", "seed", "type", "instance"),
    "Collection",  # a collection is read from its own endpoints, never as the result of a job
}
"""What the services send and the client has no use for."""
ONLY_IN_THE_CLIENT = {"held_tokens", "reused"}
"""Fields of a client type that serves several endpoints, of which some do not send the field."""
TEXT = (inspect.StrType, inspect.EnumType, inspect.LiteralType, inspect.DateTimeType, inspect.UUIDType)


@pytest.mark.parametrize(("client", "server"), TWINS, ids=lambda one: getattr(one, "__name__", "Result"))
def test_a_type_of_the_client_has_the_shape_that_the_services_send(client: object, server: object) -> None:
    assert list(differences(inspect.type_info(client), inspect.type_info(server), "")) == []


def test_a_missing_field_and_another_type_are_differences() -> None:
    flashcard, question = map(inspect.type_info, (material.Flashcard, material.QuizQuestion))
    assert "/front: missing in the services" in list(differences(flashcard, question, ""))
    assert "/question: missing in the client" in list(differences(flashcard, question, ""))
    assert list(differences(inspect.type_info(int), inspect.type_info(str), "/x")) == [
        "/x: integer, not text"
    ]


def differences(client: inspect.Type, server: inspect.Type, path: str) -> Iterator[str]:
    """Where the two types differ in what JSON they read and write."""
    ours, theirs = by_kind(client), by_kind(server)
    if "anything" in theirs:  # stored bytes, which are sent as they are; the stored types are compared too
        return
    for kind in theirs.keys() - ours.keys() - LEFT_OUT:
        yield f"{path}: {' or '.join(ours)}, not {kind}"
    for kind in ours.keys() & theirs.keys():
        yield from member_differences(ours[kind], theirs[kind], path)


def member_differences(client: inspect.Type, server: inspect.Type, path: str) -> Iterator[str]:
    match client, server:
        case inspect.StructType(), inspect.StructType():
            yield from field_differences(client, server, path)
        case inspect.ListType(), inspect.ListType():
            yield from differences(client.item_type, server.item_type, f"{path}/-")
        case inspect.DictType(), inspect.DictType():
            yield from differences(client.value_type, server.value_type, f"{path}/*")
        case _:
            return


def field_differences(client: inspect.StructType, server: inspect.StructType, path: str) -> Iterator[str]:
    ours = {field.encode_name: field.type for field in client.fields}
    theirs = {field.encode_name: field.type for field in server.fields}
    for name in theirs.keys() - ours.keys() - LEFT_OUT:
        yield f"{path}/{name}: missing in the client"
    for name in ours.keys() - theirs.keys() - ONLY_IN_THE_CLIENT:
        yield f"{path}/{name}: missing in the services"
    for name in ours.keys() & theirs.keys():
        yield from differences(ours[name], theirs[name], f"{path}/{name}")


def by_kind(kind: inspect.Type) -> dict[str, inspect.Type]:
    """The members of a union by what they are in JSON; tagged structs by their tag. Null and absence are left out."""
    members = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    absent = (inspect.NoneType, inspect.CustomType)
    return {name_of(member): member for member in members if not isinstance(member, absent)}


def name_of(kind: inspect.Type) -> str:
    match kind:
        case inspect.StructType(tag=str()):
            return kind.cls.__name__
        case inspect.StructType():
            return "object"
        case inspect.ListType():
            return "list"
        case inspect.DictType():
            return "map"
        case inspect.IntType():
            return "integer"
        case inspect.RawType() | inspect.AnyType():
            return "anything"
        case _:
            return "text" if isinstance(kind, TEXT) else type(kind).__name__
