// SPDX-License-Identifier: GPL-2.0
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "findings.h"

/**
 * find - add a finding
 * @findings: to these
 * @check: what was looked at, such as "cpu" or "eth1: driver"
 * @grade: how it is
 * @advice: what to do about it, or NULL
 * @fmt: what was found
 */
void find(struct findings *findings, const char *check, enum grade grade,
	  const char *advice, const char *fmt, ...)
{
	static const char *const grades[] = { "ok", "warn", "fail" };
	cJSON *finding = cJSON_CreateObject();
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	cJSON_AddStringToObject(finding, "check", check);
	cJSON_AddStringToObject(finding, "grade", grades[grade]);
	cJSON_AddStringToObject(finding, "found", text);
	if (advice)
		cJSON_AddStringToObject(finding, "advice", advice);
	cJSON_AddItemToArray(findings->list, finding);
	findings->failed += grade == GRADE_FAIL;
}

static void vroot_path(char *path, size_t size, const char *fmt, va_list args)
{
	const char *root = getenv("KVMFLIP_ROOT");
	size_t len;

	snprintf(path, size, "%s", root ? root : "");
	len = strlen(path);
	vsnprintf(path + len, size - len, fmt, args);
}

/* a path below the directory that KVMFLIP_ROOT names, for tests */
void root_path(char *path, size_t size, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vroot_path(path, size, fmt, args);
	va_end(args);
}

/**
 * read_text - the first line of a file
 * @text: out, empty if there is none
 * @size: of @text
 * @fmt: path
 *
 * Return: if there is such a file.
 */
bool read_text(char *text, size_t size, const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list args;
	FILE *file;

	va_start(args, fmt);
	vroot_path(path, sizeof(path), fmt, args);
	va_end(args);
	*text = '\0';
	file = fopen(path, "re");
	if (!file)
		return false;
	if (fgets(text, size, file))
		text[strcspn(text, "\n")] = '\0';
	fclose(file);
	return true;
}

bool path_exists(const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list args;

	va_start(args, fmt);
	vroot_path(path, sizeof(path), fmt, args);
	va_end(args);
	return !access(path, F_OK);
}

/**
 * link_name - the last part of what a symbolic link leads to
 * @name: out, empty if there is no such link
 * @size: of @name
 * @fmt: path
 *
 * Return: if there is one.
 */
bool link_name(char *name, size_t size, const char *fmt, ...)
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *slash;
	va_list args;
	ssize_t len;

	va_start(args, fmt);
	vroot_path(path, sizeof(path), fmt, args);
	va_end(args);
	len = readlink(path, target, sizeof(target) - 1);
	target[len < 0 ? 0 : len] = '\0';
	slash = strrchr(target, '/');
	snprintf(name, size, "%s", slash ? slash + 1 : target);
	return len > 0;
}
