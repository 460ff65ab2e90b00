/* SPDX-License-Identifier: BSD-3-Clause */
#include "splice/state.h"

const struct sw_timeouts sw_timeouts_default = {
	.state_ms =
		{
			[SW_FLOW_QUIET] = SW_TIMEOUT_ESTABLISHED_MS,
			[SW_FLOW_OPEN] = SW_TIMEOUT_ESTABLISHED_MS,
			[SW_FLOW_FIN_CLIENT] = SW_TIMEOUT_CLOSING_MS,
			[SW_FLOW_FIN_SERVER] = SW_TIMEOUT_CLOSING_MS,
			[SW_FLOW_FIN_BOTH] = SW_TIMEOUT_CLOSED_MS,
			[SW_FLOW_RST_CLIENT] = SW_TIMEOUT_RESET_MS,
			[SW_FLOW_RST_SERVER] = SW_TIMEOUT_RESET_MS,
		},
};

/* clang-format off */
#define SYN SW_FLOW_SYN_SENT
#define QUI SW_FLOW_QUIET
#define OPN SW_FLOW_OPEN
#define FCL SW_FLOW_FIN_CLIENT
#define FSV SW_FLOW_FIN_SERVER
#define FBO SW_FLOW_FIN_BOTH
#define RCL SW_FLOW_RST_CLIENT
#define RSV SW_FLOW_RST_SERVER
const uint8_t sw_flow_next_state[SW_FLOW_STATE_MAX][SW_EV_MAX] = {
	/* client:     segment  FIN  RST     server: segment  FIN  RST */
	[SYN] = {       SYN,    SYN, SYN,             SYN,    SYN, SYN },
	[QUI] = {       OPN,    FCL, RCL,             QUI,    FSV, RSV },
	[OPN] = {       OPN,    FCL, RCL,             OPN,    FSV, RSV },
	[FCL] = {       FCL,    FCL, RCL,             FCL,    FBO, RSV },
	[FSV] = {       FSV,    FBO, RCL,             FSV,    FSV, RSV },
	[FBO] = {       FBO,    FBO, RCL,             FBO,    FBO, RSV },
	[RCL] = {       OPN,    FCL, RCL,             RCL,    RCL, RSV },
	[RSV] = {       RSV,    RSV, RSV,             OPN,    FSV, RSV },
};
/* clang-format on */

const char *
sw_flow_state_name(unsigned state)
{
	static const char *const names[SW_FLOW_STATE_MAX] = {"SYN_SENT", "QUIET", "OPEN",
		"FIN_CLIENT", "FIN_SERVER", "FIN_BOTH", "RST_CLIENT", "RST_SERVER"};

	return state < SW_FLOW_STATE_MAX ? names[state] : "?";
}
