/** The settings of what the edge is measured beside, as its documentation has them for a proxy that keeps connections. */

/** nginx without a log, since the load would measure the disk, and with connections that stay open. */
function nginx(workers: string, http: string): string {
  return `worker_processes ${workers};
error_log stderr;
pid /tmp/nginx.pid;
events { worker_connections 8192; }
http {
  access_log off;
  keepalive_requests 1000000;
  client_body_temp_path /tmp/body; proxy_temp_path /tmp/proxy; fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi; scgi_temp_path /tmp/scgi;
${http}}
`;
}

/** A replica that answers at once and keeps connections open. */
export function replicaConfig(ip: string, port: number): string {
  return nginx(
    '1',
    `  server {
    listen ${ip}:${port} backlog=4096;
    location / { default_type text/plain; return 200 "hello from the replica\\n"; }
  }
`,
  );
}

export function nginxConfig(ip: string, replica: string, port: number): string {
  return nginx(
    'auto',
    `  upstream app { server ${replica}:${port}; keepalive 32; }
  server {
    listen ${ip}:${port} backlog=4096;
    location / {
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
  }
`,
  );
}

export interface HaproxyOptions {
  /** HAProxy's own choice (one for each core) if undefined. */
  readonly threads?: number;
  /** As the edge shares connections: with all clients, and a request that gets no answer is sent again. */
  readonly retries: boolean;
}

export function haproxyConfig(
  ip: string,
  replica: string,
  port: number,
  { threads, retries }: HaproxyOptions,
): string {
  return `global
    log stdout format raw local0 notice
${threads === undefined ? '' : `    nbthread ${threads}\n`}defaults
    mode http
    log global
    option dontlog-normal
    option forwardfor
    http-reuse ${retries ? 'always\n    retry-on conn-failure empty-response\n    retries 4' : 'safe'}
    timeout connect 500ms
    timeout client 1m
    timeout server 1m
frontend web
    bind ${ip}:${port}
    default_backend app
backend app
    option httpchk GET /
    server r1 ${replica}:${port} check
`;
}
