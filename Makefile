# brokerd: for GNU make and bmake alike, so no conditionals and no functions.
# ./configure first; it writes config.mk.
#
# Each directory has a Makefile.inc that lists what is built there:
#
#   a source	add it to the list in its directory's Makefile.inc, one line
#		a file, sorted.
#   a program	its Makefile.inc has PROGS += dir/name and one rule that says
#		what it is linked with.  That list is policy: see the table of
#		packages in the manual's design notes and regress/integration.
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
include regress/unit/Makefile.inc
include regress/config/Makefile.inc
include regress/proc/Makefile.inc
include regress/fuzz/Makefile.inc
include bench/Makefile.inc

OBJS =		${SRCS:.c=.o}

${OBJS}: config.mk

progs: ${LIBS} ${PROGS}

# Everything that is compiled, the tests included.
tests: progs ${UNIT_TESTS} ${PROC_TESTS} ${CONFIG_PROGS} ${FUZZERS}

regress: tests
	sh regress/run ${UNIT_TESTS} ${PROC_TESTS} ${FUZZERS}

clean:
	rm -f ${OBJS} ${SRCS:.c=.d} ${LIBS} ${PROGS} ${UNIT_TESTS} \
	    ${PROC_TESTS} ${CONFIG_PROGS} ${FUZZERS} ${GENERATED} tags

distclean: clean
	rm -f config.h config.mk config.log

tags:
	ctags ${SRCS}

.PHONY: all progs tests regress clean distclean

-include ${SRCS:.c=.d}
