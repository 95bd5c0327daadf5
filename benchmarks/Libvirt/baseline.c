/* The same calls by libvirt's own C library: baseline URI OPERATION DEPTH WINDOWS CALLS. A depth of more than one is as many threads on one connection, which is how the library does it.
   Prints the median window: elapsed and processor time in microseconds for one call. */
#include <libvirt/libvirt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static virConnectPtr connection;
static virDomainPtr domain;
static const char *operation;
static int calls;

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static void call(void)
{
    int failed;
    if (!strcmp(operation, "version")) {
        unsigned long version;
        failed = virConnectGetLibVersion(connection, &version);
    } else if (!strcmp(operation, "info")) {
        virDomainInfo info;
        failed = virDomainGetInfo(domain, &info);
    } else if (!strcmp(operation, "list")) {
        virDomainPtr *all;
        int count = virConnectListAllDomains(connection, &all, 0);
        failed = count < 1;
        for (int i = 0; i < count; i++)
            virDomainFree(all[i]);
        free(all);
    } else {
        virDomainStatsRecordPtr *all;
        failed = virConnectGetAllDomainStats(connection, 0, &all, 0) < 1;
        virDomainStatsRecordListFree(all);
    }
    if (failed < 0 || failed > 0)
        exit(3);
}

static void *run(void *unused)
{
    for (int i = 0; i < calls; i++)
        call();
    return unused;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    if (argc != 6)
        return 2;
    operation = argv[2];
    int depth = atoi(argv[3]), windows = atoi(argv[4]), all = atoi(argv[5]);
    calls = all / depth;
    connection = virConnectOpen(argv[1]);
    if (!connection)
        return 4;
    virDomainPtr *list;
    if (virConnectListAllDomains(connection, &list, 0) < 1)
        return 5;
    domain = list[0];
    double elapsed[windows], cpu[windows];
    for (int window = -2; window < windows; window++) {
        pthread_t threads[depth];
        double wall = now(CLOCK_MONOTONIC), process = now(CLOCK_PROCESS_CPUTIME_ID);
        if (depth == 1)
            run(NULL);
        for (int i = 0; depth > 1 && i < depth; i++)
            pthread_create(&threads[i], NULL, run, NULL);
        for (int i = 0; depth > 1 && i < depth; i++)
            pthread_join(threads[i], NULL);
        if (window < 0)
            continue;
        elapsed[window] = (now(CLOCK_MONOTONIC) - wall) / (calls * depth);
        cpu[window] = (now(CLOCK_PROCESS_CPUTIME_ID) - process) / (calls * depth);
    }
    qsort(elapsed, windows, sizeof(double), compare);
    qsort(cpu, windows, sizeof(double), compare);
    printf("%f %f 0\n", elapsed[windows / 2], cpu[windows / 2]);
    return 0;
}
