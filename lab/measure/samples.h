/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Statistics over repeated measurements of one thing. */
#ifndef DMAH_MEASURE_SAMPLES_H
#define DMAH_MEASURE_SAMPLES_H

/**
 * struct summary - the statistics; all 0 without samples.
 * @median: mean of the two middle samples where their number is even.
 * @least: the smallest sample.
 * @most: the largest sample.
 */
struct summary {
	double median;
	double least;
	double most;
};

/** samples_summarise() - Sorts @n samples and summarises them. */
struct summary samples_summarise(double *sample, unsigned int n);

#endif
