// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the status page reads: the commands of the admin socket that change nothing, over HTTP as one
 * JSON object. Of a list it gives a page, sorted if that is asked for. docs/admin.md
 */
#pragma once

#include "daemon/admin/http.h"

struct server;

/** A piece of the work; q->state is its own. True when the answer is complete. */
bool api_work(struct server *s, struct http_request *q);

/** Whatever became of it. */
void api_forget(struct http_request *q);
