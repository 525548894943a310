// SPDX-License-Identifier: GPL-2.0
/*
 * The commands of the control socket:
 *
 *	ID send NIC WORD...	send generated frames
 *	ID pcap NIC FILE [burst=N] [gap-us=N] [loops=N]
 *				send recorded frames
 *	ID pcap-write FILE WORD...
 *				record generated frames
 *	ID stats		all that was sent since the start
 *
 * ID is echoed in the answer, so that an answer to a command that somebody
 * stopped waiting for is not taken for another's.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command.h"
#include "payload.h"
#include "pcap.h"
#include "plan.h"

#define WORDS	128

static const char no_room[] = "QEMU took no frame for 5 seconds";

static struct nic *find_nic(struct nic *nics, int n, const char *name)
{
	int i;

	for (i = 0; name && i < n; i++)
		if (!strcmp(nics[i].name, name))
			return &nics[i];
	return NULL;
}

static __u64 now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000ull + ts.tv_nsec / 1000;
}

static void sleep_until(__u64 us)
{
	const struct timespec ts = {
		.tv_sec = us / 1000000,
		.tv_nsec = us % 1000000 * 1000,
	};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

/* After frame number i (from 0) of a series, the end of the pause due then */
static __u64 pause_end(struct nic *nic, __u32 i, __u32 burst, __u32 gap_us)
{
	if (!burst || (i + 1) % burst)
		return 0;
	nic_drain(nic);
	return now_us() + gap_us;
}

static bool send_frame(struct nic *nic, struct plan *plan,
		       const struct dest *dest, struct tally *tally)
{
	__u8 frame[PAYLOAD_MAX_FRAME];
	size_t len = plan_frame(plan, dest, frame, nic->number, nic->seq);

	if (!nic_send(nic, frame, len))
		return false;
	nic->seq++;
	tally_frame(tally, frame, len);
	return true;
}

/* Wait until @end, and send the paced frames that fall due till then. */
static bool send_paced(struct nic *nic, struct plan *plan, __u64 *due,
		       __u64 end, struct tally *tally)
{
	while (plan->paced_us && (*due < end || *due <= now_us())) {
		if (*due > now_us())
			sleep_until(*due);
		*due += plan->paced_us;
		if (!send_frame(nic, plan, &plan->paced, tally))
			return false;
	}
	if (end)
		sleep_until(end);
	return true;
}

static const char *send_plan(struct nic *nic, char **words, int n,
			     struct tally *tally)
{
	struct plan plan;
	const char *error;
	__u64 due = now_us(), end;
	__u32 i;

	error = plan_parse(&plan, words, n);
	nic->press = !plan.burst;
	for (i = 0; !error && i < plan.count; i++) {
		if (!send_frame(nic, &plan, plan_choose(&plan), tally))
			return no_room;
		end = pause_end(nic, i, plan.burst, plan.gap_us);
		if (!send_paced(nic, &plan, &due, end, tally))
			return no_room;
	}
	return error;
}

static const char *send_file_once(struct nic *nic, const char *path,
				  __u32 burst, __u32 gap_us,
				  struct tally *tally)
{
	__u8 frame[65536];
	struct pcap pcap;
	const char *error;
	__u64 end;
	__u32 i;
	size_t len;

	nic->press = false;
	error = pcap_open(&pcap, path);
	if (error)
		return error;
	for (i = 0; !error; i++) {
		len = sizeof(frame);
		error = pcap_get(&pcap, frame, &len);
		if (error || !len)
			break;
		if (nic_send(nic, frame, len))
			tally_frame(tally, frame, len);
		else
			error = no_room;
		end = pause_end(nic, i, burst, gap_us);
		if (end)
			sleep_until(end);
	}
	pcap_close(&pcap);
	return error;
}

static const char *send_file(struct nic *nic, char **words, int n,
			     struct tally *tally)
{
	unsigned int burst = 64, gap_us = 1000, loops = 1;
	const char *error = NULL;
	int i;

	if (!n)
		return "pcap NIC FILE [burst=N] [gap-us=N] [loops=N]";
	for (i = 1; i < n; i++)
		if (sscanf(words[i], "burst=%u", &burst) != 1 &&
		    sscanf(words[i], "gap-us=%u", &gap_us) != 1 &&
		    sscanf(words[i], "loops=%u", &loops) != 1)
			return "pcap NIC FILE [burst=N] [gap-us=N] [loops=N]";
	while (loops-- && !error)
		error = send_file_once(nic, words[0], burst, gap_us, tally);
	return error;
}

const char *command_pcap_write(const char *path, char **words, int n,
			       struct tally *tally)
{
	__u8 frame[PAYLOAD_MAX_FRAME];
	const char *error, *close_error;
	struct plan plan;
	struct pcap pcap;
	__u32 i;
	size_t len;

	error = plan_parse(&plan, words, n);
	if (!error)
		error = pcap_create(&pcap, path);
	if (error)
		return error;
	for (i = 0; !error && i < plan.count; i++) {
		len = plan_frame(&plan, plan_choose(&plan), frame, 0xff, i);
		error = pcap_put(&pcap, frame, len, i);
		tally_frame(tally, frame, len);
	}
	close_error = pcap_close(&pcap);
	return error ?: close_error;
}

static void print_stats(struct nic *nics, int n, FILE *to)
{
	int i;

	fputs(", \"nics\": {", to);
	for (i = 0; i < n; i++) {
		fprintf(to, "%s\"%s\": {", i ? ", " : "", nics[i].name);
		tally_print(&nics[i].sent, to);
		fprintf(to, ", \"came\": %llu, \"waits\": %llu}",
			nics[i].came, nics[i].waits);
	}
	fputs("}", to);
}

void command_run(struct nic *nics, int n_nics, char *line, FILE *answer)
{
	char *words[WORDS], *word, *id;
	struct tally tally = { 0 };
	const char *error = NULL;
	const char *verb = "";
	struct nic *nic = NULL;
	int n = 0;

	while ((word = strsep(&line, " \t\r\n")))
		if (*word && n < WORDS)
			words[n++] = word;
	if (!n)
		return;
	id = words[0];
	if (n > 1)
		verb = words[1];
	if (!strcmp(verb, "send") || !strcmp(verb, "pcap")) {
		nic = find_nic(nics, n_nics, n > 2 ? words[2] : NULL);
		if (!nic)
			error = "no such NIC";
		else if (!strcmp(verb, "send"))
			error = send_plan(nic, words + 3, n - 3, &tally);
		else
			error = send_file(nic, words + 3, n - 3, &tally);
	} else if (!strcmp(verb, "pcap-write") && n > 2) {
		error = command_pcap_write(words[2], words + 3, n - 3, &tally);
	} else if (strcmp(verb, "stats")) {
		error = "commands: send, pcap, pcap-write, stats";
	}

	fprintf(answer, "{\"id\": \"%s\", \"ok\": %s", id,
		error ? "false" : "true");
	if (error)
		fprintf(answer, ", \"error\": \"%s\"", error);
	if (!strcmp(verb, "stats")) {
		print_stats(nics, n_nics, answer);
	} else {
		fputs(", ", answer);
		tally_print(&tally, answer);
	}
	fputs("}\n", answer);
	fflush(answer);
}
