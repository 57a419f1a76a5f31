/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool: a ring of batches between three cursors. `collected` <= `offered` <= `submitted`; what lies
 * between the first two is being worked on or done. One lock for the ring; the items of a batch are taken
 * with one atomic addition each. Must leave no thread behind: the caller may go on to unshare(2), which a
 * process with threads cannot.
 */

#include "attest-pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

#define TICK_NSEC (100L * 1000 * 1000)
#define STACK_SIZE (256U * 1024)
#define IDLE_NSEC (5LL * 1000 * 1000) /* long enough to tell whether processors are idle */

typedef struct PoolThread {
        Pool *pool;
        unsigned index;
        pthread_t thread;
        pid_t tid;
} PoolThread;

struct Pool {
        PoolOptions options;
        PoolBatch *ring;
        uint64_t collected, offered, submitted; /* counts of batches; under the lock */
        pthread_mutex_t lock;
        pthread_cond_t work; /* for the threads: there is something to do */
        pthread_cond_t done; /* for the caller: the oldest batch is finished */
        bool waiting;        /* the caller waits */
        atomic_bool stop;
        PoolThread threads[POOL_THREADS_MAX];
        unsigned n_threads;
        int64_t wall, processor; /* when it was last looked whether processors are idle */
};

static PoolBatch *batch_at(Pool *p, uint64_t i) {
        return &p->ring[i % p->options.batches];
}

static bool is_taken(const PoolBatch *b) {
        return atomic_load_explicit(&b->next, memory_order_relaxed) >= b->n;
}

bool pool_is_stopped(const Pool *p) {
        return atomic_load_explicit(&p->stop, memory_order_relaxed);
}

/* Takes items of a batch until there are none. */
static void work_on(Pool *p, PoolBatch *b, unsigned worker) {
        while (!pool_is_stopped(p)) {
                size_t i = atomic_fetch_add_explicit(&b->next, 1, memory_order_relaxed);
                if (i >= b->n)
                        return;
                p->options.work(p->options.userdata, worker, b->data, i);
        }
}

/* The oldest batch that has items to take, or NULL; with the lock. */
static PoolBatch *find_work(Pool *p) {
        for (; p->offered < p->submitted; p->offered++) {
                PoolBatch *b = batch_at(p, p->offered);
                if (!is_taken(b))
                        return b;
        }
        return NULL;
}

static bool is_finished(const PoolBatch *b) {
        return b->users == 0 && is_taken(b);
}

static void *run(void *argument) {
        PoolThread *t = argument;
        Pool *p = t->pool;

        pthread_mutex_lock(&p->lock);
        t->tid = (pid_t)syscall(SYS_gettid);
        while (!pool_is_stopped(p)) {
                PoolBatch *b = find_work(p);
                if (!b) {
                        pthread_cond_wait(&p->work, &p->lock);
                        continue;
                }
                b->users++;
                pthread_mutex_unlock(&p->lock);
                work_on(p, b, t->index);
                pthread_mutex_lock(&p->lock);
                b->users--;
                if (p->waiting && b == batch_at(p, p->collected) && is_finished(b))
                        pthread_cond_signal(&p->done);
        }
        pthread_mutex_unlock(&p->lock);
        return NULL;
}

/* Up to `n` in all. */
static int start_threads(Pool *p, unsigned n) {
        pthread_attr_t attr;
        sigset_t all, old;

        int r = -pthread_attr_init(&attr);
        if (r < 0)
                return r;
        /* No signal handler of the program may run on a small stack, or on another thread than it knows. */
        sigfillset(&all);
        r = -pthread_attr_setstacksize(&attr, STACK_SIZE);
        if (r >= 0)
                r = -pthread_sigmask(SIG_SETMASK, &all, &old);
        if (r >= 0) {
                while (p->n_threads < n && p->n_threads < POOL_THREADS_MAX) {
                        PoolThread *t = &p->threads[p->n_threads];
                        *t = (PoolThread){ .pool = p, .index = p->n_threads };
                        /* A limit on tasks (TasksMax=, RLIMIT_NPROC) only makes us slower. */
                        if (pthread_create(&t->thread, &attr, run, t) != 0)
                                break;
                        p->n_threads++;
                }
                r = -pthread_sigmask(SIG_SETMASK, &old, NULL);
        }
        pthread_attr_destroy(&attr);
        return r;
}

static int64_t nanoseconds(clockid_t clock) {
        struct timespec t;

        (void)clock_gettime(clock, &t);
        return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Threads that wait for a disk leave processors to others; where all are busy, more would only get in each
 * other's way. */
static void add_threads(Pool *p) {
        if (p->n_threads == 0 || p->n_threads >= p->options.threads)
                return;
        int64_t wall = nanoseconds(CLOCK_MONOTONIC), processor = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
        if (wall - p->wall < IDLE_NSEC)
                return;
        if (processor - p->processor < (wall - p->wall) * p->options.at_first * 3 / 4)
                (void)start_threads(p, p->options.threads);
        p->wall = wall;
        p->processor = processor;
}

int pool_new(const PoolOptions *options, Pool **ret_) {
        pthread_condattr_t attr;

        Pool *p = calloc(1, sizeof(*p));
        if (!p)
                return -ENOMEM;
        p->options = *options;
        p->ring = calloc(options->batches, sizeof(*p->ring));
        if (!p->ring) {
                free(p);
                return -ENOMEM;
        }
        for (size_t i = 0; i < options->batches; i++)
                p->ring[i].data = options->data[i];

        /* None of these can fail: they set fields. */
        (void)pthread_mutex_init(&p->lock, NULL);
        (void)pthread_cond_init(&p->work, NULL);
        (void)pthread_condattr_init(&attr);
        (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        (void)pthread_cond_init(&p->done, &attr);
        (void)pthread_condattr_destroy(&attr);

        p->wall = nanoseconds(CLOCK_MONOTONIC);
        p->processor = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
        int r = start_threads(p, options->at_first);
        if (r < 0) {
                pool_free(p);
                return r;
        }
        *ret_ = p;
        return 0;
}

/*
 * pthread_join() returns when the thread is about to end; for the kernel it may then still be there for some
 * microseconds, in which unshare(CLONE_NEWUSER) fails with EINVAL.
 */
static void await_end(const PoolThread *t) {
        while (syscall(SYS_tgkill, getpid(), t->tid, 0) == 0)
                sched_yield();
}

Pool *pool_free(Pool *p) {
        if (!p)
                return NULL;
        pthread_mutex_lock(&p->lock);
        atomic_store(&p->stop, true);
        pthread_cond_broadcast(&p->work);
        pthread_mutex_unlock(&p->lock);
        for (unsigned i = 0; i < p->n_threads; i++) {
                (void)pthread_join(p->threads[i].thread, NULL);
                await_end(&p->threads[i]);
        }
        pthread_cond_destroy(&p->work);
        pthread_cond_destroy(&p->done);
        pthread_mutex_destroy(&p->lock);
        free(p->ring);
        free(p);
        return NULL;
}

void pool_submit(Pool *p, PoolBatch *b) {
        pthread_mutex_lock(&p->lock);
        atomic_store_explicit(&b->next, 0, memory_order_relaxed);
        p->submitted++;
        pthread_cond_broadcast(&p->work);
        pthread_mutex_unlock(&p->lock);
        if (p->n_threads == 0)
                work_on(p, b, 0);
}

/* Waits until the batch is finished, with the lock held. */
static void await(Pool *p, const PoolBatch *b) {
        p->waiting = true;
        while (!is_finished(b)) {
                struct timespec until;

                (void)clock_gettime(CLOCK_MONOTONIC, &until);
                until.tv_nsec += TICK_NSEC;
                if (until.tv_nsec >= 1000000000L) {
                        until.tv_nsec -= 1000000000L;
                        until.tv_sec++;
                }
                if (pthread_cond_timedwait(&p->done, &p->lock, &until) != ETIMEDOUT || !p->options.tick)
                        continue;
                pthread_mutex_unlock(&p->lock);
                p->options.tick(p->options.userdata);
                pthread_mutex_lock(&p->lock);
        }
        p->waiting = false;
}

int pool_collect(Pool *p) {
        PoolBatch *b = batch_at(p, p->collected);

        add_threads(p);
        pthread_mutex_lock(&p->lock);
        bool any = p->collected < p->submitted;
        if (any) {
                await(p, b);
                /* Nobody shall find it again where its place is taken by another. */
                if (p->offered == p->collected)
                        p->offered++;
                p->collected++;
        }
        pthread_mutex_unlock(&p->lock);
        if (!any)
                return 0;
        int r = p->options.collect(p->options.userdata, b->data);
        return r < 0 ? r : 1;
}

int pool_take(Pool *p, PoolBatch **ret_) {
        /* Only this thread moves these two. */
        if (p->submitted - p->collected == p->options.batches) {
                int r = pool_collect(p);
                if (r < 0)
                        return r;
        }
        *ret_ = batch_at(p, p->submitted);
        return 0;
}
