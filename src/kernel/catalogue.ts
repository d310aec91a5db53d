import { docsUrl } from './docs.ts';

/**
 * Every error a user can meet, by code. One file, so that a code is never reused and docs/errors.md is complete.
 * `what` says what happened in general, `fix` what to do; the thrown message names the particular case.
 */
export const catalogue = {
  // Arguments and surroundings
  'usage.argument': { what: 'An argument or option is wrong.', fix: 'Run the command with --help.' },
  'input.value': {
    what: 'An input of an action has a value that it does not take.',
    fix: 'The README of the action has the type and the default of every input.',
  },
  'input.unknown': {
    what: 'A step gives an action an input that it does not have.',
    fix: 'Correct or remove it; the README of the action lists all inputs.',
  },
  'input.conflict': {
    what: 'Inputs of an action contradict each other.',
    fix: 'Give one of the two that the message names.',
  },
  'input.no-secrets': {
    what: 'The run gets no secrets: it is for a pull request from a fork, or by Dependabot.',
    fix: 'Deploy from a branch or a tag of the repository. On such pull requests build only.',
  },
  'input.keys-beside-checks': {
    what: 'A step has a key of a server, a store or a registry in the same job as checks, which run the code of the change.',
    fix: 'Run the checks in a job of their own, without secrets. `sluice init` writes such workflows.',
  },
  'input.keys-in-change': {
    what: 'A run for code that is not merged (a pull request, a merge queue) was given a key of a server or a store.',
    fix: 'Deploy from a branch or a tag, on push or workflow_dispatch.',
  },
  'job.files': {
    what: 'A file that GitHub’s runner promised to an action cannot be written or read.',
    fix: 'Is the disk of the runner full? On a runner of your own, look at its _work/_temp folder.',
  },
  cancelled: {
    what: 'The run was cancelled (Ctrl-C, SIGTERM, or a cancelled job).',
    fix: 'What was begun has been undone, or the guard undoes it. Run `sluice status`, then run the command again.',
  },
  'process.missing': { what: 'A program Sluice needs is not on PATH.', fix: 'Install it where Sluice runs.' },
  'process.timeout': {
    what: 'A program Sluice ran took too long and was ended.',
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
    what: 'The repository has no compose file, so there is nothing that Sluice could deploy.',
    fix: 'Write one that starts the app; the message has a beginning, made from the Dockerfiles or sources there are.',
  },
  'init.write': {
    what: 'A file of `sluice init` could not be written.',
    fix: 'Allow writing there, or print the files with `sluice init --print` and copy them.',
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
    what: 'A service has the name that Sluice gives to the containers or the edge of another one.',
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
    fix: 'Write `build: ./folder` at the service whose image is your own.',
  },
  'build.repository': {
    what: 'Nothing says where an image is to be pushed.',
    fix: 'Set `registry:` in sluice.yml, or `image:` beside `build:` in the compose file.',
  },
  'build.conflict': {
    what: 'Two services build different images under one name.',
    fix: 'Give each its own `image:`, or make the two `build:` sections alike.',
  },
  'build.context': {
    what: 'A named context of a build is the image of a service that builds nothing.',
    fix: 'Write `build:` at that service, or `docker-image://NAME` as the context.',
  },
  'build.cycle': {
    what: 'Builds need each other’s images in a circle, so none of them can be the first.',
    fix: 'Remove one of the links: a `FROM` or `COPY --from` of the other’s image, or a `service:` context.',
  },
  'build.stage-name': {
    what: 'A Dockerfile gives a stage the name of an image that another service builds, and BuildKit cannot tell them apart.',
    fix: 'Rename the stage: `FROM acme-base AS base`.',
  },
  'build.files': {
    what: 'A build context or Dockerfile of the compose files does not exist.',
    fix: 'Fix `build:` of the service, or commit the file: a fresh clone has only what git tracks.',
  },
  'build.unsupported': {
    what: 'A key of `build:` asks for what the installed buildx, or the builder, can’t do or does not allow.',
    fix: 'Install the version named, let the builder allow it, or take the key out.',
  },
  'build.checkout': {
    what: 'What is checked out cannot be named: git has no commit there, or one that no branch or tag of the repository is known to have.',
    fix: 'Check out a branch or a tag by its name, with `fetch-depth: 0` for any other commit, or name the tags.',
  },
  'build.secret': {
    what: 'A secret that a build needs is not there.',
    fix: 'Set the variable or create the file that `secrets:` of the compose file names.',
  },
  'build.builder': {
    what: 'There is no Docker engine, or no buildx, where Sluice runs.',
    fix: 'Start the engine; install docker-buildx-plugin (0.13 or newer).',
  },
  'build.dockerfile': {
    what: 'A Dockerfile (or the build’s definition) is wrong; nothing was pushed.',
    fix: 'Mend the line named.',
  },
  'build.failed': {
    what: 'A step of a build failed; nothing was pushed.',
    fix: 'Its last lines are below the message.',
  },
  'build.base': {
    what: 'A base image could not be fetched; nothing was pushed.',
    fix: 'Is its name right, and the registry in reach? A private one needs `docker login` first.',
  },
  'build.disk-full': {
    what: 'The disk of the builder is full; nothing was pushed.',
    fix: 'Free space: `docker builder prune` removes build cache, `docker image prune` images nobody uses.',
  },
  'build.smoke': {
    what: 'The smoke command of a new image failed; nothing was pushed under any tag.',
    fix: 'Its last lines are below the message; it runs without network and without the service’s variables.',
  },
  'build.push': {
    what: 'An image could not be pushed; no tag of this build was set.',
    fix: 'The registry’s own words are below the message.',
  },
  'build.tags': {
    what: 'Not all images of the set could be tagged, and what had been tagged was put back.',
    fix: 'Run again: the images are in the registry, so it takes a second.',
  },

  'build.carried': {
    what: '`registry: none` asks for what only a registry can hold, or for another builder than the Docker engine itself.',
    fix: 'Build with the driver `docker`, for one platform, without sbom and provenance; or name a registry.',
  },

  // Image registries
  'registry.denied': {
    what: 'A registry refuses access.',
    fix: 'Set SLUICE_REGISTRY_USER and SLUICE_REGISTRY_PASSWORD (GITHUB_TOKEN for ghcr.io), or run `docker login` first.',
  },
  'registry.throttled': {
    what: 'A registry takes no more requests for now (429).',
    fix: 'Wait and run again; a login has a higher limit than none.',
  },
  'registry.unavailable': {
    what: 'A registry answers with errors, or not at all.',
    fix: 'Run again when it works: nothing that was built or pushed is lost.',
  },
  'registry.protocol': {
    what: 'What answers at the registry’s address does not behave as a registry.',
    fix: 'Check the name; a proxy or a login page may answer in its place.',
  },

  // The connection to a host
  'host.dns': {
    what: 'The name of a host (or of its jump host) does not resolve.',
    fix: 'Correct the address in sluice.yml, or the DNS entry.',
  },
  'host.refused': {
    what: 'Nothing listens on the SSH port of the host.',
    fix: 'Check address and port in sluice.yml, that sshd runs, and that no firewall rejects the port.',
  },
  'host.unreachable': {
    what: 'There is no route to the host.',
    fix: 'Check the address, the network between the two, and VPN or firewall rules.',
  },
  'host.connect-timeout': {
    what: 'The host did not answer, or did not finish the SSH handshake, in time.',
    fix: 'Check address and port; a firewall that drops packets looks exactly like this.',
  },
  'host.closed-early': {
    what: 'The host closed the connection before SSH began.',
    fix: 'sshd drops connections over its MaxStartups, and fail2ban or hosts.deny may ban the address: see its log.',
  },
  'host.not-ssh': {
    what: 'What answers on the port does not speak SSH.',
    fix: 'Correct the port in sluice.yml.',
  },
  'host.no-common-algorithm': {
    what: 'Sluice and the host have no key exchange, cipher, MAC or host key algorithm in common.',
    fix: 'Bring the OpenSSH server up to date (7.2 or later), or undo what narrows its algorithms in sshd_config.',
  },
  'host.key-unknown': {
    what: 'The host key is neither pinned in sluice.yml nor in known_hosts.',
    fix: 'Compare the fingerprint with the one of the server, then pin the key with the line shown.',
  },
  'host.key-changed': {
    what: 'The host presented another key than the known one. Someone may be intercepting the connection.',
    fix: 'Do not deploy until you know why. If the server was rebuilt, pin its new key.',
  },
  'host.key-revoked': {
    what: 'The host presented a key that known_hosts marks as @revoked.',
    fix: 'Do not deploy: give the server a new host key and pin that.',
  },
  'host.key-malformed': {
    what: 'A pinned host key (or a line of known_hosts) is not a key nor a fingerprint.',
    fix: 'Write `ssh-ed25519 AAAA…` or `SHA256:…` as printed by ssh-keyscan or ssh-keygen -l.',
  },
  'host.known-hosts': {
    what: 'A known_hosts file exists but cannot be read.',
    fix: 'Make it readable, or give its text in SLUICE_KNOWN_HOSTS.',
  },
  'host.login-key-missing': {
    what: 'There is no private key to log in with.',
    fix: 'Set SLUICE_SSH_KEY (text) or SLUICE_SSH_KEY_FILE (path), or start an ssh-agent that holds the key.',
  },
  'host.login-key-malformed': {
    what: 'The private key is not one Sluice can read.',
    fix: 'Give the whole text from -----BEGIN to -----END; `ssh-keygen -p -f KEY` rewrites a key in the usual format.',
  },
  'host.login-key-public': {
    what: 'A public key was given where the private key is needed.',
    fix: 'Give the file without .pub.',
  },
  'host.login-key-encrypted': {
    what: 'The private key is encrypted and there is no passphrase.',
    fix: 'Set SLUICE_SSH_PASSPHRASE, or load the key into an ssh-agent.',
  },
  'host.login-key-passphrase': {
    what: 'The passphrase does not open the private key.',
    fix: 'Correct SLUICE_SSH_PASSPHRASE.',
  },
  'host.agent': {
    what: 'The ssh-agent that SSH_AUTH_SOCK names does not answer, holds no key, or would not sign.',
    fix: 'Start it, add the key with ssh-add, or set SLUICE_SSH_KEY.',
  },
  'host.login-refused': {
    what: 'The host refused the login.',
    fix: "Add the public key to the user's ~/.ssh/authorized_keys, and check sshd's log on the host.",
  },
  'host.login-attempts': {
    what: 'The host ended the login after too many keys.',
    fix: 'Name the right key with SLUICE_SSH_KEY or SLUICE_SSH_KEY_FILE, so that it is the only one tried.',
  },
  'host.jump-refused': {
    what: 'The jump host would not pass the connection on.',
    fix: 'Check that the jump host reaches the host, and AllowTcpForwarding in its sshd_config.',
  },
  'host.connection-lost': {
    what: 'The SSH connection to a host broke.',
    fix: 'Check the host and the network, then run the command again: it finishes or undoes what was begun.',
  },
  'host.closed': {
    what: 'The connection to a host was used after Sluice had closed it.',
    fix: 'Run the command again; if it happens twice, report it.',
  },
  'host.ssh': {
    what: 'The SSH connection failed in a way Sluice does not know.',
    fix: 'Run with --verbose, and try `ssh -v` to the same host.',
  },

  // What runs on a host
  'host.sessions-refused': {
    what: 'The host opens no more sessions on the connection.',
    fix: 'Raise MaxSessions in its sshd_config (10 is the default of OpenSSH).',
  },
  'host.shell-refused': {
    what: "The user's login shell on the host did not start our commands.",
    fix: 'Give the user a shell such as /bin/sh, and remove a forced command from authorized_keys or sshd_config.',
  },
  'host.command-timeout': {
    what: 'A command on a host took too long and was ended there.',
    fix: 'Read its last lines above.',
  },
  'host.command-broken': {
    what: 'A command on a host ended without an exit status.',
    fix: 'Look for out-of-memory kills and restarts of sshd in the log of the host.',
  },
  'host.dialogue-ended': {
    what: 'A program that Sluice keeps open on a host ended before its time.',
    fix: 'Read its last lines above.',
  },
  'host.socket-unreachable': {
    what: 'A unix socket on the host cannot be connected to.',
    fix: 'Check that its program runs, its file permissions, and AllowStreamLocalForwarding in sshd_config.',
  },
  'host.tcp-unreachable': {
    what: 'The host cannot connect to an address of its own network.',
    fix: 'Check that the program there listens.',
  },
  'host.forwarding-refused': {
    what: 'sshd on the host forbids forwarding.',
    fix: 'Set AllowTcpForwarding and AllowStreamLocalForwarding to yes for this user in sshd_config.',
  },
  'host.engine-denied': {
    what: 'The user may not use the Docker engine of the host.',
    fix: 'Add the user to the group docker (sudo usermod -aG docker USER); it takes effect at the next login.',
  },
  'host.engine-missing': {
    what: 'There is no Docker on the host.',
    fix: 'Install Docker Engine and its compose plugin on the host.',
  },
  'host.engine-down': {
    what: 'The Docker engine of the host does not answer.',
    fix: 'Start it (sudo systemctl start docker) and look at its log (journalctl -u docker).',
  },
  'host.engine-broken': {
    what: 'The Docker engine closed a connection in the middle of a request.',
    fix: 'It was probably restarted; run the command again.',
  },
  'host.probe': {
    what: 'The answer of a host about itself makes no sense.',
    fix: "Run with --verbose to see it; something in the user's shell start-up may interfere.",
  },

  // Lease, journal and state on the host
  'lease.held': {
    what: 'Another run deploys this app on this host.',
    fix: 'Wait for it; the message names who, since when and where. A dead run frees its lease by itself within 45 s.',
  },
  'lease.lost': {
    what: 'The lease was lost in the middle of a run (the connection was cut for too long).',
    fix: 'Run `sluice status`; the next deploy finishes or undoes what this one began.',
  },
  'lease.unusable': {
    what: 'The app’s folder on the host cannot be written.',
    fix: 'Make the root folder belong to the deploy user: `install -d -o USER -m 700 /opt/sluice` as root.',
  },
  'journal.unwritable': {
    what: 'The journal on the host cannot be written, usually because the disk is full.',
    fix: 'Free disk space on the host, then deploy again.',
  },
  'state.unreadable': {
    what: 'The app’s files on the host cannot be read or understood.',
    fix: 'Check owner and rights of the app’s folder; use the Sluice version that wrote it.',
  },
  'target.other': {
    what: 'The app’s folder on the host belongs to another target.',
    fix: 'Give each target on one server its own `root` and `app`.',
  },
  'preflight.port-taken': {
    what: 'A port of the host that a service publishes belongs to something else there.',
    fix: 'Stop what has the port (`docker ps`, `ss -ltnp`), or publish another one.',
  },
  'preflight.network-changed': {
    what: 'A network of the compose file exists on the host with other settings, and Docker cannot change one that exists.',
    fix: 'Undo the change, or give the network a new name in the compose file: it is created beside the old one.',
  },
  'preflight.network-missing': {
    what: 'A network that the compose file has as external does not exist on the host.',
    fix: 'Create it on the host with `docker network create NAME`, or remove `external: true`.',
  },
  'preflight.compose-rejects': {
    what: 'Docker Compose on the host does not accept the project that Sluice made of the compose files; nothing was changed.',
    fix: 'Update docker-compose-plugin on the host, or remove the key that it names from the compose file.',
  },
  'preflight.address-taken': {
    what: 'Another container of the host has the fixed address that a service of the compose file is given.',
    fix: 'Give the service another address, outside of the range that the network gives to other containers.',
  },
  'preflight.container-missing': {
    what: 'A service shares the network, the IPC or the processes of a container by its name, and no container of this name stays on the host.',
    fix: 'Start that container first, or use `service:NAME` for a service of the app.',
  },
  'preflight.store-tied': {
    what: 'A store shares the network, the IPC or the processes of a service that the deploy replaces.',
    fix: 'Deploy with `--replace STORE`, which restarts it together with that service.',
  },
  'image.platform': {
    what: 'An image is made for another platform than the host has, or than the service asks for.',
    fix: 'Build it for the platform of the host (`build.platforms`), or write `platform:` in the compose file where the host emulates it.',
  },
  'preflight.network-left': {
    what: 'The release uses a network that a store, which a deploy leaves as it runs, is not on.',
    fix: 'Connect the store to the network with the command of the message, or deploy with `--replace STORE`.',
  },
  'health.edge-settings': {
    what: 'The edge of a service goes on with its old settings: HAProxy refuses the new ones.',
    fix: 'Read the log of the edge’s container; report the settings of the service in sluice.yml.',
  },
  'target.elsewhere': {
    what: 'Containers of this app’s name on the host belong to another folder: another app, or another target.',
    fix: 'Give this one another `app`, or its host the `root` that it was deployed with.',
  },
  'target.repository': {
    what: 'The app’s folder on the host is deployed from another repository.',
    fix: 'Give this app another `app`. After a rename remove the file `repository` in the app’s folder on the host.',
  },
  'host.disk-full': {
    what: 'The host’s disk is full.',
    fix: 'Free space (`docker system df`, `df -h`), then deploy again.',
  },
  'host.write-failed': {
    what: 'A file on the host could not be written.',
    fix: 'The deploy user must own the app’s folder.',
  },

  // Images and compose on the host
  'image.unresolved': {
    what: 'The registry did not give the digest of an image.',
    fix: 'Is it pushed, is the name right, is the registry up? Set SLUICE_REGISTRY_USER and SLUICE_REGISTRY_PASSWORD for a private one.',
  },
  'image.pull-failed': {
    what: 'An image could not be pulled on a host.',
    fix: 'Is the registry up and reachable from the host?',
  },
  'image.nowhere': {
    what: 'An image of `registry: none` is neither on the host nor in the Docker engine where Sluice runs.',
    fix: 'Run `sluice build --images FILE` on this machine and deploy with that file, or roll back to a release that the hosts still have.',
  },
  'image.damaged': {
    what: 'An image, or a layer of one, is not what its digest says. Nothing of it was given a name on the host.',
    fix: 'Run the deploy again; build again (`sluice build --force`) when it is the local engine’s image.',
  },
  'image.load-failed': {
    what: 'The Docker engine of a host could not load the images that were sent over SSH.',
    fix: 'Its own words are below the message.',
  },
  'image.missing': {
    what: 'A service has neither an image nor a reference for this release.',
    fix: 'Give it an `image:` in the compose file, or pass --image SERVICE=REFERENCE or --images FILE.',
  },
  'compose.up-failed': {
    what: 'docker compose could not start services on the host.',
    fix: 'Its own last line says why.',
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
    what: 'A service that was deployed as blue-green is to be deployed in another way, or the other way round.',
    fix: 'Keep its strategy in sluice.yml, or give the service another name.',
  },
  'preflight.colors-differ': {
    what: 'The edges of an app serve different colors, because one of them was switched manually: new containers would take the place of those that serve.',
    fix: 'Switch the service that the message names with the commands of the message, then deploy again.',
  },
  'preflight.data-elsewhere': {
    what: 'A container that Sluice did not start keeps its data in another folder or volume than the release: the release would start without it.',
    fix: 'Write the folder or volume where the data is in a compose file, or move the data; the message has the commands.',
  },
  'preflight.failed': {
    what: 'The host is not ready for this deploy; nothing was changed.',
    fix: 'Each line says what is missing and how to mend it. `sluice doctor` shows the same without deploying.',
  },
  'backup.failed': {
    what: 'The database could not be dumped; nothing was changed.',
    fix: 'Is it up, and may its user read all tables?',
  },
  'backup.no-database': {
    what: 'The database service does not run, so there is nothing to back up.',
    fix: 'Start it; or deploy with --no-backup.',
  },
  'backup.not-restorable': {
    what: 'The dump did not restore to what was dumped; nothing was changed.',
    fix: 'Look at the difference in the message.',
  },
  'backup.unknown': {
    what: 'There is no backup of that name.',
    fix: 'The message lists those there are.',
  },
  'backup.corrupt': {
    what: 'The dump on the host is not the one that was made (its SHA-256 differs).',
    fix: 'Use another backup, and look after the disk.',
  },
  'backup.no-hash': {
    what: 'The record of the backup has no SHA-256, so nothing shows that the dump is the one that was made.',
    fix: 'Use another backup.',
  },
  'restore.failed': {
    what: 'The backup could not be restored; the database serves as before.',
    fix: 'The database’s own words are below the message.',
  },
  'restore.roles-missing': {
    what: 'The backup has objects or grants of roles that the database server does not have. The database was not changed.',
    fix: 'Create the roles, or pass `--create-roles`.',
  },
  'restore.unconfirmed': {
    what: 'A restore replaces the database and must be asked for by name.',
    fix: 'Type the backup’s name when asked, or pass --yes.',
  },
  'migrate.failed': {
    what: 'The migration ended with an error; the old release serves.',
    fix: 'Mend it and deploy again; if it left the schema half-changed, the message has the restore command.',
  },
  'migrate.locked': {
    what: 'The migration could not get a lock in time and gave up, so that the app’s queries did not queue behind it.',
    fix: 'Deploy again when the other transaction is over, or raise migrate.lock-timeout.',
  },
  'job.failed': {
    what: 'A one-off service of the compose file ended with an error before the new release was started.',
    fix: 'Its last lines are below the message.',
  },
  'health.exited': {
    what: 'A new container ended, or restarts in a loop.',
    fix: 'Its last lines are below the message.',
  },
  'health.unhealthy': {
    what: 'A new container’s health check says unhealthy.',
    fix: 'Its last lines are below the message.',
  },
  'health.timeout': {
    what: 'New containers were not well in time; they got no traffic.',
    fix: 'Does the app listen on 0.0.0.0 and the right port? The time comes from the health check’s start_period + interval × retries.',
  },
  'health.component': {
    what: 'The new release’s health endpoint names a component that is not well; it got no traffic.',
    fix: 'Mend that component or the release.',
  },
  'switch.refused': {
    what: 'An edge did not switch; the old release serves.',
    fix: '`sluice status` shows what it serves and why.',
  },
  'edge.unreachable': {
    what: 'The edge of a service does not answer, or the engine cannot start its container.',
    fix: 'Look at `docker logs` of its container; sshd needs AllowStreamLocalForwarding.',
  },
  'watch.reverted': {
    what: 'The guard took the new release out after the switch; the old one serves.',
    fix: 'The message has the guard’s numbers; look at the new release’s logs.',
  },
  'watch.url': {
    what: 'The public URL did not answer well while the new release was watched; the switch was taken back.',
    fix: 'The URL must be reachable from where Sluice runs.',
  },
  'adopt.url': {
    what: 'The public URL failed after the adopted containers stopped. They were started again beside the new release.',
    fix: 'Make the proxy in front resolve the name again (nginx: reload), then deploy again with `--force`.',
  },
  'confirm.unreachable': {
    what: 'No new connection could be made to a host after the switch; the old release serves.',
    fix: 'Does the new release change the network, the firewall or sshd?',
  },

  // Rollback
  'release.unknown': {
    what: 'There is no release of that name on the host.',
    fix: 'The message lists those that are kept.',
  },
  'release.none': {
    what: 'There is no earlier release to go back to.',
    fix: 'Deploy an older tag instead.',
  },
  'release.not-a-tag': {
    what: 'This target takes releases from version tags only.',
    fix: 'Deploy from a tag such as v1.2.3, or pass --release.',
  },

  // Checks
  'checks.unknown': {
    what: 'There is no check of that name in this repository.',
    fix: '`sluice check --plan` lists the checks and why each is there.',
  },
  'checks.repository': {
    what: 'Git keeps this folder, and can not say what is in it: nothing was checked.',
    fix: 'Make `git status` work there. In a container, `git config --global --add safe.directory` with the folder.',
  },
  'checks.since': {
    what: 'The commit that the change is to be compared with does not exist here.',
    fix: 'Name a branch, a tag or a commit that `git rev-parse` knows; in a workflow, give actions/checkout `fetch-depth: 0`.',
  },
  'checks.baseline': {
    what: 'The file with the accepted findings is not what Sluice writes, or it was told to accept without a reason.',
    fix: 'Correct the line that the message names. After a merge keep the entries of both sides: each is a line of its own.',
  },
  'checks.tool-missing': {
    what: 'A tool that a check needs is not on PATH, and may or can not be fetched for this machine.',
    fix: 'Install it on PATH, or allow the locked version (`checks.tools: auto`).',
  },
  'checks.tool-fetch': {
    what: 'A locked tool could not be fetched or unpacked.',
    fix: 'Install it on PATH, or name a mirror of https://github.com in SLUICE_TOOLS_MIRROR.',
  },
  'checks.tool-hash': {
    what: 'A tool that was fetched is not the one that is locked: its sha256 is another. It was deleted and not run.',
    fix: 'Look for a proxy or a mirror that alters downloads. If the file came from GitHub itself, report it.',
  },
  'checks.tool-stolen': {
    what: 'A tool on PATH is of a release that was not made by its makers, but by thieves.',
    fix: 'Remove it, replace every secret that the machine has, and install another version.',
  },
  'checks.vulnerability-data': {
    what: 'There is no usable vulnerability database, and it could not be fetched.',
    fix: 'Allow the registry of the database, name a mirror in SLUICE_TRIVY_DB, or restore the cache folder.',
  },
  'checks.manifest': {
    what: 'A file that says what a project of the repository is made of can’t be read.',
    fix: 'Mend the line named.',
  },
  'checks.python': {
    what: 'There is no Python where Sluice runs that a project of the repository allows.',
    fix: 'Install the version it asks for; on GitHub’s runners actions/setup-python does it.',
  },
  'checks.environment': {
    what: 'The packages that a project’s checks need could not be installed.',
    fix: 'The installer’s last lines are below the message.',
  },

  // Publication of a front end
  'cdn.none': {
    what: 'sluice.yml has no cdn section.',
    fix: `Add a cdn section. See ${docsUrl('cdn')} for its keys.`,
  },
  'cdn.dist': {
    what: 'The folder that is to be published is missing, or something in it cannot be read or published.',
    fix: 'Build the front end first; `cdn.dist` counts from the folder of sluice.yml.',
  },
  'cdn.not-built': {
    what: 'The folder holds sources of a front end, not what its build makes of them.',
    fix: 'Run the build, and name the folder it writes (`dist`, `build`, `out`) in `cdn.dist`.',
  },
  'cdn.empty': {
    what: 'The folder to be published is empty, or nearly: publishing it would take the site down.',
    fix: 'Look at the build’s output.',
  },
  'cdn.no-index': {
    what: 'The folder has no index page at its top.',
    fix: 'Name the page in `cdn.index`, or mend the build.',
  },
  'cdn.missing-asset': {
    what: 'A page names a file that the folder does not have; visitors would get an error.',
    fix: 'Mend the build, or the reference.',
  },
  'cdn.secret-file': {
    what: 'The folder holds a file that nobody should publish: .env, .git, a private key.',
    fix: 'Take it out of the folder, or name it in `cdn.exclude`.',
  },
  'cdn.removed': {
    what: 'The release would take away more of the site than `cdn.max-removed` allows.',
    fix: 'Look at the list; if it is right, publish with --allow-removals.',
  },
  'cdn.immutable': {
    what: 'A file that browsers were told to keep for a year has other content now, under the same name.',
    fix: 'Put a hash of the content into the name (as bundlers do), or take the file out of `cdn.hashed`.',
  },
  'cdn.busy': {
    what: 'Somebody else is publishing to the same place.',
    fix: 'Wait until that run is done, look at what it published, and run again if it is still wanted.',
  },
  'cdn.moved': {
    what: 'Another release was published while this run was at work.',
    fix: 'Look at it (`sluice cdn status`), and run again if this one is still wanted.',
  },
  'cdn.manifest': {
    what: 'The manifest in the store cannot be read: damaged, or written by a newer Sluice.',
    fix: 'Use the newer Sluice. A damaged manifest can be put aside; the next publication then adopts what is there.',
  },
  'cdn.release': {
    what: 'There is no such release to go back to.',
    fix: '`sluice cdn status` lists those that are kept.',
  },
  'cdn.lost': {
    what: 'A file that the store should hold is not there, or is not the one that Sluice put there.',
    fix: 'Somebody else writes to the bucket. `sluice cdn status --audit` lists all such files; `sluice cdn publish --repair` puts them right.',
  },
  'cdn.credentials': {
    what: 'There are no credentials for the store, or not all parts of them.',
    fix: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or `cdn.role` for a job on GitHub.',
  },
  'cdn.role': {
    what: 'The role could not be taken with GitHub’s OIDC token.',
    fix: 'The job needs `permissions: id-token: write`, and the role’s trust policy this repository and branch.',
  },
  'cdn.store-missing': {
    what: 'There is no such bucket at that address.',
    fix: 'Check `cdn.store`, `cdn.endpoint` and `cdn.region`.',
  },
  'cdn.store-denied': {
    what: 'The store does not accept the credentials, or does not allow the request.',
    fix: 'docs/cdn.md has the policy that Sluice needs.',
  },
  'cdn.store-region': {
    what: 'The bucket is in another region.',
    fix: 'Put the one named into `cdn.region`.',
  },
  'cdn.store-refused': {
    what: 'The store refused a request.',
    fix: 'The message has the store’s words; docs/cdn.md has what stores must be able to do.',
  },
  'cdn.store-unreachable': {
    what: 'The store cannot be reached, or was busy for too long.',
    fix: 'Run again: what is there already is not sent twice.',
  },
  'cdn.cloudfront': {
    what: 'CloudFront was not told what has changed, or refused it.',
    fix: 'The site is published; visitors may get the old pages until they expire. Run again: it is told then.',
  },
  'cdn.cloudflare': {
    what: 'Cloudflare was not told what has changed, or refused it.',
    fix: 'The site is published; visitors may get the old pages until they expire. Run again: it is told then.',
  },

  // Report
  'report.write': {
    what: 'The report of a deploy could not be written; the deploy itself is not touched by this.',
    fix: 'Make room for and allow writing to `.sluice/reports` beside sluice.yml.',
  },
} as const satisfies Record<string, CatalogueEntry>;

/** What docs/errors.md says of a code. */
export interface CatalogueEntry {
  readonly what: string;
  readonly fix: string;
}

export type ErrorCode = keyof typeof catalogue;
