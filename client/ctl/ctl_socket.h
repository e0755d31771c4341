// SPDX-License-Identifier: BSD-2-Clause
/*
 * The tool's end of the daemon's socket (docs/admin.md): a question, items, and a result or an error.
 */
#pragma once

#include "protocol/wire.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define CTL_WHY_LEN 512

struct ctl_socket {
	int fd;
	char *octets; /* that were read */
	size_t start, end, size;
	bool complete; /* the last line of the answer is here */
};

/** Return 0, or negative errno with @why, in words and with a remedy. */
NODISCARD int ctl_socket_open(struct ctl_socket *s, const char *path, char why[static CTL_WHY_LEN]);
void ctl_socket_close(struct ctl_socket *s);

/** @args NULL = none. Return 0 or negative errno. */
NODISCARD int ctl_socket_ask(struct ctl_socket *s, const char *command, const json_t *args);

/**
 * The next line of the answer, without the newline: it lives until the next call. Waits.
 * Return 0, or negative errno; -ECONNRESET when the daemon has closed the connection.
 */
NODISCARD int ctl_socket_line(struct ctl_socket *s, char **line, size_t *len);
