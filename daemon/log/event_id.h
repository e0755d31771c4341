// SPDX-License-Identifier: BSD-2-Clause
/*
 * MESSAGE_IDs of events. Those of a refusal tell the reason as well, so that the journal's
 * catalog has a text for exactly that refusal: its first half is the event's, its second half
 * is made from the key of the reason. It does not change when reasons are added.
 */
#pragma once

#define EVENT_ID_LEN 33 /* 32 hexadecimal digits, terminated */
#define EVENT_ID_HALF 16

/** Where the id of an event with a reason has its second half. @reason: its key. */
void event_id_reason(char out[static EVENT_ID_HALF + 1], const char *reason);

/** The id of an event. @reason: NULL or "" = none. */
void event_id(char out[static EVENT_ID_LEN], const char *event, const char *reason);
