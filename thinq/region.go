package thinq

import (
	"fmt"
	"slices"
	"strings"
)

// regions is LG's table of countries by regional cloud, as in the official SDK.
var regions = map[string][]string{
	"kic": strings.Fields(`
		AU BD CN HK ID IN JP KH KR LA LK MM MY NP NZ PH SG TH TW VN`),
	"aic": strings.Fields(`
		AG AR AW BB BO BR BS BZ CA CL CO CR CU DM DO EC GD GT GY HN HT JM KN LC
		MX NI PA PE PR PY SR SV TT US UY VC VE`),
	"eic": strings.Fields(`
		AE AF AL AM AO AT AZ BA BE BF BG BH BJ BY CD CF CG CH CI CM CV CY CZ DE
		DJ DK DZ EE EG ES ET FI FR GA GB GE GH GM GN GQ GR HR HU IE IL IQ IR IS
		IT JO KE KG KW KZ LB LR LT LU LV LY MA MD ME MK ML MR MT MU MW NE NG NL
		NO OM PK PL PS PT QA RO RS RU RW SA SD SE SI SK SL SN SO ST SY TD TG TN
		TR TZ UA UG UZ XK YE ZA ZM`),
}

// Region is the regional cloud of a country: "kic" (Korea, Asia, Pacific), "aic"
// (the Americas) or "eic" (Europe, Africa, Middle East). The error names a code
// that is not in LG's table.
func Region(country string) (string, error) {
	for region, countries := range regions {
		if slices.Contains(countries, strings.ToUpper(country)) {
			return region, nil
		}
	}
	return "", fmt.Errorf("country %q is not served by LG ThinQ; give the two letters of the LG account's country, as in DE or US", country)
}
