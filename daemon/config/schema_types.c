// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/schema.h"

#include "daemon/config/addrconf.h"
#include "daemon/config/classes.h"
#include "daemon/config/convert.h"
#include "daemon/config/lightconf.h"
#include "daemon/config/lightrow.h"
#include "daemon/config/lighttlv.h"
#include "daemon/config/listenconf.h"
#include "daemon/config/numbers.h"
#include "daemon/config/values.h"

const struct schema_type_row schema_types[SCHEMA_TYPES] = {
	[SCHEMA_INTEGER] = { .parse = convert_integer,
			     .text = numbers_text_integer,
			     .accepted = numbers_accept_integer },
	[SCHEMA_POWER] = { .parse = convert_integer,
			   .text = numbers_text_integer,
			   .accepted = numbers_accept_power },
	[SCHEMA_PERCENT] = { .parse = convert_percent,
			     .text = numbers_text_percent,
			     .accepts = "percent 0..100, with up to three decimals" },
	[SCHEMA_BOOLEAN] = { .parse = convert_boolean,
			     .text = numbers_text_boolean,
			     .accepts = "true or false" },
	[SCHEMA_CHOICE] = { .parse = convert_choice,
			    .text = numbers_text_choice,
			    .accepted = numbers_accept_choice },
	[SCHEMA_DSCP] = { .parse = convert_dscp,
			  .text = numbers_text_dscp,
			  .accepts = "array of integers 0..63, or \"all\"" },
	[SCHEMA_REPLY_DSCP] = { .parse = convert_reply_dscp,
				.text = numbers_text_reply_dscp,
				.accepts = "\"copy\", \"zero\" or integer 0..63" },
	[SCHEMA_MODES] = { .parse = convert_modes,
			   .text = numbers_text_modes,
			   .accepted = numbers_accept_modes },

	[SCHEMA_LISTEN_LIST] = { .parse = listenconf_put,
				 .print = values_print_listen,
				 .preset = "( { port = 862; } )",
				 .accepts = "list of 1 to 64 { address = \"...\"; port = 0..65535; "
					    "device = \"...\"; freebind = true; }" },
	[SCHEMA_LIGHT_LIST] = { .parse = lightconf_put,
				.print = values_print_light,
				.preset = "( )",
				.accepts = "list of 0 to 64 { address = \"...\"; port = 1..65535; "
					   "type = \"...\"; clients = [ ... ]; ... }" },
	[SCHEMA_CLASS_LIST] = { .parse = classes_put,
				.print = values_print_classes,
				.preset = "( )",
				.accepts = "list of 0 to 1024 { name = \"...\"; prefixes = [ ... "
					   "]; ... }" },
	[SCHEMA_FILE] = { .parse = convert_file,
			  .print = values_print_file,
			  .preset = "\"\"",
			  .accepts = "path of a file" },
	[SCHEMA_CPUS] = { .parse = convert_cpus,
			  .print = values_print_cpus,
			  .preset = "\"\"",
			  .accepts = "CPUs 0..1023 like \"0-3,5\"" },
	[SCHEMA_PORTS] = { .parse = convert_ports,
			   .print = values_print_ports,
			   .preset = "[ 862, 20001 ]",
			   .accepts = "array of at most 16 integers 1..65535" },

	[SCHEMA_NAME] = { .parse = classes_put_name,
			  .print = values_print_name,
			  .preset = "none",
			  .accepts = "1 to 31 letters, digits, \"_\", \".\", \"-\"" },
	[SCHEMA_PREFIXES] = { .parse = classes_put_prefixes,
			      .print = values_print_prefixes,
			      .empty = values_no_prefixes,
			      .preset = "[ ]",
			      .accepts = "array of prefixes, at most 65536 of all classes" },
	[SCHEMA_KEY_IDS] = { .parse = classes_put_key_ids,
			     .print = values_print_key_ids,
			     .empty = values_no_key_ids,
			     .preset = "[ ]",
			     .accepts = "array of KeyIDs, at most 10000 of all classes" },

	[SCHEMA_ADDRESS] = { .parse = addrconf_put_address,
			     .print = values_print_address,
			     .preset = "\"\"",
			     .accepts = "an IPv4 or IPv6 address of this host; \"0.0.0.0\" or "
					"\"::\" for all; \"\" for both" },
	[SCHEMA_HOST] = { .parse = addrconf_put_host,
			  .print = values_print_host,
			  .preset = "\"127.0.0.1\"",
			  .accepts = "an IPv4 or IPv6 address of this host; \"0.0.0.0\" or \"::\" "
				     "for all" },
	[SCHEMA_SOCKET] = { .parse = addrconf_put_socket,
			    .print = values_print_string,
			    .preset = "\"\"",
			    .accepts = "an absolute path of at most 107 octets" },
	[SCHEMA_DEVICE] = { .parse = addrconf_put_device,
			    .print = values_print_string,
			    .empty = values_no_string,
			    .preset = "\"\"",
			    .accepts = "a string like \"vrf-red\"" },
	[SCHEMA_SENDERS] = { .parse = lightrow_put_clients,
			     .print = values_print_senders,
			     .empty = values_no_senders,
			     .preset = "none",
			     .accepts = "array of 1 to 4096 prefixes" },
	[SCHEMA_SET] = { .parse = convert_set,
			 .text = numbers_text_set,
			 .accepted = numbers_accept_set },
	[SCHEMA_ROW_LIST] = { .parse = lightrow_put,
			      .print = values_print_light_rows,
			      .empty = values_no_light_rows,
			      .preset = "none",
			      .accepts =
				      "list of 1 to 1024 { name = \"...\"; clients = [ ... ]; ... }" },
	[SCHEMA_ROW_NAME] = { .parse = lightrow_put_name,
			      .print = values_print_string,
			      .preset = "none",
			      .accepts = "1 to 31 letters, digits, \"_\", \".\", \"-\"" },
	[SCHEMA_ROW_KEYS] = { .parse = lightrow_put_keys,
			      .print = values_print_row_keys,
			      .empty = values_no_row_keys,
			      .preset = "none",
			      .accepts = "array of 1 or 2 KeyIDs" },
	[SCHEMA_RETURNS] = { .parse = lighttlv_put_returns,
			     .print = values_print_returns,
			     .empty = values_no_returns,
			     .preset = "[ ]",
			     .accepts = "array of 0 to 64 prefixes" },
	[SCHEMA_LINKS] = { .parse = lighttlv_put_links,
			   .print = values_print_links,
			   .empty = values_no_links,
			   .preset = "( )",
			   .accepts = "list of 0 to 64 { device = \"...\"; id = 1..65535; }" },
	[SCHEMA_SSIDS] = { .parse = lightrow_put_ssids,
			   .print = values_print_ssids,
			   .empty = values_no_ssids,
			   .preset = "any",
			   .accepts = "array of 1 to 4096 SSIDs 0..65535" },
};
_Static_assert(SCHEMA_LISTEN_MAX == 64 && SCHEMA_LIGHT_MAX == 64 && SCHEMA_CLASSES_MAX == 1024 &&
		       SETTINGS_CLASS_NAME_MAX == 31 && SCHEMA_PREFIXES_MAX == 65536 &&
		       SCHEMA_KEY_IDS_MAX == 10000 && CPU_SETSIZE == 1024 &&
		       SETTINGS_ALSO_MAX == 16 && SCHEMA_LIGHT_PREFIXES_MAX == 4096 &&
		       SCHEMA_LIGHT_SSIDS_MAX == 4096 && SCHEMA_PORT == 862 &&
		       SETTINGS_SOCKET_LEN == 108 && SCHEMA_LIGHT_ROWS_MAX == 1024 &&
		       SCHEMA_LIGHT_LINKS_MAX == 64 && SETTINGS_ROW_KEYS == 2,
	       "named in the texts above");
