import { defineConfig } from "vitest/config";

export default defineConfig({
  server: {
    allowedHosts: true, // dev only, and behind the compose file's nginx
    proxy: { "/api": { target: process.env.API_URL ?? "http://localhost:8000", ws: true } },
  },
  test: { environment: "happy-dom" },
});
