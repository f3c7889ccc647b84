// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes into NVMe's lists of SGL descriptors what the device could write there: the first entry gets the address of the
 * second one, after the transfer and before the driver unmaps. x86 without an IOMMU, where a DMA address is a physical one.
 */
#include <linux/blk-mq.h>
#include <linux/io.h>
#include <linux/kprobes.h>
#include <linux/module.h>

/* One descriptor, as the specification of NVMe has it. */
struct descriptor {
	__le64 addr;
	__le32 length;
	u8 reserved[3];
	u8 type;
};

#define LAST_SEGMENT 0x30
/* The request's copy of the command is within so many bytes behind the block layer's part. */
#define SEARCHED 256

static bool on;
module_param(on, bool, 0600);
MODULE_PARM_DESC(on, "write");

static unsigned long written;
module_param(written, ulong, 0444);
MODULE_PARM_DESC(written, "lists that were written to");

static int on_unmap(struct kprobe *p, struct pt_regs *regs)
{
	struct request *req = (struct request *)regs_get_kernel_argument(regs, 0);
	u8 *request = blk_mq_rq_to_pdu(req);
	size_t n;

	if (!on || req_op(req) != REQ_OP_READ)
		return 0;
	for (n = 0; n + sizeof(struct descriptor) <= SEARCHED; n += sizeof(u64)) {
		struct descriptor *d = (struct descriptor *)(request + n), *list;
		u32 length = le32_to_cpu(d->length);

		if (d->type != LAST_SEGMENT || length < 2 * sizeof(*d) || length > PAGE_SIZE ||
		    !pfn_valid(PFN_DOWN(le64_to_cpu(d->addr))))
			continue;
		list = phys_to_virt(le64_to_cpu(d->addr));
		list[0].addr = list[1].addr;
		written++;
		break;
	}
	return 0;
}

static struct kprobe probe = { .symbol_name = "nvme_unmap_data", .pre_handler = on_unmap };

static int __init start(void)
{
	return register_kprobe(&probe);
}

static void __exit stop(void)
{
	unregister_kprobe(&probe);
}

module_init(start);
module_exit(stop);
MODULE_DESCRIPTION("Writes into lists of NVMe what its device could write");
MODULE_LICENSE("GPL");
