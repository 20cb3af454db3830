#!/bin/sh
exec limbeck start --probe "${ADAPTER_HOST:-0.0.0.0}:${ADAPTER_PORT:-8000}" -- "$@"
