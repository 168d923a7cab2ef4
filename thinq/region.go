package thinq

// Region is the regional cloud of a country: "kic", "aic" or "eic". The error
// names a code that is not in LG's table.
func Region(country string) (string, error) { panic("unwritten") }
