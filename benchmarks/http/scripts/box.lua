-- A box of 0.06 by 0.06 degrees; about one entity in a thousand lies in it.
local common = require("common")
local base

function init(args)
  common.seed()
  base = common.base()
end

function request()
  local west, south = -72 + math.random() * 1.94, -31 + math.random() * 1.94
  local east, north = west + 0.06, south + 0.06
  return wrk.format("GET", string.format(
    "%s/entities?type=Reading&limit=20&georel=within&geometry=Polygon&coordinates="
      .. "%%5B%%5B%%5B%.5f,%.5f%%5D,%%5B%.5f,%.5f%%5D,%%5B%.5f,%.5f%%5D,%%5B%.5f,%.5f%%5D,%%5B%.5f,%.5f%%5D%%5D%%5D",
    base, west, south, east, south, east, north, west, north, west, south))
end

done = common.figures
