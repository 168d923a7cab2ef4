package thinqtest_test

import (
	"encoding/json"
	"fmt"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// enum, span and their like write descriptors.
func enum(mode string, words ...any) map[string]any {
	value := map[string]any{}
	for _, m := range mode {
		value[string(m)] = words
	}
	return map[string]any{"type": "enum", "mode": letters(mode), "value": value}
}

func span(mode string, least, most, step float64) map[string]any {
	value := map[string]any{}
	for _, m := range mode {
		value[string(m)] = map[string]any{"min": least, "max": most, "step": step}
	}
	return map[string]any{"type": "range", "mode": letters(mode), "value": value}
}

func num(mode string) map[string]any { return map[string]any{"type": "number", "mode": letters(mode)} }

func boolean(mode string) map[string]any {
	d := enum(mode, false, true)
	d["type"] = "boolean"
	return d
}

func letters(mode string) (out []string) {
	for _, m := range mode {
		out = append(out, string(m))
	}
	return out
}

type object = map[string]any

// sample makes an appliance whose id is its name.
func sample(name, kind string, profile any, status string) thinqtest.Sample {
	data, err := json.Marshal(profile)
	if err != nil {
		panic(err)
	}
	return thinqtest.Sample{
		Name:    name,
		Device:  json.RawMessage(fmt.Sprintf(`{"deviceId":%q,"deviceInfo":{"deviceType":"DEVICE_%s","modelName":"TEST","alias":%q,"reportable":true}}`, name, kind, name)),
		Profile: data,
		Status:  json.RawMessage(status),
	}
}

func sampleAC() thinqtest.Sample {
	units := func(unit string, least, most, step float64) object {
		return object{
			"currentTemperature": num("r"), "targetTemperature": num("r"), "unit": unit,
			"coolTargetTemperature": span("w", least, most, step), "heatTargetTemperature": span("w", least, most, step),
		}
	}
	s := sample("ac", "AIR_CONDITIONER", object{
		"property": object{
			"airConJobMode": object{"currentJobMode": enum("rw", "COOL", "HEAT", "AIR_DRY", "FAN", "AUTO")},
			"operation":     object{"airConOperationMode": enum("rw", "POWER_ON", "POWER_OFF"), "airCleanOperationMode": enum("w", "START", "STOP")},
			"airFlow":       object{"windStrength": enum("rw", "LOW", "MID", "HIGH")},
			"temperature": object{"currentTemperature": num("r"), "targetTemperature": span("rw", 18, 30, 1),
				"coolTargetTemperature": span("w", 18, 30, 1), "unit": enum("r", "C", "F")},
			"temperatureInUnits": []any{units("C", 18, 30, 1), units("F", 64, 86, 2)},
			"timer": object{"relativeHourToStop": num("rw"), "relativeMinuteToStop": num("rw"), "relativeStopTimer": enum("w", "UNSET"),
				"absoluteHourToStart": num("rw"), "absoluteMinuteToStart": num("rw")},
			"display": object{"light": num("r")},
		},
		"notification": object{"push": []string{"WATER_IS_FULL"}},
	}, `{"airConJobMode":{"currentJobMode":"COOL"},"operation":{"airConOperationMode":"POWER_ON"},"airFlow":{"windStrength":"MID"},
		"temperature":{"currentTemperature":25,"targetTemperature":19,"unit":"C"},
		"temperatureInUnits":[{"currentTemperature":25,"targetTemperature":19,"unit":"C"},{"currentTemperature":77,"targetTemperature":66,"unit":"F"}],
		"timer":{"relativeStopTimer":"UNSET","absoluteStartTimer":"UNSET"}}`)
	s.EnergyProfile = json.RawMessage(`{"resultCode":"0000","result":{"property":["energyUsage"]}}`)
	return s
}

// laundry is the profile of a washer or dryer, or of one half of a tower.
func laundry(operation string, states ...any) object {
	return object{
		"runState":            object{"currentState": enum("r", states...)},
		"operation":           object{operation: enum("w", "START", "STOP", "POWER_OFF", "POWER_ON", "WAKE_UP")},
		"remoteControlEnable": object{"remoteControlEnabled": boolean("r")},
		"timer": object{"remainHour": num("r"), "remainMinute": num("r"), "totalHour": num("r"), "totalMinute": num("r"),
			"relativeHourToStop": span("rw", 3, 19, 1), "relativeMinuteToStop": num("r")},
	}
}

var washerStates = []any{"POWER_OFF", "INITIAL", "DETECTING", "RUNNING", "RINSING", "SPINNING", "PAUSE", "RESERVED", "END", "ERROR", "SLEEP"}

const laundryState = `"runState":{"currentState":"INITIAL"},"remoteControlEnable":{"remoteControlEnabled":true},
	"timer":{"remainHour":0,"remainMinute":0,"totalHour":1,"totalMinute":0,"relativeHourToStop":0,"relativeMinuteToStop":0}`

func sampleWasher() thinqtest.Sample {
	main := laundry("washerOperationMode", washerStates...)
	main["location"] = object{"locationName": "MAIN"}
	main["cycle"] = object{"cycleCount": num("r")}
	main["detergent"] = object{"detergentSetting": "NORMAL"}
	mini := laundry("washerOperationMode", washerStates...)
	mini["location"] = object{"locationName": "MINI"}
	return sample("washer", "WASHER", object{"property": []any{main, mini},
		"notification": object{"push": []string{"WASHING_IS_COMPLETE", "ERROR_DURING_WASHING"}}, "error": []string{"DOOR_OPEN_ERROR"}},
		`[{"location":{"locationName":"MAIN"},"cycle":{"cycleCount":10},`+laundryState+`},{"location":{"locationName":"MINI"},`+laundryState+`}]`)
}

func sampleTower() thinqtest.Sample {
	return sample("tower", "WASHTOWER", object{
		"washer": object{"property": laundry("washerOperationMode", washerStates...), "notification": object{"push": []string{"WASHING_IS_COMPLETE"}}},
		"dryer":  object{"property": laundry("dryerOperationMode", "POWER_OFF", "INITIAL", "RUNNING", "COOLING", "PAUSE", "END"), "notification": object{"push": []string{"DRYING_IS_COMPLETE"}}},
	}, `{"washer":{`+laundryState+`},"dryer":{`+laundryState+`}}`)
}

func sampleFridge() thinqtest.Sample {
	zone := func(name string, least, most float64) object {
		return object{"locationName": name, "unit": enum("r", "C", "F"),
			"targetTemperatureC": span("rw", least, most, 1), "targetTemperatureF": span("rw", least*2+30, most*2+30, 1)}
	}
	return sample("fridge", "REFRIGERATOR", object{"property": object{
		"doorStatus":         []any{object{"locationName": "MAIN", "doorState": enum("r", "OPEN", "CLOSE")}},
		"temperatureInUnits": []any{zone("FRIDGE", 1, 7), zone("FREEZER", -23, -15)},
		"temperature":        []any{object{"locationName": "FRIDGE", "targetTemperature": span("rw", 1, 7, 1), "unit": "C"}},
		"refrigeration":      object{"expressMode": boolean("rw"), "freshAirFilter": enum("r", "OFF", "AUTO")},
	}}, `{"doorStatus":[{"locationName":"MAIN","doorState":"CLOSE"}],"refrigeration":{"expressMode":false,"freshAirFilter":"AUTO"},
		"temperature":[{"locationName":"FRIDGE","targetTemperature":3,"unit":"C"}],
		"temperatureInUnits":[{"locationName":"FRIDGE","targetTemperatureC":3,"targetTemperatureF":37,"unit":"C"},
			{"locationName":"FREEZER","targetTemperatureC":-18,"targetTemperatureF":0,"unit":"C"}]}`)
}

func sampleTwoSet() thinqtest.Sample {
	unit := func(u string, least, most float64) object {
		return object{"heatTargetTemperature": span("rw", least, most, 1), "coolTargetTemperature": span("rw", least, most, 1), "unit": u}
	}
	return sample("twoset", "AIR_CONDITIONER", object{"property": object{
		"airConJobMode":            object{"currentJobMode": enum("rw", "COOL", "HEAT", "AUTO", "FAN")},
		"twoSetTemperature":        object{"twoSetEnabled": boolean("r")},
		"twoSetTemperatureInUnits": []any{unit("C", 16, 30), unit("F", 60, 86)},
	}}, `{"airConJobMode":{"currentJobMode":"AUTO"},"twoSetTemperature":{"twoSetEnabled":true},
		"twoSetTemperatureInUnits":[{"heatTargetTemperature":20,"coolTargetTemperature":25,"unit":"C"},{"heatTargetTemperature":68,"coolTargetTemperature":77,"unit":"F"}]}`)
}

func sampleCooktop() thinqtest.Sample {
	zone := func(name string) object {
		return object{"location": object{"locationName": name}, "cookingZone": object{"currentState": enum("r", "INITIAL", "COOK", "LOCK")},
			"power": object{"powerLevel": span("rw", 0, 9, 1)}, "remoteControlEnable": object{"remoteControlEnabled": boolean("r")},
			"timer": object{"remainHour": span("rw", 0, 9, 1), "remainMinute": span("rw", 0, 59, 1)}}
	}
	state := func(name string) string {
		return `{"location":{"locationName":"` + name + `"},"cookingZone":{"currentState":"INITIAL"},"power":{"powerLevel":0},
			"remoteControlEnable":{"remoteControlEnabled":true},"timer":{"remainHour":0,"remainMinute":0}}`
	}
	return sample("cooktop", "COOKTOP", object{"property": []any{zone("LEFT"), zone("RIGHT")},
		"extensionProperty": object{"operation": object{"operationMode": enum("w", "POWER_OFF")}},
		"notification":      object{"push": []string{"COOKING_IS_COMPLETE"}}},
		`[`+state("LEFT")+`,`+state("RIGHT")+`]`)
}

func sampleOven() thinqtest.Sample {
	return sample("oven", "OVEN", object{"property": []any{object{
		"location":            object{"locationName": "OVEN"},
		"runState":            object{"currentState": enum("r", "INITIAL", "PREHEATING", "COOKING_IN_PROGRESS", "DONE", "COOLING")},
		"operation":           object{"ovenOperationMode": enum("w", "START", "STOP")},
		"cook":                object{"cookMode": enum("rw", "BAKE", "ROAST")},
		"remoteControlEnable": object{"remoteControlEnabled": boolean("r")},
		"temperature": []any{object{"targetTemperature": span("rw", 75, 290, 5), "unit": "C"},
			object{"targetTemperature": span("rw", 170, 550, 5), "unit": "F"}},
		"timer": object{"remainHour": num("r"), "remainMinute": num("r"), "remainSecond": num("r"), "targetHour": span("rw", 0, 11, 1), "targetMinute": span("rw", 0, 59, 1)},
	}}, "notification": object{"push": []string{"PREHEATING_IS_COMPLETE", "COOKING_IS_COMPLETE"}}},
		`[{"location":{"locationName":"OVEN"},"runState":{"currentState":"INITIAL"},"cook":{"cookMode":"BAKE"},"remoteControlEnable":{"remoteControlEnabled":true},
			"temperature":{"targetTemperature":180,"unit":"C"},"timer":{"remainHour":0,"remainMinute":0,"remainSecond":0,"targetHour":0,"targetMinute":20}}]`)
}

func sampleBoiler() thinqtest.Sample {
	return sample("boiler", "SYSTEM_BOILER", object{"property": object{
		"boilerJobMode": object{"currentJobMode": enum("rw", "HEAT", "COOL", "AUTO")},
		"operation": object{"boilerOperationMode": enum("rw", "POWER_ON", "POWER_OFF"), "hotWaterMode": enum("rw", "ON", "OFF"),
			"roomTempMode": enum("r", "WATER", "AIR")},
		"hotWaterTemperatureInUnits": []any{object{"targetTemperature": span("rw", 30, 80, 1), "unit": "C"}},
		"roomTemperatureInUnits": []any{object{"targetTemperature": num("r"), "airHeatTargetTemperature": span("w", 16, 30, 1),
			"waterHeatTargetTemperature": span("w", 15, 65, 1), "waterCoolTargetTemperature": span("w", 5, 27, 1), "unit": "C"}},
	}}, `{"boilerJobMode":{"currentJobMode":"HEAT"},"operation":{"boilerOperationMode":"POWER_ON","hotWaterMode":"ON","roomTempMode":"WATER"},
		"hotWaterTemperatureInUnits":[{"targetTemperature":50,"minTemperature":40,"maxTemperature":55,"unit":"C"}],
		"roomTemperatureInUnits":[{"targetTemperature":38,"waterHeatMinTemperature":20,"waterHeatMaxTemperature":55,"unit":"C"}]}`)
}

func sampleRobot() thinqtest.Sample {
	return sample("robot", "ROBOT_CLEANER", object{"property": object{
		"runState":  object{"currentState": enum("r", "STANDBY", "WORKING", "PAUSE", "HOMING", "CHARGING", "SLEEP")},
		"operation": object{"cleanOperationMode": enum("w", "START", "PAUSE", "RESUME", "HOMING", "WAKE_UP")},
		"battery":   object{"percent": num("r")},
	}, "notification": object{"push": []string{"CLEANING_IS_COMPLETED"}}}, `{"runState":{"currentState":"STANDBY"},"battery":{"percent":90}}`)
}
