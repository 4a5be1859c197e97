-- The requests of one measurement: wrk -s requests.lua URL -- kind=read host=… target=… first=… keys=… seed=…
--
-- wrk has one core, and what is spent here is missing there: whatever can be is made before the first request, the rest is
-- a concatenation. Numbers have eight digits, so that all requests of a kind have one length. The seed is given, so that
-- yardstick and node are asked the same.

local READY_MAX = 200000 -- requests that are made beforehand; more identifiers than that are put together one by one
local PIPELINED = 16
local BLOCKS = 20000 -- of pipelined requests, made beforehand
local BODIES = 64 -- of batches, made beforehand
local BATCH = 1000
local WRITE_EVERY = 20
local SERIES_FIRST = 10000000

local random = math.random
local kinds = {}

local function reads(option)
    local head = "GET " .. option.target
    local tail = " HTTP/1.1\r\nHost: " .. option.host .. "\r\n"
    local first, keys = tonumber(option.first), tonumber(option.keys)
    return head, tail, first, keys
end

local function posts(option, target, kind)
    local head = "POST " .. target .. " HTTP/1.1\r\nHost: " .. option.host .. "\r\nContent-Type: application/json\r\n"
    if option.key then
        head = head .. "Authorization: Bearer " .. option.key .. "\r\n"
    end
    return head .. "Content-Length: "
end

-- A GET of one of `keys` identifiers.
function kinds.read(option)
    local head, tail, first, keys = reads(option)
    tail = tail .. "\r\n"
    if keys > READY_MAX then
        local last = first + keys - 1
        return function()
            return head .. random(first, last) .. tail
        end
    end
    local ready = {}
    for number = 1, keys do
        ready[number] = head .. (first + number - 1) .. tail
    end
    return function()
        return ready[random(keys)]
    end
end

-- The same with a trace header that no other request has.
function kinds.traced(option)
    local head, tail, first, keys = reads(option)
    tail = tail .. "traceparent: 00-4bf92f3577b34da6a3ce929d"
    local ready = {}
    for number = 1, math.min(keys, READY_MAX) do
        ready[number] = head .. (first + number - 1) .. tail
    end
    local count, trace = #ready, SERIES_FIRST
    return function()
        trace = trace + 1
        return ready[random(count)] .. trace .. "-00f067aa0ba902b7-01\r\n\r\n"
    end
end

-- PIPELINED GETs in one write.
function kinds.pipelined(option)
    local head, tail, first, keys = reads(option)
    tail = tail .. "\r\n"
    local blocks = {}
    for number = 1, BLOCKS do
        local block = {}
        for place = 1, PIPELINED do
            block[place] = head .. (first + random(keys) - 1) .. tail
        end
        blocks[number] = table.concat(block)
    end
    return function()
        return blocks[random(BLOCKS)]
    end
end

-- `body` between its places {n}, and its size with numbers of eight digits there.
local function pieces(body)
    local found, size, from = {}, 0, 1
    while true do
        local place = body:find("{n}", from, true)
        found[#found + 1] = body:sub(from, place and place - 1)
        size = size + #found[#found]
        if not place then
            return found, size + 8 * (#found - 1)
        end
        from = place + 3
    end
end

-- A registration each time; {n} in `body` is a number of eight digits that no other request has.
function kinds.register(option)
    local parts, size = pieces(option.body)
    local number = SERIES_FIRST
    parts[1] = posts(option, "/v1/identifiers") .. size .. "\r\n\r\n" .. parts[1]
    return function()
        number = number + 1
        return table.concat(parts, number)
    end
end

-- POST /v1/identifiers:batch of BATCH rows; each has a number of its own.
function kinds.rows(option)
    local parts, size = pieces(option.body)
    local number = SERIES_FIRST
    local head = posts(option, "/v1/identifiers:batch") .. (#'{"rows":[]}' + BATCH * (size + 1) - 1) .. "\r\n\r\n"
    return function()
        local rows = {}
        for place = 1, BATCH do
            number = number + 1
            rows[place] = table.concat(parts, number)
        end
        return head .. '{"rows":[' .. table.concat(rows, ",") .. "]}"
    end
end

-- One registration in WRITE_EVERY requests, else a read.
function kinds.mixed(option)
    local read, register, turn = kinds.read(option), kinds.register(option), 0
    return function()
        turn = turn + 1
        if turn % WRITE_EVERY == 0 then
            return register()
        end
        return read()
    end
end

-- POST /v1/resolve of BATCH identifiers; `target` is what their names begin with.
function kinds.batch(option)
    local first, keys = tonumber(option.first), tonumber(option.keys)
    local head = posts(option, "/v1/resolve")
    local ready = {}
    for number = 1, BODIES do
        local names = {}
        for place = 1, BATCH do
            names[place] = '"' .. option.target .. (first + random(keys) - 1) .. '"'
        end
        local body = '{"identifiers":[' .. table.concat(names, ",") .. "]}"
        ready[number] = head .. #body .. "\r\n\r\n" .. body
    end
    return function()
        return ready[random(BODIES)]
    end
end

function init(args)
    local option = {}
    for place = 1, #args do
        local name, value = args[place]:match("^(%w+)=(.*)$")
        option[name] = value
    end
    math.randomseed(tonumber(option.seed))
    request = kinds[option.kind](option)
end

-- Replaced by init; that it is there tells wrk that requests differ.
function request()
    return ""
end

function done(summary, latency)
    local errors = summary.errors
    print(string.format(
        'REPORT {"requests":%d,"bytes":%d,"microseconds":%d,"p50_microseconds":%d,"p99_microseconds":%d,' ..
        '"refused":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d}',
        summary.requests, summary.bytes, summary.duration, latency:percentile(50), latency:percentile(99),
        errors.status, errors.connect, errors.read, errors.write, errors.timeout
    ))
end
