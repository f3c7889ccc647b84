# SPDX-License-Identifier: MIT OR GPL-2.0-only
#
# Targets for people. Meson does the work underneath, in directories below build/; this file installs
# what a bare Debian 12 lacks, and names the targets. `make help` lists them.

JOBS ?= $(shell nproc 2>/dev/null || echo 2)
prefix ?= /usr/local
DESTDIR ?=
# Which suite (`make test SUITE=iova`) and which build (`make test CONFIG=asan`); all where empty.
SUITE ?=
CONFIG ?=
# Seconds for each fuzz target of `make fuzz`, or inputs where FUZZ_RUNS is not 0; words that a target's name must have one of;
# random operations of each case of `make soak`.
FUZZ_SECONDS ?= 300
FUZZ_RUNS ?= 0
FUZZ_TARGETS ?=
# Seconds after which a target that counts its inputs stops; the next run goes on there. 0: none.
FUZZ_LIMIT ?= 0
SOAK_OPS ?= 10000000
# One in so many mutants, chosen by the commit, for `make mutants`; 1: all.
MUTANT_SHARE ?= 1
# "no" leaves out the mutants that a booted kernel shows, "only" runs no others.
MUTANT_BOOTS ?= yes
# Seconds for which `make convert-tree` compiles what it converted.
COMPILE ?= 3600

export JOBS SUITE CONFIG FUZZ_SECONDS FUZZ_RUNS FUZZ_TARGETS FUZZ_LIMIT SOAK_OPS MUTANT_SHARE MUTANT_BOOTS

.DEFAULT_GOAL := help
.NOTPARALLEL:

.PHONY: help
help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile
	@echo 'Variables: SUITE=name and CONFIG=name narrow "test"; FUZZ_SECONDS=n; SOAK_OPS=n; JOBS=n;'
	@echo '  prefix=dir DESTDIR=dir for "install"; DEPS=no leaves packages alone.'

.PHONY: run
run: ## replay the bundled traces through every API and backend; report in build/report
	@sh scripts/deps.sh run
	@sh scripts/build.sh
	@sh scripts/run.sh

.PHONY: quick
quick: ## one build and the suites that find most: under a minute after a small change
	@sh scripts/deps.sh quick
	@python3 scripts/test.py --quick

.PHONY: test
test: ## all builds (native, check, sanitizers, one file, cross), their suites but the long ones; lint
	@sh scripts/deps.sh test
	@python3 scripts/test.py

.PHONY: test-long
test-long: ## the suites that "test" leaves out: cross builds in full, more boots, models, replays under sanitizers
	@sh scripts/deps.sh test
	@python3 scripts/test.py --long

.PHONY: dist
dist: ## the library as one C file beside its headers, in build/dist
	@sh scripts/deps.sh lint
	@python3 scripts/amalgamate.py --dist build/dist
	@echo 'made build/dist: dmah.c and dmah/*.h'

.PHONY: sizes
sizes: ## text sizes of the library on four architectures, as the table of README.md
	@sh scripts/deps.sh test
	@python3 scripts/sizes.py

.PHONY: build
build: ## compile the library and the command, build/dmah
	@sh scripts/deps.sh build
	@sh scripts/build.sh
	@echo 'built build/dmah'

.PHONY: install
install: ## install headers, libdmah.a, pkg-config file, command, man page (prefix, DESTDIR)
	@sh scripts/deps.sh build
	@sh scripts/build.sh --prefix '$(prefix)'
	@DESTDIR='$(DESTDIR)' meson install -C build/release --no-rebuild --quiet
	@echo 'installed under $(DESTDIR)$(prefix)'

.PHONY: example-kernel
example-kernel: ## boot the example kernel (examples/kernel) on x86, arm64 and riscv64 under QEMU
	@sh scripts/deps.sh example-kernel
	@$(MAKE) -s -j $(JOBS) -C examples/kernel ARCH=x86 run
	@$(MAKE) -s -j $(JOBS) -C examples/kernel ARCH=arm64 run
	@$(MAKE) -s -j $(JOBS) -C examples/kernel ARCH=riscv64 run

.PHONY: linux-module
linux-module: ## dmah.ko for KERNEL=6.1, 6.12, 7.3, a release or build directory (the running one's), ARCH= CROSS_COMPILE= OUT=
	@sh scripts/deps.sh linux-module
	@sh ports/linux/build.sh '$(OUT)' '$(KERNEL)' $(if $(ARCH),ARCH=$(ARCH)) \
		$(if $(CROSS_COMPILE),CROSS_COMPILE=$(CROSS_COMPILE))

.PHONY: linux-series
linux-series: ## write the patches for Linux KERNEL=7.3 into OUT (build/series/KERNEL); check them by git am and checkpatch
	@sh scripts/deps.sh linux-series
	@python3 -m linux.series patches --kernel '$(or $(KERNEL),7.3)' $(if $(OUT),--out '$(OUT)')

.PHONY: convert-tree
convert-tree: ## convert a whole kernel tree (KERNEL=7.3 or 6.12) and print the tables of docs/converting.md (minutes)
	@sh scripts/deps.sh test
	@sh scripts/build.sh
	@python3 scripts/convert_tree.py build/dmah $(if $(KERNEL),$(KERNEL),7.3) --jobs $(JOBS) \
		--patch build/convert-$(or $(KERNEL),7.3).patch --compile $(COMPILE)

.PHONY: convert-drivers
convert-drivers: build ## convert drivers, run them on 7.3 and 6.12, print the tables of docs/converting.md (PARTS=; hours of a busy machine; goes on where it ended)
	@sh scripts/deps.sh test
	@python3 tests/convert/whole.py --jobs $(JOBS) $(if $(DOCUMENT),--document '$(DOCUMENT)') build/dmah \
		build/release/tools/record/dmah-record $(PARTS)

.PHONY: linux-series-test
linux-series-test: ## build the kernel of each patch (STEP=all; the last), boot them, run KUnit, edu and traffic (an hour of CPU); KIND=arm, arm64, debug: another kernel
	@sh scripts/deps.sh linux-series-test
	@python3 -m linux.series test --kernel '$(or $(KERNEL),7.3)' $(if $(STEP),--step '$(STEP)') $(if $(KIND),--kind '$(KIND)')

.PHONY: linux-series-bench
linux-series-bench: ## count instructions for each call in the kernels of the patches (STEP=all; the last)
	@sh scripts/deps.sh linux-series-test
	@python3 -m linux.series bench --kernel '$(or $(KERNEL),7.3)' $(if $(STEP),--step '$(STEP)') $(if $(KIND),--kind '$(KIND)')

.PHONY: linux-series-drivers
linux-series-drivers: ## build the drivers that the patches convert for Debian's kernel and dmah.ko, boot them with traffic
	@sh scripts/deps.sh linux-series-test
	@python3 -m linux.series drivers --kernel '$(or $(KERNEL),7.3)'

.PHONY: linux-series-map-benchmark
linux-series-map-benchmark: ## run the kernel's own benchmark of DMA mapping, by address and by handle
	@sh scripts/deps.sh linux-series-test
	@python3 -m linux.series map_benchmark --kernel '$(or $(KERNEL),7.3)' $(if $(STEP),--step '$(STEP)')

# A kernel takes half an hour of CPU, and its boots more than those of a plain one.
.PHONY: linux-sanitize
linux-sanitize: ## boot the last patch with lockdep and KASAN, and with KCSAN: KUnit, edu and traffic (KIND=kasan, KIND=kcsan: one of them)
	@sh scripts/deps.sh linux-series-test
	@for kind in $(or $(KIND),kasan kcsan); do \
		python3 -m linux.series test --kernel '$(or $(KERNEL),7.3)' --kind $$kind || exit 1; \
	done

.PHONY: bench
bench: ## measure mapping beside Linux's own code; report in build/report (15 minutes)
	@sh scripts/deps.sh bench
	@sh scripts/bench.sh --instructions

.PHONY: bench-quick
bench-quick: ## time only the rows of the headline (2 minutes)
	@sh scripts/deps.sh bench
	@sh scripts/bench.sh --quick --instructions

.PHONY: bench-check
bench-check: ## run every row of the benchmark once, Linux's own code too, checked and not timed; the trace of lockup-search
	@sh scripts/deps.sh bench
	@sh scripts/bench.sh --smoke
	@sh scripts/lockup.sh --short

.PHONY: bench-instructions
bench-instructions: ## count the instructions of the benchmark by callgrind, without timing
	@sh scripts/deps.sh bench
	@sh scripts/bench.sh --only-instructions

.PHONY: lockup-search
lockup-search: ## search for workloads that make Linux's IOVA allocator, and this library's, take many steps in a call (5 minutes)
	@sh scripts/deps.sh bench
	@sh scripts/lockup.sh

.PHONY: lockup-check
lockup-check: ## replay the published trace on Linux's allocators and on this library's, and search shortly
	@sh scripts/deps.sh bench
	@sh scripts/lockup.sh --short

.PHONY: performance
performance: ## the figures of docs/performance.md, measured anew and put into it (20 minutes, an idle machine; SHORT=1: 6)
	@sh scripts/deps.sh bench
	@sh scripts/performance.sh $(if $(SHORT),--short)

.PHONY: evidence
evidence: ## measure mapping in stock kernels under QEMU, and on Xen; report in build/report (10 minutes)
	@sh scripts/deps.sh test
	@sh scripts/deps.sh bench
	@python3 bench/linux/evidence.py

.PHONY: evidence-check
evidence-check: ## run one kernel of "evidence" with few repeats and check the result
	@sh scripts/deps.sh test
	@python3 scripts/test.py --suite evidence

.PHONY: qemu-bench
qemu-bench: ## run the tests on QEMU's device models at length
	@sh scripts/deps.sh test
	@sh scripts/qemu-bench.sh

.PHONY: soak
soak: ## run the random tests at length: SOAK_OPS operations for each case
	@sh scripts/deps.sh test
	@python3 scripts/test.py --soak

.PHONY: fuzz
fuzz: ## fuzz every libFuzzer target for FUZZ_SECONDS
	@sh scripts/deps.sh test
	@python3 scripts/fuzz.py

.PHONY: fuzz-tables
fuzz-tables: ## fuzz the firmware-table parsers with 10 million inputs each (FUZZ_RUNS=n), on from where it was ended
	@sh scripts/deps.sh test
	@FUZZ_TARGETS="$(or $(FUZZ_TARGETS),fuzz-fw-)" FUZZ_RUNS=$(if $(filter-out 0,$(FUZZ_RUNS)),$(FUZZ_RUNS),10000000) python3 scripts/fuzz.py

.PHONY: driver-sweep
driver-sweep: build ## record and check 27 drivers of Linux in booted kernels, SWEEP= more arguments (hours; --short: minutes)
	@sh scripts/deps.sh test
	@python3 tests/sweep/sweep.py $(SWEEP)

.PHONY: record-events
record-events: build ## boot 6.12 and 7.3, make every dma event, replace the recordings in tests/trace/data (minutes)
	@sh scripts/deps.sh test
	@python3 tests/trace/test_every_guest.py --write build/dmah build/release/tools/record/dmah-record 6.12 7.3

.PHONY: mutants
mutants: ## break the code in one place at a time (tests/mutants); the suites must fail
	@sh scripts/deps.sh test
	@python3 scripts/mutants.py

.PHONY: lint
lint: ## check style, licence lines, scripts, includes and language
	@sh scripts/deps.sh lint
	@sh scripts/lint.sh

.PHONY: format
format: ## put every C file into the project's style
	@sh scripts/deps.sh lint
	@sh scripts/lint.sh --fix

.PHONY: clean
clean: ## remove build/
	rm -rf build
