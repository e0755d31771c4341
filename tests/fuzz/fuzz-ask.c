// SPDX-License-Identifier: BSD-2-Clause
/* What somebody sends to the socket of twampctl: any line gets one answer, and the answer is JSON. */
#include "daemon/admin/filter.h"
#include "daemon/admin/task.h"
#include "tests/fuzz/fuzz.h"

static enum task_next begin(struct task *t)
{
	struct filter f;
	const char *text = ask_text(&t->ask, "text");

	if (filter_init(&f, t)) {
		const struct address a = { .family = 4, .ip = { 192, 0, 2, 1 } };
		const uint8_t key[MSG_KEY_ID_LEN] = { 'k' };

		(void)filter_takes_address(&f, &a);
		(void)filter_takes_key(&f, key);
		(void)filter_takes_class(&f, "default");
		MUST(!text || strlen(text) < ASK_LINE_MAX);
		reply_result(t->reply,
			     json_pack("{s:I,s:b}", "n", (json_int_t)ask_number(&t->ask, "n", 7),
				       "flag", ask_flag(&t->ask, "flag")));
	}
	return TASK_DONE;
}

static const struct ask_arg args[] = { FILTER_CLIENT,
				       FILTER_CLASS,
				       FILTER_KEY,
				       { "sid", ASK_TEXT, false },
				       { "text", ASK_TEXT, false },
				       { "n", ASK_NUMBER, false },
				       { "flag", ASK_FLAG, false },
				       { NULL, ASK_TEXT, false } };
static const struct ask_arg needs[] = { FILTER_SID, { NULL, ASK_TEXT, false } };
static const struct task_verb verbs[] = {
	{ .name = "sessions", .args = args, .begin = begin },
	{ .name = "session", .args = needs, .begin = begin },
	{ .name = "drain", .changes = true, .begin = begin },
	{ .name = NULL },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reply r = { 0 };
	struct task t = { .reply = &r };
	json_t *answer;
	char *line;

	if (size > ASK_LINE_MAX) {
		return 0;
	}
	line = malloc(size ? size : 1); /* exactly so long: nothing is terminated */
	MUST(line);
	memcpy(line, data, size);
	MUST(task_begin(&t, verbs, size % 2, line, size) == TASK_DONE);
	MUST(r.complete && !r.lost && r.len && r.octets[r.len - 1] == '\n');
	MUST(memchr(r.octets, '\n', r.len) == r.octets + r.len - 1);
	for (size_t i = 0; i + 1 < r.len; i++) { /* nothing that a terminal obeys */
		MUST(r.octets[i] >= 0x20 && r.octets[i] < 0x7f);
	}
	answer = json_loadb(r.octets, r.len, 0, NULL);
	MUST(json_is_boolean(json_object_get(answer, "ok")));
	json_decref(answer);
	task_wipe(&t);
	reply_wipe(&r);
	free(line);
	return 0;
}
