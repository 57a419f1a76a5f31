/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Visits a tree as `find -L` does: every name, also those that exist only because a symbolic link leads to a
 * directory. That is what a manifest of version 1 lists. Links are followed as the workload would see them:
 * an absolute target begins at the root of the tree.
 */

#include "tree-walk.h"

/* How many names may exist through links alone. Nested links multiply: ten levels of two give a thousand. */
#define TREE_FOLLOW_MAX 500000U

/*
 * As tree_walk(), but an entry that is a link is visited as what it leads to. A link that leads nowhere is
 * visited as itself; one that cannot be followed at all (a loop; climbing above the root) too, with
 * `problem` set. A directory that is its own ancestor is visited, not entered again. `store_fd`, where it is
 * not negative, is the host's /nix/store: what a link into /nix/store does not find in the tree is looked
 * up there. Also -E2BIG where more than TREE_FOLLOW_MAX names exist through links.
 */
int tree_follow(int root_fd, int store_fd, WalkFunc func, void *userdata, char **ret_path);
