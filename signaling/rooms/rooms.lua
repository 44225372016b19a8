-- One operation on one room, in one step that nothing can come between. The twin of memory.py; signaling/rooms/redis.py loads it as a
-- library of one function, so that what stands here is made once and not with each call. Nothing is kept between calls: `begin` and `open`
-- set every variable anew.
--
-- keys[1]  what a renewal needs, see `pack_leases`; behind it the room, packed: capacity, locked, revision, version, members (by stamp),
--          call, and the last changes
-- keys[2]  `at`: when this Redis was first used, missing in one that is new or came back empty; `before`: the same of the one before, as
--          far as a node has told; `set_back`: what `at` was before the clock was set back; `seen`: when a node last showed that it lives;
--          `grace`: no lease runs out before
-- keys[3]  for who wants in: when this peer has left, in seconds, if it has; for `refresh` the second room, and so on
-- keys[4]  for a join that is counted: how far the joins of its address reach into the future
-- The one argument is the request, packed with MessagePack; `op` names the operation, `request` this one run: a second run with it changes
-- nothing.
--
-- Answers {room, {events, nodes, peer, is_new, ended, boot}}, each packed, or {nothing, {refused = code, retry_after = seconds}}, or
-- {nothing, {fenced}} when a fence stopped it. Besides these there are `nodes` (by when their leases run out), for each of them `news:` (rooms
-- that have changed), `calls:due` (rooms with a call by when to look whether their last place has run out), `calls:ended` (a stream), for
-- people that are gone `gone:`, and for rooms whose calls are over `past:`.
-- The clock is Redis's own, so that all nodes agree; `skew` moves it in tests. Numbers stay exact up to 2^53.

local keys, request, found -- `found` is what the keys hold
local now, stamp_now -- in seconds, and in microseconds
local id, key, room, boot, known_boot
local members, events, nodes, over, past, no_place
local is_changed, is_extended, had_call
local leases -- until when nodes are taken to be alive
local DAY = 24 * 3600
local MOST_LEASES = 256 -- bytes before a room

-- Nodes

-- When the lease of a node runs out or has run out; false when it has not shown itself here for days, or never.
local function lease_of(node)
  if leases[node] == nil then
    local at = redis.call('ZSCORE', 'nodes', node)
    leases[node] = tonumber(at or nil) or false
  end
  return leases[node]
end

local function lives(node)
  return lease_of(node) and lease_of(node) > now
end

-- For how long a place lasts that its node has just spoken for.
local function term(node)
  return lives(node) and request.hold or request.lease
end

local function renew_lease(node)
  leases[node] = now + request.lease
  redis.call('ZADD', 'nodes', string.format('%.6f', leases[node]), node)
end

local function expire_news(node)
  redis.call('PEXPIRE', 'news:' .. node, math.ceil(request.hold * 1000))
end

-- A room that has changed, or '' when the node has to look at all of them.
local function tell(node, room_id)
  if redis.call('RPUSH', 'news:' .. node, room_id) == 1 then expire_news(node) end
end

-- What a node is told that has been forgotten, or was taken for dead; it stays until the node has heard it.
local function tell_anew(node)
  redis.call('DEL', 'news:' .. node)
  tell(node, '')
end

-- Who asks is alive; a node that was cut off may ask for a place before its next heartbeat.
local function revive(node)
  if lease_of(node) and not lives(node) then
    renew_lease(node)
    tell_anew(node)
  end
end

-- A Redis that is new

local function grown_up_at()
  return boot.at + math.max(request.quarantine, request.lease)
end

local function is_fresh()
  return now <= grown_up_at()
end

-- When a version of a room was made, in microseconds.
local function made_at(version)
  return tonumber((version or ''):match('^%d+')) or 0
end

-- Whether the room that a node knows was made by the Redis before this one, which is new. Each is known by when it was first used, for the
-- clocks of the two may differ.
local function is_former()
  return is_fresh() and request.made_in ~= boot.at and request.made_in ~= boot.set_back and request.made_in ~= room.boot
end

-- Reading and writing a room

-- What stands before a room, of a size that depends on nothing but version and number of members: the version, empty while there is more to
-- do than to renew; whether there is a call; how many times follow; and these, in seconds: first when the last place runs out, as the room's
-- time to live and `calls:due` know it, then for each member when its place does.
local function pack_leases(version, has_call, times)
  return struct.pack('>sBB' .. string.rep('d', #times), version, has_call and 1 or 0, #times, unpack(times))
end

-- Answers besides where the room begins.
local function unpack_leases(text)
  local version, has_call, count, at = struct.unpack('>sBB', text)
  local times = {struct.unpack('>' .. string.rep('d', count), text, at)}
  at = table.remove(times)
  return version, has_call == 1, times, at
end

-- For how long the key of a room is kept, in ms; with a call, so that somebody can end it: whoever should sweep may be dead.
local function time_to_live(last, has_call)
  return math.ceil((last - now + (has_call and DAY or 60)) * 1000)
end

local function save_boot()
  redis.call('SET', keys[2], cmsgpack.pack(boot))
end

-- When its last place runs out, or its nodes should have spoken for it once more: so a call whose nodes have died ends before the long leases.
local function note_due(room_id, last)
  local at = math.max(math.min(last, now + request.hold * 3 / 8), boot.grace)
  redis.call('ZADD', 'calls:due', string.format('%.6f', at), room_id)
end

local function note_nodes()
  for _, member in ipairs(members) do nodes[member.node] = true end
end

local function open(room_id, text)
  id, key = room_id, 'room:' .. room_id
  local _, times, at
  if text then _, _, times, at = unpack_leases(text) end
  room = text and cmsgpack.unpack(text:sub(at)) or {capacity = request.capacity, locked = false, revision = 0, members = {}}
  members, events, nodes, over, past, no_place = room.members, {}, {}, {}, nil, {}
  is_changed, is_extended, had_call = false, false, room.call ~= nil
  for place, member in ipairs(members) do -- a clock that was set back must not keep places for longer than was said
    member.expires_at = math.min(times[place + 1], now + (member.keep or term(member.node)))
  end
  note_nodes()
end

-- Whether nothing is to be done for the room but to renew leases.
local function is_settled()
  for _, member in ipairs(members) do
    if member.away then return false end
  end
  return (#members >= 2) == (room.call ~= nil) and not (room.call and room.call.waits)
end

-- What they are sent by each other may be lost.
local function tell_nodes()
  for node in pairs(nodes) do
    if lives(node) then tell(node, id) end
  end
end

-- Answers the room, packed.
local function save()
  for _, record in ipairs(over) do redis.call('XADD', 'calls:ended', '*', 'call', cmsgpack.pack(record)) end
  local rest = math.min(request.remember, boot.at + request.remember - now) -- seconds in which a token may bring a call from before
  if #over > 0 and rest > 0 then
    redis.call('SET', 'past:' .. id, cmsgpack.pack(past), 'PX', math.ceil(rest * 1000))
  end
  if is_changed then
    room.version = string.format('%.0f.%s', stamp_now, request.request)
    room.boot = boot.at
    tell_nodes()
    if room.last and room.last[1] ~= request.request then room.last = nil end -- what it tells of does not lead to this room
  end
  local packed = cmsgpack.pack(room)
  if #members == 0 then
    redis.call('DEL', key)
  else
    local times = {now}
    for _, member in ipairs(members) do
      times[#times + 1] = member.expires_at
      times[1] = math.max(times[1], member.expires_at)
    end
    local has_call = room.call ~= nil
    local leases = pack_leases(is_settled() and room.version or '', has_call, times)
    redis.call('SET', key, leases .. packed, 'PX', time_to_live(times[1], has_call))
    if has_call then note_due(id, times[1]) end
  end
  if had_call and not (room.call and #members > 0) then redis.call('ZREM', 'calls:due', id) end
  return packed
end

-- What was done last, for a node that knows all but that: the one that asked for it tells the others, but may not have had an answer.
-- What is known of another Redis never is all but that, for what a node tells one that is new raises the revision without an event.
local function recall()
  if request.op ~= 'renew' or is_changed or not room.last or request.revision >= room.revision then return end
  local done = cmsgpack.unpack(room.last[2]).events
  local is_all = #done > 0 and done[1].revision <= request.revision + 1 and done[#done].revision == room.revision
  return is_all and done or nil
end

local function answer(peer, is_new)
  note_nodes()
  local names = {}
  for name in pairs(nodes) do names[#names + 1] = name end
  local head = {events = events, recalled = recall(), nodes = names, peer = peer, is_new = is_new}
  if next(no_place) then head.no_place = no_place end
  if request.op == 'renew' and is_former() and request.revision >= (room.told or 0) then
    head.knows_most, head.boot = true, boot.at
  end
  if #over > 0 then head.ended, head.boot = over, boot.at end
  head = cmsgpack.pack(head)
  if is_changed or is_extended then
    if #events > 0 or request.op ~= 'renew' then room.last = {request.request, head} end
    return {save(), head}
  end
  return {cmsgpack.pack(room), head}
end

local function refuse(code, retry_after)
  return {false, cmsgpack.pack({refused = code, retry_after = retry_after})}
end

local function fence()
  return {false, cmsgpack.pack({fenced = true})}
end

-- Changes

local function find(peer)
  for place, member in ipairs(members) do
    if member.peer == peer then return member, place end
  end
end

local function happen(kind, event)
  room.revision = room.revision + 1
  event.kind = kind
  event.revision = room.revision
  events[#events + 1] = event
  is_changed = true
end

-- Whether one came in before another.
local function is_before(a, b)
  return a.stamp < b.stamp or (a.stamp == b.stamp and a.peer < b.peer)
end

local function insert(member)
  local place = #members + 1
  while place > 1 and is_before(member, members[place - 1]) do place = place - 1 end
  table.insert(members, place, member)
  is_changed = true
end

local function put(member)
  insert(member)
  happen('joined', {peer = member.peer})
end

local function drop(peer, reason)
  local _, place = find(peer)
  table.remove(members, place)
  happen('left', {peer = peer, reason = reason})
end

-- A place whose socket stands lasts until its own lease or that of its node runs out.
local function is_over(member)
  if member.away then return member.expires_at <= now end
  local has_run_out = member.expires_at <= now or lease_of(member.node) and not lives(member.node)
  return has_run_out and boot.grace <= now
end

-- When somebody whose place has run out was last known to be there.
local function last_known(member)
  if lives(member.node) then return member.expires_at - request.hold end
  return (lease_of(member.node) or member.expires_at) - request.lease
end

-- Calls

-- Keeps the last moment at which two were known to be there; before one of them is not any more.
local function note_together()
  if not room.call then return end
  local last, second = 0, 0
  for _, member in ipairs(members) do
    if not member.away then
      local seen = is_over(member) and last_known(member) or now
      if member.peer == request.peer then seen = math.min(seen, now - (request.ago or 0)) end
      if seen > last then
        last, second = seen, last
      elseif seen > second then
        second = seen
      end
    end
  end
  room.call.together = math.max(room.call.together, second)
end

-- From when to when the room has had calls that are over, in this Redis.
local function past_calls()
  if not past then
    local text = redis.call('GET', 'past:' .. id)
    past = text and cmsgpack.unpack(text) or {from = math.huge, to = -math.huge}
  end
  return past
end

local function close(call)
  local ended = math.max(call.started, math.min(call.together, now))
  local known = past_calls()
  known.from, known.to = math.min(known.from, call.started), math.max(known.to, ended)
  over[#over + 1] = {
    id = call.id, room = id, started = call.started, ended = ended, largest = call.largest,
    connected = call.connected, relayed = call.relayed, connect_seconds = call.connect_seconds,
  }
  is_changed = true
end

local function finish()
  close(room.call)
  room.call = nil
end

-- Whether somebody is from before this Redis was new, which lets nobody else in at first. A stamp and `boot.at` may be rounded differently.
local function has_former_people()
  if now < boot.at + request.quarantine then return #members > 0 end
  for _, member in ipairs(members) do
    if member.stamp < boot.at * 1000000 - 2 then return true end
  end
end

-- A call begins with the second place that is taken, and ends with the second-last that is given up. One that was brought back waits
-- for the second of its people.
local function settle()
  local call = room.call
  if #members >= 2 then
    if not call then
      local call_id = string.format('%s.%.0f', id, stamp_now)
      room.call = {
        id = call_id, started = now, together = now, largest = #members, connected = false, relayed = false,
        certain_at = has_former_people() and grown_up_at() or 0, boot = boot.at,
      }
    else
      call.largest = math.max(call.largest, #members)
      call.waits = nil
    end
  elseif call and (#members == 0 or not call.waits) then
    finish()
  end
end

-- What somebody knows of a call from before this Redis was new. It goes on, and what people from before have begun here meanwhile is the
-- same; of two from before, one after the other, the first was over when the second began. Calls of a room follow each other, so none
-- goes on that began before the last one was over; it ended with the Redis that knew it, or before the first that is known here. Nor does
-- one of a token that nobody has brought into the Redis before this one: others may have met there, of whom nothing is known here.
local function bring(call)
  local here = room.call
  if not call then return end
  if here and here.id == call.id then
    is_changed = is_changed or call.largest > here.largest or call.connected and not here.connected
      or call.relayed and not here.relayed or call.connect_seconds and not here.connect_seconds
    here.connected, here.relayed = here.connected or call.connected, here.relayed or call.relayed
    here.connect_seconds = here.connect_seconds or call.connect_seconds
    here.largest = math.max(here.largest, call.largest)
    return
  end
  if is_fresh() and call.boot > 0 and call.boot ~= boot.at then
    call.started = math.min(call.started, boot.at - 0.001) -- the clock of the Redis before may have been ahead
  end
  if call.started >= boot.at then return end
  call.together, call.waits = math.max(call.started, math.min(request.together or boot.at, boot.at, now)), true
  local known = past_calls()
  local is_stale = request.op == 'resume' and call.boot > 0 and call.boot < boot.before
  if is_stale or call.started < known.to then
    local first = known.from
    if is_stale then
      first = math.min(first, here and here.started or now)
      call.together = math.max(call.started, call.boot)
    end
    call.together = math.min(call.together, first)
    if call.started < first then close(call) end
    return
  end
  call.boot = boot.at
  if here and (here.started < boot.at or here.certain_at == 0) then
    local earlier, later = here, call
    if here.started > call.started then earlier, later = call, here end
    earlier.together = math.min(earlier.together, later.started)
    close(earlier)
    call = later
  elseif here then
    call.connected, call.relayed = here.connected or call.connected, here.relayed or call.relayed
    call.largest, call.together = math.max(here.largest, call.largest), math.max(here.together, call.together)
  end
  room.call = call
  is_changed = true
end

-- In the order in which they came, so that every run tells the same.
local function expire()
  local late = {}
  for _, member in ipairs(members) do
    if is_over(member) then late[#late + 1] = member.peer end
  end
  if #late == 0 then return end
  note_together()
  for _, peer in ipairs(late) do drop(peer, 'lost') end
  settle()
  if #members == 0 then
    -- A new room, unlocked: nobody is left who could hear of the old one.
    room = {capacity = request.capacity or room.capacity, locked = false, revision = 0, members = members}
    events = {}
  end
end

-- Who may come in

-- When somebody has left: seconds, below zero once a new page of theirs has come in for it.
local function left_at(peer)
  return tonumber(redis.call('GET', 'gone:' .. peer) or nil)
end

local function note_left(peer, at)
  redis.call('SET', 'gone:' .. peer, string.format('%.6f', at), 'KEEPTTL')
end

local function is_remembered(at)
  return at and now - math.abs(at) <= request.remember
end

local function has_left(peer)
  return is_remembered(left_at(peer))
end

local function bury(peer)
  redis.call('SET', 'gone:' .. peer, string.format('%.6f', now), 'PX', math.ceil(request.remember * 1000))
end

-- What came back empty does not know who is in which room: for a while only those who were there are let in.
local function quarantine()
  local is_new = boot.at > now -- there is none yet, or the clock was set back
  if is_new then boot = {at = now, before = 0, grace = 0, set_back = known_boot and boot.at or nil} end
  local is_told = request.boot > boot.before and request.boot < boot.at
  if is_told then boot.before = request.boot end
  if is_new or is_told then save_boot() end
  return request.quarantine - (now - boot.at)
end

-- Whether a node that knows these people knows nobody of those who are here: the room it knows was over, and this is another.
local function are_others(knows)
  local known = {}
  for _, peer in ipairs(knows) do known[peer] = true end
  for _, member in ipairs(members) do
    if known[member.peer] then return false end
  end
  return #members > 0
end

-- When somebody last said what they show, in microseconds: of two who tell of it the later is right.
local function note_shown(member)
  member.shown_at = math.max(stamp_now, (member.shown_at or 0) + 1)
end

local function admit(stamp, connection)
  local nothing_shown = {name = '', muted = false, camera = false, sharing = false, hand = false}
  local member = {
    peer = request.peer, stamp = stamp, node = request.node, connection = connection, request = request.request,
    attempt = request.attempt or 0, state = request.state or nothing_shown, away = false, expires_at = now + request.lease,
    since = connection, nonce = request.nonce,
  }
  if request.state then note_shown(member) end
  put(member)
  settle()
  return answer(request.peer, true)
end

-- Whom an earlier attempt of the same page has let in; it has never heard of that.
local function find_unheard()
  for _, member in ipairs(members) do
    if request.nonce and member.nonce == request.nonce then return member end
  end
end

-- Whether who comes back was let in anew since it got its token: the welcome that said so is on its way, or was lost.
local function has_not_heard(member)
  return request.connection < (member.since or 0)
end

-- Of whom only others have told: what its own node knows comes first, lest it be lost below what is done now.
local function fenced()
  local member = find(request.peer)
  return member and member.connection == request.connection and not member.is_hearsay and member or nil
end

local function alike(a, b)
  return a.name == b.name and a.muted == b.muted and a.camera == b.camera and a.sharing == b.sharing and a.hand == b.hand
end

-- Leases by the hundred

-- Renews the leases in a room that is as the node knows it, and in which no lease has run out or is too long, the clock having been set back.
-- Only what stands before the room is read and written. Its time to live and `calls:due` hear of it once in a fifth of a lease: they may be
-- too early by so much.
-- Answers whether it did, and whether a place may run out soon all the same, since nobody has spoken for it yet.
local function extend(place, text, version, held)
  local known, has_call, times = unpack_leases(text)
  if known ~= version or version == '' then return false end
  for at = 2, #times do
    if times[at] <= now and boot.grace <= now or times[at] > now + request.hold then return false end
  end
  local length = term(request.node)
  local ends = now + length
  for _, member in ipairs(held) do times[2 + member] = math.max(times[2 + member], ends) end
  local is_short = false
  for at = 2, #times do
    is_short = is_short or times[at] - now <= request.lease
  end
  local is_due = times[1] - now < length * 4 / 5
  if is_due then times[1] = math.max(times[1], ends) end
  redis.call('SETRANGE', keys[place], 0, pack_leases(version, has_call, times))
  if is_due then
    redis.call('PEXPIRE', keys[place], time_to_live(times[1], has_call))
    if has_call then note_due(keys[place]:sub(6), times[1]) end
  end
  return true, is_short
end

-- Answers the places in the list of those rooms of which there is more to know, and for which `renew` has to be asked, and of those that
-- have to be looked at again soon. Of each room comes the version that the node knows, and which of its members, counted from 0, it holds.
local function refresh()
  local rest, soon = {}, {}
  for place, known in ipairs(request.rooms) do
    local at = place == 1 and 1 or place + 1
    local text = redis.call('GETRANGE', keys[at], 0, MOST_LEASES - 1)
    local is_renewed, is_short = false, true
    if text ~= '' then is_renewed, is_short = extend(at, text, known[1], known[2]) end
    if not is_renewed then
      rest[#rest + 1] = place
    elseif is_short then
      soon[#soon + 1] = place
    end
  end
  return {rest, soon}
end

-- What is asked for

local operations = {}

function operations.join()
  local wait = quarantine()
  if wait > 0 then return refuse('unavailable', math.ceil(wait)) end
  local known = find(request.peer)
  if known and known.request == request.request then return answer(known.peer, true) end
  if is_remembered(tonumber(found[3] or nil)) then return refuse('gone') end -- a late second run: nobody waits for its answer
  if keys[4] then
    -- The generic cell rate algorithm: `counted` is when all joins so far would have come, had they kept to the rate.
    local counted = tonumber(found[4] or 0)
    local interval = 1 / request.joins
    local reach = math.min(math.max(counted, now), now + request.joins_burst * interval) -- at most, also when the clock was set back
    wait = reach - now - (request.joins_burst - 1) * interval
    if wait > 0.000001 then return refuse('too-many-joins', math.ceil(wait)) end
    reach = reach + interval
    redis.call('SET', keys[4], string.format('%.6f', reach), 'PX', math.ceil((reach - now) * 1000))
  end
  revive(request.node)
  expire()
  local unheard = find_unheard()
  if unheard and unheard.attempt > request.attempt then return refuse('superseded') end
  local replaces = unheard and unheard.peer or request.replaces ~= '' and request.replaces
  local at = false
  if replaces and find(replaces) then
    bury(replaces)
    note_together()
    drop(replaces, 'removed')
    at = now
  elseif replaces then
    at = left_at(replaces)
  end
  if room.locked and not (at and now - at <= request.reload) then return refuse('locked') end
  if #members >= room.capacity then return refuse('room-full') end
  if at then note_left(replaces, -math.abs(at)) end -- once
  if room.call and room.call.waits then finish() end -- those whom it waited for had their time
  local stamp = stamp_now -- above all others in the room, also when the clock was set back
  if #members > 0 then stamp = math.max(stamp, members[#members].stamp + 1) end
  return admit(stamp, 1)
end

function operations.resume()
  if is_remembered(tonumber(found[3] or nil)) then return refuse('gone') end
  -- Those who are there may not have been told of yet. Whoever gets a list without them forgets what they have said, and they do not know.
  local wait = quarantine() - request.quarantine * 3 / 4
  if wait > 0 and not find(request.peer) then return refuse('unavailable', math.ceil(wait)) end
  revive(request.node)
  expire()
  if is_fresh() then bring(request.call) end
  local known = find(request.peer)
  if not known then
    if room.locked or #members >= room.capacity then return refuse('replaced') end
    return admit(request.stamp, request.connection + 1)
  end
  if known.request == request.request then return answer(known.peer, has_not_heard(known)) end
  if request.attempt and request.attempt < known.attempt then return refuse('superseded') end
  note_together()
  local was_away = known.away
  known.node, known.request, known.attempt, known.is_hearsay = request.node, request.request, request.attempt or 0, nil
  known.connection = math.max(known.connection, request.connection) + 1 -- an older one may have been put back
  known.away, known.keep, known.expires_at = false, nil, now + request.lease
  is_changed = true
  if was_away then happen('back', {peer = known.peer}) end
  if request.state then note_shown(known) end
  if request.state and not alike(request.state, known.state) then
    known.state = request.state
    happen('state', {peer = known.peer})
  end
  settle()
  return answer(known.peer, has_not_heard(known))
end

function operations.leave()
  if not fenced() then return fence() end
  bury(request.peer)
  local restored_at = request.restores ~= '' and left_at(request.restores)
  if restored_at then note_left(request.restores, math.abs(restored_at)) end
  note_together()
  drop(request.peer, 'hung-up')
  settle()
  return answer()
end

function operations.away()
  local member = fenced()
  if not member or member.away then return fence() end
  note_together()
  member.away, member.keep, member.expires_at = true, request.keep, now + request.keep
  happen('away', {peer = member.peer})
  return answer(member.peer)
end

function operations.show()
  local member = fenced()
  if not member then return fence() end
  local before = {}
  for name, value in pairs(member.state) do before[name] = value end
  for name, value in pairs(request.change) do member.state[name] = value end
  note_shown(member)
  is_extended = true
  if not alike(before, member.state) then happen('state', {peer = member.peer}) end
  return answer(member.peer)
end

function operations.lock()
  local member = fenced()
  if not member then return fence() end
  if member.locking == request.request then return answer(member.peer) end -- a late second run must not undo what others did since
  member.locking, is_extended = request.request, true
  if room.locked ~= request.locked then
    room.locked = request.locked
    happen('lock', {peer = member.peer, locked = room.locked})
    if is_fresh() then room.told, room.is_lock_said = room.revision, true end -- no node knows better
  end
  return answer(member.peer)
end

function operations.report()
  local call = room.call
  if not fenced() or not call then return fence() end
  is_changed = not call.connected or (request.relayed and not call.relayed)
  if not call.connected and call.started >= boot.at then call.connect_seconds = math.max(0, now - call.started) end
  call.connected, call.relayed = true, call.relayed or request.relayed
  return answer(request.peer)
end

function operations.view()
  return answer()
end

function operations.renew()
  -- The members whose sockets a node holds: their leases begin anew, and who is missing because Redis came back empty is put back. Then
  -- what the node knows of the room holds too, if it knows more: of a room before this one it does not. Nobody hears that somebody `joined`
  -- who was there all the time, for both would begin their streams anew: all get the whole list.
  quarantine()
  for _, held in ipairs(request.held) do revive(held.node) end
  local before = room.revision
  local is_silent, reminded = false, false -- whether there is something to know that no event tells
  local function change_silently()
    if not is_silent then room.revision = room.revision + 1 end
    is_silent, is_changed = true, true
  end
  for _, held in ipairs(request.held) do
    local known, place = find(held.peer)
    local is_older = known and known.connection < held.connection
    if known and known.is_hearsay and known.request == held.request then
      known.is_hearsay, is_extended = nil, true
    end
    if known and not is_older and known.request ~= held.request then -- numbers of sockets begin anew in a Redis that is new
      no_place[held.peer] = 'superseded'
    elseif is_older then -- another node has put it back, or Redis itself is, as it was before
      held.away, held.keep, held.expires_at = false, nil, now + term(held.node)
      members[place] = held
      change_silently()
    elseif known and not known.away then
      known.expires_at = now + term(held.node)
      is_extended = true
    end
  end
  expire()
  -- Redis has forgotten, or is as it was before. Else what the node knows is of a room that is over.
  local may_know_better = is_fresh() or made_at(request.version) > made_at(room.version)
  if request.if_forgotten and not may_know_better then return answer() end
  -- While all nodes tell a Redis that is new what they know, the one that knows most is right, in whatever order they come.
  local told = is_former() and (room.told or 0) or before
  local is_behind = request.revision == before and made_at(request.version) > made_at(room.version) -- by what raised no revision
  local knows_more = request.revision > told or is_behind
  local capacity = knows_more and may_know_better and request.capacity or room.capacity
  local function catch_up()
    if request.revision <= told and not is_behind then return end
    told, is_behind = request.revision, false
    change_silently()
    room.revision = math.max(room.revision, told + 1)
    if may_know_better then
      if not (is_fresh() and room.is_lock_said) then room.locked = request.locked end
      room.capacity = request.capacity
    elseif not are_others(request.knows) then -- a lock may have been lost by a Redis that is as it was before
      room.locked = room.locked or request.locked
    end
    if is_fresh() then room.told = told end
  end
  for _, held in ipairs(request.held) do
    local known = find(held.peer)
    if no_place[held.peer] then
      -- its newer socket knows more
    elseif known then
      catch_up()
      if (held.shown_at or 0) > (known.shown_at or 0) then -- also when others have changed the room since it was lost
        known.state, known.shown_at = held.state, held.shown_at
        change_silently()
      end
    elseif has_left(held.peer) then
      no_place[held.peer] = 'removed'
    elseif #members >= capacity or room.locked and not may_know_better and are_others(request.knows) then
      no_place[held.peer] = 'replaced'
    else
      catch_up()
      held.away, held.keep, held.expires_at = false, nil, now + term(held.node)
      if is_fresh() then
        insert(held)
        change_silently() -- another node may have put back its own a moment ago
      else
        put(held)
      end
    end
  end
  for _, other in ipairs(request.others or {}) do -- whom the node only knows of; they may be on their way back
    other.expires_at = other.away and math.min(other.expires_at, now + 60) or now + request.lease
    other.keep = other.away and math.max(0, other.expires_at - now) or nil
    if is_fresh() and other.expires_at > now and not find(other.peer) and #members < room.capacity and not has_left(other.peer) then
      other.is_hearsay = true
      insert(other)
      reminded = true
    end
  end
  if reminded then change_silently() end
  if #members > 0 then
    bring(request.call)
    settle()
  end
  -- The events stand below what was raised silently, so whoever counts them back from here must find that something was missed.
  if is_silent then room.revision = room.revision + #events end
  return answer(nil, is_silent)
end

function operations.beat()
  -- A node shows that it lives, and ends the calls of rooms in which nobody is left. Answers the time, the rooms of its people that have
  -- changed since it last had an answer, and the nodes that have died.
  quarantine()
  -- It could not renew for long, and cannot tell whether the others could. One that is always slow must not keep the dead for ever.
  local has_stood_still = request.held and now - request.last > request.lease * 2 / 3 and boot.grace + 2 * request.lease < now
  if has_stood_still or boot.grace > now + request.lease then -- or the clock was set back
    boot.grace = now + request.lease
  end
  boot.seen = now
  save_boot()
  local node, news = request.node, 'news:' .. request.node
  local since = lives(node) and request.last and lease_of(node) - request.lease - request.last
  if not since or since < -0.001 then -- Redis is as it was before
    tell_anew(node)
  elseif since < 0.001 then -- else the last answer was lost, and this was done then
    redis.call('LTRIM', news, request.taken, -1)
  end
  renew_lease(node)
  -- A clock that was set back must not let anybody live for longer than was said.
  for _, other in ipairs(redis.call('ZRANGEBYSCORE', 'nodes', string.format('(%.6f', leases[node]), '+inf')) do renew_lease(other) end
  redis.call('ZREMRANGEBYSCORE', 'nodes', '-inf', string.format('%.6f', now - 2 * DAY))
  local ended = {}
  for _, room_id in ipairs(redis.call('ZRANGEBYSCORE', 'calls:due', '-inf', string.format('%.6f', now), 'LIMIT', 0, request.count)) do
    local text = redis.call('GET', 'room:' .. room_id)
    if text then
      open(room_id, text)
      expire()
      for _, record in ipairs(over) do ended[#ended + 1] = record end
      save()
    else
      redis.call('ZREM', 'calls:due', room_id)
    end
  end
  expire_news(node)
  local dead = {}
  if boot.grace <= now then
    dead = redis.call('ZRANGEBYSCORE', 'nodes', string.format('%.6f', now - 8 * request.lease), string.format('%.6f', now))
  end
  return {
    string.format('%.6f', now), string.format('%.17g', boot.at), #ended > 0 and cmsgpack.pack(ended),
    redis.call('LRANGE', news, 0, -1), dead,
  }
end

local function begin(given_keys, arguments)
  keys, request, leases = given_keys, cmsgpack.unpack(arguments[1]), {}
  local clock = redis.call('TIME')
  now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000 + request.skew
  stamp_now = tonumber(clock[1]) * 1000000 + tonumber(clock[2]) + math.floor(request.skew * 1000000)
  found = request.op == 'refresh' and {false, redis.call('GET', keys[2])} or redis.call('MGET', unpack(keys))
  known_boot = found[2]
  boot = known_boot and cmsgpack.unpack(known_boot) or {at = math.huge, grace = 0}
  boot.before = boot.before or 0
end

local function run(...)
  begin(...)
  if request.op == 'refresh' then return refresh() end
  -- Redis stood still, or its clock was put forward: no node could renew, and what runs first must take nobody for lost.
  if now - (boot.seen or boot.at) > request.lease * 2 / 3 then
    boot.seen, boot.grace = now, now + request.lease
    save_boot()
  end
  open(keys[1]:sub(6), found[1])
  if room.last and room.last[1] == request.request then return {cmsgpack.pack(room), room.last[2]} end -- the answer to the first run was lost
  -- Redis stood still, and whoever wanted in was told that it does not answer: now they would sit there unknowing, and be counted. Or its
  -- clock was put forward: they come again after the next heartbeat.
  if request.by and now > request.by then return refuse('unavailable', 2) end
  return operations[request.op]()
end
