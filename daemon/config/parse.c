// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/parse.h"

#include "daemon/config/conf_error.h"
#include "daemon/config/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct syntax_place *parse_place(const config_setting_t *s)
{
	return config_setting_get_hook(s);
}

void parse_free(struct parse *p)
{
	if (p->parsed) {
		config_destroy(&p->config);
	}
	if (p->syntax) {
		syntax_wipe(p->syntax);
	}
	free(p->syntax);
	free(p->raw);
}

/* --- places --- */

/* Both go by the order of the file. Return false if they do not agree. */
static bool attach(config_setting_t *parent, const struct syntax *x, uint32_t *next)
{
	for (int i = 0; i < config_setting_length(parent); i++) {
		config_setting_t *s = config_setting_get_elem(parent, (unsigned)i);
		struct syntax_place *place = &x->places[*next];

		if (*next >= x->n_places || !s->name != !place->name) {
			return false;
		}
		(*next)++;
		config_setting_set_hook(s, place);
		if (config_setting_is_aggregate(s) && !attach(s, x, next)) {
			return false;
		}
	}
	return true;
}

static void detach(config_setting_t *parent)
{
	for (int i = 0; i < config_setting_length(parent); i++) {
		config_setting_t *s = config_setting_get_elem(parent, (unsigned)i);

		config_setting_set_hook(s, NULL);
		if (config_setting_is_aggregate(s)) {
			detach(s);
		}
	}
}

static void give_places(struct parse *p)
{
	config_setting_t *root = config_root_setting(&p->config);
	uint32_t n = 0;

	if (p->syntax->stopped) {
		return;
	}
	if (!attach(root, p->syntax, &n) || n != p->syntax->n_places) {
		detach(root);
	}
}

/* --- the text --- */

/* Return 0, -ENOMEM or SETTINGS_BAD. */
static int build(struct parse *p, const char *path, const char *raw, size_t len,
		 struct settings_error *err)
{
	char *text;
	int r = source_make_safe(path, raw, len, &text, err);

	if (r) {
		return r;
	}
	config_init(&p->config);
	p->parsed = config_read_string(&p->config, text);
	if (!p->parsed) {
		r = conf_error(err, path, (unsigned)config_error_line(&p->config), "%s",
			       config_error_text(&p->config));
		config_destroy(&p->config);
	}
	free(text);
	return r;
}

static void tell_syntax(const struct apply *a, const char *path, const struct syntax *x)
{
	char key[176];

	for (unsigned i = 0; i < x->n_faults; i++) {
		const struct syntax_fault *f = &x->fault[i];
		struct settings_place at = { path, f->line, f->column };

		syntax_key(x, f->place, key, sizeof(key));
		conf_error_at(a->err, &at, NULL, "%s%s%s", key, *key ? ": " : "", f->text);
	}
}

/* libconfig refuses the file: why, and what else there is. */
static int explain(struct apply *a, const char *path, struct parse *p, size_t len)
{
	const struct syntax *x = p->syntax;
	char *mended;
	int r;

	if (!x->n_faults) {
		return build(p, path, p->raw, len, a->err);
	}
	tell_syntax(a, path, x);
	if (x->stopped) {
		return SETTINGS_BAD;
	}
	mended = syntax_mend(x, &len);
	if (!mended) {
		return -ENOMEM;
	}
	r = build(p, path, mended, len, NULL);
	free(mended);
	return r ? r : SETTINGS_BAD;
}

int parse_file(struct apply *a, const char *path, struct parse *p)
{
	bool other = a->as && !strcmp(path, a->as);
	size_t len = 0;
	int r;

	*p = (struct parse){ 0 };
	a->as_used = a->as_used || other;
	r = source_read(other ? a->candidate : path, &p->raw, &len, a->err);
	if (r || !a->exact) {
		return r ? r : build(p, path, p->raw, len, NULL);
	}
	p->syntax = calloc(1, sizeof(*p->syntax));
	if (!p->syntax) {
		return -ENOMEM;
	}
	r = syntax_read(p->syntax, p->raw, len);
	if (r) {
		return r;
	}
	r = build(p, path, p->raw, len, NULL);
	if (r == SETTINGS_BAD) {
		r = explain(a, path, p, len);
	}
	if (p->parsed) {
		give_places(p);
	}
	return r;
}
