/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of the configuration front end share. Not for others: see config.h and schema.h. */

#include "path.h"
#include "schema.h"

/* One file while it is read. */
struct ConfigReader {
        const char *file; /* owned by the Config */
        Diagnostics *diag;
        ServiceConfig *service; /* the one at hand, or NULL at the top of a stack */
        unsigned n_errors;      /* reported so far, see ERRORS_MAX */
        bool out_of_memory;
};

/* Reports an error at a value, or at a key; marks the service at hand as failed. Returns false. */
bool reader_error(ConfigReader *r, const TomlNode *at, const char *format, ...) _printf_(3, 4);
bool reader_key_error(ConfigReader *r, const TomlNode *at, const char *format, ...) _printf_(3, 4);

/* The same for a place that is known only as a position. */
bool reader_error_at(ConfigReader *r, Position where, const char *format, ...) _printf_(3, 4);

Position reader_position(const ConfigReader *r, const TomlNode *n);

/* Notes that memory ran out. Returns false. */
bool reader_oom(ConfigReader *r);

/*
 * How many errors of one file are reported; then one line says that there are more. The first one of each
 * service is always reported: its failing unit quotes it.
 */
#define ERRORS_MAX 100U

/* How many strings a list or [environment] holds at most: appending to a list is linear in its length. */
#define LIST_MAX 4096U

/* The types of values, schema-types.c. */
extern const SchemaType type_text, type_variable, type_argv, type_path, type_mode, type_runtime, type_user,
        type_users, type_host_name, type_units, type_duration, type_restart, type_boolean, type_sha256,
        type_digest, type_attestation, type_public_keys, type_size, type_cpus, type_count, type_weight,
        type_namespace, type_network, type_octal, type_listen, type_socket_name, type_condition,
        type_service, type_port, type_credential_name;

/* config-check.c: fills in the defaults of the tier, then checks what one key alone cannot tell. */
bool config_fill_defaults(ConfigReader *r);
void config_check(ConfigReader *r);

/* schema-read.c: reads the members of `table` that belong to schema table `name` ("" for a service's own).
 */
bool schema_read_table(ConfigReader *r, const char *name, const TomlNode *table, void *target);
