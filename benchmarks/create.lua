-- One Twilio create after another, each to the next of `people` numbers that are nobody's.
--
--   wrk -s create.lua URL -- FIRST PEOPLE CREDENTIALS BODY
--
-- FIRST: where to begin among the people. CREDENTIALS: user:password in base64. BODY: the text,
-- percent-encoded. Requests have one length, so all but the number is built once.

local head, tail, n, people

function init(args)
  n, people = tonumber(args[1]), tonumber(args[2])
  tail = "&From=%2B12015550123&Body=" .. args[4]
  head = "POST " .. wrk.path .. " HTTP/1.1\r\n"
    .. "Host: " .. wrk.host .. ":" .. wrk.port .. "\r\n"
    .. "Authorization: Basic " .. args[3] .. "\r\n"
    .. "Content-Type: application/x-www-form-urlencoded\r\n"
    .. "Content-Length: " .. (#"To=%2B81" + 10 + #tail) .. "\r\n\r\n"
    .. "To=%2B81"
end

function request()
  n = (n + 1) % people
  local i = n * 7919 % people
  local half = i % 2
  return head .. (half == 0 and "700" or "900") .. string.format("%07d", (i - half) / 2) .. tail
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "errors": %d, "p50_us": %d, "p99_us": %d}\n',
    summary.requests,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
