-- One operation on one room, in one step that nothing can come between. The twin of memory.py; signaling/rooms/redis.py calls it.
--
-- KEYS[1]  the room: a hash with the field `about` (capacity, locked, revision) and a field `m:<peer>` for each member
-- KEYS[2]  when this Redis was first used: missing in one that is new, or came back empty
-- ARGV[1]  the request, packed with MessagePack; `op` names the operation
--
-- Answers packed: {refused = code, retry_after = seconds}, or {room, members, events, peer, is_new}, or {fenced} when a fence stopped it.
-- The clock is Redis's own, so that all nodes agree; `skew` moves it in tests. Numbers stay exact up to 2^53.

local request = cmsgpack.unpack(ARGV[1])
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000 + request.skew
local stamp_now = tonumber(clock[1]) * 1000000 + tonumber(clock[2]) + math.floor(request.skew * 1000000)

local room, members, events = nil, {}, {}
local touched, gone = {}, {}
local NOTHING_SHOWN = {name = '', muted = false, camera = false, sharing = false, hand = false}

local function load()
  local fields = redis.call('HGETALL', KEYS[1])
  for i = 1, #fields, 2 do
    if fields[i] == 'about' then
      room = cmsgpack.unpack(fields[i + 1])
    else
      local member = cmsgpack.unpack(fields[i + 1])
      members[member.peer] = member
    end
  end
  room = room or {capacity = request.capacity, locked = false, revision = 0}
end

local function count()
  local n = 0
  for _ in pairs(members) do n = n + 1 end
  return n
end

local function happen(kind, event)
  room.revision = room.revision + 1
  event.kind = kind
  event.revision = room.revision
  events[#events + 1] = event
end

local function keep(member)
  members[member.peer] = member
  touched[member.peer] = true
  gone[member.peer] = nil
end

local function drop(peer, reason)
  members[peer] = nil
  touched[peer] = nil
  gone[peer] = true
  happen('left', {peer = peer, reason = reason})
end

-- In the order in which they came, so that every run tells the same.
local function expire()
  local late = {}
  for _, member in pairs(members) do
    if member.expires_at <= now then late[#late + 1] = member end
  end
  if #late == 0 then return end
  table.sort(late, function(a, b) return a.stamp < b.stamp or (a.stamp == b.stamp and a.peer < b.peer) end)
  for _, member in ipairs(late) do drop(member.peer, 'lost') end
  if next(members) == nil then
    -- A new room, unlocked: nobody is left who could hear of the old one.
    room = {capacity = request.capacity or room.capacity, locked = false, revision = 0}
    events = {}
  end
end

local function save()
  if next(members) == nil then
    redis.call('DEL', KEYS[1])
    return
  end
  for peer in pairs(gone) do redis.call('HDEL', KEYS[1], 'm:' .. peer) end
  for peer in pairs(touched) do redis.call('HSET', KEYS[1], 'm:' .. peer, cmsgpack.pack(members[peer])) end
  redis.call('HSET', KEYS[1], 'about', cmsgpack.pack(room))
  local last = now
  for _, member in pairs(members) do last = math.max(last, member.expires_at) end
  redis.call('PEXPIRE', KEYS[1], math.ceil((last - now + 60) * 1000)) -- whoever should sweep it may be dead
end

local function answer(peer, is_new)
  if #events > 0 or next(touched) or next(gone) then save() end
  local list = {}
  for _, member in pairs(members) do list[#list + 1] = member end
  table.sort(list, function(a, b) return a.stamp < b.stamp or (a.stamp == b.stamp and a.peer < b.peer) end)
  return cmsgpack.pack({room = room, members = list, events = events, peer = peer or '', is_new = is_new or false})
end

local function refuse(code, retry_after)
  return cmsgpack.pack({refused = code, retry_after = retry_after})
end

local function since(prefix, peer, seconds)
  local at = redis.call('GET', prefix .. peer)
  return at and now - tonumber(at) <= seconds
end

local function bury(peer)
  local at = string.format('%.6f', now)
  redis.call('SET', 'gone:' .. peer, at, 'PX', math.ceil(request.remember * 1000))
  redis.call('SET', 'reload:' .. peer, at, 'PX', math.max(1, math.ceil(request.reload * 1000)))
end

-- What came back empty does not know who is in which room: for a while only those who were there are let in.
local function quarantine()
  local boot = tonumber(redis.call('GET', KEYS[2]) or 'inf')
  if boot > now then -- none yet, or the clock was set back
    boot = now
    redis.call('SET', KEYS[2], string.format('%.6f', now))
  end
  return request.quarantine - (now - boot)
end

local function admit(stamp, connection)
  local member = {
    peer = request.peer, stamp = stamp, node = request.node, connection = connection, request = request.request,
    attempt = request.attempt or 0, state = request.state or NOTHING_SHOWN, away = false, expires_at = now + request.lease,
  }
  keep(member)
  happen('joined', {peer = member.peer})
  return answer(member.peer, true)
end

local function fenced()
  local member = members[request.peer]
  return member and member.connection == request.connection and member or nil
end

local function alike(a, b)
  return a.name == b.name and a.muted == b.muted and a.camera == b.camera and a.sharing == b.sharing and a.hand == b.hand
end

local operations = {}

function operations.join()
  local wait = quarantine()
  if wait > 0 then return refuse('unavailable', math.ceil(wait)) end
  load()
  expire()
  local known = members[request.peer]
  if known and known.request == request.request then return answer(known.peer, true) end
  if members[request.replaces] then
    bury(request.replaces)
    drop(request.replaces, 'removed')
  elseif room.locked and not since('reload:', request.replaces, request.reload) then
    return refuse('locked')
  end
  if count() >= room.capacity then return refuse('room-full') end
  redis.call('DEL', 'reload:' .. request.replaces)
  local stamp = stamp_now -- above all others in the room, also when the clock was set back
  for _, member in pairs(members) do stamp = math.max(stamp, member.stamp + 1) end
  return admit(stamp, 1)
end

function operations.resume()
  if since('gone:', request.peer, request.remember) then return refuse('gone') end
  quarantine()
  load()
  expire()
  local known = members[request.peer]
  if not known then
    if room.locked or count() >= room.capacity then return refuse('replaced') end
    return admit(request.stamp, request.connection + 1)
  end
  if known.request == request.request then return answer(known.peer) end
  if request.attempt and request.attempt < known.attempt then return refuse('superseded') end
  local was_away = known.away
  known.node, known.request, known.attempt = request.node, request.request, request.attempt or 0
  known.connection = known.connection + 1
  known.away, known.expires_at = false, now + request.lease
  keep(known)
  if was_away then happen('back', {peer = known.peer}) end
  if request.state and not alike(request.state, known.state) then
    known.state = request.state
    happen('state', {peer = known.peer})
  end
  return answer(known.peer)
end

function operations.leave()
  load()
  if not fenced() then return cmsgpack.pack({fenced = true}) end
  bury(request.peer)
  drop(request.peer, 'hung-up')
  return answer()
end

function operations.away()
  load()
  local member = fenced()
  if not member or member.away then return cmsgpack.pack({fenced = true}) end
  member.away, member.expires_at = true, now + request.keep
  keep(member)
  happen('away', {peer = member.peer})
  return answer(member.peer)
end

function operations.show()
  load()
  local member = fenced()
  if not member then return cmsgpack.pack({fenced = true}) end
  local before = {}
  for name, value in pairs(member.state) do before[name] = value end
  for name, value in pairs(request.change) do member.state[name] = value end
  if not alike(before, member.state) then
    keep(member)
    happen('state', {peer = member.peer})
  end
  return answer(member.peer)
end

function operations.lock()
  load()
  local member = fenced()
  if not member then return cmsgpack.pack({fenced = true}) end
  if room.locked ~= request.locked then
    room.locked = request.locked
    happen('lock', {peer = member.peer, locked = room.locked})
  end
  return answer(member.peer)
end

function operations.view()
  load()
  return answer()
end

-- The members whose sockets a node holds: their leases begin anew, and who is missing because Redis came back empty is put back.
function operations.renew()
  quarantine()
  load()
  if room.revision == 0 then room.locked, room.revision = request.locked, request.revision end
  for _, held in ipairs(request.held) do
    local known = members[held.peer]
    if known and known.connection == held.connection then
      known.expires_at = now + request.lease
      keep(known)
    elseif not known and count() < room.capacity and not since('gone:', held.peer, request.remember) then
      held.expires_at = now + request.lease
      keep(held)
      happen('joined', {peer = held.peer})
    end
  end
  expire()
  return answer()
end

return operations[request.op]()
