"""The bodies that make jobs."""

from gateway.http.request_bodies import AiKind
from shared.domain.jobs.job import AI_KINDS


def test_every_kind_of_the_ai_stream_can_be_requested():
    assert [kind.value for kind in AiKind] == [kind.value for kind in AI_KINDS]
