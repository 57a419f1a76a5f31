/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The values of one service, for `nucleus show`. */

#include "floor.h"
#include "nucleus-services.h"

/* Prints every key with its value and origin; those that are not set are left out. */
void print_values(FILE *f, const ServiceConfig *s, const Floor *floor);

/* All keys as an array. New reference, or NULL. */
json_t *values_to_json(const ServiceConfig *s, const Floor *floor);
