/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures: what RFC 8032 says, what no key and no second encoding may get by, and signature files in each
 * way that they can be wrong. The private keys are those of RFC 8032, 7.1, or made for this file.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/inotify.h>

#include "base64.h"
#include "ed25519.h"
#include "escape.h"
#include "strbuf.h"

#define D64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

#define PRIVATE(text) "-----BEGIN PRIVATE KEY-----\n" text "\n-----END PRIVATE KEY-----\n"
#define PEM_1 PRIVATE("MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g")
#define PEM_2 PRIVATE("MC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7")
#define KEY_1 "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define KEY_2 "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="

/* Of "nucleus-attestation 1\nmanifest-sha256 " D64 "\n", by `openssl pkeyutl -sign -rawin`. */
#define SIGNED_1 "PVmZ1lbtduClKnjbhcYKWog7SsSEXG8+dowDZ0XoBeZfgVtL75XJAxepATeIn4Q4mEV9nWh1sCnhXU652tMxCw=="
#define SIGNED_2 "4k8FL+XneXk9FBqaFw5wTo5h1S9wGe8yPBn4L6/q9onMFzRIaePTh9AJZtZPXo4u82nU66TJSGqKktB9t3AkDA=="
#define LINE_1 "ed25519 " KEY_1 " " SIGNED_1 "\n"
#define LINE_2 "ed25519 " KEY_2 " " SIGNED_2 "\n"

/* A point of order 1, and with it what holds for every message: R is that point, S is 0. */
#define KEY_OF_NOBODY "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static uint8_t digest[SHA256_SIZE], other_digest[SHA256_SIZE];
static Ed25519 *ed25519; /* NULL: built without attestation */

static const char *config_file;
static char config_name[] = "/tmp/test-signature.XXXXXX";

static int setup(void **state) {
        _cleanup_close_ int fd = mkstemp(config_name);

        assert_true(fd >= 0);
        config_file = config_name;
        assert_int_equal(setenv("OPENSSL_CONF", config_file, 1), 0);
        assert_int_equal(sha256_from_hex(D64, 64, digest), 0);
        memcpy(other_digest, digest, sizeof(digest));
        other_digest[31] ^= 1;
        return 0;
}

static int teardown(void **state) {
        ed25519 = ed25519_free(ed25519);
        return unlink(config_name);
}

#define SKIP_WITHOUT_ATTESTATION()                                                                          \
        do {                                                                                                \
                if (!ed25519)                                                                               \
                        skip();                                                                             \
        } while (false)

static size_t unhex(const char *s, uint8_t *bytes) {
        size_t n = 0;

        for (; *s; s += 2)
                bytes[n++] = (uint8_t)(hex_digit(s[0]) << 4 | hex_digit(s[1]));
        return n;
}

/* ---- loading ---- */

static bool was_opened(int inotify) {
        char buffer[4096];

        return read(inotify, buffer, sizeof(buffer)) > 0;
}

/* First of all tests: libcrypto would read it once, when it is first used. */
static void test_signature_never_reads_configuration_of_openssl(void **state) {
        static char *const keys[] = { (char *)KEY_1, NULL };
        _cleanup_free_ char *error = NULL, *text = NULL, *key = NULL, *why = NULL;

        _cleanup_close_ int inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        assert_true(inotify >= 0);
        assert_true(inotify_add_watch(inotify, config_file, IN_OPEN) >= 0);

        int r = ed25519_new(&ed25519);
        assert_true(r == 0 || r == -EOPNOTSUPP);
        if (r < 0)
                skip();
        assert_int_equal(
                signature_verify(LINE_1, strlen(LINE_1), SIGNATURE_MANIFEST_SHA256, digest, keys, &error),
                0);
        assert_int_equal(signature_make(PEM_1, strlen(PEM_1), SIGNATURE_MANIFEST_SHA256, digest, NULL, &text,
                                 &key, &why),
                0);
        assert_false(was_opened(inotify));

        _cleanup_close_ int fd = open(config_file, O_RDONLY | O_CLOEXEC); /* the control */
        assert_true(fd >= 0 && was_opened(inotify));
}

/* ---- Ed25519 ---- */

static const struct {
        const char *seed, *key, *message, *signature;
} vectors[] = {
        { "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf"
                "9b4"
                "6bd25bf5f0595bbe24655141438e7a100b" },
        { "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f"
                "11d"
                "8c387b2eaeb4302aeeb00d291612bb0c00" },
        { "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
                "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984"
                "dc6"
                "594a7c15e9716ed28dc027beceea1ec40a" },
};

/* PKCS #8 of a seed. */
static char *pem_of(const uint8_t seed[32]) {
        uint8_t der[48];
        _cleanup_free_ char *text = NULL;
        char *pem = NULL;

        assert_int_equal(unhex("302e020100300506032b657004220420", der), 16);
        memcpy(der + 16, seed, 32);
        assert_int_equal(base64_encode(der, sizeof(der), &text), 0);
        assert_true(asprintf(&pem, PRIVATE("%s"), text) > 0);
        return pem;
}

static void test_ed25519_known_answers(void **state) {
        SKIP_WITHOUT_ATTESTATION();
        for (size_t i = 0; i < ELEMENTSOF(vectors); i++) {
                uint8_t seed[32], key[32], message[8], signature[64], made_key[32], made[64];
                _cleanup_free_ char *error = NULL;
                size_t n = unhex(vectors[i].message, message);

                assert_int_equal(unhex(vectors[i].seed, seed), 32);
                assert_int_equal(unhex(vectors[i].key, key), 32);
                assert_int_equal(unhex(vectors[i].signature, signature), 64);
                assert_int_equal(ed25519_verify(ed25519, key, signature, message, n), 0);
                message[n] = 0;
                assert_int_equal(ed25519_verify(ed25519, key, signature, message, n + 1), -EKEYREJECTED);

                _cleanup_free_ char *pem = pem_of(seed);
                assert_int_equal(
                        ed25519_sign(ed25519, pem, strlen(pem), message, n, made_key, made, &error), 0);
                assert_memory_equal(made_key, key, 32);
                assert_memory_equal(made, signature, 64);
        }
}

static void test_ed25519_refuses_each_flipped_bit(void **state) {
        uint8_t key[32], message[1], signature[64];

        SKIP_WITHOUT_ATTESTATION();
        assert_int_equal(unhex(vectors[1].key, key), 32);
        assert_int_equal(unhex(vectors[1].message, message), 1);
        assert_int_equal(unhex(vectors[1].signature, signature), 64);
        for (size_t i = 0; i < 8 * (64 + 32 + 1); i++) {
                uint8_t *at = i < 512   ? &signature[i / 8]
                              : i < 768 ? &key[i / 8 - 64]
                                        : &message[i / 8 - 96];

                *at ^= (uint8_t)(1U << i % 8);
                assert_int_equal(ed25519_verify(ed25519, key, signature, message, 1), -EKEYREJECTED);
                *at ^= (uint8_t)(1U << i % 8);
        }
        assert_int_equal(ed25519_verify(ed25519, key, signature, message, 1), 0);
}

/* S plus the order of the group is the same number to the equation: one signature would have two texts. */
static void test_ed25519_refuses_an_s_that_is_not_reduced(void **state) {
        uint8_t order[32] = {}, key[32], message[1], signature[64];
        unsigned carry = 0;

        SKIP_WITHOUT_ATTESTATION();
        assert_int_equal(unhex("edd3f55c1a631258d69cf7a2def9de14", order), 16);
        order[31] = 0x10;
        assert_int_equal(unhex(vectors[1].key, key), 32);
        assert_int_equal(unhex(vectors[1].message, message), 1);
        assert_int_equal(unhex(vectors[1].signature, signature), 64);
        for (size_t i = 0; i < 32; i++) {
                unsigned sum = signature[32 + i] + order[i] + carry;
                signature[32 + i] = (uint8_t)sum;
                carry = sum >> 8;
        }
        assert_int_equal(ed25519_verify(ed25519, key, signature, message, 1), -EKEYREJECTED);
}

static void test_ed25519_key_off_the_curve_verifies_nothing(void **state) {
        uint8_t key[32] = { 2 }, signature[64];
        _cleanup_free_ char *text = NULL;

        SKIP_WITHOUT_ATTESTATION();
        assert_int_equal(base64_encode(key, 32, &text), 0);
        assert_true(public_key_is_valid(text));
        assert_int_equal(unhex(vectors[0].signature, signature), 64);
        assert_int_equal(ed25519_verify(ed25519, key, signature, "", 0), -EKEYREJECTED);
        memset(signature, 0, sizeof(signature));
        assert_int_equal(ed25519_verify(ed25519, key, signature, "", 0), -EKEYREJECTED);
}

/* ---- public keys ---- */

static void test_public_key_text(void **state) {
        static const char *const none[] = {
                "", KEY_1 "\n", " " KEY_1, "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo", /* no padding */
                "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURp=",                           /* stray bits */
                "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=",                           /* base64url */
                "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHUQ==",                           /* 31 bytes */
                "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURoa",                           /* 33 bytes */
                "MCowBQYDK2VwAyEA" KEY_1,                           /* SubjectPublicKeyInfo */
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325", /* hexadecimal */
        };

        assert_true(public_key_is_valid(KEY_1));
        assert_true(public_key_is_valid(KEY_2));
        for (size_t i = 0; i < ELEMENTSOF(none); i++)
                assert_false(public_key_is_valid(none[i]));
}

/* Of either sign each: the points of small order, and all y from p on, which are others written twice. */
static void test_public_key_refuses_small_order_and_second_encodings(void **state) {
        static const char *const y[] = {
                "0000000000000000000000000000000000000000000000000000000000000000",
                "0100000000000000000000000000000000000000000000000000000000000000",
                "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
                "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
                "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        };
        uint8_t key[32];

        for (unsigned sign = 0; sign < 2; sign++) {
                for (size_t i = 0; i < ELEMENTSOF(y) + 19; i++) {
                        _cleanup_free_ char *text = NULL;

                        (void)unhex(y[i < ELEMENTSOF(y) ? i : ELEMENTSOF(y) - 1], key);
                        if (i >= ELEMENTSOF(y))
                                key[0] = (uint8_t)(0xed + i - ELEMENTSOF(y));
                        key[31] |= (uint8_t)(sign << 7);
                        assert_int_equal(base64_encode(key, 32, &text), 0);
                        assert_false(public_key_is_valid(text));
                }
                /* The greatest y that is neither. */
                _cleanup_free_ char *text = NULL;
                key[0] = 0xeb;
                assert_int_equal(base64_encode(key, 32, &text), 0);
                assert_true(public_key_is_valid(text));
        }
}

/* Why: to libcrypto, a signature that nobody made holds for every message. */
static void test_signature_of_a_key_of_small_order_is_refused(void **state) {
        static char *const keys[] = { (char *)KEY_OF_NOBODY, NULL };
        static const uint8_t key[32] = { 1 }, signature[64] = { 1 };
        _cleanup_free_ char *encoded = NULL, *text = NULL, *error = NULL;

        assert_int_equal(base64_encode(signature, 64, &encoded), 0);
        assert_true(asprintf(&text, "ed25519 " KEY_OF_NOBODY " %s\n", encoded) > 0);
        assert_int_equal(
                signature_verify(text, strlen(text), SIGNATURE_MANIFEST_SHA256, digest, keys, &error),
                -EINVAL);
        assert_string_equal(error,
                "line 1 of the signature file: a public key that anybody could sign for, or that is none");
        SKIP_WITHOUT_ATTESTATION();
        assert_int_equal(ed25519_verify(ed25519, key, signature, "anything", 8), 0);
}

/* ---- signature files ---- */

static int verify_by(const char *text, size_t n, SignatureSubject subject, const uint8_t *of,
        const char *key_1, const char *key_2, char **reterr_) {
        char *const keys[] = { (char *)key_1, (char *)key_2, NULL };

        int r = signature_verify(text, n, subject, of, keys, reterr_);
        assert_true((r == 0) == !*reterr_);
        for (const char *c = *reterr_ ?: ""; *c; c++)
                assert_true(*c >= ' ' && *c <= '~');
        return r;
}

static const struct {
        const char *text, *key_1, *key_2;
        int result;
        const char *error;
} files[] = {
        { LINE_1, KEY_1, NULL, 0, NULL },
        { LINE_1 LINE_2, KEY_1, NULL, 0, NULL },
        { LINE_1 LINE_2, KEY_2, NULL, 0, NULL },
        { LINE_2 LINE_1, KEY_2, KEY_1, 0, NULL },
        { LINE_2, KEY_1, KEY_2, 0, NULL },
        { LINE_2, KEY_1, NULL, -EKEYREJECTED, "signed by " KEY_2 ", not by the public key " KEY_1 },
        /* the signatures of two keys exchanged */
        { "ed25519 " KEY_1 " " SIGNED_2 "\n", KEY_1, NULL, -EKEYREJECTED,
                "the signature by " KEY_1 " is not of manifest-sha256 " D64 ", which is what is here" },
        { "ed25519 " KEY_1 " " SIGNED_2 "\n" LINE_2, KEY_1, KEY_2, 0, NULL },
        { "ed25519 " KEY_1 " " SIGNED_2 "\n" LINE_2, KEY_1, NULL, -EKEYREJECTED, "the signature by " KEY_1 },
        /* malformed: whichever line, and whoever it is by */
        { "", KEY_1, NULL, -EINVAL, "the signature file is empty" },
        { "\n", KEY_1, NULL, -EINVAL, "line 1 of the signature file: not \"ed25519 PUBLIC-KEY SIGNATURE\"" },
        { LINE_1 "\n", KEY_1, NULL, -EINVAL, "line 2 of the signature file: not" },
        { "\n" LINE_1, KEY_1, NULL, -EINVAL, "line 1 of the signature file: not" },
        { LINE_1 "# by me\n", KEY_1, NULL, -EINVAL, "line 2 of the signature file: not" },
        { LINE_1 "x", KEY_1, NULL, -EINVAL, "line 2 of the signature file does not end" },
        { LINE_1 LINE_1, KEY_1, NULL, -EINVAL, "line 2 of the signature file: a second one of " KEY_1 },
        { LINE_1 "ed25519 " KEY_1 " " SIGNED_2 "\n", KEY_1, NULL, -EINVAL, "a second one of " KEY_1 },
        { "ed25519 " KEY_1 " " SIGNED_1, KEY_1, NULL, -EINVAL, "line 1 of the signature file does not end" },
        { "ed25519 " KEY_1 " " SIGNED_1 "\r\n", KEY_1, NULL, -EINVAL, "not \"ed25519" },
        { "ed25519 " KEY_1 " " SIGNED_1 " \n", KEY_1, NULL, -EINVAL, "not \"ed25519" },
        { " ed25519 " KEY_1 " " SIGNED_1 "\n", KEY_1, NULL, -EINVAL, "not \"ed25519" },
        { "ed25519  " KEY_1 " " SIGNED_1 "\n", KEY_1, NULL, -EINVAL, "not \"ed25519" },
        { "ed25519\t" KEY_1 " " SIGNED_1 "\n", KEY_1, NULL, -EINVAL, "not \"ed25519" },
        { "ed25519 " KEY_1 "\t" SIGNED_1 "\n", KEY_1, NULL, -EINVAL, "not \"ed25519" },
        { "Ed25519 " KEY_1 " " SIGNED_1 "\n", KEY_1, NULL, -EINVAL, "not \"ed25519" },
        { "ed25518 " KEY_1 " " SIGNED_1 "\n", KEY_1, NULL, -EINVAL, "not \"ed25519" },
        { "ed25519 " KEY_1 "\n", KEY_1, NULL, -EINVAL, "not \"ed25519" },
        /* second encodings of the same bytes: the last digit of each has bits that no byte holds */
        { "ed25519 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURp= " SIGNED_1 "\n", KEY_1, NULL, -EINVAL,
                "not \"ed25519" },
        { "ed25519 " KEY_1
          " PVmZ1lbtduClKnjbhcYKWog7SsSEXG8+dowDZ0XoBeZfgVtL75XJAxepATeIn4Q4mEV9nWh1sCnhXU652tMxCx==\n",
                KEY_1, NULL, -EINVAL, "not \"ed25519" },
        { "ed25519 " KEY_1
          " PVmZ1lbtduClKnjbhcYKWog7SsSEXG8+dowDZ0XoBeZfgVtL75XJAxepATeIn4Q4mEV9nWh1sCnhXU652tMxC===\n",
                KEY_1, NULL, -EINVAL, "not \"ed25519" },
        { "ed25519 " KEY_1
          " PVmZ1lbtduClKnjbhcYKWog7SsSEXG8-dowDZ0XoBeZfgVtL75XJAxepATeIn4Q4mEV9nWh1sCnhXU652tMxCw==\n",
                KEY_1, NULL, -EINVAL, "not \"ed25519" },
};

static void test_signature_files(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(files); i++) {
                _cleanup_free_ char *error = NULL;
                int expected = ed25519 || files[i].result == -EINVAL ? files[i].result : -EOPNOTSUPP;
                int r = verify_by(files[i].text, strlen(files[i].text), SIGNATURE_MANIFEST_SHA256, digest,
                        files[i].key_1, files[i].key_2, &error);

                if (r != expected)
                        fail_msg("%s gave %d (%s)", files[i].text, r, error ?: "");
                if (r != -EOPNOTSUPP && files[i].error && !strstr(error, files[i].error))
                        fail_msg("not \"%s\" but: %s", files[i].error, error);
        }
}

static void test_signature_file_with_a_nul_is_refused(void **state) {
        char text[] = LINE_1;

        for (size_t i = 0; i < strlen(LINE_1); i++) {
                _cleanup_free_ char *error = NULL;

                text[i] = '\0';
                assert_int_equal(verify_by(text, strlen(LINE_1), SIGNATURE_MANIFEST_SHA256, digest, KEY_1,
                                         NULL, &error),
                        -EINVAL);
                text[i] = LINE_1[i];
        }
        _cleanup_free_ char *error = NULL; /* the one behind the text */
        assert_int_equal(
                verify_by(text, sizeof(text), SIGNATURE_MANIFEST_SHA256, digest, KEY_1, NULL, &error),
                -EINVAL);
}

/* The line of a key that is a number. */
static void put_numbered(StrBuf *b, unsigned i) {
        uint8_t raw[32] = { (uint8_t)i, 1 };
        _cleanup_free_ char *key = NULL;

        assert_int_equal(base64_encode(raw, 32, &key), 0);
        strbuf_printf(b, "ed25519 %s " SIGNED_1 "\n", key);
}

static void test_signature_file_has_64_lines_at_most(void **state) {
        _cleanup_free_ char *error = NULL, *error_65 = NULL, *error_long = NULL;
        _cleanup_strbuf_ StrBuf b = {};

        for (unsigned i = 0; i < 63; i++)
                put_numbered(&b, i);
        strbuf_puts(&b, LINE_1);
        assert_int_equal(verify_by(b.data, b.len, SIGNATURE_MANIFEST_SHA256, digest, KEY_1, NULL, &error),
                ed25519 ? 0 : -EOPNOTSUPP);
        strbuf_puts(&b, LINE_2);
        assert_int_equal(verify_by(b.data, b.len, SIGNATURE_MANIFEST_SHA256, digest, KEY_1, NULL, &error_65),
                -EINVAL);
        assert_string_equal(error_65, "the signature file has more than 64 lines");
        while (b.len <= SIGNATURE_FILE_MAX)
                strbuf_puts(&b, LINE_2);
        assert_int_equal(
                verify_by(b.data, b.len, SIGNATURE_MANIFEST_SHA256, digest, KEY_1, NULL, &error_long),
                -EINVAL);
        assert_string_equal(error_long, "the signature file has more than 65536 bytes");
}

/* ---- what is signed ---- */

static char *make(const char *pem, SignatureSubject subject, const uint8_t *of, const char *old) {
        _cleanup_free_ char *key = NULL, *error = NULL;
        char *text = NULL;

        int r = signature_make(pem, strlen(pem), subject, of, old, &text, &key, &error);
        if (r < 0)
                fail_msg("%s", error ?: strerror(-r));
        assert_null(error);
        assert_true(public_key_is_valid(key));
        return text;
}

static void test_signature_is_of_one_subject_and_one_digest(void **state) {
        SKIP_WITHOUT_ATTESTATION();
        for (int made = 0; made < _SIGNATURE_SUBJECT_MAX; made++) {
                _cleanup_free_ char *text = make(PEM_1, (SignatureSubject)made, digest, NULL);

                for (int asked = 0; asked < _SIGNATURE_SUBJECT_MAX; asked++) {
                        _cleanup_free_ char *error = NULL, *error_other = NULL;
                        assert_int_equal(verify_by(text, strlen(text), (SignatureSubject)asked, digest,
                                                 KEY_1, NULL, &error),
                                made == asked ? 0 : -EKEYREJECTED);
                        assert_int_equal(verify_by(text, strlen(text), (SignatureSubject)asked, other_digest,
                                                 KEY_1, NULL, &error_other),
                                -EKEYREJECTED);
                }
        }
}

/* Byte for byte what `openssl pkeyutl` signs. */
static void test_signature_make_known_answer(void **state) {
        SKIP_WITHOUT_ATTESTATION();
        _cleanup_free_ char *text = make(PEM_1, SIGNATURE_MANIFEST_SHA256, digest, NULL);
        assert_string_equal(text, LINE_1);
}

static void test_signature_make_keeps_what_others_signed_and_still_holds(void **state) {
        SKIP_WITHOUT_ATTESTATION();
        _cleanup_free_ char *both = make(PEM_2, SIGNATURE_MANIFEST_SHA256, digest, LINE_1);
        assert_string_equal(both, LINE_1 LINE_2);
        _cleanup_free_ char *again = make(PEM_1, SIGNATURE_MANIFEST_SHA256, digest, both);
        assert_string_equal(again, LINE_1 LINE_2);

        /* Our own is replaced, wherever it stands and whatever it was of. */
        _cleanup_free_ char *replaced =
                make(PEM_1, SIGNATURE_MANIFEST_SHA256, digest, LINE_2 "ed25519 " KEY_1 " " SIGNED_2 "\n");
        assert_string_equal(replaced, LINE_2 LINE_1);

        /* Another digest: nobody else has signed that. */
        _cleanup_free_ char *other = make(PEM_1, SIGNATURE_MANIFEST_SHA256, other_digest, both),
                            *error = NULL;
        assert_null(strstr(other, KEY_2));
        assert_int_equal(verify_by(other, strlen(other), SIGNATURE_MANIFEST_SHA256, other_digest, KEY_1,
                                 NULL, &error),
                0);
        _cleanup_free_ char *subject = make(PEM_1, SIGNATURE_IMAGE_SHA256, digest, both);
        assert_null(strstr(subject, KEY_2));
}

static void test_signature_make_stops_at_64_signers(void **state) {
        _cleanup_free_ char *text = NULL, *one_more = NULL, *key = NULL, *error = NULL;

        SKIP_WITHOUT_ATTESTATION();
        for (uint8_t i = 0; i < 64; i++) {
                const uint8_t seed[32] = { i };
                _cleanup_free_ char *pem = pem_of(seed), *old = TAKE_PTR(text);
                text = make(pem, SIGNATURE_MANIFEST_SHA256, digest, old);
        }
        assert_int_equal(signature_make(PEM_1, strlen(PEM_1), SIGNATURE_MANIFEST_SHA256, digest, text,
                                 &one_more, &key, &error),
                -EINVAL);
        assert_string_equal(error, "there are 64 signatures by other keys already");
}

/* ---- private keys that are none ---- */

static const struct {
        const char *pem, *old, *error;
} not_made[] = {
        { "", NULL, "it holds no private key in PEM form" },
        { "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n", NULL, "no private key" },
        { "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA" KEY_1 "\n-----END PUBLIC KEY-----\n", NULL,
                "it holds no private key in PEM form" },
        { PRIVATE("MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v"), NULL, "it holds no private key in PEM form" },
        { "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
          "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAg4nyNsnMHz5QICCAAw\n"
          "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEAQIEENGOViLsOKrqpMe1JeiGxToEQKy9\n"
          "guZLcu2ywvnutIuZa1cgNvsbazUBA+2Zpr65jC8oIbX2ox0uO9T8iOFgut3TMQpM\n"
          "eNu5chKxsg5GiCEfc68=\n-----END ENCRYPTED PRIVATE KEY-----\n",
                NULL, "the private key is encrypted; decrypt it first" },
        { PRIVATE("MEcCAQAwBQYDK2VxBDsEOc2VjychGMOkIB9KZLPuwncYs0IOqT7v6b9PeFImhlfW\n"
                  "ZRKyWnI52CdMOhJBILhmJl9YgsZ0Uw/q3w=="),
                NULL, "the private key is not an Ed25519 one; its type is ED448" },
        { PRIVATE("MC4CAQAwBQYDK2VuBCIEIEB6DkaKyN0VDMYFwqqQauRHH5lWwOfh5sNMSEs2noF9"), NULL,
                "its type is X25519" },
        { PRIVATE("MIIBVgIBADANBgkqhkiG9w0BAQEFAASCAUAwggE8AgEAAkEAtGg6l6O3D0FQbHyi\n"
                  "l6uXcCZ5Q6bmT8EotTGXskwfnVComfI+qAmCZyzAHQwCn10ydnrgKKtSiuFWPsi9\n"
                  "HGH6hwIDAQABAkEAiPzsIOEry+Woj/hD7i9ZmstcIUbGc6EUrCGwMq8jAmxIdzNF\n"
                  "oRbzfmZfF3u59XAqvPf60krMWXN7w9DIPl2bYQIhAPAm48hhELQgEiq59S8S4HDy\n"
                  "zeN+ddksR2HZR82AEwTjAiEAwFAD1wdtP6vcRLHSxTiaogvMzN+EEKv+KLUIC4nC\n"
                  "SQ0CIQCNYAeWbfX8ZCjtuD1rsewo8fdc5pSP/e4j31rS0oPfywIgGLCtLYg4kHoi\n"
                  "F3e1FbkEsVVOf+cab4GFafiEBecz2GkCIQDMg0Izb2rATeoldQJCN52NmaKFufpF\n"
                  "MJ9l/GkDrDHNXg=="),
                NULL, "its type is RSA" },
        { PEM_1, "", "the signature file is empty" },
        { PEM_1, "garbage\n", "line 1 of the signature file: not" },
        { PEM_1, LINE_2 LINE_2, "line 2 of the signature file: a second one" },
};

static void test_signature_make_refuses(void **state) {
        SKIP_WITHOUT_ATTESTATION();
        for (size_t i = 0; i < ELEMENTSOF(not_made); i++) {
                _cleanup_free_ char *text = NULL, *key = NULL, *error = NULL;

                assert_int_equal(
                        signature_make(not_made[i].pem, strlen(not_made[i].pem), SIGNATURE_MANIFEST_SHA256,
                                digest, not_made[i].old, &text, &key, &error),
                        -EINVAL);
                if (!error || !strstr(error, not_made[i].error))
                        fail_msg("not \"%s\" but: %s", not_made[i].error, error ?: "nothing");
                assert_true(!text && !key);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_signature_never_reads_configuration_of_openssl),
                cmocka_unit_test(test_ed25519_known_answers),
                cmocka_unit_test(test_ed25519_refuses_each_flipped_bit),
                cmocka_unit_test(test_ed25519_refuses_an_s_that_is_not_reduced),
                cmocka_unit_test(test_ed25519_key_off_the_curve_verifies_nothing),
                cmocka_unit_test(test_public_key_text),
                cmocka_unit_test(test_public_key_refuses_small_order_and_second_encodings),
                cmocka_unit_test(test_signature_of_a_key_of_small_order_is_refused),
                cmocka_unit_test(test_signature_files),
                cmocka_unit_test(test_signature_file_with_a_nul_is_refused),
                cmocka_unit_test(test_signature_file_has_64_lines_at_most),
                cmocka_unit_test(test_signature_is_of_one_subject_and_one_digest),
                cmocka_unit_test(test_signature_make_known_answer),
                cmocka_unit_test(test_signature_make_keeps_what_others_signed_and_still_holds),
                cmocka_unit_test(test_signature_make_stops_at_64_signers),
                cmocka_unit_test(test_signature_make_refuses),
        };
        return cmocka_run_group_tests(tests, setup, teardown);
}
