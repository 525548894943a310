// SPDX-License-Identifier: GPL-2.0
/*
 * flipvm: the smallest VMM that can have a kvmflip port. It shows what a VMM
 * has to do for one (vfio.c, and vm_map() and vm_route_irq() below), and its
 * guest shows what a driver has to do (guest/device.c).
 */
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <time.h>

#include "delays.h"
#include "die.h"
#include "report.h"
#include "shared.h"
#include "vfio.h"
#include "vm.h"

#define TICK_MS		50

/**
 * struct options - the command line
 * @uuid: of the mediated device
 * @report: file for the running report, or NULL
 * @quiet: write it only as long as the guest is not running yet
 * @params: for the guest
 * @cpus: processors of the guest
 * @seconds: end after that long, 0: do not
 * @until: end when so many frames have come, 0: do not
 */
struct options {
	const char *uuid;
	const char *report;
	bool quiet;
	struct guest_params params;
	unsigned int cpus;
	unsigned int seconds;
	__u64 until;
};

static const char *const modes[] = {
	[GUEST_SCAN] = "scan",
	[GUEST_SPIN_READ] = "spin",
	[GUEST_SPIN_WRITE] = "spin-write",
	[GUEST_HOLD] = "hold",
	[GUEST_KEEP] = "keep",
	[GUEST_HOSTILE] = "hostile",
	[GUEST_FUZZ] = "fuzz",
	NULL
};

static void print_usage(int status)
{
	fputs("usage: flipvm --uuid UUID [--tag BYTE] [--report FILE [--quiet]]\n"
	      "              [--mode {scan|spin|spin-write|hold|keep|hostile|fuzz}]\n"
	      "              [--cpus {1|2}] [--batch N] [--seed N] [--seconds N] [--until FRAMES]\n"
	      "Run a guest that takes frames from a kvmflip port and checks\n"
	      "each byte it can see; at the end, and on SIGUSR1, print what\n"
	      "it saw as JSON. A second processor reads in all slots, whosever they are,\n"
	      "and writes there too with spin-write. FILE has the same, renewed all the time; with --quiet\n"
	      "only until the guest runs.\n",
	      status ? stderr : stdout);
	exit(status);
}

static __u32 find_mode(const char *name)
{
	__u32 i;

	for (i = 0; modes[i]; i++)
		if (!strcmp(modes[i], name))
			return i;
	print_usage(2);
	return 0;
}

static void parse_options(struct options *o, int argc, char **argv)
{
	static const struct option names[] = {
		{ "uuid", required_argument, NULL, 'u' },
		{ "tag", required_argument, NULL, 't' },
		{ "mode", required_argument, NULL, 'm' },
		{ "report", required_argument, NULL, 'r' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "cpus", required_argument, NULL, 'c' },
		{ "batch", required_argument, NULL, 'b' },
		{ "seed", required_argument, NULL, 'e' },
		{ "seconds", required_argument, NULL, 's' },
		{ "until", required_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int opt;

	o->params.tag = 0x91;
	o->params.batch = 32;
	o->cpus = 1;
	while ((opt = getopt_long(argc, argv, "h", names, NULL)) != -1) {
		switch (opt) {
		case 'u':
			o->uuid = optarg;
			break;
		case 't':
			o->params.tag = strtoul(optarg, NULL, 0) & 0xff;
			break;
		case 'm':
			o->params.mode = find_mode(optarg);
			break;
		case 'r':
			o->report = optarg;
			break;
		case 'q':
			o->quiet = true;
			break;
		case 'c':
			o->cpus = strtoul(optarg, NULL, 0);
			break;
		case 'b':
			o->params.batch = strtoul(optarg, NULL, 0);
			break;
		case 'e':
			o->params.seed = strtoul(optarg, NULL, 0);
			break;
		case 's':
			o->seconds = strtoul(optarg, NULL, 0);
			break;
		case 'n':
			o->until = strtoull(optarg, NULL, 0);
			break;
		default:
			print_usage(opt == 'h' ? 0 : 2);
		}
	}
	if (!o->uuid || optind < argc || !(o->params.tag & 0xf0) ||
	    !o->params.batch || !o->cpus || o->cpus > VM_CPUS)
		print_usage(2);
}

/* Until a signal or one of the options says that it is enough */
static void wait_for_end(const struct options *o, struct vm *vm,
			 const sigset_t *signals)
{
	const struct timespec tick = { .tv_nsec = TICK_MS * 1000000 };
	const struct timespec seldom = { .tv_sec = 1 };
	const struct guest_result *shared = (void *)(vm->ram + GUEST_RESULT);
	struct guest_result now, last = { .version = ~0u };
	time_t end = time(NULL) + o->seconds;
	bool quiet = false;
	int sig;

	while (!__atomic_load_n(&vm->error, __ATOMIC_ACQUIRE)) {
		report_take(&now, shared);
		if (o->report && !quiet && memcmp(&now, &last, sizeof(now)))
			report_write(&now, NULL, o->report);
		quiet = o->quiet && now.running;
		last = now;
		if (o->params.mode == GUEST_FUZZ)
			vfio_fuzz(vm->device, o->params.seed + now.attacks);
		if (now.fatal || (o->until && now.received >= o->until) ||
		    (o->seconds && time(NULL) >= end))
			return;
		sig = sigtimedwait(signals, NULL, quiet ? &seldom : &tick);
		if (sig == SIGTERM || sig == SIGINT)
			return;
		if (sig == SIGUSR1) {
			report_print(&now, NULL, NULL, stdout);
			fflush(stdout);
		}
	}
}

int main(int argc, char **argv)
{
	struct options o = { 0 };
	struct guest_result result;
	struct delays delays;
	struct vfio device;
	struct vm vm = { 0 };
	sigset_t signals;

	parse_options(&o, argc, argv);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);

	vm_create(&vm, o.cpus);
	vfio_open(&device, o.uuid, vm.fd, GUEST_WINDOW);
	if (device.window_size > GUEST_REGS - GUEST_WINDOW)
		die("the window is larger than the guest's room for it");
	vm_map(&vm, 1, GUEST_WINDOW, device.window, device.window_size);
	if (o.params.mode == GUEST_FUZZ) {
		vfio_map_dma(&device, 0, vm.ram, GUEST_RAM_SIZE);
		vfio_map_dma(&device, GUEST_WINDOW, device.window, device.window_size);
	}
	vm_route_irq(&vm, device.irq, GUEST_VECTOR);
	memcpy(vm.ram + GUEST_PARAMS, &o.params, sizeof(o.params));

	vm_start(&vm, &device);
	wait_for_end(&o, &vm, &signals);
	vm_stop(&vm);

	report_take(&result, (void *)(vm.ram + GUEST_RESULT));
	if (o.report)
		report_write(&result, vm.error, o.report);
	delays = delays_sum_up((void *)(vm.ram + GUEST_DELAYS), result.delays,
			       vm_tsc_khz(&vm));
	report_print(&result, vm.error, &delays, stdout);
	return vm.error || result.fatal ? 1 : 0;
}
