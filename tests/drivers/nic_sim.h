/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Functions that only the simulated machine has. */
#ifndef DMAH_TESTS_NIC_SIM_H
#define DMAH_TESTS_NIC_SIM_H

#include "nic.h"
#include "sim.h"
#include "sim_e1000e.h"
#include "driven_unit.h"

struct sim_e1000e *nic_model(struct nic *n);
struct sim *nic_sim(struct nic *n);
/** nic_unit() - the IOMMU of a machine that has one. */
struct unit *nic_unit(struct nic *n);

#endif /* DMAH_TESTS_NIC_SIM_H */
