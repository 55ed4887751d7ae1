# brokerd: for GNU make and bmake alike, so no conditionals and no functions.
# ./configure first; it writes config.mk.
#
# Each directory has a Makefile.inc that lists what is built there:
#
#   a source	add it to the list in its directory's Makefile.inc, one line
#		a file, sorted.
#   a program	its Makefile.inc has PROGS += dir/name and one rule that says
#		what it is linked with.  That list is policy, and
#		regress/integration/link.t holds it to its word.
#   a unit test	regress/unit/NAME_test.c and a stanza of three lines in
#		regress/unit/Makefile.inc; how is said there.
#   a fuzzer	regress/fuzz/NAME_fuzz.c, likewise.
#   a script	regress/*/NAME.t, executable, prints TAP: found by its name.
#
# What differs by system or by kind of build is chosen by a name that
# configure sets (${COMPAT_${OS}}), never by a condition.

all: progs

include config.mk

.SUFFIXES:
.SUFFIXES: .c .o

INCLUDES =	-Icommon -Icompat -Ihttp -Ibroker -Iquery

LIB_COMPAT =	compat/libcompat.a
LIB_COMMON =	common/libcommon.a
LIB_HTTP =	http/libhttp.a
LIB_BROKER =	broker/libbroker.a
LIB_QUERY =	query/libquery.a

# In the order the linker wants them.
LIBS =		${LIB_BROKER} ${LIB_HTTP} ${LIB_QUERY} ${LIB_COMMON} ${LIB_COMPAT}
LIBS_SYS =	${LIBS_EVENT} ${LIBS_SANDBOX} ${LIBS_BASE}

COMPILE =	${CC} ${CPPFLAGS} ${INCLUDES} ${CFLAGS} -MMD -MP
LINK =		${CC} ${CFLAGS} ${LDFLAGS} -o $@
ARCHIVE =	rm -f $@ && ar rcs $@

.c.o:
	${COMPILE} -c -o $@ $<

PROGS =
SRCS =
GENERATED =
UNIT_TESTS =
FUZZERS =

include compat/Makefile.inc
include common/Makefile.inc
include http/Makefile.inc
include broker/Makefile.inc
include query/Makefile.inc
include brokerd/Makefile.inc
include proxy/Makefile.inc
include mitm/Makefile.inc
include resolver/Makefile.inc
include keyd/Makefile.inc
include logd/Makefile.inc
include api/Makefile.inc
include brokerctl/Makefile.inc
include demo/Makefile.inc
include regress/unit/Makefile.inc
include regress/compat/Makefile.inc
include regress/config/Makefile.inc
include regress/proc/Makefile.inc
include regress/fuzz/Makefile.inc
include bench/Makefile.inc
include etc/Makefile.inc

OBJS =		${SRCS:.c=.o}
TESTS =		${UNIT_TESTS} ${PROC_TESTS} ${FUZZERS}

${OBJS}: config.mk

progs: ${LIBS} ${PROGS} ${DEMO_PROGS}

# Everything that is compiled: the tests, and what only `make bench' runs.
tests: progs ${TESTS} ${CONFIG_PROGS} ${PROC_CHILD} ${PROC_PROGS} \
    ${BENCH_PROGS}

WRAP_no =
WRAP_yes =	sh regress/skips
STRIDE_no =	1
STRIDE_yes =	7

regress: tests check-imsg
	STRIDE=${STRIDE_${SANITIZERS}} PROGS='${PROGS}' \
	    WRAP='${WRAP_${SANITIZERS}}' sh regress/run ${TESTS}

# The unit tests under valgrind, less those that cannot run there.
valgrind: tests
	WRAP='sh regress/valgrind' sh regress/run -t ${UNIT_TESTS} \
	    -x ${NO_VALGRIND}

lint: config.mk ${GENERATED}
	CC='${CC}' FLAGS='${CPPFLAGS} ${INCLUDES} ${CFLAGS}' \
	    GENERATED='${GENERATED}' sh regress/lint ${SRCS}

fuzz:
	sh regress/fuzz/run ${FUZZERS}

# Kill -9 at random under load; in KILLS how many.
kill: tests
	perl regress/kill/run ${KILLS}

# The page in a real browser.  Pictures of it go to regress/browser/shots, or
# to BROWSER_SHOTS.
browser: tests
	sh regress/run -t regress/browser/*.t

# The long ones; each says what it needs.
soak: tests
	sh regress/soak

bench: progs ${BENCH_PROGS}
	sh bench/run

bench-log: progs ${BENCH_PROGS}
	sh bench/log

bench-read: progs ${BENCH_PROGS}
	sh bench/log reading

clean:
	rm -f ${OBJS} ${SRCS:.c=.d} ${LIBS} ${PROGS} ${TESTS} \
	    ${CONFIG_PROGS} ${PROC_PROGS} ${BENCH_PROGS} ${DEMO_PROGS} \
	    ${GENERATED} tags
	rm -f regress/fuzz/corpus/*/case-*
	rm -rf regress/browser/shots

distclean: clean
	rm -f config.h config.mk config.log

tags: ${SRCS}
	ctags ${SRCS}

# An installed file's place is the system's business: etc/Makefile.inc.
install: progs install-progs install-man install-etc-${OS}

uninstall: uninstall-progs uninstall-man uninstall-etc-${OS}

install-progs:
	install -d ${DESTDIR}${SBINDIR} ${DESTDIR}${LIBEXECDIR} \
	    ${DESTDIR}${EMPTY}
	for p in ${PROGS}; do \
		case $$p in \
		brokerd/*|brokerctl/*) d=${SBINDIR} ;; \
		*) d=${LIBEXECDIR} ;; \
		esac; \
		install -m 0555 $$p ${DESTDIR}$$d/ || exit 1; \
	done

uninstall-progs:
	for p in ${PROGS}; do \
		rm -f ${DESTDIR}${SBINDIR}/$${p##*/} \
		    ${DESTDIR}${LIBEXECDIR}/$${p##*/}; \
	done
	-rmdir ${DESTDIR}${LIBEXECDIR} ${DESTDIR}${EMPTY}

install-man:
	for m in man/*.[1-9]; do \
		[ -f $$m ] || continue; \
		d=${DESTDIR}${MANDIR}/man$${m##*.}; \
		install -d $$d && install -m 0444 $$m $$d/ || exit 1; \
	done

uninstall-man:
	for m in man/*.[1-9]; do \
		rm -f ${DESTDIR}${MANDIR}/man$${m##*.}/$${m##*/}; \
	done

.PHONY: all progs tests regress valgrind lint fuzz kill browser soak \
	bench bench-log bench-read clean distclean install uninstall \
	install-progs install-man uninstall-progs uninstall-man

-include ${SRCS:.c=.d}
