-- The guard runs in the process that carries the traffic, and decides which color gets it. A command arms a switch
-- (commands.lua). Until the switch is confirmed, the guard watches the new color and reverts without outside help. One Lua
-- state on one thread runs all of it, so code that does not pause is atomic.

-- `name=value` words of the lua-load line.
local options = {}
for _, word in ipairs({ ... }) do
  local name, value = word:match('^([%l_]+)=(.*)$')
  options[name] = value
end

local dns = require('dns')
local replicas = require('replicas')
local Watch = require('watch')

local MAP = options.directory .. '/active.map'
local TICK_MS = 20        -- between checks while armed
local IDLE_TICK_MS = 200  -- otherwise, to save CPU
local REMEMBERED = 16     -- finished switches that are kept by nonce
local MAX_HELD = 1000     -- requests that may wait for a replica at the same time

local map = Map.new(MAP, Map._str)
local ports, modes = {}, {}
for port, mode in options.ports:gmatch('(%d+)/(%a+)') do
  ports[#ports + 1] = port
  modes[port] = mode
end

local guard = {
  version = options.version, service = options.service, max = math.tointeger(options.max),
  armed = nil,            -- the switch that waits for its confirmation
  watch = nil,            -- of the armed switch, or of the last one
  finished = {},          -- the last switches, newest first
}

-- Seconds since the machine started, a clock that cannot be set. HAProxy's own (core.now) skips the time in which a busy
-- machine did not schedule it, which delays deadlines. Read once per tick, because reading costs system calls.
local time = 0

local function read_clock()
  local uptime = io.open('/proc/uptime')
  local system = not uptime and core.now()
  time = uptime and uptime:read('n') or system.sec + system.usec / 1e6
  if uptime then uptime:close() end
end

function guard.now() return time end

function guard.active() return map:lookup('active') == 'green' and 'green' or 'blue' end

-- The color in the file, which a restarted edge serves; nil if there is none.
function guard.persisted()
  local file = io.open(MAP)
  if not file then return nil end
  local text = file:read('a')
  file:close()
  local colour = ('\n' .. text):match('\nactive +(%a+)')
  return (colour == 'blue' or colour == 'green') and colour or nil
end

-- HAProxy's counts for a color since its start, over all ports of the service.
function guard.totals(colour)
  local sum = { begun = 0, aborted = 0, current = 0, all = 0, tcp = 0, tcp_failed = 0, requests = 0, status = {} }
  for class = 1, 5 do sum.status[class .. 'xx'] = 0 end
  for _, port in ipairs(ports) do
    local stats = core.backends[colour .. '_' .. port]:get_stats()
    sum.all = sum.all + stats.scur
    sum.requests = sum.requests + stats.stot
    if modes[port] == 'http' then
      sum.begun = sum.begun + stats.stot
      sum.aborted = sum.aborted + stats.cli_abrt
      sum.current = sum.current + stats.scur
      for class in pairs(sum.status) do sum.status[class] = sum.status[class] + stats['hrsp_' .. class] end
    else
      sum.tcp = sum.tcp + stats.stot
      sum.tcp_failed = sum.tcp_failed + stats.econ
    end
  end
  return sum
end

-- Ends the armed switch. `outcome`: 'confirmed' or 'reverted'.
function guard.finish(outcome, reason, detail)
  local order = guard.armed
  if outcome == 'reverted' and guard.active() == order.to then core.set_map(MAP, 'active', order.from) end
  core.set_map(MAP, 'watched', 'none')
  guard.armed = nil
  guard.watch.ended = time
  table.insert(guard.finished, 1, {
    nonce = order.nonce, from = order.from, to = order.to, outcome = outcome, reason = reason, detail = detail,
    at = os.time(),
  })
  guard.finished[REMEMBERED + 1] = nil
  core.log(outcome == 'reverted' and core.warning or core.notice,
    ('switch %s from %s to %s was %s: %s (%s)'):format(order.nonce, order.from, order.to, outcome, reason, detail))
end

local function look(order)
  if guard.active() ~= order.to then
    return guard.finish('reverted', 'by-hand', 'the map was changed without the guard')
  end
  local reason, detail = guard.watch:verdict(time, guard.totals(order.to), replicas.up(order.to))
  -- With both colors down a revert does not help. The status shows `stuck`.
  order.stuck = reason and replicas.up(order.from) == 0 and detail or nil
  if reason and not order.stuck then return guard.finish('reverted', reason, detail) end
  if time >= order.ends then
    guard.finish('reverted', 'deadline', ('not confirmed within %g s'):format(order.deadline))
  end
end

local function watch(order)
  while guard.armed == order do
    read_clock()
    local fine, problem = pcall(look, order)
    -- If the guard cannot watch, it must not keep an unproven color.
    if not fine and guard.armed == order then guard.finish('reverted', 'guard-failed', tostring(problem)) end
    core.msleep(TICK_MS)
  end
end

-- Switches, and watches until `finish` or the deadline. commands.lua checks the order first.
function guard.arm(order)
  read_clock()
  local sum = guard.totals(order.to)
  guard.watch = Watch.new(order.to, order.limits, time, sum)
  order.at, order.ends = os.time(), time + order.deadline
  core.register_task(watch, order)
  guard.armed = order
  core.set_map(MAP, 'watched', order.to)
  core.set_map(MAP, 'active', order.to)
  core.log(core.notice, ('switch %s from %s to %s, armed for %s s, limits %s'):format(
    order.nonce, order.from, order.to, order.deadline, order.limits.text))
end

-- Client connections, idle ones included.
function guard.connections() return core.get_info().CurrConns end

-- Writes `drained-<color>` into the run folder once an inactive color has nothing in flight.
function guard.drain(colour)
  local marker = options.run .. '/drained-' .. colour
  os.remove(marker)
  core.register_task(function()
    while not guard.armed and guard.active() ~= colour do
      if guard.totals(colour).all == 0 then
        local file = io.open(marker, 'w')
        if file then file:close() end
        return
      end
      core.msleep(100)
    end
  end)
end

-- After a reload this process may still have client connections, each with one more request. Commands no longer reach it,
-- but it reads the confirmed color from the file.
local function follow_file()
  if core.get_info().Stopping ~= 1 then return end
  local colour = guard.persisted()
  if colour and colour ~= guard.active() then core.set_map(MAP, 'active', colour) end
end

-- If the file has no color (a damaged disk), serve the color that has replicas.
local function find_colour()
  if guard.armed or replicas.up(guard.active()) > 0 or guard.persisted() then return end
  local other = guard.active() == 'blue' and 'green' or 'blue'
  if replicas.up(other) == 0 then return end
  core.set_map(MAP, 'active', other)
  core.log(core.err, ('active.map has no color: serving %s, which has replicas'):format(other))
end

-- At most one line a minute about refused clients.
local logged_full = -math.huge

local function log_full()
  if guard.connections() <= guard.max or time - logged_full < 60 then return end
  logged_full = time
  core.log(core.warning, ('all %d connections are in use: further requests get a 503'):format(guard.max))
end

read_clock()

core.register_task(function()
  while true do
    read_clock()
    log_full()
    follow_file()
    find_colour()
    core.msleep(IDLE_TICK_MS)
  end
end)

core.register_action('watched', { 'http-after-res' }, function(txn)
  if not guard.armed then return end
  local answered = txn.f:res_timer_hdr() -- -1 for HAProxy's own answers
  local reached = math.max(0, txn.f:req_timer_queue()) + math.max(0, txn.f:bc_timer_connect())
  guard.watch:answer(txn.f:status(), answered >= 0 and reached + answered or nil, time)
end)

-- Waiting requests by the second of their timeout. A request whose client is gone is never subtracted, so it counts until
-- then.
local held = {}

function guard.held()
  local count = 0
  for give_up, requests in pairs(held) do
    if give_up < time then held[give_up] = nil else count = count + requests end
  end
  return count
end

local function find_replica(port)
  local colour, order = guard.active(), guard.armed
  if core.backends[colour .. '_' .. port]:get_srv_act() > 0 then return true end
  -- While a revert is possible, wait for it.
  local way_back = order and colour == order.to and replicas.up(order.from) > 0
  local alive = not way_back and replicas.unhealthy_but_alive(colour, port) or nil
  return alive ~= nil, alive
end

core.register_action('wait_for_replica', { 'tcp-req', 'http-req' }, function(txn, port)
  local give_up = time + tonumber(options.hold_ms) / 1000
  local second = math.ceil(give_up)
  local full = guard.held() >= MAX_HELD
  held[second] = (held[second] or 0) + 1
  local found, slot = find_replica(port)
  while not found and not full and time < give_up do
    core.msleep(TICK_MS)
    found, slot = find_replica(port)
  end
  if slot then txn:set_var('txn.server', slot) end
  if not found then txn:set_var('txn.gave_up', true) end
  if held[second] then held[second] = held[second] - 1 end
end, 1)

-- Addresses of a color without a name in DNS, from the file: `servers-blue 172.18.0.4`.
local function announced(colour)
  local list = {}
  for ip in (map:lookup('servers-' .. colour) or ''):gmatch('[^,]+') do list[#list + 1] = ip end
  return list
end

local host, dns_port = options.nameserver:match('^(.+):(%d+)$')

replicas.start({
  domain = options.domain, older_name = function(colour) return map:lookup('name-' .. colour) end,
  ports = ports, family = options.family, now = guard.now, announced = announced,
  nameserver = host and { host, tonumber(dns_port) } or dns.system_server(),
  health = options.health_path ~= '-' and {
    path = options.health_path, host = options.health_host, port = tonumber(options.health_port),
    timeout = tonumber(options.health_timeout) / 1000, expect = options.health_expect,
    headers = options.health_headers:gsub('%%(%x%x)', function(hex) return string.char(tonumber(hex, 16)) end),
  } or nil,
  in_use = function(colour) return colour == guard.active() or guard.armed ~= nil end,
  needed = function(colour)
    return colour == guard.active() or (guard.armed ~= nil and colour == guard.armed.from)
  end,
})

require('commands')(guard)
