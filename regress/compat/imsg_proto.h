/*
 * Copyright (c) 2026 The brokerd authors
 *
 * Permission to use, copy, modify, and distribute this software for any
 * purpose with or without fee is hereby granted, provided that the above
 * copyright notice and this permission notice appear in all copies.
 *
 * THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
 * WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
 * MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
 * ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
 * WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
 * ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
 * OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
 */

/*
 * The prototypes of OpenBSD 7.8's imsg_init(3), ibuf_add(3) and ibufq_new(3),
 * and nothing else.  Declared once more after <imsg.h> they show that the
 * two agree; behind opaque structures they show that our sources need no more
 * than this.  imsg_get() is not among them, since they say that imsgbuf_get()
 * should be used instead.
 */

int			 imsg_add(struct ibuf *, const void *, size_t);
void			 imsg_close(struct imsgbuf *, struct ibuf *);
int			 imsg_compose(struct imsgbuf *, uint32_t, uint32_t,
			    pid_t, int, const void *, size_t);
int			 imsg_compose_ibuf(struct imsgbuf *, uint32_t,
			    uint32_t, pid_t, struct ibuf *);
int			 imsg_composev(struct imsgbuf *, uint32_t, uint32_t,
			    pid_t, int, const struct iovec *, int);
struct ibuf		*imsg_create(struct imsgbuf *, uint32_t, uint32_t,
			    pid_t, size_t);
int			 imsg_forward(struct imsgbuf *, struct imsg *);
void			 imsg_free(struct imsg *);
int			 imsg_get_buf(struct imsg *, void *, size_t);
int			 imsg_get_data(struct imsg *, void *, size_t);
int			 imsg_get_fd(struct imsg *);
int			 imsg_get_ibuf(struct imsg *, struct ibuf *);
uint32_t		 imsg_get_id(struct imsg *);
size_t			 imsg_get_len(struct imsg *);
pid_t			 imsg_get_pid(struct imsg *);
int			 imsg_get_strbuf(struct imsg *, char *, size_t);
uint32_t		 imsg_get_type(struct imsg *);
int			 imsg_ibufq_pop(struct ibufqueue *, struct imsg *);
void			 imsg_ibufq_push(struct ibufqueue *, struct imsg *);
int			 imsg_set_maxsize(struct ibuf *, size_t);
void			 imsgbuf_allow_fdpass(struct imsgbuf *);
void			 imsgbuf_clear(struct imsgbuf *);
int			 imsgbuf_flush(struct imsgbuf *);
int			 imsgbuf_get(struct imsgbuf *, struct imsg *);
int			 imsgbuf_init(struct imsgbuf *, int);
uint32_t		 imsgbuf_queuelen(struct imsgbuf *);
int			 imsgbuf_read(struct imsgbuf *);
int			 imsgbuf_set_maxsize(struct imsgbuf *, uint32_t);
int			 imsgbuf_write(struct imsgbuf *);

int			 ibuf_add(struct ibuf *, const void *, size_t);
int			 ibuf_add_h16(struct ibuf *, uint64_t);
int			 ibuf_add_h32(struct ibuf *, uint64_t);
int			 ibuf_add_h64(struct ibuf *, uint64_t);
int			 ibuf_add_ibuf(struct ibuf *, const struct ibuf *);
int			 ibuf_add_n16(struct ibuf *, uint64_t);
int			 ibuf_add_n32(struct ibuf *, uint64_t);
int			 ibuf_add_n64(struct ibuf *, uint64_t);
int			 ibuf_add_n8(struct ibuf *, uint64_t);
int			 ibuf_add_strbuf(struct ibuf *, const char *, size_t);
int			 ibuf_add_zero(struct ibuf *, size_t);
void			 ibuf_close(struct msgbuf *, struct ibuf *);
void			*ibuf_data(const struct ibuf *);
struct ibuf		*ibuf_dynamic(size_t, size_t);
int			 ibuf_fd_avail(struct ibuf *);
int			 ibuf_fd_get(struct ibuf *);
void			 ibuf_fd_set(struct ibuf *, int);
void			 ibuf_free(struct ibuf *);
void			 ibuf_from_buffer(struct ibuf *, void *, size_t);
void			 ibuf_from_ibuf(struct ibuf *, const struct ibuf *);
int			 ibuf_get(struct ibuf *, void *, size_t);
int			 ibuf_get_h16(struct ibuf *, uint16_t *);
int			 ibuf_get_h32(struct ibuf *, uint32_t *);
int			 ibuf_get_h64(struct ibuf *, uint64_t *);
int			 ibuf_get_ibuf(struct ibuf *, size_t, struct ibuf *);
int			 ibuf_get_n16(struct ibuf *, uint16_t *);
int			 ibuf_get_n32(struct ibuf *, uint32_t *);
int			 ibuf_get_n64(struct ibuf *, uint64_t *);
int			 ibuf_get_n8(struct ibuf *, uint8_t *);
int			 ibuf_get_strbuf(struct ibuf *, char *, size_t);
char			*ibuf_get_string(struct ibuf *, size_t);
size_t			 ibuf_left(const struct ibuf *);
struct ibuf		*ibuf_open(size_t);
int			 ibuf_read(int, struct msgbuf *);
void			*ibuf_reserve(struct ibuf *, size_t);
void			 ibuf_rewind(struct ibuf *);
void			*ibuf_seek(struct ibuf *, size_t, size_t);
int			 ibuf_set(struct ibuf *, size_t, const void *, size_t);
int			 ibuf_set_h16(struct ibuf *, size_t, uint64_t);
int			 ibuf_set_h32(struct ibuf *, size_t, uint64_t);
int			 ibuf_set_h64(struct ibuf *, size_t, uint64_t);
int			 ibuf_set_maxsize(struct ibuf *, size_t);
int			 ibuf_set_n16(struct ibuf *, size_t, uint64_t);
int			 ibuf_set_n32(struct ibuf *, size_t, uint64_t);
int			 ibuf_set_n64(struct ibuf *, size_t, uint64_t);
int			 ibuf_set_n8(struct ibuf *, size_t, uint64_t);
size_t			 ibuf_size(const struct ibuf *);
int			 ibuf_skip(struct ibuf *, size_t);
int			 ibuf_truncate(struct ibuf *, size_t);
int			 ibuf_write(int, struct msgbuf *);

void			 ibufq_concat(struct ibufqueue *, struct ibufqueue *);
void			 ibufq_flush(struct ibufqueue *);
void			 ibufq_free(struct ibufqueue *);
struct ibufqueue	*ibufq_new(void);
struct ibuf		*ibufq_pop(struct ibufqueue *);
void			 ibufq_push(struct ibufqueue *, struct ibuf *);
uint32_t		 ibufq_queuelen(struct ibufqueue *);
void			 msgbuf_clear(struct msgbuf *);
void			 msgbuf_concat(struct msgbuf *, struct ibufqueue *);
void			 msgbuf_free(struct msgbuf *);
struct ibuf		*msgbuf_get(struct msgbuf *);
struct msgbuf		*msgbuf_new(void);
struct msgbuf		*msgbuf_new_reader(size_t, struct ibuf *(*)(struct
			    ibuf *, void *, int *), void *);
uint32_t		 msgbuf_queuelen(struct msgbuf *);
int			 msgbuf_read(int, struct msgbuf *);
int			 msgbuf_write(int, struct msgbuf *);
