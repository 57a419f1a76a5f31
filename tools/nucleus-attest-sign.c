/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures for `nucleus attest`: made beside a manifest or an image. */

#include "nucleus-attest.h"

int attest_read_key(const AttestArguments *a, AttestResult *result) {
        return a->key ? signing_key_read(a->key, &result->key, &result->report.message) : 0;
}

int attest_sign(const AttestArguments *a, int dir_fd, const char *name, SignatureSubject subject,
        AttestResult *result) {
        if (!a->key)
                return 0;
        const char *hex =
                subject == SIGNATURE_IMAGE_FSVERITY ? result->image_fsverity : result->report.digest;
        int r = sign_digest(&result->key, dir_fd, name, subject, hex, &result->report.message);
        result->signed_by = r < 0 ? NULL : result->key.public_key;
        return r;
}
