/* SPDX-License-Identifier: GPL-2.0-only */
/* dom0's side of the mailbox, and what is asked of whoever owns a frame. */
#ifndef TESTS_XEN_GUEST_H
#define TESTS_XEN_GUEST_H

#include "frame.h"
#include "mailbox.h"

/**
 * guest_find() - wait for domain 1 and map its mailbox. Return: the data page's reference, or an
 * error.
 */
int guest_find(void);

/** guest_lose() - unmap it. */
void guest_lose(void);

/**
 * owner_fill() - the frame's owner writes pattern @seed into all of it.
 * Return: 0, -ETIMEDOUT: domain 1 does not answer.
 */
int owner_fill(const struct frame *f, u32 seed);

/**
 * owner_wrong() - how many bytes the owner finds wrong: pattern @seed is to be in [@off, @off +
 * @len), pattern @outside around it. And how many dom0 finds through every view. Return: the sum,
 * or an error.
 */
int frame_wrong(const struct frame *f, u32 seed, u32 outside, u32 off, u32 len);

#endif /* TESTS_XEN_GUEST_H */
