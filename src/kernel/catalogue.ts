import { docsUrl } from './docs.ts';

/**
 * Every user error, by code. One file, so that a code is never reused and docs/errors.md is complete. `what` describes the
 * error in general, `fix` the remedy; the thrown message names the particular case.
 */
export const catalogue = {
  // Arguments and surroundings
  'usage.argument': { what: 'An argument or option is wrong.', fix: 'Run the command with --help.' },
  'input.value': {
    what: 'An input of an action has an invalid value.',
    fix: 'The README of the action has the type and the default of every input.',
  },
  'input.unknown': {
    what: 'A step sets an input that the action does not have.',
    fix: 'Correct or remove it; the README of the action lists all inputs.',
  },
  'input.conflict': {
    what: 'Inputs of an action contradict each other.',
    fix: 'Remove one of the inputs that the message names.',
  },
  'input.no-secrets': {
    what: 'GitHub passes no secrets to the run: it is for a pull request from a fork, or was started by Dependabot.',
    fix: 'Deploy from a branch or a tag of the repository. For these pull requests, only check and build.',
  },
  'input.keys-beside-checks': {
    what: 'A step has a key for a server, a store or a registry in the same job as checks, which run the code of the change.',
    fix: 'Run the checks in a separate job without secrets. `sluice init` writes such workflows.',
  },
  'input.keys-in-change': {
    what: 'A run for unmerged code (a pull request, a merge queue) has a key of a server or a store.',
    fix: 'Deploy from a branch or a tag, on push or workflow_dispatch.',
  },
  'job.files': {
    what: 'A file that GitHub’s runner provides for outputs or states cannot be written or read.',
    fix: 'Check whether the disk of the runner is full. On a self-hosted runner, check its _work/_temp folder.',
  },
  cancelled: {
    what: 'The run was cancelled (Ctrl-C, SIGTERM, or a cancelled job).',
    fix: 'Sluice has reverted the unfinished work, or the guard reverts it. Run `sluice status`, then run the command again.',
  },
  'process.missing': {
    what: 'A program Sluice needs is not on PATH.',
    fix: 'Install it on the machine that runs Sluice.',
  },
  'process.timeout': {
    what: 'A program that Sluice started did not finish in time and was stopped.',
    fix: 'Read its last lines above.',
  },

  // sluice.yml
  'config.missing': {
    what: 'There is no sluice.yml where Sluice looked.',
    fix: 'Run `sluice init` to create one, or name it with --config.',
  },
  'config.unreadable': {
    what: 'sluice.yml cannot be read: a folder, no permission, not UTF-8, or far too large.',
    fix: 'Save it as a plain UTF-8 text file.',
  },
  'config.yaml': {
    what: 'sluice.yml is not valid YAML.',
    fix: 'Fix the line that the message names. An editor with the JSON Schema of sluice.yml shows such mistakes as you type.',
  },
  'config.value': {
    what: 'A value in sluice.yml is not valid for its key.',
    fix: `See ${docsUrl('config')} for the type and default of each key.`,
  },
  'config.unknown-key': {
    what: 'sluice.yml has a key that does not exist.',
    fix: `Fix or remove it. See ${docsUrl('config')} for all keys.`,
  },
  'config.missing-key': {
    what: 'A required key is missing in sluice.yml.',
    fix: `Add it. See ${docsUrl('config')} for all keys.`,
  },
  'config.secret': {
    what: 'sluice.yml contains a secret, which everyone who can read the repository or its history can read.',
    fix: 'Replace the secret at its issuer, store the new one in the CI secrets, and write only its NAME here.',
  },
  'config.host': {
    what: 'The address, jump host or pinned key of a host is invalid.',
    fix: 'Write `deploy@host`, `deploy@host:2222` or `deploy@[fd00::1]:2222`; and keys as `ssh-keyscan` prints them.',
  },
  'config.compose-missing': {
    what: 'A compose file that sluice.yml names (or the default one) does not exist.',
    fix: 'Fix `compose:`. Its paths are relative to the folder of sluice.yml.',
  },
  'config.unknown-target': {
    what: 'sluice.yml has no target of that name.',
    fix: 'Use one of those listed.',
  },
  'config.unknown-service': {
    what: 'sluice.yml names a service that the compose files do not have.',
    fix: 'Fix the name. A service behind a profile exists only if COMPOSE_PROFILES names the profile.',
  },
  'config.migrate-job': {
    what: 'The service that migrates is a one-off job of the compose file, so the migration runs twice.',
    fix: 'Let `migrate` name the service whose image has the migrations (backend) and the command to run.',
  },
  'config.placement': {
    what: 'A service that may exist only once (data, a scheduler) runs on two hosts, or a required service runs on none.',
    fix: 'List the services of each host with `services: [...]`.',
  },

  // sluice init
  'init.no-compose': {
    what: 'The repository has no compose file. Sluice deploys Docker Compose apps.',
    fix: 'Write a compose file that starts the app. The message suggests one, based on the Dockerfiles or sources.',
  },
  'init.write': {
    what: '`sluice init` cannot write one of its files.',
    fix: 'Make the path writable, or print the files with `sluice init --dry-run` and copy them.',
  },

  // Variables of a target
  'env.missing': {
    what: 'Variables that a target takes by name are not set where Sluice runs.',
    fix: 'Set them. In a workflow, pass each secret with `env:`. A secret that does not exist is an empty text.',
  },
  'env.file-missing': {
    what: 'An env file of a target does not exist.',
    fix: 'Create it, fix the path, or read the variables from a CI secret with env-secret.',
  },
  'env.encoding': { what: 'An env file is not UTF-8 text.', fix: 'Save it as UTF-8.' },
  'env.syntax': {
    what: 'A line of an env file is not `NAME=value`.',
    fix: 'Put values with spaces, # or $ in single quotes, and close the quotes.',
  },
  'env.reference': {
    what: 'A value in an env file refers to a variable that is not set. Compose replaces it with an empty text.',
    fix: 'Put the value in single quotes if its $ is literal, or define the variable above it.',
  },
  'env.too-large': {
    what: 'A variable is larger than Linux allows (128 KiB), or all variables together are larger than 1 MiB.',
    fix: 'Pass large values to the app as a file (a compose secret or config).',
  },
  'env.reserved': {
    what: 'A variable has a name that docker itself reads, or that is reserved for credentials of the job.',
    fix: `Rename it, or set the app’s own value in an env file of the target. See ${docsUrl('config')} for the reserved names.`,
  },

  // The compose model
  'compose.missing': {
    what: 'Docker or its compose plugin is not installed where Sluice runs.',
    fix: 'Install the docker CLI and docker-compose-plugin (2.20 or newer). No engine is needed.',
  },
  'compose.too-old': {
    what: 'The compose plugin where Sluice runs is too old for these compose files.',
    fix: 'Install Docker Compose 2.26 or newer.',
  },
  'compose.invalid': {
    what: 'Docker Compose rejects the compose files.',
    fix: 'Read its output below the message, and run `docker compose config` to reproduce it.',
  },
  'compose.variable': {
    what: 'The compose files use variables that the target does not set, and that have no default.',
    fix: 'Add them to the target’s variables, or set a default in the compose file, after `:-`.',
  },
  'compose.reserved': {
    what: 'A compose file asks for a credential of the job in which Sluice runs.',
    fix: 'Pass the value under another name, or set it in the target’s variables. For a build secret, list the name under `build.job-credentials`.',
  },
  'compose.value': {
    what: 'Docker Compose rejects the value of a variable where the compose files use it.',
    fix: 'Fix the variable in the target. The message names it and its key.',
  },
  'compose.profiles': {
    what: 'All services of the compose files are behind profiles and no profile is active, so there is nothing to deploy.',
    fix: 'Set COMPOSE_PROFILES in the target’s variables, or remove `profiles:` from what production needs.',
  },
  'compose.env-file': {
    what: 'A service needs an env_file that does not exist and that the target’s variables do not replace.',
    fix: 'Set the target’s variables (env-file, env-secret, env or host-env-file), or commit the file.',
  },
  'compose.image': {
    what: 'An image reference is invalid.',
    fix: 'Write [registry[:port]/]name[:tag][@sha256:…] in lowercase.',
  },
  'compose.no-port': {
    what: 'A blue-green service has no port that Sluice could find.',
    fix: 'Set it: `services: { NAME: { port: 8000 } }`. A service without a port is `strategy: workers`.',
  },
  'compose.shared-volume': {
    what: 'A blue-green service writes to a volume, and its two colors write at the same time.',
    fix: 'Mount it :ro, allow it with `shared-volumes`, or choose `strategy: recreate` (a short interruption).',
  },
  'compose.network': {
    what: 'A blue-green service uses the network of the host or of another container, so no edge can be in front of it.',
    fix: 'Remove network_mode, or choose `strategy: recreate` (a short interruption).',
  },
  'compose.fixed-address': {
    what: 'The service whose image migrates has a fixed address, and the migration runs in a container beside it.',
    fix: 'Name another service with the same image in `migrate.service`, or remove the address.',
  },
  'compose.udp': {
    what: 'A blue-green service publishes a UDP or SCTP port, which the edge cannot forward.',
    fix: 'Choose `strategy: recreate` (a short interruption), or move that port to a separate service.',
  },
  'compose.many-ports': {
    what: 'A blue-green service publishes more TCP ports than an edge forwards (16).',
    fix: 'Publish fewer, or choose `strategy: recreate` (a short interruption).',
  },
  'compose.name-clash': {
    what: 'A service has the name that Sluice uses for the containers or the edge of another service.',
    fix: 'Rename it in the compose file.',
  },
  'config.health-header': {
    what: 'A header of a health request uses a variable that the target does not set, or has an invalid value.',
    fix: 'Add the variable to the target; use printable ASCII characters without single quotes.',
  },
  'compose.data-container': {
    what: 'A service exits at once and only holds volumes for another one (`volumes_from`), which a deploy loses.',
    fix: 'Give the volume a name in the service that uses it, and remove `volumes_from`.',
  },
  'compose.tied': {
    what: 'A service shares the container of another one (its network, volumes or process space) that has two colors, starts last, or exits.',
    fix: 'Remove the shared namespace or volumes, or choose `strategy: recreate` for the service that owns the container.',
  },

  // Building images
  'build.nothing': {
    what: 'No service of the compose files has a `build:` section.',
    fix: 'Add `build: ./folder` to a service with its own image.',
  },
  'build.repository': {
    what: 'No registry is configured for an image.',
    fix: 'Set `registry:` in sluice.yml, or `image:` beside `build:` in the compose file.',
  },
  'build.conflict': {
    what: 'Two services build different images under one name.',
    fix: 'Give each its own `image:`, or make the two `build:` sections equal.',
  },
  'build.context': {
    what: 'A named context of a build is the image of a service that builds nothing.',
    fix: 'Add `build:` to that service, or use `docker-image://NAME` as the context.',
  },
  'build.cycle': {
    what: 'Builds depend on each other’s images in a cycle.',
    fix: 'Remove one of the links: a `FROM` or `COPY --from` of the other’s image, or a `service:` context.',
  },
  'build.stage-name': {
    what: 'A Dockerfile gives a stage the name of an image that another service builds, and BuildKit cannot distinguish them.',
    fix: 'Rename the stage: `FROM acme-base AS base`.',
  },
  'build.files': {
    what: 'A build context or Dockerfile of the compose files does not exist.',
    fix: 'Fix `build:` of the service, or commit the file: a fresh clone has only what git tracks.',
  },
  'build.unsupported': {
    what: 'The installed buildx, or the builder, does not support or does not allow a key of `build:`.',
    fix: 'Install the version in the message, allow it in the builder, or remove the key.',
  },
  'build.checkout': {
    what: 'Sluice cannot name the images: git has no commit there, or one that is not on any known branch or tag of the repository.',
    fix: 'Check out a branch or a tag by its name, use `fetch-depth: 0` for any other commit, or set the tags.',
  },
  'build.secret': {
    what: 'A secret that a build needs is missing.',
    fix: 'Set the variable, or create the file, that `secrets:` in the compose file names.',
  },
  'build.builder': {
    what: 'The machine that runs Sluice has no running Docker engine, or no buildx.',
    fix: 'Start the engine; install docker-buildx-plugin (0.13 or newer).',
  },
  'build.dockerfile': {
    what: 'A Dockerfile (or the build’s definition) is invalid; nothing was pushed.',
    fix: 'Fix the line in the message.',
  },
  'build.failed': {
    what: 'A step of a build failed; nothing was pushed.',
    fix: 'Fix the error in its last lines, which are below the message.',
  },
  'build.base': {
    what: 'The builder cannot fetch a base image; nothing was pushed.',
    fix: 'Check its name, and that its registry is reachable. For a private image, run `docker login` first.',
  },
  'build.disk-full': {
    what: 'The disk of the builder is full; nothing was pushed.',
    fix: 'Free space: `docker builder prune` removes build cache, `docker image prune` unused images.',
  },
  'build.smoke': {
    what: 'The smoke command of a new image failed; no tag was pushed.',
    fix: 'Read its last lines below the message. It runs without network and without the service’s variables.',
  },
  'build.push': {
    what: 'An image cannot be pushed; no tag of this build was set.',
    fix: 'Fix the error of the registry, which is below the message.',
  },
  'build.tags': {
    what: 'Some images of the set cannot be tagged, so Sluice restored the tags it had set.',
    fix: 'Run the command again. The images are in the registry, so it takes a second.',
  },

  'build.carried': {
    what: 'A build with `registry: none` uses a feature that needs a registry, or another builder than the Docker engine itself.',
    fix: 'Build with the driver `docker`, for one platform, without sbom and provenance; or set a registry.',
  },

  // Image registries
  'registry.denied': {
    what: 'A registry refuses access.',
    fix: 'Set SLUICE_REGISTRY_USER and SLUICE_REGISTRY_PASSWORD (GITHUB_TOKEN for ghcr.io), or run `docker login` first.',
  },
  'registry.throttled': {
    what: 'A registry rejects further requests for now (429).',
    fix: 'Wait, then run the command again. With a login the limit is higher.',
  },
  'registry.unavailable': {
    what: 'A registry answers with errors, or does not answer.',
    fix: 'Run the command again when the registry works. Built and pushed images are kept.',
  },
  'registry.protocol': {
    what: 'The server at the registry’s address does not respond like a registry.',
    fix: 'Check the name. A proxy or a login page may respond instead of the registry.',
  },

  // The connection to a host
  'host.dns': {
    what: 'DNS lookup of a host (or of its jump host) failed.',
    fix: 'Correct the address in sluice.yml, or the DNS entry.',
  },
  'host.refused': {
    what: 'The host refuses connections to its SSH port.',
    fix: 'Check address and port in sluice.yml, that sshd runs, and that no firewall rejects the port.',
  },
  'host.unreachable': {
    what: 'There is no route to the host.',
    fix: 'Check the address, the network between the two, and VPN or firewall rules.',
  },
  'host.connect-timeout': {
    what: 'The host did not respond, or did not finish the SSH handshake, in time.',
    fix: 'Check the address and the port. A firewall that drops packets causes the same error.',
  },
  'host.closed-early': {
    what: 'The host closed the connection before SSH began.',
    fix: 'Check sshd’s log: MaxStartups limits new connections, and fail2ban or hosts.deny may ban the address.',
  },
  'host.not-ssh': {
    what: 'The server on the port is not an SSH server.',
    fix: 'Correct the port in sluice.yml.',
  },
  'host.no-common-algorithm': {
    what: 'Sluice and the host have no key exchange, cipher, MAC or host key algorithm in common.',
    fix: 'Update the OpenSSH server (7.2 or later), or remove restrictions of algorithms from sshd_config.',
  },
  'host.key-unknown': {
    what: 'The host key is neither pinned in sluice.yml nor in known_hosts.',
    fix: 'Compare the fingerprint with the server’s own, then pin the key with the line in the message.',
  },
  'host.key-changed': {
    what: 'The host key has changed. An attacker may be intercepting the connection.',
    fix: 'Do not deploy until you know why. If the server was rebuilt, pin its new key.',
  },
  'host.key-revoked': {
    what: 'The host presented a key that known_hosts marks as @revoked.',
    fix: 'Do not deploy. Create a new host key on the server, and pin that one.',
  },
  'host.key-malformed': {
    what: 'A pinned host key (or a line of known_hosts) is neither a key nor a fingerprint.',
    fix: 'Write `ssh-ed25519 AAAA…` or `SHA256:…` as printed by ssh-keyscan or ssh-keygen -l.',
  },
  'host.known-hosts': {
    what: 'A known_hosts file exists but cannot be read.',
    fix: 'Make it readable, or put its text into SLUICE_KNOWN_HOSTS.',
  },
  'host.login-key-missing': {
    what: 'Sluice found no private key for the login.',
    fix: 'Set SLUICE_SSH_KEY (text) or SLUICE_SSH_KEY_FILE (path), or start an ssh-agent with the key.',
  },
  'host.login-key-malformed': {
    what: 'Sluice cannot read the private key.',
    fix: 'Set it to the whole text from -----BEGIN to -----END; `ssh-keygen -p -f KEY` converts other formats.',
  },
  'host.login-key-public': {
    what: 'The login key is a public key; a login needs the private key.',
    fix: 'Use the file without .pub.',
  },
  'host.login-key-encrypted': {
    what: 'The private key is encrypted and there is no passphrase.',
    fix: 'Set SLUICE_SSH_PASSPHRASE, or load the key into an ssh-agent.',
  },
  'host.login-key-passphrase': {
    what: 'The passphrase does not decrypt the private key.',
    fix: 'Correct SLUICE_SSH_PASSPHRASE.',
  },
  'host.agent': {
    what: 'The ssh-agent at SSH_AUTH_SOCK does not respond, has no keys, or refused to sign.',
    fix: 'Start it, add the key with ssh-add, or set SLUICE_SSH_KEY.',
  },
  'host.login-refused': {
    what: 'The host refused the login.',
    fix: "Add the public key to the user's ~/.ssh/authorized_keys, and check sshd's log on the host.",
  },
  'host.login-attempts': {
    what: 'The host closed the connection after too many keys.',
    fix: 'Set SLUICE_SSH_KEY or SLUICE_SSH_KEY_FILE: Sluice then tries only that key.',
  },
  'host.jump-refused': {
    what: 'The jump host cannot connect to the host, or forbids it.',
    fix: 'Check that the jump host reaches the host, and check AllowTcpForwarding in its sshd_config.',
  },
  'host.connection-lost': {
    what: 'The SSH connection to a host broke.',
    fix: 'Check the host and the network, then run the command again: it finishes or reverts the interrupted work.',
  },
  'host.closed': {
    what: 'The connection to a host was used after Sluice had closed it.',
    fix: 'Run the command again. If the error persists, report it.',
  },
  'host.ssh': {
    what: 'The SSH connection failed with an unknown error.',
    fix: 'Run with --verbose, and try `ssh -v` to the same host.',
  },

  // Commands on a host
  'host.sessions-refused': {
    what: 'The host refuses further sessions on the connection.',
    fix: 'Raise MaxSessions in its sshd_config (10 is the default of OpenSSH).',
  },
  'host.shell-refused': {
    what: "The user's login shell on the host did not start Sluice’s command.",
    fix: 'Give the user a shell such as /bin/sh, and remove a forced command from authorized_keys or sshd_config.',
  },
  'host.command-timeout': {
    what: 'A command on a host did not finish in time and was stopped.',
    fix: 'Read its last lines above.',
  },
  'host.command-broken': {
    what: 'A command on a host ended without an exit status.',
    fix: 'Check the log of the host for out-of-memory kills and restarts of sshd.',
  },
  'host.dialogue-ended': {
    what: 'A program that Sluice keeps open on a host ended too early.',
    fix: 'Read its last lines above.',
  },
  'host.socket-unreachable': {
    what: 'Sluice cannot connect to a unix socket on the host.',
    fix: 'Check that its program runs, and check its file permissions and AllowStreamLocalForwarding in sshd_config.',
  },
  'host.tcp-unreachable': {
    what: 'The host cannot connect to an address in its network.',
    fix: 'Check that a program listens there.',
  },
  'host.forwarding-refused': {
    what: 'sshd on the host forbids forwarding.',
    fix: 'Set AllowTcpForwarding and AllowStreamLocalForwarding to yes for this user in sshd_config.',
  },
  'host.engine-denied': {
    what: 'The user cannot use the Docker engine of the host.',
    fix: 'Add the user to the group docker (sudo usermod -aG docker USER); it takes effect at the next login.',
  },
  'host.engine-missing': {
    what: 'Docker is not installed on the host.',
    fix: 'Install Docker Engine and its compose plugin on the host.',
  },
  'host.engine-down': {
    what: 'The Docker engine of the host does not respond.',
    fix: 'Start it (sudo systemctl start docker) and check its log (journalctl -u docker).',
  },
  'host.engine-broken': {
    what: 'The Docker engine closed a connection during a request.',
    fix: 'It was probably restarted; run the command again.',
  },
  'host.probe': {
    what: 'Sluice cannot inspect the host: its output is invalid.',
    fix: "Run with --verbose to see it. Output of the user's shell start-up files may interfere.",
  },

  // Lease, journal and state on the host
  'lease.held': {
    what: 'Another run deploys this app on this host.',
    fix: 'Wait until it ends. The message names the run and its start. The lease of a dead run expires within 45 s.',
  },
  'lease.lost': {
    what: 'The run lost its lease, because its connection was interrupted for too long.',
    fix: 'Run `sluice status`. The next deploy finishes or undoes this one.',
  },
  'lease.unusable': {
    what: 'The app’s folder on the host cannot be written.',
    fix: 'Give the root folder to the deploy user. As root, run `install -d -o USER -m 700 /opt/sluice`.',
  },
  'journal.unwritable': {
    what: 'Sluice cannot write its journal on the host, usually because the disk is full.',
    fix: 'Free disk space on the host, then deploy again.',
  },
  'state.unreadable': {
    what: 'The app’s files on the host cannot be read or understood.',
    fix: 'Check the owner and the permissions of the app’s folder. Use the Sluice version that wrote it.',
  },
  'target.other': {
    what: 'The app’s folder on the host belongs to another target.',
    fix: 'Give each target on one server its own `root` and `app`.',
  },
  'preflight.port-taken': {
    what: 'A service publishes a port of the host that is already in use.',
    fix: 'If `docker compose ls` shows this app under another name, set `app` to that name: the deploy adopts it. Otherwise stop the program that uses the port, or publish another port.',
  },
  'preflight.network-changed': {
    what: 'A network of the compose file exists on the host with other settings, and Docker cannot change an existing network.',
    fix: 'Undo the change, or give the network a new name in the compose file: it is created beside the old one.',
  },
  'preflight.network-missing': {
    what: 'An external network of the compose file does not exist on the host.',
    fix: 'Create it on the host with `docker network create NAME`, or remove `external: true`.',
  },
  'preflight.compose-rejects': {
    what: 'Docker Compose on the host rejects the project that Sluice made from the compose files. Nothing was changed.',
    fix: 'Update docker-compose-plugin on the host, or remove the key that it names from the compose file.',
  },
  'preflight.address-taken': {
    what: 'Another container on the host uses the fixed address of a service of the compose file.',
    fix: 'Give the service another address, outside the range that the network assigns to containers.',
  },
  'preflight.container-missing': {
    what: 'A service shares the network, IPC namespace or processes of a named container that is not running on the host, or that the deploy replaces.',
    fix: 'Start that container first. For a service of the app, use `service:NAME`.',
  },
  'preflight.store-tied': {
    what: 'A store shares the network, IPC namespace or processes of a service that the deploy replaces.',
    fix: 'Deploy with `--replace STORE`, which restarts it together with that service.',
  },
  'image.platform': {
    what: 'An image is built for another platform than the host, or the `platform:` of the service, requires.',
    fix: 'Build it for the platform of the host (`build.platforms`). If the host emulates the platform of the image, set `platform:` in the compose file.',
  },
  'preflight.network-left': {
    what: 'The release uses a network that a store is not on, and a deploy does not touch stores.',
    fix: 'Connect the store to the network with the command in the message, or deploy with `--replace STORE`.',
  },
  'health.edge-settings': {
    what: 'The edge of a service keeps its old settings, because HAProxy refused the new ones.',
    fix: 'Read the log of the edge’s container with `docker logs`. Report the problem with the settings of the service in sluice.yml.',
  },
  'target.elsewhere': {
    what: 'Containers with this app’s name on the host belong to another folder: another app or target.',
    fix: 'Set another `app`, or set the `root` of the host to the folder that the app was deployed with.',
  },
  'target.repository': {
    what: 'The app’s folder on the host is deployed from another repository.',
    fix: 'Set another `app`. If the repository was renamed, remove the file `repository` in the app’s folder on the host.',
  },
  'host.disk-full': {
    what: 'The host’s disk is full.',
    fix: 'Free disk space (`docker system df`, `df -h`), then deploy again.',
  },
  'host.write-failed': {
    what: 'Sluice cannot write a file on the host.',
    fix: 'The deploy user must own the app’s folder.',
  },

  // Images and compose on the host
  'image.unresolved': {
    what: 'Sluice cannot get the digest of an image from the registry.',
    fix: 'Check that the image is pushed, its name is right and the registry is up. For a private registry, set SLUICE_REGISTRY_USER and SLUICE_REGISTRY_PASSWORD.',
  },
  'image.pull-failed': {
    what: 'A host cannot pull an image.',
    fix: 'Check that the registry is up and reachable from the host.',
  },
  'image.nowhere': {
    what: 'An image of `registry: none` is neither on the host nor in the Docker engine where Sluice runs.',
    fix: 'Run `sluice build --images FILE` on this machine and deploy with that file. Or roll back to a release that the hosts still have.',
  },
  'image.damaged': {
    what: 'An image or one of its layers does not match its digest. The host did not tag it.',
    fix: 'Run the deploy again. If the image of the local engine is damaged, build it again (`sluice build --force`).',
  },
  'image.load-failed': {
    what: 'The Docker engine of a host cannot load the images that were sent over SSH.',
    fix: 'Read the engine’s message below the error.',
  },
  'image.missing': {
    what: 'A service has neither an image nor a reference for this release.',
    fix: 'Give it an `image:` in the compose file, or pass --image SERVICE=REFERENCE or --images FILE.',
  },
  'compose.up-failed': {
    what: 'docker compose cannot start services on the host.',
    fix: 'Read the last line of its output, which gives the reason.',
  },
  'compose.mount-missing': {
    what: 'A service mounts a file that does not exist in the repository.',
    fix: 'Commit it, or use an absolute path for a file on the server. A key or a password comes from the target’s variables.',
  },
  'compose.mount-ignored': {
    what: 'A service mounts a file that git ignores: a fresh clone, such as that of a CI run, does not have it.',
    fix: 'Take secrets from the target’s variables (a compose secret with `environment:`), build other files into the image, or use an absolute path on the server.',
  },
  'compose.mount-outside': {
    what: 'A service mounts a file outside the repository, or in the home folder of the machine where Sluice runs.',
    fix: 'Move it into the repository, or use an absolute path for a file on the server.',
  },
  'compose.mount-link': {
    what: 'A mounted file is a link that is broken, circular or leads out of the repository.',
    fix: 'Commit the file itself, or use an absolute path for a file on the server.',
  },
  'compose.mount-data': {
    what: 'A service mounts a data file, or a data folder with files of the repository, as writable: a release cannot include data.',
    fix: 'Move the files of the repository out of the folder: without them it is a folder on the server. Or use a named volume, an absolute path, or `:ro` for configuration.',
  },
  'compose.mount-code': {
    what: 'A service mounts source code that its image does not contain: the server has no checkout to mount.',
    fix: 'Copy the code in the Dockerfile and remove the mount. Sluice leaves out a mount over code that the image contains.',
  },
  'compose.mount-large': {
    what: 'A mounted folder of the repository is larger than 20 MiB.',
    fix: 'Put data in a volume and source code in the image.',
  },
  'compose.local-file': {
    what: 'A service refers to a file in the checkout that Sluice does not copy to the server.',
    fix: 'Copy the file to the server and use its absolute path.',
  },
  'compose.port-clash': {
    what: 'Two services publish the same port of the server.',
    fix: 'Give one of them another port, or remove `ports:` from one of them.',
  },

  // The transaction
  'preflight.strategy-changed': {
    what: 'A service changes from `blue-green` to another strategy, or the reverse, while it is serving.',
    fix: 'Keep its strategy in sluice.yml, or give the service another name.',
  },
  'preflight.colors-differ': {
    what: 'The edges of an app serve different colors, because one of them was switched manually. New containers would replace serving ones.',
    fix: 'Switch the named service with the commands in the message, then deploy again.',
  },
  'preflight.data-elsewhere': {
    what: 'A container that Sluice did not start has its data in another folder or volume than the release, which starts without that data.',
    fix: 'Mount the folder or volume that has the data in a compose file, or move the data. The message has the commands.',
  },
  'preflight.failed': {
    what: 'The host is not ready for this deploy. Nothing was changed.',
    fix: 'Each line names a problem and its fix. `sluice doctor` shows the same without deploying.',
  },
  'backup.failed': {
    what: 'Sluice cannot dump the database. Nothing was changed.',
    fix: 'Check that the database is up and that its user can read all tables.',
  },
  'backup.no-database': {
    what: 'The database service is not running, so there is nothing to back up.',
    fix: 'Start it, or deploy with --no-backup.',
  },
  'backup.not-restorable': {
    what: 'The restored dump differs from the database. Nothing was changed.',
    fix: 'Check the difference in the message.',
  },
  'backup.unknown': {
    what: 'There is no backup with that name.',
    fix: 'Choose a backup that the message lists.',
  },
  'backup.corrupt': {
    what: 'The dump on the host is not the one that was made: its SHA-256 differs.',
    fix: 'Use another backup, and check the disk.',
  },
  'backup.no-hash': {
    what: 'The record of the backup has no SHA-256, so Sluice cannot verify the dump.',
    fix: 'Use another backup.',
  },
  'restore.failed': {
    what: 'Sluice cannot restore the backup. The live database was not changed.',
    fix: 'Read the database’s message below the error.',
  },
  'restore.roles-missing': {
    what: 'The backup has objects or grants of roles that the database server does not have. The database was not changed.',
    fix: 'Create the roles, or pass `--create-roles`.',
  },
  'restore.unconfirmed': {
    what: 'A restore replaces the database and must be confirmed.',
    fix: 'Type the name of the backup at the prompt, or pass --yes.',
  },
  'migrate.failed': {
    what: 'The migration failed. The old release is serving.',
    fix: 'Fix the migration and deploy again. If the schema is half-migrated, the message has the restore command.',
  },
  'migrate.locked': {
    what: 'The migration did not get a lock in time and gave up, so that the app’s queries do not queue behind it.',
    fix: 'Deploy again when the other transaction has ended, or raise `migrate.lock-timeout`.',
  },
  'job.failed': {
    what: 'A one-off service of the compose file failed. The new release got no traffic.',
    fix: 'Read its last log lines below the message.',
  },
  'health.exited': {
    what: 'A new container ended, or keeps restarting.',
    fix: 'Read its last log lines below the message.',
  },
  'health.unhealthy': {
    what: 'The health check of a new container reports unhealthy.',
    fix: 'Read its last log lines below the message.',
  },
  'health.timeout': {
    what: 'New containers did not become healthy in time. They got no traffic.',
    fix: 'Check that the app listens on 0.0.0.0 and the right port. The limit is `start-timeout` in sluice.yml, else start_period + interval × retries of the health check.',
  },
  'health.component': {
    what: 'The health endpoint of the new release reports an unhealthy component. The release got no traffic.',
    fix: 'Fix that component or the release.',
  },
  'switch.refused': {
    what: 'An edge did not switch. The old release is serving.',
    fix: 'Run `sluice status` to see which release it serves and why.',
  },
  'edge.unreachable': {
    what: 'The edge of a service does not answer, or the engine cannot start its container.',
    fix: 'Read `docker logs` of its container. sshd must allow AllowStreamLocalForwarding.',
  },
  'watch.reverted': {
    what: 'The guard reverted to the old release after the switch.',
    fix: 'Read the guard’s numbers in the message and the logs of the new release.',
  },
  'watch.url': {
    what: 'The public URL failed during the watch, and the switch was reverted.',
    fix: 'Check the new release. The URL must be reachable from where Sluice runs.',
  },
  'adopt.url': {
    what: 'The public URL failed after the adopted containers stopped. They were started again beside the new release.',
    fix: 'Make the proxy in front resolve the name again (nginx: reload), then deploy again with `--force`.',
  },
  'confirm.unreachable': {
    what: 'Sluice could not open a new connection to a host after the switch. The old release is serving.',
    fix: 'Check whether the new release changes the network, the firewall or sshd.',
  },

  // Rollback
  'release.unknown': {
    what: 'The host has no release of that name.',
    fix: 'Use one of the kept releases that the message lists.',
  },
  'release.none': {
    what: 'There is no earlier release to roll back to.',
    fix: 'Deploy an older tag instead.',
  },
  'release.not-a-tag': {
    what: 'This target accepts only version tags.',
    fix: 'Deploy from a tag such as v1.2.3, or pass one with --release.',
  },

  // Checks
  'checks.unknown': {
    what: 'The repository has no check of that name.',
    fix: 'Run `sluice check --dry-run` to list the checks and their reasons.',
  },
  'checks.repository': {
    what: 'git cannot list the files of this repository, so no check was run.',
    fix: 'Make `git status` work there. In a container, run `git config --global --add safe.directory` with the folder.',
  },
  'checks.since': {
    what: 'The base commit of the change does not exist in this clone.',
    fix: 'Name a branch, a tag or a commit that `git rev-parse` resolves. In a workflow, set `fetch-depth: 0` for actions/checkout.',
  },
  'checks.baseline': {
    what: 'The baseline (the file of accepted findings) is invalid, or `--accept` has no reason or an invalid date.',
    fix: 'Correct the line in the message. After a merge conflict keep the entries of both sides: each is on its own line.',
  },
  'checks.tool-missing': {
    what: 'A tool that a check needs is not on PATH, and `checks.tools` forbids the download or there is none for this platform.',
    fix: 'Install it on PATH, or allow the locked version (`checks.tools: auto`).',
  },
  'checks.tool-fetch': {
    what: 'A locked tool could not be downloaded or unpacked.',
    fix: 'Install it on PATH, or set SLUICE_TOOLS_MIRROR to a mirror of https://github.com.',
  },
  'checks.tool-hash': {
    what: 'The sha256 of a downloaded tool differs from the locked one. The file was deleted and not run.',
    fix: 'Check for a proxy or a mirror that modifies downloads. If the file came from GitHub itself, report it.',
  },
  'checks.tool-stolen': {
    what: 'A tool on PATH is a compromised release.',
    fix: 'Remove it, rotate every secret of the machine, and install another version.',
  },
  'checks.vulnerability-data': {
    what: 'There is no usable vulnerability database, and it could not be downloaded.',
    fix: 'Allow access to the registry of the database, set SLUICE_TRIVY_DB to a mirror, or restore the cache folder.',
  },
  'checks.manifest': {
    what: 'A manifest or lock file of a project cannot be parsed.',
    fix: 'Fix the line in the message.',
  },
  'checks.python': {
    what: 'The machine has no Python version that the project supports.',
    fix: 'Install a version that it supports. In a GitHub workflow, use actions/setup-python.',
  },
  'checks.environment': {
    what: 'The packages for a project’s checks could not be installed.',
    fix: 'See the last lines of the installer below the message.',
  },

  // Publication of a front end
  'cdn.none': {
    what: 'sluice.yml has no cdn section.',
    fix: `Add a cdn section. See ${docsUrl('cdn')} for its keys.`,
  },
  'cdn.dist': {
    what: 'The folder to publish is missing, or a file in it cannot be read or published.',
    fix: 'Build the front end first. `cdn.dist` is relative to the folder of sluice.yml.',
  },
  'cdn.not-built': {
    what: 'The folder contains the sources of a front end, not the output of its build.',
    fix: 'Run the build, and set `cdn.dist` to its output folder (`dist`, `build`, `out`).',
  },
  'cdn.empty': {
    what: 'The folder to publish or its index page is empty. Publishing it takes the site down.',
    fix: 'Check the output of the build.',
  },
  'cdn.no-index': {
    what: 'The folder has no index page at its top.',
    fix: 'Set `cdn.index` to the page, or fix the build.',
  },
  'cdn.missing-asset': {
    what: 'A page refers to a file that is missing in the folder. Visitors get an error.',
    fix: 'Fix the build or the reference.',
  },
  'cdn.secret-file': {
    what: 'The folder contains a file that must not be published: .env, .git, a private key.',
    fix: 'Remove it from the folder, or add it to `cdn.exclude`.',
  },
  'cdn.removed': {
    what: 'The release removes more of the site than `cdn.max-removed` allows.',
    fix: 'Check the list. If the removal is intended, publish with --allow-removals.',
  },
  'cdn.immutable': {
    what: 'The content of a file that browsers cache for a year changed under the same name.',
    fix: 'Add a hash of the content to the name (as bundlers do), or remove the file from `cdn.hashed`.',
  },
  'cdn.busy': {
    what: 'Another run is publishing to the same place.',
    fix: 'Wait for the end of that run and check its release (`sluice cdn status`). Run the command again if you still want yours.',
  },
  'cdn.moved': {
    what: 'Another release was published during this run.',
    fix: 'Check it (`sluice cdn status`). Run the command again if you still want this release.',
  },
  'cdn.manifest': {
    what: 'The manifest in the store cannot be read. It is damaged, or a newer version of Sluice wrote it.',
    fix: 'Use the newer version of Sluice. Rename a damaged manifest; the next publication adopts the contents of the bucket.',
  },
  'cdn.release': {
    what: 'The release to roll back to does not exist or is not kept.',
    fix: '`sluice cdn status` lists the kept releases.',
  },
  'cdn.lost': {
    what: 'A published file is missing in the store, or was replaced there.',
    fix: 'Another writer changes the bucket. `sluice cdn status --audit` lists all such files; `sluice cdn publish --repair` restores them.',
  },
  'cdn.credentials': {
    what: 'The credentials for the store are missing or incomplete.',
    fix: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or `cdn.role` for a job on GitHub.',
  },
  'cdn.role': {
    what: 'The role could not be assumed with GitHub’s OIDC token.',
    fix: 'The job needs `permissions: id-token: write`. The role’s trust policy must allow this repository and environment.',
  },
  'cdn.store-missing': {
    what: 'The bucket does not exist at that address.',
    fix: 'Check `cdn.store`, `cdn.endpoint` and `cdn.region`.',
  },
  'cdn.store-denied': {
    what: 'The store does not accept the credentials, or does not allow the request.',
    fix: `Compare the policy with the one in ${docsUrl('cdn')}.`,
  },
  'cdn.store-region': {
    what: 'The bucket is in another region.',
    fix: 'Set `cdn.region` to the region in the message.',
  },
  'cdn.store-refused': {
    what: 'The store refused a request.',
    fix: `The message quotes the store. See ${docsUrl('cdn')} for the requirements.`,
  },
  'cdn.store-unreachable': {
    what: 'The store cannot be reached, or was overloaded for too long.',
    fix: 'Run the command again. Uploaded files are not sent twice.',
  },
  'cdn.cloudfront': {
    what: 'The address of the CloudFront API is not an HTTP URL. Nothing was published.',
    fix: 'Correct or unset AWS_ENDPOINT_URL_CLOUDFRONT (or AWS_ENDPOINT_URL).',
  },
  'cdn.cloudflare': {
    what: 'The Cloudflare API token is missing or invalid, or the API address is not an HTTP URL. Nothing was published.',
    fix: 'Set CLOUDFLARE_API_TOKEN to a token with “Zone: Cache Purge” and “Zone: Read” for the zone.',
  },

  // Report
  'report.write': {
    what: 'Sluice cannot write the report of a deploy. The deploy itself is not affected.',
    fix: 'Free disk space, or allow writing to `.sluice/reports` beside sluice.yml.',
  },
} as const satisfies Record<string, CatalogueEntry>;

/** The entry of a code in docs/errors.md. */
export interface CatalogueEntry {
  readonly what: string;
  readonly fix: string;
}

export type ErrorCode = keyof typeof catalogue;
