/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The calls of peer.h in a second library, of Linux 7.3: build.sh BUILD_DIR linux73. */
#ifndef BENCH_PEERS_LINUX_PEER73_H
#define BENCH_PEERS_LINUX_PEER73_H

#include "peer.h"

extern __typeof__(linux_peer_version) linux73_version;
extern __typeof__(linux_peer_create) linux73_create;
extern __typeof__(linux_peer_destroy) linux73_destroy;
extern __typeof__(linux_peer_thread) linux73_thread;
extern __typeof__(linux_peer_map) linux73_map;
extern __typeof__(linux_peer_unmap) linux73_unmap;
extern __typeof__(linux_peer_sg_create) linux73_sg_create;
extern __typeof__(linux_peer_map_sg) linux73_map_sg;
extern __typeof__(linux_peer_unmap_sg) linux73_unmap_sg;
extern __typeof__(linux_peer_sg_dma) linux73_sg_dma;
extern __typeof__(linux_peer_set_memory) linux73_set_memory;
extern __typeof__(linux_peer_bounce) linux73_bounce;
extern __typeof__(linux_peer_direct_map) linux73_direct_map;
extern __typeof__(linux_peer_direct_unmap) linux73_direct_unmap;
extern __typeof__(linux_peer_direct_sync_for_cpu) linux73_direct_sync_for_cpu;
extern __typeof__(linux_peer_skip_sync) linux73_skip_sync;
extern __typeof__(linux_peer_sync_for_cpu) linux73_sync_for_cpu;
extern __typeof__(linux_peer_iova_to_phys) linux73_iova_to_phys;
extern __typeof__(linux_peer_set_latency) linux73_set_latency;
extern __typeof__(linux_peer_link) linux73_link;
extern __typeof__(linux_peer_unlink) linux73_unlink;

#endif
