"""The table of all scenarios. After each of them the invariants of `tests.chaos.invariants` must hold as well."""

from tests.chaos import batches, brokers, control, crashes, feedback, hostile, links, models, records, state, tenants
from tests.chaos.scenario import Broker, Scenario

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
        "stopped-while-another-joins",
        "SIGTERM with 100 calls of 6 s, and a second worker joins meanwhile",
        "it gets the partitions when all of them have ended",
        crashes.stopped_while_another_joins,
    ),
    Scenario(
        "stopped-with-calls-longer-than-the-drain",
        "SIGTERM with calls of 6 s and a drain of 1 s",
        "they are handed over, and billed as unknown",
        crashes.stopped_with_calls_longer_than_the_drain,
    ),
    Scenario(
        "stopped-while-requests-wait",
        "SIGTERM in an outage, with a drain of 1 s",
        "their failed calls are handed on as they were, and cost nothing",
        crashes.stopped_while_requests_wait,
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
    Scenario(
        "bounced-as-a-static-member",
        "SIGKILL of a static member with calls under way, twice, and back within the session timeout",
        "it has its partitions again, and the group does not rebalance",
        crashes.bounced_as_a_static_member,
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
    Scenario(
        "one-cut-off-past-the-session-timeout",
        "one of two workers, with answers under way, is out of reach for 14 s",
        "the other answers for it, and it answers none of that when it is back",
        links.one_cut_off_past_the_session_timeout,
    ),
    Scenario("black-hole", "connections stay open for 4 s and nothing passes", "it goes on", links.black_hole),
    Scenario(
        "connections-half-open",
        "all connections to the broker die without a sign; new ones work",
        "it notices, and goes on",
        links.connections_half_open,
    ),
    Scenario(
        "stopped-in-a-black-hole",
        "SIGTERM while nothing passes on any connection to the broker",
        "it ends within the drain and half a minute",
        links.stopped_in_a_black_hole,
    ),
    Scenario(
        "broker-away-for-over-a-minute-in-a-recovery",
        "a worker takes over from another, and the broker is out of reach for 75 s before it has told where to go on",
        "the worker goes on, and so does what workers share: health is told anew, and budgets are what is billed",
        control.away_in_a_recovery,
    ),
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
    Scenario(
        "requests-topic-shorter-than-its-commits",
        "a partition of 10 records has 1000 committed when workers start",
        "each is answered once, and so is what comes after; what is committed then is the log's end",
        links.shorter_than_its_commits,
    ),
    # -- brokers
    Scenario(
        "broker-killed", "SIGKILL of the broker, back after 4 s", "it goes on", brokers.killed_and_restarted, Broker.OWN
    ),
    Scenario(
        "broker-stopped",
        "a clean stop of the broker, back after 4 s",
        "it goes on",
        brokers.stopped_and_restarted,
        Broker.OWN,
    ),
    Scenario(
        "broker-away-past-the-session-timeout",
        "SIGKILL of the broker, back after 15 s",
        "it goes on",
        brokers.away_past_the_session_timeout,
        Broker.OWN,
    ),
    Scenario(
        "broker-killed-three-times",
        "SIGKILL of the broker, three times",
        "it goes on",
        brokers.killed_three_times,
        Broker.OWN,
    ),
    Scenario(
        "broker-killed-with-its-workers",
        "SIGKILL of workers and broker at once",
        "new workers go on",
        brokers.killed_with_its_workers,
        Broker.OWN,
    ),
    Scenario(
        "leader-lost",
        "SIGKILL of the leader of a cluster of three",
        "the others take over",
        brokers.leader_lost,
        Broker.CLUSTER,
    ),
    Scenario(
        "each-broker-restarted-in-turn",
        "a rolling restart of a cluster of three",
        "it goes on",
        brokers.each_broker_restarted_in_turn,
        Broker.CLUSTER,
    ),
    Scenario(
        "one-partition-without-a-leader",
        "SIGKILL of the only replica of one partition; then quiet, and workers that join and leave",
        "the other partitions' requests are answered and committed within 20 s, and the rest when it is back",
        brokers.one_partition_without_a_leader,
        Broker.CLUSTER,
    ),
    # -- the provider
    *models.ONE_BY_ONE,
    *models.RETRY_AFTER,
    Scenario("one-model-out", "one model answers 503", "the next one of the chain answers", models.one_model_out),
    Scenario("two-models-out", "a whole chain answers 503", "another healthy model answers", models.two_models_out),
    Scenario(
        "all-models-out",
        "every model answers 503",
        "requests fail at their deadline, later ones complete",
        models.all_models_out,
    ),
    Scenario(
        "storm-on-one-model",
        "all kinds of faults at once, on one model",
        "each request ends",
        models.storm([models.FIRST]),
    ),
    Scenario(
        "storm-on-two-models",
        "all kinds of faults at once, on two models",
        "each request ends",
        models.storm([models.FIRST, models.SECOND]),
    ),
    Scenario(
        "storm-on-all-models",
        "all kinds of faults at once, on every model",
        "each request ends",
        models.storm([models.ALL]),
    ),
    Scenario(
        "long-outage",
        "every model is out for 14 s, a thousandth of 4 hours",
        "requests wait and complete, but for those that probe; all after it complete",
        models.a_long_outage,
    ),
    Scenario("flapping", "a model fails and comes back every 0.7 s", "every request completes", models.flapping),
    Scenario("brown-out", "a model becomes 60 times slower", "every request completes", models.brown_out),
    Scenario(
        "charged-and-never-answered",
        "a model charges and stays silent",
        "each such charge is flagged as unknown",
        models.charged_and_never_answered,
    ),
    Scenario(
        "prices-beside-the-words",
        "an unkind provider prices tiers, searches, predictions, images and audio",
        "what the catalogue prices is metered to the nano-dollar, and nothing else is called metered",
        models.prices_beside_the_words,
    ),
    Scenario(
        "provider-killed",
        "SIGKILL of the provider, and 3 s later its restart",
        "every request completes",
        models.provider_killed,
    ),
    Scenario(
        "worker-killed-in-a-storm",
        "SIGKILL of workers, three times, while calls fail in four ways",
        "each request ends",
        models.worker_killed_in_a_storm,
    ),
    # -- the records
    Scenario(
        "published-again-when-finished",
        "a producer sends everything again",
        "no second answer, no second call",
        records.published_again_when_finished,
    ),
    Scenario(
        "published-again-while-under-way",
        "a producer sends everything three times more",
        "they join the calls under way",
        records.published_again_while_under_way,
    ),
    Scenario(
        "published-again-after-a-crash",
        "SIGKILL when all is committed; a producer sends everything again",
        "no second call, within the horizon",
        records.published_again_after_a_crash,
    ),
    Scenario(
        "published-again-beyond-the-horizon",
        "a producer sends everything again, within the duplicate horizon and beyond it",
        "no second call within it; beyond it one more answer, and its calls are told",
        records.published_again_beyond_the_horizon,
    ),
    Scenario(
        "replayed-twice",
        "good requests are buried, `turnout replay` is run again and again, and SIGKILL with the replays under way",
        "each is put back once, and answered once",
        records.replayed_twice,
    ),
    Scenario(
        "poison-burst",
        "1,000 records that are no requests",
        "a dead letter each, and nothing waits for them",
        records.poison_burst,
    ),
    Scenario(
        "poison-flood",
        "nothing but records that are no requests, as after a bad deployment",
        "the worker halts before it buries them all, and goes on when it is told to",
        records.poison_flood,
    ),
    Scenario(
        "poison-then-a-crash",
        "200 records that are no requests, and SIGKILL before the commit",
        "each is among the dead letters",
        records.poison_then_a_crash,
    ),
    Scenario(
        "one-slow-before-a-thousand",
        "the first record of a partition takes 6 s",
        "a thousand behind it finish, and no commit passes it",
        records.one_slow_before_a_thousand,
    ),
    Scenario(
        "transaction-markers",
        "requests come in transactions, whose markers are offsets without records",
        "commits go past the gaps",
        records.transaction_markers,
    ),
    Scenario(
        "gaps-from-compaction",
        "the requests topic is compacted under a worker that is down",
        "commits go past the gaps",
        records.gaps_from_compaction,
    ),
    Scenario("from-the-future", "timestamps of next year", "they complete", records.from_the_future),
    Scenario(
        "from-long-ago", "timestamps of last year", "rejected as expired, and not called for", records.from_long_ago
    ),
    Scenario(
        "deadlines-in-the-past",
        "deadlines of 2020 among good ones",
        "rejected as expired, and not called for",
        records.deadlines_in_the_past,
    ),
    Scenario(
        "requests-too-large", "requests of 2 MB", "rejected, and kept as dead letters", records.requests_too_large
    ),
    Scenario(
        "answers-too-large",
        "the responses topic takes only the smaller half of the answers",
        "a failed response instead, and the bill still right",
        records.answers_too_large,
    ),
    Scenario(
        "requests-of-a-newer-version",
        "schema_version 2 with unknown fields, among version 1",
        "they complete",
        records.requests_of_a_newer_version,
    ),
    Scenario(
        "answers-of-a-newer-version",
        "responses that the next version wrote are read back after a crash",
        "they count as answers",
        records.answers_of_a_newer_version_are_read_back,
    ),
    # -- what workers keep and read
    Scenario(
        "clock-steps-forward",
        "the wall clock steps half an hour ahead with 50 calls under way",
        "no deadline passes by it",
        state.clock_steps_forward,
    ),
    Scenario(
        "clock-steps-back",
        "the wall clock steps half an hour back with 50 calls under way",
        "no deadline is put off by it",
        state.clock_steps_back,
    ),
    Scenario(
        "disk-full",
        "a worker's files, its log among them, can grow no more",
        "it answers without a log",
        state.disk_full,
    ),
    Scenario(
        "warehouse-disk-full",
        "the warehouse's file can grow no more while a thousand events wait",
        "it says so and ends with 1; with room again it has each event once",
        state.warehouse_disk_full,
    ),
    Scenario(
        "catalogue-changes",
        "a new version of the catalogue while workers run",
        "each cost event names the one it was priced by",
        state.catalogue_changes,
    ),
    Scenario(
        "catalogue-broken",
        "the catalogue file becomes unreadable",
        "running workers go on, new ones say why they do not start",
        state.catalogue_broken,
    ),
    Scenario(
        "recovery-topics-truncated",
        "all responses and write-ahead records are deleted, then a SIGKILL",
        "what came later is recovered",
        state.recovery_topics_truncated,
    ),
    Scenario(
        "changelogs-truncated",
        "SIGKILL of all workers, and all that their tables have kept is deleted",
        "accounts are counted anew from the costs, health from what comes; no request is lost",
        control.changelogs_truncated,
    ),
    Scenario(
        "changelogs-deleted",
        "the tables' changelogs are deleted under running workers and created again, then SIGKILL",
        "the same, before the SIGKILL and after it",
        control.changelogs_deleted,
    ),
    Scenario(
        "dead-letters-refused",
        "the dead-letter topic refuses a record",
        "the worker does not pass it until the topic takes it",
        state.dead_letters_refused,
    ),
    Scenario(
        "dead-letters-missing",
        "the dead-letter topic is deleted under a running worker, and created again",
        "the worker does not pass what it cannot keep, and keeps it then",
        state.dead_letters_missing,
    ),
    Scenario(
        "topic-missing",
        "the costs topic does not exist",
        "no worker starts, and each says what to do",
        state.a_topic_is_missing,
    ),
    Scenario(
        "reply-topic-unknown",
        "reply_to names a topic that does not exist",
        "the answer is on its own topic, and nothing waits",
        state.reply_topic_unknown,
    ),
    Scenario(
        "model-stats-duplicated",
        "model-stats come again, in reverse, and with rubbish among them",
        "each counts once in the shared health, and every request completes",
        state.model_stats_duplicated_and_reordered,
    ),
    Scenario(
        "rolling-restart-of-two-versions",
        "two workers are replaced by ones of the next schema version and then by ones of this, each with a SIGKILL",
        "each reads what the other wrote: nothing is answered twice",
        state.rolling_restart_of_two_versions,
    ),
    Scenario(
        "upgrade-of-identity",
        "workers that know requests by their id alone are replaced by ones of today, back, and again, by SIGKILL",
        "a call keeps the id that it was written ahead with: it is billed once",
        state.upgrade_of_identity,
    ),
    # -- quality
    Scenario(
        "feedback-through-kills",
        "SIGKILL of a worker six times among 1,900 scores, repeats and corrections, and of all in the end",
        "each source's last score of each answer counts once, in the cell of its answer, exactly",
        feedback.through_kills,
    ),
    # -- tenants
    Scenario(
        "burst-of-a-slow-tenant",
        "one tenant's slow requests fill the worker, and twelve times as many wait",
        "half of another's requests are answered within 3 s",
        tenants.a_slow_burst,
    ),
    Scenario(
        "budget-at-its-edge",
        "three workers draw on one budget, and SIGKILL of one with calls under way",
        "what is billed stays inside the budget, unknown calls included; the others are told",
        tenants.budget_at_its_edge,
    ),
    *hostile.HOSTILE,
    # -- the batch lane
    Scenario(
        "batch-killed-when-formed",
        "SIGKILL of the collector when a batch is stored",
        "it is uploaded by the next collector",
        batches.killed_when_it_was_formed,
    ),
    Scenario(
        "batch-killed-when-created",
        "SIGKILL of the collector when the provider has created the batch",
        "it is found there, and not paid twice",
        batches.killed_when_it_was_created,
    ),
    Scenario(
        "batch-killed-in-a-poll",
        "SIGKILL of the collector while a batch runs",
        "the next collector goes on polling",
        batches.killed_in_a_poll,
    ),
    Scenario(
        "batch-killed-while-publishing",
        "SIGKILL of the collector at the first answer",
        "no request is answered twice",
        batches.killed_while_it_publishes,
    ),
    Scenario(
        "batch-killed-before-it-is-settled",
        "SIGKILL of the collector at the last answer",
        "what is published is found again",
        batches.killed_before_answers_are_stored,
    ),
    Scenario(
        "batch-killed-again-and-again",
        "SIGKILL of the collector four times",
        "one answer each, one charge each",
        batches.killed_again_and_again,
    ),
    Scenario(
        "batch-created-and-unheard",
        "a creation is answered with 500, and SIGKILL",
        "the batch is looked for, found and answered",
        batches.created_and_not_heard_of,
    ),
    Scenario(
        "batch-calls-fail",
        "429 and 500 on uploads and creations, a reset after one, 503 in a poll",
        "one batch is created",
        batches.uploads_and_creations_fail,
    ),
    Scenario(
        "batch-too-large",
        "413 on a creation",
        "two batches of half the size are answered",
        batches.too_large_for_the_provider,
    ),
    Scenario(
        "batch-results-broken",
        "results cut off, in any order, told twice, and SIGKILL",
        "one answer each, one charge each",
        batches.results_cut_shuffled_and_told_twice,
    ),
    Scenario(
        "batch-broker-away",
        "the broker is away for 12 s in a poll",
        "the batch is answered when it is back",
        batches.broker_away_in_a_poll,
    ),
    Scenario(
        "batch-collector-frozen",
        "SIGSTOP of the collector past its session",
        "another one answers, and the frozen one writes nothing",
        batches.frozen_past_its_session,
    ),
)
