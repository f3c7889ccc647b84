/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Writes a fault in words. Freestanding, so numbers are formatted here. */
#include <dmah/fault.h>

/*
 * struct line - a text under construction. @at: bytes of the whole text, which may exceed the room.
 */
struct line {
	char *text;
	size_t size;
	size_t at;
};

static void put(struct line *line, char c)
{
	if (line->at + 1 < line->size)
		line->text[line->at] = c;
	line->at++;
}

static void word(struct line *line, const char *text)
{
	while (*text)
		put(line, *text++);
}

static void number(struct line *line, uint64_t value, unsigned int base, unsigned int digits)
{
	char reversed[20];
	unsigned int n = 0;

	do {
		reversed[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value || n < digits);
	while (n)
		put(line, reversed[--n]);
}

static void hex(struct line *line, uint64_t value)
{
	word(line, "0x");
	number(line, value, 16, 1);
}

static void requester(struct line *line, const struct dmah_iommu_fault *hw)
{
	if (!hw->pci) {
		word(line, "stream ");
		hex(line, hw->id);
		return;
	}
	number(line, hw->id >> 8 & 0xff, 16, 2);
	put(line, ':');
	number(line, hw->id >> 3 & 0x1f, 16, 2);
	put(line, '.');
	number(line, hw->id & 7, 10, 1);
}

static void who(struct line *line, const struct dmah_fault *fault)
{
	if (!fault->dev || !fault->dev->name) {
		requester(line, &fault->hw);
		return;
	}
	word(line, fault->dev->name);
	if (!fault->iommu)
		return;
	word(line, " (");
	requester(line, &fault->hw);
	put(line, ')');
}

static const char *const units[] = { " ns", " us", " ms", " s" };

/*
 * Choose the unit of an age: the smallest in which the number has at most four digits, or else
 * seconds.
 */
static unsigned int unit_of(uint64_t ns, uint64_t *in)
{
	unsigned int unit = 0;

	while (ns >= 10000 && unit < 3) {
		ns /= 1000;
		unit++;
	}
	*in = ns;
	return unit;
}

static void age(struct line *line, const struct dmah_fault *fault)
{
	uint64_t most, least = fault->least;
	unsigned int unit;

	if (fault->most == DMAH_FAULT_AGE_UNKNOWN && !fault->least) {
		word(line, "unmapped, ");
		return;
	}
	if (fault->most == DMAH_FAULT_AGE_UNKNOWN) {
		unit = unit_of(fault->least, &least);
		word(line, "unmapped over ");
		number(line, least, 10, 1);
		word(line, units[unit]);
		word(line, " ago, ");
		return;
	}
	unit = unit_of(fault->most, &most);
	for (unsigned int i = 0; i < unit; i++)
		least /= 1000;
	word(line, "unmapped ");
	if (least != most && fault->most - fault->least > 2048) {
		number(line, least, 10, 1);
		word(line, " to ");
	}
	number(line, most, 10, 1);
	word(line, units[unit]);
	word(line, " ago, ");
}

static void memory(struct line *line, const struct dmah_fault *fault, const char *caller)
{
	if (!fault->phys && !fault->len) {
		word(line, "what it was is not remembered");
		return;
	}
	word(line, fault->place == DMAH_FAULT_MAPPED ? "is " : "was ");
	if (!fault->len)
		word(line, "in page ");
	hex(line, fault->phys);
	if (fault->len) {
		put(line, '+');
		number(line, fault->len, 10, 1);
	}
	word(line, " mapped");
	if (fault->owner && fault->owner != fault->dev && fault->owner->name) {
		word(line, " for ");
		word(line, fault->owner->name);
	}
	if (!fault->caller)
		return;
	word(line, " by ");
	if (caller)
		word(line, caller);
	else
		hex(line, (uintptr_t)fault->caller);
}

static bool may(const struct dmah_fault *fault)
{
	return fault->dir & (fault->hw.write ? DMAH_FROM_DEVICE : DMAH_TO_DEVICE);
}

static void mapped(struct line *line, const struct dmah_fault *fault)
{
	if (!fault->dir)
		word(line, "mapped, ");
	else if (!may(fault))
		word(line,
		     fault->hw.write ? "mapped for reading only, " : "mapped for writing only, ");
	else
		word(line, "mapped by now, ");
}

static void place(struct line *line, const struct dmah_fault *fault, const char *caller)
{
	if (fault->killed)
		word(line, "the device was killed; ");
	switch (fault->place) {
	case DMAH_FAULT_NO_DEVICE:
	case DMAH_FAULT_NO_ADDRESS:
		word(line, fault->hw.reason ? fault->hw.reason : "refused");
		return;
	case DMAH_FAULT_OUTSIDE:
		word(line, "outside the aperture");
		return;
	case DMAH_FAULT_RESERVED:
		word(line, "a reserved range");
		return;
	case DMAH_FAULT_NEVER:
		word(line, "never mapped");
		return;
	case DMAH_FAULT_UNMAPPED:
		age(line, fault);
		break;
	case DMAH_FAULT_MAPPED:
		mapped(line, fault);
		break;
	}
	memory(line, fault, caller);
}

size_t dmah_fault_text(const struct dmah_fault *fault, const char *caller, char *text, size_t size)
{
	struct line line = { .text = text, .size = size };

	if (fault->hw.has_addr) {
		word(&line, fault->hw.write ? "write to " : "read of ");
		hex(&line, fault->hw.addr);
	} else {
		word(&line, "DMA");
	}
	word(&line, " by ");
	who(&line, fault);
	word(&line, ": ");
	place(&line, fault, caller);
	if (fault->suppressed) {
		word(&line, "; ");
		number(&line, fault->suppressed, 10, 1);
		word(&line, " before it were suppressed");
	}
	text[line.at < size ? line.at : size - 1] = 0;
	return line.at;
}
