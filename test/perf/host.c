/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* What stands beside figures: the machine and the build. */

#include "host.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HOST_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HOST_SANITIZED 1
#endif

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

/* Not every architecture tells; then the name of the architecture has to do. */
static void
find_cpu(char *cpu, size_t len)
{
	FILE *info = fopen("/proc/cpuinfo", "re");
	char line[256];

	if (info == NULL)
		return;
	while (fgets(line, sizeof(line), info) != NULL) {
		char *colon = strchr(line, ':');

		if (strncmp(line, "model name", 10) != 0 || colon == NULL)
			continue;
		colon[strcspn(colon, "\n")] = '\0';
		snprintf(cpu, len, "%s", colon + 1 + strspn(colon + 1, " "));
		break;
	}
	fclose(info);
}

void
host_describe(struct host *h, int nr_cpus)
{
	struct utsname names;

	memset(h, 0, sizeof(*h));
	h->nr_cpus = nr_cpus;
	snprintf(h->compiler, sizeof(h->compiler), "%s", COMPILER);
	if (uname(&names) == 0) {
		snprintf(h->kernel, sizeof(h->kernel), "%.16s %.64s", names.sysname, names.release);
		snprintf(h->arch, sizeof(h->arch), "%.31s", names.machine);
	}
	snprintf(h->cpu, sizeof(h->cpu), "%s", h->arch);
	find_cpu(h->cpu, sizeof(h->cpu));
}

const char *
host_build_flaw(void)
{
#if defined(HOST_SANITIZED)
	return "built with a sanitizer";
#elif !defined(__OPTIMIZE__)
	return "built without optimization";
#else
	return NULL;
#endif
}
