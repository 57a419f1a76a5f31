/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a configuration. Must stay a table: nothing else knows a key by its name. */

#include "config-reader.h"

#define S(member) offsetof(ServiceConfig, member)
#define TOP(key, type, member, default_text, help)                                                          \
        { "", SCHEMA_TOP, key, &type, S(member), 0, false, false, default_text, help }
#define KEY(table, key, type, member, default_text, help)                                                   \
        { table, SCHEMA_TABLE, key, &type, S(member), 0, false, false, default_text, help }
#define ENTRY(table, key, type, owner, member, required, default_text, help)                                \
        { table, SCHEMA_ARRAY, key, &type, offsetof(owner, member), 0, required, false, default_text, help }
#define NAMESPACE(key, flag, default_text, help)                                                            \
        {                                                                                                   \
                "namespaces", SCHEMA_TABLE, key, &type_namespace, S(namespaces), flag, false, false,        \
                        default_text, help                                                                  \
        }
#define LATER(table, key, type, help)                                                                       \
        { table, SCHEMA_TABLE, key, &type, 0, 0, false, true, NULL, help }
#define LATER_ENTRY(table, key, type, required, help)                                                       \
        { table, SCHEMA_ARRAY, key, &type, 0, 0, required, true, NULL, help }

const SchemaRow schema_rows[] = {
        TOP("description", type_text, description, "Nucleus service NAME", "Description= of the unit."),
        TOP("mode", type_mode, mode, "production",
                "The tier: what is required, and what happens when it cannot be had."),
        TOP("command", type_argv, command, NULL,
                "Required. The program and its arguments, passed on byte for byte; there is no shell, and "
                "no "
                "variable or specifier is expanded."),
        TOP("rootfs", type_path, rootfs, NULL,
                "The root tree: a directory, or an image of one (EROFS or squashfs); a link is followed. "
                "Required in production; without it, "
                "programs and libraries of the host are shown read-only."),
        TOP("runtime", type_runtime, runtime, "native",
                "What runs the workload. \"gvisor\" is not supported by this build."),
        TOP("user", type_user, user, "0", "The workload's user, as in the service's own /etc/passwd."),
        TOP("group", type_user, group, "the user's",
                "The workload's group, as in the service's own /etc/group."),
        TOP("supplementary_groups", type_users, supplementary_groups, "none",
                "More groups of the workload."),
        TOP("workdir", type_path, workdir, "/", "The working directory, inside."),
        TOP("hostname", type_host_name, hostname, "NAME", "The host name that the service sees."),
        TOP("wanted_by", type_units, wanted_by, "none",
                "Units that start this service, such as multi-user.target. With sockets, sockets.target "
                "then starts "
                "the socket unit as well; without wanted_by, neither starts by itself."),
        TOP("stop_timeout", type_duration, stop_timeout, "90s",
                "How long a stop may take before all is killed."),
        TOP("restart", type_restart, restart, "on-failure in production, else no",
                "Restart= of the unit. Configuration and attestation errors are never retried."),

        ENTRY("depends_on", "service", type_service, Dependency, service, true, NULL,
                "A service that must come first: of the same stack, or by its full name. Where it fails or "
                "is "
                "stopped, so is this one."),
        ENTRY("depends_on", "condition", type_condition, Dependency, condition, false, "started",
                "started and healthy: it is ready; completed: it has run to its end with success, "
                "once. That makes the other a one-shot: started once, and active (exited) from then on."),

        KEY("attestation", "verify", type_boolean, attestation_verify, "true in production",
                "Whether the root tree is compared with what pins it before each start. Any other key of "
                "this table makes the default true."),
        KEY("attestation", "method", type_attestation, attestation_method,
                "sha256, or that of the image\'s pin",
                "sha256: all content is read and hashed; fsverity: the kernel is asked for the digest of "
                "each "
                "file, and checks every later read itself; dm-verity: so for the blocks of an image, whose "
                "hash tree is the file IMAGE.verity."),
        KEY("attestation", "manifest_sha256", type_sha256, manifest_sha256, NULL,
                "The SHA-256 of the manifest itself, of a directory; `nucleus attest` prints it."),
        KEY("attestation", "public_key", type_public_keys, public_keys, NULL,
                "An Ed25519 public key, or a list of them, in base64: one of them must have signed the "
                "manifest or the image\'s digest; `nucleus attest --sign` does, and prints the key. With a "
                "pin "
                "as well, both must hold."),
        KEY("attestation", "image_sha256", type_sha256, image_sha256, NULL,
                "The SHA-256 of an image\'s file."),
        KEY("attestation", "image_fsverity", type_digest, image_fsverity, NULL,
                "The fs-verity digest (SHA-256) of an image\'s file; the method is then fsverity."),
        KEY("attestation", "root_hash", type_digest, root_hash, NULL,
                "The dm-verity root hash of an image; the method is then dm-verity."),

        KEY("resources", "memory", type_size, memory, NULL, "MemoryMax=. Required in production."),
        KEY("resources", "cpus", type_cpus, cpu_quota, NULL, "CPUQuota=, in CPUs: 1.5 is 150%."),
        KEY("resources", "pids", type_count, pids, NULL, "TasksMax=; PID 1 and the supervisor count."),
        KEY("resources", "io_weight", type_weight, io_weight, NULL, "IOWeight=."),

        NAMESPACE("user", NAMESPACE_USER, "true",
                "Ids of its own. Only the agent tier may switch off any of these."),
        NAMESPACE("pid", NAMESPACE_PID, "true", "Processes of its own."),
        NAMESPACE("mount", NAMESPACE_MOUNT, "true", "Mounts of its own."),
        NAMESPACE("net", NAMESPACE_NET, "true",
                "A network of its own; false goes with network.mode = \"host\"."),
        NAMESPACE("uts", NAMESPACE_UTS, "true", "A host name of its own."),
        NAMESPACE("ipc", NAMESPACE_IPC, "true", "System V and POSIX IPC of its own."),
        NAMESPACE("cgroup", NAMESPACE_CGROUP, "true", "The unit's control group as the root."),
        NAMESPACE("time", NAMESPACE_TIME, "false", "Monotonic clocks of its own."),

        KEY("environment", "NAME", type_variable, environment, "PATH",
                "A variable of the workload's environment, which holds nothing else but PATH (unless given: "
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin) and what tells of sockets."),

        ENTRY("volumes", "source", type_path, Volume, source, true, NULL,
                "A directory or file of the host, shown inside without what is mounted beneath it, and "
                "without setuid bits and devices. It must exist, and is never made."),
        ENTRY("volumes", "target", type_path, Volume, target, true, NULL,
                "Where; it must exist in the rootfs. Links on the way are followed in the rootfs alone: one "
                "in another "
                "volume, where a service could put it, is refused."),
        ENTRY("volumes", "read_only", type_boolean, Volume, read_only, false, "false",
                "Whether it is read-only."),

        ENTRY("tmpfs", "target", type_path, Tmpfs, target, true, NULL,
                "A new file system in memory, writable by all; the directory must exist in the rootfs."),
        ENTRY("tmpfs", "size", type_size, Tmpfs, size, false, "64M", "Its size at most."),

        LATER_ENTRY("credentials", "name", type_credential_name, true, "File name below /run/secrets."),
        LATER_ENTRY("credentials", "source", type_path, true, "Where the service manager finds it."),
        LATER_ENTRY("credentials", "encrypted", type_boolean, false,
                "Whether it is encrypted, see systemd-creds(1)."),

        KEY("network", "mode", type_network, network, "none",
                "none: a loopback interface alone; host: the host's network, agent tier only. \"bridge\" "
                "and "
                "\"user\" are not supported by this build."),

        ENTRY("sockets", "listen", type_listen, Socket, listen, true, NULL,
                "A stream address that the service manager listens on: port, address:port, [address]:port, "
                "a path or "
                "@name. The workload gets it as descriptor 3 and up, with LISTEN_FDS, LISTEN_FDNAMES and "
                "LISTEN_PID set (sd_listen_fds(3))."),
        ENTRY("sockets", "name", type_socket_name, Socket, name, false, "nucleus-NAME.socket",
                "FileDescriptorName=, what LISTEN_FDNAMES calls it."),
        ENTRY("sockets", "mode", type_octal, Socket, mode, false, "0666", "SocketMode= of a Unix socket."),
        ENTRY("sockets", "user", type_user, Socket, user, false, "root", "SocketUser=, a user of the host."),
        ENTRY("sockets", "group", type_user, Socket, group, false, "root",
                "SocketGroup=, a group of the host."),

        LATER("health", "command", type_argv,
                "A program that says by its exit status whether the service works."),
        LATER("health", "tcp", type_port, "A port that must accept a connection."),
        LATER("health", "interval", type_duration, "The time between two checks."),
        LATER("health", "timeout", type_duration, "The time a check may take."),
        LATER("health", "retries", type_count, "How many checks in a row must fail."),
        LATER("health", "start_period", type_duration,
                "The time at the start in which failures do not count."),

        LATER("readiness", "exec", type_argv, "A program whose success means that the service is ready."),
        LATER("readiness", "tcp", type_port, "A port that accepts connections once the service is ready."),
        LATER("readiness", "notify", type_boolean, "Whether the workload says so itself, sd_notify(3)."),

        KEY("policy", "seccomp", type_path, seccomp, "built in",
                "A system call policy in OCI JSON, see nucleus-policy(5)."),
        KEY("policy", "seccomp_sha256", type_sha256, seccomp_sha256, NULL,
                "Pins it: with any other content the service does not start. `nucleus policy pin` prints "
                "it."),
        KEY("policy", "capabilities", type_path, capabilities, "none is kept",
                "Which capabilities are kept, in TOML, see nucleus-policy(5)."),
        KEY("policy", "capabilities_sha256", type_sha256, capabilities_sha256, NULL, "Pins it."),
        KEY("policy", "landlock", type_path, landlock, "by the mounts",
                "What may be done beneath which path, in TOML, see nucleus-policy(5). The default lets "
                "programs be read and run, and writes happen where a mount is writable."),
        KEY("policy", "landlock_sha256", type_sha256, landlock_sha256, NULL, "Pins it."),
        KEY("policy", "log_denials", type_boolean, log_denials, "false",
                "Whether the kernel is asked to log what the system call and Landlock policies deny; each "
                "kind of denial then becomes one journal record of the service."),
        KEY("policy", "seccomp_trace", type_boolean, seccomp_trace, "false",
                "Agent tier only: count the system calls, for `nucleus seccomp generate`, in "
                "/run/nucleus/trace/NAME.json."),
        {},
};

size_t schema_count(void) {
        return ELEMENTSOF(schema_rows) - 1;
}

size_t schema_index(const SchemaRow *row) {
        return (size_t)(row - schema_rows);
}

const SchemaRow *schema_find(const char *table, const char *key) {
        for (const SchemaRow *row = schema_rows; row->key; row++)
                /* Most rows differ in the first character already. */
                if (row->key[0] == key[0] && streq(row->key, key) && streq(row->table, table))
                        return row;
        return NULL;
}

void schema_format_value(const SchemaRow *row, const ServiceConfig *s, StrBuf *b) {
        if (row->kind == SCHEMA_ARRAY || row->unsupported || streq(row->table, "environment"))
                return;
        row->type->format(row, (const char *)s + row->offset, b);
}
