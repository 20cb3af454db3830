-- One request of a tenant, by the generic cell rate algorithm (gcra.rs). KEYS[1]: the tenant. ARGV[1]: what a request
-- costs, ARGV[2]: the window, both in microseconds. The key holds when the bucket is full again. Answers the time until
-- then and, for a request that is refused, the time until one is let through, else 0; both in microseconds.
local cost, window = tonumber(ARGV[1]), tonumber(ARGV[2])
-- The server's clock: those of the replicas may differ.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local excess = full + cost - window - now
if excess > 0 then
    return {full - now, excess}
end
full = full + cost
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000))
return {full - now, 0}
