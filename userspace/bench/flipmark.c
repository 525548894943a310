// SPDX-License-Identifier: GPL-2.0
/*
 * flipmark: has something done between two marks for the plugin.
 *
 *	flipmark MILLISECONDS WORD...
 *	flipmark MILLISECONDS --tell FIFO LINE FILE
 *
 * The words are a command of flipgen's control socket; or the line is written to the fifo,
 * and something is in the file when it is done. The second mark comes so long after flipgen's
 * answer, which is printed, or after that. This is a program so that what is counted in
 * between is not also what it costs to start one.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "mark.h"

#define PORT	"/dev/virtio-ports/gen"
#define POLL_MS	50
#define TRIES	12000

/* nopl WHICH(%rax) */
static inline __attribute__((always_inline)) void mark(unsigned int which)
{
	asm volatile(".byte 0x0f, 0x1f, 0x80; .long %c0" : : "i" (which) : "memory");
}

static int ask(int fd, const char *line, size_t len, const char *id, char *answer, size_t room)
{
	size_t used = 0;
	ssize_t n;

	if (write(fd, line, len) != (ssize_t)len)
		return 0;
	while (used + 1 < room) {
		n = read(fd, answer + used, room - used - 1);
		if (n <= 0)
			return 0;
		used += n;
		answer[used] = '\0';
		if (answer[used - 1] == '\n' && strstr(answer, id))
			return 1;
	}
	return 0;
}

static void wait_ms(unsigned int ms)
{
	const struct timespec pause = { ms / 1000, ms % 1000 * 1000000l };

	nanosleep(&pause, NULL);
}

static int tell(unsigned int ms, const char *fifo, const char *line, const char *file)
{
	struct stat st = { 0 };
	int fd, i, ok;

	/* Reading too, that it never blocks */
	fd = open(fifo, O_RDWR);
	if (fd < 0) {
		perror(fifo);
		return 1;
	}
	mark(MARK_BEGIN);
	ok = dprintf(fd, "%s\n", line) > 0;
	for (i = 0; ok && !st.st_size && i < TRIES; i++) {
		wait_ms(POLL_MS);
		stat(file, &st);
	}
	wait_ms(ms);
	mark(MARK_END);
	return !st.st_size;
}

int main(int argc, char **argv)
{
	unsigned int ms = argc > 2 ? strtoul(argv[1], NULL, 0) : 0;
	static char line[8192], answer[65536];
	char id[32];
	int fd, i, ok;
	size_t len;

	if (argc == 6 && !strcmp(argv[2], "--tell"))
		return tell(ms, argv[3], argv[4], argv[5]);
	if (argc < 3) {
		fputs("usage: flipmark MILLISECONDS WORD...\n"
		      "       flipmark MILLISECONDS --tell FIFO LINE FILE\n", stderr);
		return 2;
	}
	snprintf(id, sizeof(id), "mark-%d", getpid());
	len = snprintf(line, sizeof(line), "%s", id);
	for (i = 2; i < argc; i++)
		len += snprintf(line + len, sizeof(line) - len, " %s", argv[i]);
	line[len++] = '\n';
	fd = open(PORT, O_RDWR);
	if (fd < 0) {
		perror(PORT);
		return 1;
	}
	mark(MARK_BEGIN);
	ok = ask(fd, line, len, id, answer, sizeof(answer));
	wait_ms(ms);
	mark(MARK_END);
	fputs(answer, stdout);
	return !ok;
}
