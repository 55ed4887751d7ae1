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
 * The message catalogue: every message that one brokerd process may send to
 * another, who may send it, who may receive it, and its fields with their
 * caps.  This is the only place that says so.  msg.h includes it to declare
 * the structures and the message numbers, msg.c to build the table from which
 * messages are encoded, decoded and checked; a hash over that table travels
 * with each process, so that two versions never talk to each other.
 *
 * It has no include guard and is included several times with other meanings
 * of these words:
 *
 *	RECORD(name, fields)			a structure inside messages
 *	MESSAGE(TYPE, name, from, to, flags, fields)
 *
 *	U8(f) U16(f) U32(f) U64(f) I64(f)	integers
 *	FIX(f, n)				exactly n bytes
 *	STR(f, max)				text without NUL, up to max
 *	SECRET(f, max)				the same, never shown
 *	BLOB(f, max)				bytes, up to max
 *	ADDR(f)					struct msg_addr
 *	LIST(f, record, max)			up to max records
 *
 * Flags: 0; M_FD when a descriptor travels with the message; M_BIG when it
 * may pass 16 KiB, which its link must have been raised for.
 */

/*
 * Records that appear in messages.
 */
RECORD(name,
    STR(name, 256))

RECORD(counter,
    STR(name, 64)
    U64(value))

RECORD(cidr,
    ADDR(net)
    U8(bits))

RECORD(addr,
    ADDR(addr))

RECORD(id,
    U64(id))

/* A living process instance, as the parent tells logd. */
RECORD(instance,
    U8(proc)
    U16(index)
    U64(instance))

/* A process as `brokerctl status` shows it; counters are "name=value ...". */
RECORD(procstat,
    U8(proc)
    U16(index)
    U64(instance)
    U32(pid)
    U64(uptime)
    U32(restarts)
    STR(state, 16)
    STR(counters, 4096))

/* A header that a service puts on a request: name and rendered value. */
RECORD(header,
    STR(name, 256)
    SECRET(value, 40000))

/*
 * One service as a worker sees it.  path and methods are patterns, empty for
 * any; methods are separated by commas, keys likewise.  missing names the
 * credential that the service needs and the vault lacks, else it is empty.
 */
RECORD(rule,
    U64(service)
    STR(slug, 64)
    STR(path, 256)
    STR(methods, 512)
    U8(enabled)
    U8(plaintext)
    U8(passthrough)
    U8(path_mode)
    STR(keys, 1100)
    STR(missing, 64)
    LIST(inject, header, 32))

RECORD(gapcount,
    U64(vault)
    U64(count))

RECORD(kv,
    STR(key, 256)
    SECRET(value, 33000))

RECORD(vaultrole,
    STR(vault, 64)
    U8(role))

/*
 * Objects of the control state.  Each is a row of one table in logd, a
 * structure in keyd, and the body of an `object' in COMMIT and SYNC; logd
 * derives the columns from the fields, so field names are column names.
 * Times are seconds since the epoch, 0 for never.
 */
RECORD(obj_keyring,
    U64(id)
    BLOB(data_key, 256)
    BLOB(check_value, 256)
    BLOB(ca_cert, 4096)
    BLOB(ca_key, 1024)
    STR(node, 64)
    I64(created_at))

RECORD(obj_vault,
    U64(id)
    STR(uuid, 36)
    STR(name, 64)
    U8(unmatched)
    U8(path_mode)
    I64(created_at)
    I64(updated_at)
    I64(deleted_at))

RECORD(obj_agent,
    U64(id)
    STR(uuid, 36)
    STR(name, 64)
    U8(role)
    U8(status)
    STR(created_by, 64)
    I64(created_at)
    I64(updated_at)
    I64(revoked_at))

/*
 * kind is enum token_kind.  A minted session has the vault it is for and who
 * minted it (minter is the id of an agent, 0 for local); an agent token has
 * the agent.
 */
RECORD(obj_token,
    U64(id)
    U8(kind)
    FIX(hash, 32)
    STR(public_id, 24)
    U64(agent)
    U64(vault)
    U8(role)
    STR(label, 400)
    U8(minter_type)
    STR(minter, 64)
    I64(created_at)
    I64(expires_at))

RECORD(obj_grant,
    U64(id)
    U64(agent)
    U64(vault)
    U8(role)
    I64(created_at))

/*
 * A service.  port 0 is any; methods are separated by commas.  What the
 * authentication needs is in auth_type and the credential names key1 and
 * key2 (bearer: token; basic: username, password; api-key: key), header and
 * prefix; custom headers are lines "name: template".
 */
RECORD(obj_service,
    U64(id)
    U64(vault)
    U64(position)
    STR(name, 64)
    U8(enabled)
    STR(host, 255)
    U16(port)
    STR(path, 256)
    STR(methods, 512)
    U8(plaintext)
    U8(path_mode)
    U8(auth_type)
    STR(key1, 64)
    STR(key2, 64)
    STR(header, 256)
    STR(prefix, 256)
    STR(headers, 8192)
    I64(created_at)
    I64(updated_at))

RECORD(obj_credential,
    U64(id)
    U64(vault)
    STR(name, 64)
    BLOB(sealed, 33000)
    I64(created_at)
    I64(updated_at))

/* There is one.  A value is -1 where the owner has set none. */
RECORD(obj_settings,
    U64(id)
    I64(retain_seconds)
    I64(retain_rows)
    I64(updated_at))

/*
 * A login: what the cookie of a browser stands for.  token is that which was
 * exchanged for it, and with which it ends; 0 for a login by link, which is
 * that of the local principal in actor.  It ends at expires_at, and when it
 * was not used for `idle' seconds; used_at may lag behind by a part of that.
 */
RECORD(obj_login,
    U64(id)
    FIX(hash, 32)
    STR(public_id, 24)
    U64(token)
    U8(actor_type)
    STR(actor, 64)
    U32(idle)
    I64(created_at)
    I64(used_at)
    I64(expires_at))

/* One change of one object: op is enum object_op, kind enum object_kind. */
RECORD(object,
    U8(kind)
    U8(op)
    BLOB(body, 49152))

/* What the audit row of a change says; detail is a small JSON object. */
RECORD(audit,
    U8(actor_type)
    STR(actor, 64)
    STR(actor_name, 64)
    STR(session, 24)
    STR(action, 64)
    STR(detail, 1024)
    ADDR(client))

/*
 * A row of the request log as a reader gets it.  status is -1 when it is not
 * known; started is microseconds since the epoch; keys are separated by
 * commas; action says what an event or an audit row is about, by name.
 * Numbers of enumerations are those of codes.h.
 */
RECORD(row,
    U64(id)
    U8(kind)
    STR(action, 64)
    FIX(request_id, 16)
    U64(vault)
    U8(actor_type)
    STR(actor, 64)
    STR(actor_name, 64)
    STR(session, 24)
    U8(ingress)
    U64(conn)
    STR(method, 32)
    STR(host, 256)
    U16(port)
    STR(path, 2048)
    U8(path_cut)
    STR(service, 64)
    STR(keys, 1100)
    U8(decision)
    I64(status)
    U8(error_code)
    I64(started)
    I64(latency)
    I64(ttfb)
    U64(bytes_in)
    U64(bytes_out)
    U8(protocol)
    ADDR(client)
    ADDR(upstream)
    FIX(trace_id, 16)
    U8(auth_scheme)
    STR(auth_header, 64)
    U64(instance)
    U64(seq)
    U64(count)
    STR(detail, 1024))

/* An id that a vault's name stands for, or has stood for. */
RECORD(vaultid,
    STR(name, 64)
    U64(id))

/* A value that occurs in the log. */
RECORD(value,
    STR(text, 256))

/*
 * What is counted of a step of a chart: requests, by class of their status
 * and by decision, and latencies in microseconds, -1: not known of any.
 */
RECORD(sums,
    U32(step)
    U64(rows)
    U64(errors)
    U64(nothing)
    U64(class1)
    U64(class2)
    U64(class3)
    U64(class4)
    U64(class5)
    U64(unknown)
    U64(undecided)
    U64(brokered)
    U64(passthrough)
    U64(blocked)
    U64(failed)
    U64(bytes_in)
    U64(bytes_out)
    I64(p50)
    I64(p95)
    I64(p99)
    I64(longest))

RECORD(top,
    STR(name, 256)
    U64(count))

/*
 * Arguments of ADMIN, one record an operation, named after it.  Services
 * come as objects whose id, vault, position and times are ignored.
 */
RECORD(op_none,
    U8(unused))
RECORD(op_name,
    STR(name, 64))
RECORD(op_rename,
    STR(name, 64)
    STR(to, 64))
/* 255 leaves a setting as it is. */
RECORD(op_vault_settings,
    U8(unmatched)
    U8(path_mode))
RECORD(op_credentials_set,
    LIST(values, kv, 64))
RECORD(op_credentials_delete,
    LIST(keys, name, 256))
RECORD(op_services,
    LIST(services, obj_service, 256))
RECORD(op_service_ref,
    STR(ref, 600))
RECORD(op_service_enable,
    STR(ref, 600)
    U8(enabled))
RECORD(op_agent_create,
    STR(name, 64)
    U8(role)
    LIST(vaults, vaultrole, 64))
RECORD(op_agent_role,
    STR(name, 64)
    U8(role))
/* mode is enum grant_mode: a grant that is there is 409, or the other way. */
RECORD(op_grant,
    STR(agent, 64)
    U8(role)
    U8(mode))
/* -1 unsets a value, -2 leaves it as it is. */
RECORD(op_settings,
    I64(retain_seconds)
    I64(retain_rows))
RECORD(op_session_mint,
    U32(ttl)
    STR(label, 400))

/* What DONE brings back where an operation has a result. */
RECORD(res_token,
    SECRET(token, 128)
    STR(public_id, 24)
    I64(created_at)
    I64(expires_at))
/* vault is where the page is to begin, or empty. */
RECORD(res_login,
    SECRET(token, 128)
    STR(public_id, 24)
    STR(vault, 64)
    U32(idle)
    I64(created_at)
    I64(expires_at))
RECORD(res_role,
    U8(old_role)
    U8(new_role))
RECORD(res_count,
    U32(count)
    U32(total)
    LIST(names, name, 256))

/*
 * What GET brings back: views of objects, with what a client wants to see
 * beside the object itself.
 */
RECORD(view_vault,
    STR(uuid, 36)
    STR(name, 64)
    U8(role)
    U8(unmatched)
    U8(path_mode)
    U64(id)
    I64(created_at)
    I64(deleted_at))
RECORD(view_agent,
    STR(uuid, 36)
    STR(name, 64)
    U8(role)
    U8(status)
    STR(created_by, 64)
    U32(active_tokens)
    I64(created_at)
    I64(updated_at)
    I64(revoked_at)
    LIST(vaults, vaultrole, 64))
RECORD(view_grant,
    STR(uuid, 36)
    STR(agent, 64)
    U8(vault_role)
    U8(status)
    I64(created_at))
RECORD(view_session,
    STR(public_id, 24)
    STR(label, 400)
    STR(created_by, 64)
    STR(created_name, 64)
    U8(minter_type)
    U8(role)
    I64(created_at)
    I64(expires_at))
/* current is set for the one that asks. */
RECORD(view_login,
    STR(public_id, 24)
    STR(actor, 64)
    U8(current)
    U32(idle)
    I64(created_at)
    I64(used_at)
    I64(expires_at))
RECORD(view_credential,
    STR(key, 64)
    I64(created_at)
    I64(updated_at))
/* What is in force and enum value_source of it, and what the owner has set. */
RECORD(view_settings,
    I64(retain_seconds)
    U8(seconds_from)
    I64(retain_rows)
    U8(rows_from)
    I64(audit_seconds)
    I64(owner_seconds)
    I64(owner_rows)
    U8(locked))
RECORD(view_usage,
    STR(name, 64)
    STR(host, 600))

/*
 * What service.delete and service.enable bring back: the service, and how
 * many the vault has; with status 409 the candidates for an ambiguous ref.
 */
RECORD(res_services,
    U32(total)
    LIST(services, view_usage, 64))

/*
 * The parent and each process, descriptor 3.
 */
MESSAGE(CONF_START, conf_start, FROM_PARENT, TO_ALL, 0,
    U32(gen))
MESSAGE(CONF_HTTP, conf_http, FROM_PARENT, TO_HTTP, 0,
    U32(request_line)
    U32(headers)
    U32(header_bytes)
    U16(proxy_port)
    STR(av_addr, 256))
MESSAGE(CONF_UPSTREAM, conf_upstream, FROM_PARENT, TO_WORKERS, 0,
    U32(dial_ms)
    U32(handshake_ms)
    U32(head_ms)
    U32(idle_ms)
    U8(ca_only))
MESSAGE(CONF_NETWORK, conf_network, FROM_PARENT, TO_RESOLVER, 0,
    LIST(allow, cidr, 256))
MESSAGE(CONF_LOG, conf_log, FROM_PARENT, TO_LOGGERS | TO_KEYD, 0,
    U8(strict)
    U32(flush_ms)
    U32(batch)
    U64(retain_seconds)
    U64(retain_rows)
    U64(retain_audit_seconds)
    U8(seconds_from)
    U8(rows_from)
    U8(locked)
    U64(reserve)
    U8(path_mode))
MESSAGE(CONF_END, conf_end, FROM_PARENT, TO_ALL, 0,
    U32(gen))
MESSAGE(CONF_READY, conf_ready, FROM_ALL, TO_PARENT, 0,
    U32(gen))
MESSAGE(CONF_REFUSED, conf_refused, FROM_ALL, TO_PARENT, 0,
    U32(gen)
    STR(why, 512))
MESSAGE(CONF_ACTIVATE, conf_activate, FROM_PARENT, TO_ALL, 0,
    U32(gen))
MESSAGE(CONF_CANCEL, conf_cancel, FROM_PARENT, TO_ALL, 0,
    U32(gen))
MESSAGE(PEER, peer, FROM_PARENT, TO_ALL, M_FD,
    U8(proc)
    U16(index)
    U64(instance)
    U8(dead))
/*
 * A descriptor was lost on its way: a peer's, or with proc PROC_PARENT a
 * listener's, whose id instance is then.
 */
MESSAGE(PEER_WANTED, peer_wanted, FROM_ALL, TO_PARENT, 0,
    U8(proc)
    U64(instance))
MESSAGE(LISTENER, listener, FROM_PARENT, TO_LISTENERS, M_FD,
    U32(id)
    U8(kind))
MESSAGE(LISTENER_CLOSE, listener_close, FROM_PARENT, TO_LISTENERS, 0,
    U32(id))
MESSAGE(FILE, file, FROM_PARENT, TO_ALL, M_FD,
    U8(kind)
    U64(instance)
    STR(name, 1024))
MESSAGE(INSTANCES, instances, FROM_PARENT, TO_LOGD, 0,
    LIST(living, instance, 160))
MESSAGE(START, start, FROM_PARENT, TO_ALL, 0,
    U8(fresh))
MESSAGE(READY, ready, FROM_ALL, TO_PARENT, 0,
    U64(catalogue)
    U8(fresh)
    U32(landlock_abi)
    STR(degraded, 256))
MESSAGE(SHUTDOWN, shutdown, FROM_PARENT, TO_ALL, 0,
    U32(grace_ms))
MESSAGE(KILL, kill, FROM_ALL, TO_PARENT, 0,
    U64(instance)
    STR(why, 256))
MESSAGE(LOG, log, FROM_ALL, TO_PARENT, 0,
    U8(priority)
    STR(text, 1024))
MESSAGE(STATS, stats, FROM_ALL, TO_PARENT, 0,
    LIST(counters, counter, 128))
MESSAGE(SETVERBOSE, setverbose, FROM_PARENT, TO_ALL, 0,
    U8(verbose))
/* What a ledger says is committed: it is not needed any more. */
/* A file for what FILE's kind says; the answer is a FILE, without one if
 * there is none, then its name says why. */
MESSAGE(FILE_WANTED, file_wanted, FROM_LOGD, TO_PARENT, 0,
    U8(kind))
MESSAGE(LEDGER_TAKEN, ledger_taken, FROM_LOGD, TO_PARENT, 0,
    U64(instance))

/*
 * api local and the parent; what is to be seen of all processes is for api tcp
 * too, which has no other of these.
 */
MESSAGE(RELOAD, reload, FROM_API_LOCAL, TO_PARENT, 0,
    U32(id))
MESSAGE(VERBOSE, verbose, FROM_API_LOCAL, TO_PARENT, 0,
    U32(id)
    U8(verbose))
MESSAGE(STATUS, status, FROM_API, TO_PARENT, 0,
    U32(id))
MESSAGE(PARENT_DONE, parent_done, FROM_PARENT, TO_API_LOCAL, 0,
    U32(id)
    U8(ok)
    STR(text, 1024))
MESSAGE(STATUS_ROWS, status_rows, FROM_PARENT, TO_API, M_BIG,
    U32(id)
    STR(version, 64)
    STR(sandbox, 64)
    STR(degraded, 512)
    U8(privileged)
    U32(generation)
    STR(notice, 512)
    LIST(procs, procstat, 160))

/*
 * proxy, mitm and keyd.
 */
MESSAGE(AUTH, auth, FROM_WORKERS, TO_KEYD, 0,
    U32(id)
    SECRET(token, 512)
    STR(vault, 64)
    ADDR(client)
    U8(ingress))
MESSAGE(SCOPE, scope, FROM_KEYD, TO_WORKERS, 0,
    U32(id)
    U64(scope)
    U64(vault)
    STR(vault_name, 64)
    I64(expires_at))
MESSAGE(DENIED, denied, FROM_KEYD, TO_WORKERS, 0,
    U32(id)
    U16(status)
    STR(code, 64)
    STR(text, 512))
MESSAGE(LEASE, lease, FROM_WORKERS, TO_KEYD, 0,
    U32(id)
    U64(scope)
    STR(host, 255)
    U16(port))
MESSAGE(RULES, rules, FROM_KEYD, TO_WORKERS, M_BIG,
    U32(id)
    U16(status)
    STR(text, 512)
    U64(lease)
    U8(unmatched)
    U8(path_mode)
    I64(expires_at)
    LIST(rules, rule, 64))
MESSAGE(MINT, mint, FROM_MITM, TO_KEYD, 0,
    U32(id)
    U64(scope)
    STR(host, 255)
    BLOB(spki, 256))
MESSAGE(CERT, cert, FROM_KEYD, TO_MITM, 0,
    U32(id)
    U16(status)
    STR(text, 512)
    BLOB(pem, 4096)
    I64(not_after))
/*
 * mode is enum revoke_mode; scopes lists which scopes (or, for api, callers)
 * it concerns; service narrows it to what runs under one service; gone says
 * that the scope itself has ended.
 */
MESSAGE(REVOKE, revoke, FROM_KEYD, TO_CLIENTS, M_BIG,
    U64(id)
    U8(mode)
    U8(gone)
    U64(service)
    LIST(scopes, id, 8192))
MESSAGE(REVOKED, revoked, FROM_CLIENTS, TO_KEYD, 0,
    U64(id))

/*
 * proxy and mitm.
 */
MESSAGE(TUNNEL, tunnel, FROM_PROXY, TO_MITM, M_FD | M_BIG,
    U32(id)
    U8(minor)
    ADDR(client)
    SECRET(token, 512)
    STR(vault, 64)
    STR(host, 255)
    U16(port)
    BLOB(early, 65536))
MESSAGE(TUNNEL_ACK, tunnel_ack, FROM_MITM, TO_PROXY, 0,
    U32(id))
MESSAGE(TUNNEL_BUSY, tunnel_busy, FROM_MITM, TO_PROXY, 0,
    U32(id))

/*
 * proxy, mitm and the resolver.
 */
MESSAGE(RESOLVE, resolve, FROM_WORKERS, TO_RESOLVER, 0,
    U32(id)
    U64(vault)
    STR(host, 255)
    U16(port))
MESSAGE(ADDRS, addrs, FROM_RESOLVER, TO_WORKERS, 0,
    U32(id)
    U8(result)
    U32(ttl)
    STR(text, 256)
    LIST(addrs, addr, 64))

/*
 * proxy, mitm and logd: the log stream.  seq counts the records of one
 * worker instance from 1; ACK is cumulative and means committed.  begins in
 * HELLO is how many of the records before `next' are BEGINs.  keyd's EVENTs
 * are counted over the life of the database, and SNAPSHOT says how many of
 * them are committed.
 */
MESSAGE(HELLO, hello, FROM_WORKERS, TO_LOGD, 0,
    U64(next)
    U64(begins))
MESSAGE(BEGIN, begin, FROM_WORKERS, TO_LOGD, 0,
    U64(seq)
    FIX(request_id, 16)
    U64(scope)
    U64(conn)
    U8(ingress)
    U8(protocol)
    U8(decision)
    U8(strict)
    STR(method, 32)
    STR(host, 256)
    U16(port)
    STR(path, 2048)
    U8(path_cut)
    STR(service, 64)
    STR(keys, 1100)
    U8(auth_scheme)
    STR(auth_header, 64)
    ADDR(client)
    FIX(trace_id, 16))
MESSAGE(END, end, FROM_WORKERS, TO_LOGD, 0,
    U64(seq)
    U64(begin)
    U8(decision)
    I64(status)
    U8(error_code)
    I64(latency)
    I64(ttfb)
    U64(bytes_in)
    U64(bytes_out)
    ADDR(upstream))
MESSAGE(GAP, gap, FROM_WORKERS, TO_LOGD, 0,
    U64(seq)
    LIST(lost, gapcount, 65))
MESSAGE(EVENT, event, FROM_EVENTS, TO_LOGD, 0,
    U64(seq)
    U8(code)
    U64(scope)
    U64(vault)
    U64(count)
    STR(host, 256)
    STR(detail, 1024)
    ADDR(client))
MESSAGE(BYE, bye, FROM_WORKERS, TO_LOGD, 0,
    U64(seq))
MESSAGE(ACK, ack, FROM_LOGD, TO_EVENTS, 0,
    U64(seq))

/*
 * keyd and logd.
 */
/*
 * scopes is how many SCOPE_OPEN follow at once, those that keyd has open: a
 * logd that starts reads no worker before it has them.
 */
MESSAGE(SYNC, sync, FROM_KEYD, TO_LOGD, 0,
    U64(rev)
    U8(load)
    U32(scopes))
MESSAGE(SNAPSHOT, snapshot, FROM_LOGD, TO_KEYD, M_BIG,
    U64(rev)
    U64(events)
    U8(last)
    LIST(objects, object, 4096))
MESSAGE(COMMIT, commit, FROM_KEYD, TO_LOGD, M_BIG,
    U64(rev)
    LIST(objects, object, 1024)
    LIST(audit, audit, 4))
MESSAGE(COMMITTED, committed, FROM_LOGD, TO_KEYD, 0,
    U64(rev)
    U8(ok)
    STR(why, 256))
/*
 * kind is enum scope_kind: what a worker may write, or an api may read.  A
 * read scope with vault 0 covers the instance log and, with all set, every
 * vault.
 */
MESSAGE(SCOPE_OPEN, scope_open, FROM_KEYD, TO_LOGD, 0,
    U64(scope)
    U8(kind)
    U64(instance)
    U64(vault)
    U8(all)
    U8(actor_type)
    STR(actor, 64)
    STR(actor_name, 64)
    STR(session, 24))
MESSAGE(SCOPE_CLOSE, scope_close, FROM_KEYD, TO_LOGD, 0,
    U64(scope))
MESSAGE(SCOPE_CLOSED, scope_closed, FROM_LOGD, TO_KEYD, 0,
    U64(scope))

/*
 * api and keyd.
 */
/*
 * way is enum token_way.  WHO.idle is not 0 for a login, whose public id is
 * session then; vault is that of a minted session.
 */
MESSAGE(CALLER, caller, FROM_API, TO_KEYD, 0,
    U32(id)
    U8(way)
    SECRET(token, 512)
    U32(uid)
    ADDR(client))
MESSAGE(WHO, who, FROM_KEYD, TO_API, 0,
    U32(id)
    U16(status)
    STR(text, 256)
    U64(caller)
    U8(actor_type)
    STR(actor, 64)
    STR(name, 64)
    U8(role)
    STR(session, 24)
    STR(vault, 64)
    U32(idle)
    I64(expires_at))
MESSAGE(CALLER_END, caller_end, FROM_API, TO_KEYD, 0,
    U64(caller))
MESSAGE(MAY, may, FROM_API, TO_KEYD, 0,
    U32(id)
    U64(caller)
    U8(action)
    STR(vault, 64))
MESSAGE(MAY_ANSWER, may_answer, FROM_KEYD, TO_API, 0,
    U32(id)
    U16(status)
    STR(code, 64)
    STR(text, 512)
    U64(scope)
    U64(vault))
MESSAGE(GET, get, FROM_API, TO_KEYD, 0,
    U32(id)
    U64(caller)
    U8(kind)
    STR(vault, 64)
    STR(key, 600)
    U64(cursor))
MESSAGE(OBJECTS, objects, FROM_KEYD, TO_API, M_BIG,
    U32(id)
    U16(status)
    STR(code, 64)
    STR(text, 512)
    U64(cursor)
    LIST(objects, object, 1024))
MESSAGE(ADMIN, admin, FROM_API, TO_KEYD, M_BIG,
    U32(id)
    U64(caller)
    U8(op)
    STR(vault, 64)
    BLOB(body, 120000))
MESSAGE(DONE, done, FROM_KEYD, TO_API, M_BIG,
    U32(id)
    U16(status)
    STR(code, 64)
    STR(text, 512)
    BLOB(result, 100000))
MESSAGE(REVEAL, reveal, FROM_API, TO_KEYD, 0,
    U32(id)
    U64(caller)
    STR(vault, 64)
    STR(key, 64)
    STR(after, 64))
MESSAGE(SECRETS, secrets, FROM_KEYD, TO_API, M_BIG,
    U32(id)
    U16(status)
    STR(code, 64)
    STR(text, 512)
    U8(more)
    LIST(values, kv, 256))
MESSAGE(GET_CA, get_ca, FROM_API, TO_KEYD, 0,
    U32(id))
MESSAGE(CA, ca, FROM_KEYD, TO_API, 0,
    U32(id)
    U16(status)
    U8(initialized)
    BLOB(pem, 4096))

/*
 * api and logd.  filter is the text of filter_print(); budget is milliseconds
 * of work, 0 for what is usual.  An answer is ROWS, any number of them, and
 * ROWS_END; VALUE_LIST; or CHARTED.  Each stops at QUERY_CANCEL, and may come
 * nevertheless.
 */
MESSAGE(QUERY, query, FROM_API, TO_LOGD, 0,
    U32(id)
    U64(scope)
    STR(filter, 2048)
    U64(before)
    U64(after)
    U8(tail)
    U32(limit)
    U32(budget))
MESSAGE(QUERY_CANCEL, query_cancel, FROM_API, TO_LOGD, 0,
    U32(id))
MESSAGE(VALUES, values, FROM_API, TO_LOGD, 0,
    U32(id)
    U64(scope)
    U8(key)
    STR(prefix, 256)
    U32(limit))
MESSAGE(VALUE_LIST, value_list, FROM_LOGD, TO_API, M_BIG,
    U32(id)
    U16(status)
    STR(text, 512)
    U8(more)
    LIST(values, value, 200))
MESSAGE(ROWS, rows, FROM_LOGD, TO_API, M_BIG,
    U32(id)
    LIST(rows, row, 200))
MESSAGE(ROWS_END, rows_end, FROM_LOGD, TO_API, 0,
    U32(id)
    U16(status)
    STR(text, 512)
    U64(next_cursor)
    U64(latest_id)
    U8(partial)
    U64(gone)
    U8(gone_exact)
    U64(oldest_id))

/*
 * What is counted of requests.  from and to, not included, are minutes since
 * the epoch, step is in minutes, vaults the list of a filter, empty for all
 * that the scope may read; of top names there are up to `names'.  In the
 * answer to is earlier than was asked when the budget has ended it, steps are
 * those that are not empty, and names were counted in whole hours since the
 * epoch.  Before the minute `kept' nothing is kept.
 */
MESSAGE(CHART, chart, FROM_API, TO_LOGD, 0,
    U32(id)
    U64(scope)
    STR(vaults, 2048)
    I64(from)
    I64(to)
    I64(step)
    U32(names)
    U32(budget))
MESSAGE(CHARTED, charted, FROM_LOGD, TO_API, M_BIG,
    U32(id)
    U16(status)
    STR(text, 512)
    I64(to)
    I64(kept)
    I64(retain_seconds)
    I64(retain_rows)
    U8(partial)
    LIST(total, sums, 1)
    LIST(steps, sums, 500)
    I64(top_from)
    I64(top_to)
    LIST(hosts, top, 20)
    U64(other_hosts)
    LIST(services, top, 20)
    U64(other_services))

/*
 * A copy of the database, for a scope that may read all of it.  While it is
 * made, 102 comes from time to time.  The file has no name and is so long.
 */
MESSAGE(BACKUP, backup, FROM_API, TO_LOGD, 0,
    U32(id)
    U64(scope))
MESSAGE(BACKUP_DONE, backup_done, FROM_LOGD, TO_API, M_FD,
    U32(id)
    U16(status)
    STR(text, 512)
    U64(size))

/*
 * What follows the log.  From the first SUBSCRIBED on logd sends LIVE, in the
 * order of ids: each row above head once, and with open set the requests that
 * a flush has left without an end, whose id is 0.  LAGGED says that what was
 * not sent up to head is left out: it is in the database.  UNSUBSCRIBE ends
 * it for the link.  vaults are those that the filter names.
 */
MESSAGE(SUBSCRIBE, subscribe, FROM_API, TO_LOGD, 0,
    U32(id)
    U64(scope)
    STR(filter, 2048))
MESSAGE(SUBSCRIBED, subscribed, FROM_LOGD, TO_API, 0,
    U32(id)
    U16(status)
    STR(text, 512)
    U64(head)
    LIST(vaults, vaultid, 128))
MESSAGE(UNSUBSCRIBE, unsubscribe, FROM_API, TO_LOGD, 0,
    U32(id))
MESSAGE(LIVE, live, FROM_LOGD, TO_API, M_BIG,
    U8(open)
    LIST(rows, row, 200))
MESSAGE(LAGGED, lagged, FROM_LOGD, TO_API, 0,
    U64(head))
