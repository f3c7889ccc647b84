// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Read any bytes as the firmware table FW_TABLE: no read beyond them, no loop that does not end, and answers that keep to
 * <dmah/fw.h>. An input with an even revision gets signature, length and checksum right, so that changes reach the inside.
 */
#include <stdlib.h>
#include <string.h>
#include <dmah/fw.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FW_IS_TREE (FW_TABLE[0] == 'D' && FW_TABLE[1] == 'T')

static const uint8_t *space;
static size_t space_size;

/* Counts of one table or one lookup. */
struct seen {
	unsigned int errors, units, ids, ranges;
};

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void on_problem(void *ctx, const struct dmah_fw_problem *p)
{
	must(p->table && p->reason && p->reason[0]);
	((struct seen *)ctx)->errors += p->error;
}

/* Configuration space of bridges that the input makes up. */
static bool pci_read(void *ctx, uint16_t segment, uint16_t bdf, uint16_t reg, uint32_t *value)
{
	(void)ctx;
	must(!(reg & 3));
	if (bdf & 0x77 || bdf >> 8 > 3 || segment > 1)
		return false;
	for (unsigned int i = 0; i < 4; i++)
		((uint8_t *)value)[i] = space[(bdf + reg + i) % space_size];
	return true;
}

static void on_unit(void *ctx, const struct dmah_fw_unit *unit)
{
	((struct seen *)ctx)->units++;
	must(unit->flags & (DMAH_FW_MMIO | DMAH_FW_PCI));
}

static void on_id(void *ctx, uint32_t id)
{
	(void)id;
	((struct seen *)ctx)->ids++;
}

static void on_range(void *ctx, const struct dmah_fw_range *range)
{
	must(range->start <= range->end && !(range->start & 4095) && !(~range->end & 4095));
	((struct seen *)ctx)->ranges++;
}

static void look_up(const struct dmah_fw *fw, const struct dmah_fw_requester *who)
{
	static const struct dmah_fw_visitor visitor = { .unit = on_unit,
							.id = on_id,
							.range = on_range };
	static struct dmah_fw_device device;
	struct seen seen = { 0 };
	int err = dmah_fw_lookup(fw, who, &visitor, &seen), full = DMAH_ENODEV;

	must(err ? !seen.units && !seen.ids && !seen.ranges : seen.units == 1 && seen.ids);
	if (!err)
		full = dmah_fw_device(fw, who, &device);
	must(full == err || full == DMAH_ENOSPC);
}

static void on_name(void *ctx, const char *name)
{
	struct dmah_fw_requester who = { .what = DMAH_FW_NAMED, .name = name };

	must(strlen(name) < 4096);
	look_up(ctx, &who);
}

static void ask(const struct dmah_fw *fw)
{
	struct dmah_fw_setup setup = { 0 };
	struct dmah_fw_unit unit;

	for (unsigned int n = 0; n < 8 && !dmah_fw_unit(fw, n, &unit); n++) {
		struct dmah_fw_requester who = { .segment = unit.segment, .bdf = unit.bdf };

		(void)dmah_fw_setup(fw, &unit, &setup);
		look_up(fw, &who);
	}
	for (unsigned int n = 0; n < 12; n++) {
		struct dmah_fw_requester who = {
			.what = n == 7 ? DMAH_FW_IOAPIC : DMAH_FW_PCI_FUNCTION,
			.segment = (uint16_t)(n % 5 == 4),
			.bdf = (uint16_t)(n * 0x78),
			.number = 0,
		};

		look_up(fw, &who);
	}
	dmah_fw_named(fw, on_name, (void *)fw);
}

static int run(const uint8_t *data, size_t size, bool keep, bool bridges)
{
	static struct dmah_fw fw;
	struct seen seen = { 0 };
	struct dmah_fw_config config = { .problem = on_problem,
					 .pci_read = bridges ? pci_read : NULL,
					 .ctx = &seen,
					 .keep_broken = keep };
	int err;

	dmah_fw_init(&fw, &config);
	err = dmah_fw_add(&fw, data, size);
	must(err == DMAH_ENOTSUP || (err == DMAH_EINVAL) == (seen.errors > 0));
	if (!err || keep)
		ask(&fw);
	return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Exactly as many bytes as there are, so that a read beyond them is found. */
	uint8_t *copy = malloc(size ? size : 1);
	uint8_t sum = 0;

	must(copy);
	memcpy(copy, data, size);
	if (!FW_IS_TREE && size >= 36 && !(copy[8] & 1)) {
		memcpy(copy, FW_TABLE, 4);
		for (unsigned int i = 0; i < 4; i++)
			copy[4 + i] = (uint8_t)(size >> 8 * i);
		copy[9] = 0;
		for (size_t i = 0; i < size; i++)
			sum = (uint8_t)(sum + copy[i]);
		copy[9] = (uint8_t)-sum;
	}
	space = size ? copy : (const uint8_t *)"";
	space_size = size ? size : 1;
	if (run(copy, size, false, size & 1))
		run(copy, size, true, size & 1);
	free(copy);
	return 0;
}
