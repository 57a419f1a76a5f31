/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Exit codes of nucleus-exec. They are systemd's own (systemd.exec(5), "Process exit codes"), so that
 * `systemctl status` names them; Landlock has none there and takes 150, outside systemd's range.
 */

typedef enum ExitCode {
        EXIT_CODE_DATAERR = 65,   /* the rootfs is not what its manifest says */
        EXIT_CODE_CANTCREAT = 73, /* the trace cannot be written */
        EXIT_CODE_CONFIG = 78,    /* a bad configuration or spec */
        EXIT_CODE_LANDLOCK = 150,
        EXIT_CODE_CHDIR = 200,
        EXIT_CODE_EXEC = 203,
        EXIT_CODE_STDIN = 208,
        EXIT_CODE_GROUP = 216,
        EXIT_CODE_USER = 217,
        EXIT_CODE_CAPABILITIES = 218,
        EXIT_CODE_NETWORK = 225,
        EXIT_CODE_NAMESPACE = 226,
        EXIT_CODE_NO_NEW_PRIVILEGES = 227,
        EXIT_CODE_SECCOMP = 228,
        EXIT_CODE_KEYRING = 237,
        EXIT_CODE_CREDENTIALS = 243,
} ExitCode;

/* For RestartPreventExitStatus=: starting again cannot mend these. */
#define EXIT_CODES_NOT_RETRIED "65 78"
