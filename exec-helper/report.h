/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The program's edge: each failure and each degradation becomes one record, in the journal where standard
 * error leads there, else a line on standard error. What finds no room there in a moment is dropped: nobody
 * who does not read may keep the supervisor from its service.
 */

#include "context.h"
#include "recipe.h"

/*
 * Reports that `step` failed with `error` (negative errno), with c->failure as what it did; tells the
 * service manager too (STATUS=, ERRNO=).
 */
void report_failure(const Context *c, const Step *step, int error);

/* Takes control characters out of a text: a newline in a value would forge a line of a log, or another
 * assignment for the service manager (READY=, MAINPID=). */
void report_one_line(char *text);

/* Reports a message that is complete; `message_id` from message-id.h, `priority` from syslog(3). */
void report_message(const Context *c, int priority, const char *message_id, const char *message);

/* A field of a record besides those that all have: NAME=VALUE, the name as journald takes it. */
typedef struct ReportField {
        const char *name, *value; /* value NULL: left out */
} ReportField;

#define REPORT_FIELDS_MAX 12U

/* The same with up to REPORT_FIELDS_MAX fields more, which standard error does not show. */
void report_record(const Context *c, int priority, const char *message_id, const char *message,
        const ReportField *fields, size_t n);

/* Reports that a protection is left out (agent tier). */
void report_degradation(const Context *c, const Step *step, int error);
