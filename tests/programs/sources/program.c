/* SPDX-License-Identifier: Apache-2.0 */
/* Threads, a child, memory that is written and executed, a semaphore: what compiled programs do at least. */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void *thread(void *p) {
        return p;
}

int main(void) {
        pthread_t t;
        sem_t s;
        void *p = NULL;
        int status = 1;

        if (pthread_create(&t, NULL, thread, &t) || pthread_join(t, &p) || p != &t)
                return 1;
        if (mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
                MAP_FAILED)
                return 2;
        pid_t pid = vfork();
        if (pid == 0) {
                execl("/bin/true", "true", NULL);
                _exit(1);
        }
        if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
                return 3;
        if (sem_init(&s, 0, 1) || sem_wait(&s))
                return 4;
        puts("ok");
        return 0;
}
