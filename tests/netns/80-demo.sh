#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The demo passes, and leaves nothing behind.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"

out=$(mktemp)
trap 'rm -f "$out"' EXIT
trap 'exit 130' INT TERM
before=$(ip netns | sort)
"$SW_TOP/scripts/demo.sh" >"$out"
rc=$?
sed 's/^/# /' "$out"
check_int "exit status" $rc -eq 0
check_same "last line" "$(tail -1 "$out")" "demo: PASS"
check_same "namespaces are gone" "$(ip netns | sort)" "$before"
finish
