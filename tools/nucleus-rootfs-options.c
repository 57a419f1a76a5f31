/* SPDX-License-Identifier: Apache-2.0 */
/* The options that `nucleus rootfs pack` and `from-tar` share, and those of the latter. */

#include "nucleus-rootfs.h"

#include "path.h"

#include <ctype.h>
#include <getopt.h>

#define BYTES_MAX_DEFAULT (16ULL << 30)

const char *const rootfs_format_names[_ROOTFS_FORMAT_MAX] = {
        [ROOTFS_DIRECTORY] = "directory",
        [ROOTFS_EROFS] = "erofs",
        [ROOTFS_SQUASHFS] = "squashfs",
};

enum {
        OPTION_FORMAT = 256,
        OPTION_MOUNT_POINT,
        OPTION_KEEP_PRIVILEGES,
        OPTION_FSVERITY,
        OPTION_VERITY,
        OPTION_SIGN,
        OPTION_JSON,
        OPTION_IMAGE,
        OPTION_PLATFORM,
        OPTION_MAX_SIZE,
};

static const struct option options[] = {
        { "output", required_argument, NULL, 'o' },
        { "format", required_argument, NULL, OPTION_FORMAT },
        { "mount-point", required_argument, NULL, OPTION_MOUNT_POINT },
        { "keep-privileges", no_argument, NULL, OPTION_KEEP_PRIVILEGES },
        { "fsverity", no_argument, NULL, OPTION_FSVERITY },
        { "verity", no_argument, NULL, OPTION_VERITY },
        { "sign", required_argument, NULL, OPTION_SIGN },
        { "json", no_argument, NULL, OPTION_JSON },
        { "help", no_argument, NULL, 'h' },
#define N_COMMON 9
        { "image", required_argument, NULL, OPTION_IMAGE },
        { "platform", required_argument, NULL, OPTION_PLATFORM },
        { "max-size", required_argument, NULL, OPTION_MAX_SIZE },
        {},
};

void rootfs_options_done(RootfsOptions *o) {
        strv_free(o->mount_points);
}

static int read_format(const Verb *verb, const char *text, RootfsOptions *o) {
        for (int i = 0; i < _ROOTFS_FORMAT_MAX; i++)
                if (streq(text, rootfs_format_names[i])) {
                        o->format = i;
                        return 0;
                }
        print_error("--format takes directory, erofs or squashfs, not \"%s\"", text);
        return usage_error(verb);
}

static int read_mount_point(const Verb *verb, const char *text, RootfsOptions *o) {
        const char *problem = path_problem(text);

        if (problem || streq(text, "/")) {
                print_error("--mount-point %s: %s", text, problem ?: "the root is there already");
                return usage_error(verb);
        }
        return strv_append(&o->mount_points, text) < 0 ? out_of_memory() : 0;
}

static int read_size(const Verb *verb, const char *text, RootfsOptions *o) {
        static const char units[] = "KMGT";
        char *end = NULL;

        errno = 0;
        unsigned long long n = isdigit((unsigned char)text[0]) ? strtoull(text, &end, 10) : 0;
        const char *unit = end && *end ? strchr(units, *end) : NULL;
        unsigned shift = unit ? 10U * (unsigned)(unit - units + 1) : 0;
        if (!end || errno != 0 || n == 0 || (*end && (!unit || end[1])) || n > UINT64_MAX >> shift) {
                print_error("--max-size takes a number of bytes such as 500M or 16G, not \"%s\"", text);
                return usage_error(verb);
        }
        o->bytes_max = (uint64_t)n << shift;
        return 0;
}

static int read_option(const Verb *verb, int c, RootfsOptions *o) {
        switch (c) {
        case 'o':
                o->output = optarg;
                return 0;
        case OPTION_FORMAT:
                return read_format(verb, optarg, o);
        case OPTION_MOUNT_POINT:
                return read_mount_point(verb, optarg, o);
        case OPTION_KEEP_PRIVILEGES:
                o->keep_privileges = true;
                return 0;
        case OPTION_FSVERITY:
                o->fsverity = true;
                return 0;
        case OPTION_VERITY:
                o->verity = true;
                return 0;
        case OPTION_SIGN:
                o->key = optarg;
                return 0;
        case OPTION_JSON:
                o->json = true;
                return 0;
        case OPTION_IMAGE:
                o->image = optarg;
                return 0;
        case OPTION_PLATFORM:
                o->platform = optarg;
                return 0;
        case OPTION_MAX_SIZE:
                return read_size(verb, optarg, o);
        case 'h':
                o->help = true;
                return 0;
        default:
                return usage_error(verb);
        }
}

/* https://reproducible-builds.org/specs/source-date-epoch/ */
static int read_time(RootfsOptions *o) {
        const char *text = getenv("SOURCE_DATE_EPOCH");
        char *end;

        if (isempty(text))
                return 0;
        errno = 0;
        long long n = strtoll(text, &end, 10);
        /* What squashfs can hold. */
        if (errno != 0 || *end || !isdigit((unsigned char)text[0]) || n > UINT32_MAX) {
                print_error("SOURCE_DATE_EPOCH is to be a number of seconds, not \"%s\"", text);
                return STATUS_USAGE;
        }
        o->time = n;
        return 0;
}

static int check(const Verb *verb, RootfsOptions *o, bool archive, int left) {
        if (o->format < 0)
                o->format = o->output && endswith(o->output, ".erofs")      ? ROOTFS_EROFS
                            : o->output && endswith(o->output, ".squashfs") ? ROOTFS_SQUASHFS
                                                                            : ROOTFS_DIRECTORY;
        if (left != 1)
                print_error(left == 0 ? "the %s is missing" : "one %s at a time",
                        archive ? "archive" : "directory");
        else if (!o->output)
                print_error("--output is missing: where the %s goes",
                        o->format == ROOTFS_DIRECTORY ? "root tree" : "image");
        else if (o->verity && o->format == ROOTFS_DIRECTORY)
                print_error("--verity goes with an image: --format erofs or squashfs");
        else if (o->verity && o->fsverity)
                print_error("--verity and --fsverity are two ways of attestation: choose one");
        else
                return read_time(o);
        return usage_error(verb);
}

int rootfs_options_read(const Verb *verb, int argc, char **argv, bool archive, RootfsOptions *o) {
        struct option known[ELEMENTSOF(options)] = {};
        int c, r;

        memcpy(known, options, archive ? sizeof(options) : N_COMMON * sizeof(options[0]));
        o->format = -1;
        o->bytes_max = archive ? BYTES_MAX_DEFAULT : UINT64_MAX;
        while ((c = getopt_long(argc, argv, "o:h", known, NULL)) >= 0) {
                r = read_option(verb, c, o);
                if (r != 0 || o->help)
                        return r;
        }
        if (optind < argc)
                o->source = argv[optind];
        return check(verb, o, archive, argc - optind);
}
