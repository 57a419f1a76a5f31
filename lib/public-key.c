/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a public key must hold to before anything is verified with it. Knows no cryptography, so that front
 * ends and nucleus-exec can refuse a key where it is written down.
 *
 * A key is a point of the curve, as its y coordinate (little-endian, less than p = 2^255 - 19) and the sign
 * of x in the top bit. Two things are refused that libcrypto takes: a y that is not reduced, which would be
 * a second way to write another key; and the points of small order, for which anybody can make a signature
 * that holds for every message. Whether the point lies on the curve is left to libcrypto: a key that does
 * not verifies nothing.
 */

#include "base64.h"
#include "signature.h"

static const uint8_t prime[PUBLIC_KEY_SIZE] = {
        [0] = 0xed,
        [1 ... 30] = 0xff,
        [31] = 0x7f,
};

/* The y of the eight points of order 1, 2, 4 and 8: those that differ in the sign of x share one. */
static const uint8_t small_order[][PUBLIC_KEY_SIZE] = {
        { 1 },
        { [0] = 0xec, [1 ... 30] = 0xff, [31] = 0x7f },
        { 0 },
        { 0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
                0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc,
                0x05 },
        { 0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
                0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03,
                0x7a },
};

static bool is_reduced(const uint8_t y[PUBLIC_KEY_SIZE]) {
        for (size_t i = PUBLIC_KEY_SIZE; i-- > 0;)
                if (y[i] != prime[i])
                        return y[i] < prime[i];
        return false;
}

bool public_key_is_valid(const char *s) {
        _cleanup_free_ void *data = NULL;
        size_t n;

        if (strlen(s) != PUBLIC_KEY_TEXT_LENGTH || base64_decode(s, &data, &n) < 0 || n != PUBLIC_KEY_SIZE)
                return false;

        uint8_t *y = data;
        y[PUBLIC_KEY_SIZE - 1] &= 0x7f;
        for (size_t i = 0; i < ELEMENTSOF(small_order); i++)
                if (memcmp(y, small_order[i], PUBLIC_KEY_SIZE) == 0)
                        return false;
        return is_reduced(y);
}
