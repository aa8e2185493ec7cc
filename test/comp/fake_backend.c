/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The scripted backend. One thread; it asserts what the front end promises to backends. */

#include "fake_backend.h"

#include <errno.h>
#include <stdlib.h>

#include "test_util.h"

#define NR_FLIGHTS_MAX 4096u

struct fake_strm {
	struct managed_zstrm zstrm;
	struct fake_strm *next;
	void *owner;
	bool out; /* of the free list */
	bool submitted;
	bool kept;
	unsigned int polls_left;
	uint64_t done_at_ns;
};

struct fake {
	struct zcomp_cdev *dev;
	struct fake_strm *strms;
	uint8_t *bufs;
	uint32_t page_size;
	unsigned int nr;
	struct fake_strm *free[FAKE_LCORES];
};

struct flights {
	struct fake_strm *strms[NR_FLIGHTS_MAX];
	unsigned int nr;
};

struct fake_script fake_script;
struct fake_seen fake_seen;
struct zcomp_cdev fake_devs[FAKE_DEVS];
uint64_t fake_now_ns;
static struct flights flights[FAKE_DEVS][FAKE_LCORES];
static unsigned int results;

static struct flights *
flights_of(const struct zcomp_cdev *dev, unsigned int lcore)
{
	assert_true(lcore < FAKE_LCORES);
	return &flights[dev - fake_devs][lcore];
}

void
fake_reset(void)
{
	unsigned int left = 0;

	memset(&fake_script, 0, sizeof(fake_script));
	memset(&fake_seen, 0, sizeof(fake_seen));
	memset(fake_devs, 0, sizeof(fake_devs));
	for (unsigned int i = 0; i < FAKE_DEVS; i++) {
		for (unsigned int j = 0; j < FAKE_LCORES; j++) {
			left += flights[i][j].nr;
			flights[i][j].nr = 0;
			zcomp_watch_init(&fake_devs[i].watches[j], 0);
		}
	}
	fake_now_ns = 1000000000;
	results = 0;
	assert_int_equal(left, 0);
}

uint64_t
fake_clock(void)
{
	return fake_now_ns;
}

static struct fake_strm *
strm_of(struct zcomp_strm *strm)
{
	return (struct fake_strm *)zstrm_to_managed(strm);
}

void
fake_keep(struct zcomp_strm *strm, bool keep)
{
	assert_true(strm_of(strm)->submitted);
	strm_of(strm)->kept = keep;
}

void
fake_keep_all(const struct zcomp_cdev *dev, bool keep)
{
	for (unsigned int i = 0; i < FAKE_LCORES; i++) {
		struct flights *fl = flights_of(dev, i);

		for (unsigned int j = 0; j < fl->nr; j++)
			fl->strms[j]->kept = keep;
	}
}

void
fake_stop(const struct zcomp_cdev *dev)
{
	for (unsigned int i = 0; i < FAKE_LCORES; i++) {
		struct flights *fl = flights_of(dev, i);

		while (fl->nr > 0) {
			struct fake_strm *s = fl->strms[--fl->nr];

			/* Nobody waits for it, and nobody will get it. */
			assert_true(s->zstrm.strm.lost && s->zstrm.strm.put);
			s->submitted = false;
			s->out = false;
		}
	}
}

unsigned int
fake_flying(const struct zcomp_cdev *dev, unsigned int lcore)
{
	return flights_of(dev, lcore)->nr;
}

uint64_t
fake_next_done_ns(const struct zcomp_cdev *dev, unsigned int lcore)
{
	const struct flights *fl = flights_of(dev, lcore);
	uint64_t next_ns = UINT64_MAX;

	for (unsigned int i = 0; i < fl->nr; i++) {
		if (fl->strms[i]->done_at_ns < next_ns)
			next_ns = fl->strms[i]->done_at_ns;
	}
	return next_ns;
}

static void
fake_release(void *priv)
{
	struct fake *fake = priv;

	for (unsigned int i = 0; i < fake->nr; i++)
		assert_false(fake->strms[i].out);
	fake_seen.releases++;
	free(fake->bufs);
	free(fake->strms);
	free(fake);
}

static void
strms_init(struct fake *fake, uint32_t depth)
{
	for (unsigned int i = 0; i < fake->nr; i++) {
		struct fake_strm *s = &fake->strms[i];

		s->owner = fake;
		s->zstrm.strm.src = fake->bufs + (size_t)i * 3 * fake->page_size;
		s->zstrm.strm.dst = (uint8_t *)s->zstrm.strm.src + fake->page_size;
		s->zstrm.strm.dst_len = 2 * fake->page_size;
		s->next = fake->free[i / depth];
		fake->free[i / depth] = s;
	}
}

static int
fake_setup(struct zcomp_params *params, void **priv)
{
	struct fake *fake;

	fake_seen.setups++;
	fake_seen.depth = params->depth;
	fake_seen.mgmt_at_setup = params->zstrm_mgmt;
	assert_true(params->nr_lcores <= FAKE_LCORES);
	if (fake_script.setup_ret != 0) {
		/* Whatever a failing backend leaves in there, the front end must not believe. */
		params->zstrm_mgmt = true;
		return fake_script.setup_ret;
	}
	fake = calloc(1, sizeof(*fake));
	if (fake == NULL)
		return -ENOMEM;
	fake->dev = params->dev != NULL ? params->dev : &fake_devs[0];
	fake->nr = params->nr_lcores * params->depth;
	fake->page_size = params->page_size;
	fake->strms = calloc(fake->nr, sizeof(*fake->strms));
	fake->bufs = aligned_alloc(64, (size_t)fake->nr * 3 * params->page_size);
	if (fake->strms == NULL || fake->bufs == NULL) {
		fake->nr = 0;
		fake_release(fake);
		return -ENOMEM;
	}
	strms_init(fake, params->depth);
	params->zstrm_mgmt = !fake_script.unmanaged;
	*priv = fake;
	return 0;
}

static struct zcomp_watch *
fake_watches(void *priv)
{
	return ((struct fake *)priv)->dev->watches;
}

static struct managed_zstrm *
fake_get(void *priv, unsigned int lcore)
{
	struct fake *fake = priv;
	struct fake_strm *s = fake->free[lcore];

	if (s == NULL)
		return NULL;
	fake->free[lcore] = s->next;
	assert_false(s->out);
	assert_false(s->submitted);
	s->out = true;
	return &s->zstrm;
}

static void
fake_put(void *priv, struct managed_zstrm *zstrm)
{
	struct fake *fake = priv;
	struct fake_strm *s = strm_of(&zstrm->strm);

	assert_ptr_equal(s->owner, fake);
	assert_true(s->out);
	assert_false(s->submitted);
	s->out = false;
	s->next = fake->free[zstrm->strm.lcore];
	fake->free[zstrm->strm.lcore] = s;
	fake_seen.puts++;
}

static void
take(struct zcomp_cdev *dev, struct flights *fl, struct fake_strm *s)
{
	if (dev->busy_until_ns < fake_now_ns)
		dev->busy_until_ns = fake_now_ns;
	dev->busy_until_ns += dev->service_ns;
	dev->taken++;
	s->submitted = true;
	s->kept = false;
	s->polls_left = fake_script.delay;
	s->done_at_ns = dev->busy_until_ns;
	assert_true(fl->nr < NR_FLIGHTS_MAX);
	fl->strms[fl->nr++] = s;
}

static unsigned int
fake_submit(void *priv, unsigned int lcore, struct zcomp_strm **strms, unsigned int nr)
{
	struct zcomp_cdev *dev = ((struct fake *)priv)->dev;
	unsigned int max = fake_script.take_max == 0 ? nr : fake_script.take_max;

	fake_seen.submits++;
	assert_true(nr > 0);
	max = dev->refuse ? 0 : max;
	for (unsigned int i = 0; i < nr; i++) {
		struct fake_strm *s = strm_of(strms[i]);

		assert_true(strms[i]->managed);
		assert_ptr_equal(s->owner, priv);
		assert_int_equal(strms[i]->lcore, lcore);
		assert_true(s->out);
		assert_false(s->submitted);
		if (i >= max)
			return max;
		take(dev, flights_of(dev, lcore), s);
	}
	return nr;
}

static struct zcomp_strm *
finish(const struct zcomp_cdev *dev, struct flights *fl, unsigned int idx)
{
	struct fake_strm *s = fl->strms[idx];
	struct zcomp_strm *strm = &s->zstrm.strm;
	uint32_t page_size = strm->dst_len / 2;

	memmove(&fl->strms[idx], &fl->strms[idx + 1], (fl->nr - idx - 1) * sizeof(fl->strms[0]));
	fl->nr--;
	s->submitted = false;
	strm->result =
	        zcodec_null.compress(NULL, 0, strm->src, page_size, strm->dst, strm->dst_len);
	if (fake_script.fail_one_in != 0 && ++results % fake_script.fail_one_in == 0)
		strm->result = fake_script.fail_with;
	if (dev->fail_with != 0)
		strm->result = dev->fail_with;
	return strm;
}

static bool
is_done(const struct zcomp_cdev *dev, const struct fake_strm *s)
{
	return s->polls_left == 0 && s->done_at_ns <= fake_now_ns && !s->kept && !dev->hang;
}

static unsigned int
fake_poll(void *priv, unsigned int lcore, struct zcomp_strm **strms, unsigned int nr)
{
	const struct zcomp_cdev *dev = ((struct fake *)priv)->dev;
	struct flights *fl = flights_of(dev, lcore);
	unsigned int n = 0;

	fake_seen.polls++;
	assert_true(nr > 0);
	for (unsigned int left = fl->nr, i = 0; left > 0; left--) {
		unsigned int idx = fake_script.reverse ? left - 1 : i;

		if (n < nr && is_done(dev, fl->strms[idx])) {
			strms[n++] = finish(dev, fl, idx);
			continue;
		}
		if (fl->strms[idx]->polls_left > 0)
			fl->strms[idx]->polls_left--;
		i++;
	}
	return n;
}

const struct zcomp_ops fake_backend = {
        .name = "fake",
        .setup_params = fake_setup,
        .release_params = fake_release,
        .watches = fake_watches,
        .get_stream = fake_get,
        .put_stream = fake_put,
        .submit = fake_submit,
        .poll = fake_poll,
};

const struct zcomp_ops fake_backend_alone = {
        .name = "fake",
        .setup_params = fake_setup,
        .release_params = fake_release,
        .get_stream = fake_get,
        .put_stream = fake_put,
        .submit = fake_submit,
        .poll = fake_poll,
};
