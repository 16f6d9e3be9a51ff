#!/bin/sh
# Runs the sidecar and the agent on this machine as Kubernetes does in a pod: the sidecar first, the agent when the socket is
# there, then the agent ends, and the sidecar after it, when everything has left it. What it sent is printed.
#
# CHAPERONE and PYTHON name the programs; the Python needs opentelemetry-sdk and opentelemetry-exporter-otlp-proto-grpc.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

export OTLP_SOCKET="$folder/otlp.sock" RECEIVED="$folder/received.jsonl" HEALTH="${HEALTH:-127.0.0.1:13133}"
"${CHAPERONE:-chaperone}" --config "$here/collector.yaml" --config "$here/local.yaml" "$@" &
sidecar=$!

waited=0
until [ -S "$OTLP_SOCKET" ]; do
    kill -0 "$sidecar" || { echo "the sidecar did not start" >&2; exit 1; }
    [ "$waited" -lt 600 ] || { echo "the sidecar opened no socket" >&2; kill "$sidecar"; exit 1; }
    waited=$((waited + 1))
    sleep 0.1
done

OTEL_EXPORTER_OTLP_ENDPOINT="unix://$OTLP_SOCKET" "${PYTHON:-python3}" "$here/agent.py" 5

kill -TERM "$sidecar"
wait "$sidecar"
echo "the sidecar sent on:"
cat "$RECEIVED"
