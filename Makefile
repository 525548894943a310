# SPDX-License-Identifier: GPL-2.0
# Front door. The module's own build is in Kbuild, userspace's in userspace/.

# The scripts that one target calls count the time from here.
export KVMFLIP_START := $(or $(KVMFLIP_START),$(shell date +%s))

KDIR ?= /lib/modules/$(shell uname -r)/build

all: modules userspace

help:
	@echo 'make                build the module for KDIR and the programs'
	@echo 'make modules        the module only; KDIR=DIR is the kernel build or'
	@echo '                    headers directory, the running kernel by default'
	@echo 'make userspace      the programs only'
	@echo 'make install        what was built, into PREFIX=/usr/local, below DESTDIR'
	@echo 'make packages       Debian packages, into out/packages'
	@echo 'make demo           two guests in an emulated KVM host, with a table'
	@echo 'make check          every test; T=PATTERN for some of them'
	@echo 'make check-full     these, and each end-to-end case with the checkers of'
	@echo '                    the debug kernel too, which takes hours'
	@echo 'make check-matrix   the end-to-end suites on each kernel that the module is for,'
	@echo '                    and the table of them in README.md'
	@echo 'make bench          what a frame costs, with kvmflip and with others;'
	@echo '                    B=OPTIONS of scripts/bench'
	@echo 'make shell          a shell in an emulated KVM host with virtme-ng'
	@echo '                    (RUNNER=own: with the runner the tests use;'
	@echo '                    KERNEL=plain: without checkers, which is faster)'
	@echo 'make kernels        build the test kernels that are not in the cache'
	@echo 'make clean          remove what the above left in this directory'

modules:
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

modules_install:
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules_install

userspace:
	$(MAKE) -C userspace

install:
	$(MAKE) -C userspace/lib install
	$(MAKE) -C userspace/kvmflip install
	$(MAKE) -C userspace/bench install
	$(MAKE) modules_install $(if $(DESTDIR),INSTALL_MOD_PATH=$(DESTDIR))

packages:
	scripts/package

demo:
	@scripts/setup && scripts/demo

check:
	@scripts/setup && scripts/check $(if $(T),'$(T)')

check-full:
	@scripts/setup --full && scripts/check --full $(if $(T),'$(T)')

check-matrix:
	@scripts/setup --full && { scripts/check --matrix $(if $(T),'$(T)'); status=$$?; \
		$(if $(T),true,scripts/matrix-table) && exit $$status; }

bench:
	@scripts/setup && scripts/kernels build plain && scripts/bench $(B)

shell: KERNEL ?= debug
shell:
	@scripts/setup && scripts/kernels build $(KERNEL) && scripts/shell $(KERNEL) $(RUNNER)

kernels:
	@scripts/setup && scripts/kernels build debug plain headers-6.12

clean:
	-$(MAKE) -C userspace clean
	if test -d $(KDIR); then $(MAKE) -C $(KDIR) M=$(CURDIR) clean; fi
	rm -rf out

.PHONY: all help modules modules_install userspace install packages demo check check-full check-matrix \
	bench shell kernels clean
