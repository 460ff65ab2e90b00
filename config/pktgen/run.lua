-- SPDX-License-Identifier: BSD-3-Clause
--
-- Runs a profile on port 0 of Pktgen-DPDK and prints what its own counters say. From the environment:
--   SW_PROFILE   the profile, such as config/pktgen/syn-flood.pkt
--   SW_SECONDS   how long (5)
-- By hand:  SW_PROFILE=config/pktgen/syn-flood.pkt pktgen [EAL] -- -m 1.0 -f config/pktgen/run.lua
-- scripts/generators.sh looks for the lines that begin with "generator:".

local profile = os.getenv("SW_PROFILE")
local seconds = tonumber(os.getenv("SW_SECONDS") or "5")

if profile == nil then
	io.write("generator: failed: SW_PROFILE names no profile\n")
	pktgen.quit()
	return
end

-- Its screen would take time from the core that sends.
pktgen.screen("off")
pktgen.load(profile)
-- Its counters are a second old at most.
pktgen.delay(1500)
pktgen.clr()
io.write("\ngenerator: starts\n")
io.flush()
pktgen.start("0")
pktgen.delay(seconds * 1000)
pktgen.stop("0")
pktgen.delay(2500)

local port = pktgen.portStats("0", "port")[0]
io.write(string.format("\ngenerator: sent %d, received %d, missed %d, in %d s\n",
	port.opackets, port.ipackets, port.imissed, seconds))
io.flush()
pktgen.quit()
