/* SPDX-License-Identifier: Apache-2.0 */
/* The pool: every item is done once, results come in order, and no thread is left, however it ends. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>
#include <time.h>

#include "attest-pool.h"

#define BATCHES 6U
#define ITEMS 10U

typedef struct Slot {
        unsigned number;
        atomic_uint done[ITEMS];
} Slot;

typedef struct Job {
        Slot slots[BATCHES];
        unsigned collected, stop_at, ticks;
        atomic_bool slow;
        atomic_uint worked;
} Job;

static void work(void *userdata, unsigned worker, void *data, size_t i) {
        Job *job = userdata;
        Slot *s = data;

        /* The first items of a batch take longer than the rest, so that threads finish out of order. */
        if (i < 2)
                sched_yield();
        if (atomic_load(&job->slow))
                nanosleep(&(struct timespec){ .tv_nsec = 250000000 }, NULL);
        atomic_fetch_add(&s->done[i], 1);
        atomic_fetch_add(&job->worked, 1);
}

static int collect(void *userdata, void *data) {
        Job *job = userdata;
        Slot *s = data;

        assert_int_equal(s->number, job->collected);
        for (size_t i = 0; i < ITEMS; i++) {
                assert_int_equal(atomic_load(&s->done[i]), i < 1 + s->number % ITEMS ? 1 : 0);
                atomic_store(&s->done[i], 0);
        }
        job->collected++;
        return job->stop_at && job->collected == job->stop_at ? -EBADMSG : 0;
}

static void tick(void *userdata) {
        ((Job *)userdata)->ticks++;
}

static Pool *start(Job *job, unsigned threads) {
        static void *data[BATCHES];
        Pool *p = NULL;

        for (size_t i = 0; i < BATCHES; i++)
                data[i] = &job->slots[i];
        PoolOptions options = { threads, threads / 2 ?: threads, BATCHES, data, work, collect, tick, job };
        assert_int_equal(pool_new(&options, &p), 0);
        return p;
}

static int submit(Pool *p, unsigned number) {
        PoolBatch *b;

        int r = pool_take(p, &b);
        if (r < 0)
                return r;
        ((Slot *)b->data)->number = number;
        b->n = 1 + number % ITEMS;
        pool_submit(p, b);
        return 0;
}

static void assert_alone(void) {
        char path[64];

#ifdef __SANITIZE_THREAD__
        return; /* it has a thread of its own */
#endif
        /* unshare(CLONE_VM) is refused while there is a second thread, and does nothing where there is none.
         */
        assert_int_equal(unshare(CLONE_VM), 0);
        (void)snprintf(path, sizeof(path), "/proc/self/task/%d", getpid());
        assert_int_equal(access(path, F_OK), 0);
}

static void test_pool_gives_results_in_order(void **state) {
        for (unsigned threads = 0; threads <= 8; threads++) {
                Job job = {};
                Pool *p = start(&job, threads);

                for (unsigned i = 0; i < 500; i++)
                        assert_int_equal(submit(p, i), 0);
                while (pool_collect(p) > 0)
                        ;
                assert_int_equal(job.collected, 500);
                assert_int_equal(atomic_load(&job.worked), 50 * 55);
                pool_free(p);
                assert_alone();
        }
}

static void test_pool_stops_where_a_result_says_so(void **state) {
        for (unsigned threads = 0; threads <= 4; threads++) {
                Job job = { .stop_at = 20 };
                Pool *p = start(&job, threads);
                int r = 0;

                for (unsigned i = 0; i < 500 && r >= 0; i++)
                        r = submit(p, i);
                assert_int_equal(r, -EBADMSG);
                assert_int_equal(job.collected, 20);
                pool_free(p);
                assert_alone();
        }
}

static void test_pool_ends_in_the_middle_of_work(void **state) {
        Job job = {};
        Pool *p = start(&job, 3);

        for (unsigned i = 0; i < BATCHES; i++)
                assert_int_equal(submit(p, i), 0);
        pool_free(p);
        assert_int_equal(job.collected, 0);
        assert_alone();
}

static void test_pool_ticks_while_it_waits(void **state) {
        Job job = {};
        Pool *p = start(&job, 1);

        atomic_store(&job.slow, true);
        assert_int_equal(submit(p, 0), 0);
        assert_int_equal(pool_collect(p), 1);
        assert_int_equal(pool_collect(p), 0);
        assert_true(job.ticks >= 1);
        pool_free(p);
}

static void test_pool_counts_processors(void **state) {
        cpu_set_t all, one;
        int cpu = 0;

        assert_true(pool_processors() >= 1 && pool_processors() <= POOL_THREADS_MAX);
        assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
        while (!CPU_ISSET(cpu, &all))
                cpu++;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
        assert_int_equal(pool_processors(), 1);
        assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_pool_gives_results_in_order),
                cmocka_unit_test(test_pool_stops_where_a_result_says_so),
                cmocka_unit_test(test_pool_ends_in_the_middle_of_work),
                cmocka_unit_test(test_pool_ticks_while_it_waits),
                cmocka_unit_test(test_pool_counts_processors),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
