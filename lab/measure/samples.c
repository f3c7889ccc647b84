// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "samples.h"

#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

struct summary samples_summarise(double *sample, unsigned int n)
{
	if (!n)
		return (struct summary){ 0 };
	qsort(sample, n, sizeof(*sample), by_value);
	return (struct summary){
		.median = n % 2 ? sample[n / 2] : (sample[n / 2 - 1] + sample[n / 2]) / 2,
		.least = sample[0],
		.most = sample[n - 1],
	};
}
