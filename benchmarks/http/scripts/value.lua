-- q: one value of an attribute; about one entity in a thousand matches.
local common = require("common")
local base

function init(args)
  common.seed()
  base = common.base()
end

function request()
  local value = string.format("%.1f", math.random(0, 999) / 10):gsub("%.0$", "")
  return wrk.format("GET", base .. "/entities?type=Reading&limit=20&q=temperature==" .. value)
end

done = common.figures
