/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Loads of words that setup calls write while maps and unmaps run. Any value that such a word has ever had is safe to act on, so
 * no order and no single access is needed. A plain load can be the operand of a comparison; an atomic one is an instruction of
 * its own.
 */
#ifndef DMAH_PT_HINT_H
#define DMAH_PT_HINT_H

#include <dmah/types.h>

#if defined(__SANITIZE_THREAD__)
#define HINT_ATOMIC 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HINT_ATOMIC 1
#endif
#endif
#if UINTPTR_MAX <= 0xffffffffu
#define HINT_ATOMIC 1
#endif

/** hint_load() - load a word of 32 or 64 bits. */
#ifdef HINT_ATOMIC
#define hint_load(word) __atomic_load_n(word, __ATOMIC_RELAXED)
#else
#define hint_load(word) (*(word))
#endif

#endif /* DMAH_PT_HINT_H */
