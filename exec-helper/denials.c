/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sorts the kernel's audit records. Every listener gets those of the whole system, so the first question is
 * always whose a record is, and the answer must never be a guess:
 *
 * - A service with ids of its own: the record's uid lies in them. No other service has these, and no time
 *   passes between the kernel's writing it down and our reading.
 * - Else: the process of the record is in our cgroup or below. It may be gone by now; then nothing is
 * claimed.
 * - Landlock: the record names a domain. The kernel says with the domain's first denial who made it, which
 * is asked the same question.
 *
 * Names and paths in a record are a stranger's. What they can cost is bounded: one journal record for each
 * kind of denial and hour, and a table of fixed size. Must never block, nor fail the service.
 */

#include "denials-internal.h"

#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH 64       /* records taken before the loop looks after the rest of the service */
#define SILENCE_MS 100 /* at the end: how long nothing must come… */
#define FINISH_MS 1000 /* …and how long that is waited for at most */

static int64_t now_ms(void) {
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

Denials *denials_free(Denials *d) {
        if (!d)
                return NULL;
        close_fd(d->fd);
        free(d->cgroup);
        free(d);
        return NULL;
}

/* ---- whose ---- */

static bool is_ours(const Denials *d, const AuditRecord *r) {
        if (d->last_id > 0)
                return audit_record_has(r, offsetof(AuditRecord, uid)) && r->uid >= d->first_id &&
                       r->uid <= d->last_id;
        if (!d->cgroup || !audit_record_has(r, offsetof(AuditRecord, pid)) || r->pid == 0)
                return false;
        _cleanup_free_ char *cgroup = denials_cgroup_of(r->pid);
        return cgroup && path_startswith(cgroup, d->cgroup);
}

static size_t domain_index(const Denials *d, uint64_t domain) {
        size_t i = 0;

        while (i < d->n_domains && d->domains[i] != domain)
                i++;
        return i;
}

static bool domain_is_ours(const Denials *d, uint64_t domain) {
        return domain_index(d, domain) < d->n_domains;
}

static void remove_domain(Denials *d, size_t i) {
        memmove(&d->domains[i], &d->domains[i + 1], (--d->n_domains - i) * sizeof(d->domains[0]));
}

/* ---- how often ---- */

/* The row of this program, or that of the kind's unnamed programs, or NULL. ret_names: how many the kind
 * names. */
static DenialRow *find_row(Denials *d, const char *kind, const char *comm, size_t *ret_names) {
        DenialRow *rest = NULL;
        size_t names = 0;

        for (size_t i = 0; i < d->n_rows; i++) {
                DenialRow *row = &d->rows[i];
                if (!streq(row->kind, kind))
                        continue;
                if (row->rest)
                        rest = row;
                else if (streq(row->comm, comm))
                        return row;
                else
                        names++;
        }
        *ret_names = names;
        return rest;
}

/* A new row, or NULL where there is no room. */
static DenialRow *add_row(Denials *d, const AuditRecord *r) {
        bool landlock = r->type != AUDIT_TYPE_SECCOMP;

        if (d->n_rows == DENIALS_ROWS || (landlock && d->n_landlock_rows == DENIALS_LANDLOCK_ROWS))
                return NULL;
        d->n_landlock_rows += landlock;
        d->rows[d->n_rows] = (DenialRow){};
        return &d->rows[d->n_rows++];
}

/* A denial of our service: reported where it is the first of its kind, counted where it is not. */
static void take_denial(Context *c, const AuditRecord *r, const AuditRecord *call, int64_t now) {
        const AuditRecord *who = r->type == AUDIT_TYPE_SECCOMP ? r : call;
        const char *comm = who ? who->comm : "";
        Denials *d = c->denials;
        char kind[sizeof(d->rows[0].kind)];
        size_t names = 0;

        if (now - d->window_start >= DENIALS_WINDOW_MS) {
                denials_summarize(c);
                d->window_start = now;
        }
        denial_kind(r, kind, sizeof(kind));
        DenialRow *row = find_row(d, kind, comm, &names);
        if (row) {
                row->more++;
                return;
        }
        row = add_row(d, r);
        if (!row) {
                d->others++;
                return;
        }
        memcpy(row->kind, kind, sizeof(kind));
        row->rest = names == DENIALS_NAMES;
        if (row->rest)
                row->more++;
        else {
                (void)snprintf(row->comm, sizeof(row->comm), "%s", comm);
                denial_report(c, r, call);
        }
        denial_label(c, r, row->rest ? NULL : comm, row->label, sizeof(row->label));
}

/* ---- Landlock: several records make an event ---- */

static void settle(Context *c, size_t i, const AuditRecord *call, int64_t now) {
        Denials *d = c->denials;
        AuditRecord access = d->pending[i].access;

        memmove(&d->pending[i], &d->pending[i + 1], (--d->n_pending - i) * sizeof(d->pending[0]));
        /* A domain whose own record was lost is known by who ran into it. */
        if (domain_is_ours(d, access.domain) || (call && is_ours(d, call)))
                take_denial(c, &access, call, now);
}

static void take_access(Context *c, const AuditRecord *r, int64_t now) {
        Denials *d = c->denials;

        if (d->n_pending == DENIALS_PENDING)
                settle(c, 0, NULL, now);
        d->pending[d->n_pending++] = (PendingDenial){ .access = *r, .since = now };
}

static void take_call(Context *c, const AuditRecord *r, int64_t now) {
        Denials *d = c->denials;

        for (size_t i = 0; i < d->n_pending;) {
                const AuditRecord *access = &d->pending[i].access;
                if (access->serial == r->serial && access->time == r->time)
                        settle(c, i, r, now);
                else
                        i++;
        }
}

/* Comes with the first denial in a domain, behind it, and when the domain is gone. */
static void take_domain(Context *c, const AuditRecord *r, int64_t now) {
        Denials *d = c->denials;
        bool begins = streq(r->status, "allocated");

        for (size_t i = 0; !begins && i < d->n_pending;)
                if (d->pending[i].access.domain == r->domain)
                        settle(c, i, NULL, now);
                else
                        i++;
        size_t i = domain_index(d, r->domain);
        if (i < d->n_domains)
                remove_domain(d, i);
        if (!begins || !is_ours(d, r))
                return;
        /* The oldest that is not the first, which is the service's own, makes way. */
        if (d->n_domains == DENIALS_DOMAINS)
                remove_domain(d, 1);
        d->domains[d->n_domains++] = r->domain;
}

void denials_expire(Context *c, int64_t now) {
        while (c->denials->n_pending > 0 && now - c->denials->pending[0].since >= DENIALS_PENDING_MS)
                settle(c, 0, NULL, now);
}

/* ---- records ---- */

void denials_feed(Context *c, unsigned type, const char *text, size_t n, int64_t now) {
        AuditRecord r;

        /* Most system calls that are audited are no denials: not worth a look. */
        if (type == AUDIT_TYPE_SYSCALL && c->denials->n_pending == 0)
                return;
        if (audit_record_parse(type, text, n, &r) < 0)
                return;
        switch (type) {
        case AUDIT_TYPE_SECCOMP:
                if (is_ours(c->denials, &r))
                        take_denial(c, &r, NULL, now);
                break;
        case AUDIT_TYPE_LANDLOCK_ACCESS:
                take_access(c, &r, now);
                break;
        case AUDIT_TYPE_LANDLOCK_DOMAIN:
                take_domain(c, &r, now);
                break;
        case AUDIT_TYPE_SYSCALL:
                take_call(c, &r, now);
                break;
        default:
                break;
        }
}

/* One datagram. False: there is none, or no more can come. */
static bool take_datagram(Context *c) {
        union {
                struct nlmsghdr header;
                char bytes[NLMSG_HDRLEN + AUDIT_TEXT_MAX + 1];
        } m;
        struct sockaddr_nl from = {};
        struct iovec iov = { m.bytes, sizeof(m) - 1 };
        struct msghdr h = {
                .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1
        };
        Denials *d = c->denials;

        if (d->fd < 0)
                return false;
        ssize_t n = recvmsg(d->fd, &h, MSG_DONTWAIT);
        if (n < 0 && errno == ENOBUFS) {
                d->lost = true;
                return true;
        }
        if (n < 0 && errno == EINTR)
                return true;
        if (n < 0 && errno == EAGAIN)
                return false;
        if (n <= 0) {
                d->fd = close_fd(d->fd);
                return false;
        }
        /* The kernel's own alone. It leaves the length in the header wrong. */
        if ((size_t)n > NLMSG_HDRLEN && from.nl_pid == 0 && !(h.msg_flags & MSG_TRUNC))
                denials_feed(
                        c, m.header.nlmsg_type, m.bytes + NLMSG_HDRLEN, (size_t)n - NLMSG_HDRLEN, now_ms());
        return true;
}

int denials_fd(const Denials *d) {
        return d->fd;
}

int denials_timeout(const Denials *d) {
        if (d->n_pending == 0)
                return -1;
        int64_t left = d->pending[0].since + DENIALS_PENDING_MS - now_ms();
        return left < 0 ? 0 : (int)left;
}

void denials_take(Context *c) {
        for (int i = 0; i < BATCH && take_datagram(c); i++)
                ;
        denials_expire(c, now_ms());
}

/* The kernel hands records on when it finds the time, which may be after the workload's end. */
void denials_finish(Context *c) {
        struct pollfd p = { .fd = c->denials->fd, .events = POLLIN };
        int64_t end = now_ms() + FINISH_MS;

        while (p.fd >= 0 && now_ms() < end && poll(&p, 1, SILENCE_MS) > 0) {
                (void)take_datagram(c);
                p.fd = c->denials->fd;
        }
        denials_expire(c, INT64_MAX);
        denials_summarize(c);
}
