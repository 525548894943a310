// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <linux/kvmflip.h>

#include "output.h"
#include "parse.h"

/* the next word, or NULL */
const char *next_arg(struct args *args)
{
	if (!args->argc)
		return NULL;
	args->argc--;
	return *args->argv++;
}

bool is_help(const char *word)
{
	return word && (!strcmp(word, "help") || !strcmp(word, "--help") ||
			!strcmp(word, "-h"));
}

/*
 * Which of the @n names, @stride bytes apart, @word is or abbreviates; -1 after
 * saying what is wrong with it.
 */
static int match(const char *word, const void *names, size_t stride, size_t n,
		 const char *what)
{
	char candidates[128] = "";
	const char *name;
	int found = -1, hits = 0;
	size_t i, len = strlen(word);

	for (i = 0; i < n; i++) {
		name = *(const char *const *)((const char *)names + i * stride);
		if (!strcmp(word, name))
			return i;
		if (!len || strncmp(word, name, len))
			continue;
		snprintf(candidates + strlen(candidates),
			 sizeof(candidates) - strlen(candidates), "%s\"%s\"",
			 hits++ ? " or " : "", name);
		found = i;
	}
	if (hits > 1)
		usage_error("%s \"%s\" is ambiguous: %s", what, word, candidates);
	else if (!hits)
		usage_error("unknown %s \"%s\"", what, word);
	return hits == 1 ? found : -1;
}

/**
 * run_command - run the command that the next word names
 * @args: words; the first command is run if there are none
 * @commands: what there is
 * @n: how many
 * @what: what the word is, in errors
 * @help: prints the help of this level
 *
 * Return: exit code
 */
int run_command(struct args *args, const struct command *commands, size_t n,
		const char *what, int (*help)(void))
{
	const char *word = next_arg(args);
	int i;

	if (!word)
		return commands[0].run(args);
	if (is_help(word))
		return help();
	i = match(word, commands, sizeof(*commands), n, what);
	return i < 0 ? EXIT_USAGE : commands[i].run(args);
}

/* if @name can be a pool's or a port's; an exit code */
int check_name(const char *what, const char *name)
{
	const char *c;

	if (!*name)
		return usage_error("%s: the name is empty", what);
	if (strlen(name) >= KVMFLIP_NAME_LEN)
		return usage_error("%s: name \"%s\" is longer than %d characters",
				   what, name, KVMFLIP_NAME_LEN - 1);
	for (c = name; *c; c++)
		if (!isgraph((unsigned char)*c) || *c == '/')
			return usage_error("%s: name \"%s\" has a blank, slash or the like",
					   what, name);
	return EXIT_OK;
}

/**
 * parse_name - the next word, which is the name of a pool or a port
 * @args: words
 * @what: command it is for, in errors
 * @help: prints the help of this level and is all that is done if the word asks
 *	  for help
 * @name: out
 *
 * Return: exit code
 */
int parse_name(struct args *args, const char *what, int (*help)(void),
	       const char **name)
{
	*name = next_arg(args);
	if (is_help(*name))
		exit(help());
	if (!*name)
		return usage_error("%s: a name is missing", what);
	return check_name(what, *name);
}

/**
 * parse_choice - a value that is one of a few words
 * @what: the keyword, for errors
 * @text: the word or an abbreviation of it
 * @choices: the words
 * @n: how many
 * @out: out: index of the word
 *
 * Return: exit code
 */
int parse_choice(const char *what, const char *text, const char *const *choices,
		 size_t n, unsigned int *out)
{
	int i = match(text, choices, sizeof(*choices), n, what);

	if (i < 0)
		return EXIT_USAGE;
	*out = i;
	return EXIT_OK;
}

/**
 * parse_keywords - all remaining words, which are pairs of keyword and value
 * @args: words
 * @keys: keywords
 * @n: how many
 * @values: out, by keyword; NULL for those not given
 *
 * Return: exit code
 */
int parse_keywords(struct args *args, const char *const *keys, size_t n,
		   const char **values)
{
	const char *word;
	int i;

	memset(values, 0, n * sizeof(*values));
	while ((word = next_arg(args))) {
		i = match(word, keys, sizeof(*keys), n, "argument");
		if (i < 0)
			return EXIT_USAGE;
		if (values[i])
			return usage_error("\"%s\" is given twice", keys[i]);
		values[i] = next_arg(args);
		if (!values[i])
			return usage_error("\"%s\" needs a value", keys[i]);
	}
	return EXIT_OK;
}

int no_more_args(const struct args *args)
{
	if (args->argc)
		return usage_error("unexpected argument \"%s\"", args->argv[0]);
	return EXIT_OK;
}

/* a decimal number; strtoull() alone takes blanks and signs too */
static int parse_digits(const char *text, unsigned long long *out, char **end)
{
	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	*out = strtoull(text, end, 10);
	return -errno;
}

int parse_u32(const char *what, const char *text, __u32 max, __u32 *out)
{
	unsigned long long n;
	char *end;

	if (parse_digits(text, &n, &end) || *end || n > max)
		return usage_error("%s \"%s\" is not a number from 0 to %u",
				   what, text, max);
	*out = n;
	return EXIT_OK;
}

/**
 * parse_size - a number of bytes, with a unit or without
 * @what: the keyword, for errors
 * @text: such as 4096, 4K, 4KiB, 2M, 1G, 1T; units are powers of 1024
 * @out: out; 0 is for the caller to judge
 *
 * Return: exit code
 */
int parse_size(const char *what, const char *text, __u64 *out)
{
	static const char units[] = "KMGT";
	unsigned long long n;
	const char *unit;
	unsigned int shift;
	char *end;
	int err = parse_digits(text, &n, &end);

	if (err == -EINVAL)
		goto invalid;
	if (!err && *end) {
		unit = strchr(units, toupper((unsigned char)*end));
		if (!unit || (end[1] && strcasecmp(end + 1, "iB")))
			goto invalid;
		shift = 10 * (unit - units + 1);
		if (n > UINT64_MAX >> shift)
			err = -ERANGE;
		n <<= shift;
	}
	if (err)
		return usage_error("%s \"%s\" is too large", what, text);
	*out = n;
	return EXIT_OK;
invalid:
	return usage_error("%s \"%s\" is not a size such as 4096, 4K, 2M or 1G",
			   what, text);
}

/* as parse_size(), and not 0 */
int parse_positive_size(const char *what, const char *text, __u64 *out)
{
	int status = parse_size(what, text, out);

	if (!status && !*out)
		return usage_error("%s must not be 0", what);
	return status;
}

int parse_mac(const char *what, const char *text, __u8 mac[6])
{
	unsigned int b[6], i;
	int len = 0;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2],
		   &b[3], &b[4], &b[5], &len) != 6 || text[len] ||
	    strspn(text, "0123456789abcdefABCDEF:") != strlen(text))
		return usage_error("%s \"%s\" is not an address such as 52:54:00:12:34:56",
				   what, text);
	if (b[0] & 1)
		return usage_error("%s %s is a group address; a port needs a unicast one",
				   what, text);
	if (!(b[0] | b[1] | b[2] | b[3] | b[4] | b[5]))
		return usage_error("%s must not be all zeroes", what);
	for (i = 0; i < 6; i++)
		mac[i] = b[i];
	return EXIT_OK;
}

static bool uuid_dash(unsigned int pos)
{
	return pos == 8 || pos == 13 || pos == 18 || pos == 23;
}

int parse_uuid(const char *what, const char *text, __u8 uuid[16])
{
	char digits[3] = "";
	unsigned int i, n = 0;

	if (strlen(text) != UUID_TEXT_LEN - 1)
		goto invalid;
	for (i = 0; i < UUID_TEXT_LEN - 1; i++) {
		if (uuid_dash(i) ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
			goto invalid;
		if (uuid_dash(i))
			continue;
		digits[n++ % 2] = text[i];
		if (n % 2 == 0)
			uuid[n / 2 - 1] = strtoul(digits, NULL, 16);
	}
	return EXIT_OK;
invalid:
	return usage_error("%s \"%s\" is not a UUID such as c73f1fa6-489e-4834-9476-d70dabd98c40",
			   what, text);
}

void format_mac(const __u8 mac[6], char text[18])
{
	snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
		 mac[2], mac[3], mac[4], mac[5]);
}

/* bytes in the order of the text, as RFC 9562 has them */
void format_uuid(const __u8 uuid[16], char text[UUID_TEXT_LEN])
{
	unsigned int i, pos = 0;

	for (i = 0; i < 16; i++) {
		if (uuid_dash(pos))
			text[pos++] = '-';
		pos += sprintf(text + pos, "%02x", uuid[i]);
	}
}
