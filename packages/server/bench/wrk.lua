-- Sends the bodies of a file in turn. Arguments: method, path, file of headers, file of bodies, and
-- the mean pause of a connection in ms (0: as fast as it goes). A line of three fields and a body, with
-- tabs between, is a signed request: its id, its timestamp and its signature.
local bodies, method, path, pause, at = {}, nil, nil, 0, 0

function init(args)
  method, path, pause = args[1], args[2], tonumber(args[5])
  for line in io.lines(args[3]) do
    local name, value = line:match("^([^:]+): (.*)$")
    wrk.headers[name] = value
  end
  for line in io.lines(args[4]) do bodies[#bodies + 1] = line end
  at = #bodies - 1
end

function request()
  at = at % #bodies + 1
  local id, timestamp, signature, body = bodies[at]:match("^(%S+)\t(%S+)\t(%S+)\t(.*)$")
  if id == nil then return wrk.format(method, path, nil, bodies[at]) end
  wrk.headers["X-Client-Request-Id"], wrk.headers["timestamp"] = id, timestamp
  wrk.headers["Signature"] = signature
  return wrk.format(method, path, nil, body)
end

function delay()
  return pause == 0 and 0 or math.random(0, 2 * pause)
end

function done(summary, latency)
  local failed = summary.errors.status + summary.errors.connect + summary.errors.read
    + summary.errors.write + summary.errors.timeout
  io.write(string.format('\n{"count":%d,"seconds":%.3f,"failed":%d,"p50":%.3f,"p99":%.3f}\n',
    summary.requests, summary.duration / 1e6, failed,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
