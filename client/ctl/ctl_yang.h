// SPDX-License-Identifier: BSD-2-Clause
/* The model ietf-twamp (RFC 8913) put together from its parts, as JSON (RFC 7951). */
#pragma once

#include <jansson.h>
#include <stdio.h>

/**
 * @rows    {"list":NAME,"entry":{}}: taken over into @result
 * @result  {"yang":{"ietf-twamp:twamp":{...}},"left_out":N}
 * What the model cannot say is told on @err. Return an exit status.
 */
int ctl_yang(json_t *rows, json_t *result, FILE *out, FILE *err);
