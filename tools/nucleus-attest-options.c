/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `nucleus attest`, and which of them mean something together. Must touch no file. */

#include "nucleus-attest.h"

#include <getopt.h>

enum {
        OPTION_VERIFY = 256,
        OPTION_VERIFY_SIGNATURE,
        OPTION_FORMAT,
        OPTION_PIN,
        OPTION_IMAGE_SHA256,
        OPTION_IMAGE_FSVERITY,
        OPTION_FSVERITY,
        OPTION_ENABLE_VERITY,
        OPTION_SIGN,
        OPTION_PUBLIC_KEY,
        OPTION_THREADS,
        OPTION_ALL,
        OPTION_JSON,
};

static const struct option long_options[] = {
        { "verify", no_argument, NULL, OPTION_VERIFY },
        { "verify-signature", no_argument, NULL, OPTION_VERIFY_SIGNATURE },
        { "format", required_argument, NULL, OPTION_FORMAT },
        { "manifest-sha256", required_argument, NULL, OPTION_PIN },
        { "image-sha256", required_argument, NULL, OPTION_IMAGE_SHA256 },
        { "image-fsverity", required_argument, NULL, OPTION_IMAGE_FSVERITY },
        { "fsverity", no_argument, NULL, OPTION_FSVERITY },
        { "enable-verity", no_argument, NULL, OPTION_ENABLE_VERITY },
        { "sign", required_argument, NULL, OPTION_SIGN },
        { "public-key", required_argument, NULL, OPTION_PUBLIC_KEY },
        { "threads", required_argument, NULL, OPTION_THREADS },
        { "all", no_argument, NULL, OPTION_ALL },
        { "json", no_argument, NULL, OPTION_JSON },
        { "help", no_argument, NULL, 'h' },
        {},
};

/* 0, or -1 with the message printed. */
static int parse_value(AttestArguments *a, int option) {
        char *end;

        switch (option) {
        case OPTION_FORMAT:
                if (!streq(optarg, "1") && !streq(optarg, "2")) {
                        print_error("--format takes 1 or 2, not \"%s\"", optarg);
                        return -1;
                }
                a->format = optarg[0] - '0';
                return 0;
        case OPTION_THREADS: {
                unsigned long n = strtoul(optarg, &end, 10);
                if (optarg[0] < '0' || optarg[0] > '9' || *end || n < 1 || n > 1024) {
                        print_error("--threads takes a number from 1 to 1024, not \"%s\"", optarg);
                        return -1;
                }
                a->threads = (unsigned)n;
                return 0;
        }
        default: /* OPTION_PUBLIC_KEY */
                if (!public_key_is_valid(optarg)) {
                        print_error("--public-key takes the base64 of an Ed25519 public key, not \"%s\"",
                                optarg);
                        return -1;
                }
                if (a->n_public_keys == PUBLIC_KEYS_MAX) {
                        print_error("--public-key may be given %u times", PUBLIC_KEYS_MAX);
                        return -1;
                }
                a->public_keys[a->n_public_keys++] = optarg;
                return 0;
        }
}

static bool *flag_of(AttestArguments *a, int option) {
        switch (option) {
        case OPTION_VERIFY:
                return &a->verify;
        case OPTION_VERIFY_SIGNATURE:
                return &a->verify_signature;
        case OPTION_FSVERITY:
                return &a->fsverity;
        case OPTION_ENABLE_VERITY:
                return &a->enable_verity;
        case OPTION_ALL:
                return &a->all;
        case OPTION_JSON:
                return &a->json;
        default:
                return NULL;
        }
}

static const char **text_of(AttestArguments *a, int option) {
        switch (option) {
        case OPTION_PIN:
                return &a->pin;
        case OPTION_IMAGE_SHA256:
                return &a->image_sha256;
        case OPTION_IMAGE_FSVERITY:
                return &a->image_fsverity;
        case OPTION_SIGN:
                return &a->key;
        default:
                return NULL;
        }
}

int attest_parse_arguments(const Verb *verb, int argc, char **argv, AttestArguments *a) {
        int c;

        while ((c = getopt_long(argc, argv, "h", long_options, NULL)) >= 0) {
                if (c == 'h') {
                        a->help = true;
                        return 0;
                }
                if (c == '?')
                        return usage_error(verb);
                if (flag_of(a, c))
                        *flag_of(a, c) = true;
                else if (text_of(a, c))
                        *text_of(a, c) = optarg;
                else if (parse_value(a, c) < 0)
                        return usage_error(verb);
        }
        if (optind + 1 != argc) {
                print_error(optind == argc ? "a directory or an image is missing"
                                           : "one directory or image at a time");
                return usage_error(verb);
        }
        a->path = argv[optind];
        return 0;
}

static bool is_bad_digest(const char *s) {
        uint8_t digest[SHA256_SIZE];

        return s && sha256_from_hex(s, strlen(s), digest) < 0;
}

/* What is wrong with them whatever is attested; NULL: nothing. */
static const char *conflict(const AttestArguments *a) {
        bool verifies = a->verify || a->verify_signature;

        if (verifies && a->format)
                return "--format has no meaning with --verify: the manifest says its version";
        if (verifies && a->key)
                return "--sign has no meaning with --verify: sign what is written, then verify";
        if (verifies && a->enable_verity)
                return "--enable-verity has no meaning with --verify, which changes nothing";
        if (!a->verify && a->pin)
                return "--manifest-sha256 has no meaning without --verify";
        if (!a->verify && (a->image_sha256 || a->image_fsverity))
                return "--image-sha256 and --image-fsverity have no meaning without --verify";
        if (!verifies && a->n_public_keys > 0)
                return "--public-key has no meaning without --verify or --verify-signature";
        if (a->verify_signature && a->n_public_keys == 0)
                return "--verify-signature needs --public-key: whose signature it must be";
        if (a->verify_signature && !a->verify && a->fsverity)
                return "--fsverity has no meaning with --verify-signature alone, which looks at no file";
        if (a->format == 1 && a->fsverity)
                return "version 1 has no fs-verity digests: --fsverity needs --format 2";
        if (is_bad_digest(a->pin) || is_bad_digest(a->image_sha256) || is_bad_digest(a->image_fsverity))
                return "a digest is 64 lower-case hexadecimal digits";
        return NULL;
}

static const char *image_conflict(const AttestArguments *a) {
        if (a->format || a->pin)
                return "--format and --manifest-sha256 are for directories: an image has no manifest";
        if (a->verify_signature)
                return "--verify-signature is for directories: of an image use --verify --public-key";
        if (a->image_sha256 && a->image_fsverity)
                return "--image-sha256 and --image-fsverity are two ways of attestation: choose one";
        if (a->image_sha256 && a->fsverity)
                return "--fsverity has no meaning with --image-sha256";
        if (a->verify && !a->image_sha256 && !a->image_fsverity && a->n_public_keys == 0)
                return "--verify of an image needs --image-sha256, --image-fsverity or --public-key";
        return NULL;
}

int attest_check_arguments(const Verb *verb, const AttestArguments *a, bool image) {
        const char *what = conflict(a);

        if (!what && image)
                what = image_conflict(a);
        if (!what && !image && (a->image_sha256 || a->image_fsverity))
                what = "--image-sha256 and --image-fsverity are for images, and this is a directory";
        if (!what)
                return 0;
        print_error("%s", what);
        return usage_error(verb);
}
