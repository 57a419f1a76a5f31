/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A small tree for the tests of attestation, and what they say of it. */

#include <sys/xattr.h>

#include "attest.h"
#include "temporary-tree.h"

_unused_ static void put(const Tree *t, const char *path, const char *text) {
        _cleanup_close_ int fd = openat(t->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

_unused_ static void put_link(const Tree *t, const char *target, const char *path) {
        assert_int_equal(symlinkat(target, t->fd, path), 0);
}

/* etc/conf, usr/bin/tool (and bin -> usr/bin, usr/bin/alias -> tool), an empty directory. */
_unused_ static void tree_make(Tree *t) {
        tree_new(t);
        for (const char *const *d = (const char *const[]){ "etc", "usr", "usr/bin", "empty", NULL }; *d; d++)
                assert_int_equal(mkdirat(t->fd, *d, 0755), 0);
        put(t, "etc/conf", "a = 1\n");
        put(t, "usr/bin/tool", "#!/bin/sh\n");
        put_link(t, "usr/bin", "bin");
        put_link(t, "tool", "usr/bin/alias");
        put_link(t, "/nowhere", "etc/dangling");
}

#define TREE(t)                                                                                             \
        _cleanup_(tree_done) Tree t = { .fd = -EBADF };                                                     \
        tree_make(&t)

_unused_ static void assert_written(const Tree *t, int version) {
        _cleanup_attest_report_ AttestReport report = {};
        int r = attest_write(t->fd, version, NULL, &report);

        if (r < 0)
                fail_msg("%s", report.message);
        assert_int_equal(strlen(report.digest), 64);
        r = 0;
}

/* One path in the list, or none where it is NULL. */
_unused_ static void assert_list(const AttestList *list, const char *path) {
        assert_int_equal(list->count, path ? 1 : 0);
        if (path)
                assert_string_equal(list->items[0].path, path);
}

_unused_ static void assert_mismatch(
        const Tree *t, const char *missing, const char *changed, const char *extra, const char *what) {
        _cleanup_attest_report_ AttestReport report = {};
        int r = attest_verify(t->fd, NULL, &report);

        if (r != -EBADMSG)
                fail_msg("%d: %s", r, report.message ?: "(none)");
        assert_list(&report.missing, missing);
        assert_list(&report.changed, changed);
        assert_list(&report.extra, extra);
        if (what && !strstr(report.message, what))
                fail_msg("\"%s\" is not in: %s", what, report.message);
}

_unused_ static void assert_fine(const Tree *t) {
        _cleanup_attest_report_ AttestReport report = {};

        if (attest_verify(t->fd, NULL, &report) < 0)
                fail_msg("%s", report.message);
        assert_null(report.message);
}

_unused_ static int setup(void **state) {
        Hasher *h = NULL;

        /* A build without attestation has nothing to test here. */
        if (hasher_new(&h) == -EOPNOTSUPP)
                exit(77);
        hasher_free(h);
        return 0;
}
