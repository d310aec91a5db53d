-- The replicas of each color: resolves their addresses with Docker's DNS, and assigns them to the empty server slots of
-- HAProxy's backends.
--
-- HAProxy's own `resolvers` are not used, because
--   * they mark a new address as UP before its first health check;
--   * they cannot resolve on demand, and only they can set the address of their slots;
--   * they query a color without containers forever, and dockerd logs an error for each query.
--
-- A replica joins after two successful health checks in a row. They are made here, every 50 ms, so that it serves as soon
-- as possible: HAProxy's checks alone are up to a second later. From then on HAProxy checks it.

local dns = require('dns')

local replicas = {}

local TICK_MS = 50
local LOOK_EVERY = 0.25   -- s between queries for a color with containers
local LOOK_RARELY = 1     -- s between queries for a color without containers: dockerd logs each
local LOOK_ON = 5         -- s of queries for a color without containers, after the edge's start or the last container's end
local LOOK_EXPECTING = 30 -- s of queries for an announced color
local KEEP_UNLISTED = 60  -- s that healthy replicas keep serving after DNS lost their color
local PROBE_CONNECT = 0.05 -- s; interval of the three connection attempts of HAProxy's Lua sockets
local PROVEN_BY = 2       -- good answers in a row; a single one may be the last of a process that ends
local EAGER = 30          -- s of probes every 50 ms for a starting replica, then every 500 ms

local setup               -- see replicas.start
local colours = {}        -- color → its state

local function backends_of(colour)
  local list = {}
  for i, port in ipairs(setup.ports) do list[i] = core.backends[colour .. '_' .. port] end
  return list
end

local function each_server(colour, slot, act)
  for _, backend in ipairs(colour.backends) do act(backend.servers[slot]) end
end

local function is_up(colour, slot)
  local up = true
  each_server(colour, slot, function(server) up = up and server:get_stats().status:sub(1, 2) == 'UP' end)
  return up
end

local function is_good_status(code)
  for part in setup.health.expect:gmatch('[^,]+') do
    local from, to = part:match('^(%d+)-?(%d*)$')
    if code >= tonumber(from) and code <= (tonumber(to) or tonumber(from)) then return true end
  end
  return false
end

-- Returns the result as HAProxy's checks do: 'L7OK', 'L4OK', 'L7STS', 'L7TOUT', 'L4CON'.
local function probe(ip)
  local health = setup.health
  local socket = core.tcp()
  socket:settimeout(PROBE_CONNECT)
  local result = 'L4OK'
  if not socket:connect(ip, health and health.port or setup.ports[1]) then
    result = 'L4CON'
  elseif health then
    socket:settimeout(health.timeout)
    socket:send(('GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: sluice-edge\r\n%sConnection: close\r\n\r\n'):format(
      health.path, health.host, health.headers))
    local code = tonumber((socket:receive('*l') or ''):match('^HTTP/1%.[01] (%d%d%d)'))
    result = not code and 'L7TOUT' or is_good_status(code) and 'L7OK' or 'L7STS'
  end
  socket:close()
  return result
end

local function prove(colour, slot, replica)
  core.msleep(1) -- HAProxy applies an address only after the task that set it has paused.
  local since, good = setup.now(), 0
  while colour.slots[slot] == replica do
    local fine, result = pcall(probe, replica.ip)
    replica.check = fine and result or 'L4CON'
    if colour.slots[slot] ~= replica then return end
    good = (replica.check == 'L7OK' or replica.check == 'L4OK') and good + 1 or 0
    if good >= PROVEN_BY then
      replica.proven = true
      each_server(colour, slot, function(server) server:set_ready() end)
      return
    end
    core.msleep(setup.now() - since < EAGER and 50 or 500)
  end
end

local function occupy(colour, slot, ip)
  local replica = { ip = ip, proven = false, check = '' }
  each_server(colour, slot, function(server) server:set_addr(ip) end)
  colour.slots[slot] = replica
  core.register_task(prove, colour, slot, replica)
end

local function vacate(colour, slot)
  each_server(colour, slot, function(server) server:set_maint() end)
  colour.slots[slot] = nil
end

-- Addresses for the slots, from DNS. While DNS lists none, announced addresses count (an adopted container has no name with
-- a color). If a name vanishes, its healthy replicas stay for a while.
local function wanted(colour, now)
  if #colour.listed > 0 then return colour.listed end
  if #colour.announced > 0 then return colour.announced end
  local kept = {}
  if now - colour.vanished < KEEP_UNLISTED then
    for slot, replica in pairs(colour.slots) do
      if is_up(colour, slot) then kept[#kept + 1] = replica.ip end
    end
  end
  return kept
end

local function settle(colour, now)
  local missing, before = {}, replicas.addresses(colour.name)
  for _, ip in ipairs(wanted(colour, now)) do missing[ip] = true end
  for slot, replica in pairs(colour.slots) do
    if missing[replica.ip] then missing[replica.ip] = nil else vacate(colour, slot) end
  end
  for _, slot in ipairs(colour.names) do
    local ip = not colour.slots[slot] and next(missing)
    if ip then
      missing[ip] = nil
      occupy(colour, slot, ip)
    end
  end
  colour.left_out = next(missing) ~= nil
  local after = replicas.addresses(colour.name)
  if after == before then return end
  core.log(core.notice, ('%s is at %s'):format(colour.name, after ~= '' and after or 'no address'))
end

local function is_expected(colour, now)
  return #colour.listed > 0 or now < colour.expected_until or setup.needed(colour.name)
end

local function look(due)
  local names, older = {}, {}
  for i, colour in ipairs(due) do names[i] = colour.name .. '.' .. setup.domain end
  -- Containers of older versions have another name.
  for i, colour in ipairs(due) do
    names[#names + 1] = setup.older_name(colour.name)
    older[i] = setup.older_name(colour.name) and #names
  end
  local answers, failure = dns.ask(setup.nameserver, names, setup.family)
  local now = setup.now()
  for i, colour in ipairs(due) do
    colour.failure = failure
    if answers then
      local found = #answers[i] > 0 and answers[i] or answers[older[i]] or {}
      if #found > 0 then
        colour.announced = {}
        colour.asking_until = now + LOOK_ON
      elseif #colour.listed > 0 then
        colour.vanished = now
      end
      colour.listed = found
    end
    settle(colour, now)
    colour.next_look = now + (is_expected(colour, now) and LOOK_EVERY or LOOK_RARELY)
    colour.looks = colour.looks + 1
  end
end

local function look_when_due()
  local due, now = {}, setup.now()
  for _, colour in pairs(colours) do
    local asking = now < colour.asking_until or next(colour.slots) or is_expected(colour, now)
    if colour.hurry or (asking and now >= colour.next_look) then
      colour.hurry = false
      due[#due + 1] = colour
    end
  end
  if #due > 0 then look(due) end
end

-- `options`: domain (suffix of the containers' names, after the color), older_name (color → another name or nil), ports,
-- health ({ path, host, port } or nil), nameserver ({ host, port }), family ('A', 'AAAA'), now (seconds),
-- announced (color → initial addresses), in_use (color → traffic may go there), needed (color → query without a limit).
function replicas.start(options)
  setup = options
  core.register_init(function()
    for _, name in ipairs({ 'blue', 'green' }) do
      local colour = {
        name = name, backends = backends_of(name), names = {}, slots = {}, listed = {},
        announced = setup.announced(name), asking_until = setup.now() + LOOK_ON, expected_until = 0,
        vanished = -KEEP_UNLISTED, next_look = 0, looks = 0,
      }
      for slot in pairs(colour.backends[1].servers) do
        if slot ~= 'again' then colour.names[#colour.names + 1] = slot end
      end
      table.sort(colour.names, function(a, b) return tonumber(a:sub(2)) < tonumber(b:sub(2)) end)
      colours[name] = colour
    end
  end)
  core.register_task(function()
    while true do
      local fine, problem = pcall(look_when_due)
      if not fine then core.log(core.err, 'looking for replicas failed: ' .. tostring(problem)) end
      core.msleep(fine and TICK_MS or 1000)
    end
  end)
end

-- Resolves now. `announced` addresses count until DNS lists some. Returns the addresses in use, or nil and a message.
function replicas.announce(name, announced)
  local colour = colours[name]
  if announced then
    colour.announced = announced
    -- Earlier results are of other containers, even at the same address, so each replica must pass again.
    if not setup.in_use(name) then
      for slot in pairs(colour.slots) do vacate(colour, slot) end
    end
  end
  colour.expected_until = setup.now() + LOOK_EXPECTING
  colour.hurry = true
  local looks, give_up = colour.looks, setup.now() + 3
  while colour.looks == looks and setup.now() < give_up do core.msleep(2) end
  if colour.failure and #colour.announced == 0 then return nil, colour.failure end
  return replicas.addresses(name) .. (colour.left_out and ', and more than the edge has slots for' or '')
end

function replicas.addresses(name)
  local list = {}
  for _, replica in pairs(colours[name].slots) do list[#list + 1] = replica.ip end
  table.sort(list)
  return table.concat(list, ',')
end

-- Number of replicas that are up on every port of the service.
function replicas.up(name)
  local least = math.huge
  for _, backend in ipairs(colours[name].backends) do least = math.min(least, backend:get_srv_act()) end
  return least
end

local function last_check(replica, server)
  return replica.proven and server:get_stats().check_status or replica.check
end

-- A slot whose replica answers its check with a failure, for the case that none is healthy.
function replicas.unhealthy_but_alive(name, port)
  local backend, alive = core.backends[name .. '_' .. port], {}
  for slot, replica in pairs(colours[name].slots) do
    if last_check(replica, backend.servers[slot]):match('^L7') then alive[#alive + 1] = slot end
  end
  return #alive > 0 and alive[math.random(#alive)] or nil
end

-- The replicas in the slots, in order, for the status.
function replicas.list(name)
  local colour, list = colours[name], {}
  for _, slot in ipairs(colour.names) do
    local replica = colour.slots[slot]
    for i, backend in ipairs(replica and colour.backends or {}) do
      local server = backend.servers[slot]
      local stats = server:get_stats()
      list[#list + 1] = {
        name = slot, addr = replica.ip, port = math.tointeger(setup.ports[i]), current = stats.scur,
        status = replica.proven and stats.status or 'STARTING', check = last_check(replica, server) or '',
      }
    end
  end
  return list
end

return replicas
