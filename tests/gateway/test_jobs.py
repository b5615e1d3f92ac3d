"""The life of a job, as its owner sees it over HTTP."""

from tests.gateway.desk import SUMMARY, Desk

from shared.domain.ids import is_job_id


async def test_a_submitted_job_is_accepted_with_where_it_is_and_when_to_ask(desk: Desk):
    answer = await desk.client().post("/api/ai", json=SUMMARY)

    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert is_job_id(job["id"])
    assert answer.headers["Location"] == f"/api/ai/{job['id']}"
    assert answer.headers["Retry-After"] == "2"
