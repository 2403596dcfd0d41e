/** The option file of a MariaDB server: small defaults a parameter group may change, and what the lab alone decides. */

/** Small and soon started, because a lab runs several servers on a laptop. What is committed is with the kernel at once, and on the disk some time. */
const DEFAULTS: Record<string, string> = {
  innodb_buffer_pool_size: "16M",
  innodb_log_file_size: "8M",
  innodb_flush_log_at_trx_commit: "2",
  innodb_flush_method: "nosync",
  innodb_temp_data_file_path: "ibtmp1:1M:autoextend",
  innodb_buffer_pool_dump_at_shutdown: "OFF",
  innodb_buffer_pool_load_at_startup: "OFF",
  sync_binlog: "0",
  key_buffer_size: "1M",
  aria_pagecache_buffer_size: "1M",
  performance_schema: "OFF",
  max_connections: "60",
  character_set_server: "utf8mb4",
  log_warnings: "1",
  slave_net_timeout: "60",
};

const FIXED: Record<string, string> = {
  bind_address: "127.0.0.1",
  log_bin: "binlog",
  relay_log: "relay-bin",
  log_slave_updates: "ON",
  gtid_strict_mode: "ON",
  debug_no_sync: "ON",
  innodb_use_native_aio: "OFF",
  skip_name_resolve: "ON",
  skip_slave_start: "ON",
  pid_file: "mariadb.pid",
};

export function optionFile(own: Record<string, string>, settings: Record<string, string>): string {
  const lines = Object.entries({ ...DEFAULTS, ...settings, ...FIXED, ...own }).map(([name, value]) => `${name} = "${escaped(value)}"`);
  return `[mariadbd]\n${lines.join("\n")}\nskip_ssl\n`;
}

const escaped = (value: string): string => value.replaceAll("\\", "\\\\").replaceAll('"', '\\"');

/**
 * The values of a parameter group as the server takes them. `{TrueIfReplica}` is RDS's own, and read_only's default; other formulas
 * of RDS's are left to the server's default.
 */
export function resolveSettings(settings: Record<string, string>, isStandby: boolean): Record<string, string> {
  const all = { read_only: "{TrueIfReplica}", ...settings };
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) => {
      if (/^\{TrueIfReplica\}$/i.test(value)) return [[name, isStandby ? "1" : "0"]];
      return value.startsWith("{") ? [] : [[name, value]];
    }),
  );
}
