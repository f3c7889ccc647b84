/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Bridges, read from PCI configuration space: which buses are behind a bridge, and under which id it passes requests on (PCI
 * Local Bus Specification 3.0, chapter 6; PCI Express Base Specification, section 7.5; PCI Express to PCI/PCI-X Bridge
 * Specification, section 2.3).
 */
#include "fw/table.h"

#define PCI_ID	       0x00u
#define PCI_STATUS     0x04u /* in the upper half: bit 4: there are capabilities */
#define PCI_HEADER     0x0cu /* bits 16 to 22: the layout; bit 23: several functions */
#define PCI_BUSES      0x18u /* primary, secondary, subordinate bus */
#define PCI_CAPS       0x34u
#define CAP_PCI_X      0x07u
#define CAP_EXPRESS    0x10u
#define EXPRESS_TO_PCI 7u
#define PCI_TO_EXPRESS 8u
#define NOT_EXPRESS    ~0u
#define MANY_FUNCTIONS (1u << 23)
#define HAS_CAPS       (1u << 20)
#define MOST_CAPS      48u

static bool read_reg(const struct dmah_fw *fw, uint16_t segment, uint16_t bdf, unsigned int reg,
		     uint32_t *value)
{
	return fw->config.pci_read &&
	       fw->config.pci_read(fw->config.ctx, segment, bdf, (uint16_t)reg, value);
}

static bool is_there(const struct dmah_fw *fw, uint16_t segment, uint16_t bdf, uint32_t *header)
{
	uint32_t id;

	return read_reg(fw, segment, bdf, PCI_ID, &id) && (id & 0xffff) != 0xffff &&
	       read_reg(fw, segment, bdf, PCI_HEADER, header);
}

bool dmah_fw_pci_behind(const struct dmah_fw *fw, uint16_t segment, uint16_t bdf, uint8_t *first,
			uint8_t *last)
{
	uint32_t header, buses;

	if (!is_there(fw, segment, bdf, &header) || (header >> 16 & 0x7f) != 1 ||
	    !read_reg(fw, segment, bdf, PCI_BUSES, &buses))
		return false;
	*first = (uint8_t)(buses >> 8);
	*last = (uint8_t)(buses >> 16);
	/* Buses are numbered downwards; a bridge without numbers has 0. */
	return *first > bdf >> 8 && *last >= *first;
}

/* Find a capability and read its first register. Returns false where the function has none. */
static bool capability(const struct dmah_fw *fw, uint16_t segment, uint16_t bdf, uint32_t cap,
		       uint32_t *value)
{
	uint32_t at;

	if (!read_reg(fw, segment, bdf, PCI_STATUS, &at) || !(at & HAS_CAPS) ||
	    !read_reg(fw, segment, bdf, PCI_CAPS, &at))
		return false;
	for (unsigned int n = 0; n < MOST_CAPS && (at & 0xfc) >= 0x40; n++) {
		if (!read_reg(fw, segment, bdf, at & 0xfc, value))
			return false;
		if ((*value & 0xff) == cap)
			return true;
		at = *value >> 8 & 0xff;
	}
	return false;
}

/* Find the bridge whose secondary bus is @bus. Its own bus has a lower number. */
static bool parent_of(const struct dmah_fw *fw, uint16_t segment, unsigned int bus,
		      uint16_t *bridge)
{
	uint8_t first, last;
	uint32_t header;

	for (unsigned int above = bus; above-- > 0;) {
		for (unsigned int devfn = 0; devfn < 256; devfn++) {
			*bridge = (uint16_t)(above << 8 | devfn);
			if (is_there(fw, segment, *bridge, &header)) {
				if (dmah_fw_pci_behind(fw, segment, *bridge, &first, &last) &&
				    first == bus)
					return true;
				if (header & MANY_FUNCTIONS || devfn & 7)
					continue;
			} else if (devfn & 7) {
				continue;
			}
			devfn |= 7;
		}
	}
	return false;
}

/*
 * An Express-to-PCI bridge sends the requests of its bus as function 0 of that bus; a bridge without Express as itself. On
 * PCI-X a requester has an id, which the bridge may keep: then there are two.
 */
static unsigned int cross(const struct dmah_fw *fw, uint16_t segment, uint16_t bridge,
			  uint16_t ids[2], unsigned int nids)
{
	uint32_t value, type = NOT_EXPRESS;
	uint8_t first = 0, last;

	(void)dmah_fw_pci_behind(fw, segment, bridge, &first, &last);
	if (capability(fw, segment, bridge, CAP_EXPRESS, &value))
		type = value >> 20 & 15;
	if (type == EXPRESS_TO_PCI) {
		bool keeps = nids == 1 && capability(fw, segment, bridge, CAP_PCI_X, &value);

		ids[1] = ids[0];
		ids[0] = (uint16_t)(first << 8);
		return keeps && ids[0] != ids[1] ? 2 : 1;
	}
	if (type == PCI_TO_EXPRESS || type == NOT_EXPRESS) {
		ids[0] = bridge;
		return 1;
	}
	return nids;
}

unsigned int dmah_fw_pci_ids(const struct dmah_fw *fw, uint16_t segment, uint16_t bdf,
			     uint16_t ids[2])
{
	unsigned int nids = 1, bus = bdf >> 8;
	uint16_t bridge;

	ids[0] = bdf;
	if (!fw->config.pci_read)
		return 1;
	while (bus && parent_of(fw, segment, bus, &bridge)) {
		nids = cross(fw, segment, bridge, ids, nids);
		bus = bridge >> 8;
	}
	return nids;
}

uint16_t dmah_fw_pci_root_port(const struct dmah_fw *fw, uint16_t segment, uint16_t bdf)
{
	uint16_t bridge;

	if (!fw->config.pci_read)
		return bdf;
	while (bdf >> 8 && parent_of(fw, segment, bdf >> 8, &bridge))
		bdf = bridge;
	return bdf;
}
