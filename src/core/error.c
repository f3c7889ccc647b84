/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include <dmah/types.h>

const char *dmah_strerror(int err)
{
	switch (err) {
	case DMAH_OK:
		return "done";
	case DMAH_EINVAL:
		return "an argument makes no sense";
	case DMAH_ENOMEM:
		return "no page for a page table";
	case DMAH_ENOSPC:
		return "the aperture or the bounce pool is exhausted";
	case DMAH_ERANGE:
		return "a limit of the device cannot be met";
	case DMAH_ENOPOOL:
		return "the buffer must bounce and may not, or there is no pool";
	case DMAH_ESTALE:
		return "no such mapping is live";
	case DMAH_EBUSY:
		return "mappings are live, or the aperture is fixed already";
	case DMAH_ETIMEDOUT:
		return "the hardware did not confirm an invalidation in time";
	case DMAH_ENODEV:
		return "the device is killed or not attached";
	case DMAH_EPERM:
		return "forbidden for this device";
	case DMAH_ENOTSUP:
		return "the backend or the hardware cannot do this";
	default:
		return "not an error of dmah";
	}
}
