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
