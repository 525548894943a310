// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "output.h"
#include "parse.h"

#define MAX_WORDS 64

/*
 * The next word of a line, which is changed: "a b" and 'a b' are one, # begins a
 * comment. NULL at the end, or with *@unended set at a quote that does not end.
 */
static char *next_word(char **line, bool *unended)
{
	char *from = *line + strspn(*line, " \t\n"), *to = from, *word = from;
	char quote = '\0';

	if (!*from || *from == '#')
		return NULL;
	for (; *from && (quote || !strchr(" \t\n", *from)); from++) {
		if (*from == quote)
			quote = '\0';
		else if (!quote && (*from == '"' || *from == '\''))
			quote = *from;
		else
			*to++ = *from;
	}
	*unended = quote;
	*line = *from ? from + 1 : from;
	*to = '\0';
	return quote ? NULL : word;
}

static int run_line(char *line, int (*each)(struct args *args, void *data), void *data)
{
	char *words[MAX_WORDS];
	struct args args = { .argv = words };
	bool unended = false;
	char *word;

	while ((word = next_word(&line, &unended))) {
		if (args.argc == MAX_WORDS)
			return usage_error("more than %d words", MAX_WORDS);
		words[args.argc++] = word;
	}
	if (unended)
		return usage_error("a quote does not end");
	return args.argc ? each(&args, data) : EXIT_OK;
}

/* A line, and those it goes on in because of a backslash at its end; its number */
static int read_line(FILE *file, char **line, size_t *size, unsigned int *number)
{
	char *more = NULL, *joined;
	size_t more_size = 0;
	ssize_t len, more_len;

	len = getline(line, size, file);
	(*number)++;
	while (len >= 2 && !strcmp(*line + len - 2, "\\\n")) {
		more_len = getline(&more, &more_size, file);
		(*line)[len - 2] = ' ';
		if (more_len < 0)
			break;
		(*number)++;
		joined = realloc(*line, len + more_len + 1);
		if (!joined)
			break;
		*line = joined;
		*size = len + more_len + 1;
		memcpy(*line + len, more, more_len + 1);
		len += more_len;
	}
	free(more);
	return len;
}

/**
 * batch_read - the commands of a file
 * @path: file, or "-" for standard input
 * @each: is given the words of each command, without the program's name; if it does
 *	  not return 0 that is the end
 * @data: for @each
 *
 * Errors say which line they are about, the last one of the command.
 *
 * Return: exit code
 */
int batch_read(const char *path, int (*each)(struct args *args, void *data), void *data)
{
	const bool in = !strcmp(path, "-");
	FILE *file = in ? stdin : fopen(path, "re");
	char where[PATH_MAX + 16], *line = NULL;
	unsigned int number = 0;
	int status = EXIT_OK;
	size_t size = 0;

	if (!file)
		return refused("%s: %s", path, strerror(errno));
	options.where = where;
	while (!status && read_line(file, &line, &size, &number) >= 0) {
		snprintf(where, sizeof(where), "%s:%u", in ? "stdin" : path, number);
		status = run_line(line, each, data);
	}
	options.where = NULL;
	if (!status && ferror(file))
		status = refused("%s: %s", path, strerror(errno));
	free(line);
	if (!in)
		fclose(file);
	return status;
}
