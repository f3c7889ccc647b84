/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Starting, resetting and stopping machines; their memory; the machine of ports/posix. */
#define _GNU_SOURCE
#include "qemu_int.h"

#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MACHINES  8
#define ARGS	  112
#define MIB	  ((uint64_t)1 << 20)
#define BIOS_SIZE 65536
#define PAGE_SIZE 4096u
/* Lines of QEMU's log that are printed when a test fails. */
#define LOG_LINES 60u

static struct qemu *machines[MACHINES];

/* ---- what QEMU says ---- */

/* QEMU prints this when a timer is late and no CPU runs. The message is harmless. */
static void drop_warning(char *log)
{
	static const char *const warning = "icount sleep disabled and no active timers";
	char *at, *end;

	while ((at = strstr(log, warning))) {
		end = strchr(at, '\n');
		end = end ? end + 1 : at + strlen(at);
		while (at > log && at[-1] != '\n')
			at--;
		memmove(at, end, strlen(end) + 1);
	}
}

const char *qemu_log(struct qemu *q)
{
	off_t size = lseek(q->log_fd, 0, SEEK_END);
	size_t have = 0;

	free(q->log);
	q->log = calloc(1, (size_t)(size < 0 ? 0 : size) + 1);
	while (q->log && size > 0 && have < (size_t)size) {
		ssize_t n = pread(q->log_fd, q->log + have, (size_t)size - have, (off_t)have);

		if (n <= 0)
			break;
		have += (size_t)n;
	}
	if (q->log)
		drop_warning(q->log);
	return q->log ? q->log : "";
}

/* Returns the start of the last @most lines of a text. *@before: the number of lines in front of them. */
static const char *last_lines(const char *text, unsigned int most, unsigned int *before)
{
	unsigned int lines = 0;

	for (const char *at = text; *at; at++)
		lines += *at == '\n';
	*before = lines > most ? lines - most : 0;
	for (unsigned int i = 0; i < *before; i++)
		text = strchr(text, '\n') + 1;
	return text;
}

void qemu_log_drop(struct qemu *q)
{
	/* QEMU opened the file for appending, and goes on at the new end. */
	(void)!ftruncate(q->log_fd, 0);
}

void qemu_log_flush(struct qemu *q)
{
	unsigned int before;
	const char *at = last_lines(qemu_log(q), LOG_LINES, &before);

	if (before)
		printf("# qemu: %u lines, and then:\n", before);
	while (*at) {
		size_t n = strcspn(at, "\n");

		printf("# qemu: %.*s\n", (int)n, at);
		at += n + (at[n] != 0);
	}
	fflush(stdout);
	qemu_log_drop(q);
}

void qemu_die(struct qemu *q, const char *format, ...)
{
	va_list args;
	int status;

	fprintf(stderr, "lab/qemu: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	if (q && q->pid && waitpid(q->pid, &status, WNOHANG) == q->pid)
		fprintf(stderr, "lab/qemu: QEMU ended with %s %d\n",
			WIFSIGNALED(status) ? "signal" : "status",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	if (q && q->log_fd)
		qemu_log_flush(q);
	abort();
}

/* ---- starting ---- */

struct command {
	char *arg[ARGS];
	unsigned int n;
};

static void add(struct command *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct command *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (c->n + 1 >= ARGS || vasprintf(&c->arg[c->n++], format, args) < 0)
		qemu_die(NULL, "too many arguments");
	va_end(args);
}

static void add_words(struct command *c, const char *const *words)
{
	for (; words && *words; words++)
		add(c, "%s", *words);
}

static uint64_t ram_of(const struct qemu_config *config)
{
	return config->ram ? config->ram : 64 * MIB;
}

static bool is_x86(enum qemu_kind kind)
{
	return kind != QEMU_SMMU && kind != QEMU_RISCV;
}

static const char *arch_of(enum qemu_kind kind)
{
	return is_x86(kind) ? "amd64" : kind == QEMU_RISCV ? "riscv64" : "arm64";
}

/* Get the words that start the newer QEMU for @arch, as lab/vm prints them: one a line. The first run ever fetches it. */
static void find_newer(struct command *c, const char *arch)
{
	char text[1024], line[4096];
	FILE *f;

	snprintf(text, sizeof(text), "python3 '%s' emulator %s", LAB_VM, arch);
	f = popen(text, "r");
	if (!f)
		qemu_die(NULL, "%s: %s", text, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		add(c, "%s", line);
	}
	if (pclose(f) || !c->n)
		qemu_die(NULL, "%s failed", text);
}

static void add_newer(struct command *c, enum qemu_kind kind)
{
	static struct command found[QEMU_VIRTIO + 1];

	if (!found[kind].n)
		find_newer(&found[kind], arch_of(kind));
	for (unsigned int i = 0; i < found[kind].n; i++)
		add(c, "%s", found[kind].arg[i]);
}

static void add_iommu(struct command *c, const struct qemu_config *config)
{
	const char *options = config->iommu;

	if (config->kind == QEMU_RISCV || (config->kind == QEMU_SMMU && !options))
		return;
	add(c, "-device");
	if (config->kind == QEMU_VTD)
		add(c, "intel-iommu,intremap=on,%s", options ? options : "aw-bits=48");
	else if (config->kind == QEMU_SMMU)
		add(c, "arm-smmuv3,primary-bus=pcie.0,%s", options);
	else if (config->kind == QEMU_VIRTIO)
		add(c, "virtio-iommu-pci,addr=1");
	else
		/* Without the option QEMU 11's lets nothing be translated; 7.2's does not know it. */
		add(c, "amd-iommu%s%s%s", config->newer ? ",dma-remap=on" : "", options ? "," : "",
		    options ? options : "");
}

/* Build the key that tells one machine from another. File descriptors are added later. */
static void describe(struct command *c, const struct qemu_config *config)
{
	static const char *const common[] = { "-nodefaults", "-no-user-config", "-display",
					      "none",	     "-icount",		"shift=0,sleep=off",
					      NULL };

	bool x86 = is_x86(config->kind), riscv = config->kind == QEMU_RISCV;

	if (config->newer || riscv)
		add_newer(c, config->kind);
	else
		add(c, x86 ? "qemu-system-x86_64" : "qemu-system-aarch64");
	add(c, "-machine");
	add(c, "%s,accel=tcg,memory-backend=ram0%s%s",
	    x86		    ? "q35,pit=off,hpet=off"
	    : riscv	    ? "virt"
	    : config->iommu ? "virt,gic-version=3"
			    : "virt,iommu=smmuv3,gic-version=3",
	    config->machine ? "," : "", config->machine ? config->machine : "");
	add_iommu(c, config);
	if (riscv)
		add_words(c, (const char *const[]){ "-bios", "none", NULL });
	else if (!x86)
		add_words(c, (const char *const[]){ "-cpu", "cortex-a57", "-global",
						    "arm-cpu.start-powered-off=on", NULL });
	add_words(c, common);
	add(c, "-m");
	add(c, "%" PRIu64 "M", ram_of(config) / MIB);
	add_words(c, config->args);
}

static char *key_of(const struct command *c)
{
	char *key = NULL;
	size_t size;
	FILE *f = open_memstream(&key, &size);

	for (unsigned int i = 0; f && i < c->n; i++)
		fprintf(f, "%s\n", c->arg[i]);
	if (!f || fclose(f))
		qemu_die(NULL, "no memory");
	return key;
}

static int file_of(const char *name, uint64_t size)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)size))
		qemu_die(NULL, "%s: %s", name, strerror(errno));
	return fd;
}

/* The CPU only halts: cli; hlt; jump back to hlt. */
static int parking_bios(void)
{
	static const uint8_t park[] = { 0xfa, 0xf4, 0xeb, 0xfd };
	int fd = file_of("bios", BIOS_SIZE);

	/* Put the code at the reset vector, 16 bytes before the end. */
	if (pwrite(fd, park, sizeof(park), BIOS_SIZE - 16) != sizeof(park))
		qemu_die(NULL, "bios: %s", strerror(errno));
	return fd;
}

static int connect_to(struct command *c, struct qemu_stream *stream, const char *id)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd))
		qemu_die(NULL, "socketpair: %s", strerror(errno));
	stream->fd = fd[0];
	add(c, "-chardev");
	add(c, "socket,id=%s,fd=%d", id, fd[1]);
	return fd[1];
}

static void run(struct qemu *q, struct command *c, const int *keep, unsigned int nkeep)
{
	pid_t parent = getpid();

	q->pid = fork();
	if (q->pid < 0)
		qemu_die(NULL, "fork: %s", strerror(errno));
	if (q->pid)
		return;
	/* Kill QEMU when this process ends in any way. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	for (unsigned int i = 0; i < nkeep; i++)
		fcntl(keep[i], F_SETFD, 0);
	dup2(q->log_fd, STDOUT_FILENO);
	dup2(q->log_fd, STDERR_FILENO);
	execvp(c->arg[0], c->arg);
	dprintf(STDERR_FILENO, "%s: %s\n", c->arg[0], strerror(errno));
	_exit(127);
}

static void start_process(struct qemu *q, struct command *c)
{
	int keep[4];
	unsigned int n = 0;

	add(c, "-object");
	add(c, "memory-backend-file,id=ram0,share=on,size=%" PRIu64 ",mem-path=/proc/self/fd/%d",
	    q->ram_size, q->ram_fd);
	keep[n++] = q->ram_fd;
	keep[n++] = connect_to(c, &q->qtest, "qtest");
	add_words(c, (const char *const[]){ "-object",
					    "qtest,id=qtest0,chardev=qtest,log=/dev/null", NULL });
	keep[n++] = connect_to(c, &q->monitor, "monitor");
	add_words(c, (const char *const[]){ "-mon", "chardev=monitor,mode=control", NULL });
	if (is_x86(q->kind)) {
		keep[n] = parking_bios();
		add(c, "-bios");
		add(c, "/proc/self/fd/%d", keep[n++]);
	}
	run(q, c, keep, n);
	/* Keep the file of RAM open: a reset empties it. */
	for (unsigned int i = 1; i < n; i++)
		close(keep[i]);
}

/* The first bytes of RAM are where a riscv64 machine's CPU begins: it halts there (wfi; jump back to it). */
#define PARKED 4096u

static void park_riscv(struct qemu *q)
{
	static const uint32_t park[] = { 0x10500073, 0xffdff06f };

	if (q->kind == QEMU_RISCV)
		memcpy(q->ram, park, sizeof(park));
}

static struct qemu *start(const struct qemu_config *config, struct command *c, char *key)
{
	struct qemu *q = calloc(1, sizeof(*q));

	if (!q)
		qemu_die(NULL, "no memory");
	q->key = key;
	q->kind = config->kind;
	q->ram_base = is_x86(config->kind)	   ? 0
		      : config->kind == QEMU_RISCV ? 0x80000000
						   : 0x40000000;
	q->ram_size = ram_of(config);
	if (q->ram_size % (2 * MIB) || q->ram_size < 16 * MIB)
		qemu_die(NULL, "RAM of %" PRIu64 " bytes", q->ram_size);
	pthread_mutex_init(&q->mutex, NULL);
	q->ram_fd = file_of("ram", q->ram_size);
	q->log_fd = file_of("stderr", 0);
	fcntl(q->log_fd, F_SETFL, O_APPEND);
	q->ram = mmap(NULL, q->ram_size, PROT_READ | PROT_WRITE, MAP_SHARED, q->ram_fd, 0);
	q->window = mmap(NULL, QEMU_WINDOW, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			 -1, 0);
	if (q->ram == MAP_FAILED || q->window == MAP_FAILED)
		qemu_die(NULL, "mmap: %s", strerror(errno));
	park_riscv(q);
	start_process(q, c);
	qemu_qmp_open(q);
	return q;
}

/* ---- stopping ---- */

/* The copy of RAM, and behind it a byte for each page: 1 where the page is behind the cache. */
static size_t cache_size(const struct qemu *q)
{
	return q->ram_size + q->ram_size / PAGE_SIZE;
}

static void stop(struct qemu *q)
{
	kill(q->pid, SIGKILL);
	waitpid(q->pid, NULL, 0);
	qemu_log_flush(q);
	close(q->qtest.fd);
	close(q->monitor.fd);
	close(q->ram_fd);
	close(q->log_fd);
	munmap(q->ram, q->ram_size);
	munmap(q->window, QEMU_WINDOW);
	if (q->cache)
		munmap(q->cache, cache_size(q));
	pthread_mutex_destroy(&q->mutex);
	free(q->log);
	free(q->key);
	free(q);
}

void qemu_stop_all(void)
{
	posix_set_mmio(NULL);
	(void)posix_set_machine(NULL);
	for (unsigned int i = 0; i < MACHINES; i++) {
		if (machines[i])
			stop(machines[i]);
		machines[i] = NULL;
	}
}

/* ---- the port's machine ---- */

static uint64_t window_read(void *ctx, uint64_t offset, unsigned int size)
{
	return qemu_read(ctx, offset, size);
}

static void window_write(void *ctx, uint64_t offset, unsigned int size, uint64_t value)
{
	qemu_write(ctx, offset, size, value);
}

/* ---- pages behind a cache ---- */

static dmah_phys_t cached_virt_to_phys(void *ctx, const void *cpu)
{
	struct qemu *q = ctx;
	uintptr_t at = (uintptr_t)cpu - (uintptr_t)q->cache;

	return q->ram_base + (at < q->ram_size ? at : (uintptr_t)cpu - (uintptr_t)q->ram);
}

static void *cached_map(void *ctx, dmah_phys_t phys, size_t len)
{
	return qemu_ram(ctx, phys, len);
}

static void cached_unmap(void *ctx, void *cpu, dmah_phys_t phys, size_t len)
{
	(void)ctx;
	(void)cpu;
	(void)phys;
	(void)len;
}

static uint8_t *mark_of(struct qemu *q, dmah_phys_t phys)
{
	return q->cache + q->ram_size + (phys - q->ram_base) / PAGE_SIZE;
}

/* Copy word by word: a device may read the memory meanwhile. Memory that is coherent has no copy. */
static void cached_maintain(void *ctx, enum dmah_cache_op op, dmah_phys_t phys, uint64_t len)
{
	struct qemu *q = ctx;
	uint64_t *ram = qemu_ram(q, phys, len),
		 *cache = (uint64_t *)(void *)(q->cache + (phys - q->ram_base));

	for (uint64_t i = 0; i < len / 8; i++)
		if (!*mark_of(q, phys + i * 8))
			continue;
		else if (op == DMAH_CACHE_INVALIDATE)
			cache[i] = ram[i];
		else
			__atomic_store_n(&ram[i], cache[i], __ATOMIC_RELEASE);
}

static void *cached_note(void *ctx, dmah_phys_t phys, uint64_t size, enum posix_mem use)
{
	struct qemu *q = ctx;

	memset(mark_of(q, phys), use == POSIX_MEM_TABLE, size / PAGE_SIZE);
	if (use == POSIX_MEM_TABLE)
		return q->cache + (phys - q->ram_base);
	return qemu_ram(q, phys, size);
}

/* Make RAM differ from the cache, until the line is cleaned. */
static void add_cache(struct qemu *q, struct posix_machine *machine)
{
	if (!q->cache)
		q->cache = mmap(NULL, cache_size(q), PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (q->cache == MAP_FAILED)
		qemu_die(q, "mmap: %s", strerror(errno));
	memset(qemu_ram(q, machine->host_phys, 4 * MIB), 0xa7, 4 * MIB);
	machine->base = q->cache;
	machine->phys_map = cached_map;
	machine->phys_unmap = cached_unmap;
	machine->virt_to_phys = cached_virt_to_phys;
	machine->cache = cached_maintain;
	machine->note = cached_note;
}

/*
 * Leave the first 2 MiB alone: x86 has holes there, and arm64 the device tree. Buffers follow, and the port's memory is the
 * upper half.
 */
static void become_machine(struct qemu *q, bool incoherent)
{
	struct posix_machine machine = {
		.base = q->ram,
		.phys = q->ram_base,
		.size = q->ram_size,
		.host_phys = q->ram_base + q->ram_size / 2,
		.host_size = q->ram_size / 2,
		.ctx = q,
	};
	struct posix_mmio mmio = {
		.base = q->window,
		.size = QEMU_WINDOW,
		.ctx = q,
		.read = window_read,
		.write = window_write,
	};

	q->taken = q->ram_base + 2 * MIB;
	q->bar_next = is_x86(q->kind)	      ? 0xe0000000
		      : q->kind == QEMU_RISCV ? 0x40000000
					      : 0x10000000;
	if (incoherent)
		add_cache(q, &machine);
	if (posix_set_machine(&machine))
		qemu_die(q, "the port does not take the machine");
	posix_set_mmio(&mmio);
}

/* Empty the memory after the reset, when no device can write to it any more. */
static void reset(struct qemu *q)
{
	q->held = 0;
	q->watch = NULL;
	memset(q->pretend, 0, sizeof(q->pretend));
	qemu_qmp_event(q, "{\"execute\":\"system_reset\"}", "\"RESET\"");
	/* A CPU that halts in RAM goes on doing so. */
	if (fallocate(q->ram_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		      q->kind == QEMU_RISCV ? PARKED : 0,
		      (off_t)(q->ram_size - (q->kind == QEMU_RISCV ? PARKED : 0))))
		qemu_die(q, "fallocate: %s", strerror(errno));
	qemu_log_drop(q);
}

struct qemu *qemu_machine(const struct qemu_config *config)
{
	struct command c = { .n = 0 };
	struct qemu *q = NULL;
	unsigned int i = 0;
	char *key;

	for (unsigned int k = 0; k < MACHINES && machines[k]; k++)
		qemu_log_flush(machines[k]);
	describe(&c, config);
	key = key_of(&c);
	while (i < MACHINES && machines[i] && strcmp(machines[i]->key, key))
		i++;
	if (i == MACHINES)
		qemu_die(NULL, "more than %d machines", MACHINES);
	if (machines[i]) {
		q = machines[i];
		free(key);
		reset(q);
	} else {
		signal(SIGPIPE, SIG_IGN);
		if (!i)
			atexit(qemu_stop_all);
		q = machines[i] = start(config, &c, key);
	}
	for (i = 0; i < c.n; i++)
		free(c.arg[i]);
	become_machine(q, config->incoherent);
	return q;
}

/* ---- memory ---- */

void *qemu_ram(struct qemu *q, dmah_phys_t phys, uint64_t len)
{
	if (phys < q->ram_base || len > q->ram_size || phys - q->ram_base > q->ram_size - len)
		qemu_die(q, "0x%" PRIx64 " is not RAM", phys);
	return q->ram + (phys - q->ram_base);
}

dmah_phys_t qemu_take(struct qemu *q, uint64_t size, uint64_t align)
{
	dmah_phys_t at = (q->taken + align - 1) & ~(align - 1);

	if (at + size > q->ram_base + q->ram_size / 2)
		qemu_die(q, "no %" PRIu64 " bytes of RAM are left", size);
	q->taken = at + size;
	return at;
}

volatile void *qemu_regs(struct qemu *q, dmah_phys_t phys)
{
	if (phys >= QEMU_WINDOW)
		qemu_die(q, "no registers at 0x%" PRIx64, phys);
	return q->window + phys;
}
