"""What do tokens cost and waste?"""

from dashboards.board import Board, Row
from dashboards.panels import PER_SECOND, SECONDS, SHARE, USD, lines, number
from dashboards.promql import gauge, highest, or_none, quantile, rate, share, total

MODEL = "gen_ai_request_model"
CALLS = "gen_ai_client_inference_duration_seconds"
INPUT, OUTPUT = (
    "gen_ai_client_inference_usage_input_tokens_total",
    "gen_ai_client_inference_usage_output_tokens_total",
)
CACHED, REASONING = (
    "gen_ai_client_inference_usage_cache_read_input_tokens_total",
    "gen_ai_client_inference_usage_reasoning_output_tokens_total",
)
SUCCEEDED = 'outcome="succeeded"'


def tokens(window: str) -> str:
    return f"({rate(INPUT, window=window)} + {rate(OUTPUT, window=window)})"


BOARD = Board(
    uid="etude-tokens",
    title="What do tokens cost and waste, and is the provider the bottleneck?",
    reading=(
        "Costs are known for models of the price list and of `ETUDE_MODEL_PRICES`; tokens of others are shown as unpriced. Waste is what was paid for and "
        "not used. An open circuit means that nothing is asked, whatever the queue holds."
    ),
    rows=(
        Row(
            "Money",
            (
                number(
                    "What did the last hour cost?",
                    "US dollars, all models.",
                    total("etude_llm_cost_usd_total", window="1h"),
                    unit=USD,
                ),
                number(
                    "What did the last day cost?",
                    "US dollars, all models.",
                    total("etude_llm_cost_usd_total", window="1d"),
                    unit=USD,
                ),
                number(
                    "What does a succeeded job cost?",
                    "All cost of jobs in the last hour, failed ones included, divided by the jobs that succeeded.",
                    share(
                        total("etude_llm_cost_usd_total", where='kind!="chat"', window="1h"),
                        total("etude_jobs_settled_total", where=SUCCEEDED, window="1h"),
                    ),
                    unit=USD,
                ),
                number(
                    "Which share of the tokens is wasted?",
                    "Tokens that were paid for and not used, in the last hour.",
                    share(rate("etude_llm_wasted_tokens_total", window="1h"), tokens("1h")),
                    unit=SHARE,
                    warn=0.05,
                    bad=0.1,
                ),
            ),
        ),
        Row(
            "Tokens",
            (
                lines(
                    "Which models and kinds cost most?",
                    "US dollars per hour, by model and kind of job.",
                    {"{{model}} {{kind}}": f"{rate('etude_llm_cost_usd_total', by='model, kind')} * 3600"},
                    unit=USD,
                    is_stacked=True,
                ),
                lines(
                    "How many tokens are read and written?",
                    "Per second, by model.",
                    {
                        "read by {{gen_ai_request_model}}": rate(INPUT, by=MODEL),
                        "written by {{gen_ai_request_model}}": rate(OUTPUT, by=MODEL),
                    },
                    unit=PER_SECOND,
                ),
                lines(
                    "How much is read from caches, and how much is thinking?",
                    "Share of the prompt tokens that the prompt cache had, and of the completion tokens that are reasoning, by model.",
                    {
                        "cached {{gen_ai_request_model}}": share(
                            rate(CACHED, by=MODEL), rate(INPUT, by=MODEL)
                        ),
                        "reasoning {{gen_ai_request_model}}": share(
                            rate(REASONING, by=MODEL), rate(OUTPUT, by=MODEL)
                        ),
                    },
                    unit=SHARE,
                ),
                lines(
                    "Which tokens have no price?",
                    "Per second, by model. Their cost is missing in every sum of money; `ETUDE_MODEL_PRICES` can name it.",
                    {"{{model}}": rate("etude_llm_unpriced_tokens_total", by="model")},
                    unit=PER_SECOND,
                ),
                lines(
                    "Why are tokens wasted?",
                    "Per second, by reason: the response was rejected, the job was lost or cancelled, or the call failed.",
                    {"{{reason}}": rate("etude_llm_wasted_tokens_total", by="reason")},
                    unit=PER_SECOND,
                    is_stacked=True,
                ),
            ),
        ),
        Row(
            "Provider now",
            (
                number(
                    "Is any model's circuit open?",
                    "0 closed, 1 one call probes, 2 open: nobody calls.",
                    highest("etude_llm_circuit_state", by="model"),
                    warn=1,
                    bad=2,
                    legend="{{model}}",
                ),
                number(
                    "How many calls are running?",
                    "By model.",
                    gauge("etude_llm_inflight", by="model"),
                    legend="{{model}}",
                ),
                number(
                    "Which share of calls fails?",
                    "By model, in the last five minutes.",
                    share(
                        or_none(rate(f"{CALLS}_count", where='error_type!=""', window="5m")),
                        rate(f"{CALLS}_count", window="5m"),
                    ),
                    unit=SHARE,
                    warn=0.05,
                    bad=0.1,
                ),
            ),
        ),
        Row(
            "Provider",
            (
                lines(
                    "How long does a call take?",
                    "Median and 95th percentile, by model.",
                    {
                        "p50 {{gen_ai_request_model}}": quantile(0.5, CALLS, by=MODEL),
                        "p95 {{gen_ai_request_model}}": quantile(0.95, CALLS, by=MODEL),
                    },
                    unit=SECONDS,
                ),
                lines(
                    "How many calls are made?",
                    "Per second, by provider and model.",
                    {
                        "{{gen_ai_provider_name}} {{gen_ai_request_model}}": rate(
                            f"{CALLS}_count", by=f"gen_ai_provider_name, {MODEL}"
                        )
                    },
                    unit=PER_SECOND,
                ),
                lines(
                    "Why do calls fail?",
                    "Per second, by error code.",
                    {
                        "{{error_type}}": or_none(
                            rate(f"{CALLS}_count", by="error_type", where='error_type!=""')
                        )
                    },
                    unit=PER_SECOND,
                ),
                lines(
                    "Why are calls retried?",
                    "Per second, by reason.",
                    {"{{reason}}": rate("etude_llm_retries_total", by="reason")},
                    unit=PER_SECOND,
                ),
                lines(
                    "How often does a fallback model respond?",
                    "Per second, by model and fallback.",
                    {"{{model}} → {{to}}": or_none(rate("etude_llm_fallbacks_total", by="model, to"))},
                    unit=PER_SECOND,
                ),
                lines(
                    "Which features do the servers accept?",
                    "1: requests to the model use the feature. A line that falls to 0 means that the server refused it.",
                    {"{{model}} {{feature}}": highest("etude_llm_feature_used", by="model, feature")},
                ),
                lines(
                    "How often is a reported token count impossible?",
                    "Responses per second whose counts the call cannot have had. They are counted here instead.",
                    {"{{model}}": rate("etude_llm_usage_corrected_total", by="model")},
                    unit=PER_SECOND,
                ),
                lines(
                    "Do calls outlive their workers?",
                    "Background responses per second: made, waited for by a later attempt, and lost, which are paid for twice.",
                    {"{{use}}": or_none(rate("etude_llm_background_responses_total", by="use"))},
                    unit=PER_SECOND,
                ),
                lines(
                    "What do jobs use beyond their hold?",
                    "Tokens per second that nobody is charged for. A constant share means that the model reasons at length or often answers twice.",
                    {"{{kind}}": rate("etude_tokens_uncharged_total", by="kind")},
                    unit=PER_SECOND,
                ),
                lines(
                    "Which items do the checks drop?",
                    "Cards and questions per second, by reason. A rise after a change of model means that the new one is worse.",
                    {"{{reason}}": or_none(rate("etude_items_rejected_total", by="reason"))},
                    unit=PER_SECOND,
                    is_stacked=True,
                ),
            ),
        ),
    ),
)
