// SPDX-License-Identifier: BSD-2-Clause
/* Writes what it reads as a C array, while twampd is built: embed NAME < FILE */
#include <stdio.h>

int main(int argc, char **argv)
{
	unsigned n = 0;
	int c;

	if (argc != 2) {
		fprintf(stderr, "embed: NAME expected\n");
		return 1;
	}
	printf("#include <stddef.h>\nextern const unsigned char %s[];\n", argv[1]);
	printf("extern const size_t %s_len;\nconst unsigned char %s[] = {", argv[1], argv[1]);
	while ((c = getchar()) != EOF) {
		printf("%s%d,", n++ % 20 ? "" : "\n\t", c);
	}
	printf("\n};\nconst size_t %s_len = sizeof(%s);\n", argv[1], argv[1]);
	return n == 0;
}
