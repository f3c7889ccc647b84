// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Findings for people: a block each, then a table of how many there are of each kind. */
#include <inttypes.h>
#include "check.h"

/* Findings of one kind are shown up to this many. */
#define NOTES_SHOWN  5
#define ERRORS_SHOWN 100

static void print_time(FILE *to, const struct trace *t, uint64_t time)
{
	if (trace_info(t)->counts)
		fprintf(to, "clock %" PRIu64, time);
	else if (time % 1000)
		fprintf(to, "%" PRIu64 ".%09" PRIu64 " s", time / 1000000000, time % 1000000000);
	else
		fprintf(to, "%" PRIu64 ".%06" PRIu64 " s", time / 1000000000,
			time / 1000 % 1000000);
}

static void print_call(FILE *to, const struct trace_event *ev)
{
	/* the kernel's log names no CPU and no task */
	if (ev->cpu != TRACE_NO_CPU)
		fprintf(to, ", CPU %u", ev->cpu);
	if (*ev->task || ev->pid)
		fprintf(to, ", task %s-%d", ev->task, ev->pid);
	fprintf(to, ": %s", ev->name);
	if (*ev->caller)
		fprintf(to, ", called by %s", ev->caller);
}

static void print_one(FILE *to, const struct trace *t, const struct finding *f)
{
	const char *unit = trace_info(t)->dat ? "record" : "line";
	const char *sep = "";

	fprintf(to, "%s: %s", f->error ? "error" : "note", finding_name(f->kind));
	if (f->device)
		fprintf(to, ", device %s", f->device);
	fputs("\n    ", to);
	if (f->ev) {
		fprintf(to, "%s %" PRIu64, unit, f->ev->line);
		/* a header has no time */
		if (f->ev->kind != TRACE_LOST || f->ev->time) {
			fputs(", ", to);
			print_time(to, t, f->ev->time);
		}
		if (f->ev->kind != TRACE_LOST)
			print_call(to, f->ev);
		fputs("\n    ", to);
	}
	if (f->kind != EXPOSURE) {
		if (f->dma != TRACE_NO_ADDR || f->kind == USE_OF_FAILED_MAP) {
			fprintf(to, "dma 0x%" PRIx64, f->dma);
			sep = ", ";
		}
		if (f->phys != TRACE_NO_ADDR) {
			fprintf(to, "%sphys 0x%" PRIx64, sep, f->phys);
			sep = ", ";
		}
		if (f->has_size) {
			fprintf(to, "%s%" PRIu64 " bytes", sep, f->size);
			sep = ", ";
		}
		if (f->map_line && f->kind != LIVE_AT_END) {
			fprintf(to, "%smap in %s %" PRIu64, sep, unit, f->map_line);
			if (f->map_caller && *f->map_caller)
				fprintf(to, " by %s", f->map_caller);
			sep = ", ";
		}
		if (*sep)
			fputs("\n    ", to);
	}
	fprintf(to, "%s\n", f->text);
}

static void print_table(FILE *to, const struct findings *fs, const size_t *errors,
			const size_t *notes, bool some_known)
{
	size_t all_errors = 0, all_notes = 0;
	uint64_t left;

	for (int k = 0; k < NR_FINDING_KINDS; k++) {
		all_errors += errors[k];
		all_notes += notes[k];
	}
	if (!all_errors && !all_notes) {
		fputs(some_known ? "nothing new found\n" : "nothing found\n", to);
		return;
	}
	fprintf(to, "\n%-20s %8s %8s\n", "", "errors", "notes");
	for (int k = 0; k < NR_FINDING_KINDS; k++) {
		if (!errors[k] && !notes[k])
			continue;
		left = findings_left_out(fs, (enum finding_kind)k);
		fprintf(to, "%-20s %8zu %8zu", finding_name((enum finding_kind)k), errors[k],
			notes[k]);
		if (left)
			fprintf(to, "   and %" PRIu64 " more, only counted", left);
		else if (notes[k] > NOTES_SHOWN || errors[k] > ERRORS_SHOWN)
			fputs("   (not all shown: --json has them)", to);
		putc('\n', to);
	}
	fprintf(to, "%-20s %8zu %8zu\n", "all", all_errors, all_notes);
}

void print_text(FILE *to, const struct trace *t, const struct findings *fs)
{
	size_t errors[NR_FINDING_KINDS] = { 0 }, notes[NR_FINDING_KINDS] = { 0 };
	size_t known = 0, suppressed = 0;
	const struct trace_info *in = trace_info(t);
	uint32_t devices = trace_nr_devices(t);

	fprintf(to,
		"%s: %" PRIu64 " DMA events of %u device%s, %" PRIu64 " other events passed over\n",
		trace_path(t), in->events, devices, devices == 1 ? "" : "s", in->unknown);
	if (in->other_text)
		fprintf(to,
			"note: %" PRIu64 " line%s, from line %" PRIu64
			" on, are no part of a trace and were passed over\n",
			in->other_text, in->other_text == 1 ? "" : "s", in->first_other);
	if (in->iommu_maps_alone)
		fprintf(to,
			"note: %" PRIu64 " iommu:map events belong to no dma event: "
			"dma_iova_link(), VFIO and others "
			"map without one, and nothing is known of their mappings here\n",
			in->iommu_maps_alone);
	if (in->cut)
		fprintf(to, "note: line %" PRIu64 " is cut off and left out\n", in->cut);
	if (in->left_out)
		fprintf(to,
			"note: %" PRIu64
			" scatter lists stayed mapped and are left out: the probes "
			"do not tell where they were\n",
			in->left_out);
	if (fs->nr)
		fputc('\n', to);
	for (size_t i = 0; i < fs->nr; i++) {
		const struct finding *f = &fs->list[i];

		if (f->state != FINDING_NEW) {
			known += f->state == FINDING_KNOWN;
			suppressed += f->state == FINDING_SUPPRESSED;
			continue;
		}
		if (++(f->error ? errors : notes)[f->kind] <=
		    (f->error ? ERRORS_SHOWN : NOTES_SHOWN))
			print_one(to, t, f);
	}
	print_table(to, fs, errors, notes, known || suppressed);
	if (known)
		fprintf(to, "%zu more %s in the baseline\n", known, known == 1 ? "is" : "are");
	if (suppressed)
		fprintf(to, "%zu more %s suppressed\n", suppressed, suppressed == 1 ? "is" : "are");
	putc('\n', to);
}
