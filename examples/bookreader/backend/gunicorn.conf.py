"""Gunicorn reads this file by itself from the working directory."""

import os

from bookreader.config import load_or_exit

load_or_exit()  # here, so that a bad environment is one message and not one traceback per worker

wsgi_app = "bookreader.asgi:app"
worker_class = "uvicorn_worker.UvicornWorker"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
bind = "0.0.0.0:8000"

graceful_timeout = 30  # after SIGTERM: requests in flight may take this long (/api/slow: <= 30 s)
timeout = 60
# Longer than nginx keeps an idle connection (30 s): otherwise we may close one at the very moment
# nginx sends a request on it, and a POST can't be sent again.
keepalive = 75
forwarded_allow_ips = "*"  # only the compose network reaches this port
worker_tmp_dir = "/dev/shm"  # the workers' heartbeat file; on disk it may stall behind I/O
control_socket_disable = True  # a way to manage Gunicorn at run time; containers are replaced
