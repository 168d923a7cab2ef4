package discovery

// typePrefix begins every one of LG's device types.
const typePrefix = "DEVICE_"

// unheard is what a type gets that is not in the table: the natural mapping, and
// the composites that go by the names of properties alone.
var unheard = Appliance{
	Composites: []Composite{
		programme{State: laundryProgramme.State, Timer: laundryProgramme.Timer, Count: laundryProgramme.Count, Proven: true},
		fan{Power: "operation.*OperationMode", Speed: airFlow, Angle: angles, Keep: true}, hoodFan,
		humidifier, dehumidifier, robot{State: robotCleaner.State, Operation: robotCleaner.Operation, Proof: "HOMING"},
		battery{State: chargers}, hoodLamp, moodLamp, cellarLamp, hob,
	},
	Rows: append(ventilationRows, hobRows...),
}

// laundryProgramme is the programme of everything that LG built like a washer.
var laundryProgramme = programme{State: "runState.currentState", Timer: "timer", Count: "cycle.cycleCount"}

// appliances is THE TABLE: one entry for each device type that LG documents.
// What is not said here follows from the profile.
var appliances = []Appliance{
	{Type: "DEVICE_AIR_CONDITIONER", Name: "Air conditioner", Main: climateKey,
		Composites: []Composite{
			airConditioner{}, filter,
			chooser{Path: "operation.airCleanOperationMode", Key: "air_clean", Name: "Air clean mode"},
		},
		Rows: []Row{
			{Path: "operation.airConOperationMode", Word: Word{Name: "Power", Icon: "mdi:power", Category: config}},
			{Path: "operation.airCleanOperationMode", Platform: Switch, On: "START"},
			{Path: "temperatureInUnits.currentTemperature", Word: Word{Disabled: true}},
			{Path: "temperature.currentTemperature", Word: Word{Disabled: true}},
			{Path: "twoSetTemperature.currentTemperature", Hidden: "the same as temperatureInUnits.currentTemperature"},
			{Path: "twoSetTemperature.twoSetEnabled", Word: Word{Name: "Two set-points", Category: diagnostic}},
			{Path: "runState.currentState", Platform: BinarySensor, On: "ERROR", Word: Word{Name: "Problem", Binary: "problem", Category: diagnostic}},
		}},
	{Type: "DEVICE_WASHER", Name: "Washer", Main: "current_state", Composites: laundry("washer"), Rows: laundryRows},
	{Type: "DEVICE_DRYER", Name: "Dryer", Main: "current_state", Composites: laundry("dryer"), Rows: laundryRows},
	{Type: "DEVICE_WASHTOWER", Name: "WashTower", Parts: map[string]string{"washer": "DEVICE_WASHER", "dryer": "DEVICE_DRYER"}},
	{Type: "DEVICE_WASHTOWER_WASHER", Name: "WashTower washer", Main: "current_state", Composites: laundry("washer"), Rows: laundryRows},
	{Type: "DEVICE_WASHTOWER_DRYER", Name: "WashTower dryer", Main: "current_state", Composites: laundry("dryer"), Rows: laundryRows},
	{Type: "DEVICE_WASHCOMBO_MAIN", Name: "WashCombo", Main: "current_state", Together: true, Heater: true, Composites: combo, Rows: laundryRows},
	{Type: "DEVICE_WASHCOMBO_MINI", Name: "WashCombo mini", Main: "mini_current_state", Place: "MINI", Together: true, Composites: combo, Rows: laundryRows},
	{Type: "DEVICE_REFRIGERATOR", Name: "Refrigerator",
		Rows: []Row{
			{Path: "refrigeration.expressMode", Word: Word{Name: "Ice plus"}},
		}},

	{Type: "DEVICE_AIR_PURIFIER", Name: "Air purifier", Main: fanKey,
		Composites: []Composite{fan{
			Power: "operation.airPurifierOperationMode",
			Speed: airFlow, Job: "airPurifierJobMode.currentJobMode", Angle: angles, Keep: true,
		}}},
	{Type: "DEVICE_AIR_PURIFIER_FAN", Name: "Air purifier fan", Main: fanKey,
		Composites: []Composite{fan{
			Power: "operation.airFanOperationMode",
			Speed: airFlow, Job: "airFanJobMode.currentJobMode", Angle: angles, Keep: true,
		}},
		Rows: []Row{{Path: "airFlow.windTemperature", While: "airFlow.warmMode"}}},
	{Type: "DEVICE_AIR_QUALITY_SENSOR", Name: "Air quality sensor"},
	{Type: "DEVICE_CEILING_FAN", Name: "Ceiling fan", Main: fanKey,
		Composites: []Composite{fan{Power: "operation.*OperationMode", Speed: airFlow, Angle: angles}}},
	{Type: "DEVICE_COOKTOP", Name: "Cooktop", Heater: true,
		Composites: []Composite{hob}, Rows: hobRows},
	{Type: "DEVICE_DEHUMIDIFIER", Name: "Dehumidifier", Main: humidifierKey,
		Composites: []Composite{dehumidifier}},
	{Type: "DEVICE_DISH_WASHER", Name: "Dishwasher", Main: "current_state", Composites: laundry("dishWasher"), Rows: laundryRows},
	{Type: "DEVICE_HOME_BREW", Name: "Home brew",
		Composites: []Composite{maturing{Elapsed: "timer.elapsedDayState", Total: "timer.elapsedDayTotal"}}},
	{Type: "DEVICE_HOOD", Name: "Hood", Main: fanKey, Composites: []Composite{hoodFan, hoodLamp}, Rows: ventilationRows},
	{Type: "DEVICE_HUMIDIFIER", Name: "Humidifier", Main: humidifierKey,
		Composites: []Composite{humidifier, moodLamp}},
	{Type: "DEVICE_KIMCHI_REFRIGERATOR", Name: "Kimchi refrigerator",
		Composites: []Composite{storage{Path: "temperature.targetTemperature"}}},
	{Type: "DEVICE_MICROWAVE_OVEN", Name: "Microwave oven", Heater: true, Composites: []Composite{laundryProgramme, preheating{laundryProgramme.State}, hoodFan, hoodLamp}, Rows: ventilationRows},
	{Type: "DEVICE_OVEN", Name: "Oven", Main: "current_state", Together: true,
		OwnUnit: true, Composites: append([]Composite{staging{
			Operation: "operation.ovenOperationMode", State: laundryProgramme.State,
			Values: []string{
				"cook.cookMode", "temperature.targetTemperature", "temperatureInUnits.targetTemperature",
				"timer.targetHour", "timer.targetMinute", "timer.targetSecond",
			},
		}, preheating{laundryProgramme.State}, hob}, laundry("oven")...),
		Rows: hobRows},
	{Type: "DEVICE_PLANT_CULTIVATOR", Name: "Plant cultivator",
		Composites: []Composite{plantLight{Resource: "light", Duration: "light.duration", Level: "light.brightness"}}},
	{Type: "DEVICE_ROBOT_CLEANER", Name: "Robot cleaner", Main: vacuumKey,
		Composites: []Composite{robotCleaner, laundryProgramme, battery{State: chargers, Main: true}}},
	{Type: "DEVICE_STICK_CLEANER", Name: "Stick cleaner", Composites: []Composite{battery{State: chargers}}},
	{Type: "DEVICE_STYLER", Name: "Styler", Main: "current_state", Composites: laundry("styler"), Rows: laundryRows},
	{Type: "DEVICE_SYSTEM_BOILER", Name: "System boiler", Heater: true, Main: climateKey,
		Composites: []Composite{boiler{}, waterHeater{
			Key: waterHeaterKey, Name: "Hot water", Temps: "hotWaterTemperatureInUnits", Low: "minTemperature", High: "maxTemperature",
			Power: []string{"operation.hotWaterMode", "operation.boilerOperationMode"},
		}},
		Rows: []Row{
			{Path: "operation.boilerOperationMode", Word: Word{Name: "Power", Icon: "mdi:power", Category: config}},
			{Path: "operation.hotWaterMode", Word: Word{Name: "Hot water heating"}},
			{Path: "hotWaterTemperatureInUnits.currentTemperature", Word: Word{Name: "Hot water temperature"}},
			{Path: "hotWaterTemperatureInUnits.targetTemperature", Word: Word{Name: "Hot water target temperature"}},
			{Path: "roomTemperatureInUnits.currentTemperature", Word: Word{Name: "Room temperature"}},
			{Path: "roomTemperatureInUnits.airCurrentTemperature", Word: Word{Name: "Air temperature"}},
			{Path: "roomTemperatureInUnits.inWaterCurrentTemperature", Word: Word{Name: "Water inlet temperature"}},
			{Path: "roomTemperatureInUnits.outWaterCurrentTemperature", Word: Word{Name: "Water outlet temperature"}},
		}},
	{Type: "DEVICE_VENTILATOR", Name: "Ventilator", Main: fanKey,
		Composites: []Composite{fan{Power: "operation.ventOperationMode", Speed: airFlow, Angle: angles, Keep: true}}},
	{Type: "DEVICE_WATER_HEATER", Name: "Water heater", Main: waterHeaterKey, Heater: true,
		Composites: []Composite{waterHeater{
			Key: waterHeaterKey, Name: "Water heater", Temps: "temperatureInUnits",
			Power: []string{"operation.waterHeaterOperationMode"}, Mode: "waterHeaterJobMode.currentJobMode",
		}, away{Mode: "waterHeaterJobMode.currentJobMode", Word: "VACATION"}}},
	{Type: "DEVICE_WATER_PURIFIER", Name: "Water purifier",
		Composites: []Composite{going{Path: "runState.sterilizingState", Word: "ON", Key: "sterilizing", Name: "Sterilizing now"}},
		Rows:       []Row{{Path: "runState.sterilizingState", Platform: Sensor}}},
	{Type: "DEVICE_WINE_CELLAR", Name: "Wine cellar", Composites: []Composite{cellarLamp}},
}

// laundry are the composites of an appliance with programmes.
func laundry(kind string) []Composite {
	return []Composite{laundryProgramme, controls{
		Operation: "operation." + kind + "OperationMode",
		State:     laundryProgramme.State,
		Remote:    "remoteControlEnable.remoteControlEnabled",
	}}
}

// combo are the composites of a washer that dries, too.
var combo = append([]Composite{staging{
	Operation: "operation.washerOperationMode", State: laundryProgramme.State, Values: []string{"mode.washerMode"},
}}, laundry("washer")...)

// laundryRows hold for washers and everything that LG built like them.
var laundryRows = []Row{
	{Path: "runState.currentState", Word: Word{Name: "State", Icon: "mdi:washing-machine"}},
	{Path: "timer.relativeToStart", Word: Word{Name: "Starts in", Category: plain}},
	{Path: "timer.relativeToStop", Word: Word{Name: "Ends in", Category: plain}},
}

// airFlow and angles are what fans call their speed and their sweep.
var (
	airFlow = []string{"airFlow.windStrength", "airFlow.windStrengthDetail", "airFlow.windStep"}
	angles  = []string{"airFlow.windAngle", "windDirection.rotateLeftRight", "windDirection.rotateUpDown"}
)

// hoodFan is the fan above a cooker: its lowest speed is off. Its lamp has
// levels, too.
var (
	hoodFan  = fan{Speed: []string{"ventilation.fanSpeed"}, Keep: true}
	hoodLamp = lamp{Key: lampKey, Name: "Lamp", Level: []string{"lamp.lampBrightness"}}
)

// moodLamp and cellarLamp are lamps of other appliances. A wine cellar has words
// for its levels, or else percents.
var (
	moodLamp   = lamp{Key: moodLampKey, Name: "Mood light", Level: []string{"moodLamp.moodLampState"}}
	cellarLamp = lamp{Key: cellarLampKey, Name: "Light", Level: []string{"operation.lightBrightness", "operation.lightStatus"}}
)

var humidifier = humidity{
	Class: "humidifier", Action: "humidifying", Power: "operation.humidifierOperationMode",
	Mode: "humidifierJobMode.currentJobMode", Current: []string{"airQualitySensor.humidity", "humidity.currentHumidity"},
	Reached: func(current, target float64) bool { return current >= target },
}

var dehumidifier = humidity{
	Class: "dehumidifier", Action: "drying", Power: "operation.dehumidifierOperationMode",
	Mode: "dehumidifierJobMode.currentJobMode", Current: []string{"humidity.currentHumidity", "airQualitySensor.humidity"},
	Reached: func(current, target float64) bool { return current <= target },
}

var robotCleaner = robot{State: "runState.currentState", Operation: "operation.cleanOperationMode"}

// chargers say whether a cleaner charges.
var chargers = []string{"runState.currentState", "runState.currentStateDetail"}

// filter is the filter of whatever moves air.
var filter = filterLeft{Life: "filterInfo.filterLifetime", Used: "filterInfo.usedTime", Left: "filterInfo.filterRemainPercent"}

// hob are the zones of a hob, also of one that is part of a range; hobRows: LG
// wants all of a zone in one call.
var (
	hob     = zones{Level: "power.powerLevel", Time: "timer", State: "cookingZone.currentState"}
	hobRows = []Row{
		{Path: "operation.operationMode", Word: Word{Name: "All off"}},
		{Path: "power.powerLevel", With: []string{"timer.remainHour", "timer.remainMinute"}},
		{Path: "timer.remain", With: []string{"power.powerLevel"}},
		{Path: "timer.remainHour", With: []string{"power.powerLevel", "timer.remainMinute"}},
		{Path: "timer.remainMinute", With: []string{"power.powerLevel", "timer.remainHour"}},
	}
)

// ventilationRows: LG wants the lamp and the fan in one call.
var ventilationRows = []Row{
	{Path: "lamp.lampBrightness", With: []string{"ventilation.fanSpeed"}},
	{Path: "ventilation.fanSpeed", With: []string{"lamp.lampBrightness"}, Word: Word{Disabled: true}}, // the fan does as much
}

// cookers and the like are words of device types, so that those that nobody has
// seen yet are among them.
const (
	cookers = "OVEN MICROWAVE RANGE FRYER GRILL TOASTER COOKER KETTLE"
	hobs    = "COOKTOP HOB"
	dryers  = "DRYER STYLER"
	combos  = "WASHCOMBO_MAIN"
	heaters = "HEATER BOILER"
)

// washing is when a washer that dries, too, does not.
const washing = "mode.washerMode=WASH"

// boosted is when the boost of a water heater goes on, after a vacation perhaps.
const boosted = derived + ".modeBeforeAway=TURBO"

// scald is how hot the water of a tap may become without leave, in Celsius.
const scald = 60

// hazards are what may do harm, but for those of zones, see [zone.guard]. What a person
// allows at the appliance itself before every start, as at washers, is none.
var hazards = []hazard{
	{types: cookers, does: ordering("START", "RESUME", "PREHEAT", "PREHEATING", "SELF_CLEAN", "SELF_CLEANING"), heats: true},
	{types: cookers, path: "temperature.targetTemperature", does: raising, rests: true},
	{types: cookers, path: "temperatureInUnits.targetTemperature", does: raising, rests: true},
	{types: cookers, path: "power.powerLevel", does: raising, rests: true},
	{types: cookers, path: "timer.target", does: raising, rests: true},
	{types: cookers, path: "timer.remain", does: raising, rests: true},
	{types: hobs, does: ordering("START", "RESUME", "POWER_ON", "BOOST")},
	{types: dryers, does: ordering("START", "RESUME"), heats: true},
	{types: dryers, path: "timer.relativeToStart", does: delaying},
	{types: dryers, path: "timer.relativeToStop", does: delaying},
	{types: combos, does: ordering("START", "RESUME"), unless: washing, heats: true},
	{types: combos, path: "timer.relativeToStart", does: delaying, unless: washing},
	{types: combos, path: "timer.relativeToStop", does: delaying, unless: washing},
	{types: heaters, path: "temperatureInUnits.targetTemperature", does: scalding},
	{types: heaters, path: "hotWaterTemperatureInUnits.targetTemperature", does: scalding},
	{types: heaters, does: ordering("TURBO"), unless: boosted},
	{types: heaters, does: ordering("BOOST")},
}
