/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signature files: strict text, and what is signed. Must never put anything of a signature file into a
 * message but a key that was checked, and never take a signature for another kind of digest, or for another
 * digest, than the caller has measured.
 */

#include "signature.h"

#include "base64.h"
#include "diag.h"
#include "ed25519.h"
#include "strbuf.h"
#include "strv.h"

#define ALGORITHM "ed25519 "
#define ALGORITHM_LENGTH (sizeof(ALGORITHM) - 1)
#define SIGNATURE_TEXT_LENGTH 88U /* of the base64 of 64 bytes */
#define LINE_LENGTH (ALGORITHM_LENGTH + PUBLIC_KEY_TEXT_LENGTH + 1 + SIGNATURE_TEXT_LENGTH)

static const char *const subject_names[_SIGNATURE_SUBJECT_MAX] = {
        [SIGNATURE_MANIFEST_SHA256] = "manifest-sha256",
        [SIGNATURE_IMAGE_SHA256] = "image-sha256",
        [SIGNATURE_IMAGE_FSVERITY] = "image-fsverity",
        [SIGNATURE_IMAGE_ROOT_HASH] = "image-root-hash",
};

/* One line of a signature file. */
typedef struct Signer {
        char key[PUBLIC_KEY_TEXT_LENGTH + 1];
        uint8_t raw_key[PUBLIC_KEY_SIZE];
        uint8_t signature[ED25519_SIGNATURE_SIZE];
} Signer;

typedef struct Signers {
        Signer *items;
        size_t n;
} Signers;

static void signers_done(Signers *s) {
        free(s->items);
}
#define _cleanup_signers_ _cleanup_(signers_done)

/* ---- what is signed ---- */

/* The statement of a digest; returns its length. */
static size_t make_statement(
        SignatureSubject subject, const uint8_t digest[SHA256_SIZE], char *buffer, size_t size) {
        char hex[SHA256_HEX_SIZE];

        sha256_to_hex(digest, hex);
        return (size_t)snprintf(buffer, size, "nucleus-attestation 1\n%s %s\n", subject_names[subject], hex);
}

#define STATEMENT_SIZE 128U

/* ---- signature files ---- */

/* The bytes of `n` characters of base64, which must be `size` of them. 0, -EINVAL or -ENOMEM. */
static int decode(const char *text, size_t n, void *target, size_t size) {
        _cleanup_free_ char *copy = strndup(text, n);
        _cleanup_free_ void *data = NULL;
        size_t data_n;

        if (!copy)
                return -ENOMEM;
        int r = base64_decode(copy, &data, &data_n);
        if (r < 0)
                return r;
        if (data_n != size)
                return -EINVAL;
        memcpy(target, data, size);
        return 0;
}

/* A line without its newline. What is wrong with it goes to *ret_problem. */
static int parse_line(const char *line, size_t n, Signer *ret_, const char **ret_problem) {
        const char *key = line + ALGORITHM_LENGTH, *signature = key + PUBLIC_KEY_TEXT_LENGTH + 1;

        *ret_problem = "not \"ed25519 PUBLIC-KEY SIGNATURE\", both in base64";
        if (n != LINE_LENGTH || memcmp(line, ALGORITHM, ALGORITHM_LENGTH) != 0 ||
                key[PUBLIC_KEY_TEXT_LENGTH] != ' ')
                return -EINVAL;
        memcpy(ret_->key, key, PUBLIC_KEY_TEXT_LENGTH);
        ret_->key[PUBLIC_KEY_TEXT_LENGTH] = '\0';

        int r = decode(key, PUBLIC_KEY_TEXT_LENGTH, ret_->raw_key, PUBLIC_KEY_SIZE);
        if (r >= 0)
                r = decode(signature, SIGNATURE_TEXT_LENGTH, ret_->signature, ED25519_SIGNATURE_SIZE);
        if (r < 0)
                return r;
        *ret_problem = "a public key that anybody could sign for, or that is none";
        return public_key_is_valid(ret_->key) ? 0 : -EINVAL;
}

static const Signer *find_signer(const Signers *s, const char *key) {
        for (size_t i = 0; i < s->n; i++)
                if (streq(s->items[i].key, key))
                        return &s->items[i];
        return NULL;
}

static int parse_signers(const char *text, size_t n, Signers *s, char **reterr_) {
        if (n == 0)
                return error_set(reterr_, -EINVAL, "the signature file is empty");
        if (n > SIGNATURE_FILE_MAX)
                return error_set(
                        reterr_, -EINVAL, "the signature file has more than %u bytes", SIGNATURE_FILE_MAX);
        s->items = calloc(PUBLIC_KEYS_MAX, sizeof(Signer));
        if (!s->items)
                return -ENOMEM;

        for (const char *end = text + n, *eol; text < end; text = eol + 1) {
                Signer *signer = &s->items[s->n];
                const char *problem;
                unsigned line = (unsigned)s->n + 1;

                eol = memchr(text, '\n', (size_t)(end - text));
                if (!eol)
                        return error_set(
                                reterr_, -EINVAL, "line %u of the signature file does not end", line);
                if (s->n == PUBLIC_KEYS_MAX)
                        return error_set(reterr_, -EINVAL, "the signature file has more than %u lines",
                                PUBLIC_KEYS_MAX);
                int r = parse_line(text, (size_t)(eol - text), signer, &problem);
                if (r < 0)
                        return r == -ENOMEM ? r
                                            : error_set(reterr_, r, "line %u of the signature file: %s",
                                                      line, problem);
                if (find_signer(s, signer->key))
                        return error_set(reterr_, -EINVAL,
                                "line %u of the signature file: a second one of %s", line, signer->key);
                s->n++;
        }
        return 0;
}

static int put_signer(StrBuf *b, const char *key, const uint8_t signature[ED25519_SIGNATURE_SIZE]) {
        _cleanup_free_ char *text = NULL;

        int r = base64_encode(signature, ED25519_SIGNATURE_SIZE, &text);
        if (r >= 0)
                strbuf_printf(b, ALGORITHM "%s %s\n", key, text);
        return r;
}

/* ---- verifying ---- */

static int load(Ed25519 **ret_, char **reterr_) {
        int r = ed25519_new(ret_);

        if (r == -EOPNOTSUPP)
                return error_set(reterr_, r, "this build has no attestation");
        return r < 0 && r != -ENOMEM ? error_set(reterr_, r, "cannot load libcrypto.so.3") : r;
}

/* Does the signer's signature hold for the digest? */
static int check_signer(
        Ed25519 *e, const Signer *s, SignatureSubject subject, const uint8_t digest[SHA256_SIZE]) {
        char statement[STATEMENT_SIZE];
        size_t n = make_statement(subject, digest, statement, sizeof(statement));

        return ed25519_verify(e, s->raw_key, s->signature, statement, n);
}

/* -EKEYREJECTED, with what the operator can do about it. `stale` is a signer asked for, or NULL. */
static int reject(const Signers *s, const Signer *stale, SignatureSubject subject,
        const uint8_t digest[SHA256_SIZE], char *const *public_keys, char **reterr_) {
        char hex[SHA256_HEX_SIZE];

        sha256_to_hex(digest, hex);
        if (stale)
                return error_set(reterr_, -EKEYREJECTED,
                        "the signature by %s is not of %s %s, which is what is here%s", stale->key,
                        subject_names[subject], hex,
                        subject == SIGNATURE_MANIFEST_SHA256
                                ? ""
                                : "; it may be of another image, or of another kind of digest");
        return error_set(reterr_, -EKEYREJECTED, "signed by %s%s, not by the public key %s%s",
                s->items[0].key, s->n > 1 ? " and others" : "", public_keys[0],
                public_keys[1] ? " or another one named" : "");
}

int signature_verify(const char *text, size_t n, SignatureSubject subject, const uint8_t digest[SHA256_SIZE],
        char *const *public_keys, char **reterr_) {
        _cleanup_ed25519_ Ed25519 *e = NULL;
        _cleanup_signers_ Signers s = {};
        const Signer *stale = NULL;

        *reterr_ = NULL;
        int r = parse_signers(text, n, &s, reterr_);
        if (r >= 0)
                r = load(&e, reterr_);
        if (r < 0)
                return r;
        STRV_FOREACH(key, public_keys) {
                const Signer *signer = find_signer(&s, key);
                if (!signer)
                        continue;
                r = check_signer(e, signer, subject, digest);
                if (r >= 0)
                        return 0;
                if (r != -EKEYREJECTED)
                        return r == -ENOMEM ? r : error_set(reterr_, r, "cannot verify a signature");
                stale = signer;
        }
        return reject(&s, stale, subject, digest, public_keys, reterr_);
}

/* ---- signing ---- */

/* The lines of others that still hold, and ours in place of the one it had, or at the end. */
static int merge(Ed25519 *e, const Signers *old, const Signer *own, SignatureSubject subject,
        const uint8_t digest[SHA256_SIZE], StrBuf *b, char **reterr_) {
        bool replaced = false;
        size_t n = 1;
        int r = 0;

        for (size_t i = 0; i < old->n; i++) {
                const Signer *s = &old->items[i];
                bool ours = streq(s->key, own->key);

                r = ours ? 0 : check_signer(e, s, subject, digest);
                if (r == -EKEYREJECTED)
                        continue;
                if (r >= 0)
                        r = put_signer(b, s->key, ours ? own->signature : s->signature);
                if (r < 0)
                        return r;
                replaced = replaced || ours;
                n += !ours;
        }
        if (n > PUBLIC_KEYS_MAX)
                return error_set(
                        reterr_, -EINVAL, "there are %u signatures by other keys already", PUBLIC_KEYS_MAX);
        return replaced ? 0 : put_signer(b, own->key, own->signature);
}

static int make_signer(Ed25519 *e, const char *pem, size_t pem_n, SignatureSubject subject,
        const uint8_t digest[SHA256_SIZE], Signer *ret_, char **reterr_) {
        char statement[STATEMENT_SIZE];
        size_t n = make_statement(subject, digest, statement, sizeof(statement));
        _cleanup_free_ char *key = NULL;

        int r = ed25519_sign(e, pem, pem_n, statement, n, ret_->raw_key, ret_->signature, reterr_);
        if (r < 0)
                return r == -EIO ? error_set(reterr_, r, "libcrypto cannot sign") : r;
        r = base64_encode(ret_->raw_key, PUBLIC_KEY_SIZE, &key);
        if (r < 0)
                return r;
        memcpy(ret_->key, key, sizeof(ret_->key));
        /* What no verifier would take is not handed out either. */
        r = public_key_is_valid(ret_->key) ? check_signer(e, ret_, subject, digest) : -EKEYREJECTED;
        return r == -EKEYREJECTED ? error_set(reterr_, -EIO, "libcrypto made a signature that does not hold")
                                  : r;
}

int signature_make(const char *pem, size_t pem_n, SignatureSubject subject,
        const uint8_t digest[SHA256_SIZE], const char *old, char **ret_, char **ret_public_key,
        char **reterr_) {
        _cleanup_ed25519_ Ed25519 *e = NULL;
        _cleanup_signers_ Signers s = {};
        _cleanup_strbuf_ StrBuf b = {};
        _cleanup_free_ char *key = NULL, *text = NULL;
        Signer own = {};

        *reterr_ = NULL;
        int r = old ? parse_signers(old, strlen(old), &s, reterr_) : 0;
        if (r >= 0)
                r = load(&e, reterr_);
        if (r >= 0)
                r = make_signer(e, pem, pem_n, subject, digest, &own, reterr_);
        if (r >= 0)
                r = merge(e, &s, &own, subject, digest, &b, reterr_);
        if (r >= 0)
                r = strbuf_finish(&b, &text);
        if (r < 0)
                return r;
        key = strdup(own.key);
        if (!key)
                return -ENOMEM;
        *ret_ = TAKE_PTR(text);
        *ret_public_key = TAKE_PTR(key);
        return 0;
}
