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


#ifndef CODES_H
#define CODES_H

/*
 * The numbers that messages and the database carry, and their names as the
 * API, brokerctl and the manual show them.  Numbers are stored: a new one is
 * appended, none is ever given away again.
 */

#define KIND_LIST(X)							\
	X(KIND_REQUEST, "request")					\
	X(KIND_GAP, "gap")						\
	X(KIND_EVENT, "event")						\
	X(KIND_AUDIT, "audit")

#define ACTOR_LIST(X)							\
	X(ACTOR_NONE, "")						\
	X(ACTOR_LOCAL, "local")						\
	X(ACTOR_AGENT, "agent")						\
	X(ACTOR_USER, "user")

#define INGRESS_LIST(X)							\
	X(INGRESS_NONE, "")						\
	X(INGRESS_EXPLICIT, "explicit")					\
	X(INGRESS_FORWARD, "forward")					\
	X(INGRESS_MITM, "mitm")

#define DECISION_LIST(X)						\
	X(DECISION_NONE, "")						\
	X(DECISION_BROKERED, "brokered")				\
	X(DECISION_PASSTHROUGH, "passthrough")				\
	X(DECISION_BLOCKED, "blocked")					\
	X(DECISION_ERROR, "error")

#define PROTOCOL_LIST(X)						\
	X(PROTOCOL_NONE, "")						\
	X(PROTOCOL_HTTP11, "http/1.1")					\
	X(PROTOCOL_H2, "h2")						\
	X(PROTOCOL_WS, "ws")						\
	X(PROTOCOL_GRPC, "grpc")

/*
 * Classes of a status, as counts have them: nothing was sent, its hundreds,
 * and not known.
 */
#define CLASS_LIST(X)							\
	X(CLASS_NONE, "none")						\
	X(CLASS_1XX, "1xx")						\
	X(CLASS_2XX, "2xx")						\
	X(CLASS_3XX, "3xx")						\
	X(CLASS_4XX, "4xx")						\
	X(CLASS_5XX, "5xx")						\
	X(CLASS_UNKNOWN, "unknown")

/* Why the log cannot be written, for those who look at the counters. */
#define CAUSE_LIST(X)							\
	X(CAUSE_NONE, "")						\
	X(CAUSE_RESERVE, "reserve")	/* less than `log reserve' */	\
	X(CAUSE_FULL, "disk_full")					\
	X(CAUSE_IO, "disk_error")					\
	X(CAUSE_LOCKED, "busy")						\
	X(CAUSE_DAMAGED, "damaged")					\
	X(CAUSE_MEMORY, "memory")					\
	X(CAUSE_OTHER, "other")

/* The authentication that an agent itself sent. */
#define SCHEME_LIST(X)							\
	X(SCHEME_NONE, "")						\
	X(SCHEME_BEARER, "bearer")					\
	X(SCHEME_BASIC, "basic")					\
	X(SCHEME_API_KEY, "api-key")

/* error_code of a request. */
#define ERROR_LIST(X)							\
	X(ERROR_NONE, "")						\
	X(ERROR_RATE_LIMITED, "rate_limited")				\
	X(ERROR_CONCURRENCY_LIMITED, "concurrency_limited")		\
	X(ERROR_REQUEST_TOO_LARGE, "request_too_large")			\
	X(ERROR_REQUEST_READ, "request_read_error")			\
	X(ERROR_BAD_REQUEST, "bad_request")				\
	X(ERROR_MISDIRECTED, "misdirected")				\
	X(ERROR_NO_MATCH, "no_match")					\
	X(ERROR_METHOD_DENIED, "method_denied")				\
	X(ERROR_PLAINTEXT_DENIED, "plaintext_denied")			\
	X(ERROR_SERVICE_DISABLED, "service_disabled")			\
	X(ERROR_CREDENTIAL_NOT_FOUND, "credential_not_found")		\
	X(ERROR_SUBSTITUTION, "substitution_error")			\
	X(ERROR_ADDRESS_BLOCKED, "address_blocked")			\
	X(ERROR_DNS, "dns_error")					\
	X(ERROR_CONNECT, "connect_error")				\
	X(ERROR_TLS, "tls_error")					\
	X(ERROR_UPSTREAM_TIMEOUT, "upstream_timeout")			\
	X(ERROR_UPSTREAM, "upstream_error")				\
	X(ERROR_UPSTREAM_TRUNCATED, "upstream_truncated")		\
	X(ERROR_RESPONSE_TOO_LARGE, "response_too_large")		\
	X(ERROR_RESPONSE_TRUNCATED, "response_truncated")		\
	X(ERROR_CLIENT_CLOSED, "client_closed")				\
	X(ERROR_REVOKED, "revoked")					\
	X(ERROR_OVERLOADED, "overloaded")				\
	X(ERROR_SHUTDOWN, "shutdown")					\
	X(ERROR_LOG_UNAVAILABLE, "log_unavailable")			\
	X(ERROR_WORKER_LOST, "worker_lost")				\
	X(ERROR_INTERNAL, "internal")

/* What an event row is about. */
#define EVENT_LIST(X)							\
	X(EVENT_NONE, "")						\
	X(EVENT_AUTH_FAILED, "auth_failed")				\
	X(EVENT_VAULT_DENIED, "vault_denied")				\
	X(EVENT_VAULT_NOT_FOUND, "vault_not_found")			\
	X(EVENT_TLS_CLIENT, "tls_client_error")				\
	X(EVENT_SNI_MISMATCH, "sni_mismatch")				\
	X(EVENT_ORPHAN_VAULT, "orphan_vault")				\
	X(EVENT_LOG_STARTED, "log_started")				\
	X(EVENT_LOG_UNCLEAN, "log_unclean")				\
	X(EVENT_CLOCK_STEP, "clock_step")				\
	X(EVENT_WORKER_DIED, "worker_died")

/* Vault roles; a higher one includes the lower. */
#define ROLE_LIST(X)							\
	X(ROLE_NONE, "")						\
	X(ROLE_PROXY, "proxy")						\
	X(ROLE_MEMBER, "member")					\
	X(ROLE_ADMIN, "admin")

/* Instance roles of agents and users. */
#define INSTANCE_ROLE_LIST(X)						\
	X(IROLE_NO_ACCESS, "no-access")					\
	X(IROLE_MEMBER, "member")					\
	X(IROLE_OWNER, "owner")

#define AGENT_STATUS_LIST(X)						\
	X(AGENT_ACTIVE, "active")					\
	X(AGENT_REVOKED, "revoked")					\
	X(AGENT_DELETED, "deleted")

#define TOKEN_LIST(X)							\
	X(TOKEN_AGENT, "agent")						\
	X(TOKEN_SESSION, "session")					\
	X(TOKEN_LOGIN, "login")						\
	X(TOKEN_LINK, "link")

/* What a vault does with a host that no service of it covers. */
#define UNMATCHED_LIST(X)						\
	X(UNMATCHED_PASSTHROUGH, "passthrough")				\
	X(UNMATCHED_DENY, "deny")

/* How much of a path is recorded; PATH_DEFAULT asks the level above. */
#define PATH_LIST(X)							\
	X(PATH_DEFAULT, "default")					\
	X(PATH_FULL, "full")						\
	X(PATH_PREFIX, "prefix")					\
	X(PATH_NONE, "none")

#define AUTH_TYPE_LIST(X)						\
	X(AUTH_PASSTHROUGH, "passthrough")				\
	X(AUTH_BEARER, "bearer")					\
	X(AUTH_BASIC, "basic")						\
	X(AUTH_API_KEY, "api-key")					\
	X(AUTH_CUSTOM, "custom")

/* Where a value comes from: each counts more than those before it. */
#define SOURCE_LIST(X)							\
	X(SOURCE_DEFAULT, "default")					\
	X(SOURCE_FILE, "brokerd.conf")					\
	X(SOURCE_OWNER, "owner")					\
	X(SOURCE_ENVIRONMENT, "environment")				\
	X(SOURCE_OPTION, "option")

/* Kinds of objects of the control state; the names are the tables'. */
#define OBJECT_LIST(X)							\
	X(OBJ_KEYRING, "keyring")					\
	X(OBJ_VAULT, "vaults")						\
	X(OBJ_AGENT, "agents")						\
	X(OBJ_TOKEN, "tokens")						\
	X(OBJ_GRANT, "grants")						\
	X(OBJ_SERVICE, "services")					\
	X(OBJ_CREDENTIAL, "credentials")				\
	X(OBJ_SETTINGS, "settings")					\
	X(OBJ_LOGIN, "logins")

/* Operations of ADMIN; the names are the audit rows' actions. */
#define OP_LIST(X)							\
	X(OP_INIT, "init", op_none)					\
	X(OP_VAULT_CREATE, "vault.create", op_name)			\
	X(OP_VAULT_DELETE, "vault.delete", op_none)			\
	X(OP_VAULT_RENAME, "vault.rename", op_name)			\
	X(OP_VAULT_SETTINGS, "vault.settings", op_vault_settings)	\
	X(OP_CREDENTIAL_SET, "credential.set", op_credentials_set)	\
	X(OP_CREDENTIAL_DELETE, "credential.delete", op_credentials_delete) \
	X(OP_SERVICE_UPSERT, "service.upsert", op_services)		\
	X(OP_SERVICE_REPLACE, "service.replace", op_services)		\
	X(OP_SERVICE_CLEAR, "service.clear", op_none)			\
	X(OP_SERVICE_DELETE, "service.delete", op_service_ref)		\
	X(OP_SERVICE_ENABLE, "service.enable", op_service_enable)	\
	X(OP_AGENT_CREATE, "agent.create", op_agent_create)		\
	X(OP_AGENT_REVOKE, "agent.revoke", op_name)			\
	X(OP_AGENT_DELETE, "agent.delete", op_name)			\
	X(OP_AGENT_ROTATE, "agent.rotate", op_name)			\
	X(OP_AGENT_RENAME, "agent.rename", op_rename)			\
	X(OP_AGENT_ROLE, "agent.role", op_agent_role)			\
	X(OP_GRANT_SET, "grant.set", op_grant)				\
	X(OP_GRANT_DELETE, "grant.delete", op_name)			\
	X(OP_SESSION_MINT, "session.mint", op_session_mint)		\
	X(OP_SESSION_REVOKE, "session.revoke", op_name)			\
	X(OP_RELOAD, "daemon.reload", op_none)				\
	X(OP_VERBOSE, "daemon.verbose", op_none)			\
	X(OP_BRIEF, "daemon.brief", op_none)				\
	X(OP_BACKUP, "daemon.backup", op_none)				\
	X(OP_SETTINGS, "settings.set", op_settings)			\
	X(OP_LOGIN_LINK, "login.link", op_name)				\
	X(OP_LOGIN_BEGIN, "login.begin", op_none)			\
	X(OP_LOGIN_END, "login.end", op_name)

/*
 * What a caller may be asked about with MAY, beside ADMIN's operations, which
 * keyd checks by themselves.
 */
#define ACTION_LIST(X)							\
	X(ACTION_LOGS, "logs")						\
	X(ACTION_INSTANCE_LOGS, "instance-logs")			\
	X(ACTION_CONTROL, "control")					\
	X(ACTION_METRICS, "metrics")

/* What GET asks for; the answer's objects are the records named here. */
#define VIEW_LIST(X)							\
	X(VIEW_VAULTS, view_vault)					\
	X(VIEW_VAULT, view_vault)					\
	X(VIEW_AGENTS, view_agent)					\
	X(VIEW_AGENT, view_agent)					\
	X(VIEW_GRANTS, view_grant)					\
	X(VIEW_SERVICES, obj_service)					\
	X(VIEW_SERVICE, obj_service)					\
	X(VIEW_USAGE, view_usage)					\
	X(VIEW_CREDENTIALS, view_credential)				\
	X(VIEW_SESSIONS, view_session)					\
	X(VIEW_ADMIN_VAULTS, view_vault)				\
	X(VIEW_SETTINGS, view_settings)					\
	X(VIEW_LOGINS, view_login)

#define CODE(c, ...)	c,
enum log_kind		{ KIND_LIST(CODE) KIND_MAX };
enum actor_type		{ ACTOR_LIST(CODE) ACTOR_MAX };
enum ingress		{ INGRESS_LIST(CODE) INGRESS_MAX };
enum decision		{ DECISION_LIST(CODE) DECISION_MAX };
enum status_class	{ CLASS_LIST(CODE) CLASS_MAX };
enum log_cause		{ CAUSE_LIST(CODE) CAUSE_MAX };
enum protocol		{ PROTOCOL_LIST(CODE) PROTOCOL_MAX };
enum auth_scheme	{ SCHEME_LIST(CODE) SCHEME_MAX };
enum error_code		{ ERROR_LIST(CODE) ERROR_MAX };
enum event_code		{ EVENT_LIST(CODE) EVENT_MAX };
enum vault_role		{ ROLE_LIST(CODE) ROLE_MAX };
enum instance_role	{ INSTANCE_ROLE_LIST(CODE) IROLE_MAX };
enum agent_status	{ AGENT_STATUS_LIST(CODE) AGENT_STATUS_MAX };
enum token_kind		{ TOKEN_LIST(CODE) TOKEN_MAX };
enum unmatched		{ UNMATCHED_LIST(CODE) UNMATCHED_MAX };
enum path_mode		{ PATH_LIST(CODE) PATH_MODE_MAX };
enum auth_type		{ AUTH_TYPE_LIST(CODE) AUTH_TYPE_MAX };
enum value_source	{ SOURCE_LIST(CODE) SOURCE_MAX };
enum object_kind	{ OBJECT_LIST(CODE) OBJ_MAX };
enum admin_op		{ OP_LIST(CODE) OP_MAX };
enum may_action		{ ACTION_LIST(CODE) ACTION_MAX };
enum view_kind		{ VIEW_LIST(CODE) VIEW_MAX };
#undef CODE

enum object_op { OBJECT_PUT, OBJECT_DELETE };
enum revoke_mode { REVOKE_STALE, REVOKE_CUT };
enum scope_kind { SCOPE_WRITE, SCOPE_READ };
enum grant_mode { GRANT_ADD, GRANT_CHANGE };
/* How a caller's token came: each kind of token counts in its place only. */
enum token_way {
	WAY_BEARER,		/* Authorization, or the local socket */
	WAY_COOKIE,
	WAY_EXCHANGE		/* to be exchanged for a cookie */
};
enum listener_kind { LISTENER_PROXY, LISTENER_API, LISTENER_METRICS };
enum file_kind {
	FILE_MASTER_KEY,	/* keyd: the key file */
	FILE_CA_BUNDLE,		/* workers: system roots, name is the path */
	FILE_CA_EXTRA,		/* workers: added by `upstream ca' */
	FILE_LEDGER,		/* workers and logd: a worker's ledger page */
	FILE_BACKUP,		/* logd: an empty one without a name */
	FILE_STATE_DIR		/* logd: the database's directory, with a
				   lock on it: to be kept open to the end */
};
enum resolve_result {
	RESOLVE_OK,
	RESOLVE_BLOCKED,
	RESOLVE_FAILED,
	RESOLVE_NOT_FOUND,
	RESOLVE_TIMEOUT,
	RESOLVE_BUSY
};
/* path_cut of a record: cut at the cap, and how the path mode changed it. */
#define PATHF_CUT		0x01
#define PATHF_PREFIX		0x02
#define PATHF_NONE		0x04

struct rec_desc;

/*
 * Names of the numbers above; a number out of range is "unknown".  The _by
 * functions return the number or -1.
 */
const char	*kind_name(unsigned int);
const char	*actor_name(unsigned int);
const char	*ingress_name(unsigned int);
const char	*decision_name(unsigned int);
/* Under which the requests without one are counted too. */
const char	*decision_counted(unsigned int);
const char	*class_name(unsigned int);
const char	*cause_name(unsigned int);
const char	*protocol_name(unsigned int);
const char	*scheme_name(unsigned int);
const char	*error_name(unsigned int);
const char	*event_name(unsigned int);
const char	*role_name(unsigned int);
const char	*instance_role_name(unsigned int);
const char	*agent_status_name(unsigned int);
const char	*unmatched_name(unsigned int);
const char	*path_mode_name(unsigned int);
const char	*auth_type_name(unsigned int);
const char	*value_source_name(unsigned int);
const char	*object_name(unsigned int);
const char	*op_name(unsigned int);

int		 kind_by(const char *);
int		 ingress_by(const char *);
int		 decision_by(const char *);
int		 error_by(const char *);
int		 role_by(const char *);
int		 instance_role_by(const char *);
int		 unmatched_by(const char *);
int		 path_mode_by(const char *);
int		 auth_type_by(const char *);

/* The record that is the body of an object, operation or view, or NULL. */
const struct rec_desc	*object_desc(unsigned int kind);
const struct rec_desc	*op_desc(unsigned int op);
const struct rec_desc	*view_desc(unsigned int view);

#endif /* CODES_H */
