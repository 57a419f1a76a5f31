/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Threads that share work which comes in order and whose results are taken in order. The caller fills
 * batches; the threads take the items of the oldest unfinished batch one by one, so that a few large files
 * are spread as well as many small ones; finished batches are handed back to the caller in the order in
 * which they were filled. So what the caller does with the results never depends on how many threads there
 * are, nor on how fast each is.
 */

#include "util.h"

#include <stdatomic.h>

#define POOL_THREADS_MAX 16U

typedef struct Pool Pool;

/* A batch's data is the caller's. */
typedef struct PoolBatch {
        void *data;
        size_t n; /* items: set by the caller before pool_submit() */

        /* The pool's own. */
        atomic_size_t next; /* the first item that no thread has taken */
        unsigned users;     /* threads that may work on an item; under the pool's lock */
} PoolBatch;

typedef struct PoolOptions {
        unsigned threads;  /* at most; fewer where the system gives fewer */
        unsigned at_first; /* so many to begin with; the others come where processors turn out to be idle */
        size_t batches;    /* how many may be unfinished at once */
        void **data;       /* of each batch */

        /* On a thread; `worker` counts from 0 and is less than `threads`. */
        void (*work)(void *userdata, unsigned worker, void *data, size_t item);
        /* On the caller's, in order. Negative: stop, and return this. */
        int (*collect)(void *userdata, void *data);
        /* On the caller's, about ten times a second while it waits; or NULL. */
        void (*tick)(void *userdata);
        void *userdata;
} PoolOptions;

/* How many threads the processors that this process may use are worth: at most POOL_THREADS_MAX. */
unsigned pool_processors(void);

/* Starts the threads. Where none can be started, the caller's does all. 0 or -errno. */
int pool_new(const PoolOptions *options, Pool **ret_);

/* Ends the threads, without finishing what is unfinished; when it returns they are gone. */
Pool *pool_free(Pool *p);
DEFINE_CLEANUP(Pool *, pool_free)
#define _cleanup_pool_ _cleanup_(pool_freep)

/* A batch to fill; waits for one where all are in use. 0, or what `collect` returned negative. */
int pool_take(Pool *p, PoolBatch **ret_);

/* Gives the batch that pool_take() gave to the threads. */
void pool_submit(Pool *p, PoolBatch *b);

/* Waits for the oldest batch that was submitted, and collects it. 1; 0 where there is none; or as
 * pool_take(). */
int pool_collect(Pool *p);

/* Is somebody asking for an end? For work on an item that takes long. */
bool pool_is_stopped(const Pool *p);
