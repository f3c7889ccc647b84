// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Hardware that ignores invalidations, or devices that claim to be coherent and are not: the command must exit with 1. */
#define _GNU_SOURCE
#include <jansson.h>
#include <stdlib.h>
#include <getopt.h>
#include "cmd.h"
#include "machines.h"

static bool skip_invalidations, claim_coherent;

struct dmah_iommu *__real_sim_fake_iommu(struct sim_iommu *iommu);
struct dmah_iommu *__wrap_sim_fake_iommu(struct sim_iommu *iommu);
void __real_sim_device_limits(const struct sim_device *dev, struct dmah_limits *limits);
void __wrap_sim_device_limits(const struct sim_device *dev, struct dmah_limits *limits);

static int no_invalidation(struct dmah_iommu *iommu, uint32_t tag, dmah_addr_t iova, uint64_t size,
			   bool tables, uint64_t *ticket)
{
	if (ticket)
		(void)iommu->ops->fence(iommu, ticket);
	(void)tag;
	(void)iova;
	(void)size;
	(void)tables;
	return 1;
}

struct dmah_iommu *__wrap_sim_fake_iommu(struct sim_iommu *iommu)
{
	static struct dmah_iommu_ops broken;
	struct dmah_iommu *dmah = __real_sim_fake_iommu(iommu);

	if (skip_invalidations) {
		broken = *dmah->ops;
		broken.invalidate = no_invalidation;
		dmah->ops = &broken;
	}
	return dmah;
}

void __wrap_sim_device_limits(const struct sim_device *dev, struct dmah_limits *limits)
{
	__real_sim_device_limits(dev, limits);
	if (claim_coherent)
		limits->flags |= DMAH_DEV_COHERENT;
}

static char trace_file[] = "/tmp/dmah-test-XXXXXX";

/* Runs the command on a small trace. Return: its rows; @status is set to its exit status. */
static json_t *run(const char *machine, const char *mode, int *status)
{
	char *argv[] = { (char[]){ "replay" },
			 (char[]){ "--json" },
			 (char[]){ "--machine" },
			 (char *)machine,
			 (char[]){ "--mode" },
			 (char *)mode,
			 trace_file,
			 NULL };
	char path[] = "/tmp/dmah-test-XXXXXX";
	int keep_err = hush(), keep, fd = mkstemp(path);
	json_error_t err;
	json_t *rows;

	assert_true(fd >= 0);
	fflush(stdout);
	keep = dup(1);
	dup2(fd, 1);
	optind = 0;
	*status = cmd_replay(7, argv);
	fflush(stdout);
	dup2(keep, 1);
	close(keep);
	close(fd);
	unhush(keep_err);
	rows = json_load_file(path, 0, &err);
	unlink(path);
	assert_non_null(rows);
	return rows;
}

static json_int_t sum(const json_t *rows, const char *key)
{
	json_int_t n = 0;
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) n += json_integer_value(json_object_get(row, key));
	return n;
}

static int setup(void **state)
{
	static const char text[] = MAP("1.0", "FROM_DEVICE", "2000", "a000", "1500")
		UNMAP("1.1", "FROM_DEVICE", "2000", "1500")
			MAP("1.2", "TO_DEVICE", "3000", "a000", "64")
				UNMAP("1.3", "TO_DEVICE", "3000", "64");
	int fd = mkstemp(trace_file);

	(void)state;
	if (fd < 0 || write(fd, text, sizeof(text) - 1) != sizeof(text) - 1)
		return -1;
	close(fd);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(trace_file);
	return 0;
}

static void sound(void **state)
{
	json_t *rows;
	int status;

	(void)state;
	rows = run("all", "strict", &status);
	assert_int_equal(status, 0);
	assert_int_equal(sum(rows, "wrong") + sum(rows, "stale"), 0);
	json_decref(rows);
}

static void invalidations_ignored(void **state)
{
	static const char *const machines[] = { "vtd", "smmu", "armmap" };
	json_t *rows;
	int status;

	(void)state;
	skip_invalidations = true;
	for (unsigned int i = 0; i < 3; i++) {
		rows = run(machines[i], "strict", &status);
		assert_int_equal(status, 1);
		assert_true(sum(rows, "stale") >= (json_int_t)json_array_size(rows));
		json_decref(rows);
	}
	skip_invalidations = false;
}

static void not_coherent_at_all(void **state)
{
	static const char *const machines[] = { "direct", "smmu", "armmap", "xen" };
	json_t *rows;
	int status;

	(void)state;
	claim_coherent = true;
	for (unsigned int i = 0; i < 4; i++) {
		rows = run(machines[i], "lazy", &status);
		assert_int_equal(status, 1);
		assert_true(sum(rows, "wrong") >= (json_int_t)json_array_size(rows));
		json_decref(rows);
	}
	claim_coherent = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sound),
		cmocka_unit_test(invalidations_ignored),
		cmocka_unit_test(not_coherent_at_all),
	};

	return cmocka_run_group_tests_name("replay-broken", tests, setup, teardown);
}
