#!/usr/bin/env bash
# Buys a number, after a look at the preview, and gives it back, with `telefonie-mcp call`: one tool a command.
# On a sandbox of its own: nothing costs money, and nothing is left.
set -euo pipefail

home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
export TELEFONIE_SANDBOX=true TELEFONIE_SANDBOX_DB="$home/sandbox.sqlite3" TELEFONIE_STATE_DIR="$home"

call() {
    echo "\$ telefonie-mcp call $*" >&2
    telefonie-mcp call "$@"
}

found=$(call search_available_numbers country_code=US area_code=415 limit=1)
echo "$found"
number=$(grep -om1 '+[0-9]\+' <<<"$found")

# The preview's next_call is what to make after a yes.
call purchase_number phone_number="$number" confirm=false || echo "Status $?: refused, and nothing was done."
call purchase_number phone_number="$number" max_monthly_rate=1.15 confirm=true
call update_owned_number phone_number="$number" voice_url=https://example.com/voice
call release_number phone_number="$number" confirm=true
telefonie-mcp log
