// SPDX-License-Identifier: BSD-2-Clause
/* Without libFuzzer: give a target each file that is named, or that is in a named folder. */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>

#define MAX_OCTETS 65536

static int run_file(const char *path)
{
	uint8_t *all = malloc(MAX_OCTETS), *exact = NULL;
	FILE *f = fopen(path, "rb");
	size_t n = 0;
	int r = -1;

	if (!f || !all) {
		perror(path);
		goto out;
	}
	n = fread(all, 1, MAX_OCTETS, f);
	exact = malloc(n ? n : 1);
	if (ferror(f) || !exact) {
		perror(path);
		goto out;
	}
	memcpy(exact, all, n);
	r = LLVMFuzzerTestOneInput(exact, n);
out:
	if (r) {
		fprintf(stderr, "%s: failed\n", path);
	}
	if (f) {
		(void)fclose(f);
	}
	free(exact);
	free(all);
	return r;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Files that were run, or -1. */
static int run_folder(const char *path)
{
	struct dirent **entries = NULL;
	int n = scandir(path, &entries, is_visible, alphasort), done = 0;
	char name[4096];

	for (int i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
		if (done >= 0) {
			done = run_file(name) ? -1 : done + 1;
		}
		free(entries[i]);
	}
	free(entries);
	return n < 0 ? !run_file(path) : done;
}

int main(int argc, char **argv)
{
	int all = 0;

	for (int i = 1; i < argc; i++) {
		int n = run_folder(argv[i]);

		if (n <= 0) {
			fprintf(stderr, "%s: nothing was run\n", argv[i]);
			return EXIT_FAILURE;
		}
		all += n;
	}
	if (LLVMFuzzerTestOneInput((const uint8_t *)"", 0)) {
		return EXIT_FAILURE;
	}
	printf("%d inputs\n", all);
	return all ? EXIT_SUCCESS : EXIT_FAILURE;
}
