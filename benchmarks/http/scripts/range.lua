-- q: a range of an attribute; about one entity in a hundred matches.
local common = require("common")
local base

function init(args)
  common.seed()
  base = common.base()
end

function request()
  local low = math.random(0, 989) / 10
  return wrk.format("GET", string.format(
    "%s/entities?type=Reading&limit=20&q=temperature%%3E=%.1f;temperature%%3C%.1f", base, low, low + 1))
end

done = common.figures
