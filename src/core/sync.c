/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "base/buffer.h"
#include "base/check.h"
#include "base/count.h"
#include "core/map.h"

__attribute__((noinline)) static int sync(struct dmah_device *dev, const struct dmah *h,
					  uint32_t off, uint32_t len, bool for_cpu,
					  const void *caller)
{
	int err;

	if (!h->meta)
		return dev->dom ? dmah_report_misuse(dev, DMAH_ESTALE, "sync of an idle handle", 0,
						     caller)
				: DMAH_ENODEV;
	err = dmah_handle_check(dev, h, h->meta & (META_COHERENT | META_PART));
	if (err == DMAH_ENODEV)
		return err;
	if (!err && (uint64_t)off + len > h->len)
		err = DMAH_EINVAL;
	if (!err)
		err = dmah_check_sync(dev, h, off, len, for_cpu);
	if (err)
		return dmah_report_misuse(
			dev, err,
			err == DMAH_ESTALE ? "sync of a mapping that is not live"
					   : "sync beyond the mapping or with another's handle",
			h->dma + off, caller);
	if (!len || !(h->meta & (for_cpu ? DMAH_META_SYNC_CPU : DMAH_META_SYNC_DEVICE)))
		return DMAH_OK;
	count(dev, syncs, 1);
	dmah_buffer_sync(dev, h, off, len, for_cpu);
	dmah_check_synced(dev, h, off, len, for_cpu);
	return DMAH_OK;
}

int dmah_sync_cpu_slow(struct dmah_device *dev, const struct dmah *h, uint32_t off, uint32_t len)
{
#ifndef DMAH_CHECK
	if (buffer_sync_whole(dev, h, off, len, true))
		return DMAH_OK;
#endif
	return sync(dev, h, off, len, true, __builtin_return_address(0));
}

int dmah_sync_device_slow(struct dmah_device *dev, const struct dmah *h, uint32_t off, uint32_t len)
{
#ifndef DMAH_CHECK
	if (buffer_sync_whole(dev, h, off, len, false))
		return DMAH_OK;
#endif
	return sync(dev, h, off, len, false, __builtin_return_address(0));
}
