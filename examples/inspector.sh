#!/usr/bin/env bash
# Buys a number, after a look at the preview, and gives it back, with the MCP Inspector's command line, which
# needs Node 22.19 or newer. On a sandbox of its own: nothing costs money, and nothing is left.
set -euo pipefail

home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
server=(telefonie-mcp --sandbox --sandbox-db "$home/sandbox.sqlite3" --state-dir "$home")

inspect() {
    echo "\$ inspector --method $*" >&2
    npx @modelcontextprotocol/inspector@2.12.0 --cli "${server[@]}" --quiet --method "$@"
}

call() {
    inspect tools/call --tool-name "$1" --tool-args-json "$2"
}

inspect tools/list | grep '"name":'
found=$(call search_available_numbers '{"country_code": "US", "area_code": "415", "limit": 1}')
echo "$found"
number=$(grep -om1 '+[0-9]\+' <<<"$found")

# The preview's next_call is what to make after a yes.
call purchase_number '{"phone_number": "'"$number"'", "confirm": false}' || echo "Status $?: refused, nothing done."
call purchase_number '{"phone_number": "'"$number"'", "max_monthly_rate": 1.15, "confirm": true}'
call release_number '{"phone_number": "'"$number"'", "confirm": true}'
