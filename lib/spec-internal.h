/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of spec text share. Nobody else includes this. */

#include "spec.h"
#include "strbuf.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct SpecRecord SpecRecord;

/* How one kind of record is read from its fields, and printed. */
struct SpecRecord {
        const char *key;
        size_t offset;     /* into Spec */
        unsigned n_fields; /* besides the key; 0: any number */
        bool repeated;     /* may stand more than once */
        int (*parse)(const SpecRecord *r, Spec *s, char **fields);
        void (*format)(const SpecRecord *r, const Spec *s, StrBuf *b);
};

/* In the order of the text. At most 64. */
extern const SpecRecord spec_records[];
extern const size_t spec_records_n;

/* Which record that may not be left out is not among those seen (a bit for each)? NULL, or a message. */
const char *spec_records_missing(const Spec *s, uint64_t seen);

/* What is wrong with a spec that was read whole? NULL, or a message. */
const char *spec_problem(const Spec *s);

/* ---- for the functions of records ---- */

#define SPEC_MEMBER(type, s, r) ((type *)((char *)(s) + (r)->offset))
#define SPEC_CONST_MEMBER(type, s, r) ((__typeof__(type) const *)((const char *)(s) + (r)->offset))

/* A decimal number in its one canonical form. 0 or -EINVAL. */
int spec_parse_u64(const char *s, uint64_t *ret_);

/* Appends a space and a field, escaped. */
void spec_format_field(StrBuf *b, const char *value);

/* ---- spec-policy.c: the records of policies ---- */

int spec_parse_capabilities(const SpecRecord *r, Spec *s, char **fields);
void spec_format_capabilities(const SpecRecord *r, const Spec *s, StrBuf *b);
int spec_parse_landlock(const SpecRecord *r, Spec *s, char **fields);
int spec_parse_landlock_min_abi(const SpecRecord *r, Spec *s, char **fields);
void spec_format_landlock_min_abi(const SpecRecord *r, const Spec *s, StrBuf *b);
int spec_parse_landlock_rule(const SpecRecord *r, Spec *s, char **fields);
void spec_format_landlock_rules(const SpecRecord *r, const Spec *s, StrBuf *b);
int spec_parse_landlock_port(const SpecRecord *r, Spec *s, char **fields);
void spec_format_landlock_ports(const SpecRecord *r, const Spec *s, StrBuf *b);
int spec_parse_landlock_scoped(const SpecRecord *r, Spec *s, char **fields);
void spec_format_landlock_scoped(const SpecRecord *r, const Spec *s, StrBuf *b);

/* What is wrong with the policies of a spec that was read whole? NULL, or a message. */
const char *spec_policy_problem(const Spec *s);

#ifdef __cplusplus
}
#endif
