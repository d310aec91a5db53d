"""The backend container's health check. Small imports: it starts a Python every few seconds."""

import http.client
import sys

try:
    connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=2)
    connection.request("GET", "/api/health")
    response = connection.getresponse()
    print(response.read().decode())  # `docker inspect` shows it: which component is not well
    sys.exit(0 if response.status == 200 else 1)
except OSError as error:
    sys.exit(f"no answer: {error}")
