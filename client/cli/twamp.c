// SPDX-License-Identifier: BSD-2-Clause
/* twamp: the client. One subcommand per role; everything is in the files beside this one. */
#include "base/output.h"
#include "client/cli/keygen.h"
#include "client/cli/options.h"
#include "client/cli/opttlv.h"
#include "client/control/controller.h"
#include "client/measure/interrupt.h"
#include "client/measure/measure.h"
#include "client/measure/responder.h"
#include "client/show/dscp.h"
#include "client/show/explain.h"
#include "client/show/live.h"
#include "client/show/result.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Without control: TWAMP Light or STAMP. */
static void measure_alone(struct measure *m, struct options *o, struct mac_key *key)
{
	if (opttlv_load_key(o, key, m->key_id, &m->outcome) == OUTCOME_OK) {
		measure_light(m);
	}
}

static int measure(struct options *o)
{
	struct mac_key key;
	struct measure m;
	struct live live;
	int status;

	if (interrupt_start() < 0) {
		fprintf(stderr, "twamp: signals: %s\n", strerror(errno));
		return OUTCOME_EXIT_LOCAL;
	}
	live_init(&live);
	measure_init(&m, &o->plan, o->quiet ? NULL : &live.watcher);
	if (o->command == COMMAND_CONTROLLER) {
		controller_run(&m, &o->access);
	} else {
		measure_alone(&m, o, &key);
	}
	live_end(&live);
	if (o->json) {
		result_json(&m, stdout);
	} else {
		result_text(&m, stdout, stderr);
	}
	status = outcome_exit(&m.outcome);
	measure_wipe(&m);
	mac_key_wipe(&key);
	return status;
}

static int respond(struct options *o)
{
	struct outcome outcome = { .kind = OUTCOME_OK };
	char key_id[KEYLINE_ID_MAX + 1];
	struct mac_key key;
	int status;

	if (opttlv_load_key(o, &key, key_id, &outcome) != OUTCOME_OK) {
		outcome_print(&outcome, stderr);
		return outcome_exit(&outcome);
	}
	status = responder_run(&o->plan, &o->responder, o->quiet);
	mac_key_wipe(&key);
	return status;
}

static int make_key(const char *key_id)
{
	int r = keygen_write(STDOUT_FILENO, key_id);

	if (r < 0) {
		fprintf(stderr, "twamp keygen: %s\n", strerror(-r));
		return OUTCOME_EXIT_LOCAL;
	}
	return OUTCOME_EXIT_OK;
}

static int run(struct options *o)
{
	switch (o->command) {
	case COMMAND_CONTROLLER:
	case COMMAND_SENDER:
		return measure(o);
	case COMMAND_RESPONDER:
		return respond(o);
	case COMMAND_EXPLAIN:
		if (explain_print(o->topic, stdout) < 0) {
			fprintf(stderr,
				"twamp explain: '%s' is no code from 0 to 255 and no reason\n",
				o->topic);
			return OUTCOME_EXIT_LOCAL;
		}
		return OUTCOME_EXIT_OK;
	case COMMAND_KEYGEN:
		return make_key(o->topic);
	case COMMAND_DSCPTABLE:
		dscp_print_table(stdout);
		return OUTCOME_EXIT_OK;
	}
	return OUTCOME_EXIT_LOCAL;
}

/* Who reads the output must learn that it is not all there. */
static int finish(int status)
{
	int error = output_flush();

	if (error) {
		fprintf(stderr, "twamp: not all of the output could be written: %s\n",
			strerror(-error));
		return OUTCOME_EXIT_LOCAL;
	}
	return status;
}

int main(int argc, char **argv)
{
	struct options o;

	if (output_hold()) {
		return OUTCOME_EXIT_LOCAL;
	}
	switch (options_parse(argc, argv, &o, stdout, stderr)) {
	case OPTIONS_RUN:
		return finish(run(&o));
	case OPTIONS_DONE:
		return finish(OUTCOME_EXIT_OK);
	case OPTIONS_BAD:
		break;
	}
	return OUTCOME_EXIT_LOCAL;
}
