#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Real programs through synward on net_af_xdp on veth pairs: plain, under a flood, over an impaired wire.
PORTS=af_xdp
# shellcheck source=tests/netns/programs.sh
. "$(dirname "$0")/programs.sh"
all_programs
