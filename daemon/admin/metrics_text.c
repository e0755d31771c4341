// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/metrics_text.h"

#include <errno.h>
#include <stdlib.h>

struct metrics_text {
	struct metrics metrics;
	struct exposition text;
	unsigned part;
};

static int begin(struct metrics_text **t, const struct server *s, bool open)
{
	*t = calloc(1, sizeof **t);
	if (!*t) {
		return -ENOMEM;
	}
	exposition_init(&(*t)->text, open);
	return metrics_gather(&(*t)->metrics, s);
}

int metrics_text_go_on(struct metrics_text **t, const struct server *s, bool open)
{
	int rc = *t ? 0 : begin(t, s, open);

	if (rc < 0) {
		return rc;
	}
	if (metrics_write(&(*t)->text, &(*t)->metrics, (*t)->part++)) {
		return 0;
	}
	rc = exposition_end(&(*t)->text);
	return rc ? rc : 1;
}

char *metrics_text_take(struct metrics_text *t, size_t *len)
{
	char *text = t->text.text;

	*len = t->text.len;
	t->text.text = NULL;
	return text;
}

void metrics_text_free(struct metrics_text *t)
{
	if (t) {
		metrics_wipe(&t->metrics);
		exposition_wipe(&t->text);
		free(t);
	}
}
