/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The pipe to gnuplot, and what all figures have in common. */

#include "plot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/log.h"
#include "host.h"
#include "report.h"
#include "target.h"

int
plot_check(const char *path)
{
	int status;

	if (path == NULL)
		return 0;
	status = system("gnuplot --version >/dev/null 2>&1");
	if (status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return report_check_file("--svg", path);
	zc_err("--svg: there is no gnuplot; Debian's package is gnuplot-nox");
	return -ENOENT;
}

FILE *
plot_begin(const char *path, unsigned int width, unsigned int height, const char *title,
           const char *foot)
{
	FILE *out = popen("gnuplot", "we");

	if (out == NULL) {
		zc_err("--svg: gnuplot does not start: %s", strerror(errno));
		return NULL;
	}
	fprintf(out,
	        "set terminal svg size %u,%u dynamic background rgb 'white' font 'sans,14'\n"
	        "set output '",
	        width, height);
	for (; *path != '\0'; path++)
		fprintf(out, *path == '\'' ? "''" : "%c", *path);
	fprintf(out,
	        "'\nset multiplot\n"
	        "set label 1 '%s' at screen 0.5,0.965 center font ',19'\n"
	        "set label 2 \"%s\" at screen 0.5,0.02 center font ',11' textcolor rgb '#555555' "
	        "noenhanced\n"
	        "set grid lc rgb '#dddddd'\nset border 3\nset tics nomirror\n",
	        title, foot);
	return out;
}

int
plot_end(FILE *out, const char *path)
{
	fputs("unset multiplot\n", out);
	if (pclose(out) == 0)
		return 0;
	zc_err("--svg: %s: gnuplot has failed", path);
	return -EIO;
}

void
plot_foot(const struct target_env *env, char *out, size_t len)
{
	struct host host;

	host_describe(&host, CPU_COUNT(&env->place->cpus));
	snprintf(out, len, "%s, %d CPUs, %s, %s; LZ4 level %d; zcompd %s", host.cpu, host.nr_cpus,
	         host.kernel, host.compiler, env->opts->level, perf_commit());
}
