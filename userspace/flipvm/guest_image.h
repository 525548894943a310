/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FLIPVM_GUEST_IMAGE_H
#define FLIPVM_GUEST_IMAGE_H

/* The guest program, a flat binary for GUEST_CODE */
extern const unsigned char guest_image[], guest_image_end[];

#endif /* FLIPVM_GUEST_IMAGE_H */
