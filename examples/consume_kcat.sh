#!/bin/sh
# Print answers and costs as they come, with kcat: sh consume_kcat.sh. Ctrl-C ends it; the group remembers how far.
set -eu
exec kcat -b "${TURNOUT_BROKERS:-127.0.0.1:9092}" -G example-kcat -X auto.offset.reset=earliest -q -u \
    -f '%t %s\n' llm.responses.v1 llm.costs.v1
