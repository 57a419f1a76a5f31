/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* MESSAGE_ID= of our journal records; units/nucleus.catalog explains each (journalctl -x). */

#define MESSAGE_ID_START_FAILED "7c9a3f0b52e14b0c8d3de8a1c0f4b61a"
#define MESSAGE_ID_ATTESTATION_FAILED "0f6d2b7e4a8c4e51b9a7c35d1e80f29b"
#define MESSAGE_ID_CONFIGURATION "b3e51c7d9f204a68a1f0d46c2b97e83c"
#define MESSAGE_ID_DEGRADED "d84c6fa1e3b749f2953b0e7ac1d2586d"
#define MESSAGE_ID_INIT_LOST "52a0e9b8c7d6415f8e4b3a29d0c1f7ee"
