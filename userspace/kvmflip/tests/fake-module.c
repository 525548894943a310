// SPDX-License-Identifier: GPL-2.0
/*
 * Stands in for module.c and bpffs.c in tests: what the module would tell is in the files
 * pools.json, rxqs.json and ports.json of the directory KVMFLIP_FAKE. Nothing can be
 * changed. The kernel's tracing is made of files too: those of process 1, whose
 * directories are there. There is no memory for what is as large as KVMFLIP_NO_MALLOC or
 * KVMFLIP_NO_CALLOC says.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../bpffs.h"
#include "../module.h"
#include "../output.h"

#define FILE_MAX 65536

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);

static bool refuses(const char *variable, size_t size)
{
	const char *text = getenv(variable);

	return text && strtoul(text, NULL, 0) == size;
}

void *malloc(size_t size)
{
	return refuses("KVMFLIP_NO_MALLOC", size) ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return refuses("KVMFLIP_NO_CALLOC", n * size) ? NULL : __libc_calloc(n, size);
}

pid_t getpid(void)
{
	return 1;
}

int mkdir(const char *path, mode_t mode)
{
	(void)path;
	(void)mode;
	return 0;
}

int rmdir(const char *path)
{
	(void)path;
	return 0;
}

int bpffs_lock(void)
{
	return EXIT_OK;
}

int module_connect(struct kvmflip **kf)
{
	*kf = NULL;
	return refused("a fake has no connection");
}

int module_open(void)
{
	return EXIT_OK;
}

struct kvmflip_request *module_request(int cmd)
{
	(void)cmd;
	return NULL;
}

int module_do(struct kvmflip_request *req, cJSON **reply)
{
	(void)req;
	(void)reply;
	return -1;
}

const char *module_error(void)
{
	return "a fake does nothing";
}

void json_key(const char *name, char key[KEY_LEN])
{
	char *c;

	snprintf(key, KEY_LEN, "%s", name);
	while ((c = strchr(key, '-')))
		*c = '_';
}

cJSON *json_of(const struct kvmflip_object *object)
{
	(void)object;
	return cJSON_CreateObject();
}

/* numbers are raw items in the program, so that they are printed as they came */
static void make_raw(cJSON *item)
{
	char number[24];
	cJSON *child;

	cJSON_ArrayForEach(child, item)
		make_raw(child);
	if (!cJSON_IsNumber(item))
		return;
	snprintf(number, sizeof(number), "%.0f", item->valuedouble);
	item->valuestring = strdup(number);
	item->type = cJSON_Raw;
}

int module_dump(int cmd, cJSON **replies)
{
	const char *name = cmd == KVMFLIP_CMD_POOL_GET ? "pools" :
			   cmd == KVMFLIP_CMD_RXQ_GET ? "rxqs" : "ports";
	static char text[FILE_MAX];
	static unsigned int calls;
	char path[256];
	FILE *file;

	/* a program that asks again sees what has happened meanwhile */
	snprintf(path, sizeof(path), "%s/%s%s.json", getenv("KVMFLIP_FAKE"), name,
		 calls++ < 3 ? "" : "-later");
	file = fopen(path, "re");
	if (!file)
		return refused("%s", path);
	text[fread(text, 1, FILE_MAX - 1, file)] = '\0';
	fclose(file);
	*replies = cJSON_Parse(text);
	if (!*replies)
		return refused("%s is no JSON", path);
	make_raw(*replies);
	return EXIT_OK;
}
