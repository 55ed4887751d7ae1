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

#include <sys/types.h>

#include "command.h"
#include "ctl.h"

#define OPT_END		{ 0, NULL, NULL, 0 }
#define OPT_VAULT	{ 'v', "vault", "vault", 0 }
#define OPT_QUIET	{ 'q', "quiet", NULL, 0 }

static const struct opt	opts_vault[] = { OPT_VAULT, OPT_END };
static const struct opt	opts_backup[] = {
	{ 'f', "force", NULL, 0 }, OPT_END
};
static const struct opt	opts_quiet[] = { OPT_QUIET, OPT_END };

static const struct opt	opts_service_add[] = {
	{ 'a', "allow-plaintext", NULL, 0 },
	{ 'd', "disabled", NULL, 0 },
	{ 't', "type", "type", OPT_NEED },
	{ 'k', "key", "key", 0 },
	{ 'p', "pass-key", "key", 0 },
	{ 'H', "header", "header", OPT_MANY },
	{ 'P', "prefix", "prefix", 0 },
	{ 'm', "methods", "methods", 0 },
	{ OPT_LONG, "path", "pattern", 0 },
	OPT_VAULT,
	OPT_END
};

static const struct opt	opts_service_set[] = {
	{ 'f', "file", "file", OPT_NEED }, OPT_VAULT, OPT_END
};

static const struct opt	opts_agent_add[] = {
	OPT_QUIET,
	{ 'i', "instance-role", "role", 0 },
	{ 'r', "role", "role", 0 },
	OPT_VAULT,
	OPT_END
};

static const struct opt	opts_agent_grant[] = {
	{ 'r', "role", "role", 0 }, OPT_VAULT, OPT_END
};

static const struct opt	opts_token_mint[] = {
	OPT_QUIET,
	{ 'l', "label", "label", 0 },
	{ 't', "ttl", "ttl", 0 },
	OPT_VAULT,
	OPT_END
};

static const struct opt	opts_logs[] = {
	{ LOGS_ACTOR, "actor", "actor", OPT_MANY },
	{ LOGS_AFTER, "after-cursor", "cursor", 0 },
	{ LOGS_DECISION, "decision", "decision", OPT_MANY },
	{ 'f', "follow", NULL, 0 },
	{ LOGS_HOST, "host", "pattern", OPT_MANY },
	{ LOGS_ID, "id", "request-id", OPT_MANY },
	{ LOGS_INSTANCE, "instance", NULL, 0 },
	{ LOGS_KIND, "kind", "kind", OPT_MANY },
	{ LOGS_METHOD, "method", "method", OPT_MANY },
	{ LOGS_MIN_MS, "min-ms", "ms", OPT_MANY },
	{ 'n', "lines", "count", 0 },
	{ 'o', "output", "format", 0 },
	{ LOGS_PATH, "path", "pattern", OPT_MANY },
	{ LOGS_SERVICE, "service", "service", OPT_MANY },
	{ LOGS_SHOW, "show-cursor", NULL, 0 },
	{ LOGS_SINCE, "since", "time", OPT_MANY },
	{ LOGS_STATUS, "status", "status", OPT_MANY },
	{ LOGS_UNTIL, "until", "time", OPT_MANY },
	OPT_VAULT,
	OPT_END
};

static const struct opt	opts_export[] = {
	{ LOGS_ACTOR, "actor", "actor", OPT_MANY },
	{ LOGS_AFTER, "after-cursor", "cursor", 0 },
	{ LOGS_DECISION, "decision", "decision", OPT_MANY },
	{ LOGS_HOST, "host", "pattern", OPT_MANY },
	{ LOGS_ID, "id", "request-id", OPT_MANY },
	{ LOGS_INSTANCE, "instance", NULL, 0 },
	{ LOGS_KIND, "kind", "kind", OPT_MANY },
	{ LOGS_METHOD, "method", "method", OPT_MANY },
	{ LOGS_MIN_MS, "min-ms", "ms", OPT_MANY },
	{ 'o', "output", "format", 0 },
	{ LOGS_PATH, "path", "pattern", OPT_MANY },
	{ LOGS_SERVICE, "service", "service", OPT_MANY },
	{ LOGS_SINCE, "since", "time", OPT_MANY },
	{ LOGS_STATUS, "status", "status", OPT_MANY },
	{ LOGS_UNTIL, "until", "time", OPT_MANY },
	OPT_VAULT,
	OPT_END
};

static const struct opt	opts_logs_stats[] = {
	{ LOGS_INSTANCE, "instance", NULL, 0 },
	{ 'o', "output", "format", 0 },
	{ LOGS_SINCE, "since", "time", 0 },
	{ LOGS_STEP, "step", "time", 0 },
	{ LOGS_UNTIL, "until", "time", 0 },
	OPT_VAULT,
	OPT_END
};

/* To print the link is all that it does. */
static const struct opt	opts_open[] = {
	{ OPT_LONG, "print-only", NULL, 0 }, OPT_VAULT, OPT_END
};

static const struct opt	opts_run[] = {
	{ 'l', "label", "label", 0 },
	{ 't', "ttl", "ttl", 0 },
	OPT_VAULT,
	OPT_END
};

static const struct command	log_commands[] = {
	{ .name = "brief", .run = cmd_log_brief, .flags = CMD_LOCAL,
	    .help = "write what matters into the text log" },
	{ .name = "verbose", .run = cmd_log_verbose, .flags = CMD_LOCAL,
	    .help = "write every step into the text log" },
	{ .name = NULL }
};

static const struct command	logs_commands[] = {
	{ .name = "export", .opts = opts_export, .run = cmd_logs_export,
	    .help = "write all rows that match, as JSON lines or CSV" },
	{ .name = "stats", .opts = opts_logs_stats, .run = cmd_logs_stats,
	    .help = "count the requests of a vault" },
	{ .name = NULL }
};

static const struct command	settings_commands[] = {
	{ .name = "get", .run = cmd_settings_get,
	    .help = "what is in force, and who says so" },
	{ .name = "set", .operands = "name=value ...", .min = 1, .max = 16,
	    .run = cmd_settings_set,
	    .help = "change it, or leave it to the configuration" },
	{ .name = NULL }
};

static const struct command	vault_commands[] = {
	{ .name = "add", .operands = "name", .min = 1, .max = 1,
	    .run = cmd_vault_add, .help = "make a vault" },
	{ .name = "delete", .operands = "name", .min = 1, .max = 1,
	    .run = cmd_vault_delete, .help = "delete a vault" },
	{ .name = "list", .run = cmd_vault_list, .help = "list vaults" },
	{ .name = "rename", .operands = "name new-name", .min = 2, .max = 2,
	    .run = cmd_vault_rename, .help = "rename a vault" },
	{ .name = "set", .operands = "setting value", .min = 2, .max = 2,
	    .opts = opts_vault, .run = cmd_vault_set,
	    .help = "change a setting of a vault" },
	{ .name = NULL }
};

static const struct command	credential_commands[] = {
	{ .name = "delete", .operands = "key", .min = 1, .max = 1,
	    .opts = opts_vault, .run = cmd_credential_delete,
	    .help = "delete a credential" },
	{ .name = "get", .operands = "key", .min = 1, .max = 1,
	    .opts = opts_vault, .run = cmd_credential_get,
	    .help = "reveal a credential" },
	{ .name = "list", .opts = opts_vault, .run = cmd_credential_list,
	    .help = "list the names of credentials" },
	{ .name = "set", .operands = "key", .min = 1, .max = 1,
	    .opts = opts_vault, .run = cmd_credential_set,
	    .flags = CMD_SECRET, .help = "set a credential" },
	{ .name = NULL }
};

static const struct command	service_commands[] = {
	{ .name = "add", .operands = "name host", .min = 2, .max = 2,
	    .opts = opts_service_add, .run = cmd_service_add,
	    .help = "add or replace a service" },
	{ .name = "delete", .operands = "name", .min = 1, .max = 1,
	    .opts = opts_vault, .run = cmd_service_delete,
	    .help = "delete a service" },
	{ .name = "disable", .operands = "name", .min = 1, .max = 1,
	    .opts = opts_vault, .run = cmd_service_disable,
	    .help = "refuse what a service covers" },
	{ .name = "enable", .operands = "name", .min = 1, .max = 1,
	    .opts = opts_vault, .run = cmd_service_enable,
	    .help = "undo disable" },
	{ .name = "list", .opts = opts_vault, .run = cmd_service_list,
	    .help = "list services" },
	{ .name = "set", .opts = opts_service_set, .run = cmd_service_set,
	    .flags = CMD_FILE, .help = "replace all services of a vault" },
	{ .name = NULL }
};

static const struct command	agent_commands[] = {
	{ .name = "add", .operands = "name", .min = 1, .max = 1,
	    .opts = opts_agent_add, .run = cmd_agent_add,
	    .help = "add an agent and print its token" },
	{ .name = "delete", .operands = "name", .min = 1, .max = 1,
	    .run = cmd_agent_delete, .help = "delete an agent" },
	{ .name = "grant", .operands = "name", .min = 1, .max = 1,
	    .opts = opts_agent_grant, .run = cmd_agent_grant,
	    .help = "give an agent a role in a vault" },
	{ .name = "list", .run = cmd_agent_list, .help = "list agents" },
	{ .name = "revoke", .operands = "name", .min = 1, .max = 1,
	    .run = cmd_agent_revoke,
	    .help = "end an agent's tokens, sessions and roles" },
	{ .name = "rotate", .operands = "name", .min = 1, .max = 1,
	    .opts = opts_quiet, .run = cmd_agent_rotate,
	    .help = "replace an agent's token" },
	{ .name = "ungrant", .operands = "name", .min = 1, .max = 1,
	    .opts = opts_vault, .run = cmd_agent_ungrant,
	    .help = "take an agent's role in a vault away" },
	{ .name = NULL }
};

static const struct command	token_commands[] = {
	{ .name = "list", .opts = opts_vault, .run = cmd_token_list,
	    .help = "list the sessions of a vault" },
	{ .name = "mint", .opts = opts_token_mint, .run = cmd_token_mint,
	    .help = "make a token for a vault that ends by itself" },
	{ .name = "revoke", .operands = "id", .min = 1, .max = 1,
	    .opts = opts_vault, .run = cmd_token_revoke,
	    .help = "end a session" },
	{ .name = NULL }
};

const struct command	commands[] = {
	{ .name = "agent", .sub = agent_commands,
	    .help = "who may send requests" },
	{ .name = "backup", .operands = "file", .min = 1, .max = 1,
	    .opts = opts_backup, .run = cmd_backup, .flags = CMD_WRITE,
	    .help = "copy the database into a file" },
	{ .name = "ca", .run = cmd_ca,
	    .help = "print the certificate that agents have to trust" },
	{ .name = "credential", .sub = credential_commands,
	    .help = "secrets, sealed in a vault" },
	{ .name = "help", .operands = "[command]", .max = COMMAND_DEPTH,
	    .run = cmd_help, .flags = CMD_OFFLINE,
	    .help = "say how a command is used" },
	{ .name = "init", .run = cmd_init, .flags = CMD_LOCAL,
	    .help = "make a new brokerd ready for use" },
	{ .name = "log", .sub = log_commands,
	    .help = "how much the text log has" },
	{ .name = "logs", .opts = opts_logs, .run = cmd_logs,
	    .sub = logs_commands,
	    .help = "show the newest requests of a vault, or follow them" },
	{ .name = "open", .opts = opts_open, .run = cmd_open,
	    .flags = CMD_LOCAL,
	    .help = "print a link to the page, good once and for a minute" },
	{ .name = "reload", .run = cmd_reload, .flags = CMD_LOCAL,
	    .help = "have brokerd read its configuration again" },
	{ .name = "run", .operands = "command [argument ...]", .min = 1,
	    .opts = opts_run, .run = cmd_run, .flags = CMD_REST | CMD_EXEC,
	    .help = "run a command whose requests go through brokerd" },
	{ .name = "service", .sub = service_commands,
	    .help = "which host gets which credential" },
	{ .name = "settings", .sub = settings_commands,
	    .help = "how long the request log is kept" },
	{ .name = "status", .run = cmd_status, .flags = CMD_LOCAL,
	    .help = "show the daemon and its processes" },
	{ .name = "token", .sub = token_commands,
	    .help = "tokens for a while" },
	{ .name = "vault", .sub = vault_commands,
	    .help = "vaults and their settings" },
	{ .name = NULL }
};
