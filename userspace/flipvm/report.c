// SPDX-License-Identifier: GPL-2.0
/* The guest's result as JSON. */
#include <limits.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>

#include "report.h"

static const char *const fatal_names[] = {
	[GUEST_BAD_MAGIC] = "not a kvmflip device of this version",
	[GUEST_BAD_LAYOUT] = "the device's registers make no sense",
	[GUEST_EXCEPTION] = "the guest program crashed",
};

static const struct {
	const char *name;
	size_t at;
} members[] = {
#define MEMBER(name) { #name, offsetof(struct guest_result, name) }
	MEMBER(received),
	MEMBER(flipped),
	MEMBER(copied),
	MEMBER(bytes),
	MEMBER(checksum_ok),
	MEMBER(checksum_bad),
	MEMBER(checksum_sum),
	MEMBER(foreign_bytes),
	MEMBER(scanned),
	MEMBER(misdelivered),
	MEMBER(reordered),
	MEMBER(tagged),
	MEMBER(bad_desc),
	MEMBER(returned),
	MEMBER(bounces_returned),
	MEMBER(revoked),
	MEMBER(revoked_slot),
	MEMBER(not_gone),
	MEMBER(wanted),
	MEMBER(interrupts),
	MEMBER(doorbells),
	MEMBER(halts),
	MEMBER(spins),
	MEMBER(vanished),
	MEMBER(spin_foreign),
	MEMBER(rounds),
	MEMBER(round_foreign),
	MEMBER(attacks),
	MEMBER(failed),
	MEMBER(resets),
#undef MEMBER
	{ }
};

void report_take(struct guest_result *copy, const struct guest_result *shared)
{
	/* Bounded: a guest that was stopped in the middle stays odd. */
	unsigned int tries = 1000;
	__u32 version;

	do {
		version = __atomic_load_n(&shared->version, __ATOMIC_ACQUIRE);
		memcpy(copy, shared, sizeof(*copy));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (!(version & 1) &&
		    version == __atomic_load_n(&shared->version,
					       __ATOMIC_RELAXED))
			break;
		sched_yield();
	} while (--tries);
}

static void print_delays(const struct delays *delays, FILE *to)
{
	fprintf(to, ", \"delay_us\": {\"frames\": %zu", delays->frames);
	fprintf(to, ", \"median\": %u, \"p99\": %u, \"max\": %u}",
		delays->median, delays->p99, delays->max);
}

void report_print(const struct guest_result *result, const char *error,
		  const struct delays *delays, FILE *to)
{
	size_t i;

	if (!error && result->fatal > GUEST_OK &&
	    result->fatal <= GUEST_EXCEPTION)
		error = fatal_names[result->fatal];
	fprintf(to, "{\"running\": %s",
		result->running && !error ? "true" : "false");
	if (error)
		fprintf(to, ", \"error\": \"%s\"", error);
	for (i = 0; members[i].name; i++)
		fprintf(to, ", \"%s\": %llu", members[i].name,
			*(__u64 *)((char *)result + members[i].at));
	fputs(", \"foreign_where\": ", to);
	if (result->foreign_bytes || result->spin_foreign)
		fprintf(to, "{\"slot\": %u, \"offset\": %u, \"value\": %u}",
			result->where_slot, result->where_offset,
			result->where_value);
	else
		fputs("null", to);
	if (delays)
		print_delays(delays, to);
	fputs("}\n", to);
}

void report_write(const struct guest_result *result, const char *error,
		  const char *path)
{
	char tmp[PATH_MAX];
	FILE *to;

	snprintf(tmp, sizeof(tmp), "%s.new", path);
	to = fopen(tmp, "we");
	if (!to)
		return;
	report_print(result, error, NULL, to);
	if (!fclose(to))
		rename(tmp, path);
}
