package discovery

import (
	"slices"
	"strings"
)

// A Word is how a property is presented. Empty fields say nothing.
type Word struct {
	Name       string // English; default made of the property's name
	Class      string // device class of a number
	Binary     string // device class of a binary sensor
	StateClass string
	Unit       string // Home Assistant's spelling; default from LG's
	Icon       string
	Category   string // entity category, see the constants
	Disabled   bool   // not enabled by default
	Box        bool   // a number typed in, not slid
	Low, High  float64
}

// The entity categories of Home Assistant. A setting that can only be read is
// shown as diagnostic, because Home Assistant refuses a sensor as config.
const (
	config     = "config"
	diagnostic = "diagnostic"
	plain      = "none" // overrules a category found by the end of a name
)

const (
	measurement = "measurement"
	increasing  = "total_increasing"
	// μ is U+03BC, the only micro sign that every release of Home Assistant
	// since 2025.9 takes.
	microgram = "μg/m³"
)

// words speaks of properties that many appliances share: by resource.name where
// the name alone is not enough, else by name.
var words = map[string]Word{
	"PM1":  {Name: "PM1", Class: "pm1", Unit: microgram, StateClass: measurement},
	"PM2":  {Name: "PM2.5", Class: "pm25", Unit: microgram, StateClass: measurement},
	"PM25": {Name: "PM2.5", Class: "pm25", Unit: microgram, StateClass: measurement},
	"PM10": {Name: "PM10", Class: "pm10", Unit: microgram, StateClass: measurement},
	"CO2":  {Name: "Carbon dioxide", Class: "carbon_dioxide", Unit: "ppm", StateClass: measurement},

	"PM1Level":            {Name: "PM1 level", Disabled: true},
	"PM2Level":            {Name: "PM2.5 level", Disabled: true},
	"PM10Level":           {Name: "PM10 level", Disabled: true},
	"humidity":            {Class: "humidity", Unit: "%", StateClass: measurement},
	"currentHumidity":     {Class: "humidity", Unit: "%", StateClass: measurement},
	"targetHumidity":      {Class: "humidity", Unit: "%", Low: 0, High: 100},
	"temperature":         {Class: "temperature", StateClass: measurement},
	"colorTemperature":    {Name: "Color temperature", Icon: "mdi:palette", Unit: "K"},
	"illuminance":         {Class: "illuminance", Unit: "lx", StateClass: measurement},
	"lux":                 {Name: "Illuminance", Class: "illuminance", Unit: "lx", StateClass: measurement},
	"odor":                {Name: "Odor", Icon: "mdi:scent", StateClass: measurement, Disabled: true},
	"oder":                {Name: "Odor", Icon: "mdi:scent", StateClass: measurement, Disabled: true},
	"odorLevel":           {Name: "Odor level", Icon: "mdi:scent"},
	"oderLevel":           {Name: "Odor level", Icon: "mdi:scent"},
	"totalPollution":      {Name: "Total pollution", StateClass: measurement, Disabled: true},
	"totalPollutionLevel": {Name: "Total pollution level", Icon: "mdi:air-filter"},
	"monitoringEnabled":   {Name: "Air quality monitoring", Icon: "mdi:monitor-eye", Category: config},

	"currentState":                {Name: "State", Icon: "mdi:list-status"},
	"currentStateDetail":          {Name: "State detail", Category: diagnostic},
	"currentJobMode":              {Name: "Mode", Icon: "mdi:format-list-bulleted"},
	"currentJobModeDetail":        {Name: "Mode detail", Category: diagnostic},
	"personalizationMode":         {Name: "Personalization", Icon: "mdi:dots-circle"},
	"remoteControlEnabled":        {Name: "Remote start", Icon: "mdi:remote"},
	"doorState":                   {Name: "Door", Binary: "door"},
	"cycleCount":                  {Name: "Cycles", Icon: "mdi:counter", StateClass: increasing, Category: diagnostic},
	"detergentSetting":            {Name: "Detergent setting", Category: diagnostic, Disabled: true},
	"windStrength":                {Name: "Fan speed", Icon: "mdi:wind-power-outline"},
	"windStrengthDetail":          {Name: "Fan speed detail", Icon: "mdi:wind-power-outline"},
	"windStrengthLevel":           {Name: "Fan speed", Icon: "mdi:wind-power-outline"},
	"windStep":                    {Name: "Fan step", Icon: "mdi:wind-power-outline"},
	"windAngle":                   {Name: "Fan angle", Icon: "mdi:rotate-360"},
	"windTemperature":             {Name: "Fan temperature", Class: "temperature"},
	"windVolume":                  {Name: "Wind volume", Icon: "mdi:wind-power-outline"},
	"fanSpeed":                    {Name: "Fan speed", Icon: "mdi:wind-power-outline"},
	"lampBrightness":              {Name: "Lamp brightness", Icon: "mdi:alarm-light-outline"},
	"rotateUpDown":                {Name: "Vertical swing", Icon: "mdi:arrow-up-down"},
	"rotateLeftRight":             {Name: "Horizontal swing", Icon: "mdi:arrow-left-right"},
	"airGuideWind":                {Name: "Air guide", Icon: "mdi:weather-windy"},
	"swirlWind":                   {Name: "Swirl wind", Icon: "mdi:weather-windy"},
	"highCeilingWind":             {Name: "High ceiling wind", Icon: "mdi:weather-windy"},
	"concentrationWind":           {Name: "Concentrated wind", Icon: "mdi:weather-windy"},
	"autoFitWind":                 {Name: "Auto fit wind", Icon: "mdi:weather-windy"},
	"forestWind":                  {Name: "Forest wind", Icon: "mdi:weather-windy"},
	"mannerWind":                  {Name: "Manner wind", Icon: "mdi:weather-windy"},
	"powerSaveEnabled":            {Name: "Energy saving", Icon: "mdi:hydro-power", Category: config},
	"light":                       {Name: "Display light", Icon: "mdi:lightbulb-on-outline", Category: config},
	"airCleanOperationMode":       {Name: "Air clean", Icon: "mdi:air-filter", Category: config},
	"uvNano":                      {Name: "UV nano", Icon: "mdi:air-filter"},
	"warmMode":                    {Name: "Warm mode", Icon: "mdi:heat-wave"},
	"hotWaterMode":                {Name: "Hot water", Icon: "mdi:heat-wave", Category: config},
	"moodLampState":               {Name: "Mood lamp", Icon: "mdi:lamp"},
	"autoMode":                    {Name: "Auto mode", Icon: "mdi:cogs"},
	"sleepMode":                   {Name: "Sleep mode", Icon: "mdi:cogs"},
	"hygieneDryMode":              {Name: "Hygiene dry", Icon: "mdi:format-list-bulleted"},
	"optimalHumidity":             {Name: "Optimal humidity", Icon: "mdi:water-percent", Category: config},
	"ecoFriendlyMode":             {Name: "Eco friendly", Icon: "mdi:sprout"},
	"sabbathMode":                 {Name: "Sabbath mode", Icon: "mdi:food-off-outline"},
	"rapidFreeze":                 {Name: "Rapid freeze", Icon: "mdi:snowflake", Category: config},
	"expressMode":                 {Name: "Express freeze", Icon: "mdi:snowflake-variant", Category: config},
	"expressModeName":             {Name: "Express compartment", Category: diagnostic, Disabled: true},
	"expressFridge":               {Name: "Express fridge", Icon: "mdi:snowflake", Category: config},
	"freshAirFilter":              {Name: "Fresh air filter", Icon: "mdi:air-filter"},
	"freshAirFilterRemainPercent": {Name: "Fresh air filter remaining", Icon: "mdi:air-filter", Unit: "%", StateClass: measurement},
	"filterRemainPercent":         {Name: "Filter remaining", Icon: "mdi:air-filter", Unit: "%", StateClass: measurement},
	"topFilterRemainPercent":      {Name: "Top filter remaining", Icon: "mdi:air-filter", Unit: "%", StateClass: measurement},
	"filterLifetime":              {Name: "Filter lifetime", Icon: "mdi:air-filter", Class: "duration", Unit: "h"},
	"filterInfo.usedTime":         {Name: "Filter used", Icon: "mdi:air-filter", Class: "duration", Unit: "h", Category: diagnostic},
	"waterFilterInfo.usedTime":    {Name: "Water filter used", Icon: "mdi:water", Unit: "months"},
	"waterFilterState":            {Name: "Water filter", Icon: "mdi:water"},
	"waterFilter1RemainPercent":   {Name: "Water filter 1 remaining", Icon: "mdi:water", Unit: "%", StateClass: measurement},
	"waterFilter2RemainPercent":   {Name: "Water filter 2 remaining", Icon: "mdi:water", Unit: "%", StateClass: measurement},
	"waterFilter3RemainPercent":   {Name: "Water filter 3 remaining", Icon: "mdi:water", Unit: "%", StateClass: measurement},
	"oneTouchFilter":              {Name: "One-touch filter", Icon: "mdi:air-filter"},
	"rinseRefill":                 {Name: "Rinse aid refill", Icon: "mdi:tune-vertical-variant"},
	"rinseLevel":                  {Name: "Rinse aid level", Icon: "mdi:tune-vertical-variant"},
	"softeningLevel":              {Name: "Softening level", Icon: "mdi:tune-vertical-variant"},
	"mCReminder":                  {Name: "Machine clean reminder", Icon: "mdi:tune-vertical-variant"},
	"signalLevel":                 {Name: "Chime", Icon: "mdi:tune-vertical-variant"},
	"cleanLReminder":              {Name: "Clean light reminder", Icon: "mdi:tune-vertical-variant"},
	"currentDishWashingCourse":    {Name: "Course", Icon: "mdi:format-list-checks"},
	"washerMode":                  {Name: "Washer mode", Icon: "mdi:washing-machine"},
	"cookMode":                    {Name: "Cook mode", Icon: "mdi:chef-hat"},
	"powerLevel":                  {Name: "Power level", Icon: "mdi:radiator"},
	"cockState":                   {Name: "Tap", Icon: "mdi:water"},
	"sterilizingState":            {Name: "Sterilizing", Icon: "mdi:water-alert-outline"},
	"waterType":                   {Name: "Water type", Icon: "mdi:water"},
	"growthMode":                  {Name: "Growth mode", Icon: "mdi:sprout-outline"},
	"temperatureState":            {Name: "Temperature state", Icon: "mdi:thermometer"},
	"brightness":                  {Icon: "mdi:tune-vertical-variant"},
	"duration":                    {Icon: "mdi:tune-vertical-variant"},
	"light.brightness":            {Name: "Light brightness", Icon: "mdi:brightness-6", Unit: "%"},
	"light.duration":              {Name: "Light duration", Icon: "mdi:clock-outline", Class: "duration", Unit: "h"},
	"lightBrightness":             {Name: "Light brightness", Icon: "mdi:brightness-6"},
	"lightStatus":                 {Name: "Light level", Icon: "mdi:television-ambient-light", Unit: "%", Low: 0, High: 100},
	"beerRemain":                  {Name: "Beer remaining", Icon: "mdi:glass-mug-variant", Unit: "%", StateClass: measurement},
	"elapsedDayState":             {Name: "Elapsed days", Icon: "mdi:calendar-range-outline", Class: "duration", Unit: "d"},
	"elapsedDayTotal":             {Name: "Total days", Icon: "mdi:calendar-range-outline", Class: "duration", Unit: "d"},
	"recipeName":                  {Name: "Recipe", Icon: "mdi:glass-mug-variant"},
	"wortInfo":                    {Name: "Wort", Icon: "mdi:information-box-outline"},
	"yeastInfo":                   {Name: "Yeast", Icon: "mdi:information-box-outline"},
	"hopOilInfo":                  {Name: "Hop oil", Icon: "mdi:information-box-outline"},
	"hopOilCapsule1":              {Name: "Hop oil capsule 1", Icon: "mdi:information-box-outline"},
	"hopOilCapsule2":              {Name: "Hop oil capsule 2", Icon: "mdi:information-box-outline"},
	"flavorInfo":                  {Name: "Flavor", Icon: "mdi:information-box-outline"},
	"flavorCapsule1":              {Name: "Flavor capsule 1", Icon: "mdi:information-box-outline"},
	"flavorCapsule2":              {Name: "Flavor capsule 2", Icon: "mdi:information-box-outline"},
	"battery.percent":             {Name: "Battery", Class: "battery", Unit: "%", StateClass: measurement},
	"battery.level":               {Name: "Battery level", Icon: "mdi:battery"},
	"roomTempMode":                {Name: "Room control", Category: diagnostic},
	"roomWaterMode":               {Name: "Water control", Category: diagnostic},
	"info.type":                   {Name: "Construction", Category: diagnostic, Disabled: true},

	"remain":              {Name: "Remaining time", Icon: "mdi:timer-sand"},
	"total":               {Name: "Total time", Icon: "mdi:timer-play-outline"},
	"running":             {Name: "Run time", Icon: "mdi:timer-play-outline"},
	"relativeToStart":     {Name: "Delayed start", Icon: "mdi:timer-edit-outline", Category: config},
	"relativeToStop":      {Name: "Delayed stop", Icon: "mdi:timer-edit-outline", Category: config},
	"relativeHourToStart": {Name: "Delayed start hours", Icon: "mdi:timer-edit-outline", Category: config},
	"relativeHourToStop":  {Name: "Delayed end hours", Icon: "mdi:timer-edit-outline", Category: config},
	"absoluteToStart":     {Name: "Start at", Icon: "mdi:clock-time-three-outline", Category: config},
	"absoluteToStop":      {Name: "Stop at", Icon: "mdi:clock-time-three-outline", Category: config},
	"target":              {Name: "Cook time", Icon: "mdi:timer-edit-outline"},
	"timer":               {Name: "Kitchen timer", Icon: "mdi:timer-edit-outline"},
	"start":               {Name: "Light start", Icon: "mdi:clock-time-three-outline"},
	"relativeStartTimer":  {Name: "Delayed start active", Icon: "mdi:timer-outline", Category: diagnostic, Disabled: true},
	"relativeStopTimer":   {Name: "Delayed stop active", Icon: "mdi:timer-outline", Category: diagnostic, Disabled: true},
	"absoluteStartTimer":  {Name: "Start time active", Icon: "mdi:timer-outline", Category: diagnostic, Disabled: true},
	"absoluteStopTimer":   {Name: "Stop time active", Icon: "mdi:timer-outline", Category: diagnostic, Disabled: true},

	"sleepTimer.relativeToStop":     {Name: "Sleep timer", Icon: "mdi:bed-clock", Category: config},
	"sleepTimer.relativeHourToStop": {Name: "Sleep timer", Icon: "mdi:bed-clock", High: 12, Category: config},
	"sleepTimer.relativeStopTimer":  {Name: "Sleep timer active", Icon: "mdi:bed-clock", Category: diagnostic, Disabled: true},
}

// endings speak of properties that no entry of words knows, by the end of
// their name. The first that fits counts.
var endings = []struct {
	end string
	Word
}{
	{"CurrentTemperature", Word{Class: "temperature", StateClass: measurement}},
	{"currentTemperature", Word{Class: "temperature", StateClass: measurement}},
	{"TargetTemperature", Word{Class: "temperature", Icon: "mdi:thermometer"}},
	{"targetTemperature", Word{Class: "temperature", Icon: "mdi:thermometer"}},
	{"MinTemperature", Word{Class: "temperature", Icon: "mdi:thermometer"}},
	{"minTemperature", Word{Class: "temperature", Icon: "mdi:thermometer"}},
	{"MaxTemperature", Word{Class: "temperature", Icon: "mdi:thermometer"}},
	{"maxTemperature", Word{Class: "temperature", Icon: "mdi:thermometer"}},
	{"Temperature", Word{Class: "temperature", StateClass: measurement, Icon: "mdi:thermometer"}},
	{"temperature", Word{Class: "temperature"}},
	{"RemainPercent", Word{Unit: "%", StateClass: measurement}},
	{"Percent", Word{Unit: "%", StateClass: measurement}},
	{"OperationMode", Word{Icon: "mdi:power"}},
	{"JobMode", Word{Icon: "mdi:format-list-bulleted"}},
	{"Mode", Word{}},
	{"State", Word{}},
	{"Humidity", Word{Class: "humidity", Unit: "%", StateClass: measurement}},
	{"Hour", Word{Unit: "h", Class: "duration", High: 24}},
	{"Minute", Word{Unit: "min", Class: "duration", High: 59}},
	{"Second", Word{Unit: "s", Class: "duration", High: 59}},
}

// hints speak of yes-or-no values that nothing else knows, by a word in their
// name in lower case.
var hints = []struct {
	part string
	Word
}{
	{"smoke", Word{Binary: "smoke"}},
	{"fire", Word{Binary: "smoke"}},
	{"gas", Word{Binary: "gas"}},
	{"leak", Word{Binary: "moisture"}},
	{"flood", Word{Binary: "moisture"}},
	{"motion", Word{Binary: "motion"}},
	{"tamper", Word{Binary: "tamper"}},
	{"occupancy", Word{Binary: "occupancy"}},
	{"door", Word{Binary: "door"}},
	{"alarm", Word{Binary: "problem"}},
}

// settings end the names of values that only set how something is watched.
var settings = []string{"Mode", "Enabled", "Setting"}

// hint finds a hint for a name.
func hint(name string) (Word, bool) {
	if slices.ContainsFunc(settings, func(end string) bool { return strings.HasSuffix(name, end) }) {
		return Word{}, false
	}
	for _, h := range hints {
		if strings.Contains(strings.ToLower(name), h.part) {
			return h.Word, true
		}
	}
	return Word{}, false
}

// inner is what the unit of a timer is called inside a name:
// relativeHourToStop.
var inner = []struct {
	part string
	Word
}{
	{"Hour", Word{Unit: "h", Class: "duration", High: 24, Box: true}},
	{"Minute", Word{Unit: "min", Class: "duration", High: 59, Box: true}},
	{"Second", Word{Unit: "s", Class: "duration", High: 59, Box: true}},
}

// lookUp finds what is said about a property of a resource; false if nothing
// is.
func lookUp(resource, name string) (Word, bool) {
	w, known := words[resource+"."+name]
	if !known {
		w, known = words[name]
	}
	if !known {
		w, known = byEnding(name)
	}
	for _, i := range inner {
		if strings.Contains(name, i.part) {
			return merge(w, i.Word), true
		}
	}
	return w, known
}

func byEnding(name string) (Word, bool) {
	for _, e := range endings {
		if strings.HasSuffix(name, e.end) {
			return e.Word, true
		}
	}
	return Word{}, false
}

// merge fills the gaps of w.
func merge(w, gaps Word) Word {
	w.Name = or(w.Name, gaps.Name)
	w.Class = or(w.Class, gaps.Class)
	w.Binary = or(w.Binary, gaps.Binary)
	w.StateClass = or(w.StateClass, gaps.StateClass)
	w.Unit = or(w.Unit, gaps.Unit)
	w.Icon = or(w.Icon, gaps.Icon)
	w.Category = or(w.Category, gaps.Category)
	w.Disabled = w.Disabled || gaps.Disabled
	w.Box = w.Box || gaps.Box
	if w.Low == 0 && w.High == 0 {
		w.Low, w.High = gaps.Low, gaps.High
	}
	return w
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// units translates LG's units into Home Assistant's.
var units = map[string]string{
	"C": "°C", "F": "°F", "CELSIUS": "°C", "FAHRENHEIT": "°F",
	"G": "g", "KG": "kg", "HOUR": "h", "MINUTE": "min", "MIN": "min", "SECOND": "s", "DAY": "d", "MONTH": "months",
	"%": "%", "PERCENT": "%", "PPM": "ppm", "W": "W", "KW": "kW", "WH": "Wh", "KWH": "kWh", "L": "L", "ML": "mL",
	"V": "V", "A": "A", "MA": "mA", "HZ": "Hz", "LUX": "lx", "LX": "lx", "HPA": "hPa", "K": "K",
	"UG/M3": microgram, "µG/M³": microgram, "ΜG/M³": microgram, "㎍/㎥": microgram,
}

// unitClasses are the device classes of numbers that say no more of themselves
// than a unit which leaves no doubt, growths the state classes of what such a
// number measures where that is not plain from the class.
var (
	unitClasses = map[string]string{
		"W": "power", "kW": "power", "Wh": "energy", "kWh": "energy", "V": "voltage", "A": "current", "mA": "current",
		"Hz": "frequency", "lx": "illuminance", "hPa": "atmospheric_pressure", "°C": "temperature", "°F": "temperature",
	}
	growths = map[string]string{
		"power": measurement, "energy": increasing, "voltage": measurement, "current": measurement,
		"frequency": measurement, "illuminance": measurement, "atmospheric_pressure": measurement,
	}
)

// classUnits are the units that Home Assistant takes for the device classes of
// numbers, an empty one for none at all; a component with another one is refused
// since 2025.7. A class without a list takes every unit.
var classUnits = map[string][]string{
	"absolute_humidity":                {"g/m³", "mg/m³"},
	"apparent_power":                   {"mVA", "VA", "kVA"},
	"aqi":                              {""},
	"area":                             {"ac", "cm²", "ft²", "ha", "in²", "km²", "mi²", "mm²", "m²", "yd²"},
	"atmospheric_pressure":             {"mPa", "Pa", "hPa", "kPa", "bar", "cbar", "mbar", "mmHg", "inHg", "inH₂O", "psi"},
	"battery":                          {"%"},
	"blood_glucose_concentration":      {"mg/dL", "mmol/L"},
	"carbon_dioxide":                   {"ppm"},
	"carbon_monoxide":                  {"ppb", "ppm", "mg/m³", microgram},
	"conductivity":                     {"S/cm", "mS/cm", "μS/cm"},
	"current":                          {"A", "mA", "μA"},
	"data_rate":                        {"bit/s", "kbit/s", "Mbit/s", "Gbit/s", "B/s", "kB/s", "MB/s", "GB/s", "KiB/s", "MiB/s", "GiB/s"},
	"data_size":                        {"bit", "kbit", "Mbit", "Gbit", "B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"},
	"distance":                         {"km", "m", "cm", "mm", "mi", "nmi", "yd", "ft", "in"},
	"duration":                         {"d", "h", "min", "s", "ms", "μs"},
	"energy":                           {"J", "kJ", "MJ", "GJ", "mWh", "Wh", "kWh", "MWh", "GWh", "TWh", "cal", "kcal", "Mcal", "Gcal"},
	"energy_distance":                  {"kWh/100km", "Wh/km", "mi/kWh", "km/kWh"},
	"energy_storage":                   {"J", "kJ", "MJ", "GJ", "mWh", "Wh", "kWh", "MWh", "GWh", "TWh", "cal", "kcal", "Mcal", "Gcal"},
	"frequency":                        {"mHz", "Hz", "kHz", "MHz", "GHz"},
	"gas":                              {"CCF", "L", "MCF", "ft³", "m³"},
	"humidity":                         {"%"},
	"illuminance":                      {"lx"},
	"irradiance":                       {"W/m²", "BTU/(h⋅ft²)"},
	"moisture":                         {"%"},
	"monetary":                         nil,
	"nitrogen_dioxide":                 {"ppb", "ppm", microgram},
	"nitrogen_monoxide":                {"ppb", microgram},
	"nitrous_oxide":                    {microgram},
	"ozone":                            {"ppb", "ppm", microgram},
	"ph":                               {""},
	"pm1":                              {microgram},
	"pm10":                             {microgram},
	"pm25":                             {microgram},
	"pm4":                              {microgram},
	"power":                            {"mW", "W", "kW", "MW", "GW", "TW"},
	"power_factor":                     {"%", ""},
	"precipitation":                    {"cm", "in", "mm"},
	"precipitation_intensity":          {"in/d", "in/h", "mm/d", "mm/h"},
	"pressure":                         {"mPa", "Pa", "hPa", "kPa", "bar", "cbar", "mbar", "mmHg", "inHg", "inH₂O", "psi"},
	"radon":                            {"Bq/m³", "pCi/L"},
	"reactive_energy":                  {"varh", "kvarh"},
	"reactive_power":                   {"mvar", "var", "kvar"},
	"signal_strength":                  {"dB", "dBm"},
	"sound_pressure":                   {"dB", "dBA"},
	"speed":                            {"Beaufort", "ft/s", "in/d", "in/h", "in/s", "km/h", "kn", "m/min", "m/s", "mm/d", "mm/h", "mm/s", "mph"},
	"sulphur_dioxide":                  {"ppb", microgram},
	"temperature":                      {"°C", "°F", "K"},
	"temperature_delta":                {"°C", "°F", "K"},
	"volatile_organic_compounds":       {"mg/m³", microgram},
	"volatile_organic_compounds_parts": {"ppb", "ppm"},
	"voltage":                          {"μV", "mV", "V", "kV", "MV"},
	"volume":                           {"CCF", "L", "MCF", "fl. oz.", "ft³", "gal", "mL", "m³"},
	"volume_flow_rate":                 {"m³/h", "m³/min", "m³/s", "ft³/min", "L/h", "L/min", "L/s", "gal/d", "gal/h", "gal/min", "mL/s"},
	"volume_storage":                   {"CCF", "L", "MCF", "fl. oz.", "ft³", "gal", "mL", "m³"},
	"water":                            {"CCF", "L", "MCF", "ft³", "gal", "m³"},
	"weight":                           {"kg", "g", "mg", "μg", "oz", "lb", "st"},
	"wind_direction":                   {"°"},
	"wind_speed":                       {"Beaufort", "ft/s", "in/s", "km/h", "kn", "m/min", "m/s", "mm/s", "mph"},
}
