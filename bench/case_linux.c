// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Linux 6.12's own code. */
#ifdef HAVE_LINUX_PEER
#define PEER(name) linux_peer_##name
#endif
#define CASE(name) case_linux_##name
#define NAME	   "linux"
#define WHICH	   "6.12"
#define TABLES	   "intel/iommu.c"
#define SERIES	   linux612
#include "case_linux.h"
