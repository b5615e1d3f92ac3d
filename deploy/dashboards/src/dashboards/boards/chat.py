"""Do students see the first words fast?"""

from dashboards.board import Board, Row
from dashboards.panels import PER_SECOND, SECONDS, SHARE, USD, heat, lines, number
from dashboards.promql import gauge, or_none, quantile, quantiles, rate, share, total

FIRST_CHUNK = "gen_ai_client_inference_time_to_first_chunk_seconds"
CHATS = 'http_route="/api/chat"'
ANSWERS = "http_server_request_duration_seconds_count"
BROKEN = f'{CHATS}, job="gateway", http_response_status_code=~"5.."'

BOARD = Board(
    uid="etude-chat",
    title="Do students see the first words of an answer fast?",
    reading=(
        "Yes, when 95 % of the answers begin within 2.56 s. Slow for one model is the provider; slow for all of them is "
        "our event loop, or Redis. Students who hang up early have usually waited too long."
    ),
    rows=(
        Row(
            "Now",
            (
                number(
                    "Which share of the answers begins in time?",
                    "First words within 2.56 s, in the last hour. 95 % are promised.",
                    share(
                        rate(f"{FIRST_CHUNK}_bucket", where='le="2.56"', window="1h"),
                        rate(f"{FIRST_CHUNK}_count", window="1h"),
                    ),
                    unit=SHARE,
                ),
                number(
                    "How many answers are being written?",
                    "Open streams.",
                    gauge("etude_chat_streams_active"),
                ),
                number(
                    "Which share of questions fails?",
                    "5xx at the gateway, in the last hour.",
                    share(
                        or_none(rate(ANSWERS, where=BROKEN, window="1h")),
                        rate(ANSWERS, where=f'{CHATS}, job="gateway"', window="1h"),
                    ),
                    unit=SHARE,
                    warn=0.01,
                    bad=0.05,
                ),
                number(
                    "What did chat cost in the last day?",
                    "In USD.",
                    or_none(total("etude_llm_cost_usd_total", where='kind="chat"', window="1d")),
                    unit=USD,
                ),
            ),
        ),
        Row(
            "First words",
            (
                heat(
                    "How long until the first words?", "All answers, by time to the first chunk.", FIRST_CHUNK
                ),
                lines(
                    "How long, by model?",
                    "Median and 95th percentile.",
                    {
                        "p50 {{gen_ai_request_model}}": quantile(0.5, FIRST_CHUNK, by="gen_ai_request_model"),
                        "p95 {{gen_ai_request_model}}": quantile(
                            0.95, FIRST_CHUNK, by="gen_ai_request_model"
                        ),
                    },
                    unit=SECONDS,
                    warn=2.56,
                    bad=5.12,
                ),
                lines(
                    "How long until the whole answer?",
                    "Time from the first byte to the last.",
                    quantiles("etude_chat_stream_seconds"),
                    unit=SECONDS,
                ),
            ),
        ),
        Row(
            "Answers",
            (
                lines(
                    "How many questions are asked?",
                    "Per second, by status, at the gateway and at the chat service.",
                    {
                        "{{job}} {{http_response_status_code}}": rate(
                            ANSWERS, by="job, http_response_status_code", where=CHATS
                        )
                    },
                    unit=PER_SECOND,
                ),
                lines(
                    "Which side interrupts answers?",
                    "Interrupted answers per second: the client disconnected, or the server failed or stopped.",
                    {"{{by}}": rate("etude_chat_disconnects_total", by="by")},
                    unit=PER_SECOND,
                ),
                lines(
                    "Is the work spread over all processes of chat?",
                    "Open streams, by process.",
                    {"{{instance}}": gauge("etude_chat_streams_active", by="instance")},
                ),
            ),
        ),
    ),
)
