/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "base/withheld.h"

void dmah_withhold(struct dmah_device *dev, dmah_phys_t phys, uint32_t len)
{
	struct dmah_domain *dom = dev->dom;
	unsigned long flags;
	bool kept = false;

	dmah_host_enter(&flags);
	dmah_host_lock(&dom->setup_lock);
	if (dom->nwithheld < DOMAIN_WITHHELD) {
		dom->withheld[dom->nwithheld++] = (struct withheld){
			.phys = phys,
			.len = len,
			.seq = __atomic_load_n(&dom->flush_seq, __ATOMIC_ACQUIRE),
		};
		kept = true;
	}
	dmah_host_unlock(&dom->setup_lock);
	dmah_host_leave(flags);
	if (!kept)
		dmah_host_report(dev, DMAH_ETIMEDOUT,
				 "coherent memory that a device may still reach is lost", phys,
				 NULL);
}

/* Take one piece that is safe to free. Returns false if there is none. */
static bool take(struct dmah_domain *dom, struct withheld *piece)
{
	uint32_t flushed = __atomic_load_n(&dom->flushed_seq, __ATOMIC_ACQUIRE);
	unsigned long flags;
	bool found = false;

	dmah_host_enter(&flags);
	dmah_host_lock(&dom->setup_lock);
	for (unsigned int i = 0; !found && i < dom->nwithheld; i++) {
		/* A flush makes safe only the pieces that were withheld before it began. */
		if ((int32_t)(flushed - dom->withheld[i].seq) <= 0)
			continue;
		*piece = dom->withheld[i];
		dom->withheld[i] = dom->withheld[--dom->nwithheld];
		found = true;
	}
	dmah_host_unlock(&dom->setup_lock);
	dmah_host_leave(flags);
	return found;
}

void dmah_withheld_release(struct dmah_domain *dom)
{
	struct withheld piece;

	while (dom->nwithheld && take(dom, &piece))
		dmah_host_mem_free(piece.phys, piece.len);
}
