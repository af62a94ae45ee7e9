#!/bin/sh
# Publish a prompt with kcat (Debian: apt-get install kcat): sh produce_kcat.sh REQUEST_ID. Each line would be a request.
set -eu
kcat -P -b "${TURNOUT_BROKERS:-127.0.0.1:9092}" -t llm.requests.v1 -k "$1" -H content-type=application/json <<JSON
{"request_id": "$1", "prompt": "What is a turnout?", "metadata": {"example": "kcat"}}
JSON
echo "$1"
