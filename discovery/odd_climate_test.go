package discovery

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// An oddClimate is a heater or cooler as nobody has seen one.
type oddClimate struct {
	name               string
	kind               string
	properties, status object
	key                string    // of its main entity
	config             object    // that it must be announced with; nil: absent
	document           object    // that must be shown
	wish               [2]string // attribute and payload
	wants              []string  // what that sends, or why it is refused
}

func switching(mode string) object {
	return object{"airConOperationMode": oneWord(mode, "POWER_ON", "POWER_OFF")}
}

var (
	workModes = object{"currentJobMode": oneWord("rw", "COOL", "HEAT", "AUTO", "FAN")}
	isOn      = object{"airConOperationMode": "POWER_ON"}
	isCooling = object{"currentJobMode": "COOL"}
)

// block is one list entry of temperatures, cooling within limits.
func block(unit string, cool object) object {
	return object{"currentTemperature": numeral("r"), "targetTemperature": numeral("r"), "coolTargetTemperature": cool, "unit": unit}
}

func degreesAt(unit string, current, target any) object {
	return object{"currentTemperature": current, "targetTemperature": target, "unit": unit}
}

var oddClimates = []oddClimate{
	{name: "two set-points without the flag", kind: "AIR_CONDITIONER",
		properties: object{"operation": switching("rw"), "airConJobMode": workModes, "temperatureInUnits": []object{block("C", ranging("w", 18, 30, 1))},
			"twoSetTemperatureInUnits": []object{{"heatTargetTemperature": ranging("rw", 16, 28, 1), "coolTargetTemperature": ranging("rw", 18, 30, 1), "unit": "C"}}},
		status: object{"operation": isOn, "airConJobMode": isCooling, "temperatureInUnits": []object{degreesAt("C", 25, 22)}},
		key:    climateKey, config: object{"temperature_low_command_topic": nil, "min_temp": 18.0},
		wish: [2]string{"climate_temperature", "24"}, wants: []string{`{"temperatureInUnits":{"coolTargetTemperature":24,"unit":"C"}}`}},
	{name: "Fahrenheit alone", kind: "AIR_CONDITIONER",
		properties: object{"operation": switching("rw"), "airConJobMode": workModes, "temperatureInUnits": []object{block("F", ranging("w", 64, 86, 2))}},
		status:     object{"operation": isOn, "airConJobMode": isCooling, "temperatureInUnits": []object{degreesAt("F", 77, 74)}},
		key:        climateKey, config: object{"temperature_unit": "F", "min_temp": 64.0, "temp_step": 2.0, "precision": 1.0},
		wish: [2]string{"climate_temperature", "73"}, wants: []string{`{"temperatureInUnits":{"coolTargetTemperature":72,"unit":"F"}}`}},
	{name: "power only shown", kind: "AIR_CONDITIONER",
		properties: object{"operation": switching("r"), "airConJobMode": workModes, "temperatureInUnits": []object{block("C", ranging("w", 18, 30, 1))}},
		status:     object{"operation": object{"airConOperationMode": "POWER_OFF"}, "airConJobMode": isCooling},
		key:        climateKey, config: object{"power_command_topic": nil}, document: object{"climate_mode": "off"},
		wish: [2]string{"climate_mode", "off"}, wants: []string{"LG lets nobody switch this appliance off from afar"}},
	{name: "power only set", kind: "AIR_CONDITIONER",
		properties: object{"operation": switching("w"), "airConJobMode": workModes, "temperatureInUnits": []object{block("C", ranging("w", 18, 30, 1))}},
		status:     object{"airConJobMode": isCooling},
		key:        climateKey, document: object{"climate_mode": "cool"},
		wish: [2]string{"climate_mode", "off"}, wants: []string{`{"operation":{"airConOperationMode":"POWER_OFF"}}`}},
	{name: "modes without a list", kind: "AIR_CONDITIONER",
		properties: object{"operation": switching("rw"), "airConJobMode": object{"currentJobMode": object{"type": "enum", "mode": []string{"r", "w"}}}},
		status:     object{"operation": isOn, "airConJobMode": isCooling},
		key:        climateKey, config: object{"modes": []any{"off", "cool"}}, document: object{"climate_mode": "cool"},
		wish: [2]string{"climate_mode", "off"}, wants: []string{`{"operation":{"airConOperationMode":"POWER_OFF"}}`}},
	{name: "modes that can only be read", kind: "AIR_CONDITIONER",
		properties: object{"operation": switching("rw"), "airConJobMode": object{"currentJobMode": oneWord("r", "COOL", "HEAT")}},
		status:     object{"operation": object{"airConOperationMode": "POWER_OFF"}, "airConJobMode": isCooling},
		key:        climateKey, document: object{"climate_mode": "off"},
		wish: [2]string{"climate_mode", "cool"}, wants: []string{`{"operation":{"airConOperationMode":"POWER_ON"}}`}},
	{name: "words in mixed case", kind: "AIR_CONDITIONER",
		properties: object{"operation": object{"airConOperationMode": oneWord("rw", "Power_On", "Power_Off")},
			"airConJobMode":      object{"currentJobMode": oneWord("rw", "Cool", "Heat", "Energy_Saving")},
			"temperatureInUnits": []object{block("C", ranging("w", 18, 30, 1))}},
		status: object{"operation": object{"airConOperationMode": "Power_Off"}, "airConJobMode": object{"currentJobMode": "Heat"}},
		key:    climateKey, config: object{"modes": []any{"off", "cool", "heat"}, "preset_modes": []any{"energy_saving"}}, document: object{"climate_mode": "off"},
		wish: [2]string{"climate_mode", "cool"}, wants: []string{`{"operation":{"airConOperationMode":"Power_On"}}`, `{"airConJobMode":{"currentJobMode":"Cool"}}`}},
	{name: "limits the wrong way round", kind: "AIR_CONDITIONER",
		properties: object{"operation": switching("rw"), "airConJobMode": workModes, "temperatureInUnits": []object{block("C", ranging("w", 30, 18, 1))}},
		status:     object{"operation": isOn, "airConJobMode": isCooling},
		key:        climateKey, config: object{"min_temp": 10.0, "max_temp": 35.0},
		wish: [2]string{"climate_temperature", "24"}, wants: []string{`{"temperatureInUnits":{"coolTargetTemperature":24,"unit":"C"}}`}},
	{name: "no step", kind: "AIR_CONDITIONER",
		properties: object{"operation": switching("rw"), "airConJobMode": workModes, "temperatureInUnits": []object{block("C", ranging("w", 18, 30, 0))}},
		status:     object{"operation": isOn, "airConJobMode": isCooling},
		key:        climateKey, config: object{"temp_step": 1.0},
		wish: [2]string{"climate_temperature", "24.4"}, wants: []string{`{"temperatureInUnits":{"coolTargetTemperature":24,"unit":"C"}}`}},
	{name: "limits as words", kind: "AIR_CONDITIONER",
		properties: object{"operation": switching("rw"), "airConJobMode": workModes, "temperatureInUnits": []object{block("C", ranging("w", "18", "30", "0.5"))}},
		status:     object{"operation": isOn, "airConJobMode": isCooling, "temperatureInUnits": []object{degreesAt("C", "25", "22")}},
		key:        climateKey, config: object{"min_temp": 18.0, "temp_step": 0.5},
		wish: [2]string{"climate_temperature", "24.5"}, wants: []string{`{"temperatureInUnits":{"coolTargetTemperature":24.5,"unit":"C"}}`}},
	{name: "a hole in the range", kind: "AIR_CONDITIONER",
		properties: object{"operation": switching("rw"), "airConJobMode": workModes, "temperatureInUnits": []object{block("C", object{
			"type": "range", "mode": []string{"w"}, "value": object{"w": object{"min": 18, "max": 30, "step": 1, "except": []int{24, 25}}}})}},
		status: object{"operation": isOn, "airConJobMode": isCooling},
		key:    climateKey, wish: [2]string{"climate_temperature", "25"}, wants: []string{`{"temperatureInUnits":{"coolTargetTemperature":26,"unit":"C"}}`}},
	{name: "an object in the place of the list", kind: "AIR_CONDITIONER",
		properties: object{"operation": switching("rw"), "airConJobMode": workModes, "temperatureInUnits": object{
			"currentTemperature": numeral("r"), "targetTemperature": numeral("r"), "coolTargetTemperature": ranging("w", 18, 30, 1)}},
		status: object{"operation": isOn, "airConJobMode": isCooling, "temperatureInUnits": object{"currentTemperature": 25, "targetTemperature": 22}},
		key:    climateKey, config: object{"min_temp": 18.0}, document: object{"climate_temperature": 22.0},
		wish: [2]string{"climate_temperature", "24"}, wants: []string{`{"temperatureInUnits":{"coolTargetTemperature":24}}`}},
	{name: "nothing in the state", kind: "AIR_CONDITIONER",
		properties: object{"operation": switching("rw"), "airConJobMode": workModes, "temperatureInUnits": []object{block("C", ranging("w", 18, 30, 1))},
			"airFlow": object{"windStrength": oneWord("rw", "LOW")}, "windDirection": object{"rotateUpDown": yesNo("rw")}},
		status: object{}, key: climateKey,
		document: object{"climate_mode": nil, "climate_temperature": nil, "climate_fan_mode": nil, "climate_swing_mode": nil, "climate_action": nil},
		wish:     [2]string{"climate_mode", "heat"}, wants: []string{`{"airConJobMode":{"currentJobMode":"HEAT"}}`}},
	{name: "heating begins above where cooling ends", kind: "AIR_CONDITIONER",
		properties: object{"operation": switching("rw"), "airConJobMode": workModes, "twoSetTemperature": object{"twoSetEnabled": yesNo("r")},
			"temperatureInUnits":       []object{block("C", ranging("w", 18, 24, 1))},
			"twoSetTemperatureInUnits": []object{{"heatTargetTemperature": ranging("rw", 26, 30, 1), "coolTargetTemperature": ranging("rw", 18, 24, 1), "unit": "C"}}},
		status: object{"operation": isOn, "airConJobMode": object{"currentJobMode": "AUTO"}, "twoSetTemperature": object{"twoSetEnabled": true},
			"twoSetTemperatureInUnits": []object{{"heatTargetTemperature": 26, "coolTargetTemperature": 24, "unit": "C"}}},
		key: climateKey, config: object{"min_temp": 18.0, "max_temp": 30.0},
		wish: [2]string{"climate_temperature_high", "22"}, wants: []string{"the lower temperature, 26, is above the higher one, 22: set both, or the other one first"}},
	{name: "no target", kind: "AIR_CONDITIONER",
		properties: object{"operation": switching("rw"), "airConJobMode": workModes, "temperatureInUnits": []object{block("C", ranging("w", 18, 30, 1))}},
		status:     object{"operation": object{"airConOperationMode": "POWER_OFF"}, "airConJobMode": isCooling, "temperatureInUnits": []object{degreesAt("C", 25, 0)}},
		key:        climateKey, document: object{"climate_temperature": nil}},
	{name: "no temperature", kind: "AIR_CONDITIONER",
		properties: object{"operation": switching("rw"), "airConJobMode": workModes}, status: object{"operation": isOn, "airConJobMode": isCooling},
		key: climateKey, config: object{"temperature_command_topic": nil, "min_temp": nil}},
	{name: "measured in one unit, set in the other", kind: "AIR_CONDITIONER",
		properties: object{"operation": switching("rw"), "airConJobMode": workModes, "temperatureInUnits": []object{
			{"coolTargetTemperature": ranging("w", 18, 30, 1), "unit": "C"}, {"currentTemperature": numeral("r"), "targetTemperature": numeral("r"), "unit": "F"}}},
		status: object{"operation": isOn, "airConJobMode": isCooling, "temperatureInUnits": []object{degreesAt("F", 77, 72)}},
		key:    climateKey, config: object{"temperature_unit": "C"}, document: object{"climate_current_temperature": 25.0, "climate_temperature": 22.0},
		wish: [2]string{"climate_temperature", "24"}, wants: []string{`{"temperatureInUnits":{"coolTargetTemperature":24,"unit":"C"}}`}},
	{name: "a boiler that says nothing of its side", kind: "SYSTEM_BOILER",
		properties: object{"operation": object{"boilerOperationMode": oneWord("rw", "POWER_ON", "POWER_OFF")}, "boilerJobMode": workModes,
			"roomTemperatureInUnits": []object{{"currentTemperature": numeral("r"), "targetTemperature": ranging("rw", 15, 65, 1), "unit": "C"}}},
		status: object{"operation": object{"boilerOperationMode": "POWER_ON"}, "boilerJobMode": object{"currentJobMode": "HEAT"},
			"roomTemperatureInUnits": []object{degreesAt("C", 40, 45)}},
		key: climateKey, config: object{"max_temp": 65.0}, document: object{"climate_current_temperature": 40.0, "climate_temperature": 45.0},
		wish: [2]string{"climate_temperature", "50"}, wants: []string{`{"roomTemperatureInUnits":{"targetTemperature":50,"unit":"C"}}`}},
	{name: "a boiler without limits", kind: "SYSTEM_BOILER",
		properties: object{"operation": object{"boilerOperationMode": oneWord("rw", "POWER_ON", "POWER_OFF"), "roomTempMode": oneWord("r", "AIR", "WATER")}, "boilerJobMode": workModes,
			"roomTemperatureInUnits": []object{{"outWaterCurrentTemperature": numeral("r"), "targetTemperature": numeral("r"), "waterHeatTargetTemperature": numeral("w"), "unit": "C"}}},
		status: object{"operation": object{"boilerOperationMode": "POWER_ON", "roomTempMode": "WATER"}, "boilerJobMode": object{"currentJobMode": "HEAT"}},
		key:    climateKey, config: object{"max_temp": 80.0},
		wish: [2]string{"climate_temperature", "70"}, wants: []string{`{"roomTemperatureInUnits":{"unit":"C","waterHeatTargetTemperature":70}}`}},
	{name: "a water heater whose target can only be read", kind: "WATER_HEATER",
		properties: object{"waterHeaterJobMode": object{"currentJobMode": oneWord("rw", "AUTO", "BOOST")},
			"temperatureInUnits": []object{{"currentTemperature": numeral("r"), "targetTemperature": numeral("r"), "unit": "F"}}},
		status: object{"waterHeaterJobMode": object{"currentJobMode": "BOOST"}, "temperatureInUnits": []object{degreesAt("F", 110, 120)}},
		key:    waterHeaterKey, config: object{"temperature_command_topic": nil, "temperature_unit": "F", "modes": []any{"eco", "boost"}},
		document: object{"water_heater_temperature": 120.0, "water_heater_mode": "boost"}},
	{name: "a water heater with nothing but a target", kind: "WATER_HEATER",
		properties: object{"temperatureInUnits": []object{{"targetTemperature": ranging("rw", 35, 60, 1), "unit": "C"}}},
		status:     object{"temperatureInUnits": []object{{"targetTemperature": 40, "unit": "C"}}},
		key:        waterHeaterKey, document: object{"water_heater_temperature": 40.0},
		wish: [2]string{"water_heater_temperature", "50"}, wants: []string{`{"temperatureInUnits":{"targetTemperature":50,"unit":"C"}}`}},
}

// TestOddClimates: whatever a profile leaves out or turns round, the entity is
// there, Home Assistant takes it and every value of it, and commands end well.
func TestOddClimates(t *testing.T) {
	for _, odd := range oddClimates {
		t.Run(odd.name, func(t *testing.T) {
			s := made(t, odd.kind, odd.properties, odd.status)
			c := s.announced(t)[odd.key]
			if c == nil {
				t.Fatalf("there is no %s", odd.key)
			}
			for key, want := range odd.config {
				if diff := cmp.Diff(want, c[key]); diff != "" {
					t.Errorf("%s (-want +got):\n%s", key, diff)
				}
			}
			doc := s.document(t)
			for key, want := range odd.document {
				if doc[key] != want {
					t.Errorf("%s = %v, want %v", key, doc[key], want)
				}
			}
			if odd.wish[0] != "" {
				if diff := cmp.Diff(odd.wants, s.sent(t, map[string]string{odd.wish[0]: odd.wish[1]})); diff != "" {
					t.Errorf("sends (-want +got):\n%s", diff)
				}
			}
			s.withstands(t)
		})
	}
}

// withstands checks an appliance with every value that it may report, and with
// each of its values missing.
func (s invented) withstands(t *testing.T) {
	t.Helper()
	devices := s.describe(testOptions)
	home := newHome()
	for _, p := range slices.Concat([]thinq.Property{{}}, s.profile.Properties) {
		for _, v := range append(mayReport(p), nil) {
			now := maps.Clone(s.state)
			now[p.Path] = v
			then := follow(s.sample, devices, now, thinq.State{p.Path: v}, testOptions)
			home.accepts(t, then, now)
			for _, d := range then {
				checkAnnouncement(t, d.Announcement())
				obeyAnything(t, d, s.profile, now)
			}
		}
	}
}
