/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * dmah: the options of a build. All public headers include this one.
 *
 * An option is a macro on the compiler's command line. Compile the library, and all programs that
 * include its headers, with the same options. Otherwise the program does not link, because the
 * names of the functions differ: see the end of this file.
 *
 * DMAH_CHECK		A check build: a shadow table of every mapping finds misuse that a
 *			handle alone cannot show. Costs memory (check_entries of struct
 *			dmah_domain_config) and time. Default: not defined.
 * DMAH_HOST_LOCK_WORDS	Size of struct dmah_lock in 64-bit words, a plain decimal number.
 *			Default: 1.
 * DMAH_HOST_INLINE	A header of the port with inline host functions, with its quotes:
 *			-DDMAH_HOST_INLINE='"my_dmah_inline.h"'. Default: the linker resolves
 *			all host functions.
 * DMAH_INLINE		Prefix of the short functions in the headers. Default: static inline.
 *			src/core/extern.c defines this macro as nothing, so that the library
 *			also has each function as a symbol, for other languages.
 */
#ifndef DMAH_CONFIG_H
#define DMAH_CONFIG_H

#ifndef DMAH_HOST_LOCK_WORDS
#define DMAH_HOST_LOCK_WORDS 1
#endif

#ifndef DMAH_INLINE
#define DMAH_INLINE static inline
#endif

/*
 * Add the options of a build that is not the default one to the names of functions: in a check
 * build with locks of two words, dmah_attach() is the symbol dmah_attach_with_check_locks_2. If a
 * kernel is compiled with other options than the library, the linker then reports an undefined
 * symbol, and no structure can have two sizes. If a build renames the library's functions by its
 * own macros, those names are kept.
 */
#if defined(DMAH_CHECK) && DMAH_HOST_LOCK_WORDS != 1
#define DMAH_OPTIONS_SUFFIX DMAH_OPTIONS_JOIN(_with_check_locks_, DMAH_HOST_LOCK_WORDS)
#elif defined(DMAH_CHECK)
#define DMAH_OPTIONS_SUFFIX _with_check
#elif DMAH_HOST_LOCK_WORDS != 1
#define DMAH_OPTIONS_SUFFIX DMAH_OPTIONS_JOIN(_with_locks_, DMAH_HOST_LOCK_WORDS)
#endif

#if defined(DMAH_OPTIONS_SUFFIX) && !defined(dmah_map)
#define DMAH_OPTIONS_PASTE(a, b)   a##b
#define DMAH_OPTIONS_JOIN(a, b)	   DMAH_OPTIONS_PASTE(a, b)
#define DMAH_OPTIONS_NAME(name)	   DMAH_OPTIONS_JOIN(name, DMAH_OPTIONS_SUFFIX)
#define dmah_addr_map		   DMAH_OPTIONS_NAME(dmah_addr_map)
#define dmah_addr_map_caller	   DMAH_OPTIONS_NAME(dmah_addr_map_caller)
#define dmah_addr_map_bus	   DMAH_OPTIONS_NAME(dmah_addr_map_bus)
#define dmah_addr_map_bus_caller   DMAH_OPTIONS_NAME(dmah_addr_map_bus_caller)
#define dmah_addr_map_sg	   DMAH_OPTIONS_NAME(dmah_addr_map_sg)
#define dmah_addr_map_sg_caller	   DMAH_OPTIONS_NAME(dmah_addr_map_sg_caller)
#define dmah_addr_unmap		   DMAH_OPTIONS_NAME(dmah_addr_unmap)
#define dmah_alloc_coherent	   DMAH_OPTIONS_NAME(dmah_alloc_coherent)
#define dmah_alloc_coherent_caller DMAH_OPTIONS_NAME(dmah_alloc_coherent_caller)
#define dmah_attach		   DMAH_OPTIONS_NAME(dmah_attach)
#define dmah_domain_init	   DMAH_OPTIONS_NAME(dmah_domain_init)
#define dmah_domain_memory	   DMAH_OPTIONS_NAME(dmah_domain_memory)
#define dmah_faults		   DMAH_OPTIONS_NAME(dmah_faults)
#define dmah_map		   DMAH_OPTIONS_NAME(dmah_map)
#define dmah_map_caller		   DMAH_OPTIONS_NAME(dmah_map_caller)
#define dmah_map_bus		   DMAH_OPTIONS_NAME(dmah_map_bus)
#define dmah_map_bus_caller	   DMAH_OPTIONS_NAME(dmah_map_bus_caller)
#define dmah_map_memory		   DMAH_OPTIONS_NAME(dmah_map_memory)
#define dmah_replace		   DMAH_OPTIONS_NAME(dmah_replace)
#define dmah_map_vec		   DMAH_OPTIONS_NAME(dmah_map_vec)
#define dmah_map_vec_caller	   DMAH_OPTIONS_NAME(dmah_map_vec_caller)
#define dmah_pool_init		   DMAH_OPTIONS_NAME(dmah_pool_init)
#define dmah_ring_init		   DMAH_OPTIONS_NAME(dmah_ring_init)
#define dmah_ring_push		   DMAH_OPTIONS_NAME(dmah_ring_push)
#define dmah_smmuv3_init	   DMAH_OPTIONS_NAME(dmah_smmuv3_init)
#define dmah_sync_cpu_slow	   DMAH_OPTIONS_NAME(dmah_sync_cpu_slow)
#define dmah_sync_device_slow	   DMAH_OPTIONS_NAME(dmah_sync_device_slow)
#define dmah_unmap		   DMAH_OPTIONS_NAME(dmah_unmap)
#define dmah_vtd_init		   DMAH_OPTIONS_NAME(dmah_vtd_init)
#endif

#endif /* DMAH_CONFIG_H */
