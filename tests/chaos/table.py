"""The table of all scenarios. After each of them the invariants of `tests.chaos.invariants` must hold as well."""

from tests.chaos import crashes, links
from tests.chaos.scenario import Scenario

SCENARIOS: tuple[Scenario, ...] = (
    # -- killed at each step of a request's path
    Scenario(
        "killed-before-the-call",
        "SIGKILL while write-ahead records wait for their acknowledgement",
        "no call was made; what the records announce is billed as unknown",
        crashes.killed_before_the_call,
    ),
    Scenario(
        "killed-during-the-calls",
        "SIGKILL with 100 calls under way",
        "each call cut off is billed as unknown, with its upper estimate",
        crashes.killed_during_the_calls,
    ),
    Scenario(
        "killed-while-the-answers-arrive",
        "SIGKILL when 60 answers are charged and half received",
        "the residual window: called for again, and the first charge is flagged as unknown",
        crashes.killed_while_the_answers_arrive,
    ),
    Scenario(
        "killed-before-the-response-is-acknowledged",
        "SIGKILL while responses on the topic wait for their acknowledgement",
        "they are found again: no second answer",
        crashes.killed_before_the_response_is_acknowledged,
    ),
    Scenario(
        "killed-before-the-cost-is-acknowledged",
        "SIGKILL while cost events wait for their acknowledgement",
        "the same cost events are made again from the responses",
        crashes.killed_before_the_cost_is_acknowledged,
    ),
    Scenario(
        "killed-before-the-commit",
        "SIGKILL when all is answered and nothing is committed",
        "everything is delivered again and nothing is called for again",
        crashes.killed_before_the_commit,
    ),
    Scenario(
        "killed-while-starting",
        "SIGKILL five times, 0.6 to 2.2 s after the start",
        "nothing is lost",
        crashes.killed_while_starting,
    ),
    Scenario(
        "killed-while-draining",
        "SIGTERM, and SIGKILL in the middle of the drain",
        "calls cut off are unknown",
        crashes.killed_while_draining,
    ),
    Scenario(
        "one-of-three-killed", "SIGKILL of one worker of three", "the others take over", crashes.one_of_three_killed
    ),
    Scenario(
        "all-of-three-killed",
        "SIGKILL of all three workers at once",
        "three new ones go on",
        crashes.all_of_three_killed,
    ),
    Scenario(
        "killed-again-and-again",
        "SIGKILL five times, each with 20 calls under way",
        "what was cut off twice is billed twice as unknown",
        crashes.killed_again_and_again,
    ),
    Scenario(
        "killed-while-a-partition-is-taken-over",
        "SIGKILL of one worker, then of its heir while it recovers",
        "the second heir knows it all",
        crashes.killed_while_a_partition_is_taken_over,
    ),
    # -- stopped, frozen, bounced
    Scenario(
        "stopped-with-slow-calls", "SIGTERM with 100 calls of 3 s", "all of them end", crashes.stopped_with_slow_calls
    ),
    Scenario(
        "stopped-with-calls-longer-than-the-drain",
        "SIGTERM with calls of 6 s and a drain of 1 s",
        "they are handed over, and billed as unknown",
        crashes.stopped_with_calls_longer_than_the_drain,
    ),
    Scenario("stopped-twice", "SIGTERM, and again half a second later", "it ends at once", crashes.stopped_twice),
    Scenario(
        "frozen-past-the-session-timeout",
        "SIGSTOP until the group gives the worker up, then SIGCONT",
        "the zombie answers nothing that its heir has answered",
        crashes.frozen_past_the_session_timeout,
    ),
    Scenario("frozen-for-a-moment", "SIGSTOP for a second, four times", "nothing happens", crashes.frozen_for_a_moment),
    Scenario(
        "rebalance-storm",
        "a second worker joins and leaves, six times",
        "nothing is called for twice",
        crashes.rebalance_storm,
    ),
    Scenario(
        "workers-come-and-go-at-random",
        "a worker is killed or stopped and another started, six times",
        "only kills cut calls off",
        crashes.workers_come_and_go_at_random,
    ),
    Scenario(
        "bounced-under-one-name",
        "a worker of fixed name restarts three times",
        "it goes on",
        crashes.bounced_under_one_name,
    ),
    Scenario("rolling-restart", "three workers are replaced one by one", "no call is cut off", crashes.rolling_restart),
    # -- the link to the broker
    Scenario(
        "cut-off-then-reachable", "the broker is out of reach for 4 s", "it goes on", links.cut_off_then_reachable
    ),
    Scenario(
        "cut-off-past-the-session-timeout",
        "the broker is out of reach for 12 s, twice the session timeout",
        "it comes back, or ends for its supervisor to restart it",
        links.cut_off_past_the_session_timeout,
    ),
    Scenario("black-hole", "connections stay open for 4 s and nothing passes", "it goes on", links.black_hole),
    Scenario("slow-broker", "every answer of the broker takes 0.4 s more", "slow, and right", links.slow_broker),
    Scenario(
        "connections-reset",
        "all connections to the broker are reset, eight times",
        "it goes on",
        links.connections_reset_again_and_again,
    ),
    Scenario(
        "lost-acknowledgement-of-calls",
        "the connection breaks instead of acknowledging write-ahead records",
        "sent again, written once",
        links.lost_acknowledgement_of_calls,
    ),
    Scenario(
        "lost-acknowledgement-of-responses",
        "the connection breaks instead of acknowledging responses",
        "sent again, written once",
        links.lost_acknowledgement_of_responses,
    ),
    Scenario(
        "lost-acknowledgement-of-costs",
        "the connection breaks instead of acknowledging cost events",
        "sent again, written once",
        links.lost_acknowledgement_of_costs,
    ),
    Scenario(
        "unreachable-at-the-start",
        "a worker starts without a broker",
        "it says so and ends with 1",
        links.unreachable_at_the_start,
    ),
    Scenario(
        "offsets-rewound",
        "all offsets are set back to 0, without metadata",
        "everything is delivered again and nothing is called for again",
        links.offsets_rewound,
    ),
)
